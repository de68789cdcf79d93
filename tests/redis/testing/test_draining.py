"""`drain`: what waits, and what is delayed, runs in the process of a test."""

import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from pyresque import Retry, active_job, job
from pyresque.errors import MalformedPayload, UnknownJobClass
from pyresque.testing import delayed, drain, enqueued
from tests.redis.testing.conftest import keys


def test_drain_runs_everything_that_waits(resque, mail, seen):
    """Queues in their order, jobs that jobs enqueue too; returns how many ran, in this process."""

    @job(queue="a", name="Outer", registry=resque.registry)
    def outer(depth: int) -> None:
        seen.append((depth, os.getpid()))
        if depth:
            resque.enqueue(outer, depth - 1)

    resque.enqueue(outer, 2)
    resque.enqueue(mail, "me")
    assert drain(resque) == 4
    assert [one[0] for one in seen] == ["before_enqueue", 2, 1, 0, "perform", "always"]
    assert {one[1] for one in seen if isinstance(one[0], int)} == {os.getpid()}
    assert (drain(resque), resque.queue_sizes()) == (0, {"a": 0, "mail": 0})


def test_drain_of_one_queue_leaves_the_others(resque, mail, seen):
    """Only the named queue is worked."""
    resque.enqueue(mail, "me")
    resque.enqueue_to("other", mail, "you")
    assert drain(resque, "other") == 1
    assert enqueued(resque, mail) == [["me"]]


def test_drain_raises_what_the_job_raises(resque, mail):
    """That job is off the queue and not recorded; those behind it still wait."""
    resque.enqueue(mail, "nobody")
    resque.enqueue(mail, "me")
    with pytest.raises(LookupError):
        drain(resque)
    assert enqueued(resque, mail) == [["me"]]
    assert resque.failures.count() == 0


def test_drain_leaves_what_it_cannot_run(resque, mail):
    """An unknown class or an element that is not a job raises, and stays at the head of its queue."""
    resque.enqueue("Ruby::Only", queue="mail")
    resque.enqueue(mail, "me")
    with pytest.raises(UnknownJobClass, match="Ruby::Only"):
        drain(resque)
    assert resque.size("mail") == 2
    resque.remove_queue("mail")
    resque.link.execute("RPUSH", "resque:queue:mail", "oops")
    with pytest.raises(MalformedPayload):
        drain(resque, "mail")
    assert resque.size("mail") == 1


def test_drain_until_a_moment(resque, log):
    """What is delayed comes in order, when it is due, and so does what that delays; the rest stays."""
    say, said = log
    resque.enqueue_in(250, say, "late", 5)
    resque.enqueue_in(60, say, "early", 1)
    resque.enqueue(say, "now")
    assert drain(resque, until=timedelta(seconds=400)) == 5
    assert said == [("now", 0), ("early", 50), ("early", 150), ("late", 250), ("late", 350)]
    assert delayed(resque, say) == [["late", 3]]
    assert abs(time.time() - delayed(resque, say)[0].second) > 200, "the clock is right again"
    assert drain(resque) == 0
    assert drain(resque, until=datetime.now(UTC) + timedelta(days=1)) == 4
    assert delayed(resque, say) == []


def test_drain_until_a_moment_tries_again(resque):
    """`Retry` counts as with a worker; the last attempt's error is raised, and the pauses are kept."""
    tries = []

    @job(queue="q", name="Try", retry=Retry(limit=2, backoff=[10, 100]), registry=resque.registry)
    def work(bad):
        tries.append(round((time.time() - start) / 10) * 10)
        if len(tries) <= bad:
            raise OSError(len(tries))

    start = time.time()
    handle = resque.enqueue(work, 2, track=True)
    assert drain(resque, until=timedelta(seconds=20)) == 2
    assert (tries, handle.status) == ([0, 10], "queued")
    assert delayed(resque, work) == [[2]]
    assert drain(resque, until=timedelta(hours=1)) == 1
    assert (len(tries), handle.status) == (3, "completed")
    tries.clear()
    resque.enqueue(work, 9)
    with pytest.raises(OSError, match="3"):
        drain(resque, until=timedelta(hours=1))
    assert len(tries) == 3
    assert [key for key in keys(resque) if b"retry" in key] == []
    tries.clear()
    resque.enqueue(work, 1)
    with pytest.raises(OSError, match="1"):
        drain(resque)


def test_drain_until_a_moment_waits_for_an_active_job(resque):
    """`retry_on` has its wait, too."""
    tries = []

    @active_job.retry_on(LookupError, wait=30, attempts=3)
    @active_job.job("FlakyJob", queue="rails", registry=resque.registry)
    def flaky():
        tries.append(time.time() - start)
        if len(tries) == 1:
            raise LookupError

    start = time.time()
    active_job.enqueue(resque, flaky)
    assert drain(resque, until=timedelta(seconds=5)) == 1
    assert len(delayed(resque, flaky)) == 1
    assert drain(resque, until=timedelta(hours=1)) == 1
    assert tries[1] > 25


def test_a_clock_is_right_after_an_error(resque):
    """Whatever a drained job raises."""

    @job(queue="q", name="Bad", registry=resque.registry)
    def bad():
        raise KeyboardInterrupt

    resque.enqueue_in(10_000, bad)
    with pytest.raises(KeyboardInterrupt):
        drain(resque, until=timedelta(days=1))
    assert abs(datetime.now(UTC).timestamp() - time.time()) < 1000
