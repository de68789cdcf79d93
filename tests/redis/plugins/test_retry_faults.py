"""Lost replies and broken connections at every command of a worker whose jobs are retried."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyresque import Resque, Retry
from pyresque.model.job_class import JobClass
from pyresque.worker.loop import unregister
from tests.chaos.zygote import Zygote
from tests.faultproxy import FaultProxy, Mode, chance
from tests.redis.bench import eventually, resque_url


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """The process that forks our workers."""
    with Zygote(tmp_path_factory.mktemp("zygote"), "tests.redis.plugins.retry_zygote") as zygote:
        yield zygote


def ready(resque: Resque, zygote: Zygote) -> None:
    """Three jobs, and nothing else."""
    zygote.clear()
    resque.link.execute("FLUSHALL")
    resque.enqueue_many([("Raises", 1), ("Dies", 2), ("Later", 3)], queue="jobs")


def each_attempt_once(resque: Resque, zygote: Zygote) -> None:
    """Three attempts, two attempts, one attempt and a delayed one; each failure recorded once."""
    zygote.check_begun(["1", "2", "3", "1", "2", "1"])
    found = [(one.class_name, one.text("exception")) for one in resque.failures.list()]
    raised = ("Raises", "ValueError")
    assert found == [raised, ("Later", "ValueError"), raised, ("Dies", "Resque::DirtyExit"), raised]
    [bucket] = resque.link.execute("KEYS", "resque:delayed:*")
    assert resque.link.execute("LRANGE", bucket, 0, -1) == [b'{"class":"Later","args":[3],"queue":"jobs"}']
    assert resque.link.execute("ZCARD", "resque:delayed_queue_schedule") == 1
    [counter] = resque.link.execute("KEYS", "resque:resque-retry:*")
    assert (counter.split(b":")[2], resque.link.execute("GET", counter)) == (b"Later", b"0")
    assert (resque.stat("processed"), resque.stat("failed"), resque.size("jobs")) == (6, 4, 0)
    assert resque.workers() == []


@pytest.mark.parametrize("mode", ["drop", "close"])
def test_no_single_fault_loses_or_doubles_an_attempt(
    mode: Mode, resque: Resque, proxy: FaultProxy, zygote: Zygote
) -> None:
    """Once for each command that the worker sends: its reply is lost, or the connection broken before."""
    number, hit = 0, True
    while hit:
        ready(resque, zygote)
        proxy.begin()
        fault = proxy.arm(mode, number) if number else None
        assert zygote.wait(zygote.work(proxy.url, ["jobs"])) == 0, (number, zygote.told())
        hit, number = number == 0 or bool(fault and fault.hits), number + 1
        proxy.begin()
        each_attempt_once(resque, zygote)
    assert number > 15


@pytest.mark.parametrize("seed", range(3))
def test_many_random_faults_lose_and_double_no_attempt(
    seed: int, resque: Resque, proxy: FaultProxy, zygote: Zygote
) -> None:
    """A sixth of all replies is lost (seeded), those of the repetitions too."""
    ready(resque, zygote)
    proxy.arm("drop", match=chance(seed, 1 / 6), times=10_000)
    assert zygote.wait(zygote.work(proxy.url, ["jobs"])) == 0, zygote.told()
    proxy.begin()
    each_attempt_once(resque, zygote)


@pytest.mark.parametrize("seed", range(2))
def test_random_kills_lose_no_job_and_add_no_attempt(seed: int, resque: Resque, zygote: Zygote) -> None:
    """Worker or child is killed at seeded moments, twenty times, and pruned: a job is attempted three times
    at most, and is recorded once, after its last attempt."""
    dice, jobs = random.Random(seed), 30
    zygote.clear()
    resque.link.execute("FLUSHALL")
    resque.registry.add(
        JobClass("Quiet", "jobs", lambda number: None, options={"retry": Retry(2, quiet=True)})
    )
    resque.enqueue_many([("Quiet", number) for number in range(jobs)], queue="jobs")
    for _ in range(20):
        pid = zygote.work(resque_url(resque), ["jobs"], interval=0.01)
        me = f"{socket.gethostname()}:{pid}:jobs"
        eventually(lambda me=me: resque.link.execute("SISMEMBER", "resque:workers", me))
        time.sleep(dice.random() * 0.05)  # the moment of the kill
        for child in children(pid) if dice.random() < 0.5 else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        zygote.wait(pid)
        unregister(resque, me)
    assert zygote.wait(zygote.work(resque_url(resque), ["jobs"])) == 0, zygote.told()
    begun = Counter(zygote.begun())
    wrong = [one for one, times in begun.items() if times > 3]
    assert not wrong, zygote.story(wrong)
    assert sorted(one.payload["args"] for one in resque.failures.list(0, 100)) == [[n] for n in range(jobs)]
    assert resque.link.execute("KEYS", "resque:*retry:*") == []
    assert resque.size("jobs") == 0


def children(pid: int) -> list[int]:
    """The processes that a worker has forked."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
