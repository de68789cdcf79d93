"""The entries of the schedule as people look at them: those in Redis, those of a file, and when each runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from pyresque.client.delayed_item import ready_entry
from pyresque.client.scheduling import stored_value
from pyresque.config.env import local_zone
from pyresque.errors import InvalidSchedule
from pyresque.failure.describe import error_message
from pyresque.log import Log
from pyresque.model.registry import Registry
from pyresque.model.resque_like import ResqueLike
from pyresque.schedule.entry import Entry
from pyresque.schedule.next_runs import Running
from pyresque.schedule.schedule_file import hidden, read, why_refused
from pyresque.store import schedules
from pyresque.usercode.safely import tried
from pyresque.wire.encoding import Style
from pyresque.wire.records import Payload, is_wrapper

logger = Log("pyresque.scheduler")

KEPT = 10_000
"""Bytes that an entry in Redis has at most, if it is not to be read anew each time."""


@dataclass(frozen=True)
class Listed:
    """One entry.

    Attributes:
        value: the whole of it; the text where it is not JSON.
        source: where it stands.
        entry: what can be asked when it runs; None where it is refused.
        refused: why it cannot be used; empty where it can.
        is_foreign: whether it is refused only because its class is not registered here: it names no queue,
            and a scheduler that knows the class knows the queue.
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
    is_foreign: bool = False

    def runs(self, count: int, now: float) -> list[float]:
        """The next runs, at most so many."""
        if self.entry is None:
            return []
        running = _planned(self.entry, self.last, now)
        if running.due is None:
            return []
        return [running.due, *running.next_runs(count, running.due)][:count]


class Entries(Mapping[str, Listed]):
    """Every entry by its name, in order: those in Redis, and those of a file that are not there.

    Each is judged when it is asked for, so that a page of many costs no more than what it shows.

    Args:
        file: what `read_file` has read.
        environment: RAILS_ENV of the schedulers; None where it is not known, then all entries run.
    """

    def __init__(
        self,
        resque: ResqueLike,
        now: float,
        file: Mapping[str, Any] | None = None,
        environment: str | None = None,
    ) -> None:
        self._resque, self._now, self._environment = resque, now, environment
        static, self._stored = file or {}, schedules.entries(resque.space)
        self._noted = schedules.last_runs(resque.space)
        self._covered = frozenset(hidden(static, self._stored))
        entries: dict[str, Any] = {**static, **self._stored}
        self._entries = {name: entries[name] for name in sorted(entries)}
        self._zone = local_zone()

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, name: str) -> Listed:
        value, last = self._entries[name], self._noted.get(name, "")
        entry, why, is_foreign = self.judged(name)
        runs_here = entry is None or runs_in(entry, self._environment)
        due = _planned(entry, last, self._now).due if entry is not None and runs_here else None
        shown = stored_value(value) if isinstance(value, bytes) else dict(value)
        source: Literal["redis", "file"] = "redis" if name in self._stored else "file"
        covers = name in self._covered
        return Listed(name, shown, source, entry, why, runs_here, covers, last, due, is_foreign)

    def judged(self, name: str) -> tuple[Entry | None, str, bool]:
        """The entry, else why it is refused; and whether it is only foreign (see `Listed`)."""
        return _read(self._resque, name, self._entries[name], self._now, self._zone)

    def last(self, name: str) -> str:
        """When an entry was fired last, in the words of the master; empty: never."""
        return self._noted.get(name, "")

    def raw(self, name: str) -> bytes | None:
        """What Redis holds of an entry; None of one that only the file has."""
        return self._stored.get(name)


def runs_in(entry: Entry, environment: str | None) -> bool:
    """Whether an entry runs in this environment. None: it is not known, then all do but disabled ones."""
    return not entry.is_disabled if environment is None else entry.runs_in(environment)


def listed(
    resque: ResqueLike, now: float, file: Mapping[str, Any] | None = None, environment: str | None = None
) -> list[Listed]:
    """Every entry, by name; see `Entries`."""
    return list(Entries(resque, now, file, environment).values())


def check_queueable(entry: Entry, registry: Registry, style: Style = "ruby", *, warns: bool = True) -> None:
    """Find out now, and not when it is due, whether the job of an entry can be queued.

    Args:
        warns: whether it is logged that a class may be an Active Job which nobody here knows.

    Raises:
        InvalidSchedule: it cannot: no queue, or a class that is not known here and has none, or arguments
            that JSON cannot hold.
    """
    ready, error = tried(ready_entry, entry.value, registry, style)  # it asks classes and plugins
    if ready is None:
        why = "" if error is None else error_message(error)
        raise InvalidSchedule(f"it can never be queued: {why}") from error
    unmarked = entry.value.get("active_job") is None and ready.job is None and ready.scheduled is None
    wrapped = is_wrapper(Payload.parse(ready.payload).class_name)
    if warns and unmarked and ready.class_name.endswith("Job") and not wrapped:
        logger.warning(
            "%s: %s is not registered here and is queued as a plain Resque job. If it is an Active Job of "
            "Rails, its entry needs active_job: true (false stops this warning)",
            entry.name, ready.class_name,
        )  # fmt: skip


@lru_cache(maxsize=4096)
def _parsed(name: str, raw: bytes, zone: str) -> Entry:
    """An entry in Redis; kept, for who looks at the schedule looks again."""
    return read(name, raw, zone)


def _read(resque: ResqueLike, name: str, value: Any, now: float, zone: str) -> tuple[Entry | None, str, bool]:
    """The entry, else why it is refused, and whether it is only foreign."""
    is_short = isinstance(value, bytes) and len(value) <= KEPT
    try:
        entry = _parsed(name, value, zone) if is_short else read(name, value, zone)
        Running(entry, now)
    except InvalidSchedule as error:
        return None, why_refused(value, error), False
    try:
        check_queueable(entry, resque.registry, resque.space.style, warns=False)
    except InvalidSchedule as error:
        if _is_foreign(entry, resque.registry):
            why = f"its class {entry.value['class']} is not registered here (-r), and it names no queue"
            return None, why, True
        return None, why_refused(value, error), False
    return entry, "", False


def _is_foreign(entry: Entry, registry: Registry) -> bool:
    class_name = entry.value["class"]
    is_known = any(job.name == class_name for job in registry.jobs()) or registry.find(class_name) is not None
    return not is_known and not entry.value.get("queue")


def _planned(entry: Entry, last: str, now: float) -> Running:
    """The entry as a scheduler has it that becomes master now."""
    running = Running(entry, now, last)
    running.plan(now)
    return running
