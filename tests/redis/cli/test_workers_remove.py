"""`pyresque workers remove` on a real Redis: it takes the dead, and refuses whoever lives."""

from __future__ import annotations

import os
import socket

import pytest

from pyresque import Resque
from pyresque.system.processes import process_space
from pyresque.wire import times
from pyresque.worker.liveness import signs_of_life
from pyresque.worker.loop import unregister
from tests.redis.cli.test_workers import RUBYS_ID, dead_pid, register
from tests.unit.cli.program import Program, one_line, until

WAIT = """
import time
from pathlib import Path
from pyresque import job

@job(queue="q", name="WaitJob")
def wait(name: str) -> None:
    Path(f"{name}.begun").touch()
    while not Path(name).exists():
        time.sleep(0.02)
"""


def beats(resque: Resque, worker_id: str, age: float) -> None:
    """A worker in the books whose last heartbeat is so old."""
    resque.link.execute("SADD", "resque:workers", worker_id)
    now = int(resque.link.execute("TIME")[0])
    resque.link.execute("HSET", "resque:workers:heartbeat", worker_id, times.heartbeat(now - age))


@pytest.mark.parametrize("age", [0, 90, -3600])
def test_workers_remove_refuses_a_worker_that_beats(program: Program, resque: Resque, age: int) -> None:
    """Its job would be recorded as failed, and run on: exit code 1, unless it is forced."""
    beats(resque, RUBYS_ID, age)
    register(resque, {"queue": "images", "run_at": "now", "payload": {"class": "RubyJob", "args": [1]}})
    done = program.run("workers", "remove", "--yes", RUBYS_ID)
    assert (done.returncode, done.stdout) == (1, "")
    assert one_line(done.stderr)
    assert "its last heartbeat is " in done.stderr
    assert "--force" in done.stderr
    assert (len(resque.workers()), resque.failures.count()) == (1, 0)
    assert program.run("workers", "remove", "--yes", "--force", RUBYS_ID).returncode == 0
    assert (resque.workers(), resque.failures.count()) == ([], 1)


@pytest.mark.parametrize("beat", ["old", "none", "rubbish"])
def test_workers_remove_takes_a_worker_without_a_sign_of_life(
    program: Program, resque: Resque, beat: str
) -> None:
    """Two beats have not come, or there never was one that can be read."""
    register(resque)
    if beat == "old":
        beats(resque, RUBYS_ID, 122)
    elif beat == "rubbish":
        resque.link.execute("HSET", "resque:workers:heartbeat", RUBYS_ID, b"\xff soon")
    assert program.run("workers", "remove", "--yes", RUBYS_ID).returncode == 0
    assert resque.link.execute("HLEN", "resque:workers:heartbeat") == 0


def test_workers_remove_of_a_living_worker_of_ours(program: Program, resque: Resque) -> None:
    """Its process is seen, whatever its heartbeat says. Once it is killed it can be removed at once."""
    program.jobs(WAIT, "wait.py")
    with program.start("work", "-q", "q", "-r", "wait", "--interval", "0.1") as process:
        resque.enqueue("WaitJob", "x", queue="q")
        until((program.folder / "x.begun").exists)
        (worker,) = resque.workers()
        resque.link.execute("HDEL", "resque:workers:heartbeat", worker.id)
        done = program.run("workers", "remove", "--yes", worker.id)
        assert done.returncode == 1
        assert f"its process {process.pid} runs on this host" in done.stderr
        beats(resque, worker.id, 0)
        process.kill()
        process.communicate()
    done = program.run("workers", "remove", "--yes", worker.id)
    assert done.stdout == f"removed {worker.id}; it had a job: WaitJob\n"
    assert [one.text("error") for one in resque.failures.list()] == ["Job still being processed"]


def test_workers_remove_knows_whose_pid_it_is(program: Program, resque: Resque) -> None:
    """A pid counts on the host and in the container that it belongs to; of Ruby's the host is known."""
    host, me, gone = socket.gethostname(), os.getpid(), dead_pid()
    elsewhere, rubys, ours = f"{host}:{me}:a", f"{host}:{me}:b", f"{host}:{gone}:c"
    aliased = f"{host}-2:{me}:f"  # as a worker calls itself whose id another one has
    hidden, odd = f"{host}:{gone}:d", [f"{host}:0:e", f"{host}:{10**30}:e", f"{host}:-1:e", "odd"]
    for one, where in (
        (elsewhere, "another boot and container"),
        (ours, process_space()),
        (aliased, process_space()),
    ):
        resque.link.execute("HSET", "resque:pyresque:workers", one, where)
    beats(resque, ours, 0)
    beats(resque, hidden, 0)
    resque.link.execute("SADD", "resque:workers", elsewhere, rubys, aliased, *odd)
    done = program.run(
        "workers", "remove", "--yes", elsewhere, rubys, ours, hidden, aliased, *odd, "nobody:1:x"
    )
    assert done.returncode == 1
    assert [one.id for one in resque.workers()] == sorted([rubys, hidden, aliased])
    assert done.stderr.count("lives: its process") == 2
    assert done.stderr.count("lives: its last heartbeat") == 1
    assert done.stderr.count("there is no worker") == 1


@pytest.mark.parametrize("age", [500, None])
def test_a_worker_that_beats_meanwhile_is_not_removed(resque: Resque, age: int | None) -> None:
    """What was seen must still be so when it is taken out of the books; also that there was no beat."""
    register(resque)
    if age is not None:
        beats(resque, RUBYS_ID, age)
    signs = signs_of_life(resque.space, RUBYS_ID)
    assert signs.seen == ""
    beats(resque, RUBYS_ID, 0)
    assert not unregister(resque, RUBYS_ID, signs.beat)
    assert [one.id for one in resque.workers()] == [RUBYS_ID]
