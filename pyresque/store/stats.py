"""Counters: `stat:processed`, `stat:failed`, and the same of single workers."""

from __future__ import annotations

from collections.abc import Sequence

from pyresque.store.link import Reply
from pyresque.store.space import Space


def read(space: Space, names: Sequence[str]) -> list[int]:
    """The value of each counter; 0 where it is missing or is no number."""
    replies = space.link.execute_many([("GET", space.keys.stat(name)) for name in names])
    return [_number(reply) for reply in replies]


def _number(reply: Reply) -> int:
    # What Redis takes for an integer: 64 bits, so never more than 20 characters.
    if isinstance(reply, bytes) and len(reply) <= 20 and reply.removeprefix(b"-").isdigit():
        return int(reply)
    return 0


def increase(space: Space, name: str, by: int = 1) -> int:
    """Add to a counter; returns its new value. After a lost reply the addition may be made twice."""
    return int(space.link.execute("INCRBY", space.keys.stat(name), by))


def clear(space: Space, name: str) -> None:
    """Set a counter back to nothing."""
    space.link.execute("UNLINK", space.keys.stat(name))
