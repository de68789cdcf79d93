"""Jobs that a worker leaves to others, and need not read again at each look."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyresque.store.reservation import Bookmark, LeftJobs
from pyresque.worker.waiting_classes import WaitingClasses

SLICE = 0.05
"""Seconds that a look may take until the worker listens to signals, beats, and goes on with it."""
FULL_LOOK_SECONDS = 60.0
"""A bookmark in a queue is believed for so long; then the queue is looked through from its head on."""
FULL_LOOKS_EVERY = 20
"""It is believed for at least this many times as long as it took to get there, so that foreign jobs in
great numbers never cost more than a twentieth of the time."""
MOST_TOLD = 1_000
"""Classes, each with its queue, of which the log tells that they are left."""
MOST_AT_A_TIME = 512
"""Elements of an unusual form that are judged together."""


@dataclass
class _Look:
    """One look through a queue: when it began, and how long it has taken."""

    since: float
    spent: float = 0.0


class UnknownJobs:
    """What the workers of one process have seen of foreign jobs; they know the same classes.

    A bookmark in a queue is a good guess: who pops from the head or removes from the midst moves the
    elements, and the script (reserve.lua) finds it by its mark. Only where elements are all alike it may be
    wrong, or where a job was put back behind others at the head: so it is forgotten in time.

    Args:
        told: names of classes of which the log need not tell that they are left: it has done so.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, told: Sequence[str] = ()) -> None:
        self.left = LeftJobs()
        self.waiting = WaitingClasses(clock)
        self._clock = clock
        self._told: set[tuple[str, str]] = set()
        self._told_before = frozenset(told)
        self._names: Sequence[str] = ()
        self._looks: dict[str, _Look] = {}

    def known(self, names: Sequence[str]) -> None:
        """These are the classes that the workers know: with others what was seen means nothing."""
        if names != self._names:
            if not set(names) <= set(self._names):  # with fewer, what was left is still left
                self.left.bookmarks.clear()
                self._looks.clear()
            self._names = names

    def is_new(self, name: str, queue: str) -> bool:
        """Whether this class on this queue was not logged yet; from now on it counts as logged."""
        is_known = name in self._told_before or (name, queue) in self._told
        if is_known or len(self._told) >= MOST_TOLD:
            return False
        self._told.add((name, queue))
        return True

    def begin(self) -> None:
        """A look begins: what must be looked through anew is."""
        now = self._clock()
        for queue, look in list(self._looks.items()):
            if now >= look.since + max(FULL_LOOK_SECONDS, FULL_LOOKS_EVERY * look.spent):
                self._forget(queue)

    def reached(self, queue: str, offset: int, mark: bytes, seconds: float) -> None:
        """All elements before this offset were left (`mark`: see reserve.lua); to read them took so long."""
        before = self.left.bookmarks.get(queue)
        if mark == b"-":
            self._forget(queue)
        elif mark:
            mark = before.mark if mark == b"=" and before is not None else mark
            self.left.bookmarks[queue] = Bookmark(offset, mark)
            look = self._looks.setdefault(queue, _Look(self._clock() - seconds))
            look.spent += seconds

    def judged(self, reserved: bool) -> None:
        """Elements of an unusual form were judged: one was reserved, or all were left: there may be more."""
        self.left.at_a_time = 1 if reserved else min(2 * self.left.at_a_time, MOST_AT_A_TIME)

    def _forget(self, queue: str) -> None:
        self.left.bookmarks.pop(queue, None)
        self._looks.pop(queue, None)
