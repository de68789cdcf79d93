"""What of a look at everything needs a person, and what to do about it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from pyresque.client.health import Health, Problem, QueueHealth
from pyresque.usercode.safely import cut
from pyresque.wire.aside_links import CLASS as ASIDE

NEARLY_FULL = 0.9
"""The share of its memory with which Redis is nearly full."""
LATE = 60.0
"""Seconds for which delayed jobs may be overdue: a scheduler looks every five."""
LONG = 3600.0
"""Seconds after which a job that runs may hang."""
SHOWN = 5
"""Names that a text lists."""
MOST_NAME = 200
"""So many characters of a name are shown."""


def typed(name: str) -> str:
    """A name as it is typed in a shell; NAME where it is too long for that."""
    if len(name) > MOST_NAME:
        return "NAME"
    if name.isprintable():
        return shlex.quote(name)
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return (
        "$'"
        + "".join(character if character.isprintable() else _escape(character) for character in escaped)
        + "'"
    )


def _escape(character: str) -> str:
    """A character as `$'...'` has it: of a lone surrogate its byte."""
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    if "\x80" <= character <= "\xff":
        return f"\\u{ord(character):04x}"  # \\x would be a byte
    return character.encode("unicode_escape").decode("ascii")


def _typed(names: Sequence[str]) -> str:
    """The first of some names as arguments; those that look like options come after `--`."""
    return "-- " * any(name.startswith("-") for name in names[:SHOWN]) + " ".join(map(typed, names[:SHOWN]))


def _listed(names: Sequence[str], more: str = " ...") -> str:
    return ", ".join(cut(name, MOST_NAME) for name in names[:SHOWN]) + (more if len(names) > SHOWN else "")


def problems_of(
    health: Health, max_age: float | None, broken: Sequence[str], max_run: float | None = None
) -> list[Problem]:
    """What needs a person, the worst first.

    Args:
        max_age: seconds that a job may wait; None: as long as it takes.
        broken: what Redis said of keys that hold something else than they should.
        max_run: seconds that a job may run; None: as long as it takes.
    """
    return [
        *_of_redis(health),
        *(Problem("key", text, "see what wrote there, and remove it") for text in broken),
        *_of_schedulers(health),
        *_of_schedule(health),
        *_of_queues(health, max_age),
        *_of_workers(health),
        *_of_long_jobs(health, max_run),
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
            "let another one begin at once: pyresque scheduler release; pyresque scheduler",
        )
    elif delayed.behind > LATE:
        yield Problem(
            "overdue",
            f"{_overdue(health)}, though a scheduler is master",
            "look at its log: is it stuck, or has it too much to do? pyresque scheduler status",
        )


def _of_schedule(health: Health) -> Iterator[Problem]:
    master = health.master
    if health.missed:
        names = [run.name for run in health.missed]
        run = f"pyresque schedule run {_typed(names[:1])}"
        advice = f"once a scheduler is master, it goes on; what was missed: {run}"
        if master is not None:
            advice = f"look at the log of the scheduler; to run it now: {run}"
        if master is not None and master.language != "python":
            advice = (
                "a Ruby scheduler that loads the schedule while an entry is being set never hears of it: "
                f"set the entry again, or restart the scheduler; to run it now: {run}"
            )
        listed = _listed(names, " and others")
        yield Problem("schedule", f"entries should have run and have not: {listed}", advice)
    if health.refused:
        refused = health.refused[:SHOWN]
        reasons = "; ".join(f"{cut(entry.name, MOST_NAME)}: {cut(entry.refused, 500)}" for entry in refused)
        yield Problem(
            "schedule",
            f"entries cannot be used: {reasons}",
            f"correct them with schedule set; to see one: pyresque schedule show {_typed([refused[0].name])}",
        )


def _overdue(health: Health) -> str:
    jobs = "1 delayed job is" if health.delayed.overdue == 1 else f"{health.delayed.overdue} delayed jobs are"
    return f"{jobs} overdue, the first for {_span(health.delayed.behind)}"


def _of_queues(health: Health, max_age: float | None) -> Iterator[Problem]:
    waiting = [queue for queue in health.queues if queue.size]
    paused = [queue for queue in waiting if queue.paused]
    if paused:
        how = "paused"
        advice = f"pyresque queue resume {_typed([queue.name for queue in paused])}"
        if health.paused.workers:
            how, advice = "paused, as every worker is (pause-all-workers)", "pyresque queue resume --all"
        elif health.paused.all:
            how, advice = "paused, as all queues are", "pyresque queue resume --all"
        yield Problem("paused", f"{_jobs(paused)} on queues that are {how}", advice)
    idle = [queue for queue in waiting if not queue.paused and not health.fleet.serves(queue.name)]
    if idle:
        yield Problem(
            "no worker",
            f"{_jobs(idle)} on queues from which no worker takes jobs",
            f"start one: pyresque work -q {','.join(typed(queue.name) for queue in idle[:SHOWN])}",
        )
    late = [queue for queue in waiting if max_age is not None and (queue.oldest_age or 0) > max_age]
    if late and max_age is not None:
        ages = ", ".join(
            f"{cut(queue.name, MOST_NAME)} {_span(queue.oldest_age or 0)}" for queue in late[:SHOWN]
        )
        yield Problem(
            "age", f"jobs have been waiting for more than {_span(max_age)}: {ages}", "start more workers"
        )


def _jobs(queues: Sequence[QueueHealth]) -> str:
    total = sum(queue.size for queue in queues)
    names = _listed([queue.name for queue in queues])
    return f"{total} {'job waits' if total == 1 else 'jobs wait'} ({names})"


def _of_workers(health: Health) -> Iterator[Problem]:
    dead = health.fleet.dead
    if dead:
        yield Problem(
            "dead workers",
            f"{len(dead)} {'worker is' if len(dead) == 1 else 'workers are'} registered and dead: "
            f"{_listed(dead)}",
            "the jobs that they had become failures: pyresque worker prune",
        )


def _of_long_jobs(health: Health, max_run: float | None) -> Iterator[Problem]:
    """Workers that may hang: dead ones are told of elsewhere."""
    long = health.fleet.long
    if max_run is not None and long:
        first = _typed([long[0][0]])
        ids = _listed([f"{cut(worker, MOST_NAME)} {_span(seconds)}" for worker, seconds in long])
        workers = "1 worker has" if len(long) == 1 else f"{len(long)} workers have"
        yield Problem(
            "long job",
            f"{workers} been at one job for more than {_span(max_run)}: {ids}",
            f"look: pyresque worker show {first}; if it hangs: pyresque worker stop --term {first}",
        )


def _of_unknown(health: Health) -> Iterator[Problem]:
    strange = [group for group in health.waiting if not health.fleet.serves_in_ruby(group.queue)]
    for group in strange[:SHOWN]:
        jobs = "1 job waits" if group.count == 1 else f"{group.count} jobs wait"
        yield Problem(
            "unknown class",
            f"{jobs} on {cut(group.queue, MOST_NAME)} of the class {cut(group.class_name, MOST_NAME)}, "
            "which cannot be run here",
            f"{group.advice}{'' if group.advice.endswith('?') else '.'} To remove them: "
            f"pyresque queue remove-job --class {typed(group.class_name)} {_typed([group.queue])}",
        )
    if len(strange) > SHOWN:
        yield Problem(
            "unknown class",
            f"{len(strange) - SHOWN} more classes wait that nobody here knows",
            "pyresque jobs",
        )


def _of_aside(health: Health) -> Iterator[Problem]:
    if health.aside:
        text = f"{health.aside} elements were put aside, because they were not jobs or could not be queued"
        if health.aside == 1:
            text = "1 element was put aside, because it was not a job or could not be queued"
        yield Problem(
            "aside",
            text,
            "`failed retry ID` puts one back, `failed remove ID` deletes it; to see them: "
            f"pyresque failed list --text {ASIDE}",
        )


def _span(seconds: float) -> str:
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{round(seconds / size)} {name}"
    return f"{round(seconds)} s"
