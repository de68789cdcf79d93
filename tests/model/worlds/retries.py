"""Jobs that are run again: at once, after a while, without a record for each failure."""

from __future__ import annotations

from typing import Any

from pyresque import Resque, Retry, job
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry
from tests.model.actor import Me, Program
from tests.model.cast import calls, client, perform, scheduler, undertaker, worker, worker_at_work
from tests.model.checks import nobody_is_left
from tests.model.world import Check, Final, World

REGISTRY = Registry(WorkerHooks())


@job(queue="jobs", name="AtOnce", registry=REGISTRY, retry=Retry(limit=2, backoff=0))
def at_once(number: int) -> None:
    """Fails each time."""
    perform(number)
    raise ValueError(f"bad {number}")


@job(queue="jobs", name="Later", registry=REGISTRY, retry=Retry(limit=1, backoff=60))
def later(number: int) -> None:
    """Fails each time."""
    perform(number)
    raise ValueError(f"bad {number}")


@job(queue="jobs", name="Quiet", registry=REGISTRY, retry=Retry(limit=1, backoff=0, quiet=True))
def quiet(number: int) -> None:
    """Fails each time."""
    perform(number)
    raise ValueError(f"bad {number}")


def _attempts(most: int, quiet: bool = False) -> Check:
    """Each attempt has a record; with `quiet` only the last has."""

    def check(final: Final) -> None:
        nobody_is_left(final)
        begun = final.begun(1)
        kept = sum(one.payload.get("args") == [1] for one in final.after.failures())
        assert begun <= most, f"job 1 was begun {begun} times"
        # Who is killed before the attempt has begun has not used it up.
        wanted = 1 if quiet else most
        assert wanted <= kept <= wanted + len(final.dead), (
            f"{kept} records, {begun} of {most} attempts were begun"
        )
        left = final.after.keys("resque-retry", "failure-resque-retry", "queue:", "delayed", "timestamps")
        assert not left, f"left behind: {left}"

    return check


def _has_failed(me: Me) -> None:
    """The first attempt has failed, and the second is to come in a minute."""
    _have_failed(me, 1)


def _two_have_failed(me: Me) -> None:
    """So it is with two jobs; the minute is the same."""
    _have_failed(me, 1, 2)


def _have_failed(me: Me, *numbers: int) -> None:
    client(REGISTRY).enqueue_many([("Later", number) for number in numbers], "jobs")
    worker(jobs=REGISTRY)(me)


def _bring_forward(resque: Resque) -> bool:
    record = resque.failures.list()[0]
    attempt = resque.failures.next_attempt(record)
    if attempt is None or attempt.state != "delayed":
        return False
    return resque.failures.bring_forward(record, attempt)


def _brought_forward(final: Final) -> None:
    """It waits on its queue or in its second, as was said, and its record says the same."""
    _attempts(2)(final)
    waits, left = final.before.numbers("queue:")[1], final.before.numbers("delayed:1")[1]
    assert waits + left == 1, f"it waits {waits} times, and is delayed {left} times"
    record, _ = final.before.failures()
    assert bool(record.value.get("retried_at")) == bool(waits), "the record is wrong"
    assert final.said("one") in (None, bool(waits)), f"{final.said('one')} was said"


def _world(name: str, job_name: str, actors: dict[str, Program], check: Check, **more: Any) -> World:
    setup = calls(lambda resque: resque.enqueue(job_name, 1, queue="jobs"), jobs=REGISTRY)
    return World(name, setup, actors, check, **{"closing": undertaker(REGISTRY), "ready": "ab", **more})


A, B = worker_at_work(jobs=REGISTRY), worker_at_work(jobs=REGISTRY)

WORLDS = [
    _world("one worker tries at once", "AtOnce", {"a": A}, _attempts(3), faults=(1, 2)),
    _world("two workers try at once", "AtOnce", {"a": A, "b": B}, _attempts(3), faults=(0, 1)),
    _world("one worker tries quietly", "Quiet", {"a": A}, _attempts(2, quiet=True), faults=(1, 2)),
    _world("two workers try quietly", "Quiet", {"a": A, "b": B}, _attempts(2, quiet=True), faults=(1, 1)),
    _world(
        "a worker tries later, and a scheduler is there", "Later",
        {"a": A, "s": scheduler(1, REGISTRY)}, _attempts(2), faults=(1, 2),
    ),
    World(
        "an attempt is brought forward",
        _has_failed,
        {"one": calls(_bring_forward, jobs=REGISTRY), "two": calls(_bring_forward, jobs=REGISTRY), "a": A},
        _attempts(2),
        undertaker(REGISTRY),
        ready="a",
        faults=(0, 1),
    ),
    World(
        "an attempt is brought forward by one",
        _two_have_failed,
        {"one": calls(_bring_forward, jobs=REGISTRY)},
        _brought_forward,
        undertaker(REGISTRY),
        faults=(2, 3),
    ),
    _world(
        "a dead worker's attempt, and who prunes", "AtOnce",
        {"old": A, "new": worker(jobs=REGISTRY)}, _attempts(3), ready=["old"], faults=(0, 1),
    ),
]  # fmt: skip
