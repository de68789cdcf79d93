"""Reading some of the delayed jobs, by time, so that somebody can go on later where it has stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from pyresque.errors import InvalidSelection, RedisError
from pyresque.keys import DELAYED
from pyresque.store.delayed import Element
from pyresque.store.list_scan import BYTES, MOST
from pyresque.store.space import Space

SECONDS_FIRST = 16
"""Seconds that are read at a time, at first."""
JOBS_FIRST = 20
"""Jobs of each that are read with them."""


@dataclass(frozen=True)
class DelayedPlace:
    """A place among delayed jobs: a second as scored and as written, and how many of its jobs are before."""

    score: str
    second: bytes
    index: int

    @property
    def cursor(self) -> str:
        """It as a short text."""
        return json.dumps([self.score, self.second.decode("latin-1"), self.index], separators=(",", ":"))

    @classmethod
    def of(cls, cursor: str) -> DelayedPlace:
        """Read such a text.

        Raises:
            InvalidSelection: it is not one.
        """
        try:
            score, second, index = json.loads(cursor)
            float(score)
            return cls(str(score), second.encode("latin-1"), max(0, int(index)))
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise InvalidSelection(
                f"{cursor!r} is not a place among delayed jobs: begin at the first page"
            ) from None


class DelayedScan:
    """The delayed jobs between two moments, from a place on. Iteration gives places and elements.

    A place is the one before its element.
    """

    def __init__(
        self, space: Space, since: float | None, until: float | None, place: DelayedPlace | None
    ) -> None:
        self._space = space
        self._until = "+inf" if until is None else repr(until)
        self._least = ("-inf" if since is None else repr(since)) if place is None else place.score
        self._start = place

    def __iter__(self) -> Iterator[tuple[DelayedPlace, Element]]:
        for piece in self._seconds():
            names = [DELAYED.encode() + second for _, second in piece]
            replies = self._space.link.execute_many(
                [("LRANGE", self._key(name), 0, JOBS_FIRST - 1) for name in names]
            )
            for (score, second), name, reply in zip(piece, names, replies, strict=True):
                if isinstance(reply, RedisError):
                    continue  # it is not a list
                start = self._start
                first = start.index if start is not None and start.second == second else 0
                for index, raw in self._jobs(name, reply, first):
                    yield DelayedPlace(score, second, index), (name, raw)

    def _seconds(self) -> Iterator[list[tuple[str, bytes]]]:
        """The seconds with their scores, piece by piece; each only once."""
        least, above, count = self._least, 0, SECONDS_FIRST
        start = self._start
        while True:
            raws: list[bytes] = self._space.link.execute(
                "ZRANGEBYSCORE", self._space.keys.delayed_schedule, least, self._until,
                "WITHSCORES", "LIMIT", above, count,
            )  # fmt: skip
            pairs = [
                (score.decode("ascii"), second) for second, score in zip(raws[::2], raws[1::2], strict=True)
            ]
            # Seconds of one score come in the order of their bytes.
            yield [
                (score, second)
                for score, second in pairs
                if start is None or score != start.score or second >= start.second
            ]
            if len(pairs) < count:
                return
            same = sum(1 for score, _ in pairs if score == pairs[-1][0])
            above = above + same if pairs[-1][0] == least else same
            least, count = pairs[-1][0], min(4 * count, MOST)

    def _jobs(self, name: bytes, read: list[bytes], first: int) -> Iterator[tuple[int, bytes]]:
        """The jobs of one second from an index on; those that were read already are the first of all."""
        yield from list(enumerate(read))[first:]
        if len(read) < JOBS_FIRST:
            return
        at, step = max(first, len(read)), 5 * JOBS_FIRST
        while raws := self._space.link.execute("LRANGE", self._key(name), at, at + step - 1):
            yield from enumerate(raws, at)
            at += len(raws)
            step = max(1, min(4 * step, MOST, BYTES * len(raws) // (sum(map(len, raws)) or 1)))

    def _key(self, name: bytes) -> bytes:
        return self._space.keys.prefix.encode() + name
