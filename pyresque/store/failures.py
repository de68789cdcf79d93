"""Failure lists: `failed` and, with the multi-queue backend, `Q_failed` (core.md section 14)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pyresque.store import queues
from pyresque.store.delayed import Place
from pyresque.store.link import Command, Word
from pyresque.store.replies import flag
from pyresque.store.script import REMEMBER_SECONDS, Once, Script, flat
from pyresque.store.space import Space
from pyresque.wire.records import FailureRecord

_requeue = Script("requeue", uses=("effects",), reply=flag)
_discard = Script("discard", reply=flag)
_forward = Script("forward", uses=("effects", "place"), reply=flag)

WINDOW = 500
"""Records that are read at a time."""


def count(space: Space, list_name: str) -> int:
    """How many records a list holds."""
    return int(space.link.execute("LLEN", space.keys.failed_list(list_name)))


def read(space: Space, list_name: str, offset: int = 0, limit: int | None = None) -> list[FailureRecord]:
    """Records of a list, oldest first."""
    if limit is not None and limit < 1:
        return []
    stop = -1 if limit is None else offset + limit - 1
    raws: Iterable[bytes] = space.link.execute("LRANGE", space.keys.failed_list(list_name), offset, stop)
    known = offset >= 0
    return [FailureRecord.parse(raw, list_name, offset + n if known else -1) for n, raw in enumerate(raws)]


def each(space: Space, list_name: str) -> Iterator[FailureRecord]:
    """Every record that is in the list now, oldest first, read in windows.

    The windows are taken from a fixed end, so that records added meanwhile do not shift them.
    """
    length = count(space, list_name)
    for offset in range(0, length, WINDOW):
        yield from read(space, list_name, offset, min(WINDOW, length - offset))


def list_names(space: Space) -> list[str]:
    """The names of the per-queue lists, sorted."""
    found: Iterable[bytes] = space.link.execute("SMEMBERS", space.keys.failed_queues)
    return sorted(name.decode("utf-8", "surrogateescape") for name in found)


def remove(space: Space, list_name: str, raws: Sequence[bytes]) -> int:
    """Remove records by their exact bytes, one copy for each given; returns how many were removed."""
    return queues.remove_from(space, space.keys.failed_list(list_name), raws, copies=1)


def discard(space: Space, record: FailureRecord) -> bool:
    """Remove one record; False if it is gone."""
    with Once(space.link, space.keys.prefix) as once:
        keys = [once, space.keys.failed_list(record.list_name)]
        return bool(_discard.run(space.link, keys, [REMEMBER_SECONDS, record.raw, record.place]))


def requeue(space: Space, record: FailureRecord, marked: bytes, effects: Sequence[Command]) -> bool:
    """Replace a record by its marked form and put its job back, in one step; False if it is gone."""
    with Once(space.link, space.keys.prefix) as once:
        keys = [once, space.keys.failed_list(record.list_name)]
        args = [REMEMBER_SECONDS, space.keys.prefix, record.raw, marked, record.place, *flat(effects)]
        return bool(_requeue.run(space.link, keys, args))


def forward(
    space: Space, record: FailureRecord, marked: bytes, place: Place, effects: Sequence[Command]
) -> bool:
    """Replace a record by its marked form and a delayed job by its push, in one step.

    Returns:
        False if the record, or the delayed job, is gone; then nothing is done.
    """
    with Once(space.link, space.keys.prefix) as once:
        keys = [once, space.keys.failed_list(record.list_name), space.keys.delayed_schedule]
        args: list[Word] = [REMEMBER_SECONDS, space.keys.prefix, record.raw, marked, record.place, *place]
        return bool(_forward.run(space.link, keys, [*args, *flat(effects)]))


def clear(space: Space, list_name: str) -> None:
    """Remove a whole list."""
    space.link.execute("UNLINK", space.keys.failed_list(list_name))
