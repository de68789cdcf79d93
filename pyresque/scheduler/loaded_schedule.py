"""The schedule that a scheduler has loaded: entries of its own (static) and those in Redis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pyresque.errors import InvalidSchedule
from pyresque.log import Log
from pyresque.schedule.entry import CatchUp, Entry, lasts
from pyresque.schedule.next_runs import Running
from pyresque.schedule.schedule_file import hidden, read, why_refused
from pyresque.wire import times
from pyresque.wire.encoding import Style, encode

logger = Log("pyresque.scheduler")

SHOWN = 5
"""Run times that are printed when an entry is loaded."""


class LoadedSchedule:
    """Entries by name. One that has not changed keeps its phase when the rest is loaded anew.

    `static` are the entries of this process: name and what YAML or Python hold for it. Those in Redis win.

    Args:
        environment: see `Entry.runs_in`.
        zone: of cron texts that name none.
        check: raises InvalidSchedule for an entry whose job can never be queued.
    """

    def __init__(
        self, environment: str | None, zone: str, check: Callable[[Entry], None] | None = None
    ) -> None:
        self.static: Mapping[str, Any] = {}
        self.running: dict[str, Running] = {}
        self.refused: dict[str, str] = {}
        """Entries that cannot be used, and why."""
        self._environment = environment
        self._zone = zone
        self._check = check
        self._loaded: dict[str, object] = {}
        self._told: set[str] = set()

    def load(
        self, stored: Mapping[str, bytes], noted: Mapping[str, str], now: float, catch_up: CatchUp
    ) -> list[str]:
        """Load what has changed; returns the names of entries that are new, changed or gone.

        Args:
            stored: `persistent_schedules` as it is.
            noted: `delayed:last_enqueued_at` as it is.
        """
        entries: dict[str, object] = {**self.static, **stored}
        self._tell_hidden(stored)
        changed = [
            name
            for name in {**self._loaded, **entries}
            if _differs(self._loaded.get(name), entries.get(name))
        ]
        for name in changed:
            self.running.pop(name, None)
            self.refused.pop(name, None)
            self._loaded.pop(name, None)
            if name in entries:
                self._loaded[name] = entries[name]
                self._add(name, entries[name], noted.get(name, ""), now, catch_up)
            else:
                logger.info("%s is no longer in the schedule", name)
        return changed

    def persistent(self, entries: Mapping[str, Any], style: Style) -> dict[str, bytes]:
        """Those of a process's own entries that say `persist`, as Ruby stores them in Redis.

        Those that cannot be used are not among them.
        """
        persistent = {}
        for name, value in entries.items():
            if lasts(value):
                try:
                    entry = read(name, value, self._zone)
                    if self._check is not None:
                        self._check(entry)
                    persistent[name] = encode(entry.value, style)
                except InvalidSchedule:
                    continue  # it is refused, and logged, when the rest is loaded
        return persistent

    def plan(self, noted: Mapping[str, str], now: float, catch_up: CatchUp) -> None:
        """Find the next run of each entry, for a scheduler that becomes master now."""
        for name, running in self.running.items():
            running.noted = noted.get(name, "")
            running.plan(now, catch_up)

    def clock_was_set_back(self, seconds: float, now: float, catch_up: CatchUp) -> None:
        """Plan every entry anew: what was due by the old clock would now be late by so many seconds."""
        for running in self.running.values():
            running.clock_was_set_back(seconds)
            running.plan(now, catch_up)

    def due(self, now: float) -> list[Running]:
        """What is due, the longest first."""
        due = [running for running in self.running.values() if running.due is not None and running.due <= now]
        return sorted(due, key=lambda running: running.due or 0.0)

    def next_due(self) -> float | None:
        """When the next entry is due."""
        return min(
            (running.due for running in self.running.values() if running.due is not None), default=None
        )

    def describe(self, now: float) -> list[str]:
        """One line for each entry: when it runs, and the next times."""
        return [_line(running, now) for _, running in sorted(self.running.items())]

    def _tell_hidden(self, stored: Mapping[str, bytes]) -> None:
        """Say once of an entry of this process that it does not count, as Redis has another of its name."""
        for name in hidden(self.static, stored):
            if name not in self._told:
                self._told.add(name)
                logger.warning(
                    "the entry %s in Redis hides the one of this process, as in Ruby: remove it there "
                    "(pyresque schedule remove), or write persist: true into the file to replace it", name,
                )  # fmt: skip

    def _add(self, name: str, value: object, noted: str, now: float, catch_up: CatchUp) -> None:
        try:
            entry = read(name, value, self._zone)
            if not entry.runs_in(self._environment):
                logger.info("%s", _other_environment(entry, self._environment))
                return
            if self._check is not None:
                self._check(entry)
            running = Running(entry, now, noted)
            running.plan(now, catch_up)
        except InvalidSchedule as error:
            self.refused[name] = why_refused(value, error)
            logger.error("the entry %s of the schedule cannot be used: %s", name, self.refused[name])
            return
        self.running[name] = running
        for doubt in entry.doubts:
            logger.warning("the entry %s of the schedule: %s", name, doubt)
        logger.info("%s", _line(running, now))


def _differs(old: object, new: object) -> bool:
    if isinstance(old, bytes) or isinstance(new, bytes):
        return old != new
    return repr(old) != repr(new)  # what a program gives may hold NaN, which equals nothing


def _other_environment(entry: Entry, environment: str | None) -> str:
    is_here = f"this is {environment}" if environment else "none is set here"
    return f"{entry.name} is only for the environment {entry.environments}, and {is_here} (-E, RAILS_ENV)"


def _line(running: Running, now: float) -> str:
    runs = ", ".join(times.started(at) for at in running.next_runs(SHOWN, now)) or "never"
    return f"{running.entry.name}: {running.entry.timing}; next {runs}"
