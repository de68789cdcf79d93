"""Moving delayed jobs that are due to their queues (scheduler.md 5 to 7)."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from pyresque.due import Ready, names_to_show, ready_item
from pyresque.errors import ResqueError
from pyresque.registry import Registry
from pyresque.store import delayed
from pyresque.store.delayed import NOBODY, Claim, Place, Taking
from pyresque.store.space import Space

logger = logging.getLogger("pyresque.scheduler")


@dataclass(frozen=True)
class Step:
    """What one step did: how many jobs left the delayed lists, and what comes next.

    `more`: go on at once. `lost`: the lock is another's. `next`: the next second in the books.
    """

    moved: int
    more: bool = False
    lost: bool = False
    next: float | None = None


class Mover:
    """Moves due jobs, a batch in one step.

    The script moves what it can judge for certain. The rest it leaves where it is and shows us: jobs of
    classes with hooks, jobs with other keys, what is no job. We judge, and a second script takes each by its
    bytes and puts it on its queue (or aside) in one step. So a job is always either delayed or on its queue.
    """

    def __init__(self, space: Space, registry: Registry, batch: int = delayed.BATCH) -> None:
        self._space = space
        self._registry = registry
        self._batch = batch
        self._shown: list[str] = []

    def step(self, claim: Claim = NOBODY, now: float | None = None) -> Step:
        """Move one batch of what is due at `now` (else: by the clock).

        Raises:
            RedisError: Redis cannot be reached or refuses; nothing is lost, and nothing is moved by halves.
        """
        second = int(time.time() if now is None else now)
        self._shown = names_to_show(self._registry)
        did = delayed.drain(self._space, second, claim, self._shown, self._batch)
        for trouble in did.troubles:
            logger.error("%s", trouble)
        if did.what == "lost":
            return Step(0, lost=True)
        if did.what != "look":
            return Step(did.moved, did.what == "more", next=did.next)
        taken = self._take(did.places, claim)
        return Step(did.moved, lost=True) if taken is None else Step(did.moved + taken, more=True)

    def drain(self, claim: Claim = NOBODY, now: float | None = None) -> int:
        """Move everything that is due; returns how many jobs left the delayed lists."""
        moved, step = 0, Step(0, more=True)
        while step.more:
            step = self.step(claim, now)
            moved += step.moved
        return moved

    def _take(self, places: list[Place], claim: Claim) -> int | None:
        """Take what the script left to us, in order; one with hooks by itself, so that they run about it."""
        taken, waiting = 0, list[tuple[Taking, Ready | None]]()
        for number, place in enumerate(places, 1):
            taking, ready = self._judge(place)
            waiting.append((taking, ready))
            alone = ready is not None and ready.job is not None and ready.job.name in self._shown
            if alone or number == len(places):
                count = self._take_judged(waiting, claim)
                if count is None:
                    return None
                taken, waiting = taken + count, []
        return taken

    def _take_judged(self, judged: list[tuple[Taking, Ready | None]], claim: Claim) -> int | None:
        answer = delayed.take(self._space, [taking for taking, _ in judged], claim, tidy=True)
        if answer is None:
            return None
        counts, troubles = answer
        for trouble in troubles:
            logger.error("%s", trouble)
        for (taking, ready), count in zip(judged, counts, strict=True):
            if count and ready is not None and taking.what == "push":
                ready.after("after_enqueue")
        return sum(counts)

    def _judge(self, place: Place) -> tuple[Taking, Ready | None]:
        try:
            ready = ready_item(place[1], self._registry, self._space.style)
            return ready.taking(place), ready
        except Exception as error:
            expected = isinstance(error, ResqueError)
            logger.error(
                "a delayed job cannot be queued (%s): %r of %s is put aside, in %s",
                error, _shown(place[1]), place[0].decode("utf-8", "replace"),
                self._space.keys.aside(self._space.keys.prefix + place[0].decode("utf-8", "replace")),
                exc_info=not expected,
            )  # fmt: skip
            return Taking(place, "aside", copies=1), None


def _shown(raw: bytes) -> str:
    text = raw.decode("utf-8", "backslashreplace")
    return text if len(text) <= 200 else text[:197] + "..."
