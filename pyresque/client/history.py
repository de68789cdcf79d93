"""`resque.history()` and `resque.ledger()`: what all workers have done over time, and of which classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pyresque.client.ruby_jobs import look_at_ruby
from pyresque.errors import InvalidSelection, RedisError
from pyresque.store import counts
from pyresque.store.counts import Language, Resolution
from pyresque.store.space import Space
from pyresque.wire.times import rfc3339


@dataclass(frozen=True)
class Bucket:
    """One minute, hour or day (of UTC): when it began, and how many jobs were processed and failed in it.

    `is_known` is False before the history began. `is_estimate`: nobody looked while it lasted, so the jobs
    of the time between two looks are shared evenly.
    """

    at: int
    processed: int
    failed: int
    is_known: bool = True
    is_estimate: bool = False


@dataclass
class ClassCounts:
    """What was counted of one class in one language, over some days.

    Of a Ruby class these are least numbers: `processed` are the jobs that were seen at work, and `failed` the
    failures that came into the failed lists. `first_seen` and `last_seen` are seconds, within these days.
    `by_day`: the date (of UTC) -> processed and failed, of the days with any.
    """

    class_name: str
    language: Language
    processed: int = 0
    failed: int = 0
    first_seen: int | None = None
    last_seen: int | None = None
    by_day: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def is_least(self) -> bool:
        """Whether there may have been more."""
        return self.language == "ruby"

    def as_dict(self) -> dict[str, Any]:
        """The counts as JSON has them, without those of each day."""
        return {
            "class": self.class_name,
            "language": self.language,
            "processed": self.processed,
            "failed": self.failed,
            "is_least": self.is_least,
            "last_seen": rfc3339(self.last_seen),
        }


@dataclass(frozen=True)
class Totals:
    """Jobs processed and failed, of all workers of one language."""

    processed: int
    failed: int


@dataclass(frozen=True)
class Ledger:
    """Who has done what: `classes`, the latest seen first, and all jobs of each language.

    `ruby` is what the counters of all workers say less what Python has counted, so it has also what Python
    workers have done that were killed within a minute, or keep no history. `since`: the second at which the
    history began; None: it has not. `now` is the clock of Redis, `today` its date.
    """

    days: int
    now: int
    since: int | None
    classes: list[ClassCounts]
    python: Totals
    ruby: Totals

    def of(self, class_name: str, language: Language) -> ClassCounts:
        """The counts of one class; zeros where it was not seen."""
        for row in self.classes:
            if (row.class_name, row.language) == (class_name, language):
                return row
        return ClassCounts(class_name, language)

    def unseen_days(self, class_name: str, language: Language) -> int:
        """For how many days nobody has seen this class run: as many as the ledger has, where it never was."""
        last = self.of(class_name, language).last_seen
        begun = self.now - self.days * counts.DAY
        since = max(begun, self.since or self.now) if last is None else last
        return max(0, self.now - since) // counts.DAY


def look(space: Space) -> None:
    """Note how many jobs were done by now, and what Ruby's workers do; nothing where Redis takes no notes."""
    for note in (counts.note_totals, look_at_ruby):
        try:
            note(space)
        except RedisError:
            continue


def history(space: Space, resolution: Resolution = "minute") -> list[Bucket]:
    """The pieces of a history, oldest first, up to the one that it is now.

    Raises:
        InvalidSelection: there is no such history.
    """
    if resolution not in counts.HISTORIES:
        raise InvalidSelection(f"there is no history by {resolution!r}: ask for minute, hour or day")
    length, kept = counts.HISTORIES[resolution]
    now, since, found = counts.pieces(space, resolution)
    last = now // length
    buckets = []
    for number in range(last - kept + 1, last + 1):
        piece = found.get(number)
        is_known = bool(since) and (number + 1) * length > since
        if piece is None:
            buckets.append(Bucket(number * length, 0, 0, is_known))
        else:
            buckets.append(Bucket(number * length, piece.processed, piece.failed, True, piece.unseen))
    return buckets


def ledger(space: Space, days: int = counts.KEPT_DAYS) -> Ledger:
    """What was counted in these days, today included."""
    days = max(1, min(days, counts.KEPT_DAYS))
    now, found = counts.by_day(space, days)
    classes: dict[tuple[Language, str], ClassCounts] = {}
    for day, of_day in found.items():
        date = (rfc3339(day * counts.DAY) or "")[:10]
        for (language, name), numbers in of_day.items():
            row = classes.setdefault((language, name), ClassCounts(name, language))
            row.processed, row.failed = row.processed + numbers.processed, row.failed + numbers.failed
            row.by_day[date] = (numbers.processed, numbers.failed)
            row.first_seen = min(numbers.first, row.first_seen or numbers.first)
            row.last_seen = max(numbers.last, row.last_seen or numbers.last)
    rows = sorted(classes.values(), key=lambda row: (-(row.last_seen or 0), row.class_name, row.language))
    python = [row for row in rows if row.language == "python"]
    ours = Totals(sum(row.processed for row in python), sum(row.failed for row in python))
    _, since, _ = counts.pieces(space, "day")
    of_all = history(space, "day")[-days:]
    processed, failed = sum(row.processed for row in of_all), sum(row.failed for row in of_all)
    rubys = Totals(max(0, processed - ours.processed), max(0, failed - ours.failed))
    return Ledger(days, now, since or None, rows, ours, rubys)
