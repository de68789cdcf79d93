"""Jobs that wait once at a time (`unique=True`), on the keys of resque-lock-timeout's loners."""

import os
import signal
import time

import pytest

from pyresque import Retry, job
from pyresque.config import Recover, WorkerOptions
from pyresque.errors import InvalidJob, NotAJob
from pyresque.plugins import Loner
from pyresque.testing import inline
from pyresque.worker.aio.worker import AsyncWorker
from tests.redis.bench import eventually, note, seen

KEY = "resque:loner:lock:Work:a"


@pytest.fixture
def work(resque):
    @job(queue="q", name="Work", registry=resque.registry)
    def work(word, number: int = 1):
        note(resque, f"{word} {resque.link.execute('EXISTS', KEY)}")

    return work


def test_an_equal_one_that_waits_keeps_it_away(resque, bench, work):
    """The answer is None, as with a Loner; other arguments are another job; once it begins, one may come."""
    assert resque.enqueue(work, "a", unique=True) is True
    assert resque.enqueue(work, "a", unique=5) is None
    assert resque.enqueue_to("other", work, "a", unique=True) is None
    assert resque.enqueue(work, "b", unique=600) is True
    assert resque.enqueue(work, "a", track=True, unique=True) is None
    assert [one["args"][0] for one in resque.peek("q", 0, 9)] == ["a", "b"]
    assert 3590 < int(resque.link.execute("GET", KEY)) - time.time() <= 3600
    assert 0 < resque.link.execute("TTL", "resque:loner:lock:Work:b") <= 601
    assert resque.link.execute("KEYS", "resque:status*") == []
    bench.burst("q")
    assert seen(resque) == ["a 0", "b 0"]
    assert resque.enqueue(work, "a", unique=True) is True


def test_a_class_that_is_unique_is_a_loner(resque, bench):
    """For what Ruby has enqueued, and for what a scheduler pushes, too."""

    @job(queue="q", name="Work", unique=True, registry=resque.registry)
    def work(word, number: int = 1):
        note(resque, word)

    resque.enqueue_in(60, work, "a")
    resque.enqueue_in(60, work, "a")
    assert resque.enqueue_found(resque.find_delayed()) == 2
    assert resque.size("q") == 1
    assert resque.enqueue(work, "a") is None
    assert resque.enqueue_many([(work, "a"), (work, "b"), (work, "b")]) == 1
    assert resque.enqueue(work, "a", unique=False) is True
    resque.remove_queue("q")
    resque.link.execute("SADD", "resque:queues", "q")
    resque.link.execute("RPUSH", "resque:queue:q", '{"class":"Work","args":["a"]}')
    bench.burst("q")
    assert resque.enqueue(work, "a") is True, "the key of the job that Ruby has enqueued is free"


def test_a_scheduler_pushes_it_once(resque, work):
    """A delayed job that is unique goes away when an equal one waits."""
    resque.enqueue_in(60, work, "a", unique=True)
    assert resque.link.execute("EXISTS", KEY) == 0
    assert resque.enqueue(work, "a", unique=True) is True
    resque.enqueue_found(resque.find_delayed())
    assert (resque.size("q"), resque.find_delayed()) == (1, [])
    resque.dequeue(work, "a")
    resque.enqueue_in(60, work, "a", unique=True)
    resque.enqueue_found(resque.find_delayed())
    assert (resque.size("q"), resque.link.execute("EXISTS", KEY)) == (1, 1)


def test_what_is_removed_holds_nothing(resque, work):
    """By dequeue and by empty."""
    for remove in (lambda: resque.dequeue(work, "a"), lambda: resque.empty("q")):
        assert resque.enqueue(work, "a", unique=True) is True
        remove()
        assert resque.link.execute("EXISTS", KEY) == 0
    assert resque.enqueue(work, "a", unique=True) is True


def test_an_async_worker_frees_it_too(resque):
    """When the job begins."""

    @job(queue="q", name="Work", registry=resque.registry)
    async def work(word, number: int = 1):
        note(resque, f"{word} {resque.link.execute('EXISTS', KEY)}")

    assert resque.enqueue(work, "a", unique=True) is True
    AsyncWorker(resque, ["q"], 2).work(interval=0)
    assert seen(resque) == ["a 0"]


@pytest.mark.parametrize("recover", ["fail", "requeue"])
def test_a_dead_worker_holds_nothing(resque, bench, recover):
    """Whether it died before or after the job began, and whatever becomes of that."""

    @job(queue="q", name="Work", registry=resque.registry)
    def work(word, number: int = 1):
        if resque.link.execute("INCR", "runs") == 1:
            resque.link.execute("SET", KEY, int(time.time()) + 3600)  # as if it had died a moment before
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)

    assert resque.enqueue(work, "a", unique=True) is True
    bench.start("q").wait()
    bench.burst("q", options=WorkerOptions(recover=Recover(recover)))
    if recover == "fail":
        assert resque.enqueue(work, "a", unique=True) is True
    assert int(resque.link.execute("GET", "runs")) == (1 if recover == "fail" else 2)


def test_a_retry_does_not_take_the_key_of_another(resque, bench):
    """What goes back after it has begun is not unique any more: it frees nothing that it does not hold."""

    @job(queue="q", name="Work", retry=Retry(limit=1, backoff=100), registry=resque.registry)
    def work(word, number: int = 1):
        raise OSError

    resque.enqueue(work, "a", unique=True)
    bench.burst("q")
    [item] = resque.find_delayed()
    assert b"pyresque_unique" not in item.raw
    [failure] = resque.failures.list()
    assert resque.enqueue_to("other", work, "a", unique=True) is True
    resque.failures.requeue(failure)
    bench.burst("q")
    assert resque.link.execute("EXISTS", KEY) == 1


def test_with_a_loner_it_is_one_key(resque, bench):
    """Both are the same."""

    @job(queue="q", name="Work", plugins=[Loner(resque, 600)], registry=resque.registry)
    def work(word, number: int = 1): ...

    assert resque.enqueue(work, "a", unique=True) is True
    assert 0 < resque.link.execute("TTL", KEY) <= 601
    assert resque.enqueue(work, "a") is None
    bench.burst("q")
    assert resque.enqueue(work, "a") is True


def test_inline(resque, work):
    """It begins at once, so another may come at once."""
    with inline(resque):
        assert resque.enqueue(work, "a", unique=True) is True
        assert resque.enqueue(work, "a", unique=True) is True
    assert seen(resque) == ["a 0", "a 0"]


@pytest.mark.parametrize("wrong", [0, -1, "60", 1.5, None])
def test_a_number_of_seconds_that_is_none_is_refused(resque, work, wrong):
    """True, or whole seconds."""
    wrong_name = {"queue": "q", "colour": "red"}
    with pytest.raises(NotAJob, match="unique="):
        resque.enqueue(work, "a", unique=wrong)
    with pytest.raises(InvalidJob, match="unique="):
        job(queue="q", unique=wrong)(lambda: None)
    with pytest.raises(TypeError, match="colour"):
        job(**wrong_name)(lambda: None)


@pytest.mark.parametrize("many", [0, 1])
def test_two_at_the_same_time(resque, work, many):
    """Two processes: exactly one of them has enqueued it."""
    pids = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            count = 9
            try:
                eventually(lambda: resque.link.execute("EXISTS", "go"))
                if many:
                    count = resque.enqueue_many([(work, "a")] * 2)
                else:
                    count = int(resque.enqueue(work, "a", unique=True) is True)
            finally:
                os._exit(count)
        pids.append(pid)
    resque.link.execute("SET", "go", 1)
    counts = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    assert (sum(counts), resque.size("q")) == ((8, 8) if many else (1, 1))
