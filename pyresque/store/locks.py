"""Locks on resque-lock-timeout's keys (core.md section 19.4), each with an owner of its own beside it.

The value of a lock is the second at which it expires, which says nothing of who holds it. Who does stands
in `pyresque:owner:KEY`: so a call whose answer was lost finds its own lock, and nobody frees another's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from pyresque.store.link import Word
from pyresque.store.replies import flag
from pyresque.store.script import Script
from pyresque.store.space import Space

_lock = Script("lock", reply=flag)
_unlock = Script("unlock", reply=flag)


@dataclass(frozen=True)
class Held:
    """A lock that was taken, by its (full) key."""

    key: str
    until: int
    owner: str


def take(space: Space, key: str, seconds: int, owner: str) -> Held | None:
    """Take a lock for so many seconds; None if somebody holds it.

    Args:
        owner: who asks, in a text that nobody else uses.
    """
    now = int(time.time())
    held = Held(key, now + seconds, owner)
    # Ruby takes a lock for expired when its second is over: Redis may forget it then.
    args: list[Word] = [now, held.until, seconds + 1, owner]
    return held if _lock.run(space.link, [key, owner_key(space, key)], args) else None


def free(space: Space, held: Held) -> bool:
    """Free a lock; False if it has expired meanwhile, and is perhaps another's now."""
    return bool(_unlock.run(space.link, [held.key, owner_key(space, held.key)], [held.until, held.owner]))


def owner(space: Space, key: str) -> Held | None:
    """A lock that Python holds; None if it is free, expired, or held by Ruby."""
    until, name = space.link.execute("MGET", key, owner_key(space, key))
    return Held(key, int(until), name.decode()) if name and until and until.isdigit() else None


def is_held(space: Space, key: str) -> bool:
    """Whether anybody holds a lock: Ruby or Python, with a time limit or without."""
    value: bytes | None = space.link.execute("GET", key)
    return value is not None and not (value.isdigit() and int(value) < time.time())


def is_rubys(space: Space, key: str) -> bool:
    """Whether Ruby holds a lock, or held it when it expired: Redis forgets ours by itself, Ruby's never."""
    return bool(space.link.execute("TTL", key) == -1)


def forget(space: Space, key: str) -> None:
    """Free a lock, whoever holds it."""
    space.link.execute("UNLINK", key, owner_key(space, key))


def owner_key(space: Space, key: str) -> str:
    """Where the owner of a lock stands."""
    return space.keys.owner(key)
