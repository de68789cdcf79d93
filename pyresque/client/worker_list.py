"""Workers to look at where there may be thousands: some of them by what they are and do, or by host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pyresque.client.info import WorkerInfo, with_counts, without_counts
from pyresque.client.pausing import PausedQueues
from pyresque.store import pauses, workers
from pyresque.store.space import Space

State = Literal["dead", "silent", "working", "paused", "idle"]
STATES: tuple[State, ...] = ("working", "idle", "paused", "silent", "dead")
"""What a worker does: `silent` is one of which nobody can tell from here whether it lives."""


@dataclass(frozen=True)
class HostWorkers:
    """The workers of one host: how many there are, work, and are dead."""

    host: str
    total: int
    working: int
    dead: int


class WorkerList:
    """All registered workers (or these) at one moment, sorted by id. `shown` adds what each has processed."""

    def __init__(self, space: Space, ids: Sequence[str] | None = None) -> None:
        self._space = space
        self.workers = without_counts(space, workers.ids(space) if ids is None else ids)

    @cached_property
    def working(self) -> int:
        """How many have a job, dead ones too, as Ruby counts."""
        return sum(worker.working is not None for worker in self.workers)

    @cached_property
    def dead(self) -> int:
        """How many are registered and dead."""
        return sum(worker.is_alive is False for worker in self.workers)

    def select(
        self, *, host: str = "", queue: str = "", language: str = "", state: str = ""
    ) -> list[WorkerInfo]:
        """Those that are all of this. `queue`: the name or pattern of one, as it is in their ids."""
        found = [
            worker
            for worker in self.workers
            if (not host or worker.host == host)
            and (not queue or queue in worker.queues or (worker.working and worker.working.queue == queue))
            and (not language or worker.language == language)
        ]
        if not state:
            return found
        states = self.states(found)
        return [worker for worker in found if states[worker.id] == state]

    def shown(self, found: Sequence[WorkerInfo]) -> list[WorkerInfo]:
        """These, with what each has processed."""
        return with_counts(self._space, found)

    def states(self, found: Sequence[WorkerInfo]) -> dict[str, State]:
        """What each of these does, by its id."""
        named = sorted({queue for worker in found for queue in worker.queues if queue})
        paused = PausedQueues(
            pauses.is_paused(self._space, None),
            pauses.among(self._space, named) if named else [],
            pauses.are_workers_paused(self._space),
        )
        alone = set(paused.queues)
        return {worker.id: _state(worker, paused, alone) for worker in found}

    def hosts(self) -> list[HostWorkers]:
        """The hosts that have workers, by name."""
        found: dict[str, list[WorkerInfo]] = {}
        for worker in self.workers:
            found.setdefault(worker.host, []).append(worker)
        return [
            HostWorkers(
                host,
                len(there),
                sum(worker.working is not None for worker in there),
                sum(worker.is_alive is False for worker in there),
            )
            for host, there in sorted(found.items())
        ]


def _state(worker: WorkerInfo, paused: PausedQueues, alone: set[str]) -> State:
    """What it does; whether it lives counts for more. Paused is whom no queue is left, as its id tells."""
    if worker.is_alive is not True:
        return "dead" if worker.is_alive is False else "silent"
    if worker.working:
        return "working"
    return "paused" if paused.all or paused.workers or alone.issuperset(worker.queues) else "idle"
