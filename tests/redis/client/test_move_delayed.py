"""Delayed jobs with code of their own: order, one at a time, and what becomes of one whose code fails.

Every way of taking delayed jobs, with every kind of job and everything that its code may do. The jobs stand
between others; what is claimed: they go in their order, the code of each runs next to the step that takes
it, and an error is that of its job alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import islice
from types import SimpleNamespace

import pytest

from pyresque import Resque, active_job, job
from pyresque.client.move_delayed import DelayedMover
from pyresque.client.scheduling import run_now
from pyresque.errors import MalformedPayload, NoQueueError, RedisReplied, RedisUnavailable
from pyresque.failure import Backend, RedisMultiQueue
from pyresque.failure.recorder import Recorder
from pyresque.plugins import Loner, Statuses
from pyresque.registry import Registry
from pyresque.scheduler.due import Mover
from pyresque.scheduler.firing import Firer
from pyresque.scheduler.hook_tries import HookTries
from pyresque.store.delayed import Lease
from pyresque.wire import times
from pyresque.wire.records import JOB_WRAPPER
from tests.faultproxy import FaultProxy
from tests.redis.scheduler.test_firing import TICK, running
from tests.redis.stage import FAR

BAD = 3
ERRORS = {
    "Exception": ValueError,
    "SystemExit": SystemExit,
    "KeyboardInterrupt": KeyboardInterrupt,
    "GeneratorExit": GeneratorExit,
}
HOOKS = ("before_delayed_enqueue", "before_enqueue")
KINDS = (*HOOKS, "scheduled", "custom_job_class", "is_scheduled", "lookup")


class World:
    """Items 0 to 5 on one list: plain ones, odd ones, and three of a kind, of which 3 does what is asked."""

    def __init__(self, stage, kind, does=None):
        self.stage, self.kind, self.does = stage, kind, does
        self.ran = []
        self.push = Resque(stage.url, registry=stage.resque.registry)
        body = {"perform": staticmethod(lambda *args: None)}
        plugins = []
        if kind in HOOKS:
            body[kind] = staticmethod(self.code)
        elif kind in ("scheduled", "custom_job_class"):
            body["scheduled"] = staticmethod(self.scheduled)
        elif kind == "is_scheduled":
            plugins.append(Own(self))
        elif kind == "lookup":
            plugins.append(SimpleNamespace(hooks=lambda: self.code(BAD)))
        made = job(queue="q", name="Own", plugins=plugins, registry=stage.resque.registry)
        self.own = made(type("Own", (), body))
        odd = b'{"class":"Ruby","args":[2],"queue":"q","k":1}'
        self.items = [plain(0), self.item(1), odd, self.item(BAD), self.item(4), plain(5)]
        stage.delay(10, *self.items)

    def item(self, number):
        if self.kind == "custom_job_class":
            return b'{"class":"Other","args":[%d],"queue":"q","custom_job_class":"Own"}' % number
        return b'{"class":"Own","args":[%d],"queue":"q"}' % number

    def code(self, number):
        """Notes that it ran, what was queued then, and whether its own item was delayed."""
        self.ran.append((number, self.queued(), self.item(number) in self.left()))
        if number == BAD and isinstance(self.does, type):
            raise self.does
        return self.does if number == BAD else None

    def scheduled(self, queue, name, number):
        self.code(number)
        self.push.enqueue_to(queue, "Pushed", number)

    def queued(self):
        return [json.loads(raw)["args"][0] for raw in self.stage.queue("q")]

    def left(self):
        return self.stage.redis("LRANGE", "resque:delayed:10", 0, -1)

    def records(self):
        return self.stage.resque.failures.list()


class Own:
    """A plugin that is asked whether it is meant."""

    def __init__(self, world):
        self.world = world

    def is_scheduled(self, args):
        self.world.code(args[0])
        return False

    def scheduled(self, *args):
        raise AssertionError("it was not meant")


def plain(number):
    return b'{"class":"Ruby","args":[%d],"queue":"q"}' % number


def by_mover(world):
    Mover(world.stage.resque.space, world.stage.resque.registry).move_all(now=20)


def by_hand(world):
    world.stage.resque.enqueue_found(world.stage.resque.find_delayed())


def by_selection(world):
    world.stage.resque.enqueue_delayed_selection(lambda args: True)


TAKES = {"mover": by_mover, "enqueue_found": by_hand, "enqueue_delayed_selection": by_selection}


@pytest.mark.parametrize("kind", KINDS[:-1])
@pytest.mark.parametrize("way", TAKES)
def test_jobs_with_code_go_in_their_order(stage, way, kind):
    """Each with everything before it queued, and itself still delayed, when its code runs."""
    world = World(stage, kind)
    TAKES[way](world)
    assert world.queued() == [0, 1, 2, 3, 4, 5]
    assert world.ran == [(1, [0], True), (3, [0, 1, 2], True), (4, [0, 1, 2, 3], True)]
    assert set(stage.keys()) <= {"queue:q", "queues", "delayed_queue_schedule"}


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("kind", KINDS[:-1])
def test_what_the_code_of_one_raises_stops_no_scheduler(stage, kind, error):
    """It is put aside and recorded, with what was raised; all others go, and the code of none runs twice."""
    world = World(stage, kind, ERRORS[error])
    by_mover(world)
    assert world.queued() == [0, 1, 2, 4, 5]
    assert [number for number, _, _ in world.ran] == [1, 3, 4]
    assert stage.aside("delayed:10") == [world.item(BAD)]
    [record] = world.records()
    name = {"Exception": "ValueError", "KeyboardInterrupt": "Interrupt"}.get(error, error)
    assert (record.text("exception"), record.text("queue"), record.aside) == (name, "q", "delayed:10")
    assert record.payload == {"class": "Other" if kind == "custom_job_class" else "Own", "args": [3]} | (
        {"custom_job_class": "Own"} if kind == "custom_job_class" else {}
    )
    assert any(__file__ in line for line in record.backtrace)
    assert not stage.redis("KEYS", "resque:timestamps:*")


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("kind", KINDS[:-1])
@pytest.mark.parametrize("way", ["enqueue_found", "enqueue_delayed_selection"])
def test_what_the_code_of_one_raises_in_a_verb_leaves_it_and_the_rest_delayed(stage, way, kind, error):
    """None before it is delayed any more, and none after it has gone; the caller gets the error."""
    world = World(stage, kind, ERRORS[error])
    with pytest.raises(ERRORS[error]):
        TAKES[way](world)
    assert (world.queued(), world.left()) == ([0, 1, 2], world.items[3:])
    noted = [stage.redis("SMEMBERS", b"resque:timestamps:" + item) for item in world.items]
    assert noted == [[]] * 3 + [[b"delayed:10"]] * 3
    assert world.records() == []


@pytest.mark.parametrize("kind", ["before_enqueue", "before_delayed_enqueue"])
@pytest.mark.parametrize("way", TAKES)
def test_a_hook_that_says_no_drops_its_job_as_in_ruby(stage, way, kind):
    """before_enqueue; the answer of before_delayed_enqueue does not count."""
    world = World(stage, kind, False)
    TAKES[way](world)
    assert world.queued() == [0, 1, 2, *([] if kind == "before_enqueue" else [3]), 4, 5]
    assert (world.left(), world.records()) == ([], [])


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("way", ["mover", "enqueue_found"])
def test_a_class_whose_hooks_cannot_even_be_looked_up(stage, way, error):
    """A plugin cannot tell which it has: that, too, is an error of its jobs and of nobody else."""
    world = World(stage, "lookup", ERRORS[error])
    if way == "mover":
        by_mover(world)
        assert world.queued() == [0, 2, 5]
        assert [one.payload["args"] for one in world.records()] == [[1], [3], [4]]
    else:
        with pytest.raises(ERRORS[error]):
            by_hand(world)
        assert (world.queued(), world.left()) == ([0], world.items[1:])


@pytest.mark.parametrize("error", ERRORS)
def test_what_a_hook_behind_the_push_raises_is_logged(stage, error):
    """By the scheduler: the job is on its queue, and the next one comes."""
    made = type("Own", (), {"perform": staticmethod(lambda *args: None)})

    def after_enqueue(number):
        raise ERRORS[error]

    made.after_enqueue = staticmethod(after_enqueue)  # type: ignore[attr-defined]
    job(queue="q", name="Own", registry=stage.resque.registry)(made)
    stage.delay(10, *(b'{"class":"Own","args":[%d],"queue":"q"}' % n for n in range(3)))
    assert Mover(stage.resque.space, stage.resque.registry).move_all(now=20) == 3
    assert len(stage.queue("q")) == 3
    assert stage.resque.failures.count() == 0


@pytest.mark.parametrize(
    ("bad", "error"), [(b"no job", MalformedPayload), (b'{"class":"NoQueueJob","args":[3]}', NoQueueError)]
)
def test_an_item_that_cannot_be_queued_stops_a_verb_there(stage, bad, error):
    """What stands before it has gone."""
    items = [plain(0), bad, plain(1)]
    stage.delay(10, *items)
    with pytest.raises(error):
        stage.resque.enqueue_found(stage.resque.find_delayed())
    assert stage.redis("LRANGE", "resque:delayed:10", 0, -1) == items[1:]
    assert len(stage.queue("q")) == 1


def test_equal_jobs_of_which_one_fails(stage):
    """The second of two equal ones stays where Ruby finds it."""
    count = iter(range(10))
    made = type("Own", (), {"perform": staticmethod(lambda *args: None)})

    def before_enqueue(number):
        if next(count) == 1:
            raise ZeroDivisionError

    made.before_enqueue = staticmethod(before_enqueue)  # type: ignore[attr-defined]
    own = job(queue="q", name="Own", registry=stage.resque.registry)(made)
    item = b'{"class":"Own","args":[1],"queue":"q"}'
    stage.delay(10, item, item, item)
    with pytest.raises(ZeroDivisionError):
        stage.resque.enqueue_delayed(own, 1)
    assert stage.redis("LRANGE", "resque:delayed:10", 0, -1) == [item] * 2
    assert stage.redis("SMEMBERS", b"resque:timestamps:" + item) == [b"delayed:10"]


# --- the code of what is gone, or is another's, does not run ------------------------------------------


@pytest.mark.parametrize("kind", KINDS[:-1])
@pytest.mark.parametrize("way", TAKES)
def test_the_code_of_a_job_that_was_removed_meanwhile_does_not_run(stage, way, kind):
    """Who has removed it was told that it is gone."""
    world = World(stage, kind)
    note = world.code

    def removing(number):
        answer = note(number)
        if number == 1:
            assert stage.resque.remove_delayed_selection(lambda args: args == [BAD]) == 1
        return answer

    world.code = removing
    if kind in HOOKS:
        setattr(world.own, kind, staticmethod(removing))
    TAKES[way](world)
    assert world.queued() == [0, 1, 2, 4, 5]
    assert [number for number, _, _ in world.ran] == [1, 4]


def test_the_code_of_a_job_that_a_hook_behind_the_last_push_removes_does_not_run(stage):
    """after_enqueue runs when the next job was looked at already: it is looked at again."""
    ran = []

    def before_enqueue(number):
        ran.append(number)

    def after_enqueue(number):
        stage.resque.remove_delayed_selection(lambda args: args == [number + 1])

    body = {"perform": lambda *args: None, "before_enqueue": before_enqueue, "after_enqueue": after_enqueue}
    made = type("Own", (), {name: staticmethod(function) for name, function in body.items()})
    job(queue="q", name="Own", registry=stage.resque.registry)(made)
    stage.delay(10, *(b'{"class":"Own","args":[%d],"queue":"q"}' % n for n in range(4)))
    Mover(stage.resque.space, stage.resque.registry).move_all(now=20)
    assert ran == [0, 2]
    assert len(stage.queue("q")) == 2


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_no_more_code_runs_once_the_lock_is_another_s(stage, kind):
    """That of one job may have run, which stays delayed."""
    key = stage.resque.space.keys.master_lock()
    stage.redis("SET", key, "ours")
    world = World(stage, kind)
    note = world.code

    def losing(number):
        stage.redis("SET", key, "another's")
        return note(number)

    world.code = losing
    if kind in HOOKS:
        setattr(world.own, kind, staticmethod(losing))
    step = Mover(stage.resque.space, stage.resque.registry).move(Lease(key, "ours", 60000), now=20)
    assert step.lost
    assert [number for number, _, _ in world.ran] == [1]
    assert world.left() == world.items[1:]


def test_the_lock_is_renewed_while_code_runs(stage):
    """By each job: a long batch does not let it lapse."""
    key = stage.resque.space.keys.master_lock()
    stage.redis("SET", key, "ours", "PX", 60000)
    left = []

    def before_enqueue(number):
        left.append(stage.redis("PTTL", key))
        stage.redis("PEXPIRE", key, 5000)

    made = type("Own", (), {"perform": staticmethod(lambda *args: None)})
    made.before_enqueue = staticmethod(before_enqueue)  # type: ignore[attr-defined]
    job(queue="q", name="Own", registry=stage.resque.registry)(made)
    stage.delay(10, *(b'{"class":"Own","args":[%d],"queue":"q"}' % n for n in range(5)))
    Mover(stage.resque.space, stage.resque.registry).move(Lease(key, "ours", 60000), now=20)
    assert len(left) == 5
    assert min(left) > 5000


def test_a_step_ends_when_code_has_run_for_long(stage, monkeypatch):
    """The rest stays for the next one, so that signals and the schedule have their turn."""
    monkeypatch.setattr("pyresque.scheduler.due.SLICE", 0.0)
    world = World(stage, "before_enqueue")
    mover = Mover(stage.resque.space, stage.resque.registry)
    step = mover.move(now=20)
    assert step.more
    assert (world.queued(), world.ran) == ([0], [])


REFUSALS = {
    "full": (("CONFIG", "SET", "maxmemory", 1), ("CONFIG", "SET", "maxmemory", 0)),
    "read-only": (("REPLICAOF", "127.0.0.1", 1), ("REPLICAOF", "NO", "ONE")),
    "no replicas": (("CONFIG", "SET", "min-replicas-to-write", 1),
                    ("CONFIG", "SET", "min-replicas-to-write", 0)),
}  # fmt: skip


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("kind", KINDS[:-1])
@pytest.mark.parametrize("way", TAKES)
def test_no_code_runs_while_redis_takes_no_writes(stage, way, kind, refusal):
    """The job would stay, and its code run again."""
    world = World(stage, kind)
    world.items = world.items[1:]  # a plain one before them would be refused first
    stage.redis("LPOP", "resque:delayed:10")
    stage.resque.space.link.pauses = (0.0,)
    on, off = REFUSALS[refusal]
    stage.redis(*on)
    try:
        with pytest.raises(RedisUnavailable):
            TAKES[way](world)
    finally:
        while stage.redis(*off) != b"OK":
            time.sleep(0.01)
    assert (world.ran, world.left()) == ([], world.items)
    TAKES[way](world)
    assert world.queued() == [1, 2, 3, 4, 5]


# --- code that gets no answer from Redis --------------------------------------------------------------


def unanswered(stage, times):
    """A job whose hook gets no answer so many times."""
    made = type("Own", (), {"perform": staticmethod(lambda *args: None)})
    tried = []

    def before_enqueue(*args):
        tried.append(args)
        if len(tried) <= times:
            raise RedisUnavailable("it is loading", maybe_done=False)

    made.before_enqueue = made.before_recurring = staticmethod(before_enqueue)  # type: ignore[attr-defined]
    job(queue="q", name="Own", registry=stage.resque.registry)(made)
    return tried


def steps(act):
    """Act until it is no longer refused; how often it was."""
    for number in range(100):
        try:
            act()
        except RedisUnavailable:
            continue
        return number
    return -1


def test_a_hook_without_an_answer_means_later(stage):
    """The lock of a Loner, say, while Redis loads: the job stays delayed, and is not put aside."""
    unanswered(stage, HookTries.MOST - 1)
    stage.delay(10, b'{"class":"Own","args":[1],"queue":"q"}', plain(2))
    mover = Mover(stage.resque.space, stage.resque.registry)
    assert steps(lambda: mover.move_all(now=20)) == HookTries.MOST - 1
    assert len(stage.queue("q")) == 2
    assert stage.resque.failures.count() == 0


def test_a_hook_that_never_gets_an_answer_keeps_nobody_up(stage):
    """The application's own Redis may be gone while ours is there."""
    unanswered(stage, 1000)
    stage.delay(10, *(b'{"class":"Own","args":[%d],"queue":"q"}' % n for n in range(2)), plain(2))
    mover = Mover(stage.resque.space, stage.resque.registry)
    assert steps(lambda: mover.move_all(now=20)) == 2 * (HookTries.MOST - 1)
    assert stage.queue("q") == [b'{"class":"Ruby","args":[2]}']
    assert [one.text("exception") for one in stage.resque.failures.list()] == [
        "pyresque.errors.RedisUnavailable"
    ] * 2


@pytest.mark.parametrize("times", [2, 1000])
def test_an_entry_whose_hook_gets_no_answer_is_due_for_a_while(stage, times):
    """Then its run is noted as refused, so that the others come."""
    unanswered(stage, times)
    firer, entry = Firer(stage.resque.space, stage.resque.registry), running(**{"class": "Own"})
    outcomes = []
    assert steps(lambda: outcomes.append(firer.fire(entry))) == min(times, HookTries.MOST - 1)
    assert outcomes == ["fired" if times == 2 else "skipped"]


# --- firing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("place", ["before_recurring", "before_enqueue", "after_enqueue", "after_recurring",
                                   "scheduled", "lookup"])  # fmt: skip
def test_what_the_code_of_an_entry_raises_stops_no_scheduler(stage, place, error):
    """Its run is noted, as in Ruby; the next entry is fired."""

    def raises(*args):
        raise ERRORS[error]

    body = {"perform": staticmethod(lambda *args: None), place: staticmethod(raises)}
    plugins = [SimpleNamespace(hooks=raises)] if place == "lookup" else []
    job(queue="q", name="Own", plugins=plugins, registry=stage.resque.registry)(type("Own", (), body))
    outcome = Firer(stage.resque.space, stage.resque.registry).fire(running(**{"class": "Own"}))
    assert outcome == ("fired" if place.startswith(("after", "sched")) else "skipped")
    assert stage.redis("HLEN", "resque:delayed:last_enqueued_at") == 1
    assert len(stage.queue("mail")) == place.startswith("after")


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("place", ["before_recurring", "before_enqueue", "scheduled"])
def test_what_the_code_of_an_entry_raises_reaches_who_runs_it_by_hand(stage, place, error):
    """And nothing is queued."""

    def raises(*args):
        raise ERRORS[error]

    body = {"perform": staticmethod(lambda *args: None), place: staticmethod(raises)}
    job(queue="q", name="Own", registry=stage.resque.registry)(type("Own", (), body))
    with pytest.raises(ERRORS[error]):
        run_now(stage.resque.space, stage.resque.registry, running(**{"class": "Own"}).entry)
    assert stage.keys() == []


def test_a_run_that_is_left_out_for_its_overlap_asks_no_hook(stage):
    """A Loner would be locked for a job that does not come."""
    asked = unanswered(stage, 0)
    stage.redis("RPUSH", "resque:queue:mail", '{"class":"Own","args":[]}')
    outcome = Firer(stage.resque.space, stage.resque.registry).fire(
        running(**{"class": "Own"}, overlap="skip")
    )
    assert (outcome, asked) == ("skipped", [])


# --- delay_or_enqueue ---------------------------------------------------------------------------------


def failing(stage, name, number, error):
    """A job whose hook (or `scheduled`) of this name raises at its Nth call."""
    calls = []

    def code(*args):
        calls.append(args)
        if len(calls) == number:
            raise error
        if name == "scheduled":
            stage.redis("RPUSH", "resque:queue:q", '{"class":"Pushed","args":[]}')

    body = {"perform": staticmethod(lambda *args: None), name: staticmethod(code)}
    return job(queue="q", name="Own", registry=stage.resque.registry)(type("Own", (), body)), calls


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("name", ["scheduled", "before_enqueue"])
def test_delay_or_enqueue_now_takes_each_copy_next_to_its_code(stage, name, number, error):
    """What raises leaves its copy and the rest delayed, and none before it."""
    own, calls = failing(stage, name, number, ERRORS[error])
    item = b'{"class":"Own","args":[1],"queue":"q"}'
    stage.delay(FAR, item, item)
    stage.delay(FAR + 1, item)
    with pytest.raises(ERRORS[error]):
        stage.resque.delay_or_enqueue_at(5, own, 1)
    assert (len(stage.queue("q")), len(calls)) == (number - 1, number)
    left = [one.at for one in stage.resque.find_delayed()]
    assert left == [FAR, FAR, FAR + 1][number - 1 :]
    noted = stage.redis("SMEMBERS", b"resque:timestamps:" + item)
    assert b"delayed:%d" % left[0] in noted


@pytest.mark.parametrize("name", ["scheduled", "before_enqueue"])
def test_delay_or_enqueue_now_of_what_is_not_delayed(stage, name):
    """Its code runs once; an error leaves nothing."""
    own, calls = failing(stage, name, 2, SystemExit)
    assert stage.resque.delay_or_enqueue_at(5, own, 1) == 1
    assert (len(stage.queue("q")), len(calls)) == (1, 1)
    with pytest.raises(SystemExit):
        stage.resque.delay_or_enqueue_in(-5, own, 1)
    assert len(stage.queue("q")) == 1
    assert stage.resque.count_all_scheduled_jobs() == 0


@pytest.mark.parametrize("number", [1, 2])
def test_delay_or_enqueue_later_moves_each_copy_next_to_its_hook(stage, number):
    """The same for before_schedule."""
    own, _ = failing(stage, "before_schedule", number, KeyboardInterrupt)
    item = b'{"class":"Own","args":[1],"queue":"q"}'
    stage.delay(FAR, item, item)
    with pytest.raises(KeyboardInterrupt):
        stage.resque.delay_or_enqueue_at(FAR + 9, own, 1)
    assert [one.at for one in stage.resque.find_delayed()] == [[FAR, FAR], [FAR, FAR + 9]][number - 1]
    assert stage.resque.scheduled_at(own, 1) == [[FAR], [FAR, FAR + 9]][number - 1]


@pytest.mark.parametrize("kind", ["before_schedule", "before_enqueue"])
def test_what_a_hook_refuses_to_move_stays(stage, kind):
    """The first of two copies."""
    answers = iter([False, True])
    body = {"perform": staticmethod(lambda *args: None), kind: staticmethod(lambda *args: next(answers))}
    own = job(queue="q", name="Own", registry=stage.resque.registry)(type("Own", (), body))
    item = b'{"class":"Own","args":[1],"queue":"q"}'
    stage.delay(FAR, item)
    stage.delay(FAR + 1, item)
    at = FAR + 9 if kind == "before_schedule" else 5
    assert stage.resque.delay_or_enqueue_at(at, own, 1) == 1
    assert [one.at for one in stage.resque.find_delayed()] == [FAR, *([at] if at > FAR else [])]
    assert len(stage.queue("q")) == (at == 5)


def test_a_copy_that_vanishes_meanwhile_is_not_made_anew(stage):
    """Another client takes the second while the hook of the first runs; the last is written in any case."""
    body = {"perform": staticmethod(lambda *args: None)}
    body["before_enqueue"] = staticmethod(lambda *args: stage.redis("DEL", f"resque:delayed:{FAR + 1}"))
    own = job(queue="q", name="Own", registry=stage.resque.registry)(type("Own", (), body))
    item = b'{"class":"Own","args":[1],"queue":"q"}'
    stage.delay(FAR, item)
    stage.delay(FAR + 1, item)
    assert stage.resque.delay_or_enqueue_at(5, own, 1) == 1
    assert len(stage.queue("q")) == 1
    stage.delay(FAR + 1, item)
    body["before_enqueue"](0)
    assert stage.resque.delay_or_enqueue_at(5, own, 1) == 1
    assert len(stage.queue("q")) == 2


# --- others ---------------------------------------------------------------------------------------------


def test_active_jobs_and_jobs_with_a_status_keep_their_place(stage):
    """An item that names an Active Job, one with a wrapper, one with a status; between plain ones."""
    statuses = Statuses(stage.resque)
    job(queue="q", name="Crunch", plugins=[statuses], registry=stage.resque.registry)(
        lambda uuid, options: None
    )
    active_job.job("Named", queue="q", registry=stage.resque.registry)(lambda number: None)
    wrapper = b'{"class":"%b","args":[{"job_class":"Named"}],"queue":"q"}' % JOB_WRAPPER.encode()
    stage.delay(10, plain(0), b'{"class":"Crunch","args":[{"n":1}],"queue":"q"}', plain(2),
                b'{"class":"Named","args":[3],"queue":"q"}', wrapper, plain(5))  # fmt: skip
    Mover(stage.resque.space, stage.resque.registry).move_all(now=20)
    classes = [json.loads(raw)["class"].rpartition(":")[2] for raw in stage.queue("q")]
    assert classes == ["Ruby", "Crunch", "Ruby", "JobWrapper", "JobWrapper", "Ruby"]
    assert len(statuses.list()) == 1


class Pager(Backend):
    """A backend of an application's own, which has no list."""

    def __init__(self):
        self.saved = []

    def save(self, failure):
        self.saved.append(failure)


@pytest.mark.parametrize("backend", ["Pager", "multi"])
def test_what_is_put_aside_is_recorded_with_the_backend_that_there_is(stage, backend):
    """One of the application's own is told; the record is in Redis in any case."""
    pager = Pager()
    recorder = Recorder(stage.resque.space, pager if backend == "Pager" else RedisMultiQueue())
    stage.delay(10, b'{"class":"NoQueueJob","args":[1]}')
    Mover(stage.resque.space, stage.resque.registry, recorder=recorder).move_all(now=20)
    [record] = stage.resque.failures.list()
    assert record.list_name == ("failed" if backend == "Pager" else "no_queue_failed")
    assert (record.class_name, record.aside) == ("NoQueueJob", "delayed:10")
    assert [one.exception for one in pager.saved] == ["Resque::NoQueueError"] * (backend == "Pager")


def test_a_scheduler_records_with_the_backend_of_its_resque(stage, server):
    """Not with one of its own."""
    resque = Resque(server.url, failure=RedisMultiQueue(), failure_ids=False, registry=stage.resque.registry)
    stage.delay(10, b"no job")
    with stage.scheduler(resque):
        while not resque.failures.count():
            time.sleep(0.01)
    [record] = resque.failures.list()
    assert (record.list_name, record.failure_id) == ("no_queue_failed", None)
    resque.close()


KILLED = """
import os, sys, time
from pyresque import Resque, job
from pyresque.registry import Registry
from pyresque.scheduler.due import Mover
registry = Registry()
resque = Resque(sys.argv[1], registry=registry)
other = Resque(sys.argv[1], registry=registry)
class Own:
    @staticmethod
    def perform(*args): pass
    @staticmethod
    def scheduled(queue, name, number):
        os.write(1, b"%d\\n" % number)
        other.enqueue_to(queue, "Pushed", number)
        time.sleep(0.002)
job(queue="q", name="Own", registry=registry)(Own)
os.write(1, b"ready\\n")
if sys.argv[2] == "mover":
    Mover(resque.space, registry, batch=20).move_all(now=10000)
else:
    resque.enqueue_delayed_selection(lambda args: True)
"""


@pytest.mark.parametrize("way", ["mover", "enqueue_delayed_selection"])
def test_kill_9_lets_the_code_of_one_job_run_again_at_most(stage, server, way):
    """Killed again and again while a batch of jobs with a `scheduled` is drained: order and count."""
    total = 300
    kinds = (
        b'{"class":"Own","args":[%d],"queue":"q"}',
        b'{"class":"Other","args":[%d],"queue":"q","custom_job_class":"Own"}',
        b'{"class":"Ruby","args":[%d],"queue":"q"}',
        b'{"args":[%d],"class":"Ruby","queue":"q","k":1}',
    )
    stage.delay(10, *(kinds[n % 4] % n for n in range(total)))
    began, kills = [], 0
    while stage.redis("LLEN", "resque:delayed:10"):
        process = subprocess.Popen([sys.executable, "-c", KILLED, server.url, way], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        began += islice(process.stdout, 10)  # so much code is let begin
        os.kill(process.pid, signal.SIGKILL)
        began += process.stdout
        process.wait()
        process.stdout.close()
        kills += 1
    runs = Counter(int(line) for line in began if line.endswith(b"\n"))
    with_code = {n for n in range(total) if n % 4 < 2}
    assert set(runs) == with_code
    assert sum(runs.values()) - len(with_code) <= kills
    queued = [json.loads(raw)["args"][0] for raw in stage.queue("q")]
    assert list(dict.fromkeys(queued)) == list(range(total))  # in order; the doubles next to their firsts
    assert queued == sorted(queued)
    assert len(queued) - total <= kills
    assert all(count == 1 for n, count in Counter(queued).items() if n not in with_code)
    assert kills > 3


def test_a_taker_tells_how_many_it_took_when_it_is_interrupted(stage):
    """By an error of a job in the middle."""
    World(stage, "before_enqueue", ZeroDivisionError)
    mover = DelayedMover(stage.resque.space, stage.resque.registry)
    with pytest.raises(ZeroDivisionError):
        mover.take(one.element for one in stage.resque.find_delayed())
    assert mover.taken == 3


# --- code that looks at the delayed jobs -----------------------------------------------------------------


def looking(stage, name, look):
    """A job whose hook or `scheduled` does this with the class itself, and is then on its queue."""

    def code(*args):
        look(made, *(args[2:] if name == "scheduled" else args))
        if name == "scheduled":
            stage.redis("RPUSH", "resque:queue:q", '{"class":"Own","args":[1]}')

    body = {"perform": staticmethod(lambda *args: None), name: staticmethod(code)}
    made = job(queue="q", name="Own", registry=stage.resque.registry)(type("Own", (), body))
    item = b'{"class":"Own","args":[1],"queue":"q"}'
    stage.delay(10, item)
    stage.delay(FAR, item)
    return made


ONE = {
    "mover": lambda stage, own: Mover(stage.resque.space, stage.resque.registry).move_all(now=20),
    "enqueue_found": lambda stage, own: stage.resque.enqueue_found(stage.resque.find_delayed()[:1]),
}


@pytest.mark.parametrize("name", [*HOOKS, "scheduled"])
@pytest.mark.parametrize("way", ONE)
def test_code_that_removes_all_jobs_like_its_own_keeps_its_own(stage, way, name):
    """A job that wants to be the only one removes what else is delayed of it; in Ruby it was taken before."""
    removed = []
    own = looking(stage, name, lambda own, *args: removed.append(stage.resque.remove_delayed(own, *args)))
    ONE[way](stage, own)
    assert removed == [1]
    assert stage.queue("q") == [b'{"class":"Own","args":[1]}']
    assert stage.resque.count_all_scheduled_jobs() == 0


@pytest.mark.parametrize("name", [*HOOKS, "scheduled"])
def test_code_that_asks_whether_its_job_is_delayed_hears_of_others_only(stage, name):
    """By every verb that looks; afterwards each is there again for everybody."""
    seen = []

    def look(own, *args):
        resque = stage.resque
        seen.append(
            (resque.scheduled_at(own, *args), resque.is_delayed(own, *args), len(resque.find_delayed()))
        )

    own = looking(stage, name, look)
    assert stage.resque.scheduled_at(own, 1) == [10, FAR]
    ONE["mover"](stage, own)
    assert seen == [([FAR], True, 1)]
    assert stage.resque.scheduled_at(own, 1) == [FAR]


@pytest.mark.parametrize("name", ["before_enqueue", "scheduled"])
def test_code_that_delays_its_job_anew(stage, name):
    """Throttling: it is delayed once more, and what is being enqueued goes on or is refused as it says."""
    own = looking(stage, name, lambda own, *args: stage.resque.delay_or_enqueue_at(FAR + 9, own, *args))
    ONE["mover"](stage, own)
    assert stage.queue("q") == [b'{"class":"Own","args":[1]}']
    assert stage.resque.scheduled_at(own, 1) == [FAR + 9]


@pytest.mark.parametrize("error", ERRORS)
def test_a_failure_backend_that_raises_stops_no_scheduler(stage, error):
    """What is put aside is recorded in Redis all the same."""

    class Raises(Backend):
        def save(self, failure):
            raise ERRORS[error]

    stage.delay(10, b"no job", plain(1))
    mover = Mover(stage.resque.space, stage.resque.registry, recorder=Recorder(stage.resque.space, Raises()))
    assert mover.move_all(now=20) == 2
    assert len(stage.queue("q")) == 1
    assert stage.resque.failures.count() == 1


# --- jobs that a lock guards -------------------------------------------------------------------------------

LONER = "resque:loner:lock:Only:%d"


def only(stage, **more):
    """A job that waits once, delayed as 1, 2, 1, 2 between plain ones; noted is what after_enqueue saw."""
    noted = []
    after = SimpleNamespace(after_enqueue=lambda number: noted.append(number))
    plugin = Loner(stage.resque, timeout=500)
    made = job(queue="q", name="Only", plugins=[plugin, after], registry=stage.resque.registry)(
        lambda n: None
    )
    item = b'{"class":"Only","args":[%d],"queue":"q"}'
    stage.delay(10, item % 1, plain(0), item % 2, item % 1, plain(5), item % 2)
    return made, noted


def waiting(stage):
    return [json.loads(raw)["args"][0] for raw in stage.queue("q")]


@pytest.mark.parametrize("way", TAKES)
def test_a_due_job_that_waits_already_is_dropped(stage, way):
    """As with the before_enqueue hook of resque-lock-timeout; the lock comes with the push."""
    _, noted = only(stage)
    TAKES[way](SimpleNamespace(stage=stage))
    assert (waiting(stage), noted) == ([1, 0, 2, 5], [1, 2])
    assert [stage.redis("TTL", LONER % n) > 400 for n in (1, 2)] == [True, True]
    assert stage.resque.count_all_scheduled_jobs() == 0


@pytest.mark.parametrize("way", TAKES)
@pytest.mark.parametrize("mode", ["drop", "close"])
def test_a_due_job_whose_taking_gets_no_answer_does_not_find_its_own_lock(stage, server, way, mode):
    """At each command: it is on its queue once, and the lock is there with it."""
    only(stage)
    number, hit, resque = 0, True, stage.resque
    while hit:
        for key in ("queue:q", "delayed:10", LONER[7:] % 1, LONER[7:] % 2):
            stage.redis("DEL", f"resque:{key}")
        item = b'{"class":"Only","args":[%d],"queue":"q"}'
        stage.delay(10, item % 1, plain(0), item % 2, item % 1)
        with FaultProxy(server) as proxy:
            through = Resque(proxy.url, registry=resque.registry)
            fault = proxy.arm(mode, number) if number else None
            TAKES[way](SimpleNamespace(stage=SimpleNamespace(resque=through)))
            hit, number = number == 0 or bool(fault and fault.hits), number + 1
            through.close()
        assert waiting(stage) == [1, 0, 2]
    assert number > 3


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_due_job_that_redis_refuses_leaves_no_lock(stage, refusal):
    """A Redis that takes no writes, and then does."""
    only(stage)
    stage.resque.space.link.pauses = (0.0,)
    on, off = REFUSALS[refusal]
    stage.redis(*on)
    try:
        with pytest.raises(RedisUnavailable):
            Mover(stage.resque.space, stage.resque.registry).move_all(now=20)
    finally:
        while stage.redis(*off) != b"OK":
            time.sleep(0.01)
    assert stage.redis("EXISTS", LONER % 1, LONER % 2) == 0
    Mover(stage.resque.space, stage.resque.registry).move_all(now=20)
    assert waiting(stage) == [1, 0, 2, 5]


def test_a_lock_that_is_none_puts_its_job_aside(stage):
    """A list lies there: those behind it go on."""
    only(stage)
    stage.redis("RPUSH", LONER % 1, "x")
    Mover(stage.resque.space, stage.resque.registry).move_all(now=20)
    assert waiting(stage) == [0, 2, 5]
    assert [one.payload["args"] for one in stage.resque.failures.list()] == [[1], [1]]
    stage.delay(10, b'{"class":"Only","args":[1],"queue":"q"}')
    with pytest.raises(RedisReplied):
        stage.resque.enqueue_found(stage.resque.find_delayed())
    assert stage.resque.count_all_scheduled_jobs() == 1


def test_an_entry_whose_job_waits_already_is_noted_and_not_queued(stage):
    """And by hand it is refused."""
    only(stage)
    entry = running(**{"class": "Only", "queue": "q", "args": [7]})
    firer = Firer(stage.resque.space, stage.resque.registry)
    assert firer.fire(entry) == "fired"
    again = running(due=TICK + 60, noted=times.started(TICK), **{"class": "Only", "queue": "q", "args": [7]})
    assert firer.fire(again) == "skipped"
    assert waiting(stage) == [7]
    assert stage.redis("HGET", "resque:delayed:last_enqueued_at", "e").decode() == times.started(TICK + 60)
    assert run_now(stage.resque.space, stage.resque.registry, entry.entry) is False
    stage.redis("DEL", LONER % 7)
    assert run_now(stage.resque.space, stage.resque.registry, entry.entry) is True
    assert waiting(stage) == [7, 7]


def test_delay_or_enqueue_now_of_a_job_that_waits_once(stage):
    """The first is enqueued with its lock, the rest stays; what is not delayed is refused."""
    made, noted = only(stage)
    assert stage.resque.delay_or_enqueue_at(5, made, 1) == 1
    assert (waiting(stage), noted) == ([1], [1])
    assert stage.resque.scheduled_at(made, 1) == [10]
    assert stage.resque.delay_or_enqueue_at(5, made, 9) == 1
    assert stage.resque.delay_or_enqueue_at(5, made, 9) == 0
    assert waiting(stage) == [1, 9]


def test_the_lock_may_lie_elsewhere(stage):
    """On another database: then it is taken before the push."""
    other = Resque(stage.url.removesuffix("/0") + "/1", registry=stage.resque.registry)
    other.link.execute("FLUSHDB")
    plugin = Loner(other, timeout=500)
    job(queue="q", name="Only", plugins=[plugin], registry=stage.resque.registry)(lambda n: None)
    item = b'{"class":"Only","args":[1],"queue":"q"}'
    stage.delay(10, item, item, plain(2))
    Mover(stage.resque.space, stage.resque.registry).move_all(now=20)
    assert waiting(stage) == [1, 2]
    assert other.link.execute("TTL", LONER % 1) > 400
    other.close()


@pytest.mark.parametrize("mode", ["drop", "close"])
def test_a_lock_that_lies_elsewhere_is_found_again_by_the_next_try(stage, server, mode):
    """From one command on everything is refused; then another scheduler comes. The job is queued once."""
    number, hit = 0, True
    item = b'{"class":"Only","args":[1],"queue":"q"}'
    while hit:
        number += 1
        stage.redis("FLUSHALL")
        stage.delay(10, item, plain(2))
        with FaultProxy(server) as proxy:
            registry = Registry()
            through = Resque(proxy.url, registry=registry)
            other = Resque(proxy.url.removesuffix("/0") + "/1", registry=registry)
            through.space.link.pauses = other.space.link.pauses = ()  # type: ignore[attr-defined]
            job(queue="q", name="Only", plugins=[Loner(other, timeout=500)], registry=registry)(
                lambda n: None
            )
            come = []

            def is_late(words, come=come, number=number):
                come.append(words)
                return len(come) >= number

            fault = proxy.arm(mode, match=is_late, times=1000)
            with contextlib.suppress(RedisUnavailable):
                Mover(through.space, registry).move_all(now=20)
            hit = bool(fault.hits)
            through.close()
            other.close()
            proxy.begin()
            Mover(through.space, registry).move_all(now=20)
            through.close()
            other.close()
        assert waiting(stage) == [1, 2]
    assert number > 5
