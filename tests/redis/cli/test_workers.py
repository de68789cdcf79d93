"""`pyresque workers`: workers of both languages."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from pyresque import Resque
from tests.unit.cli.program import Program, one_line

RUBYS_ID = "rubyhost:4711:images,mail"


def lines(done: subprocess.CompletedProcess[str]) -> list[Any]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def register(resque: Resque, working: object = None) -> None:
    """A Ruby worker's books."""
    resque.link.execute("SADD", "resque:workers", RUBYS_ID)
    resque.link.execute("SET", f"resque:worker:{RUBYS_ID}:started", "2026-11-24 10:00:00 +0100")
    if working:
        resque.link.execute("SET", f"resque:worker:{RUBYS_ID}", json.dumps(working))


def test_workers(program: Program, resque: Resque) -> None:
    """`workers` shows the workers of either language and what they do; the keys are always the same."""
    assert program.run("workers").stdout == "no workers\n"
    register(resque)
    (idle,) = lines(program.run("workers", "--json"))
    payload = {"class": "RubyJob", "args": [1]}
    register(resque, {"queue": "images", "run_at": "2026-11-24T09:00:01Z", "payload": payload})
    (busy,) = lines(program.run("workers", "list", "--json"))
    assert list(idle) == list(busy)
    assert (idle["id"], idle["state"], idle["class"]) == (RUBYS_ID, "idle", None)
    assert (busy["state"], busy["class"], busy["args"], busy["queue"]) == (
        "working",
        "RubyJob",
        [1],
        "images",
    )
    shown = program.run("workers").stdout.splitlines()
    assert shown[1].split()[:5] == [RUBYS_ID, "working", "RubyJob", "on", "images"]


def test_workers_remove(program: Program, resque: Resque) -> None:
    """`workers remove` takes a worker out of the books; its job becomes a failure, as in Ruby."""
    register(resque, {"queue": "images", "run_at": "now", "payload": {"class": "RubyJob", "args": [1]}})
    done = program.run("workers", "remove", "--yes", RUBYS_ID)
    assert (done.returncode, done.stdout) == (0, f"removed {RUBYS_ID}\n")
    assert resque.workers() == []
    (record,) = resque.failures.list()
    assert (record.class_name, record.text("exception")) == ("RubyJob", "Resque::DirtyExit")


def test_workers_remove_of_nobody(program: Program) -> None:
    """A worker that is not registered cannot be removed: exit code 1."""
    done = program.run("workers", "remove", "--yes", "nobody:1:x")
    assert done.returncode == 1
    assert one_line(done.stderr)
