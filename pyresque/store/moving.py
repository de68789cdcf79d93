"""Moving many jobs of a queue: to the end of another one, or to the front of their own.

A job is at every moment on one of the two: each script takes some out of the list and pushes them. They are
found by how far they stand from the end of the list, for workers take from its head meanwhile. What is not
where it was is looked for again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from pyresque.store import queues
from pyresque.store.connection.link import Word
from pyresque.store.connection.replies import data, row
from pyresque.store.removal import BYTES, NODES, WINDOW
from pyresque.store.script import Script
from pyresque.store.space import Space

_move = Script("move_scattered", uses=("scattered",), reply=row(data), once=True)

SPAN = 1000
"""How far apart jobs may stand that one script takes: it reads what is between them."""
ROUNDS = 5
"""How often jobs are looked for that are not where they were."""

_Position = tuple[int, bytes]
"""How far a job is from the end of its queue (1: it is the last), and the job."""


def move(
    space: Space,
    source: str,
    target: str,
    chosen: Callable[[bytes], object],
    *,
    to_front: bool = False,
    moved: Callable[[bytes], object],
) -> int:
    """Move jobs of a queue, in their order.

    A kill in between leaves each job where it was or where it goes. What comes meanwhile may stay.

    Args:
        chosen: whether a job is to be moved.
        to_front: they go to the head of the target, which is their own queue; else to its end.
        moved: is called with each job that was moved.

    Returns:
        How many of them were gone before they could be moved.

    Raises:
        RedisReplied: the target is not a list of jobs.
    """
    mover = _Mover(space, source, target, to_front, moved)
    positions = mover.positions(chosen)
    left = Counter(raw for _, raw in positions)
    for _ in range(ROUNDS):
        left -= mover.move(positions)
        if not left:
            return 0
        positions = mover.positions(partial(_took, Counter(left)))
    return left.total()


def move_at(
    space: Space, source: str, target: str, positions: Sequence[tuple[int, bytes]], *, to_front: bool = False
) -> list[bool]:
    """Move jobs whose positions are known, in their order, without a pass; for each whether it went.

    Args:
        positions: the index and the bytes of each. Near its position one is found, too.
        to_front: as in `move`.
    """
    length = queues.size(space, source)
    went: Counter[bytes] = Counter()
    mover = _Mover(space, source, target, to_front, lambda raw: went.update((raw,)))
    mover.move([(max(1, length - index), raw) for index, raw in positions])
    flags = []
    for _, raw in positions:
        flags.append(went[raw] > 0)
        went[raw] -= 1
    return flags


def _took(counts: Counter[bytes], raw: bytes) -> bool:
    """Whether an element is one of these that was not met yet."""
    if counts[raw] < 1:
        return False
    counts[raw] -= 1
    return True


class _Mover:
    def __init__(
        self, space: Space, source: str, target: str, to_front: bool, moved: Callable[[bytes], object]
    ) -> None:
        self._space = space
        self._source = source
        self._target = target
        self._to_front = to_front
        self._moved = moved

    def positions(self, chosen: Callable[[bytes], object]) -> list[_Position]:
        """Where the chosen jobs are, from the head to the tail."""
        length, positions, start = queues.size(self._space, self._source), list[_Position](), 0
        while start < length:
            piece = queues.elements(self._space, self._source, start, min(WINDOW, length - start))
            positions += [(length - start - n, raw) for n, raw in enumerate(piece) if chosen(raw)]
            start += WINDOW
        return positions

    def move(self, positions: Sequence[_Position]) -> Counter[bytes]:
        """Move what is at these positions; returns what was moved."""
        moved: Counter[bytes] = Counter()
        left, most = list(positions), WINDOW
        shift = 0  # by how much all others are farther from the end now
        while left:
            part = self._part(left, most)
            signs = self._run([(at + shift, raw) for at, raw in part])
            done = [raw for (_, raw), sign in zip(part, signs, strict=True) if sign == ord("1")]
            moved.update(done)
            for raw in done:
                self._moved(raw)
            if self._to_front:
                shift -= len(done)
            elif self._source == self._target:
                shift += len(done)
            waits = signs.count(b"+")
            most = max(1, len(part) - waits) if waits else min(2 * most, WINDOW)
            count = len(part) - waits
            left = left[: len(left) - count] if self._to_front else left[count:]
        return moved

    def _part(self, left: Sequence[_Position], most: int) -> list[_Position]:
        """The next ones for one script, in the order of the list."""
        part: list[_Position] = []
        size = 0
        for position in reversed(left[-most:]) if self._to_front else left[:most]:
            size += len(position[1])
            # The script reads the list from the first of them to the last.
            if part and (size > BYTES or abs(position[0] - part[0][0]) > SPAN):
                break
            part.append(position)
        return part[::-1] if self._to_front else part

    def _run(self, part: Sequence[_Position]) -> bytes:
        keys = self._space.keys
        names: list[Word] = [keys.queue(self._source), keys.queue(self._target), keys.queues]
        args: list[Word] = [NODES, "LPUSH" if self._to_front else "RPUSH", self._target]
        for at, raw in part:
            args += [max(1, at), raw]
        return bytes(_move.run(self._space, names, args)[0])
