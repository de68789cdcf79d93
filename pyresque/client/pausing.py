"""Which queues are paused, with what pauses and resumes them: a part of `Resque`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyresque.store import pauses, queues, workers
from pyresque.store.space import Space


@dataclass(frozen=True)
class PausedQueues:
    """What is paused: all queues (`all`), every worker (`workers`), and `queues` that are paused themselves.

    They are looked for among the queues that exist and those that workers name. `workers` is what Ruby's
    `pause-all-workers` does.
    """

    all: bool
    queues: list[str]
    workers: bool = False

    def __bool__(self) -> bool:
        return self.all or self.workers or bool(self.queues)

    def holds(self, queue: str) -> bool:
        """Whether nobody takes jobs from this queue now."""
        return self.all or self.workers or queue in self.queues


def paused_queues(space: Space) -> PausedQueues:
    """What is paused now."""
    return paused_among(space, queues.names(space), workers.ids(space))


def paused_among(space: Space, names: Sequence[str], worker_ids: Sequence[str]) -> PausedQueues:
    """The same, for who knows the names of the queues and the ids of the workers already."""
    lists = {[*worker_id.split(":", 2), "", ""][2] for worker_id in worker_ids}
    named = {name for several in lists for name in several.split(",")}
    known = sorted({*names, *named} - {""})
    return PausedQueues(
        pauses.is_paused(space, None), pauses.among(space, known), pauses.are_workers_paused(space)
    )


def pause(space: Space, queue: str) -> bool:
    """Pause a queue; whether it exists."""
    pauses.pause(space, queue)
    return queue in queues.names(space)


def resume(space: Space, queue: str) -> bool:
    """End the pause of a queue; whether it was paused."""
    was_paused = bool(pauses.among(space, [queue]))
    pauses.resume(space, queue)
    return was_paused


def resume_all(space: Space) -> None:
    """End the pause of all queues, and that of every worker."""
    pauses.resume(space, None)
    pauses.resume_workers(space)
