"""The schedule that a scheduler has loaded: entries of its own (static) and those in Redis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyresque.errors import InvalidSchedule
from pyresque.log import Log
from pyresque.scheduler.entry import CatchUp, Entry, parse
from pyresque.scheduler.timing import Running
from pyresque.wire import times

logger = Log("pyresque.scheduler")

SHOWN = 5
"""Run times that are printed when an entry is loaded."""


class Table:
    """Entries by name. One that has not changed keeps its phase when the rest is loaded anew.

    `static` are the entries of this process: name and what YAML or Python hold for it. Those in Redis win.

    Args:
        environment: see `Entry.runs_in`.
        zone: of cron texts that name none.
    """

    def __init__(self, environment: str | None, zone: str) -> None:
        self.static: Mapping[str, Any] = {}
        self.running: dict[str, Running] = {}
        self.refused: dict[str, str] = {}
        """Entries that cannot be used, and why."""
        self._environment = environment
        self._zone = zone
        self._loaded: dict[str, object] = {}

    def load(
        self, stored: Mapping[str, bytes], noted: Mapping[str, str], now: float, catch_up: CatchUp
    ) -> list[str]:
        """Load what has changed; returns the names of entries that are new, changed or gone.

        Args:
            stored: `persistent_schedules` as it is.
            noted: `delayed:last_enqueued_at` as it is.
        """
        wanted: dict[str, object] = {**self.static, **stored}
        changed = [
            name for name in {**self._loaded, **wanted} if _differs(self._loaded.get(name), wanted.get(name))
        ]
        for name in changed:
            self.running.pop(name, None)
            self.refused.pop(name, None)
            self._loaded.pop(name, None)
            if name in wanted:
                self._loaded[name] = wanted[name]
                self._add(name, wanted[name], noted.get(name, ""), now, catch_up)
            else:
                logger.info("%s is no longer in the schedule", name)
        return changed

    def plan(self, noted: Mapping[str, str], now: float, catch_up: CatchUp) -> None:
        """Find the next run of each entry, for who becomes master now."""
        for name, one in self.running.items():
            one.noted = noted.get(name, "")
            one.plan(now, catch_up)

    def due(self, now: float) -> list[Running]:
        """What is due, the longest first."""
        found = [one for one in self.running.values() if one.due is not None and one.due <= now]
        return sorted(found, key=lambda one: one.due or 0.0)

    def next_due(self) -> float | None:
        """When the next entry is due."""
        return min((one.due for one in self.running.values() if one.due is not None), default=None)

    def describe(self, now: float) -> list[str]:
        """One line for each entry: when it runs, and the next times."""
        return [_line(one, now) for _, one in sorted(self.running.items())]

    def _add(self, name: str, value: object, noted: str, now: float, catch_up: CatchUp) -> None:
        try:
            entry = read(name, value, self._zone)
            if not entry.runs_in(self._environment):
                logger.info("%s is not for the environment %s", name, self._environment or "(none)")
                return
            running = Running(entry, now, noted)
            running.plan(now, catch_up)
        except InvalidSchedule as error:
            self.refused[name] = str(error)
            logger.error("the entry %s of the schedule cannot be used: %s", name, error)
            return
        self.running[name] = running
        logger.info("%s", _line(running, now))


def read(name: str, value: object, zone: str) -> Entry:
    """An entry of either kind: JSON from Redis, or what YAML or Python hold (its class may be its name).

    Raises:
        InvalidSchedule: it cannot be used.
    """
    if isinstance(value, bytes):
        return parse(name, value, zone)
    if isinstance(value, Mapping) and not ({"class", ":class"} & set(value)):
        value = {**value, "class": name}
    return Entry.read(name, value, zone)


def _differs(old: object, new: object) -> bool:
    if isinstance(old, bytes) or isinstance(new, bytes):
        return old != new
    return repr(old) != repr(
        new
    )  # a YAML file may hold keys that JSON has not, and NaN, which equals nothing


def _line(running: Running, now: float) -> str:
    runs = ", ".join(times.started(at) for at in running.next_runs(SHOWN, now)) or "never"
    return f"{running.entry.name}: {running.entry.timing}; next {runs}"
