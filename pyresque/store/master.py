"""The lock of the master scheduler, which Ruby's schedulers and ours share.

See docs/protocol/scheduler.md#the-master-lock.
"""

from __future__ import annotations

from pyresque.errors import RedisReplied
from pyresque.store import locks
from pyresque.store.connection.replies import data, digits, either, flag, integer, row
from pyresque.store.delayed import Lease
from pyresque.store.script import Script
from pyresque.store.space import Space

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
    """What the lock holds, and for how many seconds (infinite: without end); None if it is free."""
    value, left = space.link.execute_many([("GET", key), ("PTTL", key)])
    if not isinstance(value, bytes):
        return None
    text = value.decode("utf-8", "backslashreplace")
    return text, _seconds(left)


def _seconds(left: object) -> float:
    return left / 1000 if isinstance(left, int) and left >= 0 else float("inf")
