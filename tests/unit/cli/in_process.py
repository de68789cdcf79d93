"""The program, run in the process of the tests."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from unittest import mock

import pytest

from pyresque.cli.root import program
from pyresque.registry import default_registry

CLEAN = (
    "COLUMNS",
    "QUEUE",
    "QUEUES",
    "INTERVAL",
    "COUNT",
    "REDIS_URL",
    "RESQUE_REDIS_URL",
    "RESQUE_NAMESPACE",
)


@dataclass
class Result:
    """What one run of the program printed, and how it ended."""

    exit_code: object
    stdout: str
    stderr: str


_loaded: set[str] = set()


@contextlib.contextmanager
def without_jobs_of_tests() -> Iterator[None]:
    """The program as it starts: other tests of this process have registered jobs of theirs."""
    jobs = default_registry._by_name
    ours = {name: job for name, job in jobs.items() if name not in _loaded}
    for name in ours:
        del jobs[name]
    try:
        yield
    finally:
        _loaded.update(jobs)  # with -r: a module is imported only once
        jobs.update(ours)


def run(*words: str, answer: str = "", **env: str) -> Result:
    """The program in this process, with an answer to its question.

    (click's own test runner has no stderr of its own before 8.2.)
    """
    out, err = io.StringIO(), io.StringIO()
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in CLEAN and not name.startswith("PYRESQUE_")
    }
    with (
        mock.patch.dict(os.environ, {**kept, **env}, clear=True),
        mock.patch("sys.stdin", io.StringIO(answer)),
        without_jobs_of_tests(),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        program(list(words), prog_name="pyresque")
    return Result(end.value.code or 0, out.getvalue(), err.getvalue())
