"""The command line: `pyresque`.

root ....... the program: its commands, its exit codes
options .... what every command takes, and how it gets from there to a Resque
modules .... importing the user's jobs
show ....... tables, JSON lines, texts made safe for a terminal
logs ....... log lines as Ruby's worker writes them
daemon ..... pidfile, background
and one module for each family of commands
"""

from pyresque.cli.root import main

__all__ = ["main"]
