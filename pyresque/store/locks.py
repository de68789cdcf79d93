"""Locks on resque-lock-timeout's keys, each with an owner of its own beside it.

See docs/protocol/core.md#resque-lock-timeout.

The value of a lock is the second at which it expires, which says nothing of who holds it. That is stored in
`pyresque:owner:KEY`: so a call whose answer was lost finds its own lock, and nobody frees another's. A lock
that a job of a worker of ours holds counts as free once that worker is not registered any more.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from pyresque.errors import RedisError
from pyresque.log import Log
from pyresque.store.connection.link import Word
from pyresque.store.connection.replies import flag, many
from pyresque.store.connection.server import is_same
from pyresque.store.script import Script
from pyresque.store.space import Space
from pyresque.store.statuses import NO_STATUS, NewStatus

logger = Log("pyresque.store")

_lock = Script("lock", uses=("lock_holders",), reply=flag)
_offer = Script("push_guarded", uses=("lock_holders", "guards", "new_status"), reply=many(flag), once=True)
_unlock = Script("unlock", reply=flag)
_keep = Script("rename_lock_owner", reply=flag)
_release = Script("release_lock", reply=flag)

CHUNK = 10_000
"""Jobs that one script takes at most."""


@dataclass(frozen=True)
class Held:
    """A lock that was taken, by its (full) key."""

    key: str
    until: int
    owner: str


@dataclass(frozen=True)
class Guard:
    """Two locks (full keys) that must be free for a job to be pushed; the push takes the first one.

    `space` is where they are: if that is where the job goes, both happen in one step.
    """

    space: Space
    lock: str
    other: str
    seconds: int

    @property
    def words(self) -> tuple[Word, ...]:
        """As the scripts read it."""
        return (self.lock, self.other, self.seconds)


@dataclass(frozen=True)
class Offer:
    """A job to be pushed (no queue: nowhere, but all else is done) if nobody holds its locks.

    `at_front`: to the head of its queue. `status` is written with it.
    """

    queue: str
    raw: bytes
    guards: Sequence[Guard] = ()
    at_front: bool = False
    status: NewStatus | None = None

    @property
    def words(self) -> list[Word]:
        """As the script reads it."""
        end, status = "LPUSH" if self.at_front else "RPUSH", self.status
        guards = [word for guard in self.guards for word in guard.words]
        known = NO_STATUS if status is None else status.words
        return [self.queue, self.raw, end, *known, len(self.guards), *guards]


def offer(space: Space, offers: Sequence[Offer]) -> list[bool]:
    """Push jobs in order, each with what belongs to it in the same step, or not at all; whether it was.

    Raises:
        RedisReplied: a queue or a lock holds something else; nothing was done.
    """
    pushed: list[bool] = []
    for first in range(0, len(offers), CHUNK):
        args: list[Word] = [space.keys.prefix, int(time.time())]
        for offered in offers[first : first + CHUNK]:
            args += offered.words
        pushed += map(bool, _offer.run(space, [space.keys.queues], args))
    return pushed


def taken_with(space: Space, guards: Sequence[Guard], attempt: str = "") -> list[Guard] | None:
    """The guards that a push at `space` takes with it; None if one is held that is on another server.

    Such a lock is taken here and now, in the name of the attempt: it finds its own lock when it is made
    again. An attempt without a name does not.
    """
    attempt = attempt or uuid.uuid4().hex
    here = []
    for guard in guards:
        if is_same(guard.space.link, space.link):
            here.append(guard)
        elif (
            _is_held(guard.space, guard.other)
            or take(guard.space, guard.lock, guard.seconds, attempt) is None
        ):
            return None
    return here


def keep(space: Space, guards: Sequence[Guard], attempt: str) -> None:
    """The push was made: from now on what was taken elsewhere for it is not found by the same attempt."""
    for guard in guards:
        if is_same(guard.space.link, space.link):
            continue
        try:
            _keep.run(guard.space, [owner_key(guard.space, guard.lock)], [attempt, f"{attempt} made"])
        except RedisError as error:
            logger.warning("a job like %s in the same second may be queued beside it: %s", attempt, error)


def give_back(space: Space, guards: Sequence[Guard], attempt: str) -> None:
    """The push was certainly not made: free what was taken elsewhere for it."""
    for guard in guards:
        held = None if is_same(guard.space.link, space.link) else owner(guard.space, guard.lock)
        if held is not None and held.owner == attempt:
            free(guard.space, held)


def _is_held(space: Space, key: str) -> bool:
    value: bytes | None = space.link.execute("GET", key)
    return value is not None and not (value.isdigit() and int(value) < time.time())


def take(space: Space, key: str, seconds: int, owner: str) -> Held | None:
    """Take a lock for so many seconds; None if somebody holds it.

    Args:
        owner: who asks, in a text that nobody else uses.
    """
    now = int(time.time())
    held = Held(key, now + seconds, owner)
    # Ruby takes a lock for expired when its second is over: Redis may forget it then.
    args: list[Word] = [space.keys.prefix, now, held.until, seconds + 1, owner]
    return held if _lock.run(space, [key, owner_key(space, key)], args) else None


def free(space: Space, held: Held) -> bool:
    """Free a lock; False if it has expired meanwhile, and is perhaps another's now."""
    return bool(_unlock.run(space, [held.key, owner_key(space, held.key)], [held.until, held.owner]))


def release(space: Space, key: str, value: str) -> bool:
    """Remove a lock that holds just this, as that of the master and that of the pruner; whether it did."""
    return bool(_release.run(space, [key], [value]))


def owner(space: Space, key: str) -> Held | None:
    """A lock that Python holds; None if it is free, expired, or held by Ruby."""
    until, name = space.link.execute("MGET", key, owner_key(space, key))
    return Held(key, int(until), name.decode()) if name and until and until.isdigit() else None


def is_rubys(space: Space, key: str) -> bool:
    """Whether Ruby holds a lock, or held it when it expired: Redis forgets ours by itself, Ruby's never."""
    return bool(space.link.execute("TTL", key) == -1)


def forget(space: Space, key: str) -> None:
    """Free a lock, whoever holds it."""
    space.link.execute("UNLINK", key, owner_key(space, key))


def owner_key(space: Space, key: str) -> str:
    """The key of the owner of a lock."""
    return space.keys.owner(key)
