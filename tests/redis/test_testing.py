"""pyresque.testing: what the tests of an application use."""

import os
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime, timedelta

import pytest

from pyresque import Retry, active_job, job
from pyresque.errors import DontPerform, MalformedPayload, NotAJob, UnknownJobClass
from pyresque.testing import delayed, drain, enqueued, inline


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


# --- delayed jobs, and time that passes --------------------------------------------------------------


@pytest.fixture
def log(resque):
    """Jobs that say when they run, on the clock of the test."""
    said = []

    @job(queue="q", name="Say", registry=resque.registry)
    def say(word, again=0):
        said.append((word, round((time.time() - start) / 50) * 50))  # delays are cut to whole seconds
        if again:
            resque.enqueue_in(100, say, word, again - 1)

    start = time.time()
    return say, said


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
