"""Queues: pushing, popping, looking, removing (docs/protocol/core.md#client-operations)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from pyresque.errors import RedisError
from pyresque.store.connection.link import Command, Word
from pyresque.store.connection.replies import amount, flag, row, words
from pyresque.store.removal import weed
from pyresque.store.script import Script, flat
from pyresque.store.space import Space

_enqueue = Script("push", reply=amount, once=True)
_remove = Script("remove_element", reply=flag, once=True)
_remove_queue = Script("remove_queue", reply=flag, once=True)
_empty = Script("empty_queue", reply=amount, once=True)
_move = Script("move_element", uses=("effects", "remove_at"), reply=row(flag, words), once=True)

WINDOW = 1000
"""Elements that are read at a time."""
CHUNK = 10_000
"""Jobs that one push script takes at most, so that a large batch never holds Redis up for long."""


def push(space: Space, jobs: Mapping[str, Sequence[bytes]]) -> int:
    """Append jobs to their queues and make the queues known; returns how many were pushed.

    A lost reply does no harm: the script answers a second call without pushing again.
    """
    if sum(map(len, jobs.values())) > CHUNK:
        return sum(push(space, part) for part in _parts(jobs))
    keys = [space.keys.queues, *[space.keys.queue(queue) for queue in jobs]]
    args: list[Word] = []
    for queue, items in jobs.items():
        args += [queue, len(items), *items]
    return int(_enqueue.run(space, keys, args))


def _parts(jobs: Mapping[str, Sequence[bytes]]) -> Iterable[Mapping[str, Sequence[bytes]]]:
    for queue, items in jobs.items():
        for first in range(0, len(items), CHUNK):
            yield {queue: items[first : first + CHUNK]}


def first(space: Space, queue: str) -> bytes | None:
    """The first element of a queue."""
    raw: bytes | None = space.link.execute("LINDEX", space.keys.queue(queue), 0)
    return raw


def size(space: Space, queue: str) -> int:
    """How many elements a queue has."""
    return int(space.link.execute("LLEN", space.keys.queue(queue)))


def exists(space: Space, queue: str) -> bool:
    """Whether anything is under the key of a queue."""
    return bool(space.link.execute("EXISTS", space.keys.queue(queue)))


def elements(space: Space, queue: str, start: int = 0, count: int | None = None) -> list[bytes]:
    """Elements of a queue from `start` on; all where no count, or as in Ruby a count of 0, is given."""
    stop = -1 if count is None else start + count - 1
    return list(space.link.execute("LRANGE", space.keys.queue(queue), start, stop))


def each(space: Space, queue: str) -> Iterator[bytes]:
    """The elements of a queue, read piece by piece from its head."""
    start = 0
    while piece := elements(space, queue, start, WINDOW):
        yield from piece
        start += WINDOW


def remove_if(
    space: Space,
    queue: str,
    locks_of: Callable[[bytes], Sequence[str] | None],
    *,
    gone: Callable[[bytes], object] | None = None,
) -> int:
    """Remove elements of a queue in one pass; returns how many.

    Args:
        locks_of: of an element: None if it stays, else the (full) keys that go with it.
        gone: is called with each element that went.
    """

    def doom(raw: bytes) -> Sequence[Command] | None:
        locks = locks_of(raw)
        return None if locks is None else unlocking(locks)

    return weed(space, space.keys.queue(queue), doom, gone=gone)


def unlocking(locks: Sequence[str]) -> list[Command]:
    """What removes these (full) keys."""
    return [("UNLINK", lock) for lock in locks]


def remove_first(space: Space, queue: str, raw: bytes) -> bool:
    """Remove the first copy of this exact element from a queue; False if there is none."""
    return bool(_remove.run(space, [space.keys.queue(queue)], [raw]))


def move_element(space: Space, source: str, raw: bytes, offset: int, effects: Sequence[Command]) -> bool:
    """Take one element, seen there, out of a list (full key), with what belongs to it; False: it is gone."""
    taken, _ = _move.run(space, [source], [space.keys.prefix, raw, offset, *flat(effects)])
    return bool(taken)


def names(space: Space) -> list[str]:
    """The known queues, sorted as Ruby sorts (by bytes)."""
    return sorted(names_as_stored(space), key=lambda name: name.encode("utf-8", "surrogateescape"))


def names_as_stored(space: Space) -> list[str]:
    """The known queues in the order in which Redis has them, as `Resque.queues` gives them."""
    names: Iterable[bytes] = space.link.execute("SMEMBERS", space.keys.queues)
    return [name.decode("utf-8", "surrogateescape") for name in names]


def sizes(space: Space, queues: Sequence[str]) -> dict[str, int]:
    """The size of each queue; a key that is not a list counts as 0."""
    replies = space.link.execute_many([("LLEN", space.keys.queue(queue)) for queue in queues])
    pairs = zip(queues, replies, strict=True)
    return {queue: 0 if isinstance(reply, RedisError) else int(reply) for queue, reply in pairs}


def samples(space: Space, queues: Sequence[str], count: int) -> dict[str, list[bytes]]:
    """The first elements of each queue."""
    commands = [("LRANGE", space.keys.queue(queue), 0, count - 1) for queue in queues]
    replies = space.link.execute_many(commands) if count > 0 else [[] for _ in queues]
    pairs = zip(queues, replies, strict=True)
    return {queue: [] if isinstance(reply, RedisError) else list(reply) for queue, reply in pairs}


def remove_queue(space: Space, queue: str) -> bool:
    """Forget a queue and everything in it; whether it was known."""
    return bool(_remove_queue.run(space, [space.keys.queues, space.keys.queue(queue)], [queue]))


def empty(space: Space, queue: str) -> int:
    """Remove every job of a queue, which stays known; returns how many there were."""
    return int(_empty.run(space, [space.keys.queue(queue)], []))
