"""Attempts at failed jobs: their counters (resque-retry's keys), and where the next attempt may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyresque.errors import RedisError, RedisReplied
from pyresque.keys import second_of_list
from pyresque.store import queues, workers
from pyresque.store.connection.link import Command, Reply, Word
from pyresque.store.connection.replies import flag
from pyresque.store.keyspace import glob
from pyresque.store.script import Script
from pyresque.store.space import Space
from pyresque.store.workers import Registration

_count_attempt = Script("count_attempt", uses=("effects",), reply=flag)

CHUNK = 500
"""Commands that are sent at a time, elements that are read at a time."""
NOT_A_COUNT = b"something else"
OVERLAP = 50
"""Elements of the last piece that are read again with the next."""


def count(space: Space, key: str) -> bytes | None:
    """What the counter under this key holds; `NOT_A_COUNT` where that is not a text."""
    try:
        raw: bytes | None = space.link.execute("GET", key)
    except RedisReplied:
        # Believed only where it is so: else a single odd word would cost the job all its attempts.
        if space.link.execute("TYPE", key) in (b"none", b"string"):
            raise
        return NOT_A_COUNT
    return raw


def begin(space: Space, who: Registration, record: bytes, count: Command) -> None:
    """Let the counter of a job's attempts say which one begins, while `worker:ID` holds the job.

    Args:
        record: what `worker:ID` holds.
        count: the command that writes the counter (effects.set_attempt).
    """
    keys = [space.keys.worker(who.id), space.keys.stat("processed", who.id), count[1]]
    _count_attempt.run(space, keys, [record, who.settled, *count])


def counts(space: Space, keys: Sequence[str]) -> list[bytes | None]:
    """What these counters hold; None for one that is not there."""
    return _each(space, [("GET", key) for key in keys])


def forget(space: Space, keys: Sequence[str]) -> None:
    """Remove counters, and the failures that were kept back with them."""
    space.link.execute("UNLINK", *keys, *map(space.keys.suppressed_failure, keys))


def counter_names(space: Space) -> Iterator[str]:
    """The names of all counters, without what they begin with. It looks at every key of the database."""
    start = space.keys.retry("")
    pattern = glob(start) + "*"
    cursor: Word = 0
    while True:
        cursor, names = space.link.execute("SCAN", cursor, "MATCH", pattern, "COUNT", 10_000)
        yield from (name.decode("utf-8", "replace").removeprefix(start) for name in names)
        if int(cursor) == 0:
            return


def lists_with(space: Space, items: Sequence[bytes]) -> list[list[bytes]]:
    """For each delayed job (its exact bytes) the names of the delayed lists that hold it, by time."""
    noted = _each(space, [("SMEMBERS", space.keys.timestamps(item)) for item in items])
    claims = [(n, name) for n, names in enumerate(noted) for name in names or ()]
    prefix = space.keys.prefix.encode()
    # What is noted is looked up: Ruby takes a job out of its list and out of the set in two commands.
    places = _each(space, [("LPOS", prefix + name, items[n]) for n, name in claims])
    lists: list[list[bytes]] = [[] for _ in items]
    for (n, name), position in zip(claims, places, strict=True):
        if position is not None:
            lists[n].append(name)
    return [sorted(names, key=second_of_list) for names in lists]


def waiting(space: Space) -> Iterator[tuple[str, bytes]]:
    """Every element of every queue, with its queue; some of them twice.

    Each queue is read from its end, so that no element is left out because others are pushed or taken
    meanwhile; the overlap is for those that are taken out of the middle.
    """
    for queue in queues.names(space):
        behind = 0
        while True:
            words = ("LRANGE", space.keys.queue(queue), -behind - CHUNK, -behind - 1)
            [reply] = _each(space, [words])
            if reply is None:
                break  # it is not a list
            yield from ((queue, element) for element in reversed(reply))
            if len(reply) < CHUNK:
                break
            behind += CHUNK - OVERLAP


def working(space: Space) -> Iterator[tuple[str, bytes]]:
    """Every worker that works on something, with the value of its `worker:ID`."""
    ids = workers.ids(space)
    yield from (
        (worker_id, raw) for worker_id, raw in zip(ids, workers.working_on(space, ids), strict=True) if raw
    )


def _each(space: Space, commands: Sequence[Command]) -> list[Reply]:
    """The replies to many commands; None for one that is an error of its key (another type)."""
    replies: list[Reply] = []
    for first in range(0, len(commands), CHUNK):
        replies += space.link.execute_many(commands[first : first + CHUNK])
    for reply in replies:
        if isinstance(reply, RedisError) and not isinstance(reply, RedisReplied):
            raise reply
    return [None if isinstance(reply, RedisError) else reply for reply in replies]
