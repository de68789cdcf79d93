"""Looking at the jobs of a queue, and acting on them, in bounded steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from pyresque.client.looking import (
    LOOK,
    ROUND,
    SECONDS,
    Budget,
    ElementScan,
    GivenScan,
    Look,
    look_through,
    nearest,
    spans,
)
from pyresque.client.selection import GONE, ActionResult, Tally, first_of_page
from pyresque.store import queues
from pyresque.store.connection.link import Command
from pyresque.store.list_scan import ListScan
from pyresque.store.moving import move_at
from pyresque.store.removal import weed_at
from pyresque.store.space import Space

PIECE = 1000
"""Jobs that are acted on in one go; then it is asked whether there is time for more."""


class Waiting(Protocol):
    """What a job that waits tells."""

    @property
    def index(self) -> int:
        """Where it was."""

    @property
    def raw(self) -> bytes:
        """Its bytes."""

    @property
    def class_name(self) -> str:
        """Its class."""

    @property
    def id(self) -> str:
        """What it is known by."""


J = TypeVar("J", bound=Waiting)


class JobSteps(Generic[J]):
    """Bounded steps through some of the jobs of a queue.

    Args:
        read: makes a job of its index and bytes.
        seen: ids, each with the index where it was seen, of those that alone are meant.
    """

    def __init__(
        self,
        space: Space,
        queue: str,
        read: Callable[[int, bytes], J],
        wanted: Callable[[J], bool],
        seen: Sequence[tuple[str, int]] | None = None,
    ) -> None:
        self._space = space
        self._queue = queue
        self._key = space.keys.queue(queue)
        self._read = read
        self._wanted = wanted
        self._given = None if seen is None else self._found(seen)

    def scan(
        self, budget: Budget, after: str | None = None, backwards: bool = False
    ) -> ElementScan[J] | GivenScan[J]:
        """What is read."""
        if self._given is not None:
            return GivenScan(self._given[::-1] if backwards else self._given, budget, after)
        return ElementScan(ListScan(self._space, self._key, backwards, after or ""), budget, self._read)

    def look(self, number: int, size: int, after: str | None, most: int, is_open: bool) -> Look[J]:
        """One page; see `JobSelection.look`."""
        skip = 0 if after else first_of_page(number, size)
        scan, length = self.scan(Budget(most), after), 0
        if isinstance(scan, ElementScan):
            length = scan.elements.length
            if is_open and not after:
                scan.elements.skip_to(min(skip, length))
                skip = 0
        counts = not after and length <= most and (not is_open or self._given is not None)
        found = look_through(scan, self._wanted, number, size, skip=skip, counts=counts)
        total = length if is_open and self._given is None else found.total
        return Look(found.items, number, size, found.looked_at, found.is_whole, found.more, total, found.next)

    def remove(
        self, effects: Callable[[bytes], Sequence[Command]], tally: Tally, most: int, after: str | None
    ) -> ActionResult:
        """Remove at most so many, the last ones first."""

        def remove(jobs: Sequence[J]) -> int:
            places = [(job.index, job.raw) for job in reversed(jobs)]
            return _tell(tally, jobs[::-1], weed_at(self._space, self._key, places, effects))

        return self._round(self.scan(Budget(ROUND, SECONDS), after, True), most, tally, remove, 0)

    def move_to(self, queue: str, tally: Tally, most: int, after: str | None) -> ActionResult:
        """Move at most so many to the end of a queue, the next ones first."""

        def move(jobs: Sequence[J]) -> int:
            places = [(job.index, job.raw) for job in jobs]
            return _tell(tally, jobs, move_at(self._space, self._queue, queue, places))

        return self._round(self.scan(Budget(ROUND, SECONDS), after), most, tally, move, -1)

    def to_front(self, tally: Tally, most: int, after: str | None) -> ActionResult:
        """Move at most so many to the front, the last ones first: so they keep their order."""

        def move(jobs: Sequence[J]) -> int:
            places = [(job.index, job.raw) for job in reversed(jobs)]
            went = move_at(self._space, self._queue, self._queue, places, to_front=True)
            return _tell(tally, jobs[::-1], went)

        return self._round(self.scan(Budget(ROUND, SECONDS), after, True), most, tally, move, 1)

    def _round(
        self,
        scan: ElementScan[J] | GivenScan[J],
        most: int,
        tally: Tally,
        act: Callable[[list[J]], int],
        shift: int,
    ) -> ActionResult:
        """Act on at most so many.

        Args:
            act: acts on jobs; returns how many went.
            shift: by how much those that are still to be read stand elsewhere when one went.
        """
        first_of_page(1, most)
        piece: list[J] = []
        met, kept = 0, b""

        def act_now() -> None:
            went = act(piece)
            if isinstance(scan, ElementScan):
                scan.elements.shift(shift * went, kept)
            piece.clear()

        for job in scan:
            if self._wanted(job):
                piece.append(job)
                met += 1
            else:
                kept = job.raw
            if len(piece) == PIECE or (met == most and piece):
                act_now()
            if met == most:
                break
        if piece:
            act_now()
        if isinstance(scan, GivenScan):
            return tally.result(scan.cursor())
        elements = scan.elements
        return tally.result(elements.cursor_at(elements.at, kept, ends=shift != 0) or None)

    def _found(self, seen: Sequence[tuple[str, int]]) -> list[J]:
        """Those that are still near where they were seen, in their order; workers take some before them."""
        ids = {one for one, _ in seen}
        candidates: dict[str, list[J]] = {}

        def enter(first: int, raws: Sequence[bytes]) -> None:
            for job in (self._read(index, raw) for index, raw in enumerate(raws, first)):
                if job.id in ids and all(one.index != job.index for one in candidates.get(job.id, ())):
                    candidates.setdefault(job.id, []).append(job)

        for first, last in spans(index for _, index in seen):
            enter(first, queues.elements(self._space, self._queue, first, last - first))
        if len(candidates) < len(ids):
            first = max(0, max(index for _, index in seen) - LOOK)
            enter(first, queues.elements(self._space, self._queue, first, LOOK))
        found = nearest(candidates, seen, lambda job, index: abs(job.index - index))
        return sorted((job for job in found if job is not None), key=lambda job: job.index)


def _tell(tally: Tally, jobs: Sequence[J], went: Sequence[bool]) -> int:
    for job, is_gone in zip(jobs, went, strict=True):
        if is_gone:
            tally.done(job.class_name)
        else:
            tally.skip(GONE)
    return sum(went)
