"""What programs read: `/stats.txt` with the lines of Ruby's page, `/stats.json`, `/metrics` for Prometheus.

All of it is read from Redis when it is asked for, so it tells of the workers of both languages.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping

from flask import Blueprint, Response, g

from pyresque.client.health import Health
from pyresque.client.history import ClassCounts, Ledger
from pyresque.errors import RedisReplied
from pyresque.store import queues, workers
from pyresque.store.space import Space
from pyresque.web import scheduler_settings
from pyresque.wire.times import rfc3339

pages = Blueprint("metrics", __name__)

MOST_QUEUES, MOST_CLASSES = 500, 200
"""So many queues, and classes of each language, have lines of their own; the rest is one line together."""
OTHERS = "(others)"

Labels = Mapping[str, str]
Sample = tuple[Labels, float | int | None]


@pages.get("/stats.txt", strict_slashes=False)
def stats_txt() -> Response:
    """The lines of Ruby's `/stats.txt`, byte for byte."""
    info, names = g.resque.info(), queues.names_as_stored(g.resque.space)
    sizes = queues.sizes(g.resque.space, names)
    lines = [
        f"resque.pending={info['pending']}",
        f"resque.processed+={info['processed']}",
        f"resque.failed+={info['failed']}",
        f"resque.workers={info['workers']}",
        f"resque.working={info['working']}",
        *(f"queues.{name}={size}" for name, size in sizes.items()),
    ]
    return Response("\n".join(lines).encode("utf-8", "surrogateescape"), mimetype="text/plain")


@pages.get("/stats.json")
def stats_json() -> Response:
    """The same numbers and more, as JSON."""
    health, ledger = _health(), g.resque.ledger()
    told = health.as_dict()
    document = {
        "at": told["at"],
        "pending": sum(one.size for one in health.queues),
        "processed": g.resque.stat("processed"),
        "failed": told["failed"],
        "failed_ever": g.resque.stat("failed"),
        "queues": told["queues"],
        "delayed": told["delayed"],
        "workers": {**told["workers"], "total": health.fleet.total, "working": health.fleet.working},
        "scheduler": told["scheduler"],
        "paused": told["paused"],
        "languages": {
            "days": ledger.days,
            "since": rfc3339(ledger.since),
            "python": {"processed": ledger.python.processed, "failed": ledger.python.failed},
            "ruby": {"processed": ledger.ruby.processed, "failed": ledger.ruby.failed},
        },
        "classes": [counts.as_dict() for counts in ledger.classes],
    }
    return Response(json.dumps(document), mimetype="application/json")


@pages.get("/metrics")
def metrics() -> Response:
    """Everything as Prometheus reads it (text format 0.0.4)."""
    text = Text()
    health, ledger = _health(), g.resque.ledger()
    _of_queues(text, health)
    _of_jobs(text, health, g.resque.stat("processed"), g.resque.stat("failed"), g.resque.stat("expired"))
    _of_workers(text, health, _languages(g.resque.space))
    _of_schedulers(text, health)
    _of_languages(text, ledger)
    return Response(text.written(), content_type="text/plain; version=0.0.4; charset=utf-8")


def _health() -> Health:
    found: Health = g.resque.health(
        quick=True, options=scheduler_settings.options(), file=scheduler_settings.schedule_file()[0]
    )
    return found


class Text:
    """Metrics in the text format, each family once with its help."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, name: str, kind: str, help: str, samples: Iterable[Sample]) -> None:
        """Add a family; a sample whose value is None is left out, and so is a family without any.

        Names that differ only in bytes that are no text look alike: the first one stays.
        """
        lines: dict[str, float | int] = {}
        for labels, value in samples:
            if value is not None:
                lines.setdefault(_series(name, labels), value)
        if lines:
            self._lines += [f"# HELP {name} {help}", f"# TYPE {name} {kind}"]
            self._lines += [f"{series} {value}" for series, value in lines.items()]

    def written(self) -> bytes:
        """All of it."""
        return "".join(f"{line}\n" for line in self._lines).encode("utf-8", "backslashreplace")


def _series(name: str, labels: Labels) -> str:
    shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    return f"{name}{{{shown}}}" if shown else name


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _escaped(text: str) -> str:
    whole = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return whole.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")


def _of_queues(text: Text, health: Health) -> None:
    largest = sorted(health.queues, key=lambda one: (-one.size, one.name))
    shown, rest = sorted(largest[:MOST_QUEUES], key=lambda one: one.name), largest[MOST_QUEUES:]
    sizes: list[Sample] = [({"queue": one.name}, one.size) for one in shown]
    sizes += [({"queue": OTHERS}, sum(one.size for one in rest))] if rest else []
    text.add("pyresque_queues", "gauge", "Known queues.", [({}, len(health.queues))])
    text.add("pyresque_queue_size", "gauge", "Jobs that wait on a queue.", sizes)
    text.add(
        "pyresque_queue_oldest_age_seconds",
        "gauge",
        "For how long the next job of a queue has waited at least, as far as is known.",
        [
            ({"queue": one.name}, None if one.oldest_age is None else round(one.oldest_age, 1))
            for one in shown
        ],
    )
    text.add(
        "pyresque_queue_paused", "gauge", "1 if a queue is paused.",
        [({"queue": one.name}, int(one.paused)) for one in shown],
    )  # fmt: skip


def _of_jobs(text: Text, health: Health, processed: int, failed: int, expired: int) -> None:
    delayed = health.delayed
    for name, kind, help, value in (
        ("jobs_processed_total", "counter", "Jobs that all workers have processed.", processed),
        ("jobs_failed_total", "counter", "Jobs that have failed with any worker.", failed),
        ("jobs_expired_total", "counter", "Jobs that were not run, for they had waited too long.", expired),
        ("failed_jobs", "gauge", "Records in the failed lists.", health.failed.total),
        ("failed_jobs_last_hour", "gauge", "Newest failures of the last hour.", health.failed.last_hour),
        ("delayed_jobs", "gauge", "Delayed jobs.", delayed.total),
        ("delayed_jobs_overdue", "gauge", "Delayed jobs whose time has come.", delayed.overdue),
        ("delayed_overdue_seconds", "gauge", "How late the first of these is.", _rounded(delayed.behind)),
        ("problems", "gauge", "What needs a person, as pyresque health tells it.", len(health.problems)),
    ):  # fmt: skip
        text.add(f"pyresque_{name}", kind, help, [({}, value)])


def _of_workers(text: Text, health: Health, languages: Mapping[str, int]) -> None:
    fleet = health.fleet
    states: list[Sample] = [({"state": state}, count) for state, count in health.lives.items()]
    text.add("pyresque_workers", "gauge", "Registered workers, by whether they live.", states)
    text.add("pyresque_workers_working", "gauge", "Workers that work on a job now.", [({}, fleet.working)])
    text.add(
        "pyresque_language_workers", "gauge", "Registered workers of a language.",
        [({"language": language}, count) for language, count in languages.items()],
    )  # fmt: skip


def _languages(space: Space) -> dict[str, int]:
    """How many workers of each language are registered; empty where that cannot be told."""
    try:
        ids, marks = workers.ids(space), workers.marks(space)
    except RedisReplied:
        return {}
    if marks is None:
        return {}
    ours = sum(1 for one in ids if one in marks)
    return {"python": ours, "ruby": len(ids) - ours}


def _of_schedulers(text: Text, health: Health) -> None:
    master = health.master
    text.add(
        "pyresque_scheduler_master", "gauge", "1 if a scheduler is master.", [({}, int(master is not None))]
    )
    since = None if master is None or master.since is None else max(0, round(health.now - master.since))
    text.add(
        "pyresque_scheduler_master_age_seconds", "gauge", "For how long it has been master.", [({}, since)]
    )
    renewed = None if master is None or master.renewed_ago is None else round(master.renewed_ago, 1)
    text.add(
        "pyresque_scheduler_master_renewed_seconds", "gauge", "Since when it has not renewed its lock.",
        [({}, renewed)],
    )  # fmt: skip
    text.add(
        "pyresque_schedule_missed_runs", "gauge", "Entries of the schedule that should have run.",
        [({}, len(health.missed))],
    )  # fmt: skip


def _of_languages(text: Text, ledger: Ledger) -> None:
    days = f"in the last {ledger.days} days"
    totals = {"python": ledger.python, "ruby": ledger.ruby}
    text.add(
        "pyresque_language_jobs_processed", "gauge", f"Jobs that a language's workers have processed {days}.",
        [({"language": one}, total.processed) for one, total in totals.items()],
    )  # fmt: skip
    text.add(
        "pyresque_language_jobs_failed", "gauge", f"Jobs that have failed with workers of a language {days}.",
        [({"language": one}, total.failed) for one, total in totals.items()],
    )  # fmt: skip
    shown = _most_frequent(ledger.classes)
    text.add(
        "pyresque_class_jobs_processed", "gauge",
        f"Jobs of a class that were processed {days}; of Ruby those that were seen at work.",
        [({"class": name, "language": language}, numbers[0]) for (name, language), numbers in shown.items()],
    )  # fmt: skip
    text.add(
        "pyresque_class_jobs_failed", "gauge",
        f"Jobs of a class that have failed {days}; of Ruby those that came into the failed lists.",
        [({"class": name, "language": language}, numbers[1]) for (name, language), numbers in shown.items()],
    )  # fmt: skip


def _most_frequent(classes: Iterable[ClassCounts]) -> dict[tuple[str, str], tuple[int, int]]:
    """The numbers by class and language: those of the most frequent classes, and the rest together."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    seen: Counter[str] = Counter()
    for one in sorted(classes, key=lambda one: (-one.processed, -one.failed, one.class_name)):
        seen[one.language] += 1
        key = one.class_name if seen[one.language] <= MOST_CLASSES else OTHERS, one.language
        before = found.get(key, (0, 0))
        found[key] = before[0] + one.processed, before[1] + one.failed
    return found
