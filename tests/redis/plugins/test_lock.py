"""Lock on the keys of resque-lock-timeout; what Ruby would write stands there as commands.

See docs/protocol/core.md#resque-lock-timeout.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import Any

import pytest

from pyresque import Resque, job
from pyresque.errors import DirtyExit, InvalidJob, PruneDeadWorkerDirtyExit
from pyresque.plugins import Lock, Loner
from pyresque.plugins.lock import _here, _is_gone
from pyresque.registry import Registry
from pyresque.store import locks
from pyresque.system.processes import process_birth
from pyresque.testing.redis_server import DevRedis
from tests.faultproxy import FaultProxy, Mode
from tests.redis.bench import eventually
from tests.redis.plugins.conftest import Works
from tests.redis.plugins.exclusive import FUTURE, LOCK, PAST, exclusive, left
from tests.redis.plugins.failing import errors, note, seen, value

# --- Lock ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fork", [True, False])
def test_the_lock_holds_the_second_of_its_end_while_the_job_runs(
    resque: Resque, works: Works, fork: bool
) -> None:
    """As Ruby writes it; afterwards nothing is left."""
    resque.enqueue(exclusive(resque, Lock(resque, timeout=500)), 1, "a")
    before = int(time.time())
    works.burst(fork=fork)
    [text] = seen(resque)
    assert before + 500 <= int(text.removeprefix("lock ")) <= int(time.time()) + 500
    assert left(resque) == set()


def test_redis_forgets_a_lock_that_nobody_frees(resque: Resque) -> None:
    """A Ruby class without lock_timeout never looks at the time: the key itself must go."""
    assert locks.take(resque.space, LOCK, 500, "me")
    for key in left(resque):
        assert 495 < resque.link.execute("TTL", key) <= 501


@pytest.mark.parametrize("held", [FUTURE, "true"])
def test_a_job_whose_lock_is_held_is_skipped(resque: Resque, works: Works, held: str) -> None:
    """By Ruby, with a time limit or without: it counts as done, and the lock stays."""
    resque.link.execute("SET", LOCK, held)
    resque.enqueue(exclusive(resque, Lock(resque)), 1, "a")
    works.burst()
    assert (seen(resque), errors(resque), resque.stat("processed")) == ([], [], 1)
    assert value(resque, LOCK) == held


def test_a_lock_that_has_expired_is_taken_over(resque: Resque, works: Works) -> None:
    """Ruby leaves the key of a process that died."""
    resque.link.execute("SET", LOCK, PAST)
    resque.enqueue(exclusive(resque, Lock(resque)), 1, "a")
    works.burst()
    assert (len(seen(resque)), left(resque)) == (1, set())


def test_other_arguments_do_not_exclude_each_other(resque: Resque, works: Works) -> None:
    """Unless the job says what counts."""
    resque.link.execute("SET", "resque:lock:Exclusive:1-b", FUTURE)
    run = exclusive(resque, Lock(resque))
    resque.enqueue(run, 1, "a")
    works.burst()
    assert len(seen(resque)) == 1
    resque.link.execute("SET", "resque:lock:Other:1", FUTURE)
    plugin = Lock(resque, identify=lambda args: str(args[0]))

    @job(queue="q", name="Other", plugins=[plugin], registry=resque.registry)
    def other(*args: Any) -> None:
        note(resque, "other")

    resque.enqueue(other, 1, "b")
    works.burst()
    assert len(seen(resque)) == 1


def test_a_lock_is_freed_after_an_exception(resque: Resque, works: Works) -> None:
    """The failure is recorded as ever."""

    def fails() -> None:
        raise ValueError

    resque.enqueue(exclusive(resque, Lock(resque), body=fails), 1, "a")
    works.burst()
    assert (errors(resque), left(resque)) == (["ValueError"], set())


def test_the_lock_of_a_killed_job_is_freed_by_its_worker(resque: Resque, works: Works) -> None:
    """As Ruby's worker does it."""
    run = exclusive(resque, Lock(resque), body=lambda: os.kill(os.getpid(), signal.SIGKILL))
    resque.enqueue(run, 1, "a")
    works.burst()
    assert (errors(resque), left(resque)) == (["Resque::DirtyExit"], set())


@pytest.mark.parametrize("owner", ["elsewhere:1:x", f"{_here()}:{os.getpid()}:x"], ids=["elsewhere", "here"])
def test_a_killed_job_frees_nobody_elses_lock(resque: Resque, works: Works, owner: str) -> None:
    """One that is held by a living process, or on another host."""
    plugin = Lock(resque)
    run = exclusive(resque, plugin)
    held = locks.take(resque.space, LOCK, 500, owner)

    @job(queue="q", name="Killed", registry=resque.registry)
    class Killed:
        @staticmethod
        def on_failure_it(error: BaseException, *args: Any) -> None:
            plugin.on_failure_lock(error, *args)

        @staticmethod
        def perform(*args: Any) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

    resque.enqueue(Killed, 1, "a")
    works.burst()
    assert held
    assert (run, value(resque, LOCK)) == (run, str(held.until))


@pytest.mark.parametrize("stale", [True, False])
@pytest.mark.parametrize("text", ["true", FUTURE])
def test_the_lock_of_a_ruby_worker_that_died_is_freed_by_its_pruner(
    resque: Resque, text: str, stale: bool
) -> None:
    """Nobody else ever would; a child of ours that is killed says nothing about a lock of Ruby's."""
    plugin = Lock(resque)
    exclusive(resque, plugin)
    resque.link.execute("SET", LOCK, text)
    if stale:  # Ruby has freed a lock of ours, and does not know of this key
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        resque.link.execute("SET", f"resque:pyresque:owner:{LOCK[7:]}", f"{_here()}:{process.pid}:x")
    plugin.on_failure_lock(DirtyExit("killed"), 1, "a")
    assert value(resque, LOCK) == text
    plugin.on_failure_lock(PruneDeadWorkerDirtyExit("a worker died"), 1, "a")
    assert left(resque) == set()


def test_the_lock_of_a_worker_that_died_stops_nobody(resque: Resque, works: Works) -> None:
    """`--recover requeue` puts the job back without a failure: skipped, it would be lost."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert locks.take(resque.space, LOCK, 500, f"{_here()}:{process.pid}:x")
    resque.enqueue(exclusive(resque, Lock(resque)), 1, "a")
    works.burst()
    assert (len(seen(resque)), left(resque)) == (1, set())


def test_a_pruner_frees_no_lock_of_a_living_process(resque: Resque) -> None:
    """It may be another's than that of the worker that died."""
    plugin = Lock(resque)
    exclusive(resque, plugin)
    held = locks.take(resque.space, LOCK, 500, f"{_here()}:{os.getpid()}:x")
    plugin.on_failure_lock(PruneDeadWorkerDirtyExit("a worker died"), 1, "a")
    assert locks.owner(resque.space, LOCK) == held


def test_a_lock_that_was_taken_over_is_not_freed(resque: Resque, works: Works) -> None:
    """Ruby's GETSET after the end of the time: the lock is another's now."""

    def taken_over() -> None:
        resque.link.execute("SET", LOCK, FUTURE)

    resque.enqueue(exclusive(resque, Lock(resque, timeout=50), body=taken_over), 1, "a")
    works.burst()
    assert (value(resque, LOCK), errors(resque)) == (FUTURE, [])


def test_of_two_jobs_at_once_one_runs(resque: Resque, works: Works) -> None:
    """Two workers: the second job is skipped while the first one runs."""
    run = exclusive(resque, Lock(resque), body=lambda: eventually(lambda: value(resque, "go")))
    resque.enqueue(run, 1, "a")
    resque.enqueue(run, 1, "a")
    pids = [works.start(), works.start()]
    eventually(lambda: resque.stat("processed") == 1)
    resque.link.execute("SET", "go", 1)
    eventually(lambda: resque.stat("processed") == 2)
    for pid in pids:
        os.kill(pid, signal.SIGQUIT)
        assert works.wait(pid) == 0
    assert (len(seen(resque)), left(resque)) == (1, set())


# --- faults and mistakes ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["drop", "close"])
def test_no_single_fault_changes_what_becomes_of_a_lock(mode: Mode, resque: Resque, server: DevRedis) -> None:
    """At each command: taken once by whoever asks first, refused to the second, freed."""
    with FaultProxy(server) as proxy:
        number, hit = 0, True
        while hit:
            resque.link.execute("FLUSHALL")
            proxy.begin()
            fault = proxy.arm(mode, number) if number else None
            through = Resque(proxy.url, registry=Registry())
            held = locks.take(through.space, LOCK, 500, "one")
            assert held
            assert locks.take(through.space, LOCK, 500, "two") is None
            assert locks.owner(through.space, LOCK) == held
            assert locks.free(through.space, held) in (True, False)
            through.close()
            hit, number = number == 0 or bool(fault and fault.hits), number + 1
            proxy.begin()
            assert left(resque) == set()
        assert number > 4


@pytest.mark.parametrize("kind", [Lock, Loner])
@pytest.mark.parametrize("timeout", [0, -1, 1.5, None, True])
def test_a_lock_must_end_some_time(resque: Resque, kind: Any, timeout: Any) -> None:
    """Whole seconds, 1 or more."""
    with pytest.raises(InvalidJob, match="whole seconds"):
        kind(resque, timeout)


def test_the_owner_of_a_lock_tells_whether_its_process_lives(resque: Resque) -> None:
    """Only a process of this host that is gone is gone for certain."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    host = _here()
    assert _is_gone(f"{host}:{process.pid}:x")  # a zombie: whoever should collect it takes its time
    process.wait()
    assert _is_gone(f"{host}:{process.pid}:x")
    assert not _is_gone(f"{host}:{os.getpid()}:x")
    assert not _is_gone(f"elsewhere:{process.pid}:x")
    assert not _is_gone(f"{host}:{os.getpid()}:{process_birth(os.getpid())}-x.aa#1")
    assert not _is_gone(f"{host}:{os.getpid()}:-x")  # nobody could tell when it began
    assert _is_gone(f"{host}:{os.getpid()}:1-x.aa#1")  # another process has its pid by now
    assert not _is_gone(f"{socket.gethostname()} another container:{process.pid}:x")
    assert not _is_gone(f"{host}:no:x")
