"""What ties a worker to its supervisor."""

import os
import signal
import time

import pytest

from pyresque.worker.pool.lifeline import Lifeline, has_supervisor, tell_ready


def worker(lifeline, released):
    """A worker that says that it is ready, and ends with the signal that tells of its supervisor's end."""
    heard = []
    signal.signal(signal.SIGQUIT, lambda number, _: heard.append(number))
    lifeline.tie()
    assert has_supervisor()
    tell_ready()
    tell_ready()
    os.close(released)
    while not heard:
        time.sleep(0.01)
    os._exit(7)


@pytest.fixture
def tied():
    """A worker with its lifeline."""
    lifeline = Lifeline()
    wait, released = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(wait)
            worker(lifeline, released)
        finally:
            os._exit(1)
    os.close(released)
    lifeline.hold()
    yield pid, lifeline, wait
    os.close(wait)


def test_a_worker_says_once_that_it_is_ready(tied):
    """And its supervisor's end, for which the pipe stands, is a QUIT to it."""
    pid, lifeline, wait = tied
    assert os.read(wait, 1) == b""
    assert lifeline.fileno() >= 0
    assert lifeline.heard()
    assert not lifeline.heard()
    assert lifeline.fileno() < 0
    lifeline.drop()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def test_this_process_has_no_supervisor():
    """Nobody wants to know whether it is ready."""
    assert not has_supervisor()
    tell_ready()
