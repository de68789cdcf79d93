"""`pyresque info`, `queues` and `peek` on a real Redis."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from pyresque import Resque
from tests.unit.cli.program import Program


def lines(done: subprocess.CompletedProcess[str]) -> list[Any]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_info(program: Program, resque: Resque) -> None:
    """`info --json` is one document with what Resque.info says; else a list of the same names."""
    resque.enqueue("SomeJob", queue="x")
    assert lines(program.run("info", "--json")) == [resque.info()]
    shown = program.run("info").stdout.splitlines()
    assert [line.split()[0] for line in shown] == list(resque.info())
    assert "pending      1" in shown


def test_queues(program: Program, resque: Resque) -> None:
    """`queues` lists names and sizes, names made safe for the terminal."""
    assert program.run("queues").stdout == "no queues\n"
    resque.enqueue("SomeJob", queue="évil\x1b[2J")
    resque.enqueue("SomeJob", queue="x")
    found = lines(program.run("queues", "--json"))
    assert [(one["queue"], one["size"]) for one in found] == [("x", 1), ("évil\x1b[2J", 1)]
    shown = program.run("queues").stdout.splitlines()
    assert [line.split()[:2] for line in shown] == [["QUEUE", "JOBS"], ["x", "1"], ["évil\\x1b[2J", "1"]]


def test_peek(program: Program, resque: Resque) -> None:
    """`peek` shows jobs, and elements that are none, from a place on; they stay in their queue."""
    resque.enqueue_many([("SomeJob", n) for n in range(3)], queue="x")
    resque.link.execute("RPUSH", "resque:queue:x", b"no \x1b json \xff")
    found = lines(program.run("peek", "x", "2", "5", "--json"))
    job = {"class": "SomeJob", "args": [2]}
    assert found == [
        {"queue": "x", "index": 2, "class": "SomeJob", "args": [2], "payload": job, "text": None},
        {
            "queue": "x",
            "index": 3,
            "class": None,
            "args": None,
            "payload": None,
            "text": "no \x1b json \\xff",
        },
    ]
    shown = program.run("peek", "x", "1").stdout.splitlines()
    assert [line.split()[:2] for line in shown[1:]] == [["1", "SomeJob"], ["2", "SomeJob"], ["3", "(no"]]
    assert "\x1b" not in "".join(shown)
    assert resque.size("x") == 4
    assert program.run("peek", "nothing").stdout == "queue nothing has no jobs\n"


def test_long_arguments_are_shortened(program: Program, resque: Resque) -> None:
    """A job with long arguments takes one line of a table, and all of it stands in the JSON."""
    resque.enqueue("SomeJob", "x" * 5000, queue="x")
    assert max(map(len, program.run("peek", "x").stdout.splitlines())) < 150
    assert lines(program.run("peek", "x", "--json"))[0]["args"] == ["x" * 5000]
