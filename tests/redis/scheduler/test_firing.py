"""Firing an entry: its job, its hooks, the lock, and once only."""

import json

import pytest

from pyresque import Resque, job
from pyresque.schedule.entry import Entry
from pyresque.schedule.next_runs import Running
from pyresque.scheduler.firing import Firer
from pyresque.store.delayed import Lease
from pyresque.wire import times
from tests.faultproxy import FaultProxy, named

TICK = 1800000000.0
NOTED = "resque:delayed:last_enqueued_at"


def running(name="e", due=TICK, noted="", **value):
    entry = Entry.read(name, {"class": "Mail", "queue": "mail", "every": "1m", **value})
    one = Running(entry, due - 60, noted)
    one.due = due
    return one


@pytest.fixture
def firer(stage):
    return Firer(stage.resque.space, stage.resque.registry)


def hooked(stage, **hooks):
    body = {"perform": staticmethod(lambda *args: None)}
    body |= {name: staticmethod(hook) for name, hook in hooks.items()}
    return job(queue="h", name="Hooked", registry=stage.resque.registry)(type("Hooked", (), body))


def raising(*args):
    raise ValueError("no")


@pytest.mark.parametrize(
    ("args", "sent"),
    [({"k": [1]}, '[{"k":[1]}]'), (["x", None], '["x",null]'), ("s", '["s"]'), (None, "[]"), (False, "[]")],
)
def test_a_fire_pushes_the_job_and_notes_the_run(stage, firer, args, sent):
    """Arguments of every kind; the note is the local time of the run."""
    assert firer.fire(running(args=args)) == "fired"
    assert stage.queue("mail") == [f'{{"class":"Mail","args":{sent}}}'.encode()]
    assert stage.redis("HGET", NOTED, "e").decode() == times.started(TICK)
    assert stage.keys() == ["delayed:last_enqueued_at", "queue:mail", "queues"]


def test_nobody_fires_the_same_run_twice(stage, firer):
    """What somebody else noted meanwhile is seen in the step that pushes."""
    one, two = running(), running()
    assert (firer.fire(one), firer.fire(two)) == ("fired", "taken")
    assert len(stage.queue("mail")) == 1


def test_nothing_is_fired_without_the_lock(stage, firer):
    """And nothing is noted."""
    stage.redis("SET", "lock", "other")
    assert firer.fire(running(), Lease("lock", "ours", 1000)) == "lost"
    assert stage.redis("EXISTS", NOTED, "resque:queue:mail") == 0


def test_a_lost_reply_fires_once(stage, server):
    """The script is sent again and repeats its answer."""
    with FaultProxy(server) as proxy:
        resque = Resque(proxy.url, registry=stage.resque.registry)
        fault = proxy.arm("drop", match=named("EVALSHA", "EVAL"), times=2)
        assert Firer(resque.space, resque.registry).fire(running()) == "fired"
        assert fault.hits
        resque.close()
    assert len(stage.queue("mail")) == 1


def test_the_hooks_of_a_fire_in_order(stage, firer):
    """before_recurring, before_enqueue, push, after_enqueue, after_recurring.

    See docs/protocol/scheduler.md#hooks.
    """
    notes = []
    names = ("after_recurring", "after_enqueue", "before_enqueue", "before_recurring")
    hooked(stage, **{name: lambda *args, name=name: notes.append(name) for name in names})
    assert firer.fire(running(**{"class": "Hooked", "queue": "h"})) == "fired"
    assert notes == ["before_recurring", "before_enqueue", "after_enqueue", "after_recurring"]


@pytest.mark.parametrize(
    "hooks",
    [{"before_recurring": lambda: False}, {"before_recurring": raising}, {"before_enqueue": lambda: False}],
)
def test_a_refused_fire_is_noted_all_the_same(stage, firer, hooks):
    """As in Ruby."""
    hooked(stage, **hooks)
    assert firer.fire(running(**{"class": "Hooked"})) == "skipped"
    assert stage.keys() == ["delayed:last_enqueued_at"]


def test_an_after_hook_that_raises_leaves_the_job(stage, firer):
    """It is logged."""
    hooked(stage, after_enqueue=raising, after_recurring=raising)
    assert firer.fire(running(**{"class": "Hooked"})) == "fired"
    assert len(stage.queue("mail")) == 1


@pytest.mark.parametrize("value", [{"class": "Hooked"}, {"custom_job_class": "Hooked"}])
def test_a_class_with_its_own_way_is_called(stage, firer, value):
    """`scheduled(queue, class, *args)`; the run is noted."""
    calls = []
    hooked(stage, scheduled=lambda *args: calls.append(args))
    assert firer.fire(running(args=[1], **value)) == "fired"
    assert calls == [("mail", value.get("class", "Mail"), 1)]
    assert stage.keys() == ["delayed:last_enqueued_at"]


def test_overlap_skip_leaves_out_a_run_while_the_last_waits_or_works(stage, firer):
    """Compared by value: what a Ruby worker works on counts too."""
    assert firer.fire(running(args=[1], overlap="skip")) == "fired"
    noted = times.started(TICK)
    assert firer.fire(running(args=[1], overlap="skip", due=TICK + 60, noted=noted)) == "skipped"
    stage.redis("DEL", "resque:queue:mail")
    stage.redis("SADD", "resque:workers", "host:1:mail")
    work = '{"queue":"mail","run_at":"2026-11-23T18:07:34Z","payload":{"args":[1],"class":"Mail"}}'
    stage.redis("SET", "resque:worker:host:1:mail", work)
    noted = times.started(TICK + 60)
    assert firer.fire(running(args=[1], overlap="skip", due=TICK + 120, noted=noted)) == "skipped"
    assert firer.fire(running(name="f", args=[2], overlap="skip")) == "fired"
    assert [json.loads(raw)["args"] for raw in stage.queue("mail")] == [[2]]
