"""Retry with real workers: how often, after what, and where to (docs/protocol/core.md#resque-retry)."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from typing import Any

import pytest

from pyresque import Resque, Retry, job
from pyresque.errors import DirtyExit
from tests.redis.bench import eventually
from tests.redis.plugins.conftest import Works
from tests.redis.plugins.failing import COUNTER, delayed, errors, failing, note, seen, value

# --- how often -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fork", [True, False])
@pytest.mark.parametrize(("limit", "runs"), [(0, 1), (1, 2), (3, 4)])
def test_a_job_is_run_as_often_as_its_limit_says(
    resque: Resque, works: Works, limit: int, runs: int, fork: bool
) -> None:
    """The first attempt and `limit` more, each failure recorded and counted; then the counter is gone."""
    resque.enqueue(failing(resque, Retry(limit)), 1)
    works.burst(fork=fork)
    assert seen(resque) == ["None", *map(str, range(1, runs))]
    assert errors(resque) == ["ValueError"] * runs
    assert (resque.stat("failed"), resque.stat("processed")) == (runs, runs)
    assert (value(resque), resque.size("q")) == (None, 0)


@pytest.mark.parametrize("limit", [-1, None])
def test_without_a_limit_it_is_run_until_it_is_done(resque: Resque, works: Works, limit: int | None) -> None:
    """Then nothing is left of its counter."""
    resque.link.execute("SET", "fails", 6)
    resque.enqueue(failing(resque, Retry(limit)), 1)
    works.burst()
    assert (len(seen(resque)), len(errors(resque)), value(resque)) == (7, 6, None)


def test_a_retry_waits_behind_the_jobs_that_are_there(resque: Resque, works: Works) -> None:
    """Without a delay the job goes to the end of its queue."""
    fails = failing(resque, Retry(1))

    @job(queue="q", name="Other", registry=resque.registry)
    def other() -> None:
        note(resque, "other")

    resque.enqueue(fails, 1)
    resque.enqueue(other)
    works.burst()
    assert seen(resque) == ["None", "other", "1"]


def test_jobs_with_other_arguments_have_counters_of_their_own(resque: Resque, works: Works) -> None:
    """Each has all its attempts; a job without arguments has a key without digest, as in Ruby."""
    fails = failing(resque, Retry(limit=2, backoff=60))
    resque.enqueue(fails, 1)
    resque.enqueue(fails)
    resque.enqueue(fails, [[2, None], {"a": 1.0}])
    works.burst()
    digest = hashlib.sha1(b'2--{"a"=>1.0}').hexdigest()
    keys = sorted(key.decode() for key in resque.link.execute("KEYS", "resque:resque-retry:*"))
    assert keys == sorted([COUNTER, "resque:resque-retry:Fails", f"resque:resque-retry:Fails:{digest}"])


# --- which exceptions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "runs"),
    [
        ({"on": OSError}, 1), ({"on": ValueError}, 2), ({"on": [OSError, ArithmeticError, Exception]}, 2),
        ({"give_up_on": ValueError}, 1), ({"give_up_on": OSError}, 2),
        ({"on": ValueError, "give_up_on": [UnicodeError]}, 2),
        ({"on": Exception, "give_up_on": Exception}, 1),
    ],
)  # fmt: skip
def test_the_exception_decides(resque: Resque, works: Works, settings: dict[str, Any], runs: int) -> None:
    """By class, with subclasses; give_up_on counts before on."""
    resque.enqueue(failing(resque, Retry(limit=1, **settings)), 1)
    works.burst()
    assert len(seen(resque)) == runs
    assert value(resque) is None


def test_arguments_that_do_not_fit_can_be_given_up(resque: Resque, works: Works) -> None:
    """What fails before the job begins is judged like everything else."""
    from pyresque.errors import WrongArguments

    @job(queue="q", name="Fails", retry=Retry(3, give_up_on=WrongArguments), registry=resque.registry)
    def fails(number: int) -> None: ...

    resque.enqueue("Fails", "one", queue="q")
    works.burst()
    assert errors(resque) == ["ArgumentError"]


@pytest.mark.parametrize(("give_up_on", "runs"), [((), 3), (DirtyExit, 1)])
def test_a_job_whose_process_dies_is_retried(
    resque: Resque, works: Works, give_up_on: Any, runs: int
) -> None:
    """Killed children count like exceptions, and can be given up."""

    @job(queue="q", name="Fails", retry=Retry(2, give_up_on=give_up_on), registry=resque.registry)
    def fails(number: int) -> None:
        note(resque, number)
        os.kill(os.getpid(), signal.SIGKILL)

    resque.enqueue(fails, 1)
    works.burst()
    assert (seen(resque), errors(resque)) == (["1"] * runs, ["Resque::DirtyExit"] * runs)
    assert value(resque) is None


def test_a_job_that_takes_too_long_is_retried(resque: Resque, works: Works) -> None:
    """JobTimeout is a DirtyExit."""

    @job(queue="q", name="Fails", timeout=0.2, retry=Retry(1, on=DirtyExit), registry=resque.registry)
    def fails(number: int) -> None:
        note(resque, number)
        time.sleep(60)

    resque.enqueue(fails, 1)
    works.burst()
    assert (seen(resque), errors(resque)) == (["1", "1"], ["pyresque.JobTimeout"] * 2)


def test_a_child_that_runs_several_jobs_retries_each(resque: Resque, works: Works) -> None:
    """The counter is the worker's business, not the child's."""

    @job(queue="q", name="Fails", retry=Retry(2), registry=resque.registry)
    def fails(number: int) -> None:
        note(resque, f"{number} {os.getpid()}")
        raise ValueError

    for number in (1, 2):
        resque.enqueue(fails, number)
    works.burst(jobs_per_fork=10)
    assert [text.split()[0] for text in seen(resque)] == ["1", "2"] * 3
    assert len({text.split()[1] for text in seen(resque)}) == 1


# --- where to --------------------------------------------------------------------------------------


def test_a_delayed_retry_has_the_bytes_of_resque_scheduler(resque: Resque, works: Works) -> None:
    """The item, its index and the schedule; keys that only others know go along, behind those of Ruby."""
    failing(resque, Retry(limit=3, backoff=[60, 120]))
    raw = b'{"trace":"t1", "args":[1],"class":"Fails","context":{"user":7}}'
    resque.link.execute("SADD", "resque:queues", "q")
    resque.link.execute("RPUSH", "resque:queue:q", raw)
    before = int(time.time())
    works.burst()
    [(key, [item])] = delayed(resque).items()
    assert item == b'{"class":"Fails","args":[1],"queue":"q","trace":"t1","context":{"user":7}}'
    due = int(key.removeprefix("resque:delayed:"))
    assert before + 60 <= due <= int(time.time()) + 60
    assert resque.link.execute("SMEMBERS", b"resque:timestamps:" + item) == [f"delayed:{due}".encode()]
    [member, score] = resque.link.execute("ZRANGE", "resque:delayed_queue_schedule", 0, -1, "WITHSCORES")
    assert (member, int(float(score))) == (str(due).encode(), due)
    assert (value(resque), resque.size("q")) == ("0", 0)


def test_a_retry_at_once_has_the_bytes_that_were_taken(resque: Resque, works: Works) -> None:
    """Whoever wrote them finds them again."""
    failing(resque, Retry(limit=1))
    raw = b'{"trace":"t1", "args":[1],"class":"Fails"}'
    resque.link.execute("SADD", "resque:queues", "q")
    resque.link.execute("RPUSH", "resque:queue:q", raw)
    pid = works.start("q")
    eventually(lambda: len(seen(resque)) == 2)
    os.kill(pid, signal.SIGQUIT)
    assert works.wait(pid) == 0
    assert [one.payload for one in resque.failures.list()] == [json.loads(raw)] * 2


def test_a_number_beyond_floats_is_kept_by_records_and_retries(resque: Resque, works: Works) -> None:
    """Ruby runs such a job, and its record is lost to every reader; ours, and each way back, can be read."""
    failing(resque, Retry(limit=2, backoff=[0, 60]))
    raw = b'{"class":"Fails","args":[1E400,[-1e999]]}'
    resque.link.execute("SADD", "resque:queues", "q")
    resque.link.execute("RPUSH", "resque:queue:q", raw)
    works.burst("q")
    assert [b'"payload":' + raw in one.raw for one in resque.failures.list()] == [True, True]
    [[item]] = delayed(resque).values()
    assert item == raw[:-1] + b',"queue":"q"}'
    assert resque.failures.requeue(resque.failures.list()[0])
    assert resque.link.execute("LRANGE", "resque:queue:q", 0, -1) == [raw]
    assert resque.failures.bring_forward(
        resque.failures.list()[1], resque.failures.next_attempts(resque.failures.list())[1]
    )
    assert resque.link.execute("LRANGE", "resque:queue:q", 0, -1) == [raw, raw]


# --- what depends on error and arguments -----------------------------------------------------------


def after_one(resque: Resque, works: Works, retry: Retry, *args: Any) -> tuple[list[str], list[Any]]:
    """What an attempt at a job from the queue `urgent` leaves: counters, and jobs with their queue."""

    @job(queue="own", name="J", retry=retry, registry=resque.registry)
    def fails(*given: Any) -> None:
        raise {"os": OSError, "pipe": BrokenPipeError}.get(given[0], ValueError)

    resque.enqueue("J", *args, queue="urgent")
    works.burst("urgent")
    counters = [
        f"{key.decode().rpartition(':')[2][:4]} {resque.link.execute('GET', key).decode()}"
        for key in resque.link.execute("KEYS", "resque:resque-retry:*")
    ]
    waiting = [(name, item["args"]) for name in resque.queues() for item in resque.peek(name, 0, 9)]
    now = time.time()
    for key, items in delayed(resque).items():
        pause = round((int(key.rpartition(":")[2]) - now) / 100) * 100
        waiting += [(json.loads(item)["queue"], json.loads(item)["args"], pause) for item in items]
    return counters, waiting


BY_ERROR = {OSError: 300, BrokenPipeError: [500, 700]}


@pytest.mark.parametrize(
    ("retry", "args", "waiting"),
    [
        (Retry(1), ["x"], ("own", ["x"])),
        (Retry(1, 300), ["x"], ("own", ["x"], 300)),
        (Retry(backoff=BY_ERROR), ["os"], ("own", ["os"], 300)),
        (Retry(backoff=BY_ERROR), ["pipe"], ("own", ["pipe"], 500)),
        (Retry(backoff=BY_ERROR), ["x"], None),
        (Retry(queue="low"), ["x"], ("low", ["x"])),
        (Retry(queue=lambda error, *args: args[1]), ["x", "l"], ("l", ["x", "l"])),
        (Retry(queue=lambda error, *args: args[1]), ["x", None], ("own", ["x", None])),
        (Retry(queue=lambda error, *args: 5), ["x"], None),
        (Retry(queue=lambda error: "q"), ["x"], None),
        (Retry(on=OSError, may=lambda error, *args: "yes" in args), ["x", "yes"], ("own", ["x", "yes"])),
        (Retry(on=OSError, may=lambda error, *args: "yes" in args), ["x", "no"], None),
        (Retry(ignore=OSError), ["os"], ("own", ["os"])),
        (Retry(0, ignore=OSError), ["os"], None),
        (Retry(args=lambda error, *args: [type(error).__name__]), ["os"], ("own", ["OSError"])),
        (Retry(args=lambda error, *args: "os"), ["os"], None),
        (Retry(args=lambda error, *args: [object()]), ["os"], None),
    ],
)
def test_what_the_policy_makes_of_error_and_arguments(
    resque: Resque, works: Works, retry: Retry, args: list[Any], waiting: Any
) -> None:
    """As resque-retry does (recorded): its class's queue, `retry_queue`, delays by exception, criteria,
    ignored exceptions, `retry_args`. What cannot tell has no other attempt; there is a record in any case."""
    counters, found = after_one(resque, works, retry, *args)
    assert found == ([] if waiting is None else [waiting])
    attempt = "-1" if retry.ignore and waiting else "0"
    assert [text.split()[1] for text in counters] == ([] if waiting is None else [attempt])
    assert len(errors(resque)) == 1


def test_other_arguments_are_counted_on(resque: Resque, works: Works) -> None:
    """The limit holds, though the counter has another name then; nothing is left of the old one."""
    retry = Retry(limit=2, args=lambda error, number: [number + 1])
    resque.enqueue(failing(resque, retry), 1)
    works.burst()
    assert [one.payload["args"] for one in resque.failures.list()] == [[1], [2], [3]]
    assert resque.link.execute("KEYS", "resque:resque-retry:*") == []


def test_ignored_errors_are_not_counted(resque: Resque, works: Works) -> None:
    """As often as they come: then the limit holds for the others."""
    left = ["OSError"] * 3

    @job(queue="q", name="J", retry=Retry(limit=1, ignore=OSError), registry=resque.registry)
    def fails() -> None:
        number = int(resque.link.execute("INCR", "tried"))
        raise OSError if number <= len(left) else ValueError

    resque.enqueue(fails)
    works.burst()
    assert errors(resque) == [*left, "ValueError", "ValueError"]
    assert resque.link.execute("KEYS", "resque:resque-retry:*") == []


def test_a_job_without_a_queue_of_its_own_goes_back_to_where_it_came_from(
    resque: Resque, works: Works
) -> None:
    """A class of Ruby's would have one."""

    @job(name="J", retry=Retry(1), registry=resque.registry)
    def fails() -> None:
        raise ValueError

    resque.enqueue("J", queue="urgent")
    works.burst("urgent")
    assert [one.text("queue") for one in resque.failures.list()] == ["urgent"] * 2


# --- how long it waits -----------------------------------------------------------------------------


@pytest.mark.parametrize(("found", "delay"), [(None, 5), ("0", 100), ("1", 1000), ("7", 1000)])
def test_the_steps_of_the_backoff_follow_the_counter(
    resque: Resque, works: Works, found: str | None, delay: int
) -> None:
    """Of a list the last step counts on; attempts that Ruby made count, too."""
    if found is not None:
        resque.link.execute("SET", COUNTER, found)
    resque.enqueue(failing(resque, Retry(limit=-1, backoff=[5, 100, 1000])), 1)
    before = time.time()
    works.burst()
    [key] = delayed(resque)
    assert int(before) + delay <= int(key.rpartition(":")[2]) <= int(time.time()) + delay


def test_a_backoff_may_be_a_function_of_the_attempt(resque: Resque, works: Works) -> None:
    """It is given the number of the attempt that failed."""
    resque.link.execute("SET", COUNTER, 2)
    resque.enqueue(failing(resque, Retry(limit=9, backoff=lambda attempt: 1000 * attempt)), 1)
    before = int(time.time())
    works.burst()
    [key] = delayed(resque)
    assert int(key.rpartition(":")[2]) - before in range(3000, 3060)


@pytest.mark.parametrize("answer", [None, -1, float("nan"), "soon", 1e300])
def test_a_backoff_that_cannot_tell_ends_the_attempts_not_the_worker(
    resque: Resque, works: Works, answer: Any
) -> None:
    """The failure is recorded, and the worker goes on."""
    resque.enqueue(failing(resque, Retry(limit=9, backoff=lambda attempt: answer)), 1)
    works.burst()
    assert (errors(resque), value(resque), delayed(resque)) == (["ValueError"], None, {})
