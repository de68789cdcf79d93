"""The process of a job: forked, given jobs, heard, and ended."""

import os
import signal
import time

import pytest

from pyresque.worker.channel import Memory
from pyresque.worker.child import Child, Work
from pyresque.worker.report import Report, Task


def run(task):
    """A job that does what its element says."""
    if task.raw == b"fail":
        return Report("E", "nope")
    if task.raw == b"die":
        os.kill(os.getpid(), signal.SIGKILL)
    if task.raw == b"exit":
        os._exit(3)
    if task.raw == b"raise":
        raise LookupError("of our own code")
    return Report()


def a_child(task=None, jobs=1):
    nothing = lambda: None  # noqa: E731 (twice)
    return Child(Work(nothing, nothing, run, Memory(1 << 16), jobs=jobs), task)


def outcome(child):
    """What a child has reported, once it has, or has ended."""
    until = time.monotonic() + 30
    while (report := child.listen()) is None and child.poll() is None and time.monotonic() < until:
        time.sleep(0.001)
    return report or child.listen()


def ended(child):
    """Wait for the end of a child."""
    child.dismiss()
    until = time.monotonic() + 30
    while child.poll() is None and time.monotonic() < until:
        time.sleep(0.001)
    return child.status


def test_a_child_runs_the_job_with_which_it_was_made():
    """And ends."""
    child = a_child(Task(1, "q", b""))
    assert outcome(child) == Report()
    assert ended(child) == 0


def test_a_child_that_waits_runs_as_many_jobs_as_it_may():
    """One after the other; each report belongs to its job."""
    child = a_child(jobs=2)
    assert child.give(Task(1, "q", b"fail"))
    assert outcome(child).exception == "E"
    assert child.give(Task(2, "q", b""))
    assert outcome(child) == Report()
    assert not child.give(Task(3, "q", b""))
    assert ended(child) == 0


def test_a_child_that_is_dismissed_ends():
    """It never had a job."""
    assert ended(a_child()) == 0


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"die", r"received unhandled signal pid \d+ SIGKILL \(signal 9\)"),
        (b"exit", r"ended without finishing its job pid \d+ exit 3"),
    ],
)
def test_a_child_that_dies_has_failed_its_job(raw, text):
    """Only what it reports counts as done."""
    child = a_child(Task(1, "q", raw))
    assert outcome(child) is None
    ended(child)
    with pytest.raises(Exception, match=text):
        raise child.death()


def test_an_error_of_our_own_code_is_reported():
    """The process is broken, and runs no further job."""
    child = a_child(Task(1, "q", b"raise"), jobs=2)
    report = outcome(child)
    assert report.broken
    assert "LookupError: of our own code" in report.error
    assert ended(child) == 0
