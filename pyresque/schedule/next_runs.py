"""When the entries of the schedule are due. Moments are seconds since the epoch."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

from pyresque.errors import InvalidSchedule
from pyresque.schedule.entry import CatchUp, Entry
from pyresque.wire import times

GRACE = 2.0
"""A run that came due so shortly before a scheduler became master is made up for in any case: it fell into
the moment in which nobody was master."""
WRONG_CLOCK = 60.0
"""Seconds by which two clocks, or one before and after it was set, may differ without a word."""
STALLED = 60.0
"""A master that comes so late treats what it missed as `catch_up` says."""
_NEVER = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
"""From here on a run cannot be written down: the calendar ends with this year, somewhere a day earlier."""


class Running:
    """An entry that a scheduler has loaded, and its next run.

    `noted` is what `delayed:last_enqueued_at` holds for it; `due` the next run, None where there is none.
    """

    def __init__(self, entry: Entry, loaded: float, noted: str = "") -> None:
        self.entry = entry
        self.limits = entry.limits(loaded)
        self.loaded = loaded
        self.noted = noted
        self.fired = 0
        self.due: float | None = None
        self._exact: tuple[str, float] | None = None
        self._from: float | None = None
        """The run from which `every` counts on; None where there was none yet."""

    @property
    def last(self) -> float | None:
        """When it was fired last, by any scheduler; to the second only where it was not us."""
        if self._exact is not None and self._exact[0] == self.noted:
            return self._exact[1]
        return times.parse(self.noted) if self.noted else None

    def plan(self, now: float, default: CatchUp = "none") -> None:
        """Find the next run for a scheduler that becomes master now, or has come much too late."""
        last = self.last
        if last is not None and last > now + WRONG_CLOCK:
            last = None  # a clock was wrong: waiting for it could take years
        self._from = last
        policy = self.entry.catch_up or default
        first = self.limits.first
        if last is None or (first is not None and last < self.loaded):
            self.due = self.following(self.loaded if first is None else self.loaded - 1e-6)
            if self.due is not None and self.due < now - GRACE:
                self.due = self.following(now - GRACE)
        elif policy == "all":
            self.due = self.following(last)
        elif policy == "last":
            self.due = self._latest(last, now)
        else:
            self.due = self.following(max(last, now - GRACE))

    def clock_was_set_back(self, seconds: float) -> None:
        """What was counted from the moment of loading counts from the same moment by the new clock."""
        self.loaded -= seconds
        if self.limits.first is not None:
            self.limits = replace(self.limits, first=self.limits.first - seconds)
        self._exact = None

    def advance(self, note: str) -> None:
        """The run that was due has been dealt with, and this was noted for it."""
        self.fired += 1
        if self.due is not None:
            self.noted, self._exact, self._from = note, (note, self.due), self.due
            self.due = self.following(self.due)

    def following(self, moment: float) -> float | None:
        """The first run after a moment; None if there is none."""
        limits = self.limits
        if limits.times is not None and self.fired >= limits.times:
            return None
        run = self._after(moment)
        if run is None or run >= _NEVER or (limits.last is not None and run >= limits.last):
            return None
        return run

    def next_runs(self, count: int, moment: float) -> list[float]:
        """The next runs after a moment, at most so many."""
        runs: list[float] = []
        while len(runs) < count and (at := self.following(moment)) is not None:
            runs.append(at)
            moment = at
        return runs

    def _after(self, moment: float) -> float | None:
        first = self.limits.first
        if self.entry.cron:
            if first is not None and moment < math.ceil(first):
                return float(math.ceil(first))  # Ruby runs at this moment, then when `cron` says
            try:
                return self.entry.cron.next_after(datetime.fromtimestamp(moment, UTC)).timestamp()
            except (ValueError, OverflowError):
                return None
        period = float(self.entry.every.seconds) if self.entry.every else 1.0
        begin = self._begin(period)
        if moment < begin:
            return begin
        at = begin + math.floor((moment - begin) / period + 1) * period
        return at if at > moment else at + period

    def _begin(self, period: float) -> float:
        """The first run that counts for `every`: from there on it goes in steps.

        In Redis stands when it was last fired, so a restart does not begin the period anew (in Ruby it does).
        """
        if self.limits.first is not None:
            return float(math.ceil(self.limits.first))
        if self._from is not None and period >= 1:
            return self._from + period
        return math.ceil(self.loaded) + period

    def _latest(self, last: float, now: float) -> float | None:
        """The last run that is due already but not before `last`; else the next one."""
        first = self.following(last)
        if first is None or first > now:
            return first
        if self.entry.cron:
            after = datetime.fromtimestamp(math.floor(now) + 1, UTC)
            try:
                return max(first, self.entry.cron.previous_before(after).timestamp())
            except InvalidSchedule:
                return first
        period = float(self.entry.every.seconds) if self.entry.every else 1.0
        return first + math.floor((now - first) / period) * period
