"""The audit log: what was done from the dashboard, newest first (docs/protocol/pyresque.md#the-audit-log)."""

from __future__ import annotations

from typing import Any

from pyresque.errors import RedisError
from pyresque.store.space import Space

KEPT = 1_000
"""Entries that stay."""


def add(space: Space, entry: bytes) -> None:
    """Put an entry in front, and drop the oldest beyond KEPT.

    It may be there twice where a reply is lost: each has an id, by which `entries` tells.
    """
    replies = space.link.execute_many(
        [("LPUSH", space.keys.audit, entry), ("LTRIM", space.keys.audit, 0, KEPT - 1)]
    )
    for reply in replies:
        if isinstance(reply, RedisError):
            raise reply


def entries(space: Space, start: int, count: int) -> tuple[list[bytes], int]:
    """Some of the entries, the newest first, and how many there are."""
    listed, length = space.link.execute_many(
        [("LRANGE", space.keys.audit, start, start + count - 1), ("LLEN", space.keys.audit)]
    )
    for reply in (listed, length):
        if isinstance(reply, RedisError):
            raise reply
    found: Any = listed
    return list(found), int(length)
