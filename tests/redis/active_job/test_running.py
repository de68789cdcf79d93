"""A worker runs Active Jobs: whose they are, what the function gets, what becomes of errors."""

import asyncio
import json
import signal
import time
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from pyresque import active_job
from pyresque import job as plain_job
from pyresque.active_job import GlobalID, Symbol
from pyresque.active_job.arguments.times import stamp
from pyresque.config import Stopping, Unknown, WorkerOptions
from pyresque.errors import DirtyExit, DontPerform
from pyresque.model.perform import ReservedJob
from pyresque.testing import drain, enqueued, inline
from pyresque.wire.records import JOB_WRAPPER, Payload
from tests.redis.bench import elements, eventually, note, put, seen

FRESH = {
    "job_class": "WelcomeJob", "job_id": "11111111-2222-4333-8444-555555555555", "provider_job_id": None,
    "queue_name": "q", "priority": None, "arguments": [], "executions": 0, "exception_executions": {},
    "locale": "de", "timezone": "Tokyo", "enqueued_at": "2026-01-02T03:04:05.000000000Z",
    "scheduled_at": None,
}  # fmt: skip

TAG = Symbol("x")


def wrapper(*arguments, **changes):
    data = {**FRESH, "arguments": list(arguments), **changes}
    data = {key: value for key, value in data.items() if value is not ...}
    return json.dumps({"class": JOB_WRAPPER, "args": [data]}, separators=(",", ":"), ensure_ascii=False)


@pytest.fixture
def job(resque):
    """`active_job.job` for the registry of this test."""
    return lambda name="WelcomeJob", **how: active_job.job(name, registry=resque.registry, **how)


def failures(resque):
    return [json.loads(raw) for raw in resque.link.execute("LRANGE", "resque:failed", 0, -1)]


def delayed(resque):
    """(seconds until it is due, payload) of every delayed job."""
    found = []
    for second in resque.delayed_queue_peek(0, 100):
        for one in resque.delayed_timestamp_peek(second, 0, 100):
            found.append((second - time.time(), json.loads(one.raw)))
    return found


def test_the_function_gets_natural_values_and_keywords(resque, bench, job):
    """Positions, keyword arguments, types; the rest of the payload can be asked for."""

    @job()
    def welcome(user: GlobalID, day: date, wait: timedelta, *, amount: Decimal, tag: Symbol = TAG) -> None:
        now = active_job.current()
        note(resque, repr((user.id, day, wait, amount, tag)))
        note(
            resque, repr((now.executions, now.locale, now.timezone, str(now.zone), now.queue, now.job_id[:8]))
        )

    house = "ActiveJob::Serializers::"
    seconds = [{"_aj_serialized": f"{house}SymbolSerializer", "value": "seconds"}, 60]
    put(
        resque,
        wrapper(
            {"_aj_globalid": "gid://app/User/7"},
            {"_aj_serialized": f"{house}DateSerializer", "value": "2024-02-29"},
            {"_aj_serialized": f"{house}DurationSerializer", "value": 60, "parts": [seconds]},
            {
                "amount": {"_aj_serialized": f"{house}BigDecimalSerializer", "value": "1.5"},
                "_aj_ruby2_keywords": ["amount"],
            },
        ),
    )
    bench.burst()
    day = datetime(2024, 2, 29).date()
    assert seen(resque) == [
        repr(("7", day, active_job.Duration(seconds=60), Decimal("1.5"), Symbol("x"))),
        repr((1, "de", "Tokyo", "Asia/Tokyo", "q", "11111111")),
    ]
    assert failures(resque) == []


@pytest.mark.parametrize("policy", [Unknown(), Unknown("park", "elsewhere"), Unknown("fail")])
def test_a_wrapped_job_counts_by_its_inner_class(resque, bench, job, policy):
    """Known ones are taken from among unknown ones, wherever they stand; those are treated as such."""

    @job()
    def welcome(number: int) -> None:
        note(resque, str(number))

    foreign = [wrapper(n, job_class="ReportJob") for n in range(120)]
    put(resque, foreign[0], wrapper(1), *foreign[1:], wrapper(2, job_class="::WelcomeJob"))
    bench.burst(options=WorkerOptions(unknown=policy))
    assert seen(resque) == ["1", "2"]
    if policy.policy == "fail":
        assert len(failures(resque)) == 120
        assert failures(resque)[0]["exception"] == "NameError"
        assert "ReportJob" in failures(resque)[0]["error"]
    else:
        assert elements(resque, "q" if policy.policy == "leave" else "elsewhere") == [
            one.encode() for one in foreign
        ]
        assert failures(resque) == []


def test_without_active_jobs_wrappers_are_left_alone(resque, bench):
    """A worker that knows none touches none; but a wrapper without a class is nobody's, and fails."""
    put(resque, wrapper(1), wrapper(2, job_class=...))
    bench.burst()
    assert elements(resque) == [wrapper(1).encode()]
    [failure] = failures(resque)
    assert "no job_class" in failure["error"]


@pytest.mark.parametrize("policy", ["leave", "park", "fail"])
@pytest.mark.parametrize(
    "raw",
    [
        '{"class":"WelcomeJob","args":[1]}', '{"args":[1],"class":"::WelcomeJob"}',
        '{"class":"WelcomeJob","args":[{"job_class":"WelcomeJob"}],"x":1}',
    ],
)  # fmt: skip
def test_an_active_job_without_its_wrapper_is_a_failure(resque, bench, job, raw, policy):
    """What a Ruby scheduler pushes that does not know the class: it is not run, and the record says what to
    do; on the queue it would wait for ever. A plain job of the name is one; other classes are left alone."""

    @job()
    def welcome(*args) -> None:
        note(resque, "ran")

    put(resque, raw, '{"class":"OtherJob","args":[]}')
    unknown = {"leave": Unknown(), "park": Unknown("park", "lot"), "fail": Unknown("fail")}[policy]
    bench.burst(options=WorkerOptions(unknown=unknown))
    found = [one for one in failures(resque) if "WelcomeJob" in one["error"]]
    assert [one["payload"] for one in found] == [json.loads(raw)]
    assert "let `pyresque scheduler -r MODULE` do it" in found[0]["error"]
    assert seen(resque) == []
    assert len(elements(resque)) == (policy == "leave")
    plain_job(name="WelcomeJob", queue="q", registry=resque.registry)(lambda *args: note(resque, "plain"))
    assert resque.failures.requeue(resque.failures.list()[0])
    bench.burst(options=WorkerOptions(unknown=unknown))
    assert seen(resque) == ["plain"]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (wrapper(job_class=...), "it has no job_class"),
        (wrapper(job_class=None), "it has no job_class"),
        (wrapper(job_class=5), "its job_class is 5"),
        (wrapper(arguments=...), "WelcomeJob has no arguments"),
        (wrapper(arguments={"a": 1}), "which is not a list"),
        (wrapper(executions="1"), "executions of WelcomeJob is '1', which is not a number"),
        (wrapper(exception_executions=[]), "exception_executions of WelcomeJob is []"),
        (wrapper(exception_executions={"[A]": "x"}), "holds something that is not a number"),
        (wrapper(executions=10**4000), "executions of WelcomeJob are more than there can be"),
        (wrapper(exception_executions={"[A]": 10**4000}), "holds something that is not a number"),
        (wrapper(queue_name=7), "queue_name of WelcomeJob is 7"),
        (wrapper(enqueued_at=7), "enqueued_at of WelcomeJob is 7, which is not text"),
        (wrapper(scheduled_at=[]), "scheduled_at of WelcomeJob is [], which is not text"),
        (f'{{"class":"{JOB_WRAPPER}","args":[]}}', "its wrapper has 0 arguments"),
        (f'{{"class":"{JOB_WRAPPER}"}}', "its wrapper has 0 arguments"),
        (f'{{"class":"{JOB_WRAPPER}","args":["x"]}}', "its argument is not an object"),
        (f'{{"class":"{JOB_WRAPPER}","args":[{wrapper()},1]}}', "its wrapper has 2 arguments"),
        (wrapper({"_aj_serialized": "NopeSerializer"}), "Serializer NopeSerializer is not known"),
        (wrapper({"_aj_serialized": None}), "Serializer name is not present"),
        (wrapper({"_aj_globalid": "gid://app/U/1", "x": 1}), 'reserved key "_aj_globalid"'),
        (wrapper({"_aj_symbol_keys": 5}), "_aj_symbol_keys is 5"),
        (wrapper(1, 2, 3), "WelcomeJob takes (*, force=False)"),
        (wrapper({"x": 1, "_aj_ruby2_keywords": ["x"]}), "it takes no keyword x="),
    ],
)
def test_a_malformed_payload_fails_and_the_worker_goes_on(resque, bench, job, raw, text):
    """The failure says what is wrong; it holds the payload; the next job runs."""

    @job()
    def welcome(*, force=False) -> None:
        note(resque, "ran")

    put(resque, raw, wrapper())
    bench.burst()
    assert seen(resque) == ["ran"]
    [failure] = failures(resque)
    assert text in failure["error"]
    assert failure["payload"] == json.loads(raw)
    assert resque.stat("processed") == 2


def test_an_argument_that_does_not_fit_fails(resque, bench, job):
    """As for any job, with the name of the parameter."""

    @job()
    def welcome(number: int, when: datetime | None = None) -> None:
        note(resque, "ran")

    put(resque, wrapper("x"))
    bench.burst()
    [failure] = failures(resque)
    assert failure["exception"] == "ArgumentError"
    assert "argument number of WelcomeJob" in failure["error"]


def test_unknown_fields_are_kept_on_a_retry(resque, bench, job):
    """Of the job hash and of the element; keys keep their places; the steps of a Rails class, too."""

    @job()
    @active_job.retry_on(ValueError, wait=30, attempts=3, jitter=0)
    def welcome() -> None:
        raise ValueError("x")

    more = {"attempt_number": 4, "continuation": {"completed": ["a"], "x": 1}, "resumptions": 2}
    raw = json.dumps({**json.loads(wrapper(**more)), "trace": "t1"})
    put(resque, raw)
    bench.burst()
    [(due, item)] = delayed(resque)
    assert 28 <= due <= 31
    assert (item["queue"], item["trace"]) == ("q", "t1")
    [data] = item["args"]
    assert list(data) == [*FRESH, *more]
    assert {key: data[key] for key in more} == more
    assert (data["executions"], data["exception_executions"]) == (1, {"[ValueError]": 1})
    assert (data["locale"], data["timezone"]) == ("de", "Tokyo")


@pytest.mark.parametrize("wait", [1e20, float("nan"), timedelta.max, lambda count: -1e20])
def test_a_retry_at_no_moment_is_a_failure(resque, bench, job, wait):
    """The job fails and tells it; the worker goes on, in one process too."""

    @job()
    @active_job.retry_on(ValueError, wait=wait, jitter=0)
    def welcome() -> None:
        raise ValueError("x")

    @job("StepJob", continuable=active_job.Continuable(wait=timedelta.max))
    def walk() -> None:
        active_job.current().step("a", lambda step: step.set(1) or 1 / 0)

    put(resque, wrapper(scheduled_at=...), wrapper(job_class="StepJob"), wrapper())
    bench.burst(options=WorkerOptions(fork_per_job=False))
    assert ["not a moment of the years" in one["error"] for one in failures(resque)] == [True] * 3
    assert resque.count_all_scheduled_jobs() == 0


def broken_map():
    active_job.current().exception_executions["x"] = object()
    raise ValueError("x")


def deep_cursor():
    cursor = []
    for _ in range(95):
        cursor = [cursor]
    active_job.current().step("a", lambda step: step.set(cursor) or 1 / 0)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda: active_job.current().retry(queue=5), "5 is not the name of a queue"),
        (lambda: active_job.current().retry(priority=object()), "is of type object"),
        (lambda: active_job.current().retry(queue="\ud800"), "lone surrogate"),
        (broken_map, "is of type object"),
        (deep_cursor, "nested too deep"),
    ],
)
def test_a_next_attempt_that_cannot_be_written_is_a_failure(resque, bench, job, function, text):
    """It names what is wrong, with the payload as it came; the worker goes on, in one process too."""

    @job(continuable=True)
    @active_job.retry_on(ValueError)
    def welcome() -> None:
        function()

    put(resque, wrapper(), wrapper(job_class=None))
    bench.burst(options=WorkerOptions(fork_per_job=False))
    first, second = failures(resque)
    assert text in first["error"]
    assert first["payload"]["args"][0]["arguments"] == []
    assert "no job_class" in second["error"]


def test_the_text_of_an_error_may_be_no_unicode(resque, bench, job):
    """As a key of exception_executions it is as a failure shows it."""

    @job(continuable=True)
    def welcome() -> None:

        @active_job.current().step("a")
        def a(step) -> None:
            step.set(1)
            raise ValueError("bad \ud800")

    put(resque, wrapper())
    bench.burst(options=WorkerOptions(fork_per_job=False))
    [(_, item)] = delayed(resque)
    [key] = item["args"][0]["exception_executions"]
    assert key == "bad ?"


def test_an_older_payload_gets_no_new_keys(resque, bench, job):
    """What Rails 6.1 wrote stays without scheduled_at; without a map of counts, executions count."""

    @job()
    @active_job.retry_on(ValueError, wait=30, attempts=2, jitter=0)
    def welcome() -> None:
        raise ValueError("x")

    put(
        resque,
        wrapper(scheduled_at=..., exception_executions=...),
        wrapper(executions=1, exception_executions=...),
    )
    bench.burst()
    [(_, item)] = delayed(resque)
    assert list(item["args"][0]) == [
        key for key in FRESH if key not in ("scheduled_at", "exception_executions")
    ]
    assert len(failures(resque)) == 1


def test_a_job_that_is_put_back_keeps_a_moment_to_come(resque, bench, job):
    """As Rails since 7.1: without a wait it is delayed until its scheduled_at again."""

    @job()
    def welcome() -> None:
        raise active_job.current().retry()

    put(resque, wrapper(scheduled_at=stamp(time.time() + 500)))
    bench.burst()
    [(due, item)] = delayed(resque)
    assert 490 <= due <= 501
    assert item["args"][0]["executions"] == 1


def test_a_missing_record_can_be_discarded(resque, bench, job):
    """With discard_on(DeserializationError), as in Rails; else it is a failure."""

    @active_job.resolver("User", registry=resque.registry)
    def user(user_id: int) -> None:
        return None

    @job()
    def welcome(user: object) -> None:
        note(resque, "ran")

    @job("QuietJob")
    @active_job.discard_on(active_job.DeserializationError)
    def quiet(user: object) -> None:
        note(resque, "ran")

    gone = {"_aj_globalid": "gid://app/User/5"}
    put(resque, wrapper(gone), wrapper(gone, job_class="QuietJob"))
    bench.burst()
    [failure] = failures(resque)
    assert failure["exception"] == "ActiveJob::DeserializationError"
    assert failure["error"] == "Error while trying to deserialize arguments: Couldn't find User with 'id'=5"
    assert (seen(resque), resque.stat("processed"), resque.stat("failed")) == ([], 2, 1)


def test_the_end_of_a_process_can_be_retried_or_discarded(resque, bench, job):
    """Killed, or out of time: Rails cannot do that."""

    @job()
    @active_job.retry_on(DirtyExit, wait=30, attempts=2, jitter=0)
    def welcome() -> None:
        import os

        os.kill(os.getpid(), signal.SIGKILL)

    @job("SlowJob", timeout=0.2)
    @active_job.discard_on(DirtyExit)
    def slow() -> None:
        time.sleep(20)

    put(resque, wrapper(), wrapper(job_class="SlowJob"))
    bench.burst()
    [(_, item)] = delayed(resque)
    assert item["args"][0]["exception_executions"] == {"[Resque::DirtyExit]": 1}
    assert failures(resque) == []
    put(resque, json.dumps({key: value for key, value in item.items() if key != "queue"}))
    bench.burst()
    [failure] = failures(resque)
    assert failure["exception"] == "Resque::DirtyExit"
    assert failure["payload"]["args"][0]["exception_executions"] == {"[Resque::DirtyExit]": 2}


def test_callbacks_see_and_change_the_job(resque, bench, job):
    """Before in their order, around, after in reverse; an abort is not a failure."""
    registry = resque.registry

    @job()
    def welcome(text: str) -> None:
        note(resque, text)
        if text == "boom!":
            raise ValueError

    @active_job.before_perform(welcome, registry=registry)
    def check(job):
        if job.arguments == ["stop"]:
            raise DontPerform
        job.arguments[0] += "!"

    @active_job.around_perform(registry=registry)
    def around(job):
        note(resque, "in")
        yield
        note(resque, "out")

    @active_job.after_perform("WelcomeJob", registry=registry)
    def after(job):
        note(resque, "after")

    @active_job.after_discard(welcome, registry=registry)
    def discarded(job, error):
        note(resque, f"discarded {type(error).__name__}")

    put(resque, wrapper("hi"), wrapper("stop"), wrapper("boom"))
    bench.burst()
    assert seen(resque) == ["in", "hi!", "out", "after", "in", "boom!", "discarded ValueError"]
    assert (resque.stat("processed"), resque.stat("failed")) == (3, 1)


def test_a_graceful_stop_puts_a_job_with_steps_back(resque, bench, job):
    """QUIT: the job ends at its next checkpoint, with its cursor, as Rails would write it."""

    @job(continuable=True)
    def welcome() -> None:
        here = active_job.current()
        here.step("load", lambda: None)

        @here.step("walk", start=0)
        def walk(step):
            while step.cursor < 400:
                note(resque, str(step.cursor))
                time.sleep(0.02)
                step.advance()

    put(resque, wrapper())
    worker = bench.start()
    eventually(lambda: len(seen(resque)) > 2)
    worker.send(signal.SIGQUIT)
    assert worker.wait() == 0
    [(due, item)] = delayed(resque)
    [data] = item["args"]
    cursor = data["continuation"]["current"][1]
    assert 3 <= due <= 6
    assert 3 <= cursor < 400
    assert data["continuation"] == {"completed": ["load"], "current": ["walk", cursor]}
    assert (data["resumptions"], data["executions"]) == (0, 1)
    assert data["exception_executions"] == {f"Interrupted at 'walk', cursor '{cursor}' (stopping)": 1}
    assert failures(resque) == []


CUT = [
    WorkerOptions(stopping=Stopping(term_child=True)),
    WorkerOptions(stopping=Stopping(drain=0.2)),
    WorkerOptions(fork_per_job=False, stopping=Stopping(term_child=True)),
]


def add_cut(resque, job):
    """A job that stands in the middle of a step, between two checkpoints."""

    @job(continuable=True)
    @active_job.retry_on(Exception)
    def welcome() -> None:
        @active_job.current().step("load")
        def load() -> None: ...

        @active_job.current().step("walk", start=0)
        def walk(step):
            step.advance()
            note(resque, "waits")
            time.sleep(30)


@pytest.mark.parametrize("options", CUT)
def test_a_step_that_a_signal_cuts_in_two_has_failed(resque, bench, job, options):
    """As in Rails it is not begun again by itself; unlike there, the failure holds what had been done."""
    add_cut(resque, job)
    put(resque, wrapper())
    worker = bench.start(options=options)
    eventually(lambda: seen(resque))
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    [failure] = failures(resque)
    assert (failure["exception"], delayed(resque)) == ("Resque::TermException", [])
    [data] = failure["payload"]["args"]
    assert data["continuation"] == {"completed": ["load"], "current": ["walk", 1]}
    assert (data["resumptions"], data["executions"]) == (0, 0)


@pytest.mark.parametrize("options", CUT)
def test_a_step_that_a_signal_cuts_in_two_is_put_back_with_its_progress(resque, bench, job, options):
    """With --requeue-on-shutdown: to the head of its queue, as all jobs."""
    add_cut(resque, job)
    put(resque, wrapper())
    worker = bench.start(options=replace(options, stopping=replace(options.stopping, requeue=True)))
    eventually(lambda: seen(resque))
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    [element] = map(json.loads, elements(resque))
    assert element["args"][0]["continuation"] == {"completed": ["load"], "current": ["walk", 1]}
    assert (failures(resque), delayed(resque)) == ([], [])


@pytest.mark.parametrize(
    "options", [WorkerOptions(), WorkerOptions(jobs_per_fork=3), WorkerOptions(fork_per_job=False)]
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_term_lets_a_job_reach_its_next_checkpoint(resque, bench, job, options, number):
    """Within the drain; it goes on later, with its cursor."""

    @job(continuable=True)
    def welcome() -> None:
        @active_job.current().step("walk", start=0)
        def walk(step):
            while step.cursor < 100_000:
                step.advance()
                note(resque, step.cursor)
                time.sleep(0.001)

    put(resque, wrapper())
    worker = bench.start(options=options)
    eventually(lambda: seen(resque))
    worker.send(number)
    assert worker.wait() == 0
    [(_, item)] = delayed(resque)
    done = len(seen(resque))
    assert item["args"][0]["continuation"] == {"completed": [], "current": ["walk", done + 1]}
    assert (failures(resque), elements(resque)) == ([], [])


def test_a_dead_workers_job_is_retried_by_whoever_prunes_it(resque, bench, job):
    """retry_on(DirtyExit) holds for a worker that was killed, too."""

    @job()
    @active_job.retry_on(DirtyExit, wait=30, attempts=3, jitter=0)
    def welcome() -> None:
        note(resque, "began")
        time.sleep(30)

    put(resque, wrapper())
    worker = bench.start()
    eventually(lambda: seen(resque))
    worker.send(signal.SIGKILL)
    worker.wait()
    resque.link.execute("DEL", "resque:pruning_dead_workers_in_progress")  # every start shall prune
    bench.burst()
    [(_, item)] = delayed(resque)
    assert item["args"][0]["executions"] == 1
    assert failures(resque) == []


def test_async_functions(resque, job):
    """On an event loop callbacks, steps and retries are the same."""

    @job(continuable=True)
    @active_job.retry_on(ValueError, wait=0, attempts=3)
    async def welcome(fail: bool) -> None:
        here = active_job.current()

        async def load(step):
            await asyncio.sleep(0)
            note(resque, f"loads {here.executions}")

        await here.step("load", load)
        if fail:
            raise ValueError("x")

    payload = Payload.parse(wrapper(True).encode())
    reserved = ReservedJob.of("q", payload, resque.registry)
    handled = asyncio.run(reserved.run_async(lambda error: error))
    [(queue, following, _)] = handled.again
    assert (queue, following.value["args"][0]["continuation"]) == ("q", {"completed": ["load"]})
    assert following == Payload.parse(following.raw)
    again = ReservedJob.of("q", following, resque.registry)
    assert asyncio.run(again.run_async(lambda error: error)) is not None
    assert seen(resque) == ["loads 1"]


def test_helpers_for_tests_know_active_jobs(resque, job):
    """enqueued, drain and inline."""

    @job(queue="q")
    @active_job.retry_on(ValueError, wait=60, attempts=2)
    def welcome(number: int) -> None:
        note(resque, f"{number} {active_job.current().executions}")
        raise ValueError("boom")

    active_job.enqueue(resque, welcome, 1)
    assert enqueued(resque, "WelcomeJob", "q") == [[1]]
    with pytest.raises(ValueError, match="boom"):
        drain(resque)
    with inline(resque), pytest.raises(ValueError, match="boom"):
        active_job.enqueue(resque, welcome, 2)
    assert seen(resque) == ["1 1", "1 2", "2 1", "2 2"]
