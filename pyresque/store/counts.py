"""How many jobs were done: of all workers over time (the history), and of each class and language by day.

No worker writes any of this for each job. `stat:processed` and `stat:failed` count those of all workers, and
whoever looks notes how much they have grown (docs/protocol/pyresque.md#the-history).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pyresque.errors import RedisReplied
from pyresque.store import workers
from pyresque.store.connection.link import Word
from pyresque.store.connection.replies import flag
from pyresque.store.script import Script
from pyresque.store.space import Space
from pyresque.usercode.safely import cut

DAY = 86_400
MOST_CLASSES = 500
"""So many classes and languages are counted apart on one day; the others together."""
KEPT_DAYS = 14
"""Days, today included, whose counts by class are kept."""
OTHERS = "(others)"
"""What classes that are counted together are called."""
LONGEST_NAME = 200

_count = Script("count_jobs", uses=("class_counts",), reply=flag, once=True)
_note = Script("note_ruby", uses=("class_counts",), reply=flag)

Language = Literal["python", "ruby"]
LANGUAGES: dict[str, Language] = {"python": "python", "ruby": "ruby"}
Resolution = Literal["minute", "hour", "day"]
HISTORIES: dict[Resolution, tuple[int, int]] = {
    "minute": (60, 180),
    "hour": (3600, 14 * 24),
    "day": (DAY, 400),
}
"""Of each history the seconds that a piece of it lasts, and how many pieces are kept."""

_PIECE = re.compile(rb"(\d{1,18}) (\d{1,18}) (\d{1,18}) ([01])")
_COUNTS = re.compile(rb"(\d{1,18}) (\d{1,18}) (\d{1,12}) (\d{1,12})")

Rows = Iterable[tuple[str, int, int]]
"""Of each class how many of its jobs were processed, and how many of these failed."""


@dataclass(frozen=True)
class Piece:
    """Jobs processed and failed in one piece of a history; `unseen`: nobody looked while it lasted."""

    processed: int
    failed: int
    unseen: bool


@dataclass(frozen=True)
class Counted:
    """The counts of one class and language on one day; `first` and `last` are seconds."""

    processed: int
    failed: int
    first: int
    last: int


def count(space: Space, rows: Rows, token: str) -> None:
    """Add what a Python process has done, and note the totals.

    Args:
        token: tells these counts from others: sent again with the same one they do not count twice.
    """
    keys = space.keys
    names = [keys.stat("processed"), keys.stat("failed"), keys.history("seen")]
    names += [keys.history(resolution) for resolution in HISTORIES]
    sizes = [number for pair in HISTORIES.values() for number in pair]
    args: list[Word] = [*_about_days(space, workers.redis_time(space)), len(HISTORIES), *sizes]
    _count.run(space, names, [*args, *_words(rows)], token=token)


def has_begun(space: Space) -> bool:
    """Whether anybody has noted anything in the history yet."""
    return bool(space.link.execute("EXISTS", space.keys.history("seen")))


def note_totals(space: Space) -> None:
    """Note how many jobs all workers have done by now."""
    count(space, (), "")


def _words(rows: Rows) -> list[Word]:
    return [
        word
        for name, processed, failed in rows
        for word in (cut(name, LONGEST_NAME).encode("utf-8", "replace"), processed, failed)
    ]


def seen_of_ruby(space: Space) -> bytes | None:
    """What whoever looked last at Ruby's jobs has left; None where the key holds something else."""
    try:
        raw: bytes | None = space.link.execute("GET", space.keys.history("ruby"))
    except RedisReplied:
        return None
    return raw or b""


def note_ruby(space: Space, now: int, before: bytes, after: bytes, rows: Rows) -> bool:
    """Add what was seen of Ruby's jobs, if nobody has looked since `before` was read; whether it was.

    Args:
        now: when, by the clock of Redis.
    """
    keys = space.keys
    args: list[Word] = [*_about_days(space, now), before, after, DAY, *_words(rows)]
    return bool(_note.run(space, [keys.history("ruby")], args))


def _about_days(space: Space, now: int) -> list[Word]:
    return [now, space.keys.prefix, MOST_CLASSES, (KEPT_DAYS + 1) * DAY]


def pieces(space: Space, resolution: Resolution) -> tuple[int, int, dict[int, Piece]]:
    """The clock of Redis, the second since when there is a history (0: there is none), and its pieces."""
    now, kept = workers.redis_time(space), HISTORIES[resolution][1]
    since = _hash(space, space.keys.history("seen")).get(b"since", b"")
    found = {}
    for raw in _hash(space, space.keys.history(resolution)).values():
        match = _PIECE.fullmatch(raw)
        if match is not None:
            found[int(match[1])] = Piece(int(match[2]), int(match[3]), match[4] == b"1")
    last = now // HISTORIES[resolution][0]
    in_time = {number: piece for number, piece in found.items() if last - kept < number <= last}
    return now, int(since) if since.isdigit() and len(since) < 12 else 0, in_time


def by_day(space: Space, days: int) -> tuple[int, dict[int, dict[tuple[Language, str], Counted]]]:
    """The clock of Redis; and of each day, by its number, the counts by language and class."""
    now = workers.redis_time(space)
    today = now // DAY
    found = {}
    for day in range(today - min(days, KEPT_DAYS) + 1, today + 1):
        counts = {}
        for field, raw in _hash(space, space.keys.counts(day)).items():
            language, blank, name = field.decode("utf-8", "replace").partition(" ")
            match = _COUNTS.fullmatch(raw)
            if blank and match is not None and language in LANGUAGES:
                counts[LANGUAGES[language], name] = Counted(*map(int, match.groups()))
        found[day] = counts
    return now, found


def _hash(space: Space, key: str) -> Mapping[bytes, bytes]:
    """A hash; an empty one where the key holds something else."""
    try:
        flat: list[bytes] = space.link.execute("HGETALL", key)
    except RedisReplied:
        return {}
    return dict(zip(flat[::2], flat[1::2], strict=True))
