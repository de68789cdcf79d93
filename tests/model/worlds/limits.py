"""What a job may ask for: limits of its class, that it waits alone, that it is tracked; under every fault."""

from __future__ import annotations

from typing import Any

from pyresque import Resque, job
from pyresque.wire.encoding import decode
from tests.model.actor import Me, Program, here
from tests.model.cast import calls, perform, undertaker, worker_at_work
from tests.model.checks import nobody_is_left, once, records
from tests.model.world import Final, World


def _jobs(resque: Resque) -> None:
    """One of which one may run at a time, one that waits alone, one that is tracked."""

    @job(queue="jobs", name="Capped", max_running=1, registry=resque.registry)
    def capped(number: int) -> None:
        me = here()
        for other in filter(_is_job, me.event("begin", number)):
            me.event("begin", f"{number} beside {other}")
        me.event("end", number)

    @job(queue="jobs", name="Alone", unique=300, registry=resque.registry)
    def alone(number: int) -> None:
        perform(number)

    @job(queue="jobs", name="Tracked", track=True, registry=resque.registry)
    def tracked(number: int) -> int:
        perform(number)
        return number


def _is_job(number: Any) -> bool:
    return isinstance(number, int)


def _target(resque: Resque, name: str) -> Any:
    return resque.registry.find(name).target  # type: ignore[union-attr]


def _waiting(name: str, *numbers: int) -> Program:
    return calls(lambda resque: resque.enqueue_many([(name, n) for n in numbers], "jobs"), jobs=_jobs)


def _enqueues(name: str) -> Program:
    def program(me: Me) -> Any:
        answer = calls(lambda resque: resque.enqueue(_target(resque, name), 1), jobs=_jobs)(me)
        return True if answer is not None and type(answer).__name__ == "JobHandle" else answer

    return program


def _one_at_a_time(final: Final) -> None:
    """Never two at a time, and all have run, whoever was killed: no place is lost, none is given twice."""
    nobody_is_left(final)
    beside = [number for word, number, _ in final.ledger if isinstance(number, str)]
    assert not beside, f"two jobs at a time: {beside}"
    once(final, {1: "Good", 2: "Good"})


def _alone(final: Final) -> None:
    """Two clients want it: it waits once at a time, and its key is gone at the end."""
    nobody_is_left(final)
    assert final.begun(1) <= 2
    assert final.before.numbers("queue:")[1] <= 1, "it waits twice"
    assert not final.after.keys("loner:"), "its key was left"


def _told_as_it_was(final: Final) -> None:
    """Its status says what has become of it: nothing else, and not before."""
    nobody_is_left(final)
    told = [decode(final.after[key]) for key in final.after.keys("status:")]
    for state in (one["status"] for one in told):
        if state == "completed":
            assert final.ended(1), "it is said to be done"
        if state == "failed":
            assert records(final, 1), "it is said to have failed"
    if final.is_calm and final.said("one") is True:
        [status] = told
        assert (status["status"], status["result"]) == ("completed", 1)


WORLDS = [
    World(
        "a class of which one runs at a time",
        _waiting("Capped", 1, 2),
        {"a": worker_at_work(jobs=_jobs), "b": worker_at_work(jobs=_jobs)},
        _one_at_a_time,
        closing=undertaker(_jobs),
        ready="ab",
        is_timeless=False,
        faults=(0, 1),
    ),
    World(
        "a unique job",
        lambda me: None,
        {"one": _enqueues("Alone"), "two": _enqueues("Alone"), "a": worker_at_work(jobs=_jobs)},
        _alone,
        closing=undertaker(_jobs),
        ready="a",
        faults=(0, 1),
    ),
    World(
        "a tracked job",
        lambda me: None,
        {"one": _enqueues("Tracked"), "a": worker_at_work(jobs=_jobs)},
        _told_as_it_was,
        closing=undertaker(_jobs),
        ready="a",
        faults=(1, 2),
    ),
]
