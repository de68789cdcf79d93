"""The entries of the schedule as people look at them: those in Redis, those of a file, and when each runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
        entry, why, is_foreign = _read(resque, name, value, now)
        last = noted.get(name, "")
        runs_here = entry is None or environment is None or entry.runs_in(environment)
        due = _planned(entry, last, now).due if entry is not None and runs_here else None
        shown = stored_value(value) if isinstance(value, bytes) else dict(value)
        source: Literal["redis", "file"] = "redis" if name in stored else "file"
        one = Listed(name, shown, source, entry, why, runs_here, name in covered, last, due, is_foreign)
        found.append(one)
    return found


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


def _read(resque: ResqueLike, name: str, value: Any, now: float) -> tuple[Entry | None, str, bool]:
    """The entry, else why it is refused, and whether it is only foreign."""
    try:
        entry = read(name, value, local_zone())
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
