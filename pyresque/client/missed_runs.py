"""Entries of the schedule that should have run, and have not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyresque.client.schedule_entries import Listed
from pyresque.errors import InvalidSchedule
from pyresque.schedule.entry import Entry
from pyresque.schedule.next_runs import Running
from pyresque.store import ages
from pyresque.store.space import Space
from pyresque.wire import times
from pyresque.wire.encoding import encode

GRACE = 300.0
"""Seconds after which a run that is due, and was not fired, is missed: another scheduler needs up to three
minutes to become master."""


@dataclass(frozen=True)
class MissedRun:
    """An entry that should have run at `due`; `last` is when it ran last, None: never, as far as is known."""

    name: str
    due: float
    last: float | None


def missed_runs(
    space: Space, entries: Sequence[Listed], now: float, environment: str | None = None, grace: float = GRACE
) -> list[MissedRun]:
    """Those of these entries that should have run.

    An entry is measured by its last run. Redis does not tell since when it is as it is: of one that never
    ran, or has changed, it is noted here when it was first seen so.

    Args:
        environment: RAILS_ENV of the schedulers. Where it is not known, entries for some environments only
            are left out until they have run once.
        grace: seconds by which a run may be late.
    """
    judged = [entry for entry in entries if entry.entry is not None and _counts(entry, environment)]
    last = {entry.name: _past(times.parse(entry.last), now) for entry in judged}
    seen = ages.since(
        space,
        space.keys.seen_entries,
        {entry.name: encode(_form(entry.entry)) for entry in judged if entry.entry is not None},
        now,
        {name: at for name, at in last.items() if at is not None},
    )
    found = []
    for entry in judged:
        moments = [at for at in (last[entry.name], seen.get(entry.name)) if at is not None]
        if entry.entry is None or not moments:
            continue
        due = _following(entry.entry, max(moments))
        if due is not None and due <= now - grace:
            found.append(MissedRun(entry.name, due, last[entry.name]))
    return found


def _counts(entry: Listed, environment: str | None) -> bool:
    """Whether it is known that schedulers run an entry."""
    return entry.runs_here and (
        environment is not None or bool(entry.last) or entry.entry is None or entry.entry.environments is None
    )


def _past(at: float | None, now: float) -> float | None:
    """A moment that is not to come: a clock may have been wrong."""
    return at if at is not None and at <= now else None


def _form(entry: Entry) -> list[str]:
    """What says when an entry runs."""
    return [entry.timing, repr(sorted(entry.options.items(), key=repr))]


def _following(entry: Entry, moment: float) -> float | None:
    """The first run after a moment; None if nobody can tell: `first_in` and `times` count from the start."""
    try:
        running = Running(entry, moment, times.started(moment))
    except InvalidSchedule:
        return None
    if running.limits.times is not None or running.limits.first is not None:
        return None
    running.plan(moment, "all")
    return running.following(moment)
