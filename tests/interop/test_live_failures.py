"""Failures that stand in several lists, as real Ruby writes them: each is retried once."""

from __future__ import annotations

import subprocess
import sys

from pyresque import Resque
from tests.interop.ruby import Python, Ruby

MULTIPLE = {"FAILURE_BACKEND": "multiple"}


def pyresque(python: Python, *words: str) -> str:
    """What a command of ours prints."""
    done = subprocess.run(
        [sys.executable, "-m", "pyresque", *words],
        env=python.environment({}),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def lists(resque: Resque) -> dict[str, list[bool]]:
    """Of each failure list what was retried."""
    return {
        name: [one.was_retried for one in resque.failures.list(list_name=name)]
        for name in resque.failures.lists()
    }


def arguments(resque: Resque) -> list[object]:
    """What waits on the queue."""
    return [job["args"][0] for job in resque.peek("jobs", 0, 99)]


def test_failures_of_several_backends(ruby: Ruby, python: Python, resque: Resque) -> None:
    """Three of Ruby's in two lists, one of which Ruby has retried: we put the other two back, once."""
    for n in range(3):
        resque.enqueue("FailJob", n, queue="jobs")
    ruby.work_off("jobs", **MULTIPLE)
    assert lists(resque) == {"failed": [False] * 3, "jobs_failed": [False] * 3}
    ruby.call("failure_requeue", MULTIPLE, index=1)
    assert arguments(resque) == [1]
    told = pyresque(python, "failed", "retry", "--all", "--yes")
    assert told.startswith("put 2 jobs back; 1 had been put back before")
    assert sorted(arguments(resque)) == [0, 1, 2]
    assert pyresque(python, "failed", "retry", "--all", "--yes").startswith("put 0 jobs back")
    assert all(one["retried_at"] for one in ruby.call("failures", MULTIPLE))
    assert pyresque(python, "failed", "clear", "--retried", "--yes") == "removed 3 failures\n"
    assert ruby.call("failures", MULTIPLE) == []
    assert resque.failures.count() == 0
    assert resque.size("jobs") == 3


def test_failures_that_rake_has_sorted(ruby: Ruby, python: Python, resque: Resque) -> None:
    """The task copies what is in `failed` to the lists of the queues: these are no other failures."""
    for n in range(2):
        ruby.enqueue("FailJob", n)
        resque.enqueue("FailJob", n + 2, queue="jobs")
    ruby.work_off("jobs", JOBS_PER_FORK="1")
    ruby.call("failures_sort")
    assert lists(resque) == {"failed": [False] * 4, "jobs_failed": [False] * 4}
    [copy] = [one for one in resque.failures.list(list_name="jobs_failed") if one.payload["args"] == [2]]
    assert resque.failures.requeue(copy)
    retried = [(one.list_name, one.payload["args"]) for one in resque.failures.list() if one.was_retried]
    assert retried == [("failed", [2]), ("jobs_failed", [2])]
    assert pyresque(python, "failed", "retry", "--all", "--yes").startswith("put 3 jobs back")
    assert sorted(arguments(resque)) == [0, 1, 2, 3]
    assert lists(resque) == {"failed": [True] * 4, "jobs_failed": [True] * 4}
    resque.failures.clear()
    assert resque.failures.count() == 0
