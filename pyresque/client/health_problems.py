"""What of a look at everything needs a person, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from pyresque.client.health import Health, Problem, QueueHealth
from pyresque.client.info import WorkerInfo

NEARLY_FULL = 0.9
"""The share of its memory with which Redis is nearly full."""
LATE = 60.0
"""Seconds for which delayed jobs may be overdue: a scheduler looks every five."""
SHOWN = 5
"""Names that a text lists."""


def problems_of(health: Health, max_age: float | None, broken: Sequence[str]) -> list[Problem]:
    """What needs a person, the worst first.

    Args:
        max_age: seconds that a job may wait; None: as long as it takes.
        broken: what Redis said of keys that hold something else than they should.
    """
    return [
        *_of_redis(health),
        *(Problem("key", text, "see what wrote there, and remove it") for text in broken),
        *_of_schedulers(health),
        *_of_queues(health, max_age),
        *_of_workers(health),
        *_of_unknown(health),
        *_of_aside(health),
    ]


def _of_redis(health: Health) -> Iterator[Problem]:
    redis = health.redis
    if redis.maxmemory and redis.used_memory is not None:
        share = redis.used_memory / redis.maxmemory
        if share >= NEARLY_FULL:
            yield Problem(
                "memory",
                f"Redis uses {round(100 * share)} % of its memory ({redis.used_memory} of {redis.maxmemory} "
                "bytes): a full one takes no jobs",
                "raise its maxmemory, or remove what is not needed: pyresque failed clear --retried",
            )
    if redis.policy not in (None, "noeviction"):
        yield Problem(
            "eviction",
            f"Redis may throw jobs away when its memory is full: its maxmemory-policy is {redis.policy}",
            "set maxmemory-policy to noeviction",
        )


def _of_schedulers(health: Health) -> Iterator[Problem]:
    master, delayed = health.master, health.delayed
    behind = f"; {_overdue(health)}" if delayed.overdue else ""
    if master is None and health.needs_scheduler:
        yield Problem(
            "scheduler",
            f"no scheduler is master: delayed jobs and the schedule wait{behind}",
            "start one: pyresque scheduler",
        )
    elif master is not None and master.alive is False and health.needs_scheduler:
        yield Problem(
            "scheduler",
            f"the master scheduler {master.value} is dead ({master.why}){behind}",
            "start another one: pyresque scheduler; pyresque scheduler release lets it begin at once",
        )
    elif delayed.behind > LATE:
        yield Problem(
            "overdue",
            f"{_overdue(health)}, though a scheduler is master",
            "look at its log: is it stuck, or has it too much to do? pyresque scheduler status",
        )
    if health.missed:
        names = ", ".join(one.name for one in health.missed[:SHOWN])
        more = " and others" if len(health.missed) > SHOWN else ""
        advice = "once a scheduler is master, it goes on; what was missed: pyresque schedule run NAME"
        if master is not None:
            advice = "look at the log of the scheduler; pyresque schedule run NAME runs one now"
        if master is not None and master.language != "python":
            advice = (
                "a Ruby scheduler that loads the schedule while an entry is being set never hears of it: "
                "set the entry again, or restart the scheduler; pyresque schedule run NAME runs it now"
            )
        yield Problem("schedule", f"entries should have run and have not: {names}{more}", advice)
    if health.refused:
        reasons = "; ".join(f"{one.name}: {one.refused}" for one in health.refused[:SHOWN])
        yield Problem(
            "schedule", f"entries cannot be used: {reasons}", "correct them: pyresque schedule set NAME"
        )


def _overdue(health: Health) -> str:
    jobs = "1 delayed job is" if health.delayed.overdue == 1 else f"{health.delayed.overdue} delayed jobs are"
    return f"{jobs} overdue, the first for {_span(health.delayed.behind)}"


def _of_queues(health: Health, max_age: float | None) -> Iterator[Problem]:
    waiting = [queue for queue in health.queues if queue.size]
    paused = [queue for queue in waiting if queue.paused]
    if paused:
        how = "paused"
        advice = f"pyresque queue resume {paused[0].name}"
        if health.paused.workers:
            how, advice = "paused, as every worker is (pause-all-workers)", "pyresque queue resume --all"
        elif health.paused.all:
            how, advice = "paused, as all queues are", "pyresque queue resume --all"
        yield Problem("paused", f"{_jobs(paused)} on queues that are {how}", advice)
    idle = [queue for queue in waiting if not queue.paused and not _is_served(queue.name, health.workers)]
    if idle:
        yield Problem(
            "no worker",
            f"{_jobs(idle)} on queues from which no worker takes jobs",
            f"start one: pyresque work -q {idle[0].name}",
        )
    late = [queue for queue in waiting if max_age is not None and (queue.oldest_age or 0) > max_age]
    if late and max_age is not None:
        ages = ", ".join(f"{queue.name} {_span(queue.oldest_age or 0)}" for queue in late[:SHOWN])
        yield Problem(
            "age", f"jobs have been waiting for more than {_span(max_age)}: {ages}", "start more workers"
        )


def _is_served(queue: str, workers: Sequence[WorkerInfo]) -> bool:
    """Whether a worker that may live takes from a queue, as far as its id tells."""
    return any(
        worker.is_alive is not False and any(fnmatchcase(queue, pattern) for pattern in worker.queues)
        for worker in workers
    )


def _jobs(queues: Sequence[QueueHealth]) -> str:
    total = sum(queue.size for queue in queues)
    names = ", ".join(queue.name for queue in queues[:SHOWN]) + (" ..." if len(queues) > SHOWN else "")
    return f"{total} {'job waits' if total == 1 else 'jobs wait'} ({names})"


def _of_workers(health: Health) -> Iterator[Problem]:
    dead = [worker.id for worker in health.workers if worker.is_alive is False]
    if dead:
        names = ", ".join(dead[:SHOWN]) + (" ..." if len(dead) > SHOWN else "")
        yield Problem(
            "dead workers",
            f"{len(dead)} {'worker is' if len(dead) == 1 else 'workers are'} registered and dead: {names}",
            "pyresque worker prune: the jobs that they had become failures",
        )


def _of_unknown(health: Health) -> Iterator[Problem]:
    ruby = [worker for worker in health.workers if worker.language != "python"]
    strange = [one for one in health.waiting if not _is_served(one.queue, ruby)]
    for one in strange[:SHOWN]:
        jobs = "1 job waits" if one.count == 1 else f"{one.count} jobs wait"
        yield Problem(
            "unknown class",
            f"{jobs} on {one.queue} of the class {one.class_name}, which is not registered here",
            one.advice,
        )
    if len(strange) > SHOWN:
        yield Problem(
            "unknown class",
            f"{len(strange) - SHOWN} more classes wait that nobody here knows",
            "pyresque jobs",
        )


def _of_aside(health: Health) -> Iterator[Problem]:
    if health.aside:
        count = "1 element was" if health.aside == 1 else f"{health.aside} elements were"
        yield Problem(
            "aside",
            f"{count} put aside, because they were not jobs or could not be queued",
            "pyresque failed list shows them; failed retry puts one back, failed remove deletes it",
        )


def _span(seconds: float) -> str:
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{round(seconds / size)} {name}"
    return f"{round(seconds)} s"
