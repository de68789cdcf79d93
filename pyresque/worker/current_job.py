"""The job that a worker has now, by its own memory: only that tells whether it may go back to its queue.

`worker:ID` says which job a worker holds, but not whether the job's code has run. What was reserved and not
begun goes back when the worker leaves. What was begun is settled, or left for whoever prunes the worker.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pyresque.model.perform import ReservedJob
from pyresque.store.connection.link import Command
from pyresque.store.workers import Registration

BREAKS = 5
"""So often must the connection break over a settlement, of a Redis that is well, until less is said."""


@dataclass(eq=False)
class Settlement:
    """What the end of a job means, as commands: everything, or less where Redis does not take that.

    Args:
        counts: whether it is the end of a job that has run, which the counter of the worker knows again.
        effects: everything.
        less: further forms, each of which says less.
        token: what tells a repetition of it, where no counter does.
        has_failed: whether the job has.
    """

    job: ReservedJob
    counts: bool
    effects: Sequence[Command]
    less: Iterator[Sequence[Command]] = field(default_factory=lambda: iter(()))
    token: str = ""
    has_failed: bool = False
    was_refused: bool = False
    """Whether Redis has refused some form of it."""
    _refusals: int = 0
    _breaks: int = 0

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
        shorter = next(self.less, None)
        if shorter is not None:
            self.effects = shorter
        return shorter is not None


class CurrentJob:
    """What one worker knows of the job that it has."""

    def __init__(self, who: Registration) -> None:
        self.who = who
        self.reserved = False
        """Whether `worker:ID` holds a job of which an answer has told, and that is not begun."""
        self.begun: ReservedJob | None = None
        """The job whose code may have run, and that is not settled."""
        self.settlement: Settlement | None = None
        """What is to be written about it, or about one that goes back."""

    @property
    def may_be_more(self) -> bool:
        """Whether `worker:ID` may hold a job that was reserved for this worker, and that it has not begun."""
        return self.reserved or self.who.unsure

    def begin(self, job: ReservedJob) -> None:
        """From now on code of the application may run for this job."""
        self.begun, self.reserved = job, False
