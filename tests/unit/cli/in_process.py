"""The program, run in the process of the tests."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import dataclass
from unittest import mock

import pytest

from pyresque.cli.root import program

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
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        program(list(words), prog_name="pyresque")
    return Result(end.value.code or 0, out.getvalue(), err.getvalue())
