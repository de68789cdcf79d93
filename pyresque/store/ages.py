"""Since when something was seen as it is, where nothing in Redis tells: the first job of a queue, an entry.

Whoever looks notes what was seen, in one hash for each kind, with a field for each name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from pyresque.errors import RedisError
from pyresque.store.connection.link import Command
from pyresque.store.space import Space

MEMORY = 7 * 86400
"""Seconds after which what was seen is forgotten, if nobody looks any more."""


def since(
    space: Space,
    key: str,
    seen: Mapping[str, bytes | None],
    now: float,
    at_first: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Since when each of these is what it is now; one that has changed, from now on.

    Where that cannot be read or written, as in a full Redis, nothing is known.

    Args:
        key: the hash with the notes.
        seen: what is seen now, by name; None where there is nothing.
        at_first: the moment to note for a name of which nothing is noted; now, if it is not among them.
    """
    names = list(seen)
    if not names:
        return {}
    try:
        marks = space.link.execute("HMGET", key, *names)
    except RedisError:
        return {}
    ages: dict[str, float] = {}
    new: list[str] = []
    gone: list[str] = []
    for name, mark in zip(names, marks, strict=True):
        raw = seen[name]
        if raw is None:
            gone += [name] if mark is not None else []
            continue
        digest = hashlib.sha1(raw).hexdigest()[:16]  # noqa: S324 (no secret)
        before, _, at = (mark or b"").decode("ascii", "replace").partition(" ")
        if before == digest and at.isdecimal() and int(at) <= now:
            ages[name] = int(at)
            continue
        ages[name] = now if mark is not None else (at_first or {}).get(name, now)
        new += [name, f"{digest} {int(ages[name])}"]
    _note(space, key, new, gone)
    return ages


def _note(space: Space, key: str, new: list[str], gone: list[str]) -> None:
    commands: list[Command] = []
    if new:
        commands += [("HSET", key, *new), ("EXPIRE", key, MEMORY)]
    if gone:
        commands.append(("HDEL", key, *gone))
    try:
        if commands:
            space.link.execute_many(commands)
    except RedisError:
        return  # it is only a note
