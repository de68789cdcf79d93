"""Moving delayed jobs that are due to their queues (docs/protocol/scheduler.md#moving-due-items)."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass

from pyresque.client.delayed_item import DelayedItem, names_to_show
from pyresque.client.move_delayed import DelayedMover, LockLost
from pyresque.errors import ResqueError
from pyresque.failure import Recorder, Redis
from pyresque.failure.describe import backtrace_lines, error_message
from pyresque.log import Log
from pyresque.model.registry import Registry
from pyresque.scheduler.hook_tries import HookTries
from pyresque.store import delayed
from pyresque.store.delayed import NO_LEASE, Element, Lease, Move
from pyresque.store.space import Space
from pyresque.wire.aside_links import NO_QUEUE

logger = Log("pyresque.scheduler")

SLICE = 1.0
"""Seconds after which a step begins no more code of the application: signals and entries have their turn."""


@dataclass(frozen=True)
class Moved:
    """What one step did: how many jobs left the delayed lists, and what comes next.

    `more`: go on at once. `lost`: the lock is another's. `next`: the next second that holds delayed jobs.
    """

    moved: int
    more: bool = False
    lost: bool = False
    next: float | None = None


class Mover:
    """Moves due jobs, a batch in one step.

    The script moves what it can judge for certain. The rest it leaves where it is and shows us: jobs of
    classes with hooks, jobs with other keys, what is not a job. A `DelayedMover` takes those in order. So a
    job is always either delayed or on its queue, or, where it cannot be queued, in a failure record.

    Args:
        recorder: where a job that cannot be queued is recorded; `failed` unless one is given.
    """

    def __init__(
        self,
        space: Space,
        registry: Registry,
        batch: int = delayed.BATCH,
        recorder: Recorder | None = None,
    ) -> None:
        self._space = space
        self._registry = registry
        self._batch = batch
        self._recorder = recorder or Recorder(space, Redis())
        self._tries = HookTries()
        self._decided: dict[Element, Move] = {}

    def move(self, lease: Lease = NO_LEASE, now: float | None = None) -> Moved:
        """Move one batch of what is due at `now` (else: by the clock).

        Raises:
            RedisError: Redis cannot be reached or refuses; nothing is lost, and nothing is moved by halves.
        """
        second = int(time.time() if now is None else now)
        shown = names_to_show(self._registry)
        did = delayed.move_due(self._space, second, lease, shown, self._batch)
        for trouble in did.troubles:
            logger.error("%s", trouble)
        if did.what == "lost":
            self._decided.clear()  # another master runs its code again
            return Moved(0, lost=True)
        if did.what != "look":
            return Moved(did.moved, did.what == "more", next=did.next)
        mover = DelayedMover(self._space, self._registry, lease, refusal=self._refused, decided=self._decided)
        try:
            mover.take(did.elements, SLICE)
        except LockLost:
            self._decided.clear()
            return Moved(did.moved + mover.taken, lost=True)
        return Moved(did.moved + mover.taken, more=True)

    def move_all(self, lease: Lease = NO_LEASE, now: float | None = None) -> int:
        """Move everything that is due; returns how many jobs left the delayed lists."""
        moved, batch = 0, Moved(0, more=True)
        while batch.more:
            batch = self.move(lease, now)
            moved += batch.moved
        return moved

    def _refused(self, element: Element, error: BaseException) -> Move:
        """A job that cannot be queued, or whose code raises, is put aside: what stands behind it goes on.

        Raises:
            RedisUnavailable: its code got no answer from Redis, which means later; a few times.
        """
        if self._tries.another(element, error):
            raise error
        item = DelayedItem.read(element)
        key = self._space.keys.prefix + element[0].decode("utf-8", "surrogateescape")
        aside = self._space.keys.aside(key)
        logger.error(
            "a delayed job cannot be queued (%s): %r is put aside, in %s",
            error_message(error), _shown(element[1]), aside.encode("utf-8", "backslashreplace").decode(),
            exc_info=None if issubclass(type(error), ResqueError) else error,
        )  # fmt: skip
        payload = item.payload(self._space.style)
        scheduler = f"{socket.gethostname()}:{os.getpid()}:scheduler"
        queue = item.queue or self._queue_of(item.class_name) or NO_QUEUE
        failure = self._recorder.failure(error, payload, scheduler, queue, backtrace_lines(error))
        return Move(element, copies=1, effects=self._recorder.aside(key, element[1], failure))

    def _queue_of(self, class_name: str) -> str | None:
        job = self._registry.find(class_name) if class_name else None
        return None if job is None else job.queue


def _shown(raw: bytes) -> str:
    text = raw.decode("utf-8", "backslashreplace")
    return text if len(text) <= 200 else text[:197] + "..."
