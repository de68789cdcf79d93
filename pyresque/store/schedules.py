"""The schedule in Redis, on the keys of resque-scheduler (docs/protocol/scheduler.md#recurring-schedules)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyresque.errors import RedisError, RedisReplied
from pyresque.log import Log
from pyresque.store.connection.link import Reply, Word
from pyresque.store.connection.replies import flag, integer, row, words
from pyresque.store.delayed import NO_LEASE, Lease, texts
from pyresque.store.locks import Guard
from pyresque.store.script import Script
from pyresque.store.space import Space

logger = Log("pyresque.store")

_reschedule = Script("write_schedule", reply=flag, once=True)
_fire = Script(
    "fire", uses=("effects", "lock_holders", "guards"), reply=row(integer(-1, 2), words), once=True
)


@dataclass(frozen=True)
class Firing:
    """An entry that is to fire: what is noted for it until now, what to note, and the job, if any."""

    name: str
    noted: str
    note: str
    queue: str = ""
    payload: bytes = b""
    guards: Sequence[Guard] = ()


def save(space: Space, name: str, text: bytes) -> bool:
    """Write an entry and say that it has changed; whether there was one of this name."""
    return _write(space, name, text)


def remove(space: Space, name: str) -> bool:
    """Remove an entry and say so; whether there was one."""
    return _write(space, name, b"")


def entries(space: Space) -> dict[str, bytes]:
    """The entries in Redis: name and JSON, as they are."""
    return _pairs(space.link.execute("HGETALL", space.keys.persistent_schedules))


def changed(space: Space) -> tuple[dict[str, bytes], list[bytes]]:
    """The entries in Redis, and the names that are said to have changed."""
    keys = space.keys
    commands = [("SMEMBERS", keys.schedules_changed), ("HGETALL", keys.persistent_schedules)]
    names, entries = space.link.execute_many(commands)
    for reply in (names, entries):
        if isinstance(reply, RedisError):
            # The key holds something else: to do without is better than to stop.
            logger.error("the schedule in Redis cannot be read: %s", reply)
    stored = {} if isinstance(entries, RedisError) else _pairs(entries)
    return stored, [] if isinstance(names, RedisError) else list(names)


def heard(space: Space, names: Iterable[bytes]) -> None:
    """Say that changes were seen: their names go."""
    words = list(names)
    if words:
        space.link.execute("SREM", space.keys.schedules_changed, *words)


def last_runs(space: Space) -> dict[str, str]:
    """When each entry was fired last, in the text that the master wrote."""
    try:
        entries = _pairs(space.link.execute("HGETALL", space.keys.last_enqueued_at))
    except RedisReplied as error:
        logger.error("when the schedule was fired last cannot be read: %s", error)
        return {}
    return {name: text.decode("utf-8", "backslashreplace") for name, text in entries.items()}


def fire(space: Space, firing: Firing, lease: Lease = NO_LEASE) -> tuple[int, list[str]]:
    """Push the job of an entry and note when, unless something else than expected is noted already.

    Returns:
        1 done, 2 noted but kept away by a guard, 0 somebody else has noted something meanwhile, -1 the lock
        is another's; and what went wrong.
    """
    keys = [space.keys.last_enqueued_at, space.keys.queues, lease.key or space.keys.queues]
    args: list[Word] = [space.keys.prefix, lease.value, firing.name, firing.noted]
    args += [firing.note, firing.queue, firing.payload, int(time.time())]
    args += [word for guard in firing.guards for word in guard.words]
    done, troubles = _fire.run(space, keys, args)
    return int(done), texts(troubles)


def _write(space: Space, name: str, text: bytes) -> bool:
    keys = [space.keys.persistent_schedules, space.keys.schedules_changed]
    return bool(_reschedule.run(space, keys, [name, text]))


def _pairs(reply: Reply) -> dict[str, bytes]:
    # RESP3 connections of a user's client give a map.
    words = [word for pair in reply.items() for word in pair] if isinstance(reply, dict) else list(reply)
    names = (name.decode("utf-8", "surrogateescape") for name in words[::2])
    return dict(zip(names, words[1::2], strict=True))
