"""Limits of a class: how many of its jobs may run at a time, and begin within a time."""

import asyncio
import os
import signal
import time
from itertools import pairwise

import pytest

from pyresque import job
from pyresque.config import Unknown, WorkerOptions
from pyresque.errors import InvalidJob
from pyresque.worker.aio.worker import AsyncWorker
from tests.redis.bench import eventually, note, seen


@pytest.fixture
def capped(resque):
    """A job of which one may run at a time; it notes how many do, and ends when the key `go` is there."""

    @job(queue="q", name="Capped", max_running=1, registry=resque.registry)
    def capped(number):
        note(resque, f"begin {number} beside {resque.link.execute('INCR', 'beside') - 1}")
        eventually(lambda: resque.link.execute("EXISTS", "go"))
        resque.link.execute("DECR", "beside")

    return capped


@pytest.fixture
def other(resque):
    @job(queue="q", name="Other", registry=resque.registry)
    def other(number):
        note(resque, f"other {number}")

    return other


@pytest.mark.parametrize("fork", [True, False])
def test_no_more_run_at_a_time(resque, bench, capped, other, fork):
    """Others wait in their queue, in order, and hold nobody up; when one has ended the next begins."""
    for number in range(3):
        resque.enqueue(capped, number)
    for number in range(3):
        resque.enqueue(other, number)
    for _ in range(3):
        bench.start("q", options=WorkerOptions(fork_per_job=fork))
    eventually(lambda: len(seen(resque)) == 4)
    assert sorted(seen(resque)) == ["begin 0 beside 0", "other 0", "other 1", "other 2"]
    assert [one["args"] for one in resque.peek("q", 0, 9)] == [[1], [2]]
    eventually(lambda: resque.stat("processed") == 3)
    assert len(resque.working()) == 1
    resque.link.execute("SET", "go", 1)
    eventually(lambda: resque.stat("processed") == 6)
    assert seen(resque)[4:] == ["begin 1 beside 0", "begin 2 beside 0"]


def test_a_worker_that_is_killed_holds_no_place(resque, bench, capped):
    """Its place is free as soon as somebody has pruned it: that is its worker:ID and nothing else."""
    resque.enqueue(capped, 1)
    resque.enqueue(capped, 2)
    dying = bench.start("q")
    eventually(lambda: seen(resque))
    os.kill(dying.pid, signal.SIGKILL)
    dying.wait()
    resque.link.execute("SET", "beside", 0)
    resque.link.execute("SET", "go", 1)
    bench.burst("q")
    assert seen(resque) == ["begin 1 beside 0", "begin 2 beside 0"]
    assert (resque.stat("processed"), resque.failures.count()) == (1, 1)
    assert len(resque.link.execute("SMEMBERS", "resque:pyresque:running:Capped")) == 1


def test_a_waiting_worker_takes_the_next_one(resque, bench, capped):
    """It was idle while the limit was reached, and nothing but time wakes it."""
    resque.enqueue(capped, 1)
    first = bench.start("q", interval=60)
    eventually(lambda: seen(resque))
    bench.start("q", interval=60).ready()
    resque.enqueue(capped, 2)
    resque.link.execute("SET", "go", 1)
    first.send(signal.SIGQUIT)
    first.wait()
    eventually(lambda: resque.stat("processed") == 2)


def test_no_more_begin_within_a_time(resque, bench, other):
    """The rest waits, and the others pass; when the time is over, they come."""

    @job(queue="q", name="Rated", rate_limit="2/hour", registry=resque.registry)
    def rated(number):
        note(resque, f"rated {number}")

    for number in range(4):
        resque.enqueue(rated, number)
    resque.enqueue(other, 1)
    bench.burst("q")
    assert seen(resque) == ["rated 0", "rated 1", "other 1"]
    bench.burst("q")
    assert [one["args"] for one in resque.peek("q", 0, 9)] == [[2], [3]]
    starts = "resque:pyresque:starts:Rated"
    assert 3_590_000 < resque.link.execute("PTTL", starts) <= 3_600_000
    resque.link.execute("LSET", starts, -1, int(time.time() * 1000) - 3_600_000)
    bench.burst("q")
    assert seen(resque)[3:] == ["rated 2"]
    assert resque.link.execute("LLEN", starts) == 2


@pytest.mark.parametrize("later", [str(30 * 86_400_000), "inf"])
def test_a_clock_that_was_set_back(resque, bench, later):
    """What began at a time to come counts as begun now: the class waits once for its rate, and no longer."""

    @job(queue="q", name="Rated", rate_limit="2/hour", registry=resque.registry)
    def rated(number):
        note(resque, f"rated {number}")

    starts = "resque:pyresque:starts:Rated"
    now = int(time.time() * 1000)
    noted = later if later == "inf" else now + int(later)
    resque.link.execute("RPUSH", starts, noted, noted)
    for number in range(2):
        resque.enqueue(rated, number)
    bench.burst("q")
    assert seen(resque) == []
    begun = [int(one) for one in resque.link.execute("LRANGE", starts, 0, -1)]
    assert all(now <= one <= time.time() * 1000 for one in begun)
    for place in range(2):
        resque.link.execute("LSET", starts, place, now - 3_600_000)
    bench.burst("q")
    assert seen(resque) == ["rated 0", "rated 1"]


def test_a_worker_comes_back_when_the_time_is_over(resque, bench):
    """By itself, however long its interval is."""

    @job(queue="q", name="Rated", rate_limit="1/1s", registry=resque.registry)
    def rated(number):
        note(resque, resque.link.execute("LINDEX", "resque:pyresque:starts:Rated", 0))  # when it was taken

    for number in range(3):
        resque.enqueue(rated, number)
    bench.start("q", interval=60)
    eventually(lambda: len(seen(resque)) == 3)
    moments = list(map(int, seen(resque)))
    assert min(later - earlier for earlier, later in pairwise(moments)) >= 1000


def test_an_async_worker_obeys(resque):
    """Its members are workers like others."""
    running = []

    @job(queue="q", name="Capped", max_running=2, registry=resque.registry)
    async def capped(number):
        running.append(number)
        note(resque, f"{len(running)}")
        for _ in range(20):
            await asyncio.sleep(0.001)
        running.remove(number)

    @job(queue="q", name="Free", registry=resque.registry)
    async def free(number):
        note(resque, "free")

    for number in range(6):
        resque.enqueue(capped, number)
    resque.enqueue(free, 1)
    worker = AsyncWorker(resque, ["q"], 5)
    worker.work(interval=0)
    while resque.size("q"):
        AsyncWorker(resque, ["q"], 5).work(interval=0)
    assert resque.stat("processed") == 7
    assert set(seen(resque)) == {"1", "2", "free"}


@pytest.mark.parametrize("unknown", ["leave", "fail", "park=parked"])
def test_whatever_becomes_of_unknown_jobs(resque, bench, capped, unknown):
    """A class that has to wait is not unknown: its jobs are neither failed nor parked."""
    policy, _, queue = unknown.partition("=")
    options = WorkerOptions(unknown=Unknown(policy, queue))
    resque.enqueue(capped, 1)
    holding = bench.start("q", options=options)
    eventually(lambda: seen(resque))
    for number in (2, 3):
        resque.enqueue(capped, number)
    resque.enqueue("Nobodys", 1, queue="q")
    bench.burst("q", options=options)
    assert [one["args"] for one in resque.peek("q", 0, 9) if one["class"] == "Capped"] == [[2], [3]]
    assert resque.failures.count() == (policy == "fail")
    assert resque.queue_sizes().get("parked", 0) == (policy == "park")
    resque.link.execute("SET", "go", 1)
    eventually(lambda: resque.stat("processed") == 3 + (policy == "fail"))
    holding.send(signal.SIGQUIT)
    holding.wait()
    assert [text[-1] for text in seen(resque)] == ["0"] * 3


@pytest.mark.parametrize("raw", ['{"args":[2],"class":"Capped"}', '{"class": "::Capped", "args": [2]}'])
def test_a_job_in_an_unusual_form_obeys(resque, bench, capped, raw):
    """One that the script leaves to Python to judge."""
    resque.enqueue(capped, 1)
    resque.link.execute("RPUSH", "resque:queue:q", raw)
    first = bench.start("q")
    eventually(lambda: seen(resque))
    bench.burst("q")
    assert resque.size("q") == 1
    resque.link.execute("SET", "go", 1)
    eventually(lambda: resque.stat("processed") == 2)
    first.send(signal.SIGQUIT)
    first.wait()
    assert seen(resque) == ["begin 1 beside 0", "begin 2 beside 0"]


@pytest.mark.parametrize("key", ["running", "starts"])
def test_a_key_that_holds_something_else(resque, bench, other, key):
    """Its jobs wait until somebody removes it; all others run."""

    @job(queue="q", name="Both", rate_limit="100/s", max_running=5, registry=resque.registry)
    def both():
        note(resque, "both")

    resque.link.execute("SET", f"resque:pyresque:{key}:Both", "junk")
    resque.enqueue(both)
    resque.enqueue(other, 1)
    bench.burst("q")
    assert (seen(resque), resque.size("q")) == (["other 1"], 1)
    resque.link.execute("DEL", f"resque:pyresque:{key}:Both")
    bench.burst("q")
    assert seen(resque) == ["other 1", "both"]


@pytest.mark.parametrize(
    "wrong",
    [{"rate_limit": "10"}, {"rate_limit": "0/s"}, {"rate_limit": "1/fortnight"}, {"rate_limit": 10},
     {"rate_limit": "1/0s"}, {"max_running": 0}, {"max_running": True}, {"max_running": "2"}],
)  # fmt: skip
def test_a_limit_that_is_none_is_refused(wrong):
    """When the class is declared."""
    with pytest.raises(InvalidJob, match=next(iter(wrong))):
        job(queue="q", **wrong)(lambda: None)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [("10/minute", (10, 60_000)), ("5/30s", (5, 30_000)), ("1000 / day", (1000, 86_400_000)),
     ("1/h", (1, 3_600_000)), ("2/10 seconds", (2, 10_000)), ("7/min", (7, 60_000))],
)  # fmt: skip
def test_what_a_rate_means(resque, text, meaning):
    """Jobs, and milliseconds."""
    job(queue="q", name="Rated", rate_limit=text, registry=resque.registry)(lambda: None)
    assert resque.registry.find("Rated").limits == ("Rated", *meaning, 0)
