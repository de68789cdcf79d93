"""How long a worker waits for Redis: as long as it takes; for a while at its start, for a moment at its end.

Every error is waited for but one: what Redis will never take (RedisRejected) is the caller's to shorten.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from pyresque.errors import RedisError, RedisRejected
from pyresque.log import Log
from pyresque.store.connection.link import LEAVE_SECONDS, DirectLink, PatientLink, is_hopeless
from pyresque.store.space import Space
from pyresque.system.waiting import Outage
from pyresque.usercode.safely import is_a
from pyresque.worker.listener import Listener

logger = Log("pyresque.worker")

T = TypeVar("T")


class Outages:
    """How one worker bears outages of Redis.

    Args:
        link: the worker's own link: nobody else may be hurried with it.
        start: seconds that Redis may be away when the worker begins.
    """

    def __init__(self, link: DirectLink, listener: Listener, start: float) -> None:
        self._link = link
        self._listener = listener
        self._start = start
        self._until = time.monotonic() + start

    def space(self, of: Space) -> Space:
        """The same space over a link that repeats, but nothing more once the worker is to leave."""
        patient = PatientLink(self._link, gives_up=lambda: self._listener.is_leaving)
        return Space(patient, of.keys, of.style)

    def hurry(self) -> None:
        """The worker leaves, and has nothing else left to do: a moment is left."""
        self._link.deadline = min(self._link.deadline, time.monotonic() + LEAVE_SECONDS)

    def begin(self, step: Callable[[], object]) -> bool:
        """Carry out a step of the worker's start; False if it was told to leave before Redis took it.

        Raises:
            RedisError: Redis does not speak our language, or does not let us in; or it was away for too long.
        """
        text = f"%s. The worker waits for it, up to {self._start:g} seconds (--start-timeout)"
        outage = Outage(logger, text)
        while True:
            try:
                step()
                return True
            except RedisError as error:
                if is_hopeless(error, self._link) or time.monotonic() >= self._until:
                    raise
                outage.failed(error)
                self._listener.wait(outage.seconds_left)
                if self._listener.shutdown.asked:
                    logger.warning("The worker leaves: it was told to before it could begin")
                    return False

    def persist(
        self,
        write: Callable[[], T],
        what: str = "The result of the last job",
        *,
        outlasts_shutdown: bool = True,
        error: RedisError | None = None,
    ) -> T:
        """Write something, for as long as it takes.

        Args:
            what: it, as the log calls it.
            outlasts_shutdown: whether it is waited for when the worker is to leave, until it is told again.
            error: how the first try has failed, if there was one.

        Raises:
            RedisRejected: Redis will never take it.
            RedisError: the worker is to leave; what was not written is found by whoever prunes it.
        """
        outage = Outage(logger, f"%s. {what} waits for it")
        while True:
            if error is not None:
                if is_a(error, RedisRejected):
                    raise error
                outage.failed(error)
                if self.is_over(outage, outlasts_shutdown):
                    raise error
                self._listener.wait(outage.seconds_left)
            try:
                return write()
            except RedisError as raised:
                error = raised

    def is_over(self, outage: Outage, outlasts_shutdown: bool) -> bool:
        """Whether, after a try that has failed, the next one would come too late."""
        shutdown = self._listener.shutdown
        if shutdown.insisted or (shutdown.asked and not outlasts_shutdown):
            self.hurry()
        return time.monotonic() + outage.seconds_left >= self._link.deadline
