"""Statuses of jobs, on the keys of resque-status (docs/protocol/core.md#resque-status)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyresque.errors import RedisError
from pyresque.store.connection.link import Command, Word
from pyresque.store.space import Space


@dataclass(frozen=True)
class NewStatus:
    """A status that is written, and entered in the list of all, in the step that pushes its job."""

    uuid: str
    value: bytes
    seconds: int

    @property
    def words(self) -> tuple[Word, ...]:
        """As the script reads it."""
        return (self.uuid, self.value, self.seconds)


NO_STATUS: tuple[Word, ...] = ("", "", 0)
"""What the script reads for a job without one."""


def written(space: Space, uuid: str, status: bytes, seconds: int) -> list[Command]:
    """The effect that stores a status, for so many seconds."""
    return [("SET", space.keys.status(uuid), status, "EX", seconds)]


def spared(space: Space, uuid: str) -> list[Command]:
    """The effect that takes back a `kill`."""
    return [("SREM", space.keys.doomed_statuses, uuid)]


def begin(space: Space, uuid: str, status: bytes, seconds: int) -> bool:
    """Store the status of a job that is to begin; whether somebody wants it to end instead.

    In this order: whoever has asked for its end, and reads afterwards that it has not begun, knows that it
    never will.
    """
    [command] = written(space, uuid, status, seconds)
    replies = space.link.execute_many([command, ("SISMEMBER", space.keys.doomed_statuses, uuid)])
    for reply in replies:
        if isinstance(reply, RedisError):
            raise reply
    return bool(replies[1])


def look(space: Space, uuid: str) -> tuple[bool, bytes | None]:
    """Whether somebody wants a job to end, and its status as it is stored; asked in this order."""
    replies = space.link.execute_many(
        [("SISMEMBER", space.keys.doomed_statuses, uuid), ("GET", space.keys.status(uuid))]
    )
    for reply in replies:
        if isinstance(reply, RedisError):
            raise reply
    return bool(replies[0]), replies[1]


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
