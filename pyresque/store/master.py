"""The lock of the master scheduler, which Ruby's schedulers and ours share.

See docs/protocol/scheduler.md#the-master-lock.
"""

from __future__ import annotations

import re

from pyresque.errors import RedisError, RedisReplied
from pyresque.store import locks
from pyresque.store.connection.replies import data, digits, either, flag, integer, row
from pyresque.store.delayed import Lease
from pyresque.store.script import Script
from pyresque.store.space import Space

_NAME = "pyresque-scheduler:"
"""What the names of the connections begin with on which schedulers are woken."""

_NOT_IN_A_NAME = re.compile("[^!-~]")
_WHO = re.compile(rf"{_NAME}([^:]*:\d+)")
_FIELD = re.compile(r"(\S+?)=(\S*)")

_master = Script("become_master", reply=row(flag, data, either(integer(-2), digits)))


def acquire(space: Space, lease: Lease) -> tuple[bool, str, float]:
    """Become master or stay it, for `lease.milliseconds` from now on.

    Returns:
        Whether the lock is ours, what it holds, and for how many seconds (infinite: without end). What is not
        text under its key is nobody's and stays.
    """
    try:
        ours, held, left = _master.run(space, [lease.key], [lease.value, lease.milliseconds])
    except RedisReplied as error:
        return False, str(error), float("inf")
    return bool(ours), held.decode("utf-8", "backslashreplace"), _seconds(int(left))


def resign(space: Space, held: Lease) -> bool:
    """Give the lock back, if it is still ours; whether it was."""
    return locks.release(space, held.key, held.value)


def holder(space: Space, key: str) -> tuple[str, float] | None:
    """What the lock holds, and for how many seconds (infinite: without end); None if it is free.

    Of what is not text under its key, and so keeps everybody from being master, it is what Redis says.
    """
    value, left = space.link.execute_many([("GET", key), ("PTTL", key)])
    if isinstance(value, RedisReplied):
        return str(value), _seconds(left)
    if isinstance(value, RedisError):
        raise value
    return None if value is None else (value.decode("utf-8", "surrogateescape"), _seconds(left))


def free(space: Space, key: str, value: str) -> bool:
    """Free the lock of whoever holds it, if it still holds this value; whether it did."""
    return locks.release(space, key, value)


def since(value: str) -> float | None:
    """Since when a Python scheduler is master, by what its lock holds; None for one of Ruby's."""
    stamp = value.rpartition(":")[2].partition("-")
    return float(stamp[0]) if stamp[0].isdigit() and len(stamp[2]) == 12 else None


def connection_name(who: str, key: str) -> str:
    """What a scheduler calls a connection of its own, so that `connected` finds it.

    Args:
        who: `host:pid`.
        key: the (full) key of the lock that it asks for.
    """
    return _NOT_IN_A_NAME.sub("?", f"{_NAME}{who}:{key}")


def connected(space: Space, key: str) -> list[str] | None:
    """The schedulers of ours that have a connection to Redis and ask for this lock: `host:pid` of each.

    Those of Ruby do not name their connections. None where Redis does not tell who is connected.
    """
    try:
        own_id, listed = space.link.execute_many([("CLIENT", "ID"), ("CLIENT", "LIST")])
    except RedisError:
        return None
    if not isinstance(own_id, int) or not isinstance(listed, bytes):
        return None
    clients = [dict(_FIELD.findall(line)) for line in listed.decode("utf-8", "replace").splitlines()]
    # Another application may have the same namespace on another database.
    own_db = next((client.get("db") for client in clients if client.get("id") == str(own_id)), None)
    names = [client.get("name", "") for client in clients if client.get("db") == own_db]
    ending = ":" + _NOT_IN_A_NAME.sub("?", key)
    matches = [_WHO.fullmatch(name.removesuffix(ending)) for name in names if name.endswith(ending)]
    return sorted({match[1] for match in matches if match})


def _seconds(left: object) -> float:
    return left / 1000 if isinstance(left, int) and left >= 0 else float("inf")
