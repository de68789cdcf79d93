"""pyresque.testing: what the tests of an application use."""

from datetime import UTC, datetime

import pytest

from pyresque import active_job, job
from pyresque.errors import NotAJob, UnknownJobClass
from pyresque.testing import delayed, drain, enqueued, inline
from tests.redis.testing.conftest import keys

# --- inline ----------------------------------------------------------------------------------------


def test_inline_runs_a_job_at_once_through_json(resque, mail, seen):
    """Enqueue hooks get the arguments as given, perform those that went through JSON; nothing is pushed."""
    with inline(resque) as same:
        assert same is resque
        assert resque.enqueue(mail, "me", {"at": (1, 2.0)}) is True
        assert resque.enqueue(mail, "refused") is None
        assert resque.enqueue(mail, "later") is True
    assert seen == [
        ("before_enqueue", "me", {"at": (1, 2.0)}), ("perform", "me", {"at": [1, 2.0]}), ("always",),
        ("before_enqueue", "refused", None), ("before_enqueue", "later", None), ("always",),
    ]  # fmt: skip
    assert keys(resque) == []


def test_inline_raises_what_the_job_raises(resque, mail, seen):
    """The exception itself comes to the caller, hooks have run, and no failure is recorded."""
    with inline(resque), pytest.raises(LookupError, match="no such address"):
        resque.enqueue(mail, "nobody")
    assert seen[1:] == [("perform", "nobody", None), ("on_failure", "LookupError"), ("always",)]
    assert keys(resque) == []


def test_inline_takes_every_way_to_enqueue(resque, mail, seen):
    """enqueue_many, enqueue_to, push and jobs that enqueue run inline too."""

    @job(queue="q", name="Outer", registry=resque.registry)
    def outer() -> None:
        resque.enqueue(mail, "inner")

    with inline(resque):
        assert resque.enqueue_many([(mail, "a"), (outer,)]) == 2
        resque.enqueue_to("x", mail, "b")
        resque.push("x", {"class": "Mail", "args": ["c"]})
    assert [args[1] for args in seen if args[0] == "perform"] == ["a", "inner", "b", "c"]
    assert keys(resque) == []


def test_inline_of_an_unknown_class(resque):
    """A class that only Ruby knows cannot run here."""
    with inline(resque), pytest.raises(UnknownJobClass, match="Ruby::Only"):
        resque.enqueue("Ruby::Only", queue="q")


def test_after_the_block_jobs_are_pushed_again(resque, mail):
    """Also when the block ended by an exception; blocks may be nested."""
    with pytest.raises(LookupError), inline(resque), inline(resque):
        resque.enqueue(mail, "nobody")
    resque.enqueue(mail, "me")
    assert enqueued(resque, mail) == [["me"]]


# --- enqueued --------------------------------------------------------------------------------------


def test_enqueued_lists_the_arguments_in_order(resque, mail):
    """Only jobs of that class count, whoever wrote them; elements that are not jobs are passed over."""
    resque.enqueue(mail, "a")
    resque.enqueue("Other", queue="mail")
    resque.link.execute(
        "RPUSH", "resque:queue:mail", "oops", '{ "args": ["b", null], "class": "Mail" }', "null"
    )
    assert enqueued(resque, mail) == [["a"], ["b", None]]
    assert enqueued(resque, "Other", queue="mail") == [[]]
    assert enqueued(resque, mail, queue="elsewhere") == []


def test_enqueued_needs_a_job_and_a_queue(resque):
    """What is not a job, or has no queue, is told."""
    with pytest.raises(NotAJob):
        enqueued(resque, print)
    with pytest.raises(NotAJob, match="queue="):
        enqueued(resque, "Other")


# --- tracked jobs ----------------------------------------------------------------------------------


def test_a_tracked_job_has_its_result_in_tests_too(resque):
    """Whether it runs inline or is drained; what it raises is raised, and is its status."""

    @job(queue="q", name="Half", registry=resque.registry)
    def half(number: int):
        return 10 / number

    with inline(resque):
        handle = resque.enqueue(half, 4, track=True)
        assert handle.result(timeout=0) == 2.5
        with pytest.raises(ZeroDivisionError):
            resque.enqueue(half, 0, track=True)
    assert resque.queues() == []
    handle = resque.enqueue(half, 5, track=True)
    assert (drain(resque), handle.result(timeout=0)) == (1, 2.0)
    handle = resque.enqueue(half, 0, track=True)
    with pytest.raises(ZeroDivisionError):
        drain(resque)
    assert handle.status == "failed"


# --- delayed jobs, and time that passes --------------------------------------------------------------


def test_delayed_lists_the_calls(resque, log):
    """By time, with the moment and the queue; of this class only, of an Active Job as well."""
    say, _ = log

    @active_job.job("LaterJob", queue="rails", registry=resque.registry)
    def later(number, *, mode="slow"): ...

    resque.enqueue_in(60, say, "b")
    resque.enqueue_at(datetime(2030, 1, 2, tzinfo=UTC), say, "c", queue="other")
    resque.enqueue_in(30, say, "a", 2)
    resque.enqueue_in(30, "Other", 1, queue="q")
    active_job.enqueue(resque, later, 5, wait=60)
    calls = delayed(resque, say)
    assert calls == [["a", 2], ["b"], ["c"]]
    assert calls[2].at == datetime(2030, 1, 2, tzinfo=UTC)
    assert [call.queue for call in calls] == ["q", "q", "other"]
    assert delayed(resque, "Say") == calls
    assert delayed(resque, later)[0][0] == 5
    assert delayed(resque, "Nothing") == []
    with pytest.raises(NotAJob):
        delayed(resque, print)
