"""Delayed jobs: moved when they are due, by one scheduler or two, while clients change their mind."""

from __future__ import annotations

from typing import Any

from pyresque import Resque, job
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry
from tests.model.actor import Program
from tests.model.cast import REGISTRY, calls, client, clock, perform, scheduler, undertaker
from tests.model.checks import nobody_is_left, once, places, records
from tests.model.surroundings import EPOCH
from tests.model.world import Check, Final, World

DUE, LATER = EPOCH + 5, EPOCH + 300
"""When jobs are due: before the actors begin, and much later."""

ODD = Registry(WorkerHooks())
"""Jobs that Python must see when they are due: with hooks, and with a way of their own."""


@job(queue="jobs", name="Hooked", registry=ODD)
class Hooked:
    """Has hooks that run when it is moved."""

    @staticmethod
    def perform(number: int) -> None:
        """Is done."""
        perform(number)

    @staticmethod
    def before_enqueue_look(number: int) -> bool:
        """Refuses nothing."""
        return True


@job(queue="jobs", name="Refused", registry=ODD)
class Refused:
    """Has a hook that raises."""

    @staticmethod
    def perform(number: int) -> None:
        """Is done."""
        perform(number)

    @staticmethod
    def before_enqueue_look(number: int) -> bool:
        """Raises."""
        raise ValueError(f"no {number}")


@job(queue="jobs", name="Custom", registry=ODD)
class Custom:
    """Puts itself on a queue."""

    @staticmethod
    def perform(number: int) -> None:
        """Is done."""
        perform(number)

    @staticmethod
    def scheduled(queue: str, name: str, number: int) -> None:
        """Called instead of the push."""
        client(ODD).push(queue, {"class": name, "args": [number]})


@job(queue="jobs", name="Good", registry=ODD)
def good(number: int) -> None:
    """Is done."""
    perform(number)


def delayed_jobs(*jobs: tuple[int, str, int], jobs_of: Registry = REGISTRY) -> Program:
    """These jobs are delayed (when, class, number); then ten seconds pass."""

    def program(me: Any) -> None:
        resque = client(jobs_of)
        for moment, name, number in jobs:
            resque.enqueue_at(moment, name, number, queue="jobs")
        me.event("pass", 10, False)

    return program


def _nothing_is_left(final: Final) -> None:
    nobody_is_left(final)
    left = final.after.keys("delayed", "timestamps", "queue:", "pyresque:aside", "resque:resque_scheduler")
    assert not left, f"left behind: {left}"


def each_once(*numbers: int) -> Check:
    """Every job was moved, and run once."""

    def check(final: Final) -> None:
        _nothing_is_left(final)
        once(final, dict.fromkeys(numbers, "Good"))
        in_order = [number for word, number, _ in final.ledger if word == "begin" and number in numbers[:2]]
        assert in_order == sorted(in_order), f"begun in this order: {in_order}"

    return check


def _moved_or_removed(numbers: tuple[int, ...], gone: Any) -> Check:
    """Each job was run or was removed, as the client was told."""

    def check(final: Final) -> None:
        _nothing_is_left(final)
        run = 0
        for number in numbers:
            if final.begun(number) or places(final.after, number) or records(final, number):
                once(final, {number: "Good"})
                run += 1
        said = final.said("client")
        if said is not None:
            assert run + gone(said) == len(numbers), f"{run} were run, and the client was told {said!r}"

    return check


def _custom(final: Final) -> None:
    """What puts itself on a queue may do so again where who called it was killed before it was noted."""
    _nothing_is_left(final)
    for number in (1, 3):
        once(final, {number: "Good"})
    assert 1 <= final.begun(2) <= 1 + len(final.dead), f"job 2 was begun {final.begun(2)} times"


def _refused(final: Final) -> None:
    """It has failed, once, and was put aside; it keeps nobody up behind it."""
    nobody_is_left(final)
    assert len(final.after[f"pyresque:aside:delayed:{DUE}"]) == 1, "it is not aside, once"
    once(final, {1: "Good", 3: "Good"})
    failed = [one.text("exception") for one in final.after.failures()]
    assert failed.count("ValueError") == 1, f"recorded is {failed}"
    assert not final.begun(2), "job 2 was run"


def _changed(final: Final) -> None:
    """A client has put the job off: it runs as often as it was written, once for each copy that was found."""
    _nothing_is_left(final)
    said = final.said("client")
    most = 1 if said == 0 else 2
    assert 1 <= final.begun(1) <= most, f"job 1 was begun {final.begun(1)} times, and {said!r} was said"


def _world(name: str, setup: Program, actors: dict[str, Program], check: Check, **more: Any) -> World:
    jobs = more.pop("jobs", REGISTRY)
    return World(name, setup, actors, check, **{"closing": undertaker(jobs), **more})


TWO = delayed_jobs((DUE, "Good", 1), (DUE, "Good", 2))
S = scheduler()


def _changing(call: Any) -> dict[str, Program]:
    return {"s": S, "client": calls(call)}


def _where_it_stands(resque: Resque) -> Any:
    return resque.remove_delayed_job_from_timestamp(DUE, "Good", 2, queue="jobs")


WORLDS = [
    _world("two schedulers", TWO, {"s": S, "t": S}, each_once(1, 2), faults=(1, 2)),
    _world(
        "two schedulers, one job at a time",
        delayed_jobs((DUE, "Good", 1), (DUE + 1, "Good", 2), (LATER, "Good", 3)),
        {"s": scheduler(2, batch=1), "t": scheduler(1, batch=1)},
        each_once(1, 2, 3),
        faults=(0, 1),
    ),
    _world(
        "the master stands still",
        TWO,
        {"s": scheduler(2), "clock": clock(200), "t": scheduler(2)},
        each_once(1, 2),
        is_timeless=False,
        faults=(0, 1),
    ),
    _world(
        "jobs are delayed meanwhile",
        delayed_jobs((DUE, "Good", 1)),
        {"s": S, "client": calls(lambda resque: resque.enqueue_at(LATER, "Good", 2, queue="jobs"))},
        _moved_or_removed((1, 2), lambda said: 0 if said else 1),
    ),
    _world(
        "remove_delayed", TWO,
        _changing(lambda resque: resque.remove_delayed("Good", 2, queue="jobs")),
        _moved_or_removed((1, 2), int),
    ),
    _world(
        "removed from one second", TWO, _changing(_where_it_stands), _moved_or_removed((1, 2), int),
    ),
    _world(
        "enqueue_delayed", TWO,
        _changing(lambda resque: resque.enqueue_delayed("Good", 2, queue="jobs")),
        lambda final: _enqueued_early(final),
    ),
    _world(
        "delay_or_enqueue_at", delayed_jobs((DUE, "Good", 1)),
        _changing(lambda resque: resque.delay_or_enqueue_at(LATER, "Good", 1, queue="jobs")), _changed,
    ),
    _world(
        "delay_or_enqueue_at in the past", delayed_jobs((DUE, "Good", 1)),
        _changing(lambda resque: resque.delay_or_enqueue_at(DUE, "Good", 1, queue="jobs")), _changed,
    ),
    _world(
        "reset_delayed_queue", delayed_jobs((DUE, "Good", 1), (LATER, "Good", 2)),
        _changing(lambda resque: resque.reset_delayed_queue()), _moved_or_removed((1, 2), int),
    ),
    _world(
        "jobs with hooks",
        delayed_jobs((DUE, "Good", 1), (DUE, "Hooked", 2), jobs_of=ODD),
        {"s": scheduler(2, ODD), "t": scheduler(1, ODD)},
        each_once(1, 2), jobs=ODD,
    ),
    _world(
        "a job whose hook raises",
        delayed_jobs((DUE, "Good", 1), (DUE, "Refused", 2), (DUE, "Good", 3), jobs_of=ODD),
        {"s": scheduler(2, ODD)},
        _refused, jobs=ODD,
    ),
    _world(
        "a job with a way of its own",
        delayed_jobs((DUE, "Good", 1), (DUE, "Custom", 2), (DUE, "Good", 3), jobs_of=ODD),
        {"s": scheduler(3, ODD)},
        _custom, jobs=ODD,
    ),
]  # fmt: skip


def _enqueued_early(final: Final) -> None:
    """Whoever moved them, each has run once."""
    _nothing_is_left(final)
    once(final, {1: "Good", 2: "Good"})
