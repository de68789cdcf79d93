"""A worker that was killed is found by the next start on its host, whoever has looked lately."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from pyresque.failure import Recorder, Redis
from pyresque.store.workers import mark_of
from pyresque.system.processes import process_birth, process_space
from pyresque.worker.pruner import STILL_PROCESSED, Pruner
from tests.redis.pools import JOBS, gone
from tests.unit.cli.program import until

HOST = socket.gethostname()
ME = f"{HOST}:{os.getpid()}:q"
LOCK = "resque:pruning_dead_workers_in_progress"
OURS = "resque:pyresque:workers"
WORD = "0123456789abcdef"

HARD = """
@job(name="HardJob")
def hard(name):
    pathlib.Path(f"{name}.begun").touch()
    os._exit(3)
"""
ASYNC = """
import asyncio

@job(name="AsyncJob")
async def waits(name):
    pathlib.Path(f"{name}.begun").touch()
    while not pathlib.Path(name).exists():
        await asyncio.sleep(0.01)
"""


@pytest.fixture
def prune(resque):
    """Look as a worker on the queue q: at its start, or later."""

    def prune(starting=True):
        pruner = Pruner(resque.space, resque.registry, Recorder(resque.space, Redis()))
        return pruner.prune(ME, ["q"], starting=starting)

    return prune


@pytest.fixture
def dead(resque):
    """A worker of ours whose process is gone, with a job."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return entered(resque, process.pid)


@pytest.fixture
def other():
    """Starts processes that live, with a title; they are ended."""
    started = []

    def other(title):
        code = (
            f"import setproctitle as s, time; s.setproctitle({title!r}); print(flush=True); time.sleep(600)"
        )
        started.append(subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE))
        started[-1].stdout.readline()
        return started[-1].pid

    yield other
    for process in started:
        process.kill()
        process.communicate()


def entered(resque, pid, *, birth="", queues="q", job=True):
    """Enter a worker of ours into the books."""
    worker_id = f"{HOST}:{pid}:{queues}"
    resque.link.execute("SADD", "resque:workers", worker_id)
    resque.link.execute("HSET", OURS, worker_id, mark_of(process_space(), WORD + birth))
    resque.link.execute("HSET", "resque:workers:heartbeat", worker_id, now())
    if job:
        working = {"queue": "q", "run_at": "x", "payload": {"class": "A", "args": [1]}}
        resque.link.execute("SET", f"resque:worker:{worker_id}", json.dumps(working))
    return worker_id


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())


def failed(resque):
    return [one.value["error"] for one in resque.failures.list()]


# --- killed, and started again -------------------------------------------------------------------------


@pytest.mark.parametrize("recover", ["fail", "requeue"])
@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ((), "WaitJob"), (("--jobs-per-fork", "3"), "WaitJob"), (("--no-fork",), "WaitJob"),
        (("--no-fork",), "HardJob"), (("--async-concurrency", "2"), "AsyncJob"), (("-n", "2"), "WaitJob"),
    ],
)  # fmt: skip
def test_a_killed_worker_is_found_at_the_next_start(start, program, resque, mode, name, recover):
    """Before the new one is ready, its job has failed, or is back on its queue; once."""
    program.jobs(JOBS + HARD + ASYNC)
    words = (*mode, "-v", "--recover", recover)
    first = start(*words)
    first.begin("a", name)
    if name != "HardJob":
        [busy] = {int(one.pid) for one in resque.working()}
        first.process.kill()
        first.process.wait(60)
        with contextlib.suppress(ProcessLookupError):
            os.kill(busy, signal.SIGKILL)
        until(lambda: gone(busy))
    first.process.wait(60)
    if name == "HardJob":
        recover, words = "fail", (*mode, "-v")  # else it would end the next worker, too
    (program.folder / "a").touch()
    second = start(*words, "--max-idle", "0.5")
    found, ready = False, 0
    for line in second.process.stdout:
        found |= "pruned dead worker" in line
        ready += " is ready" in line
        if ready == (2 if "-n" in mode else 1):  # one of a pool prunes, the other may be faster
            break
    assert found
    assert len(failed(resque)) == (recover == "fail")
    assert second.end(None)[0] == 0
    assert (len(failed(resque)), resque.stat("processed")) == ((1, 0) if recover == "fail" else (0, 1))


@pytest.mark.parametrize("mode", [(), ("--no-fork",), ("--jobs-per-fork", "3")])
def test_a_pool_finds_its_own(start, program, resque, mode):
    """The worker that comes for one that has died prunes it first."""
    program.jobs(JOBS + HARD + ASYNC)
    pool = start("-n", "2", *mode)
    old = pool.full(2)
    pool.begin("a")
    [busy] = {int(one.pid) for one in resque.working()}
    os.kill(busy, signal.SIGKILL)
    until(lambda: pool.workers() - old)
    assert len(failed(resque)) == 1
    assert busy not in pool.workers()
    assert pool.end()[0] == 0


# --- the lock ------------------------------------------------------------------------------------------


RUBYS = f"{HOST}:1:other"


@pytest.mark.parametrize("registered", [True, False])
@pytest.mark.parametrize("beats", [True, False])
@pytest.mark.parametrize("worker_id", [RUBYS, "elsewhere:1:q"])
def test_a_ruby_worker_has_the_lock(resque, prune, dead, worker_id, beats, registered):
    """It prunes between its first heartbeat and its registration: only then a start leaves it to it."""
    resque.link.execute("SET", LOCK, worker_id, "EX", 60)
    if registered:
        resque.link.execute("SADD", "resque:workers", worker_id)
    if beats:
        resque.link.execute("HSET", "resque:workers:heartbeat", worker_id, now())
    assert prune(starting=False) == []
    spared = beats and not registered
    assert prune() == ([] if spared else [dead])
    assert failed(resque) == ([] if spared else [STILL_PROCESSED])
    assert resque.link.execute("GET", LOCK) == worker_id.encode()
    resque.link.execute("DEL", LOCK)
    assert prune(starting=False) == ([dead] if spared else [])


@pytest.mark.parametrize("registered", [True, False])
def test_one_of_ours_has_the_lock(resque, prune, dead, registered):
    """If both prune, the dead worker is taken out of the books by one of them."""
    other = entered(resque, os.getppid(), queues="x", job=False)
    if not registered:
        resque.link.execute("SREM", "resque:workers", other)
    resque.link.execute("SET", LOCK, other, "EX", 60)
    assert prune(starting=False) == []
    assert prune() == [dead]
    assert prune() == []
    assert failed(resque) == [STILL_PROCESSED]


def test_who_is_dead_elsewhere_can_wait(resque, prune, dead):
    """That is Ruby's: while the lock is there nobody looks for those without a heartbeat."""
    resque.link.execute("SADD", "resque:workers", "elsewhere:1:q")
    resque.link.execute("HSET", "resque:workers:heartbeat", "elsewhere:1:q", "2020-01-01T00:00:00+00:00")
    resque.link.execute("SET", LOCK, "other:1:q", "EX", 60)
    assert prune() == [dead]
    resque.link.execute("DEL", LOCK)
    assert prune() == ["elsewhere:1:q"]


@pytest.mark.parametrize("held", [f"{HOST}:\udcff", "", ":", "x" * 5000])
def test_a_lock_that_is_nobodys(resque, prune, dead, held):
    """Then nobody prunes at this moment."""
    resque.link.execute("SET", LOCK, held.encode("utf-8", "surrogateescape"))
    assert prune(starting=False) == []
    assert prune() == [dead]


@pytest.mark.parametrize("starting", [True, False])
def test_a_lock_that_nobody_can_take(resque, prune, dead, starting):
    """It would stay for ever."""
    resque.link.execute("RPUSH", LOCK, "x")
    assert prune(starting) == [dead]


def test_what_is_left_of_the_lock(resque, prune):
    """At a start what Ruby leaves; by a later look nothing, so that a Ruby worker that starts can prune."""
    prune()
    assert resque.link.execute("GET", LOCK) == ME.encode()
    assert 0 < resque.link.execute("TTL", LOCK) <= 60
    prune(starting=False)
    assert resque.link.execute("EXISTS", LOCK) == 0


def test_a_look_that_fails_gives_the_lock_back(resque, prune):
    """Somebody else may then try."""
    resque.link.execute("SET", "resque:workers:heartbeat", "x")
    with pytest.raises(Exception, match="WRONGTYPE"):
        prune(starting=False)
    assert resque.link.execute("EXISTS", LOCK) == 0


# --- who is dead ---------------------------------------------------------------------------------------


def test_a_pid_that_another_process_has_by_now(resque, prune, other):
    """The mark of a worker of ours tells when its process began."""
    pid = other("something else")
    dead = entered(resque, pid, birth="1")
    assert prune() == [dead]
    entered(resque, pid, birth=process_birth(pid))
    assert prune() == []
    entered(resque, pid)  # one whose start could not be told
    assert prune() == []


@pytest.mark.parametrize("queues", ["a:b", "a:b,c", "q,,"])
def test_any_queue_list_of_ours(resque, queues):
    """Ruby cuts a queue name at its colon, so to it a worker with `a:b` has other queues than itself."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    dead = entered(resque, process.pid, queues=queues)
    pruner = Pruner(resque.space, resque.registry, Recorder(resque.space, Redis()))
    listed = [name for name in queues.split(",") if name]
    assert pruner.prune(f"{HOST}:{os.getpid()}:{','.join(listed)}", listed) == [dead]
