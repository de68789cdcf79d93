"""Locks: no two jobs of a kind at a time, no two of them in a queue, whoever dies holding the lock."""

from __future__ import annotations

from typing import Any

from pyresque import Resque, job
from pyresque.plugins import Lock, Loner
from tests.model.actor import Me, Program, here
from tests.model.cast import (
    Registering,
    calls,
    client,
    late,
    perform,
    scheduler,
    undertaker,
    worker,
    worker_at_work,
)
from tests.model.checks import nobody_is_left, once, records
from tests.model.surroundings import EPOCH
from tests.model.world import Check, Final, World

ELSEWHERE = "redis://elsewhere/1"


def _jobs(resque: Resque, seconds: int = 300) -> None:
    """Two jobs, of which the first may not run twice at a time, and the second may not wait twice."""

    @job(
        queue="jobs",
        name="Locked",
        registry=resque.registry,
        plugins=[Lock(resque, seconds, identify=lambda args: "")],
    )
    def locked(number: int) -> None:
        me = here()
        for other in filter(_is_job, me.event("begin", number)):
            me.event("begin", f"{number} beside {other}")
        me.event("end", number)

    @job(queue="jobs", name="Lonely", registry=resque.registry, plugins=[Loner(resque, 300)])
    def lonely(number: int) -> None:
        perform(number)


def _is_job(number: Any) -> bool:
    return isinstance(number, int)


def _hours(resque: Resque) -> None:
    """The same, with a lock that lasts for an hour."""
    _jobs(resque, 3600)


def _minutes(resque: Resque) -> None:
    """The same, with a lock that is over before anybody takes its holder for dead."""
    _jobs(resque, 100)


def _far_jobs(resque: Resque) -> None:
    """The second of these, with its lock in another Redis than its queue: they do not change in one step."""

    @job(
        queue="jobs",
        name="Lonely",
        registry=resque.registry,
        plugins=[Loner(Resque(ELSEWHERE, registry=resque.registry), 300)],
    )
    def lonely(number: int) -> None:
        perform(number)


def _one_at_a_time(final: Final) -> None:
    """Never two at a time; who finds the lock held is skipped, and at least one has run."""
    nobody_is_left(final)
    beside = [number for word, number, _ in final.ledger if isinstance(number, str)]
    assert not beside, f"two jobs at a time: {beside}"
    for number in (1, 2):
        assert final.begun(number) <= 1, f"job {number} was begun {final.begun(number)} times"
        assert len(records(final, number)) <= 1, f"job {number} has several records"
    assert final.ended(1) or final.ended(2) or records(final, 1) or records(final, 2), "nobody has run"
    if not final.dead and not final.gone:
        assert final.after.number("stat:processed") == 2, "a job is lost"
        if final.is_calm:
            assert not final.before.keys("lock:", "pyresque:owner:"), "the lock was left"


def _alone_in_the_queue(final: Final) -> None:
    """Two clients want it: it waits once at a time, and runs as often as somebody was told so."""
    nobody_is_left(final)
    begun, kept = final.begun(1), len(records(final, 1))
    said = [final.said(name) for name in ("one", "two") if isinstance(final.results[name], bool | None)]
    told = [final.results[name] for name in ("one", "two")]
    assert begun <= 2, f"begun {begun} times"
    assert final.before.numbers("queue:")[1] <= 1, "it waits twice"
    if not final.dead and not final.gone and not any(map(_is_unknown, told)):
        assert begun + kept == said.count(True), f"begun {begun} times, and {told} was said"
        assert said.count(True) >= 1, "nobody has enqueued it"


def _is_unknown(said: Any) -> bool:
    return said is not None and not isinstance(said, bool)


def _due_once(final: Final) -> None:
    """A delayed job with a Loner is not stopped by its own lock."""
    nobody_is_left(final)
    assert final.begun(1) + len(records(final, 1)) == 1, f"begun {final.begun(1)} times"


def _twice_due(final: Final) -> None:
    """Of two equal jobs of one second the second finds the lock of the first, unless Redis was away then."""
    nobody_is_left(final)
    begun = final.begun(1) + len(records(final, 1))
    assert begun == 1 or (begun == 2 and not final.is_calm), f"begun {begun} times"


def _delayed_twice(jobs: Registering) -> Program:
    def program(me: Me) -> None:
        for _ in range(2):
            client(jobs).enqueue_at(EPOCH + 5, "Lonely", 1, queue="jobs")
        me.event("pass", 10, False)

    return program


def _holder_is_dead(final: Final) -> None:
    """A lock that would last for an hour keeps nobody away whose holder was buried."""
    nobody_is_left(final, locks=False)
    if not final.away:  # who cannot ask for the lock has failed
        once(final, {1: "Good", 2: "Good"})


def _one_expires(final: Final) -> None:
    """The lock of one job expires while it runs; whoever takes it then keeps it to his end."""
    nobody_is_left(final, locks=False)
    beside = [number for word, number, _ in final.ledger if isinstance(number, str)]
    assert len({one.split()[-1] for one in beside}) <= 1, f"jobs at a time: {beside}"


def _delayed(me: Any) -> None:
    client(_jobs).enqueue_at(EPOCH + 5, "Lonely", 1, queue="jobs")
    me.event("pass", 10, False)


def _world(name: str, setup: Program, actors: dict[str, Program], check: Check, **more: Any) -> World:
    return World(name, setup, actors, check, **{"closing": undertaker(_jobs), **more})


def _lonely_job(resque: Resque) -> Any:
    return resque.registry.find("Lonely").target  # type: ignore[union-attr]


def _waiting(jobs: Registering, *numbers: int) -> Program:
    return calls(lambda resque: resque.enqueue_many([("Locked", n) for n in numbers], "jobs"), jobs=jobs)


def _enqueues(resque: Resque) -> Any:
    return resque.enqueue(_lonely_job(resque), 1)


def _enqueues_two(resque: Resque) -> bool | None:
    """In one call; returns the same as `enqueue` would: whether one was enqueued."""
    pushed = resque.enqueue_many([(_lonely_job(resque), 1), (_lonely_job(resque), 1)])
    assert pushed < 2
    return True if pushed else None


WORLDS = [
    _world(
        "one at a time",
        _waiting(_jobs, 1, 2),
        {"a": worker_at_work(jobs=_jobs), "b": worker_at_work(jobs=_jobs)},
        _one_at_a_time,
        ready="ab",
        is_timeless=False,
        faults=(0, 1),
    ),
    _world(
        "alone in the queue",
        lambda me: None,
        {
            "one": calls(_enqueues, jobs=_jobs),
            "two": calls(_enqueues, jobs=_jobs),
            "a": worker_at_work(jobs=_jobs),
        },
        _alone_in_the_queue,
        ready="a",
        faults=(0, 1),
    ),
    _world(
        "a delayed job that is alone in the queue",
        _delayed,
        {"s": scheduler(1, _jobs), "t": scheduler(1, _jobs)},
        _due_once,
        faults=(1, 2),
    ),
    _world(
        "delayed jobs whose lock is elsewhere",
        _delayed_twice(_far_jobs),
        {"s": scheduler(2, _far_jobs)},
        _twice_due,
        closing=undertaker(_far_jobs),
        faults=(1, 2),
    ),
    _world(
        "equal delayed jobs that are alone in the queue",
        _delayed_twice(_jobs),
        {"s": scheduler(2, _jobs)},
        _twice_due,
        faults=(1, 2),
    ),
    _world(
        "the holder of a lock is killed",
        _waiting(_hours, 1, 2),
        {"a": worker_at_work(jobs=_hours)},
        _holder_is_dead,
        closing=undertaker(_hours),
        ready="a",
        is_timeless=False,
        faults=(1, 2),
    ),
    _world(
        "a lock expires",
        _waiting(_minutes, 1, 2, 3),
        {"a": worker_at_work(jobs=_minutes), "b": late(200, worker(jobs=_minutes))},
        _one_expires,
        ready="a",
        is_timeless=False,
        faults=(0, 0),
    ),
    _world(
        "twice in one call",
        lambda me: None,
        {"one": calls(_enqueues_two, jobs=_jobs)} | {"two": calls(_enqueues, jobs=_jobs)},
        _alone_in_the_queue,
        faults=(0, 2),
    ),
    _world(
        "two clients, one of them in vain",
        lambda me: None,
        {"one": calls(_enqueues, jobs=_jobs), "two": calls(_enqueues, jobs=_jobs)},
        _alone_in_the_queue,
        faults=(1, 2),
    ),
]
