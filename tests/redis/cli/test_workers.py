"""`pyresque workers`: workers of both languages."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from typing import Any

from pyresque import Resque
from pyresque.store.workers import mark_of
from pyresque.system.processes import process_birth, process_space
from pyresque.wire import times
from tests.redis.cli.console import Console
from tests.unit.cli.program import Program, one_line

RUBYS_ID = "rubyhost:4711:images,mail"


def dead_pid() -> int:
    """The number of a process that is no more."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


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
    assert shown[1].split()[:7] == [
        "rubyhost:4711", "Ruby", "images,mail", "working?", "RubyJob", "on", "images",
    ]  # fmt: skip


def test_workers_remove(program: Program, resque: Resque) -> None:
    """`workers remove` takes a worker out of the books; its job becomes a failure, as in Ruby."""
    register(resque, {"queue": "images", "run_at": "now", "payload": {"class": "RubyJob", "args": [1]}})
    done = program.run("workers", "remove", "--yes", RUBYS_ID)
    assert (done.returncode, done.stdout) == (0, f"removed {RUBYS_ID}; it had a job: RubyJob\n")
    assert resque.workers() == []
    (record,) = resque.failures.list()
    assert (record.class_name, record.text("exception")) == ("RubyJob", "Resque::DirtyExit")


def test_workers_remove_of_nobody(program: Program) -> None:
    """A worker that is not registered cannot be removed: exit code 1."""
    done = program.run("workers", "remove", "--yes", "nobody:1:x")
    assert done.returncode == 1
    assert one_line(done.stderr)


def test_language_age_and_life_are_shown(console: Console, resque: Resque) -> None:
    """Who works for how long, how old each heartbeat is, and whether each lives, as far as can be told."""
    now = int(resque.link.execute("TIME")[0])
    payload = {"class": "RubyJob", "args": ["\x1b[2J"]}
    register(resque, {"queue": "images", "run_at": times.run_at(now - 3600), "payload": payload})
    resque.link.execute("HSET", "resque:workers:heartbeat", RUBYS_ID, times.heartbeat(now - 20))
    gone, silent = f"{socket.gethostname()}:{dead_pid()}:{'long,' * 40}x", "web-1:2:q"
    resque.link.execute("SADD", "resque:workers", gone, silent)
    resque.link.execute("HSET", "resque:pyresque:workers", gone, process_space())
    shown = console.shown("worker", "list", COLUMNS="120")
    assert max(map(len, shown.splitlines())) <= 120
    assert "1 worker is dead: `pyresque worker prune` removes it" in shown
    rows = {line.split()[0]: line for line in shown.splitlines()[1:4]}
    assert "Ruby" in rows["rubyhost:4711"]
    assert re.search(r"60 min  \d+ s ago", rows["rubyhost:4711"])
    assert "  dead  " in rows[gone.rpartition(":")[0]]
    assert "  idle?  " in rows["web-1:2"]
    found = {one["id"]: one for one in console.documents("worker")}
    assert {one["id"]: (one["language"], one["alive"]) for one in found.values()} == {
        RUBYS_ID: ("ruby", True), gone: ("python", False), silent: ("ruby", None),
    }  # fmt: skip
    assert found[RUBYS_ID]["working_seconds"] >= 3600
    one = console.shown("worker", "show", "rubyhost:4711")
    assert 'args           ["\\u001b[2J"]' in one
    assert "alive          yes: its last heartbeat is " in one
    done = console.run("worker", "show", "web-1", "nobody:1")
    assert (done.exit_code, done.stdout.splitlines()[0].split()) == (1, ["id", silent])


def test_a_worker_of_ours_is_shown_with_its_process(console: Console, resque: Resque) -> None:
    """Its title, and the pool that starts another where it ends; `can_be_signalled` says it is the one."""
    pid = os.getpid()
    worker = f"{socket.gethostname()}:{pid}:q"
    resque.link.execute("SADD", "resque:workers", worker)
    mark = mark_of(process_space(), "0123456789abcdef" + process_birth(pid))
    resque.link.execute("HSET", "resque:pyresque:workers", worker, mark)
    shown = console.shown("worker", "show", worker)
    assert f"alive      yes: its process {pid} runs on this host" in shown
    assert "\nprocess    " in shown
    (found,) = console.documents("worker", "show", worker)
    assert (found["alive"], found["can_be_signalled"], found["pid"]) == (True, True, pid)
