"""Being the master scheduler: of all schedulers, in both languages, one at a time.

See docs/protocol/scheduler.md#the-master-lock.
"""

from __future__ import annotations

import math
import os
import socket
import time
import uuid

from pyresque.config.options import SchedulerOptions
from pyresque.log import Log
from pyresque.store import master
from pyresque.store.delayed import Lease
from pyresque.store.space import Space

logger = Log("pyresque.scheduler")

HOLD = 0.6
"""Seconds after a run during which the lock is not given back. A Ruby scheduler that became master in the
meantime would fire the same run again: its clock looks every 0.3 s, and it does not ask what was fired."""


class Master:
    """The lock, as one process sees it. Every script that moves or fires something asks for it anew."""

    def __init__(self, space: Space, options: SchedulerOptions) -> None:
        self._space = space
        self._lifetime = options.lock_timeout
        self._key = space.keys.master_lock(options.lock_prefix)
        self.who = f"{socket.gethostname()}:{os.getpid()}"
        """Who this process is: `host:pid`."""
        self._secret = uuid.uuid4().hex[:12]
        self._next_ask = float("inf")
        self._fired = float("-inf")
        self._refused = True  # by the last answer; until one comes, the lock may be ours
        self.lease = self._new_lease()
        self.active = False
        """Whether we were master when we last asked."""
        self.holder = ""
        self._told: str | None = None

    @property
    def key(self) -> str:
        """The (full) key of the lock."""
        return self._key

    def ask(self) -> bool:
        """Become master or stay it; whether we are. Without Redis it raises what `Link.execute` raises.

        After a time without Redis we ask with the same value: what it holds may be ours, and with another
        one we would have to wait until our own lock expires.
        """
        if self._refused:
            self.lease, self._refused = self._new_lease(), False
        started = time.monotonic()
        ours, self.holder, left = master.acquire(self._space, self.lease)
        self._refused = not ours
        self._tell(ours, left)
        self.active = ours
        # The lock of somebody else is asked for in the moment in which it expires: where a Ruby scheduler
        # comes first, nobody makes up for what was missed.
        self._next_ask = started + self._lifetime / 3 if ours else time.monotonic() + left + 0.002
        return ours

    def _tell(self, ours: bool, left: float) -> None:
        """Say who is master when that has changed: one that stands by says nothing else."""
        name = "" if ours else holder_name(self.holder)
        if name == self._told:
            return
        self._told = name
        if ours:
            logger.info("master scheduler")
            return
        until = (
            "its lock has no end"
            if math.isinf(left)
            else f"its lock ends in {left:.0f} s unless it is renewed"
        )
        logger.info("child scheduler, standing by: the master is %s, and %s", name, until)

    def lost(self) -> None:
        """A script found that the lock is another's."""
        if self.active:
            logger.warning("the master lock was lost: another scheduler goes on")
        self.active, self._refused = False, True

    def renewed(self) -> None:
        """A script has renewed the lock."""
        self._next_ask = time.monotonic() + self._lifetime / 3

    def fired(self) -> None:
        """An entry of the schedule was fired just now."""
        self._fired = time.monotonic()

    def seconds_left(self) -> float:
        """Until the lock should be renewed, or that of another expires."""
        return max(0.0, self._next_ask - time.monotonic())

    def resign(self) -> None:
        """Give the lock back, so that another scheduler can go on at once."""
        if not self._refused:
            time.sleep(max(0.0, min(HOLD, self._fired + HOLD - time.monotonic())))
            master.resign(self._space, self.lease)
        self.active = False

    def _new_lease(self) -> Lease:
        value = f"{self.who}:{int(time.time())}-{self._secret}"
        return Lease(self._key, value, max(1, int(self._lifetime * 1000)))


def holder_name(value: str) -> str:
    """Who a master is, by what its lock holds: `host:pid`."""
    return value if master.since(value) is None else value.rpartition(":")[0]
