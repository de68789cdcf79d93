"""Tracked jobs (`enqueue(..., track=True)`): status, progress, result, cancel, whatever becomes of them."""

import asyncio
import dataclasses
import json
import os
import signal
import time
import uuid
from datetime import date

import pytest

from pyresque import Retry, job
from pyresque.config import Recover, Stopping, WorkerOptions
from pyresque.errors import JobCancelled, JobFailed, JobNotDone, NoResult, NotAJob
from pyresque.plugins import Statuses, current_status
from pyresque.worker.aio.worker import AsyncWorker
from tests.redis.bench import eventually, note, seen

NO_FORK = WorkerOptions(fork_per_job=False)


@dataclasses.dataclass
class Point:
    x: int
    day: date


@pytest.fixture
def answer(resque):
    """A job that returns what it is asked for."""

    @job(queue="q", name="Answer", registry=resque.registry)
    def answer(what, number: int = 1):
        match what:
            case "raise":
                raise LookupError("no such thing")
            case "exit":
                os._exit(3)
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "point":
                return Point(1, date(2026, 1, 2))
            case "object":
                return object()
            case "nan":
                return float("nan")
            case "large":
                return "x" * 1_000_001
            case "progress":
                current_status().at(3, 10, "third")
                note(resque, current_status().value["status"])
            case "own":
                current_status().completed("as I say")
            case "bad":
                current_status().failed("it did not work")
        return {"what": what, "number": number}

    return answer


def status(resque, handle):
    return json.loads(resque.link.execute("GET", f"resque:status:{handle.id}"))


def test_a_tracked_job_has_an_id_in_its_payload(resque, answer):
    """Ruby ignores the key; the status is one that resque-status reads and lists."""
    handle = resque.enqueue(answer, "a", number=2, track=True)
    assert resque.peek("q") == [{"class": "Answer", "args": ["a", 2], "pyresque_id": handle.id}]
    value = status(resque, handle)
    assert list(value) == ["time", "status", "uuid", "name"]
    assert (value["status"], value["uuid"], value["name"]) == ("queued", handle.id, 'Answer("a", 2)')
    assert Statuses(resque).list() == [value]
    assert 86_000 < resque.link.execute("TTL", f"resque:status:{handle.id}") <= 86_400
    assert handle.status == "queued"
    assert resque.handle(handle.id) == handle


@pytest.mark.parametrize("options", [WorkerOptions(), NO_FORK], ids=["fork", "no fork"])
def test_results_come_back(resque, bench, answer, options):
    """As JSON has them; whatever cannot come back says why, and the job counts as done all the same."""
    words = ("a", "raise", "point", "object", "nan", "large", "progress", "own", "bad")
    handles = {word: resque.enqueue(answer, word, track=True) for word in words}
    plain = resque.enqueue(answer, "plain")
    bench.burst("q", options=options)
    assert plain is True
    assert handles["a"].result(timeout=0) == {"what": "a", "number": 1}
    assert handles["point"].result() == {"x": 1, "day": "2026-01-02"}
    with pytest.raises(JobFailed, match="no such thing") as failed:
        handles["raise"].result()
    assert failed.value.exception == "LookupError"
    for word, text in (
        ("object", "cannot be written as JSON"),
        ("nan", "NaN"),
        ("large", "1000000 are stored"),
    ):
        with pytest.raises(NoResult, match=text):
            handles[word].result()
    assert handles["progress"].progress.fraction == 0.3
    assert handles["progress"].result()["what"] == "progress"
    assert seen(resque) == ["working"]
    assert handles["own"].result()["what"] == "own"
    assert status(resque, handles["own"])["message"] == "as I say"
    with pytest.raises(JobFailed, match="it did not work"):
        handles["bad"].result()
    states = {word: handle.status for word, handle in handles.items()}
    assert {word for word, state in states.items() if state == "failed"} == {"raise", "bad"}
    assert {word for word, state in states.items() if state == "completed"} == {*words} - {"raise", "bad"}
    assert (resque.stat("processed"), resque.failures.count()) == (len(words) + 1, 1)


@pytest.mark.parametrize("options", [WorkerOptions(), NO_FORK], ids=["fork", "no fork"])
def test_a_large_result_comes_back(resque, bench, options):
    """Whole, from the process of the job, with what has to be escaped."""

    @job(queue="q", name="Large", registry=resque.registry)
    def large(count: int):
        return {"text": "ü\\\0\u2028" * count}

    handle = resque.enqueue(large, 70_000, track=True)
    bench.burst("q", options=options)
    assert handle.result(timeout=0) == {"text": "ü\\\0\u2028" * 70_000}


def test_a_job_that_goes_away_has_failed(resque, bench, answer):
    """The worker tells it, where the process of the job cannot."""
    handles = [resque.enqueue(answer, word, track=True) for word in ("exit", "kill")]
    bench.burst("q")
    for handle in handles:
        with pytest.raises(JobFailed) as failed:
            handle.result(timeout=0)
        assert failed.value.exception == "Resque::DirtyExit"


@pytest.mark.parametrize("recover", ["fail", "requeue"])
def test_a_dead_worker_leaves_no_status_behind(resque, bench, recover):
    """Its pruner writes what has become of the job: failed, or waiting again and then done."""

    @job(queue="q", name="Once", registry=resque.registry)
    def once():
        if resque.link.execute("INCR", "runs") == 1:
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)
        return "done"

    handle = resque.enqueue(once, track=True)
    dying = bench.start("q")
    dying.wait()
    assert handle.status == "working"
    bench.burst("q", options=WorkerOptions(recover=Recover(recover)))
    if recover == "fail":
        with pytest.raises(JobFailed):
            handle.result(timeout=0)
    else:
        assert handle.result(timeout=0) == "done"


def test_a_retry_is_not_the_end(resque, bench):
    """`result` waits for the last attempt: until then the job is queued, and says what went wrong."""

    @job(queue="q", name="Third", retry=Retry(limit=2, backoff=[0, 100]), registry=resque.registry)
    def third():
        tries = resque.link.execute("INCR", "tries")
        if tries < 3:
            raise OSError(f"try {tries}")
        return tries

    handle = resque.enqueue(third, track=True)
    bench.burst("q")
    assert (handle.status, handle.wait(timeout=0)) == ("queued", False)
    assert handle.progress.message == "The task failed because of an error: try 2"
    with pytest.raises(JobNotDone, match="not over after 0 seconds"):
        handle.result(timeout=0)
    [item] = resque.find_delayed()
    resque.enqueue_found([item])
    bench.burst("q")
    assert handle.result(timeout=0) == 3


def test_a_retry_by_hand_goes_on_under_the_same_id(resque, bench, answer):
    """As the payload keeps its key, in the record of the failure, too."""
    handle = resque.enqueue(answer, "raise", track=True)
    bench.burst("q")
    [failure] = resque.failures.list()
    assert failure.payload["pyresque_id"] == handle.id
    resque.failures.requeue(failure)
    [waiting] = resque.peek("q", 0, 5)
    assert waiting["pyresque_id"] == handle.id
    assert handle.status == "failed"  # that is what is known of it, until it works again


def test_cancel_a_job_that_waits(resque, bench, answer):
    """It never runs, is no failure, and is over for whoever asks, from that moment on."""
    handle, other = resque.enqueue(answer, "progress", track=True), resque.enqueue(answer, "b", track=True)
    assert handle.cancel() is True
    assert handle.status == "killed"
    with pytest.raises(JobCancelled):
        handle.result()
    bench.burst("q")
    assert handle.status == "killed"
    assert seen(resque) == []
    assert handle.cancel() is False
    assert other.result(timeout=0)["what"] == "b"
    assert other.cancel() is False
    assert resque.link.execute("EXISTS", "resque:_kill") == 0
    assert (resque.stat("processed"), resque.failures.count()) == (2, 0)


@pytest.mark.parametrize("options", [WorkerOptions(), NO_FORK], ids=["fork", "no fork"])
def test_cancel_a_job_that_runs(resque, bench, options):
    """It ends where it next says how far it is; its hooks about the end run, those about a failure do not."""

    @job(queue="q", name="Long", registry=resque.registry)
    class Long:
        def perform(self):
            note(resque, "began")
            eventually(lambda: resque.link.execute("SCARD", "resque:_kill"))
            current_status().tick()
            note(resque, "went on")

        def on_failure(self, error):
            note(resque, f"failed {error}")

        def always(self):
            note(resque, "always")

    handle = resque.enqueue(Long, track=True)
    worker = bench.start("q", options=options)
    eventually(lambda: handle.status == "working" and seen(resque))
    assert handle.cancel() is True
    with pytest.raises(JobCancelled):
        handle.result(timeout=60)
    worker.send(signal.SIGQUIT)
    worker.wait()
    assert seen(resque) == ["began", "always"]
    assert resque.failures.count() == 0
    assert resque.link.execute("EXISTS", "resque:_kill") == 0


def test_async_jobs_are_tracked_each_by_itself(resque):
    """Several at a time on one event loop: each has its own status."""

    @job(queue="q", name="Async", registry=resque.registry)
    async def work(number: int):
        current_status().at(number, 10)
        await asyncio.sleep(0)
        if number == 3:
            raise ValueError("three")
        return [number, current_status().uuid]

    handles = [resque.enqueue(work, number, track=True) for number in range(4)]
    handles[2].cancel()
    AsyncWorker(resque, ["q"], 3).work(interval=0)
    for number in (0, 1):
        assert handles[number].result(timeout=0) == [number, handles[number].id]
    assert [handle.status for handle in handles] == ["completed", "completed", "killed", "failed"]
    with pytest.raises(LookupError):
        current_status()


def test_a_job_that_goes_back_is_queued_again(resque, bench):
    """With `--requeue-on-shutdown`; it is done in the end, under the same id."""

    @job(queue="q", name="Back", registry=resque.registry)
    def back():
        if resque.link.execute("INCR", "runs") == 1:
            eventually(lambda: None, 60)
        return "second"

    handle = resque.enqueue(back, track=True)
    options = WorkerOptions(stopping=Stopping(drain=0.0, term_child=True, requeue=True))
    worker = bench.start("q", options=options)
    eventually(lambda: resque.link.execute("GET", "runs"))
    worker.send(signal.SIGTERM)
    worker.wait()
    assert handle.status == "queued"
    bench.burst("q")
    assert handle.result(timeout=0) == "second"


def test_a_delayed_job_is_tracked(resque, bench, answer):
    """The scheduler of pyresque, and every verb that moves it, keeps the id; its status is kept as long."""
    handle = resque.enqueue_in(100_000, answer, "a", track=True)
    assert handle.status == "queued"
    assert resque.link.execute("TTL", f"resque:status:{handle.id}") > 186_000
    assert resque.delay_or_enqueue_in(200_000, answer, "a") == 1
    [item] = resque.find_delayed()
    assert json.loads(item.raw)["pyresque_id"] == handle.id
    assert resque.delay_or_enqueue_in(0, answer, "a") == 1
    bench.burst("q")
    assert handle.result(timeout=0)["what"] == "a"
    assert resque.find_delayed() == []


def test_what_is_removed_is_unknown(resque, answer):
    """dequeue and remove_delayed take the status along: nobody waits for a job that will not come."""
    handles = [resque.enqueue(answer, "a", track=True), resque.enqueue_in(60, answer, "b", track=True)]
    resque.dequeue(answer, "a")
    resque.remove_delayed(answer, "b")
    assert [handle.status for handle in handles] == ["unknown", "unknown"]
    for handle in handles:
        with pytest.raises(NoResult, match="nothing is known"):
            handle.result()
    assert handles[0].cancel() is False


def test_a_refused_job_has_no_status(resque):
    """A hook said no, or the queue is not a list: nothing is written."""

    @job(queue="q", name="Refused", registry=resque.registry)
    class Refused:
        def perform(self): ...

        def before_enqueue(self):
            return False

    assert resque.enqueue(Refused, track=True) is None
    assert resque.link.execute("KEYS", "*") == []


def test_the_list_of_statuses_does_not_grow_for_ever(resque, answer):
    """Those that have expired leave it by and by."""
    for _ in range(5):
        resque.link.execute("ZADD", "resque:_statuses", 1, uuid.uuid4().hex)
    for _ in range(60):
        resque.enqueue(answer, "a", track=True)
    assert resque.link.execute("ZCARD", "resque:_statuses") < 65


def test_by_default_of_the_class(resque, bench):
    """`@job(track=True)`; a call may say otherwise."""

    @job(queue="q", name="Always", track=True, registry=resque.registry)
    def always(number: int = 0):
        return number

    handle = resque.enqueue(always, 5)
    assert resque.enqueue(always, track=False) is True
    assert resque.enqueue_many([(always, 1)]) == 1
    bench.burst("q")
    assert handle.result(timeout=0) == 5


def test_a_parameter_of_that_name_is_an_argument(resque):
    """The job's own name wins; then the option is that of the class."""

    @job(queue="q", name="Trains", track=True, registry=resque.registry)
    def trains(track: str, at_front: bool = False): ...

    handle = resque.enqueue(trains, track="nine", at_front=True)
    assert resque.peek("q")[0]["args"] == ["nine", True]
    assert handle.status == "queued"


def test_at_front(resque, answer):
    """To the head of the queue, known or not by name; not of a delayed job."""
    resque.enqueue(answer, "a")
    resque.enqueue(answer, "b", at_front=True)
    resque.enqueue("Ruby", 1, queue="q", at_front=True)
    resque.enqueue_to("q", answer, "c", at_front=False)
    assert [one["args"][0] for one in resque.peek("q", 0, 9)] == [1, "b", "a", "c"]
    with pytest.raises(NotAJob, match="at_front"):
        resque.enqueue_in(60, answer, "a", at_front=True)
    with pytest.raises(NotAJob, match="at_front='yes' must be True or False"):
        resque.enqueue(answer, "a", at_front="yes")
    assert resque.size("q") == 4


@pytest.mark.parametrize("junk", ["5", "[1]", "not JSON", '{"status": 5}'])
def test_a_status_that_somebody_has_overwritten(resque, bench, answer, junk):
    """It is unknown; the job runs, and its end is written."""
    handle = resque.enqueue(answer, "a", track=True)
    resque.link.execute("SET", f"resque:status:{handle.id}", junk)
    assert handle.status == "unknown"
    assert handle.progress.fraction is None
    bench.burst("q")
    assert handle.result(timeout=0)["what"] == "a"


@pytest.mark.parametrize("wrong", ['"x"', "5", "null", '["a"]', '"' + "g" * 32 + '"', '"../../failed"'])
def test_an_id_that_is_none_is_no_id(resque, bench, answer, wrong):
    """Anybody may write a payload: the job runs as one that is not tracked."""
    raw = b'{"class":"Answer","args":["a"],"pyresque_id":%b}' % wrong.encode()
    resque.link.execute("SADD", "resque:queues", "q")
    resque.link.execute("RPUSH", "resque:queue:q", raw)
    bench.burst("q")
    assert (resque.stat("processed"), resque.failures.count()) == (1, 0)
    assert resque.link.execute("KEYS", "resque:status*") == []
