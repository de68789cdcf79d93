"""The command line: `pyresque`.

root ............ the program: its commands, its exit codes
common_options .. what every command takes, and how it gets from there to a Resque
load_jobs ....... importing the user's jobs
output .......... tables, colours, relative times, texts made safe for a terminal
json_output ..... the one JSON form of all commands (docs/json-output.md)
confirm ......... the question before anything that destroys or repeats
log_format ...... log lines as Ruby's worker writes them
daemon .......... pidfile, background
and one module for each family of commands
"""

from pyresque.cli.root import main

__all__ = ["main"]
