"""Statuses of jobs, on the keys of resque-status (docs/protocol/core.md#resque-status)."""

from __future__ import annotations

from collections.abc import Sequence

from pyresque.store.space import Space


def read(space: Space, uuid: str) -> bytes | None:
    """A status as it is stored."""
    raw: bytes | None = space.link.execute("GET", space.keys.status(uuid))
    return raw


def write(space: Space, uuid: str, status: bytes, seconds: int | None) -> None:
    """Store a status, for so many seconds where there is a limit."""
    expiry = () if seconds is None else ("EX", seconds)
    space.link.execute("SET", space.keys.status(uuid), status, *expiry)


def add(space: Space, uuid: str, second: int) -> None:
    """Enter a status, made at this second, in the list of all."""
    space.link.execute("ZADD", space.keys.statuses, second, uuid)


def remove_until(space: Space, second: int) -> None:
    """Take what was made until this second out of the list of all."""
    space.link.execute("ZREMRANGEBYSCORE", space.keys.statuses, 0, second)


def remove(space: Space, uuid: str) -> None:
    """Remove a status."""
    space.link.execute("UNLINK", space.keys.status(uuid))
    space.link.execute("ZREM", space.keys.statuses, uuid)


def newest(space: Space, start: int, count: int | None) -> Sequence[bytes | None]:
    """Statuses as they are stored, the newest first; None for one that has expired."""
    stop = -1 if count is None else start + count - 1
    uuids = [] if count == 0 else space.link.execute("ZREVRANGE", space.keys.statuses, start, stop)
    keys = [space.keys.status(uuid.decode()) for uuid in uuids]
    raws: Sequence[bytes | None] = space.link.execute("MGET", *keys) if keys else []
    return raws


def kill(space: Space, uuid: str) -> None:
    """Ask a job to end."""
    space.link.execute("SADD", space.keys.doomed_statuses, uuid)


def spare(space: Space, uuid: str) -> None:
    """Take back a `kill`."""
    space.link.execute("SREM", space.keys.doomed_statuses, uuid)


def is_to_be_killed(space: Space, uuid: str) -> bool:
    """Whether a job was asked to end."""
    return bool(space.link.execute("SISMEMBER", space.keys.doomed_statuses, uuid))
