"""Where the process of a job stands, asked from outside."""

import os
import signal

from pyresque.worker.stack_dump import Stack


def stuck(write):
    """A job that does not end."""
    os.write(write, b"!")
    while True:
        signal.pause()


def test_a_process_tells_where_it_stands():
    """Innermost first, in Ruby's form; one that has gone tells nothing."""
    stack = Stack()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            stack.offer()
            stuck(write)
        finally:
            os._exit(1)
    try:
        os.read(read, 1)
        lines = stack.ask(pid)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(read)
        os.close(write)
    assert lines[0].startswith(f"{__file__}:")
    assert lines[0].endswith(":in `stuck'")
    assert stack.ask(pid) == []
    stack.close()
