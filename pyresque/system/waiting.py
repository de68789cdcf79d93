"""Waiting: for what can be read, and for what is away, longer from one try to the next."""

from __future__ import annotations

import math
import os
import select
import time
from collections.abc import Iterable
from typing import Protocol, TypeVar

from pyresque.log import Log

_LONGEST = 1_000_000_000
"""Milliseconds that `poll` is asked to wait at most; it takes 31 bits."""


class Readable(Protocol):
    """Something that can be waited for."""

    def fileno(self) -> int:
        """Its file descriptor; below 0 where there is nothing to wait for any more."""


R = TypeVar("R", bound=Readable)


def readable(files: Iterable[R], seconds: float | None) -> list[R]:
    """Wait until one of these can be read, or is at its end; returns which. None: wait without end.

    Not `select`, which ends at descriptor 1024; `poll` has no such end and needs no descriptor of its own.
    """
    poller, numbers = select.poll(), dict[int, R]()
    for file in files:
        number = file.fileno()
        if number >= 0:
            numbers[number] = file
            poller.register(number, select.POLLIN)
    wait = None if seconds is None or math.isinf(seconds) else math.ceil(max(0.0, seconds) * 1000)
    ready = poller.poll(None if wait is None else min(wait, _LONGEST))
    return [numbers[number] for number, _ in ready]


class Backoff:
    """Growing waits while something is away: doubled each time, up to a bound, never two in step."""

    def __init__(self, first: float = 0.05, most: float = 1.0) -> None:
        self._first = first
        self._most = most
        self._next = first

    def reset(self) -> None:
        """It is there again."""
        self._next = self._first

    def next_sleep(self) -> float:
        """Seconds to wait before the next try."""
        wait, self._next = self._next, min(self._next * 2, self._most)
        # Not `random`: to have it imported makes every fork reseed it.
        return wait * (0.7 + 0.6 * int.from_bytes(os.urandom(1)) / 255)


class Outage:
    """Something that may be away: logged once, tried again after growing waits, and logged when it is back.

    Args:
        text: what is logged when it comes to be away, with %s for the error.
        back: what is logged when it is there again.
        backoff: how long to wait.
    """

    def __init__(
        self,
        logger: Log,
        text: str,
        back: str = "Redis answers again",
        backoff: Backoff | None = None,
    ) -> None:
        self._logger, self._text, self._back = logger, text, back
        self._backoff = backoff or Backoff()
        self._until = 0.0
        self.lasts = False
        """Whether the last try has failed."""

    @property
    def seconds_left(self) -> float:
        """Until the next try."""
        return max(0.0, self._until - time.monotonic())

    def failed(self, error: Exception) -> None:
        """A try has failed."""
        if not self.lasts:
            self._logger.warning(self._text, error)
        self.lasts = True
        self._until = time.monotonic() + self._backoff.next_sleep()

    def answered(self) -> None:
        """A try has succeeded."""
        if self.lasts:
            self._logger.warning(self._back)
        self.lasts, self._until = False, 0.0
        self._backoff.reset()
