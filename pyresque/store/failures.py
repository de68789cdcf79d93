"""Failure lists: `failed` and, with the multi-queue backend, `Q_failed` (docs/protocol/core.md#failures)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from pyresque.errors import RedisError
from pyresque.store.connection.link import Command, Word
from pyresque.store.connection.replies import amount, data, flag, integer, row, words
from pyresque.store.delayed import Element
from pyresque.store.removal import NODES, weed_at, weed_these
from pyresque.store.script import Script, flat
from pyresque.store.space import Space
from pyresque.wire.records import FailureRecord

Marks = Sequence[tuple[FailureRecord, bytes]]
"""Records that are marked as retried, and what they are then."""

_requeue = Script(
    "requeue_failure",
    uses=("effects", "retried_marks", "aside_links"),
    reply=integer(-3, 1),
    once=True,
)
_requeue_many = Script(
    "requeue_failures", uses=("effects", "retried_marks"), reply=row(data, words), once=True
)
_discard = Script("remove_failure", uses=("aside_links",), reply=flag, once=True)
_clear = Script("clear_failures", uses=("aside_links",), reply=amount, once=True)
_restore = Script("restore_aside", uses=("aside_links",), reply=integer(-3, 1))
_forward = Script("bring_forward", uses=("effects", "retried_marks"), reply=flag, once=True)

NOT_THERE = -1
"""What cannot be put back because it is not aside any more."""

WINDOW = 500
"""Records that are read, or removed, at a time."""
BATCH, BATCH_BYTES = 100, 1_000_000
"""Records, and bytes of them, that one script puts back at most."""
OVERLAP = 50
"""Records that are read again with the next window, to know where it is."""
TRIES = 5
"""How often they are looked for in a row where they are not."""
FEW = 20
"""So many records, or less, are removed one by one, each from its place; more in one pass."""


def count(space: Space, list_name: str) -> int:
    """How many records a list holds."""
    return int(space.link.execute("LLEN", space.keys.failed_list(list_name)))


def counts(space: Space, list_names: Sequence[str]) -> dict[str, int]:
    """The same of many lists."""
    replies = space.link.execute_many([("LLEN", space.keys.failed_list(name)) for name in list_names])
    for reply in replies:
        if isinstance(reply, RedisError):
            raise reply
    return dict(zip(list_names, replies, strict=True))


def read(space: Space, list_name: str, offset: int = 0, limit: int | None = None) -> list[FailureRecord]:
    """Records of a list, oldest first."""
    if limit is not None and limit < 1:
        return []
    stop = -1 if limit is None else offset + limit - 1
    raws: Iterable[bytes] = space.link.execute("LRANGE", space.keys.failed_list(list_name), offset, stop)
    known = offset >= 0
    return [FailureRecord.parse(raw, list_name, offset + n if known else -1) for n, raw in enumerate(raws)]


def each(
    space: Space, list_name: str, *, newest_first: bool = False, window: int = WINDOW
) -> Iterator[FailureRecord]:
    """Every record that is in the list now, oldest first, read in windows.

    The windows are taken from a fixed end, so that records added meanwhile do not shift them. Where others
    remove some meanwhile, those that were read last are looked for, so that none is passed over.
    """
    length = count(space, list_name)
    while newest_first and length > 0:
        offset = max(0, length - window)
        yield from reversed(read(space, list_name, offset, length - offset))
        length = offset
    offset, known, tries = 0, list[object](), TRIES
    while offset < length:
        again = min(len(known), offset)
        records = read(space, list_name, offset - again, again + min(window, length - offset))
        if tries and [_content(record) for record in records[:again]] != known[len(known) - again :]:
            now, known = _found_again(space, list_name, known, offset)
            length, offset, tries = length - (offset - now), now, tries - 1
            continue
        records = records[again:]
        yield from records
        if not records:
            return
        known, tries = [_content(record) for record in records[-OVERLAP:]], TRIES
        offset += len(records)


def _content(record: FailureRecord) -> object:
    """What stays the same when a record is marked as retried."""
    return {key: item for key, item in record.value.items() if key != "retried_at"} or record.raw


def _found_again(
    space: Space, list_name: str, known: Sequence[object], offset: int
) -> tuple[int, list[object]]:
    """Where those go on now that were read last before this place, and what stands before them.

    If all of them are gone, nobody knows, and it goes on where it was.
    """
    last = offset
    while last > 0:
        first = max(0, last - WINDOW)
        contents = [_content(record) for record in read(space, list_name, first, last - first)]
        for content in reversed(known):
            for position in range(len(contents) - 1, -1, -1):
                if contents[position] == content:
                    return first + position + 1, contents[: position + 1][-OVERLAP:]
        last = first
    return offset, []


def newest(space: Space, list_name: str, most: int) -> Iterator[bytes]:
    """The newest records of a list as they are, the newest first, so many at most."""
    length = count(space, list_name)
    last, least = length, max(0, length - most)
    while last > least:
        first = max(least, last - WINDOW)
        yield from reversed(space.link.execute("LRANGE", space.keys.failed_list(list_name), first, last - 1))
        last = first


def list_names(space: Space) -> list[str]:
    """The names of the per-queue lists, sorted."""
    names: Iterable[bytes] = space.link.execute("SMEMBERS", space.keys.failed_queues)
    return sorted(name.decode("utf-8", "surrogateescape") for name in names)


def make_known(space: Space, list_name: str) -> None:
    """Enter the name of a per-queue list."""
    space.link.execute("SADD", space.keys.failed_queues, list_name)


def remove(space: Space, list_name: str, records: Iterable[FailureRecord]) -> Counter[bytes]:
    """Remove records of a list; returns those that went, by their bytes.

    What was put aside with a record goes in the same step, here and wherever a record goes.
    """
    named = {
        (record.index, record.raw, n if record.index < 0 else -1): record for n, record in enumerate(records)
    }
    # From the end on: so the places of the others hold.
    doomed = sorted(named.values(), key=lambda record: record.index, reverse=True)
    if len(doomed) > FEW:
        raws = [record.raw for record in doomed]
        return weed_these(space, space.keys.failed_list(list_name), raws, with_aside=True)
    return Counter(record.raw for record in doomed if discard(space, record))


def remove_at(space: Space, list_name: str, records: Sequence[FailureRecord]) -> list[bool]:
    """Remove records whose places are known, in the order of the list, without reading it; which went."""
    places = [(record.index, record.raw) for record in records]
    return weed_at(space, space.keys.failed_list(list_name), places, with_aside=True)


def discard(space: Space, record: FailureRecord) -> bool:
    """Remove one record, that at its place or the first with its bytes; False if it is gone."""
    args: list[Word] = [space.keys.prefix, record.raw, record.index]
    return bool(_discard.run(space, [space.keys.failed_list(record.list_name)], args))


def requeue(space: Space, marks: Marks, effects: Sequence[Command] = (), second: int | None = None) -> int:
    """Replace a record and its copies by their marked forms and put its job back, in one step.

    Args:
        marks: the record, then its copies, each with its marked form.
        effects: what puts its job back.
        second: instead of them, what was put aside goes where it came from, a delayed job to this second.

    Returns:
        1; 0 if the record is gone; what `put_back` in aside_links.lua answers if that cannot go back.
    """
    args: list[Word] = [space.keys.prefix, *_flat_marks(space, marks), "" if second is None else second]
    return int(_requeue.run(space, [], [*args, *flat(effects)]))


def requeue_many(space: Space, failures: Sequence[tuple[Marks, Sequence[Command]]]) -> list[bool]:
    """The same with many, of which none was put aside, in few steps; for each whether it was still there."""
    there: list[bool] = []
    items = [_requeued_item(space, marks, effects) for marks, effects in failures]
    while len(there) < len(items):
        args: list[Word] = [space.keys.prefix, NODES]
        first, size = len(there), 0
        for item in items[first : first + BATCH]:
            size += sum(len(word) for word in item if isinstance(word, bytes))
            if size > BATCH_BYTES and len(args) > 2:
                break
            args += item
        signs, _ = _requeue_many.run(space, [], args)
        there += [sign == ord("1") for sign in bytes(signs).rstrip(b"+")]
    return there


def _requeued_item(space: Space, marks: Marks, effects: Sequence[Command]) -> list[Word]:
    words = flat(effects)
    return [*_flat_marks(space, marks), len(words), *words]


def _flat_marks(space: Space, marks: Marks) -> list[Word]:
    words: list[Word] = [len(marks)]
    for record, marked in marks:
        words += [space.keys.failed_list(record.list_name), record.raw, marked, record.index]
    return words


def restore(space: Space, link: str, second: int) -> int:
    """Put back what a link leads to, wherever that was found; answers as `put_back` in aside_links.lua."""
    return int(_restore.run(space, [], [space.keys.prefix, link, second]))


def forward(space: Space, marks: Marks, index: Element, effects: Sequence[Command]) -> bool:
    """Replace a record and its copies by their marked forms and a delayed job by its push, in one step.

    Returns:
        False if the record, or the delayed job, is gone; then nothing is done.
    """
    args: list[Word] = [space.keys.prefix, *_flat_marks(space, marks), *index, *flat(effects)]
    return bool(_forward.run(space, [space.keys.delayed_schedule], args))


def clear(space: Space, list_name: str, most: int | None = None, seconds: float = float("inf")) -> int:
    """Remove all records that a list holds now, the oldest first; a key that is not a list goes as it is.

    Args:
        most: only so many.
        seconds: begin no further step after so many seconds.

    Returns:
        How many were removed.
    """
    key, end = space.keys.failed_list(list_name), time.monotonic() + seconds
    if space.link.execute("TYPE", key) not in (b"list", b"none"):
        space.link.execute("UNLINK", key)
        return 0
    total = count(space, list_name)
    total = total if most is None else min(total, most)
    left = total
    while left > 0 and time.monotonic() < end:
        removed = int(_clear.run(space, [key], [space.keys.prefix, left]))
        if not removed:
            return total - left  # somebody else has cleared it
        left -= removed
    return total - left
