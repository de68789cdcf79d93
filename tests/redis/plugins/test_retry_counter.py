"""The counter that Retry shares with Ruby's resque-retry, quiet retries, and the jobs of dead workers."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from typing import Any

import pytest

from pyresque import Resque, Retry, job
from pyresque.errors import DirtyExit
from pyresque.failure import Backend
from pyresque.testing.redis_server import DevRedis
from pyresque.worker.loop import unregister
from tests import errortexts
from tests.faultproxy import FaultProxy
from tests.redis.bench import eventually
from tests.redis.plugins.conftest import Works
from tests.redis.plugins.failing import COUNTER, delayed, errors, failing, note, seen, value

DEAD = "elsewhere:77:q"

# --- the counter, shared with Ruby -----------------------------------------------------------------


@pytest.mark.parametrize(("found", "during", "runs"), [("-1", "0", 3), ("0", "1", 2), ("1", "2", 1)])
def test_attempts_that_ruby_made_count(
    resque: Resque, works: Works, found: str, during: str, runs: int
) -> None:
    """The counter holds the number of the last attempt; -1 is what Ruby leaves when it prunes a first one."""
    resque.link.execute("SET", COUNTER, found)
    resque.enqueue(failing(resque, Retry(limit=2)), 1)
    works.burst()
    assert seen(resque)[0] == during
    assert (len(seen(resque)), value(resque)) == (runs, None)


def test_what_ruby_finds_after_a_failure_here_is_the_number_of_that_attempt(
    resque: Resque, works: Works
) -> None:
    """Its INCR makes the next number of it."""
    fails = failing(resque, Retry(limit=9, backoff=600))
    for attempt in range(3):
        resque.enqueue(fails, 1)
        works.burst()
        assert value(resque) == str(attempt)


@pytest.mark.parametrize("what", [("SET", "two"), ("RPUSH", "1"), ("SET", "")])
def test_a_counter_that_is_none_stops_the_retries_and_is_left_alone(
    resque: Resque, works: Works, what: tuple[str, str]
) -> None:
    """The job fails as one without `retry=`."""
    resque.link.execute(what[0], COUNTER, what[1])
    before = resque.link.execute("DUMP", COUNTER)

    @job(queue="q", name="Fails", retry=Retry(limit=5), registry=resque.registry)
    def fails(number: int) -> None:
        raise ValueError

    resque.enqueue(fails, 1)
    works.burst()
    assert (errors(resque), resque.link.execute("DUMP", COUNTER)) == (["ValueError"], before)


@pytest.mark.parametrize("fork", [False, True])
@pytest.mark.parametrize("text", ["WRONGTYPE Operation against a key", "ERR unknown command 'GET'"])
def test_what_is_said_of_a_counter_that_is_none_must_be_so(
    resque: Resque, server: DevRedis, works: Works, text: str, fork: bool
) -> None:
    """An error that would be final costs no job its attempts unless the key really holds something else."""
    with FaultProxy(server) as proxy:
        fault = proxy.arm(
            "answer", match=lambda words: words[:2] == (b"GET", COUNTER.encode()), raw=errortexts.raw(text),
            times=2,
        )  # fmt: skip
        resque.enqueue(failing(resque, Retry(limit=2)), 1)
        behind = Works(Resque(proxy.url, registry=resque.registry))
        pid = behind.start(fork=fork)
        eventually(lambda: len(seen(resque)) == 3 and not value(resque))
        os.kill(pid, signal.SIGQUIT)
        assert behind.wait(pid) == 0
    assert (len(fault.hits), errors(resque)) == (2, ["ValueError"] * 3)


def test_the_counter_expires_where_that_is_asked(resque: Resque, works: Works) -> None:
    """So many seconds after the retry is due."""
    resque.enqueue(failing(resque, Retry(limit=2, backoff=60, expire_after=40)), 1)
    works.burst()
    assert 90 < resque.link.execute("TTL", COUNTER) <= 100


def test_a_time_limit_that_ruby_gave_the_counter_stays(resque: Resque, works: Works) -> None:
    """Where Python says nothing of it."""
    resque.link.execute("SET", COUNTER, 0, "EX", 500)
    resque.enqueue(failing(resque, Retry(limit=5, backoff=60)), 1)
    works.burst()
    assert (value(resque), 490 < resque.link.execute("TTL", COUNTER) <= 500) == ("1", True)


def test_a_job_that_goes_back_to_its_queue_has_lost_no_attempt(resque: Resque, works: Works) -> None:
    """With --requeue-on-shutdown: the counter is as it was before."""

    @job(queue="q", name="Fails", retry=Retry(limit=5), registry=resque.registry)
    def fails(number: int) -> None:
        note(resque, value(resque))
        time.sleep(60)

    resque.link.execute("SET", COUNTER, 3)
    resque.enqueue(fails, 1)
    pid = works.start(requeue=True)
    eventually(lambda: seen(resque))
    os.kill(pid, signal.SIGTERM)
    assert works.wait(pid) == 0
    assert (seen(resque), value(resque), resque.size("q")) == (["4"], "3", 1)
    assert errors(resque) == []


# --- quiet -----------------------------------------------------------------------------------------


class Telling(Backend):
    """A backend of the user's that notes what it is told."""

    def __init__(self, resque: Resque) -> None:
        self.resque = resque

    def save(self, failure: Any) -> None:
        note(self.resque, f"told {failure.exception}")


@pytest.mark.parametrize("fork", [True, False])
def test_a_quiet_retry_tells_only_of_the_last_failure(resque: Resque, works: Works, fork: bool) -> None:
    """One record and one word to the user's own backend; every failure is counted."""
    resque.failure_backend = Telling(resque)
    resque.enqueue(failing(resque, Retry(limit=2, quiet=True)), 1)
    works.burst(fork=fork)
    assert seen(resque) == ["None", "1", "2", "told ValueError"]
    assert (resque.failures.count(), resque.stat("failed")) == (0, 3)


def test_a_quiet_retry_keeps_the_failure_while_the_next_attempt_waits(resque: Resque, works: Works) -> None:
    """Under failure-resque-retry:..., for twice the delay; the last one takes it away."""
    resque.enqueue(failing(resque, Retry(limit=1, backoff=30, quiet=True)), 1)
    works.burst()
    kept = COUNTER.replace("resque-retry", "failure-resque-retry", 1)
    record = json.loads(value(resque, kept) or "")
    assert list(record) == ["failed_at", "payload", "exception", "error", "backtrace", "worker", "queue"]
    assert 50 < resque.link.execute("TTL", kept) <= 60
    assert resque.failures.count() == 0
    resque.enqueue("Fails", 1, queue="q")
    works.burst()
    assert (value(resque, kept), errors(resque)) == (None, ["ValueError"])


@pytest.mark.parametrize("limit", [0, 1])
def test_a_job_that_a_before_fork_hook_fails_is_judged_like_others(
    resque: Resque, works: Works, limit: int
) -> None:
    """It is retried, or recorded and told of; the worker ends, as ever."""

    def broken(job: object) -> None:
        raise ValueError

    resque.registry.worker_hooks.add("before_fork", broken)
    resque.failure_backend = Telling(resque)
    resque.enqueue(failing(resque, Retry(limit=limit, quiet=True)), 1)
    assert works.wait(works.start()) == 1
    assert (resque.size("q"), value(resque)) == ((1, "0") if limit else (0, None))
    assert seen(resque) == ([] if limit else ["told ValueError"])
    assert (resque.failures.count(), resque.stat("processed")) == (0, 0)


# --- dead workers ----------------------------------------------------------------------------------


def dead(resque: Resque) -> None:
    """A worker that died with a job."""
    record = '{"queue":"q","run_at":"x","payload":{"class":"Fails","args":[1],"trace":7}}'
    resque.link.execute("SADD", "resque:workers", DEAD)
    resque.link.execute("SET", f"resque:worker:{DEAD}", record)


@pytest.mark.parametrize(
    ("found", "after", "again"),
    [(None, "0", True), ("-1", "0", True), ("0", "0", True), ("1", "1", True), ("2", None, False)],
)
def test_the_job_of_a_dead_worker_is_retried(
    resque: Resque, found: str | None, after: str | None, again: bool
) -> None:
    """In the step that takes the worker out of the books; the attempt that died counts."""
    failing(resque, Retry(limit=2))
    dead(resque)
    if found is not None:
        resque.link.execute("SET", COUNTER, found)
    assert unregister(resque, DEAD)
    assert (value(resque), resque.size("q")) == (after, int(again))
    assert errors(resque) == ["Resque::DirtyExit"]
    assert not again or resque.peek("q") == [{"class": "Fails", "args": [1], "trace": 7}]


def test_the_job_of_a_dead_worker_can_be_delayed_quietly_and_given_up(resque: Resque) -> None:
    """The same rules as for a job that raised."""
    failing(resque, Retry(limit=2, backoff=60, quiet=True))
    dead(resque)
    unregister(resque, DEAD)
    assert (len(delayed(resque)), errors(resque), resque.size("q")) == (1, [], 0)
    resque.link.execute("FLUSHALL")
    failing(resque, Retry(limit=2, give_up_on=DirtyExit))
    dead(resque)
    unregister(resque, DEAD)
    assert (value(resque), resque.size("q"), errors(resque)) == (None, 0, ["Resque::DirtyExit"])


def test_a_worker_that_is_killed_in_each_attempt_comes_to_an_end(resque: Resque, works: Works) -> None:
    """A job that takes its worker with it is run `limit` times more, not for ever."""

    @job(queue="q", name="Fails", retry=Retry(limit=2), registry=resque.registry)
    def fails(number: int) -> None:
        note(resque, value(resque))
        os.kill(os.getppid(), signal.SIGKILL)

    resque.enqueue(fails, 1)
    for _ in range(5):
        pid = works.start(interval=0)
        works.wait(pid)
        me = f"{socket.gethostname()}:{pid}:q"
        unregister(resque, me)
    assert seen(resque) == ["None", "1", "2"]
    assert (errors(resque), value(resque), resque.size("q")) == (["Resque::DirtyExit"] * 3, None, 0)


def test_a_worker_that_was_pruned_while_it_worked_does_not_retry_again(resque: Resque, works: Works) -> None:
    """The pruner has done it."""

    @job(queue="q", name="Fails", retry=Retry(limit=1, backoff=60), registry=resque.registry)
    def fails(number: int) -> None:
        note(resque, "begun")
        eventually(lambda: value(resque, "go"))
        raise ValueError

    resque.enqueue(fails, 1)
    pid = works.start()
    eventually(lambda: seen(resque))
    assert unregister(resque, f"{socket.gethostname()}:{pid}:q")
    resque.link.execute("SET", "go", 1)
    me = f"resque:worker:{socket.gethostname()}:{pid}:q"
    eventually(lambda: not resque.link.execute("EXISTS", me))
    os.kill(pid, signal.SIGQUIT)
    assert works.wait(pid) == 0
    assert [len(items) for items in delayed(resque).values()] == [1]
    assert (errors(resque), value(resque)) == (["Resque::DirtyExit"], "0")
