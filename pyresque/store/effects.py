"""Effects: commands that a script carries out together with its own work (parts/effects.lua)."""

from __future__ import annotations

from collections.abc import Iterable

from pyresque.keys import Keys, delayed_list
from pyresque.store.connection.link import Command
from pyresque.store.space import Space


def carry_out(space: Space, commands: Iterable[Command]) -> None:
    """Do now, one by one, what else a script does in its own step."""
    for command in commands:
        space.link.execute(*command)


def push(keys: Keys, queue: str, raw: bytes) -> list[Command]:
    """Append a job to its queue."""
    return [("SADD", keys.queues, queue), ("RPUSH", keys.queue(queue), raw)]


def push_first(keys: Keys, queue: str, raw: bytes) -> list[Command]:
    """Put a job at the head of its queue."""
    return [("SADD", keys.queues, queue), ("LPUSH", keys.queue(queue), raw)]


def delay(keys: Keys, second: int, item: bytes) -> list[Command]:
    """Delay a job until this second."""
    return [
        ("RPUSH", keys.delayed(second), item),
        ("SADD", keys.timestamps(item), delayed_list(second)),
        ("ZADD", keys.delayed_schedule, second, second),
    ]


def record_failure(keys: Keys, list_name: str, record: bytes) -> list[Command]:
    """Append a record to `failed` or, with its name made known, to `Q_failed`."""
    known = [] if list_name == "failed" else [("SADD", keys.failed_queues, list_name)]
    return [*known, ("RPUSH", keys.failed_list(list_name), record)]


def put_aside(keys: Keys, key: str, raw: bytes) -> list[Command]:
    """Append bytes that cannot be in this (full) key to its aside list."""
    return [("RPUSH", keys.aside(key), raw)]


def count(keys: Keys, names: Iterable[str], worker_id: str) -> list[Command]:
    """Add one to these counters: that of all workers, and that of this one."""
    return [("INCRBY", keys.stat(name, of), 1) for name in names for of in ("", worker_id)]


def count_expired(keys: Keys) -> list[Command]:
    """Count a job that was not run because it had waited too long."""
    return [("INCRBY", keys.stat("expired"), 1)]


def count_recovery(keys: Keys, digest: str, seconds: int) -> list[Command]:
    """Note, for so many seconds, that a job goes back to its queue because its worker died."""
    key = keys.recovered(digest)
    return [("INCRBY", key, 1), ("EXPIRE", key, seconds)]


# --- the keys of resque-retry ----------------------------------------------------------------------


def set_attempt(key: str, number: int, seconds: int | None) -> Command:
    """Write the number of an attempt; it expires after so many seconds, or (None) as it did before."""
    return ("SET", key, number, *(("KEEPTTL",) if seconds is None else ("EX", seconds)))


def keep_failure(key: str, record: bytes, seconds: int) -> Command:
    """Keep for a while the last failure that is not recorded."""
    return ("SETEX", key, seconds, record)


def forget(key: str) -> Command:
    """Remove a key."""
    return ("UNLINK", key)
