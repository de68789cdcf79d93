"""BACKGROUND and the pidfile."""

from __future__ import annotations

import os
import signal

from pyresque import Resque
from tests.unit.cli.program import Program, one_line, until


def test_background_and_pidfile(program: Program, resque: Resque) -> None:
    """BACKGROUND detaches the worker; PIDFILE holds its pid without a newline, and stays."""
    pidfile = program.folder / "pid"
    done = program.run("work", "-q", "*", "-r", "jobs", BACKGROUND="", PIDFILE=str(pidfile))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    until(resque.workers)
    pid = pidfile.read_text()
    (worker,) = resque.workers()
    assert worker.pid == pid
    assert os.getsid(int(pid)) != os.getsid(0)
    resque.enqueue("ConvertJob", 1, queue="images")
    until(lambda: resque.stat("processed") == 1)
    os.kill(int(pid), signal.SIGQUIT)
    until(lambda: not resque.workers())
    assert pidfile.exists()


def test_pidfile_that_cannot_be_written(program: Program) -> None:
    """A pidfile in a folder that is not there ends with exit code 2 and one line."""
    done = program.run("work", "-q", "*", "-r", "jobs", "--pidfile", "no/such/folder/pid")
    assert done.returncode == 2
    assert one_line(done.stderr)
