"""Counters: `stat:processed`, `stat:failed`, and the same of single workers."""

from __future__ import annotations

from collections.abc import Sequence

from pyresque.store.connection.replies import integer, number
from pyresque.store.script import Script
from pyresque.store.space import Space

_increase = Script("increase_counter", reply=integer(), once=True)


def read(space: Space, names: Sequence[str]) -> list[int]:
    """The value of each counter; 0 where it is missing or not a number."""
    replies = space.link.execute("MGET", *map(space.keys.stat, names)) if names else []
    return [number(reply) if isinstance(reply, bytes) else 0 for reply in replies]


def increase(space: Space, name: str, by: int = 1) -> int:
    """Add to a counter; returns its new value."""
    return int(_increase.run(space, [space.keys.stat(name)], [by]))


def clear(space: Space, name: str) -> None:
    """Set a counter back to nothing."""
    space.link.execute("UNLINK", space.keys.stat(name))
