"""The seconds of delayed jobs as they stand in Redis: a few at a time, whoever wrote them.

See docs/protocol/scheduler.md#keys.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from pyresque.errors import RedisError
from pyresque.keys import DELAYED
from pyresque.store import keyspace
from pyresque.store.connection.link import Command, Reply, Word
from pyresque.store.connection.replies import amount, flag, row
from pyresque.store.script import Script
from pyresque.store.space import Space

SCANNED = 200
"""Lists that are looked for in one step."""

_reset = Script("reset_delayed", reply=row(amount, flag), once=True)


@dataclass(frozen=True)
class SecondAsStored:
    """A member of `delayed_queue_schedule`: its score, how many jobs its list has, and the first of them.

    `jobs` is None where the key of the list holds something else.
    """

    name: bytes
    score: float
    jobs: int | None
    first: bytes | None


def known(space: Space, start: int, count: int) -> list[SecondAsStored]:
    """Some of the seconds, in their order.

    Raises:
        RedisReplied: the key of the index holds something else.
    """
    words = ("ZRANGE", space.keys.delayed_schedule, start, start + count - 1, "WITHSCORES")
    found: list[bytes] = space.link.execute(*words)
    return with_jobs(
        space, [(name, float(score)) for name, score in zip(found[::2], found[1::2], strict=True)]
    )


def with_jobs(space: Space, members: Sequence[tuple[bytes, float]]) -> list[SecondAsStored]:
    """These members of the index, with what their lists hold."""
    keys = [key_of(space, name) for name, _ in members]
    commands: list[Command] = [("LLEN", key) for key in keys]
    commands += [("LINDEX", key, 0) for key in keys]
    replies = space.link.execute_many(commands)
    sizes, heads = replies[: len(keys)], replies[len(keys) :]
    return [
        SecondAsStored(name, score, _or_none(size), _or_none(head))
        for (name, score), size, head in zip(members, sizes, heads, strict=True)
    ]


def score_of(space: Space, name: bytes) -> float | None:
    """When a second is due by the index; None if it does not stand there."""
    score = space.link.execute("ZSCORE", space.keys.delayed_schedule, name)
    return None if score is None else float(score)


def outside(space: Space, cursor: int) -> tuple[list[bytes], int]:
    """Some of the seconds that have a key and are not in the index; then where to go on (0: that was all)."""
    found, after = keyspace.scan(space, DELAYED + "*", cursor, SCANNED)
    names = [name.removeprefix(DELAYED).encode("utf-8", "surrogateescape") for name in found]
    scores = space.link.execute_many([("ZSCORE", space.keys.delayed_schedule, name) for name in names])
    return [name for name, score in zip(names, scores, strict=True) if score is None], after


def counts(space: Space, bounds: Sequence[tuple[float | str, float | str]]) -> list[int]:
    """How many seconds are due between two moments (both included, as Redis writes them), for each pair."""
    commands = [("ZCOUNT", space.keys.delayed_schedule, *map(_bound, pair)) for pair in bounds]
    return [0 if isinstance(reply, RedisError) else int(reply) for reply in space.link.execute_many(commands)]


def jobs_between(space: Space, first: float, last: float, most: int) -> list[tuple[float, int]] | None:
    """When jobs are due in this time, and how many each second has; None if there are more than `most`."""
    words = ("ZRANGEBYSCORE", space.keys.delayed_schedule, _bound(first), _bound(last), "WITHSCORES")
    found: list[bytes] = space.link.execute(*words, "LIMIT", 0, most + 1)
    if len(found) > 2 * most:
        return None
    sizes = space.link.execute_many([("LLEN", key_of(space, name)) for name in found[::2]])
    return [(float(score), _or_none(size) or 0) for score, size in zip(found[1::2], sizes, strict=True)]


def elements(space: Space, name: bytes, start: int, count: int) -> list[bytes]:
    """Jobs of one second, in order.

    Raises:
        RedisReplied: the key holds something else.
    """
    found: list[bytes] = space.link.execute("LRANGE", key_of(space, name), start, start + count - 1)
    return found


def seconds_with(space: Space, item: bytes, most: int) -> list[bytes]:
    """The lists (`delayed:EPOCH`) that hold just this item, by its set `timestamps:ITEM`; at most so many."""
    [reply] = space.link.execute_many([("SRANDMEMBER", space.keys.timestamps(item), most)])
    return [] if isinstance(reply, RedisError) else list(reply)


def stands_in(space: Space, item: bytes, names: Sequence[bytes]) -> list[tuple[bytes, int]]:
    """Those of these lists (`delayed:EPOCH`) that hold this item, and at which index."""
    keys = [space.keys.prefix.encode() + name for name in names]
    replies = space.link.execute_many([("LPOS", key, item) for key in keys])
    return [(name, at) for name, at in zip(names, replies, strict=True) if _or_none(at) is not None]


def reset(space: Space, seconds: float = float("inf")) -> tuple[int, bool]:
    """Forget every delayed job, piece by piece.

    Args:
        seconds: after so long nothing more is begun.

    Returns:
        How many jobs went, and whether some are left.
    """
    until = time.monotonic() + seconds
    last = space.link.execute("ZREVRANGE", space.keys.delayed_schedule, 0, 0, "WITHSCORES")
    args: list[Word] = [space.keys.prefix, last[1] if last else "-inf"]
    jobs, more = 0, bool(last)
    while more and time.monotonic() < until:
        done, more = _reset.run(space, [space.keys.delayed_schedule], args)
        jobs, more = jobs + int(done), bool(more)
    return jobs, more


def key_of(space: Space, name: bytes) -> bytes:
    """The full key of the list of a second."""
    return space.keys.prefix.encode() + DELAYED.encode() + name


def _bound(moment: float | str) -> str | int:
    return moment if isinstance(moment, str) else int(moment)


def _or_none(reply: Reply) -> Reply:
    return None if isinstance(reply, RedisError) else reply
