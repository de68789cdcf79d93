"""Jobs that may not wait for ever (`ttl=`): too late they are not run, and that is to be seen."""

import json
import logging
import time
from datetime import timedelta

import pytest

from pyresque import Retry, job
from pyresque.config import WorkerOptions
from pyresque.errors import InvalidJob, JobCancelled, JobExpired, NotAJob
from pyresque.plugins import Loner
from pyresque.testing import delayed, drain, inline
from pyresque.worker.aio.worker import AsyncWorker
from tests.redis.bench import note, seen


@pytest.fixture
def work(resque):
    """A job that says that it has run."""

    @job(queue="q", name="Work", registry=resque.registry)
    def work(word):
        note(resque, word)

    return work


def expire(resque, queue="q"):
    """Let the time of all jobs of a queue be over."""
    for index, value in enumerate(resque.peek(queue, 0, 99)):
        if "pyresque_expires_at" in value:
            value["pyresque_expires_at"] = int(time.time()) - 1
            raw = resque.link.execute("LINDEX", f"resque:queue:{queue}", index)
            resque.link.execute("LINSERT", f"resque:queue:{queue}", "BEFORE", raw, "mark")
            resque.link.execute("LREM", f"resque:queue:{queue}", 1, raw)
            text = json.dumps(value, separators=(",", ":"))
            resque.link.execute("LINSERT", f"resque:queue:{queue}", "BEFORE", "mark", text)
            resque.link.execute("LREM", f"resque:queue:{queue}", 1, "mark")


def test_the_moment_is_in_the_payload(resque, work):
    """Seconds or a timedelta, from now on or from when it is due, rounded up."""
    before = time.time()
    resque.enqueue(work, "a", ttl=60)
    resque.enqueue(work, "b", ttl=timedelta(hours=1))
    resque.enqueue_at(before + 1000, work, "c", ttl=60)
    first, second = (one["pyresque_expires_at"] for one in resque.peek("q", 0, 9))
    assert 60 <= first - before < 70
    assert 3600 <= second - before < 3610
    [item] = resque.find_delayed()
    assert b'"pyresque_expires_at":%d' % (int(before + 1000) + 60) in item.raw


@pytest.mark.parametrize("fork", [True, False])
def test_what_waited_too_long_is_not_run(resque, bench, work, fork, tmp_path):
    """It is no failure: it counts as processed and as expired, the log names it, the others run."""
    handle = resque.enqueue(work, "late", ttl=60, track=True)
    resque.enqueue(work, "late too", ttl=60)
    expire(resque)
    resque.enqueue(work, "early", ttl=60)
    resque.enqueue(work, "any")
    log = tmp_path / "log"

    def to_file(_worker):
        logging.getLogger("pyresque").addHandler(logging.FileHandler(log))

    bench.burst("q", options=WorkerOptions(fork_per_job=fork), prepare=to_file)
    assert seen(resque) == ["early", "any"]
    assert (resque.stat("processed"), resque.stat("expired"), resque.stat("failed")) == (4, 2, 0)
    assert resque.failures.count() == 0
    assert log.read_text().count("expired, and not run: Work(") == 2
    assert handle.status == "expired"
    with pytest.raises(JobExpired, match="waited for longer than its ttl"):
        handle.result(timeout=0)
    assert issubclass(JobExpired, JobCancelled)
    assert resque.link.execute("KEYS", "resque:stat:expired*") == [b"resque:stat:expired"]


def test_an_async_worker_does_the_same(resque):
    """For each of its members."""

    @job(queue="q", name="Async", registry=resque.registry)
    async def work(word):
        note(resque, word)

    for word in "abc":
        resque.enqueue(work, word, ttl=60)
    expire(resque)
    resque.enqueue(work, "d")
    AsyncWorker(resque, ["q"], 2).work(interval=0)
    assert seen(resque) == ["d"]
    assert (resque.stat("processed"), resque.stat("expired")) == (4, 3)


def test_a_class_may_say_it_for_all(resque, bench):
    """Of what is enqueued, and of what a scheduler pushes for it, whoever has delayed it."""

    @job(queue="q", name="Fresh", ttl=60, registry=resque.registry)
    def fresh(word): ...

    resque.enqueue(fresh, "a")
    resque.enqueue(fresh, "b", ttl=None)
    resque.enqueue_many([(fresh, "c")])
    resque.link.execute("RPUSH", "resque:delayed:100", '{"class":"Fresh","args":["d"],"queue":"q"}')
    resque.link.execute("ZADD", "resque:delayed_queue_schedule", 100, 100)
    resque.enqueue_found(resque.find_delayed())
    assert ["pyresque_expires_at" in one for one in resque.peek("q", 0, 9)] == [True, False, True, True]
    with pytest.raises(InvalidJob, match="ttl=0 must be seconds"):
        job(queue="q", ttl=0)(lambda: None)


@pytest.mark.parametrize("wrong", [0, -1, "60", True, float("nan"), float("inf"), timedelta(0)])
def test_a_time_that_is_none_is_refused(resque, work, wrong):
    """Before anything is pushed."""
    with pytest.raises(NotAJob, match="ttl="):
        resque.enqueue(work, "a", ttl=wrong)
    assert resque.queues() == []


def test_a_retry_does_not_expire(resque, bench):
    """It is the first wait that has an end: an automatic retry, or one by hand, comes when it comes."""

    @job(queue="q", name="Flaky", retry=Retry(limit=1, backoff=0), registry=resque.registry)
    def flaky():
        raise OSError

    handle = resque.enqueue(flaky, ttl=60, track=True)
    bench.burst("q")
    first, last = resque.failures.list()
    assert "pyresque_expires_at" in first.payload
    assert "pyresque_expires_at" not in last.payload
    resque.failures.requeue(first)
    [again] = resque.peek("q", 0, 5)
    assert again == {"class": "Flaky", "args": [], "pyresque_id": handle.id}


def test_a_delayed_job_that_is_moved_expires_as_much_later(resque, work):
    """So it is not too late as soon as it comes."""
    now = int(time.time())
    resque.enqueue_at(now + 1000, work, "a", ttl=60)
    resque.delay_or_enqueue_at(now + 5000, work, "a")
    [item] = resque.find_delayed()
    assert b'"pyresque_expires_at":%d' % (now + 5060) in item.raw
    resque.delay_or_enqueue_in(0, work, "a")
    [waiting] = resque.peek("q", 0, 9)
    assert 60 <= waiting["pyresque_expires_at"] - now <= 70


def test_a_loner_that_expires_lets_the_next_one_in(resque, bench):
    """The locks that it holds while it waits are freed."""

    @job(queue="q", name="Alone", registry=resque.registry, plugins=[Loner(resque)])
    def alone(): ...

    assert resque.enqueue(alone, ttl=60) is True
    assert resque.enqueue(alone) is None
    expire(resque)
    bench.burst("q")
    assert resque.stat("expired") == 1
    assert resque.enqueue(alone) is True


@pytest.mark.parametrize("junk", ['"soon"', "null", "1.5", "[1]", "true"])
def test_a_moment_that_is_none_does_not_count(resque, bench, work, junk):
    """Anybody may write a payload: it runs."""
    raw = b'{"class":"Work","args":["a"],"pyresque_expires_at":%b}' % junk.encode()
    resque.link.execute("SADD", "resque:queues", "q")
    resque.link.execute("RPUSH", "resque:queue:q", raw)
    bench.burst("q")
    assert seen(resque) == ["a"]


def test_in_tests(resque, work):
    """Where time passes, jobs expire; where a job runs at once, none does."""
    with inline(resque):
        resque.enqueue(work, "inline", ttl=1)
    resque.enqueue_in(100, work, "later", ttl=10)
    resque.enqueue(work, "now", ttl=10)
    assert drain(resque, until=timedelta(hours=1)) == 2
    assert seen(resque) == ["inline", "now", "later"]
    resque.enqueue_to("other", work, "late", ttl=10)
    resque.enqueue_in(100, work, "x")
    drain(resque, "q", until=timedelta(hours=1))
    assert delayed(resque, work) == []
    drain(resque)
    assert seen(resque)[3:] == ["x", "late"]
