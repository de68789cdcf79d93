"""Since when the first job of each queue was seen there: payloads of Resque carry no time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from pyresque.errors import RedisError
from pyresque.store.space import Space

MEMORY = 7 * 86400
"""Seconds after which what was seen is forgotten, if nobody looks any more."""


def since(space: Space, heads: Mapping[str, bytes | None], now: float) -> dict[str, float]:
    """Since when each of these jobs was seen at the head of its queue; one that is new there, from now on.

    What was seen is kept in one hash, with a field for each queue that has jobs. Where it cannot be read or
    written, as in a full Redis, nothing is known.

    Args:
        heads: the first job of each queue; None where it has none.
    """
    key, queues = space.keys.seen_heads, list(heads)
    if not queues:
        return {}
    try:
        marks = space.link.execute("HMGET", key, *queues)
    except RedisError:
        return {}
    found: dict[str, float] = {}
    new: list[str] = []
    gone: list[str] = []
    for queue, mark in zip(queues, marks, strict=True):
        raw = heads[queue]
        if raw is None:
            gone += [queue] if mark is not None else []
            continue
        digest = hashlib.sha1(raw).hexdigest()[:16]  # noqa: S324 (no secret)
        before, _, at = (mark or b"").decode("ascii", "replace").partition(" ")
        known = before == digest and at.isdecimal() and int(at) <= now
        found[queue] = int(at) if known else now
        new += [] if known else [queue, f"{digest} {int(now)}"]
    _note(space, new, gone)
    return found


def _note(space: Space, new: list[str], gone: list[str]) -> None:
    key = space.keys.seen_heads
    commands: list[tuple[str | int, ...]] = []
    if new:
        commands += [("HSET", key, *new), ("EXPIRE", key, MEMORY)]
    if gone:
        commands.append(("HDEL", key, *gone))
    try:
        if commands:
            space.link.execute_many(commands)
    except RedisError:
        return  # it is only a note
