"""What a worker has in hand, by its own memory: only that tells whether a job may go back to its queue.

`worker:ID` says which job a worker holds, but not whether the job's code has run. What was taken and not
begun goes back when the worker leaves. What was begun is settled, or left for whoever prunes the worker.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from pyresque.model.perform import ReservedJob
from pyresque.store.connection.link import Command
from pyresque.store.workers import Registration
from pyresque.wire.records import Payload

BREAKS = 5
"""So often must the connection break over a settlement, of a Redis that is well, until less is said."""


@dataclass(frozen=True, eq=False)
class Run:
    """A job that was taken: `record` is what `worker:ID` holds for it, `raw` the element of its queue.

    `job` is the one that is performed. Its arguments are the application's, which may do with them what it
    likes; what is recorded, counted and retried is read from `untouched`.
    """

    job: ReservedJob
    record: bytes
    raw: bytes

    @cached_property
    def untouched(self) -> ReservedJob:
        """The job as it was taken, whatever has been done to its arguments."""
        return untouched(self.job)

    def __str__(self) -> str:
        return str(self.untouched)


def untouched(job: ReservedJob) -> ReservedJob:
    """A job read from its bytes anew, for whoever wants to know what it was before its code ran."""
    return replace(job, payload=Payload.parse(job.payload.raw))


class Settlement:
    """What the end of a job means, as commands: everything, or less where Redis does not take that.

    Args:
        counts: whether it is the end of a job that has run, which the counter of the worker knows again.
        whole: everything.
        less: further forms, each of which says less.
    """

    def __init__(
        self,
        run: Run,
        counts: bool,
        whole: Sequence[Command],
        less: Iterator[Sequence[Command]] | None = None,
    ) -> None:
        self.run = run
        self.counts = counts
        self.effects = whole
        self.token = "" if counts else uuid.uuid4().hex
        """What tells a repetition of it, where no counter does."""
        self._less = less if less is not None else iter(())
        self._refusals = self._breaks = 0
        self.was_refused = False
        """Whether Redis has refused some form of it."""

    def refused(self) -> bool:
        """Redis has refused it, finally as it seems; whether that was so twice for all that is said."""
        self.was_refused = True
        self._refusals += 1
        return self._refusals % 2 == 0

    def broke(self) -> bool:
        """The connection broke over it; whether that was so often that Redis may be asked if it is well."""
        self._breaks += 1
        return self._breaks % BREAKS == 0

    def shorten(self) -> bool:
        """Say less; False if nothing is left that could be left out."""
        shorter = next(self._less, None)
        if shorter is not None:
            self.effects = shorter
        return shorter is not None


class Hand:
    """What one worker has in hand."""

    def __init__(self, who: Registration) -> None:
        self.who = who
        self.fetched = False
        """Whether `worker:ID` holds a job of which an answer has told, and that is not begun."""
        self.begun: Run | None = None
        """The job whose code may have run, and that is not settled."""
        self.ending: Settlement | None = None
        """What is to be written down about it, or about one that goes back."""

    @property
    def may_hold_more(self) -> bool:
        """Whether `worker:ID` may hold a job that was taken for this worker, and that it has not begun."""
        return self.fetched or self.who.unsure

    def begin(self, run: Run) -> None:
        """From now on code of the application may run for this job."""
        self.begun, self.fetched = run, False
