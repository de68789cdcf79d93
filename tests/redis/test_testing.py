"""pyresque.testing: what the tests of an application use."""

import os
import subprocess
import sys
import textwrap

import pytest

from pyresque import job
from pyresque.errors import DontPerform, MalformedPayload, NotAJob, UnknownJobClass
from pyresque.testing import drain, enqueued, inline


@pytest.fixture
def seen():
    return []


@pytest.fixture
def mail(resque, seen):
    """A job with hooks that says everything."""

    @job(queue="mail", name="Mail", registry=resque.registry)
    class Mail:
        def perform(self, to, options=None):
            seen.append(("perform", to, options))
            if to == "nobody":
                raise LookupError("no such address")

        def before_enqueue(self, to, options=None):
            seen.append(("before_enqueue", to, options))
            return to != "refused"

        def before_perform(self, to, options=None):
            if to == "later":
                raise DontPerform

        def on_failure(self, error, *args):
            seen.append(("on_failure", type(error).__name__))

        def always(self, *args):
            seen.append(("always",))

    return Mail


def keys(resque):
    return resque.link.execute("KEYS", "*")


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


# --- drain -----------------------------------------------------------------------------------------


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


# --- the fixture -----------------------------------------------------------------------------------


def test_the_resque_redis_fixture(tmp_path):
    """In another project `resque_redis` is there without any import, empty for each test, and private."""
    (tmp_path / "test_app.py").write_text(
        textwrap.dedent("""
            import pytest
            from pyresque import Resque, job
            from pyresque.testing import drain

            done = []

            @job(queue="q")
            def work(number: int) -> None:
                done.append(number)

            @pytest.mark.parametrize("number", [1, 2])
            def test_app(resque_redis, number):
                resque = Resque(resque_redis)
                assert resque.link.execute("DBSIZE") == 0
                resque.enqueue(work, number)
                resque.push("left", {"class": "X", "args": []})
                assert drain(resque, "q") == 1
                assert done[-1] == number
                resque.close()
        """)
    )
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(tmp_path)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 passed" in result.stdout


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
