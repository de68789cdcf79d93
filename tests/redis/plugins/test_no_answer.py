"""What plugins do when Redis, or what stands before it, gives no answer: nothing is decided by that.

A job is not skipped, not counted as killed, not kept from its queue, and its attempts are not forgotten. Each
command of each plugin gets an error, a reply of another type, or another value, once or without end.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest

from pyresque import Resque, Retry, job
from pyresque.config import Recover
from pyresque.errors import RedisError, RedisReplied
from pyresque.plugins import Lock, Loner, Statuses, current_status
from pyresque.registry import Registry
from pyresque.store import locks
from pyresque.testing.redis_server import DevRedis
from tests.faultproxy import FaultProxy, named, script
from tests.redis.plugins.conftest import Works
from tests.redis.plugins.exclusive import FUTURE, LOCK, LONER, exclusive, left
from tests.redis.plugins.failing import COUNTER, delayed, errors, failing, note, seen, value

ODD = {
    "unknown error": b"-ERR upstream failure\r\n",
    "loading": b"-LOADING Redis is loading the dataset in memory\r\n",
    "full": b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
    "another number": b":7\r\n",
    "nothing": b"$-1\r\n",
    "a status": b"+OK\r\n",
    "a text": b"$3\r\nabc\r\n",
    "a list": b"*1\r\n:1\r\n",
    "an empty list": b"*0\r\n",
}


NOT_RUN = (ODD["loading"], ODD["full"])


def behind(proxy: FaultProxy, resque: Resque) -> Resque:
    """The same Redis and jobs, but what is said comes through the proxy, and quickly to an end."""
    through = Resque(proxy.url, registry=resque.registry)
    through.space.link.pauses = (0.0, 0.01)  # type: ignore[attr-defined]
    return through


# --- Lock ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD)
@pytest.mark.parametrize("fork", [True, False])
def test_a_lock_that_gets_one_odd_answer_is_asked_again(
    resque: Resque, works: Works, proxy: FaultProxy, raw: bytes, fork: bool
) -> None:
    """Even if it was taken at the first call: it finds its own."""
    through = behind(proxy, resque)
    for mode in ("answer", "swap"):
        proxy.arm(mode, match=script(locks._lock.digest), raw=raw)
        resque.enqueue(exclusive(resque, Lock(through)), 1, "a") if mode == "answer" else resque.enqueue(
            "Exclusive", 1, "a", queue="q"
        )
        works.burst(fork=fork)
    assert (len(seen(resque)), errors(resque), left(resque)) == (2, [], set())


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD)
def test_a_lock_that_gets_no_answer_fails_the_job_and_does_not_skip_it(
    resque: Resque, works: Works, proxy: FaultProxy, raw: bytes
) -> None:
    """The record can be retried; a skipped job would be gone."""
    through = behind(proxy, resque)
    proxy.arm("answer", match=script(locks._lock.digest), raw=raw, times=10**6)
    resque.enqueue(exclusive(resque, Lock(through)), 1, "a")
    works.burst()
    assert (seen(resque), errors(resque)) == ([], ["pyresque.errors.RedisUnavailable"])
    proxy.begin()
    assert resque.failures.requeue_all() == 1
    works.burst()
    assert len(seen(resque)) == 1


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD)
def test_a_lock_that_could_not_be_freed_is_freed_by_the_next_such_job(
    resque: Resque, works: Works, proxy: FaultProxy, raw: bytes
) -> None:
    """The process that took it is gone, or remembers."""
    through = behind(proxy, resque)
    run = exclusive(resque, Lock(through))
    fault = proxy.arm("answer", match=script(locks._unlock.digest), raw=raw, times=3)
    resque.enqueue(run, 1, "a")
    works.burst()
    assert (len(fault.hits), len(left(resque))) == (3, 2)
    fault = proxy.arm("answer", match=script(locks._unlock.digest), raw=raw, times=3)
    resque.enqueue_many([(run, 1, "a")] * 3)
    works.burst(fork=False)
    assert len(fault.hits) == 3
    assert (len(seen(resque)), errors(resque), left(resque)) == (4, [], set())


def test_a_lock_key_that_is_none_fails_the_job(resque: Resque, works: Works) -> None:
    """A list lies there: the record says so."""
    resque.link.execute("RPUSH", LOCK, "x")
    resque.enqueue(exclusive(resque, Lock(resque)), 1, "a")
    works.burst()
    assert (seen(resque), errors(resque)) == ([], ["pyresque.errors.RedisReplied"])


# --- a lock whose holder's worker is gone ----------------------------------------------------------

WORD = "0123456789abcdef"


def held_by(resque: Resque, word: str, key: str = LOCK) -> None:
    """A job on another host holds the lock."""
    worker = f".{b'other:0:q'.hex()}#{word}" if word else ""
    owner = f"elsewhere boot pid:[1]:4711:{'f' * 32}{worker}"
    assert locks.take(resque.space, key, 500, owner)


@pytest.mark.parametrize(
    ("words", "runs"), [([WORD], 0), (["another", WORD], 0), ([], 1), (["another", "more"], 1)]
)
def test_a_lock_ends_with_the_registration_of_the_worker_that_holds_it(
    resque: Resque, works: Works, words: list[str], runs: int
) -> None:
    """A worker on another host that was pruned: its job, put back, must not be skipped. One that is in the
    books holds it, if under another id than when it took the lock."""
    for number, word in enumerate(words):
        resque.link.execute("HSET", "resque:pyresque:workers", f"other:{number}:q", f"space#{word}")
        resque.link.execute("SADD", "resque:workers", f"other:{number}:q")
    held_by(resque, WORD)
    resque.enqueue(exclusive(resque, Lock(resque)), 1, "a")
    works.burst()
    assert len(seen(resque)) == runs


@pytest.mark.parametrize("how", ["no worker holds it", "Ruby holds it", "the books hold something else"])
def test_a_lock_that_is_not_known_to_be_a_dead_workers_holds(resque: Resque, works: Works, how: str) -> None:
    """Until it expires."""
    held_by(resque, "" if how == "no worker holds it" else WORD)
    if how == "Ruby holds it":
        resque.link.execute("SET", LOCK, FUTURE)
    if how == "the books hold something else":
        resque.link.execute("RPUSH", "resque:pyresque:workers", "junk")
    resque.enqueue(exclusive(resque, Lock(resque)), 1, "a")
    works.burst()
    assert (seen(resque), resque.stat("processed")) == ([], 1)


def test_a_job_that_runs_holds_its_lock_in_the_name_of_its_worker(resque: Resque, works: Works) -> None:
    """So the owner word of the registration stands in the lock's owner."""

    def look() -> None:
        owner = value(resque, f"resque:pyresque:owner:{LOCK.removeprefix('resque:')}") or ""
        [worker_id, mark] = resque.link.execute("HGETALL", "resque:pyresque:workers")
        note(resque, f"{owner.rpartition('.')[2]} {worker_id.hex()}#{mark.decode().rpartition('#')[2]}")

    for fork in (True, False):
        resque.enqueue(exclusive(resque, Lock(resque), body=look), 1, "a")
        works.burst(fork=fork)
    pairs = [text.split() for text in seen(resque) if not text.startswith("lock")]
    assert len(pairs) == 2
    assert all(one == other for one, other in pairs)


def test_a_job_that_was_put_back_from_another_host_runs(resque: Resque, works: Works) -> None:
    """`--recover requeue`, and the lock that its dead worker held: skipped, it would be lost."""
    dead = "elsewhere:4711:q"
    resque.link.execute("SADD", "resque:workers", dead)
    resque.link.execute("HSET", "resque:pyresque:workers", dead, f"boot pid:[1]#{WORD}")
    resque.link.execute("HSET", "resque:workers:heartbeat", dead, "2026-01-01T00:00:00+00:00")
    payload = '{"class":"Exclusive","args":[1,"a"]}'
    record = '{"queue":"q","run_at":"2026-01-01T00:00:00Z","payload":' + payload + "}"
    resque.link.execute("SET", f"resque:worker:{dead}", record)
    held_by(resque, WORD)
    exclusive(resque, Lock(resque))
    works.burst(recover=Recover("requeue"))
    assert (len(seen(resque)), errors(resque), left(resque)) == (1, [], set())


def test_a_loner_whose_lock_a_dead_worker_holds_is_enqueued(resque: Resque) -> None:
    """Else it would be refused until the lock expires."""
    run = exclusive(resque, Loner(resque))
    resque.link.execute("HSET", "resque:pyresque:workers", "other:1:q", f"space#{WORD}")
    held_by(resque, WORD)
    assert resque.enqueue(run, 1, "a") is None
    resque.link.execute("DEL", "resque:pyresque:workers")
    assert resque.enqueue(run, 1, "a") is True


# --- Loner -----------------------------------------------------------------------------------------

ENQUEUE: dict[str, Any] = {
    "enqueue": lambda r, run: r.enqueue(run, 1, "a"),
    "enqueue_to": lambda r, run: r.enqueue_to("q", run, 1, "a"),
    "enqueue_many": lambda r, run: r.enqueue_many([(run, 1, "a")]),
    "enqueue_at, past": lambda r, run: r.enqueue_at(time.time() - 5, run, 1, "a"),
}


@pytest.mark.parametrize("name", ENQUEUE)
@pytest.mark.parametrize("raw", ODD.values(), ids=ODD)
@pytest.mark.parametrize("mode", ["answer", "swap", "close", "drop"])
def test_a_push_that_was_refused_leaves_no_lock_behind(
    resque: Resque, proxy: FaultProxy, name: str, raw: bytes, mode: Any
) -> None:
    """At each command, for as long as the call is tried: the next call puts the job there, and it is there
    once; nothing blocks it until a lock expires."""
    number, hit = 0, True
    while hit:
        number += 1
        resque.link.execute("FLUSHALL")
        through = Resque(proxy.url, registry=Registry())
        through.space.link.pauses = (0.0, 0.01)  # type: ignore[attr-defined]
        run = exclusive(through, Loner(through))
        proxy.begin()
        come: list[bytes] = []

        def is_late(words: tuple[bytes, ...], number: int = number, come: list[bytes] = come) -> bool:
            come.append(words[0])
            return len(come) >= number

        fault = proxy.arm(mode, match=is_late, raw=raw, times=1000)
        with contextlib.suppress(RedisError):
            ENQUEUE[name](through, run)
        through.close()
        proxy.begin()
        hit, waiting = bool(fault.hits), resque.size("q")
        assert left(resque) == ({LONER} if waiting else set())
        again = Resque(proxy.url, registry=through.registry)
        assert bool(ENQUEUE[name](again, run)) is not bool(waiting)
        again.close()
        assert (resque.size("q"), left(resque)) == (1, {LONER})
    assert number > 1


def test_a_loner_beside_a_hook_that_refuses_leaves_no_lock(resque: Resque) -> None:
    """Whatever the order of their names."""
    for hook in ("before_enqueue_a", "before_enqueue_z"):

        class Refuses:
            pass

        setattr(Refuses, hook, staticmethod(lambda *args: False))
        run = exclusive(resque, Refuses(), Loner(resque))
        assert resque.enqueue(run, 1, "a") is None
        assert (resque.size("q"), left(resque)) == (0, set())


def test_a_batch_takes_each_loner_once_and_keeps_its_order(resque: Resque) -> None:
    """Those that wait already, and the second of two in it, are left out; the others go in order."""
    run = exclusive(resque, Loner(resque))

    @job(queue="q", name="Free", registry=resque.registry)
    def free(number: int) -> None: ...

    resque.enqueue(run, 9)
    assert resque.enqueue_many([(free, 1), (run, 1), (free, 2), (run, 1), (run, 9), (run, 2)]) == 4
    assert [(one["class"], one["args"][0]) for one in resque.peek("q", 0, 10)] == [
        ("Exclusive", 9), ("Free", 1), ("Exclusive", 1), ("Free", 2), ("Exclusive", 2)
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["resque:queue:q", LONER, LOCK, "resque:queues"])
def test_a_key_that_holds_something_else_refuses_the_push_as_a_whole(resque: Resque, key: str) -> None:
    """The caller is told; no lock is left, nothing is pushed by halves."""
    resque.link.execute("HSET", key, "a", "b")
    run = exclusive(resque, Loner(resque))
    with pytest.raises(RedisReplied, match="WRONGTYPE"):
        resque.enqueue(run, 1, "a")
    assert left(resque) <= {key}
    resque.link.execute("DEL", key)
    assert resque.enqueue(run, 1, "a") is True


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD)
def test_a_lock_on_another_database_is_given_back_where_the_push_was_not_made(
    resque: Resque, proxy: FaultProxy, server: DevRedis, raw: bytes
) -> None:
    """There it is taken in a step of its own. Where the push may have been made it stays."""
    elsewhere = Resque(f"{server.url.rpartition('/')[0]}/3", registry=resque.registry)
    elsewhere.link.execute("FLUSHDB")
    through = behind(proxy, resque)
    run = exclusive(resque, Loner(elsewhere))
    proxy.arm("answer", match=named("EVALSHA"), raw=raw, times=3)
    with pytest.raises(RedisError) as raised:
        through.enqueue(run, 1, "a")
    assert bool(left(elsewhere)) is raised.value.maybe_done
    assert through.enqueue(run, 1, "a") is (None if raised.value.maybe_done else True)


def test_the_locks_of_a_loner_may_lie_on_another_database(resque: Resque, server: DevRedis) -> None:
    """Then they are taken before the push, and hold as well."""
    elsewhere = Resque(f"{server.url.rpartition('/')[0]}/3", registry=resque.registry)
    run = exclusive(resque, Loner(elsewhere))
    assert [resque.enqueue(run, 1, "a"), resque.enqueue(run, 1, "a")] == [True, None]
    assert left(resque) == set()
    assert LONER in left(elsewhere)


def test_dequeue_frees_the_loners_that_it_removes_and_no_others(resque: Resque) -> None:
    """With arguments or without; a job that is not in this queue keeps its key."""
    run = exclusive(resque, Loner(resque))
    resque.enqueue_many([(run, 1, "a"), (run, 2), (run, 3)])
    resque.enqueue_to("other", run, 4)
    assert resque.dequeue(run, 2) == 1
    assert resque.dequeue(run, 4) == 0
    assert {key.rpartition(":")[2] for key in left(resque)} == {"1-a", "3", "4"}
    assert resque.dequeue(run) == 2
    assert {key.rpartition(":")[2] for key in left(resque)} == {"4"}


@pytest.mark.parametrize("fork", [True, False])
def test_a_loner_whose_key_cannot_be_freed_at_its_beginning_is_freed_at_its_end(
    resque: Resque, works: Works, proxy: FaultProxy, fork: bool
) -> None:
    """The job runs: it waits no more, whatever the key says."""
    through = behind(proxy, resque)
    run = exclusive(resque, Loner(through), body=lambda: note(resque, f"loner {value(resque, LONER)}"))
    resque.enqueue(run, 1, "a")
    proxy.arm("answer", match=named("UNLINK"), raw=ODD["unknown error"], times=3)
    works.burst(fork=fork)
    assert seen(resque)[1] != "loner None"
    assert (errors(resque), left(resque)) == ([], set())


def test_a_loner_that_is_given_up_before_it_begins_is_freed(resque: Resque, works: Works) -> None:
    """A hook before its own says that it is done."""
    from pyresque import DontPerform

    class Done:
        @staticmethod
        def before_perform_a(*args: Any) -> None:
            raise DontPerform

    resque.enqueue(exclusive(resque, Done(), Loner(resque)), 1, "a")
    works.burst()
    assert (seen(resque), errors(resque), left(resque)) == ([], [], set())


# --- Retry -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in ODD if name not in ("nothing", "a status", "a text")])
@pytest.mark.parametrize("fork", [True, False])
def test_an_attempt_whose_number_cannot_be_read_waits(
    resque: Resque, works: Works, proxy: FaultProxy, name: str, fork: bool
) -> None:
    """A while of odd answers: then it is the attempt that it is, the next one comes, and in the end no
    counter is left."""
    resque.enqueue(failing(resque, Retry(limit=2)), 1)
    resque.link.execute("SET", "fails", 2)
    is_counter = lambda words: words[0] == b"GET" and words[1] == COUNTER.encode()  # noqa: E731
    fault = proxy.arm("answer", match=is_counter, raw=ODD[name], times=4)
    through = Works(Resque(proxy.url, registry=resque.registry))
    through.burst(fork=fork)
    assert len(fault.hits) == 4
    assert len(seen(resque)) == 3
    assert value(resque) is None


@pytest.mark.parametrize("what", [("SET", "two"), ("RPUSH", "1")])
def test_a_counter_that_is_none_is_told_in_the_record(
    resque: Resque, works: Works, what: tuple[str, str]
) -> None:
    """Not retried, and why; what lies there stays."""
    resque.link.execute(what[0], COUNTER, what[1])

    @job(queue="q", name="Fails", retry=Retry(limit=2), registry=resque.registry)
    def fails(number: int) -> None:
        raise ValueError("nope")

    resque.enqueue(fails, 1)
    works.burst()
    [record] = resque.failures.list()
    assert record.value["error"] == f"nope (not retried, for {COUNTER} does not hold a number of attempts)"
    assert delayed(resque) == {}
    assert resque.link.execute("EXISTS", COUNTER) == 1


# --- Statuses --------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD)
@pytest.mark.parametrize("fork", [True, False])
def test_a_job_is_killed_only_by_a_yes(
    resque: Resque, works: Works, proxy: FaultProxy, raw: bytes, fork: bool
) -> None:
    """No answer to the question, and it goes on; the next tick asks again."""
    through = behind(proxy, resque)
    statuses = Statuses(through)

    @job(name="Crunch", plugins=[statuses], registry=resque.registry)
    def crunch(uuid: str, options: dict[str, Any]) -> None:
        for number in range(3):
            current_status().at(number, 3)
            note(resque, number)

    uuid = statuses.create(crunch)
    proxy.arm("answer", match=named("SISMEMBER"), raw=raw, times=3)
    works.burst("statused", fork=fork)
    assert uuid
    assert (seen(resque), errors(resque)) == (["0", "1", "2"], [])
    assert (statuses.get(uuid) or {})["status"] == "completed"


@pytest.mark.parametrize("command", ["GET", "SET"])
def test_a_status_that_cannot_be_written_fails_no_job(
    resque: Resque, works: Works, proxy: FaultProxy, command: str
) -> None:
    """Least of all one that has run to its end."""
    through = behind(proxy, resque)
    statuses = Statuses(through)

    @job(name="Crunch", plugins=[statuses], registry=resque.registry)
    def crunch(uuid: str, options: dict[str, Any]) -> None:
        current_status().at(1, 2)
        note(resque, "ran")

    statuses.create(crunch)
    proxy.arm("answer", match=named(command), raw=ODD["unknown error"], times=10**6)
    works.burst("statused")
    assert (seen(resque), errors(resque), resque.stat("processed")) == (["ran"], [], 1)


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD)
def test_a_job_that_could_not_be_enqueued_leaves_no_status(
    resque: Resque, proxy: FaultProxy, raw: bytes
) -> None:
    """Whoever tries again gets one status for one job."""
    through = behind(proxy, resque)
    statuses = Statuses(through)

    @job(name="Crunch", plugins=[statuses], registry=resque.registry)
    def crunch(uuid: str, options: dict[str, Any]) -> None: ...

    proxy.arm("answer", match=named("EVALSHA"), raw=raw, times=10**6)
    with pytest.raises(RedisError) as raised:
        statuses.create(crunch)
    known = resque.link.execute("ZCARD", "resque:_statuses")
    assert known == int(raised.value.maybe_done)
    assert len(resque.link.execute("KEYS", "resque:status:*")) == known
