"""Who acts in the worlds: clients, workers, schedulers, the clock, and who cleans up behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyresque import Resque, Worker, job
from pyresque.config import SchedulerOptions, WorkerOptions
from pyresque.errors import RedisUnavailable
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry
from pyresque.scheduler import Scheduler
from tests.model.actor import Me, Program, here
from tests.model.world import Unavailable

REGISTRY = Registry(WorkerHooks())
"""The jobs that most worlds have."""

Registering = Callable[[Resque], None]
"""Registers the jobs of a world with a Resque: those that need it (locks)."""


@job(queue="jobs", name="Good", registry=REGISTRY)
def good(number: int) -> None:
    """Is done."""
    perform(number)


@job(queue="jobs", name="Bad", registry=REGISTRY)
def bad(number: int) -> None:
    """Raises."""
    perform(number)
    raise ValueError(f"bad {number}")


@job(queue="others", name="Other", registry=REGISTRY)
def other(number: int) -> None:
    """Is done, from another queue."""
    perform(number)


def perform(number: int) -> None:
    """What every job does: it says that it begins, and that it ends."""
    me = here()
    me.event("begin", number)
    me.event("end", number)


def client(registering: Registering | Registry = REGISTRY) -> Resque:
    """The Resque of the actor that is being played."""
    if isinstance(registering, Registry):
        return Resque(registry=registering)
    resque = Resque(registry=Registry(WorkerHooks()))
    registering(resque)
    return resque


def calls(*each: Callable[[Resque], Any], jobs: Registering | Registry = REGISTRY) -> Program:
    """A client that makes these calls; its result is what the last one said, or `Unavailable`."""

    def program(me: Me) -> Any:
        resque, said = client(jobs), None
        try:
            for one in each:
                said = one(resque)
        except RedisUnavailable as error:
            return Unavailable(error.maybe_done)
        return said

    return program


def worker(*queues: str, jobs: Registering | Registry = REGISTRY, **options: Any) -> Program:
    """A worker, from its registration to its end: it leaves when nothing is left to do."""

    def program(me: Me) -> None:
        Worker(client(jobs), queues or ["jobs"], _options(**options)).work(interval=0)

    return program


def _options(**options: Any) -> WorkerOptions:
    """A worker's options. Its history has a world of its own: everywhere it would multiply the moments."""
    return WorkerOptions(**{"history": False, **options})


def worker_at_work(*queues: str, jobs: Registering | Registry = REGISTRY, **options: Any) -> Program:
    """The same, but when the world begins it has started already."""

    def program(me: Me) -> None:
        me.says_ready = True
        Worker(client(jobs), queues or ["jobs"], _options(**options)).work(interval=0)

    return program


def scheduler(turns: int = 1, jobs: Registering | Registry = REGISTRY, **options: Any) -> Program:
    """A scheduler that makes so many turns and leaves."""

    def program(me: Me) -> None:
        me.turns = turns
        Scheduler(client(jobs), SchedulerOptions(zone="UTC", **options)).run()

    return program


def clock(*seconds: int) -> Program:
    """Time passes: so much, then so much more, at any moments."""

    def program(me: Me) -> None:
        for one in seconds:
            me.event("pass", one, False)

    return program


def late(seconds: int, program: Program) -> Program:
    """While a job runs time passes, and then somebody comes."""

    def after(me: Me) -> Any:
        me.event("pass", seconds, True)
        return program(me)

    return after


def sends(whom: str, *signals: int) -> Program:
    """Somebody sends signals."""

    def program(me: Me) -> None:
        for one in signals:
            me.event("signal", whom, int(one))

    return program


def undertaker(jobs: Registering | Registry = REGISTRY, **options: Any) -> tuple[Program, ...]:
    """Who comes when the actors have ended: after the answers of scripts and the beats of the dead have run
    out, a scheduler moves what is due, a worker buries the dead and works off what is left; and once more."""
    everything = worker("*", jobs=jobs, **options)
    return clock(400), scheduler(1, jobs), everything, clock(100), scheduler(1, jobs), everything
