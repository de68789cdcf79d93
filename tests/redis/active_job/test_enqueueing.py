"""Enqueueing Active Jobs: the bytes that real Rails left for the same call, delays, callbacks, bulk."""

import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from pyresque import active_job
from pyresque.active_job import GlobalID, Symbol
from pyresque.client.delayed_item import names_to_show, ready_entry, ready_item
from pyresque.errors import (
    DontPerform,
    InvalidTime,
    NoQueueError,
    NotAJob,
    SerializationError,
    WrongArguments,
)
from tests.redis.bench import elements

KIT = Path(__file__).parents[3] / "docs/protocol/conformance"
DATA = json.loads((KIT / "vectors/activejob.json").read_text("utf-8"))
TRACES = KIT / "traces/scheduler"
CASES = {one["id"]: one for one in DATA["cases"]}


def recorded(case):
    return json.loads(CASES[case]["payload"])


def unique(payload):
    """Without what is different at each call; the keys in their order."""
    data = payload["args"][0]
    masked = {"job_id": 1, "enqueued_at": 1, "timezone": 1, "scheduled_at": data["scheduled_at"] is not None}
    return json.dumps({**payload, "args": [{**data, **masked}]})


@pytest.mark.parametrize(
    ("case", "args", "kwargs"),
    [
        ("shape/no-args@8.1", [], {}),
        ("kw/with-positional@8.1", [1, "x"], {"user_id": 7, "force": True}),
        ("bigdecimal/simple@8.1", [Decimal("1.5")], {}),
        ("range/int-exclusive@8.1", [range(1, 10)], {}),
        ("sym/plain@8.1", [Symbol("foo")], {}),
        ("gid/two-records@8.1", [GlobalID("app", "Person", 1), GlobalID("app", "Person", 42)], {}),
        ("hash/string-keys@8.1", [{"a": 1, "b": "two"}], {}),
        (
            "kw/value-special@8.1",
            [],
            {"at": datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), "who": GlobalID("app", "Person", 1)},
        ),
        ("opt/priority@8.1", [1], {"priority": 5}),
        ("opt/queue@8.1", [1], {"queue": "urgent"}),
        ("opt/queue-string@8.1", [1], {"queue": "very urgent:now"}),
        ("opt/wait@8.1", [1], {"wait": 3600}),
        ("opt/wait-negative@8.1", [1], {"wait": -10}),
        ("opt/wait-zero@8.1", [1], {"wait": 0}),
        ("opt/wait-until-past@8.1", [1], {"wait_until": datetime(2001, 1, 1, tzinfo=UTC)}),
        ("opt/wait-until-time@8.1", [1], {"wait_until": datetime(2038, 1, 19, 3, 14, 7, 250000, UTC)}),
        (
            "opt/wait-queue-priority@8.1",
            [{Symbol("a"): 1}],
            {"wait": timedelta(minutes=10), "queue": "low", "priority": -3},
        ),
        ("misc/queue-empty-string@8.1", [], {"queue": ""}),
        ("shape/locale-de@8.1", [1], {"locale": "de"}),
    ],
)
def test_the_element_is_what_rails_writes(resque, case, args, kwargs):
    """Same list, same keys in the same order, same values."""
    job_id = active_job.enqueue(resque, "ArgsJob", *args, **{"queue": "default", **kwargs})
    kind, _, name = CASES[case]["list"].partition(":")
    if kind == "queue":
        [raw] = elements(resque, name)
    else:
        [second] = resque.delayed_queue_peek(0, 10)
        [item] = resque.delayed_timestamp_peek(second, 0, 10)
        raw = item.raw
        if "wait_until" in kwargs:
            assert second == int(name)
    found = json.loads(raw)
    assert found["args"][0]["job_id"] == job_id
    assert unique(found) == unique(recorded(case))
    if "wait_until" in kwargs:
        assert found["args"][0]["scheduled_at"] == recorded(case)["args"][0]["scheduled_at"]


def test_a_delayed_job_can_be_found_by_rubys_scheduler(resque):
    """List, set of its places and schedule; moved, it is the element without the queue."""
    active_job.enqueue(resque, "ArgsJob", 1, queue="q", wait=5)
    [second] = resque.delayed_queue_peek(0, 10)
    [item] = resque.delayed_timestamp_peek(second, 0, 10)
    assert list(resque.link.execute("SMEMBERS", b"resque:timestamps:" + item.raw)) == [b"delayed:%d" % second]
    assert 3 <= second - time.time() <= 6
    assert resque.enqueue_found(resque.find_delayed()) == 1
    [raw] = elements(resque)
    assert raw == item.raw.replace(b',"queue":"q"}', b"}")


def test_a_registered_function_is_checked_and_has_its_queue(resque):
    """Positions and keywords as they are; its own parameters come before the options of the same name."""

    @active_job.job("WelcomeJob", queue="mailers", priority=3, registry=resque.registry)
    def welcome(user_id: int, *, wait: int = 1) -> None: ...

    assert active_job.enqueue(resque, welcome, 42, wait=2)
    [raw] = elements(resque, "mailers")
    [data] = json.loads(raw)["args"]
    assert data["arguments"] == [42, {"wait": 2, "_aj_ruby2_keywords": ["wait"]}]
    assert (data["priority"], data["queue_name"]) == (3, "mailers")
    assert active_job.prepare(welcome, 42).set(wait=60).enqueue(resque)
    assert resque.count_all_scheduled_jobs() == 1
    with pytest.raises(WrongArguments, match="WelcomeJob"):
        active_job.enqueue(resque, welcome, 1, 2)


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "text"),
    [
        ([], {}, NoQueueError, "give one with queue="),
        ([object()], {"queue": "q"}, SerializationError, "Unsupported argument type"),
        ([], {"queue": "q", "wait": 1, "wait_until": 2}, NotAJob, "not both"),
        ([], {"queue": "q", "wait": "soon"}, InvalidTime, "is not a length of time"),
        ([], {"queue": "q", "wait_until": datetime(2030, 1, 1)}, InvalidTime, "no time zone"),
        ([], {"queue": "q", "wait": 1e15}, InvalidTime, "after the year 9999"),
        ([], {"queue": "q", "wait": timedelta.max}, InvalidTime, "after the year 9999"),
        ([], {"queue": "q", "wait_until": 1e20}, InvalidTime, "after the year 9999"),
        ([], {"queue": "q", "wait_until": 10**400}, InvalidTime, "after the year 9999"),
        ([], {"queue": "q", "wait_until": -2e11}, InvalidTime, "not a moment of the years"),
        ([], {"queue": "q", "priority": "high"}, NotAJob, "priority='high' is not of type int"),
        ([], {"queue": "q", "locale": 5}, NotAJob, "locale=5 is not of type str"),
        ([], {"queue": "q", "timezone": "Nowhere/Land"}, NotAJob, "not a time zone that Rails knows"),
        ([], {"queue": "q", "timezone": "+02:00"}, NotAJob, "not a time zone that Rails knows"),
        ([], {"queue": "q", "locale": "xx"}, NotAJob, "locale='xx' is not a locale"),
        ([], {"queue": "q", "locale": "english"}, NotAJob, "locale='english' is not a locale"),
        ([], {"queue": "q", "timezone": 5}, NotAJob, "timezone=5 is not of type str"),
    ],
)
def test_what_cannot_be_enqueued_is_refused(resque, args, kwargs, error, text):
    """Nothing is pushed."""
    with pytest.raises(error, match=text):
        active_job.enqueue(resque, "ArgsJob", *args, **kwargs)
    assert resque.queues() == []


def test_a_function_that_is_no_active_job_is_refused(resque):
    """With what to do about it."""
    with pytest.raises(NotAJob, match=r"@active_job\.job"):
        active_job.enqueue(resque, test_what_cannot_be_enqueued_is_refused)
    with pytest.raises(NotAJob, match="not the name of a class"):
        active_job.enqueue(resque, "", queue="q")
    with pytest.raises(NotAJob, match="no colour= to set"):
        active_job.prepare("A").set(colour=1)  # type: ignore[call-arg]


def test_callbacks_of_enqueueing(resque):
    """They may change the arguments or refuse the job."""
    registry = resque.registry
    log = []

    @active_job.before_enqueue("ArgsJob", registry=registry)
    def add(job):
        if job.arguments == ["no"]:
            raise DontPerform
        job.arguments.append("added")

    @active_job.around_enqueue(registry=registry)
    def around(job):
        log.append("in")
        yield
        log.append("out")

    @active_job.after_enqueue("ArgsJob", registry=registry)
    def after(job):
        log.append(job.job_id)

    assert active_job.enqueue(resque, "ArgsJob", "no", queue="q") is None
    job_id = active_job.enqueue(resque, "ArgsJob", 1, queue="q")
    [raw] = elements(resque)
    assert json.loads(raw)["args"][0]["arguments"] == [1, "added"]
    assert log == ["in", "out", job_id]


def test_many_at_once(resque):
    """In order, each with its own queue and wait, without callbacks; one bad one, and none is pushed."""
    jobs = [active_job.prepare("ArgsJob", n).set(queue="q") for n in range(3)]
    later = active_job.prepare("ArgsJob", 9).set(queue="w", wait=60)
    assert active_job.enqueue_many(resque, [*jobs, later]) == 4
    assert [json.loads(raw)["args"][0]["arguments"] for raw in elements(resque)] == [[0], [1], [2]]
    assert resque.count_all_scheduled_jobs() == 1
    bad = active_job.prepare("ArgsJob", object()).set(queue="q")
    with pytest.raises(SerializationError):
        active_job.enqueue_many(resque, [jobs[0], bad])
    assert len(elements(resque)) == 3
    assert active_job.enqueue_many(resque, []) == 0


def test_settings_and_the_job_around(resque):
    """Defaults for locale, zone and version of Rails; inside of a job its locale and zone go on."""
    active_job.configure(rails="7.0", locale="fr", timezone="Paris", registry=resque.registry)
    active_job.enqueue(resque, "ArgsJob", Decimal("1.5"), queue="q")
    [data] = json.loads(elements(resque)[0])["args"]
    assert (data["locale"], data["timezone"], data["arguments"]) == ("fr", "Paris", ["1.5"])
    with pytest.raises(ValueError, match="not a version of Rails"):
        active_job.configure(rails="newest", registry=resque.registry)


def test_a_name_in_a_schedule_becomes_a_wrapper(resque):
    """What the scheduler asks the registry for (docs/protocol/scheduler.md#rules-for-a-scheduler)."""

    @active_job.job("WelcomeJob", queue="mailers", registry=resque.registry)
    def welcome(number: int) -> None: ...

    payload = resque.registry.wrapped("WelcomeJob", [1], None)
    assert list(payload["args"][0]) == list(recorded("shape/no-args@8.1")["args"][0])
    assert (payload["args"][0]["queue_name"], payload["args"][0]["arguments"]) == ("mailers", [1])
    hashed = resque.registry.wrapped("WelcomeJob", {"a": 1}, "low")
    assert hashed["args"][0]["arguments"] == [{"a": 1, "_aj_symbol_keys": []}]
    assert resque.registry.wrapped("Other", [], None) is None


@pytest.mark.parametrize("name", ["active_job", "active_job_by_name"])
def test_items_and_entries_that_name_a_class_are_wrapped(resque, name):
    """As resque-scheduler 5.1 does it with classes that it knows (recorded), with a new id each."""

    @active_job.job("Mailer2", queue="mailers", registry=resque.registry)
    def mailer(*args: object) -> None: ...

    trace = json.loads((TRACES / f"{name}.json").read_text("utf-8"))
    wanted = [json.loads(one[3]) for one in trace["commands"] if one[1] == "RPUSH" and "queue:" in one[2]]
    wanted = [one for one in wanted if one["args"][0]["job_class"] == "Mailer2" and "queue" not in one]
    if name == "active_job_by_name":
        items = trace["keyspace_before"]["resque:delayed:4000000000"]["value"]
        for raw in items:
            ready = ready_item(raw.encode(), resque.registry)
            expected = wanted.pop(0)
            assert ready.queue == expected["args"][0]["queue_name"]
            assert unique(json.loads(ready.payload)) == unique(expected)
    else:
        ready = ready_entry({"class": "Mailer2", "args": [5], "cron": "* * * * *"}, resque.registry, "ruby")
        assert unique(json.loads(ready.payload)) in [unique(one) for one in wanted]
    assert "Mailer2" in names_to_show(resque.registry)


def test_an_entry_can_say_that_it_is_an_active_job(resque):
    """For a class that only Rails knows; it needs a queue."""
    entry = {"class": "Reports::Nightly", "args": [1], "queue": "reports", "active_job": True}
    ready = ready_entry(entry, resque.registry, "ruby")
    [data] = json.loads(ready.payload)["args"]
    assert (ready.queue, data["job_class"], data["queue_name"]) == ("reports", "Reports::Nightly", "reports")
    with pytest.raises(NoQueueError):
        ready_entry({"class": "Reports::Nightly", "active_job": True}, resque.registry, "ruby")
    plain = ready_entry({**entry, "active_job": False}, resque.registry, "ruby")
    assert json.loads(plain.payload) == {"class": "Reports::Nightly", "args": [1]}


def test_the_verbs_of_plain_jobs_say_what_an_active_job_needs(resque):
    """It is registered, so "register it" would be no help: the text names the call that fits."""

    @active_job.job("Sync", queue="aj", registry=resque.registry)
    def sync(n: int): ...

    for verb in (resque.enqueue, resque.dequeue, resque.remove_delayed, resque.is_delayed):
        with pytest.raises(NotAJob, match=r"Sync is an Active Job: enqueue it with active_job\.enqueue"):
            verb(sync, 1)
    with pytest.raises(NotAJob, match="register it with @job"):
        resque.enqueue(len, 1)
