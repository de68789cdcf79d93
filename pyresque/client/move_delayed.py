"""Move delayed jobs to their queues: in order, each with its own code next to it.

See docs/protocol/scheduler.md#moving-due-items.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

from pyresque.client.delayed_item import ScheduledJob, attempt_of, ready_item
from pyresque.errors import RedisReplied
from pyresque.log import Log
from pyresque.model.registry import Registry
from pyresque.store import delayed, effects
from pyresque.store.connection.link import Command
from pyresque.store.delayed import NO_LEASE, Element, Lease, Move
from pyresque.store.space import Space
from pyresque.wire.extra_keys import tracked_id_in

logger = Log("pyresque.scheduler")

FEW = 20
"""So many jobs of one second, or less, are looked for one by one; more are removed in one pass."""

T = TypeVar("T")
Told = Callable[[Element, int], object]
"""Is called with a delayed job, and how many copies of it were taken or removed."""
Refusal = Callable[[Element, BaseException], Move]
"""What is to become of a delayed job that cannot be queued, or whose code has failed."""


_in_hand: ContextVar[Element | None] = ContextVar("pyresque_in_hand", default=None)


def with_job_in_hand(element: Element | None, function: Callable[..., T], *args: Any) -> T:
    """Call code of the application about a delayed job.

    For that code the job is not delayed any more, as in Ruby, where it was taken before: code that removes
    all jobs that look like it would take it away from under itself.
    """
    token = _in_hand.set(element)
    try:
        return function(*args)
    finally:
        _in_hand.reset(token)


def not_in_hand(element: Element) -> bool:
    """Whether this is another job than the one whose code runs now."""
    return element != _in_hand.get()


class LockLost(Exception):
    """The lock is another's: what was not taken until now stays delayed."""


class DelayedMover:
    """Takes delayed jobs, one after the other.

    Jobs without code of their own go in one step, as many as follow each other. Where code of the
    application runs (hooks, `scheduled`), everything before the job is on its queue already, the job is
    asked for once more, and the next step takes it. So the code of a job that somebody has removed does not
    run, and a kill can let the code of one job run again at most.

    Args:
        lease: the lock that must be held.
        tidy: forget seconds that have become empty.
        decided: what is to become of jobs whose code has run, and that are not taken yet, as Redis was away:
            it must not run again. For who takes these jobs the next time.
        told: hears of each job what became of it.
        refusal: decides about a job that cannot be queued or whose code raises, whatever it raises; without
            it the error is raised, and that job and all after it stay delayed.
    """

    def __init__(
        self,
        space: Space,
        registry: Registry,
        lease: Lease = NO_LEASE,
        *,
        tidy: bool = True,
        refusal: Refusal | None = None,
        decided: dict[Element, Move] | None = None,
        told: Told | None = None,
    ) -> None:
        self._space = space
        self._registry = registry
        self._lease = lease
        self._tidy = tidy
        self._refusal = refusal
        self._decided = {} if decided is None else decided
        self._told = told
        self._waiting: list[Move] = []
        self._seen: Element | None = None
        self.taken = 0
        """How many jobs have left the delayed lists."""

    def take(self, elements: Iterable[Element], seconds: float = float("inf")) -> None:
        """Take the jobs at these places; one that is not there any more is passed over.

        Args:
            seconds: after so long no more code is begun, and the rest stays.

        Raises:
            LockLost: the lock is another's.
            RedisError: Redis cannot be reached or refuses.
        """
        until = time.monotonic() + seconds
        for element, following in pairwise((*elements, None)):
            if element is None or not self._take_one(element, following, time.monotonic() < until):
                break
        self._flush(None)

    def _take_one(self, element: Element, following: Element | None, may_run: bool) -> bool:
        """Take a job, or let it wait for the next step; False if it has code, which may not run now."""
        try:
            ready = ready_item(element[1], self._registry, self._space.style)
            has_code = ready.has_code
        except BaseException as error:
            if self._refusal is None:
                self._flush(None)
                raise
            self._waiting.append(self._refusal(element, error))
            return True
        if not has_code:
            self._waiting.append(ready.move(element, self._space))
        elif not may_run:
            return False
        elif self._stands(element):
            move = self._decided.get(element) or self._judged(ready, element)
            self._decided.clear()
            self._decided[element] = move
            try:
                self._flush(following, move, ready)
            except RedisReplied as error:
                if not move.guards or self._refusal is None:
                    raise
                # The key of a lock holds something else: that must not stop those behind it.
                self._flush(following, self._refusal(element, error), ready)
            self._decided.clear()
        return True

    def _stands(self, element: Element) -> bool:
        """Whether the job is still there, with everything before it taken."""
        if self._waiting or self._seen is not element:
            self._flush(element)
        return self._seen is element

    def _judged(self, ready: ScheduledJob, element: Element) -> Move:
        """Run the code that comes before the push; returns what is to become of the job."""
        if self._refusal is None:
            return with_job_in_hand(element, _decided, ready, element, self._space)
        try:
            return with_job_in_hand(element, _decided, ready, element, self._space)
        except BaseException as error:
            failed = error
        return self._refusal(element, failed)

    def _flush(
        self, following: Element | None, last: Move | None = None, ready: ScheduledJob | None = None
    ) -> None:
        """Take what waits, or a job whose code has run; look whether the following one is there."""
        takings, self._waiting, self._seen = [last] if last else self._waiting, [], None
        if not takings and following is None:
            return
        answer = delayed.take(self._space, takings, self._lease, tidy=self._tidy, following=following)
        if answer is None:
            raise LockLost
        self._seen = following if answer.follows else None
        self.taken += sum(answer.counts)
        if self._told is not None:
            for taking, count in zip(takings, answer.counts, strict=True):
                self._told(taking.element, count)
        for trouble in answer.troubles:
            logger.error("%s", trouble)
        pushed = last is not None and last.payload and answer.counts[0] and not answer.refused[0]
        if last is not None and pushed and ready is not None:
            ready.keep_guards(self._space, attempt_of(last.element))
        if pushed and ready is not None and ready.has_hooks("after_enqueue"):
            self._seen = None  # what was there may be gone behind them
            ready.run_hooks_after("after_enqueue", Exception if self._refusal is None else BaseException)


def _decided(ready: ScheduledJob, element: Element, space: Space) -> Move:
    return ready.decided().move(element, space)


def remove_items(
    space: Space,
    elements: Iterable[Element],
    *,
    tidy: bool = False,
    told: Told | None = None,
) -> int:
    """Remove delayed jobs, every copy that is in the same list; returns how many were still there.

    Args:
        tidy: forget seconds that have become empty.
        told: is called with each job, and how many copies went; several times where there are many.
    """
    lists: dict[bytes, dict[bytes, None]] = {}
    for name, raw in elements:
        lists.setdefault(name, {})[raw] = None
    status_gone = partial(_status_gone, space)
    few = [
        Move((name, raw), effects=status_gone(raw))
        for name, raws in lists.items()
        if len(raws) <= FEW
        for raw in raws
    ]
    answer = delayed.take(space, few, tidy=tidy) if few else None
    counts = [] if answer is None else answer.counts
    if told is not None:
        for move, count in zip(few, counts, strict=False):
            told(move.element, count)
    removed = sum(counts)
    for name, raws in lists.items():
        if len(raws) > FEW:
            gone = None if told is None else partial(_one_went, told, name)
            removed += delayed.remove(space, name, raws, status_gone, tidy=tidy, gone=gone)
    return removed


def _one_went(told: Told, name: bytes, raw: bytes) -> None:
    told((name, raw), 1)


def _status_gone(space: Space, raw: bytes) -> list[Command]:
    """What the removal of a delayed job means for its status: nothing is known of it any more."""
    job_id = tracked_id_in(raw)
    return [] if job_id is None else [effects.forget(space.keys.status(job_id))]
