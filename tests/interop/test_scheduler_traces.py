"""The recorded traces of resque-scheduler 5.1.1, played with ours.

See docs/protocol/conformance/README.md#traces.

For each: Redis as it was, our call for Ruby's, and then the whole keyspace and the answers. `DIFFERENT` says
where ours ends otherwise on purpose, exactly how, and which rule asks for it
(docs/protocol/scheduler.md#rules-for-a-scheduler); `LEFT_OUT` lists what has no counterpart. The clock
stands where Ruby's stood.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from pyresque import Resque, job
from pyresque.config import SchedulerOptions
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry
from pyresque.schedule.entry import Entry
from pyresque.schedule.next_runs import Running
from pyresque.scheduler.due import Mover
from pyresque.scheduler.firing import Firer
from pyresque.scheduler.loaded_schedule import LoadedSchedule
from pyresque.scheduler.master import Master
from pyresque.store import schedules
from pyresque.store.delayed import NO_LEASE, Lease
from pyresque.testing.redis_server import DevRedis
from tests.interop.traces.trace import FOLDER
from tests.interop.traces.trace import dump as plain_dump

TRACES = FOLDER / "scheduler"
NAMES = sorted(path.stem for path in TRACES.glob("*.json"))
NOW, THEN = 1800000000, 4000000000
LOCK = "resque:resque:resque_scheduler_master_lock"
OURS = "host:1:ours"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The time and the zone of the recording, for the client's side."""
    stopped = SimpleNamespace(time=lambda: float(NOW))
    monkeypatch.setattr("pyresque.client.delaying.time", stopped)
    monkeypatch.setattr("pyresque.model.moments.time", stopped)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class Stage:
    """A client and a scheduler of ours on the Redis of a trace."""

    def __init__(self, name: str, server: DevRedis) -> None:
        self.trace: dict[str, Any] = json.loads((TRACES / f"{name}.json").read_text("utf-8"))
        self.server = server
        self.admin = redis.Redis.from_url(server.url)
        server.empty()
        self.registry = Registry(WorkerHooks())
        self.resque = Resque(server.url, registry=self.registry)
        for key, entry in self.trace["keyspace_before"].items():
            put(self.admin, key, entry["type"], entry["value"])
        self.mail = self.job("SendEmail", "mail")
        self.report = self.job("Report", "reports")

    def job(self, name: str, queue: str, **hooks: Any) -> Any:
        body = {"perform": staticmethod(lambda *args: None)}
        body |= {hook: staticmethod(function) for hook, function in hooks.items()}
        return job(queue=queue, name=name, registry=self.registry)(type(name, (), body))

    def note(self, name: str, args: tuple[Any, ...]) -> None:
        """What the classes of the traces do in each hook."""
        self.admin.rpush("resque:trace", f"{name} {json.dumps(list(args))}")

    def hooked(self, names: list[str], **special: Any) -> Any:
        """The class Hooked of the traces; `special[hook][first argument]` is its answer, or is raised."""

        def hook(name: str) -> Callable[..., Any]:
            def run(*args: Any) -> Any:
                self.note(name, args)
                answer = special.get(name, {}).get(args[0])
                if isinstance(answer, Exception):
                    raise answer
                return answer

            return run

        return self.job("Hooked", "h", **{name: hook(name) for name in names})

    def cust(self, hooks: tuple[str, ...] = ()) -> Any:
        """The class Cust of the traces, which puts a job of another class on its queue."""

        def scheduled(queue: str, name: str, *args: Any) -> int:
            return 1 if self.resque.enqueue("Wrapped", name, *args, queue=queue) else 0

        notes = {one: lambda *args, one=one: self.note(one, args) for one in hooks}
        return self.job("Cust", "c", scheduled=scheduled, **notes)

    def drain(self, lease: Lease | None = None, batch: int = 100) -> int:
        """One pass of the master at the time of the traces."""
        one = Lease(LOCK, OURS, 180_000) if lease is None else lease
        return Mover(self.resque.space, self.registry, batch).move_all(one, now=THEN + 20)

    def fire(self, name: str, **value: Any) -> str:
        """Fire an entry at the time of the traces."""
        running = Running(Entry.read(name, {"every": "1h", **value}), NOW - 3600)
        running.due = float(NOW)
        return Firer(self.resque.space, self.registry).fire(running, Lease(LOCK, OURS, 180_000))

    def close(self) -> None:
        self.resque.close()
        self.admin.close()


def put(client: redis.Redis, key: str, kind: str, value: Any) -> None:
    if kind == "string":
        client.set(key, OURS if value.startswith("<LOCK_") else value)
    elif kind == "list":
        client.rpush(key, *value)
    elif kind == "set":
        client.sadd(key, *value)
    elif kind == "zset":
        client.zadd(key, dict(value))
    else:
        client.hset(key, mapping=value)


def dump(client: redis.Redis) -> dict[str, Any]:
    """Everything that Redis holds, sets sorted, without lifetimes."""
    sorted_sets = {}
    for key in client.scan_iter(count=1000, _type="zset"):
        value = [
            [member.decode(), int(score)] for member, score in client.zrange(key, 0, -1, withscores=True)
        ]
        sorted_sets[key.decode()] = {"type": "zset", "value": value}
        client.delete(key)
    return {
        **{key: {"type": one["type"], "value": one["value"]} for key, one in plain_dump(client).items()},
        **sorted_sets,
    }


Play = Callable[[Stage], Any]
PLAYED: dict[str, Play] = {}


def play(function: Play) -> Play:
    """What ours does where Ruby did what the trace of this name tells; returns what is compared to Ruby's."""
    PLAYED[function.__name__.rstrip("_")] = function
    return function


@play
def enqueue_at_future(stage: Stage) -> Any:
    r = stage.resque
    return [
        r.enqueue_at(THEN, stage.mail, 1, "a", {"x": "y", "é": None}, 1.5),
        r.enqueue_at(THEN + 0.9, stage.mail),
        r.enqueue_at_with_queue("other", THEN, "Plain", [[]]),
    ]


@play
def enqueue_in(stage: Stage) -> Any:
    r = stage.resque
    return [
        r.enqueue_in(60, stage.mail, 1),
        r.enqueue_in(0.9, stage.mail, 2),
        r.enqueue_in_with_queue("slow", 90, stage.mail, 3),
    ]


@play
def enqueue_at_past(stage: Stage) -> Any:
    r = stage.resque
    named = [(NOW - 1, "past"), (NOW, "now"), (NOW + 1, "next")]
    found = [r.enqueue_at(at, stage.mail, word) for at, word in named]
    return [*found, r.enqueue_at(NOW - 1, "SendEmail", "old", queue="other")]


@play
def enqueue_at_past_hooks(stage: Stage) -> Any:
    r = stage.resque
    names = ["before_schedule", "after_schedule", "before_enqueue", "after_enqueue"]
    made = stage.hooked(names, before_schedule={"no_schedule": False}, before_enqueue={"veto": False})
    found = [r.enqueue_at(NOW, made, word) for word in ("ok", "no_schedule", "veto")]
    found += [r.enqueue_in(0, made, "in"), r.enqueue_at_with_queue("other", NOW - 1, made, "q")]
    r.enqueue_at(NOW - 1, stage.cust(), 5)
    return found


@play
def same_payload_twice(stage: Stage) -> None:
    for at in (THEN, THEN, THEN + 10):
        stage.resque.enqueue_at(at, stage.mail, 7)


@play
def remove_delayed(stage: Stage) -> Any:
    r = stage.resque
    found = [r.remove_delayed(stage.mail, "1"), r.remove_delayed(stage.mail, 1.0), 0]
    return [*found, r.remove_delayed(stage.mail, 1), r.remove_delayed(stage.mail, 1, queue="other")]


@play
def remove_from_timestamp(stage: Stage) -> Any:
    verb = stage.resque.remove_delayed_job_from_timestamp
    return [verb(THEN, stage.mail, 1), verb(THEN + 10, stage.mail, 1)]


@play
def remove_selection(stage: Stage) -> Any:
    return [stage.resque.remove_delayed_selection(lambda args: args == [1], stage.mail)]


@play
def enqueue_delayed(stage: Stage) -> Any:
    return [stage.resque.enqueue_delayed(stage.mail, 1)]


@play
def enqueue_delayed_selection(stage: Stage) -> Any:
    return [stage.resque.enqueue_delayed_selection(lambda args: True)]


@play
def delay_or_enqueue(stage: Stage) -> Any:
    r = stage.resque
    found = [r.delay_or_enqueue_at(THEN + 50, stage.mail, n) for n in (1, 2)]
    return [*found, r.delay_or_enqueue_in(100, stage.mail, 2)]


@play
def queries(stage: Stage) -> None:
    r = stage.resque
    assert r.is_delayed(stage.mail, 1)
    assert r.scheduled_at(stage.mail, 1) == r.delayed_queue_peek(0, 10) == [THEN, THEN + 10]
    assert (r.delayed_queue_schedule_size(), r.delayed_timestamp_size(THEN)) == (2, 2)
    assert [len(r.delayed_timestamp_peek(THEN, 0, n)) for n in (1, 20)] == [1, 2]
    assert (r.next_delayed_timestamp(), r.next_delayed_timestamp(5000000000)) == (None, THEN)
    assert (r.count_all_scheduled_jobs(), len(r.find_delayed(job=stage.mail))) == (5, 4)


@play
def reset_delayed_queue(stage: Stage) -> None:
    stage.resque.reset_delayed_queue()


@play
def delay_nan(stage: Stage) -> None:
    stage.resque.enqueue_at(THEN, stage.report, "before")
    with pytest.raises(Exception, match="NaN"):
        stage.resque.enqueue_at(THEN, stage.mail, float("nan"))
    stage.resque.enqueue_at(THEN, stage.report, "after")
    stage.drain()


@play
def delayed_hooks(stage: Stage) -> Any:
    names = ["before_schedule", "after_schedule", "before_delayed_enqueue", "before_enqueue", "after_enqueue"]
    words = ("ok", "no_schedule", "veto", "delayed_raises", "after_enqueue_raises")
    made = stage.hooked(
        names,
        before_schedule={"no_schedule": False},
        before_enqueue={"veto": False},
        before_delayed_enqueue={"delayed_raises": ValueError("no"), **dict.fromkeys(words[:3], False)},
        after_enqueue={"after_enqueue_raises": ValueError("no")},
    )
    found = [stage.resque.enqueue_at(THEN, made, word) for word in words]
    stage.drain()
    return [found]


@play
def drain(stage: Stage) -> None:
    stage.drain()


@play
def drain_conflict(stage: Stage) -> None:
    stage.resque.link.execute("RPUSH", f"resque:delayed:{THEN}", late := late_item())
    stage.resque.link.execute("SADD", b"resque:timestamps:" + late, f"delayed:{THEN}")
    stage.drain()


def late_item() -> bytes:
    return b'{"class":"SendEmail","args":["late"],"queue":"mail"}'


@play
def drain_emptied_bucket(stage: Stage) -> None:
    stage.drain()


@play
def drain_one_by_one(stage: Stage) -> None:
    stage.drain(batch=1)


@play
def drain_killed(stage: Stage) -> None:
    """Killed while it judges the third job, in a process of its own."""

    def dies(number: int) -> None:
        if number == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    stage.job("Deadly", "d", before_enqueue=dies)
    child = os.fork()
    if child == 0:
        stage.resque = Resque(stage.server.url, registry=stage.registry)
        stage.drain(NO_LEASE)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    stage.registry = Registry(WorkerHooks())
    stage.drain(NO_LEASE)


@play
def drain_lost_exec_reply(stage: Stage) -> None:
    stage.drain(NO_LEASE, batch=2)


@play
def drain_redis_away(stage: Stage) -> None:
    stage.drain(NO_LEASE, batch=4)


@play
def loop_undecodable_item(stage: Stage) -> None:
    stage.drain(NO_LEASE)


@play
def not_master_due(stage: Stage) -> None:
    assert stage.drain(Lease(LOCK, "not ours", 1000)) == 0


@play
def master_lock(stage: Stage) -> Any:
    one = Master(stage.resque.space, SchedulerOptions())
    found = [one.ask(), one.ask()]
    stage.admin.set(LOCK, "thief:9")
    found += [one.ask(), False]
    one.resign()
    stage.admin.delete(LOCK)
    found.append(one.ask())
    one.resign()
    return [*found, True]


@play
def master_lock_prefix(stage: Stage) -> Any:
    stage.resque.close()
    stage.resque = Resque(stage.server.url, "my:app")
    one = Master(stage.resque.space, SchedulerOptions(lock_prefix="blue", lock_timeout=30))
    return [one.ask()]


@play
def schedule_api(stage: Stage) -> None:
    r = stage.resque
    r.set_schedule("nightly", job=stage.report, cron="0 3 * * *", args=[1, {"a": 2}], description="d")
    r.set_schedule("mem", job=stage.report, every="1h", persist=False)
    r.set_schedule("Heartbeat", job="Heartbeat", cron="* * * * *", queue="q", persist=False)
    r.set_schedule("kept", job=stage.report, every="5m")
    assert r.remove_schedule("nightly")
    assert not r.remove_schedule("absent")


@play
def schedule_update(stage: Stage) -> None:
    stored, changed = schedules.changed(stage.resque.space)
    table = LoadedSchedule(None, "UTC")
    table.load(stored, {}, float(NOW), "none")
    schedules.heard(stage.resque.space, changed)
    assert list(table.running) == ["fast"]


@play
def schedule_load_static(stage: Stage) -> None:
    table = LoadedSchedule(None, "UTC")
    table.static = {"s": {"class": "Report", "every": "1h"}}
    table.load(schedules.changed(stage.resque.space)[0], {}, float(NOW), "none")
    assert sorted(table.running) == ["p", "s"]


@play
def schedule_invalid(stage: Stage) -> None:
    table = LoadedSchedule(None, "UTC")
    table.static = {
        "c": {"class": "R", "cron": "banana"}, "e": {"class": "R", "every": "soon"},
        "o": {"class": "R", "every": ["1h", {"first_at": "2001-01-01 00:00:00"}]},
        "w": {"class": "R", "cron": "61 * * * *", "every": "1h"},
    }  # fmt: skip
    stored, _ = schedules.changed(stage.resque.space)
    table.load({**stored, "q": b'{"class":"R","cron":"every day at noon"}'}, {}, float(NOW), "none")
    assert sorted(table.refused) == ["c", "e", "o", "p", "q", "w"]
    stage.resque.set_schedule("q", job=stage.report, cron="0 12 * * *")
    stage.admin.delete("resque:schedules_changed")


@play
def recurring_fire(stage: Stage) -> None:
    stage.fire("hash_args", **{"class": "Report", "args": {"k": [1]}})
    stage.fire("list_args", **{"class": "Report", "queue": "low", "args": ["x", {"k": 1}, None]})
    stage.fire("foreign", **{"class": "PyJob", "queue": "py"})
    stage.fire("string_arg", **{"class": "Report", "args": "s"})


RECURRING = ["before_recurring_a", "before_recurring_b", "before_enqueue", "after_enqueue", "after_recurring"]


@play
def recurring_hooks(stage: Stage) -> None:
    stage.hooked(
        RECURRING,
        before_recurring_a={"no": False},
        before_recurring_b={"raises": ValueError("no")},
        before_enqueue={"veto": False},
        after_recurring={"after_raises": ValueError("no")},
    )
    stage.cust(("before_recurring", "after_recurring"))
    for word in ("ok", "no", "raises", "veto", "after_raises"):
        stage.fire(word, **{"class": "Hooked", "args": [word]})
    stage.fire("cust", **{"class": "Cust", "args": [1]})
    stage.fire("foreign", **{"class": "PyJob", "queue": "py"})


@play
def every_number(stage: Stage) -> None:
    table = LoadedSchedule(None, "UTC")
    numbers = {"a": 3600, "b": 90.5, "c": [60, {"first_in": 5}], "d": 0, "e": -1, "f": ""}
    table.static = {name: {"class": "Report", "every": every} for name, every in numbers.items()}
    table.load({}, {}, float(NOW), "none")
    assert sorted(table.running) == ["a", "b", "c"]
    stage.fire("a", **{"class": "Report"})


@play
def web_queue_now(stage: Stage) -> None:
    stage.resque.enqueue_found(stage.resque.find_delayed()[:1])


@play
def web_cancel(stage: Stage) -> None:
    stage.resque.remove_delayed_job_from_timestamp(THEN, stage.mail, 2)


@play
def web_clear(stage: Stage) -> None:
    stage.resque.reset_delayed_queue()


@play
def web_search(stage: Stage) -> None:
    found = [one.class_name for one in stage.resque.find_delayed() if "sendemail" in one.class_name.lower()]
    assert found == ["SendEmail", "SendEmail"]


@play
def web_search_args(stage: Stage) -> None:
    found = stage.resque.find_delayed(lambda args: "bee" in json.dumps(args).lower())
    assert [one.class_name for one in found] == ["SendEmail", "Report"]


@play
def web_requeue_hooks(stage: Stage) -> None:
    made = stage.hooked([*RECURRING, "before_delayed_enqueue"], before_recurring_a={"no": False})
    for word in ("ok", "no"):
        stage.resque.set_schedule(word, job=made, every="1h", args=[word], persist=False)
        assert stage.resque.run_schedule(word) is (word == "ok")
    assert stage.resque.enqueue_found(stage.resque.find_delayed()) == 1


def aside(second: int, *items: tuple[str, str]) -> dict[str, Any]:
    """Items of a second that are put aside, each with the exception that its record names."""
    raws = [item for item, _ in items]
    records = []
    for raw, exception in items:
        link = f"delayed:{second} {hashlib.sha1(raw.encode()).hexdigest()}"
        job = json.loads(raw) if raw.startswith("{") else {"class": "Pyresque::SetAside", "args": [link, raw]}
        job.pop("queue", None)
        records.append([job, exception, link if raw.startswith("{") else None])
    return {
        f"resque:pyresque:aside:delayed:{second}": {"type": "list", "value": raws},
        "resque:failed": {"type": "list", "value": records},
    }


def told(raw: str) -> list[Any]:
    """What a failure record tells of something that was put aside."""
    record = json.loads(raw)
    return [record["payload"], record["exception"], record.get("pyresque_aside")]


def numbered(class_name: str, queue: str, count: int) -> dict[str, Any]:
    elements = [f'{{"class":"{class_name}","args":[{n}]}}' for n in range(count)]
    return {f"resque:queue:{queue}": {"type": "list", "value": elements}}


def without(*keys: str) -> dict[str, Any]:
    return dict.fromkeys(keys)


NO_QUEUE = ('{"class":"NoQueue","args":[1]}', "Resque::NoQueueError")
REPORTS = [f'{{"class":"Report","args":["{word}"]}}' for word in ("before", "after", "next")]
DIFFERENT: dict[str, tuple[str, dict[str, Any]]] = {
    "drain": ("drop nothing silently: what cannot be queued is put aside", aside(THEN + 10, NO_QUEUE)),
    "drain_one_by_one": ("drop nothing silently", aside(THEN + 5, NO_QUEUE)),
    "delayed_hooks": (
        "drop nothing silently: a job whose hook raises is put aside, too",
        aside(THEN, ('{"class":"Hooked","args":["delayed_raises"],"queue":"h"}', "ValueError")),
    ),
    "delay_nan": (
        "share only what Ruby reads: NaN is refused at the call, so that nothing is lost at the drain",
        {"resque:queue:reports": {"type": "list", "value": REPORTS[:2]}},
    ),
    "drain_killed": ("move without a gap: a killed scheduler loses nothing", numbered("Deadly", "d", 5)),
    "drain_lost_exec_reply": (
        "move without a gap: neither does a lost reply",
        {
            **numbered("Report", "reports", 6),
            **{
                f'resque:timestamps:{{"class":"Report","args":[{n}],"queue":"reports"}}': None for n in (2, 3)
            },
        },
    ),
    "drain_redis_away": ("move without a gap: nor a Redis that is away", numbered("Report", "reports", 6)),
    "loop_undecodable_item": (
        "drop nothing silently: what is not a job is put aside, and its neighbours go on",
        {
            "resque:queue:reports": {"type": "list", "value": REPORTS},
            **aside(
                1700000000,
                ('{"class":"UnknownClass","args":["u"]}', "Resque::NoQueueError"),
                ("not json", "Resque::Helpers::DecodeException"),
            ),
        },
    ),
    "enqueue_delayed_selection": (
        "a job without queue is found by what it says, and moved to its class's queue",
        {
            f"resque:delayed:{THEN + 20}": None,
            'resque:timestamps:{"class":"SendEmail","args":[9]}': None,
            "resque:queue:mail": {
                "type": "list",
                "value": ['{"class":"SendEmail","args":[1]}'] * 3 + ['{"class":"SendEmail","args":[9]}'],
            },
        },
    ),
    "schedule_api": (
        "delay, announce: the queue is always written, and local entries are not announced",
        {
            "resque:persistent_schedules": {
                "type": "hash",
                "value": {"kept": '{"class":"Report","every":"5m","queue":"reports","args":[]}'},
            },
            "resque:schedules_changed": {"type": "set", "value": ["absent", "kept", "nightly"]},
        },
    ),
    "every_number": (
        "share only safe entries, announce: an empty entry is not written, static entries are not announced",
        without("resque:persistent_schedules", "resque:schedules_changed"),
    ),
}
"""Traces that end otherwise on purpose: why, and what is instead under which key (None: nothing)."""

ANSWERS = {"enqueue_delayed_selection": ["6"]}
"""Answers that differ for the same reasons."""

LEFT_OUT = {
    "active_job": "Active Job classes are Ruby's own",
    "active_job_by_name": "the same: the wrapper is written by pyresque.active_job",
    "every_number_notice": "ends a Ruby process; ours follows such an entry (tests/redis/scheduler)",
    "loop_child": "a process that does nothing (tests/redis/scheduler/test_master.py)",
    "loop_lifecycle": "a process that does nothing but start and stop (the same)",
    "schedule_invalid": "recorded with a fire at start; that each entry is refused has a test of its own",
    "web_schedule_tab": "Ruby's page with a form of its own",
}


@pytest.mark.parametrize("name", sorted(set(PLAYED) - set(LEFT_OUT)))
def test_we_leave_what_ruby_leaves(name: str, server: DevRedis) -> None:
    """The whole keyspace, key by key and byte by byte, and the answers."""
    stage = Stage(name, server)
    try:
        answers = PLAYED[name](stage)
        found = dump(stage.admin)
        for key in found.keys() & {"resque:failed"}:
            found[key]["value"] = [told(raw) for raw in found[key]["value"]]
    finally:
        stage.close()
    wanted = copy.deepcopy(stage.trace["keyspace"])
    for key, entry in DIFFERENT.get(name, ("", {}))[1].items():
        if entry is None:
            wanted.pop(key, None)
        else:
            wanted[key] = entry
    for keyspace in (found, wanted):
        for key, entry in keyspace.items():
            if key.endswith("master_lock"):
                entry["value"] = "<LOCK>"
            elif entry["type"] == "set":
                entry["value"] = sorted(entry["value"])
    assert found == wanted
    if answers is not None:
        recorded = ANSWERS.get(name, stage.trace["observed"])
        assert [ruby_text(one) for one in answers] == recorded[: len(answers)]


def ruby_text(value: Any) -> str:
    """A value as the recording shows it."""
    if isinstance(value, list):
        return "[" + ", ".join(map(ruby_text, value)) + "]"
    return (
        {True: "true", False: "false", None: "nil"}.get(value, str(value))
        if not isinstance(value, int) or isinstance(value, bool)
        else str(value)
    )


def test_the_entries_of_the_trace_schedule_invalid_are_refused(server: DevRedis) -> None:
    """All six, as in Ruby."""
    stage = Stage("schedule_invalid", server)
    try:
        schedule_invalid(stage)
    finally:
        stage.close()


def test_every_trace_is_played_or_left_out() -> None:
    """None is forgotten."""
    assert sorted({*PLAYED, *LEFT_OUT}) == NAMES
    assert set(DIFFERENT) <= set(PLAYED)
