"""The first page: how everything is, and what needs a person on top."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Blueprint, current_app, g, render_template, url_for

from pyresque.client.health import Health, Problem, QueueHealth
from pyresque.client.history import Bucket
from pyresque.client.info import WorkerInfo, without_counts
from pyresque.errors import RedisReplied
from pyresque.store import failures
from pyresque.web import scheduler_settings
from pyresque.web.charts import Chart, Counted, chart
from pyresque.web.filters import number
from pyresque.web.history import VIEWS, clock
from pyresque.web.names import handle
from pyresque.web.worker_words import WORDS
from pyresque.wire.aside_links import CLASS as ASIDE

pages = Blueprint("overview", __name__)

T = TypeVar("T")

MOST_QUEUES, MOST_LISTS = 15, 10
"""Rows of the tables on this page: the longest queues, lists of failures."""
HOUR = 60
"""Minutes of the history that are told."""


@dataclass(frozen=True)
class Remedy:
    """Where a problem is mended, and the button that does it; both empty where there is none."""

    text: str = ""
    href: str = ""
    action: str = ""
    label: str = ""
    fields: tuple[tuple[str, str], ...] = ()


_PLACES: dict[str, tuple[str, str, dict[str, str]]] = {
    "scheduler": ("Schedule", "schedule.listing", {}),
    "schedule": ("Schedule", "schedule.listing", {}),
    "overdue": ("Delayed jobs", "delayed.seconds", {}),
    "paused": ("Queues", "queues.listing", {"order": "size"}),
    "no worker": ("Queues", "queues.listing", {"order": "size"}),
    "age": ("Queues", "queues.listing", {"order": "size"}),
    "dead workers": ("Dead workers", "workers.listing", {"state": "dead"}),
    "long job": ("Workers at work", "workers.listing", {"state": "working"}),
    "unknown class": ("Classes", "classes.listing", {}),
    "aside": ("These failures", "failed.listing", {"text": ASIDE}),
    "memory": ("What Redis says", "stats.redis", {}),
    "eviction": ("What Redis says", "stats.redis", {}),
    "key": ("Keys", "stats.keys", {}),
}
"""Of each kind of problem the page where it is mended."""


@pages.context_processor
def _words() -> dict[str, object]:
    return WORDS


@pages.get("/")
def home() -> str:
    """The overview."""
    health = look()
    queues = sorted(health.queues, key=lambda queue: (-queue.size, not queue.paused, queue.name))
    minutes = _tried(lambda: g.resque.history("minute"), list[Bucket]())
    hour = [minute for minute in minutes[-HOUR:] if minute.is_known]
    return render_template(
        "overview.html",
        handle=handle,
        health=health,
        problems=[(problem, remedy(problem, health)) for problem in health.problems],
        queues=queues[:MOST_QUEUES],
        left=queues[MOST_QUEUES:],
        waiting=sum(queue.size for queue in queues),
        oldest=_oldest(queues),
        lists=_tried(_failed_lists, list[tuple[str, int]]()),
        processed=_tried(lambda: g.resque.stat("processed"), 0),
        chart=_chart(minutes),
        last_hour=sum(minute.processed for minute in hour) if hour else None,
        at_work=_tried(lambda: without_counts(g.resque.space, health.fleet.at_work), list[WorkerInfo]()),
        link=link,
    )


def _chart(minutes: Sequence[Bucket]) -> Chart | None:
    """The last hours; None where nothing is known of them."""
    known = [minute for minute in minutes if minute.is_known]
    if not any(minute.processed for minute in known):
        return None
    done, failed = sum(minute.processed for minute in known), sum(minute.failed for minute in known)
    label = f"Jobs by minute, the last 3 hours: {number(done)} processed, {number(failed)} failed"
    return chart(minutes, label, _title, VIEWS["minute"].tick)


def _title(minute: Counted) -> str:
    return f"{clock(minute.at)}: {number(minute.processed)} processed, {number(minute.failed)} failed"


def look() -> Health:
    """A quick look at everything."""
    file, _ = scheduler_settings.schedule_file()
    health: Health = g.resque.health(options=scheduler_settings.options(), file=file or None, quick=True)
    return health


def _tried(ask: Callable[[], T], otherwise: T) -> T:
    """What a key of a wrong type makes impossible to tell is left out: the health names that key."""
    try:
        return ask()
    except RedisReplied:
        return otherwise


def _failed_lists() -> list[tuple[str, int]]:
    """The lists of failures, with how many each holds: as in resque-web the first after the queues."""
    names = g.resque.failures.lists()[:MOST_LISTS]
    return list(failures.counts(g.resque.space, names).items())


def _oldest(queues: Sequence[QueueHealth]) -> QueueHealth | None:
    """The queue whose first job has waited longest."""
    known = [queue for queue in queues if queue.size and queue.oldest_age is not None]
    return max(known, key=lambda queue: queue.oldest_age or 0.0, default=None)


def link(endpoint: str, **values: Any) -> str:
    """The URL of a page; empty where this dashboard has none of this name."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else ""


def remedy(problem: Problem, health: Health) -> Remedy:
    """Where a problem is mended, and by which button."""
    text, endpoint, values = _PLACES.get(problem.kind, ("", "", {}))
    href = link(endpoint, **values)
    if problem.kind == "dead workers":
        return Remedy(text, href, "worker.prune", "Remove dead workers")
    if problem.kind == "scheduler" and health.master is not None:
        return Remedy(text, href, "scheduler.release", "Release the lock")
    if problem.kind == "paused":
        if health.paused.all or health.paused.workers:
            return Remedy(text, href, "queues.resume_all", "Resume all queues")
        held = [queue.name for queue in health.queues if queue.size and queue.paused]
        if len(held) == 1:
            return Remedy(text, href, "queue.resume", "Resume", (("queue", handle(held[0])),))
    return Remedy(text, href)
