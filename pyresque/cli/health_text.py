"""What `pyresque health` and `top` print for people: all of it on one screen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from pyresque.cli.output import ago, counted, echo, moment, pairs, short, span, table, tinted
from pyresque.client.health_problems import typed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyresque.client.health import Health, QueueHealth

_QUEUES = 10
"""Queues that are listed; of the others it is told how many jobs wait there."""
_NAMES = 5
_NAME = 100
"""So many columns of a name are shown where many stand in a line."""


_COMMAND = re.compile(r"\bpyresque (?=[a-z])")


def show(health: Health, knows_jobs: bool, given: Sequence[str] = ()) -> None:
    """Print it.

    Args:
        knows_jobs: whether there are jobs here that classes were compared with.
        given: the options that say which Redis is meant: commands that are advised need them, too.
    """
    command = "".join(f"{word} " for word in ("pyresque", *map(typed, given)))
    if health.ok:
        echo(tinted("ok: nothing needs a person", "green"))
    else:
        needs = "needs" if len(health.problems) == 1 else "need"
        echo(tinted(f"{counted(len(health.problems), 'thing')} {needs} a person:", "red"))
    for problem in health.problems:
        echo(tinted(f"  {problem.text}", "red"))
        echo(f"    {_COMMAND.sub(lambda _: command, problem.advice)}")
    click.echo()
    _show_queues(health)
    click.echo()
    pairs(_lines(health, knows_jobs))


def _show_queues(health: Health) -> None:
    queues = sorted(health.queues, key=lambda queue: (-queue.size, not queue.paused, queue.name))
    shown = [queue for queue in queues[:_QUEUES] if queue.size or queue.paused]
    rest = queues[len(shown) :]
    if shown:
        table(("QUEUE", "JOBS", "OLDEST", ""), map(_row, shown), whole=("QUEUE",), numbers=("JOBS",))
    others = counted(len(rest), "other queue" if shown else "queue")
    waiting = sum(queue.size for queue in rest)
    if waiting:
        click.echo(f"and {counted(waiting, 'job')} on {others}")
    elif rest:
        click.echo(f"no jobs on {others}")
    elif not shown:
        click.echo("no queues")


def _row(queue: QueueHealth) -> tuple[object, ...]:
    age = "" if queue.oldest_age is None or not queue.size else span(queue.oldest_age)
    return queue.name, queue.size, age, tinted("paused", "yellow") if queue.paused else ""


def _lines(health: Health, knows_jobs: bool) -> list[tuple[str, object]]:
    delayed, redis = health.delayed, health.redis
    behind = f", {delayed.overdue} overdue, the first for {span(delayed.behind)}" if delayed.overdue else ""
    memory = "" if redis.used_memory is None else f", {_size(redis.used_memory)} used"
    if redis.maxmemory:
        memory += f" of {_size(redis.maxmemory)}"
    return [
        ("failed", _failed(health)),
        ("delayed", f"{delayed.total or 'none'}{'+' if delayed.is_sampled else ''}{behind}"),
        ("schedule", _schedule(health)),
        ("scheduler", _scheduler(health)),
        ("workers", _workers(health)),
        ("unknown", _unknown(health, knows_jobs)),
        ("redis", f"{redis.version or '?'}{memory}, {redis.policy or 'policy not told'}"),
    ]


def _failed(health: Health) -> str:
    failed = health.failed
    if not failed.total:
        return "none"
    aside = f", {failed.aside} with what was put aside" if failed.aside else ""
    # Only the newest are looked at: where all of them are of the last hour, there may be more.
    more = "+" if failed.last_hour == failed.looked_at < failed.total else ""
    return f"{failed.total}, {failed.last_hour}{more} in the last hour{aside}"


def _schedule(health: Health) -> str:
    missed = [entry.name for entry in health.missed]
    refused = [entry.name for entry in health.refused]
    parts = [*_named("missed", missed), *_named("refused", refused)] or ["nothing missed or refused"]
    return "; ".join([*parts, *_named("never ran until now", health.never_ran)])


def _named(what: str, names: Sequence[str]) -> list[str]:
    more = " ..." if len(names) > _NAMES else ""
    return (
        [f"{len(names)} {what} ({', '.join(short(name, _NAME) for name in names[:_NAMES])}{more})"]
        if names
        else []
    )


def _scheduler(health: Health) -> str:
    master = health.master
    if master is None:
        return "none is master" + ("" if health.needs_scheduler else ", and none is needed")
    language = {"python": "Python", "ruby": "Ruby", None: "not a scheduler"}[master.language]
    since = (
        "" if master.since is None else f", since {moment(master.since)} ({ago(master.since, health.now)})"
    )
    life = {True: "lives", False: "dead", None: "nobody can tell from here whether it lives"}[master.alive]
    return f"{master.value} ({language}{since}): {life}"


def _workers(health: Health) -> str:
    if not health.workers:
        return "none"
    lives, working = health.lives, sum(worker.working is not None for worker in health.workers)
    parts = [f"{lives['alive']} alive"]
    parts += [f"{lives['dead']} dead"] if lives["dead"] else []
    parts += [f"{lives['unknown']} of which nobody can tell from here"] if lives["unknown"] else []
    return f"{', '.join(parts)}; {working} {'has' if working == 1 else 'have'} a job"


def _unknown(health: Health, knows_jobs: bool) -> str:
    if not knows_jobs:
        return "not looked for: -r names the module with your jobs"
    named = [
        f"{waiting.count} {short(waiting.class_name, _NAME)} on {short(waiting.queue, _NAME)}"
        for waiting in health.waiting[:_NAMES]
    ]
    more = len(health.waiting) - len(named)
    return ", ".join([*named, *([f"{more} more"] if more else [])]) or "no class that is not registered here"


def _size(count: int) -> str:
    """Bytes as people read them."""
    size = float(count)
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.4g} GB"
