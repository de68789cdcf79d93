"""The entries of the schedule as people look at them: those in Redis, those of a file, and when each runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pyresque.client.scheduling import stored_value
from pyresque.config.env import local_zone
from pyresque.errors import InvalidSchedule
from pyresque.model.resque_like import ResqueLike
from pyresque.schedule.entry import Entry
from pyresque.schedule.next_runs import Running
from pyresque.schedule.schedule_file import hidden, read, why_refused
from pyresque.scheduler.loaded_schedule import check_queueable
from pyresque.store import schedules


@dataclass(frozen=True)
class Listed:
    """One entry.

    Attributes:
        value: the whole of it; the text where it is not JSON.
        source: where it stands.
        entry: what can be asked when it runs; None where it is refused.
        refused: why it cannot be used; empty where it can.
        runs_here: whether it is for the environment that was asked for (`rails_env`).
        hides: whether the file has another entry of this name, which does not count.
        last: when it was fired last, in the words of the master; empty: never.
        next: when it runs next; None: never.
    """

    name: str
    value: Any
    source: Literal["redis", "file"]
    entry: Entry | None
    refused: str
    runs_here: bool
    hides: bool
    last: str
    next: float | None

    def runs(self, count: int, now: float) -> list[float]:
        """The next runs, at most so many."""
        if self.entry is None:
            return []
        running = _planned(self.entry, self.last, now)
        if running.due is None:
            return []
        return [running.due, *running.next_runs(count, running.due)][:count]


def listed(
    resque: ResqueLike, now: float, file: Mapping[str, Any] | None = None, environment: str | None = None
) -> list[Listed]:
    """Every entry by name: those in Redis, and those of a file that are not there.

    Args:
        file: what `read_file` has read.
        environment: RAILS_ENV of the schedulers; None where it is not known, then all entries run.
    """
    static, stored = file or {}, schedules.entries(resque.space)
    noted = schedules.last_runs(resque.space)
    covered = set(hidden(static, stored))
    entries: dict[str, Any] = {**static, **stored}
    found = []
    for name in sorted(entries):
        value = entries[name]
        entry, why = _read(resque, name, value, now)
        last = noted.get(name, "")
        runs_here = entry is None or environment is None or entry.runs_in(environment)
        due = _planned(entry, last, now).due if entry is not None and runs_here else None
        shown = stored_value(value) if isinstance(value, bytes) else dict(value)
        source: Literal["redis", "file"] = "redis" if name in stored else "file"
        found.append(Listed(name, shown, source, entry, why, runs_here, name in covered, last, due))
    return found


def _read(resque: ResqueLike, name: str, value: Any, now: float) -> tuple[Entry | None, str]:
    try:
        entry = read(name, value, local_zone())
        check_queueable(entry, resque.registry, resque.space.style)
        Running(entry, now)
    except InvalidSchedule as error:
        return None, why_refused(value, error)
    return entry, ""


def _planned(entry: Entry, last: str, now: float) -> Running:
    """The entry as a scheduler has it that becomes master now."""
    running = Running(entry, now, last)
    running.plan(now)
    return running
