"""What `Resque.info` and `Resque.workers` tell: numbers, workers, and what each works on. It only reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pyresque.config.env import environment
from pyresque.store import failures, queues, stats, workers
from pyresque.store.space import Space
from pyresque.wire.records import WorkingOn


@dataclass(frozen=True)
class WorkerInfo:
    """What Redis tells about one worker. `started` and `heartbeat` are as that worker wrote them."""

    id: str
    working: WorkingOn | None
    started: str
    heartbeat: str
    processed: int
    failed: int

    @property
    def host(self) -> str:
        """The host part of the id."""
        return self._part(0)

    @property
    def pid(self) -> str:
        """The process id in the id, as text."""
        return self._part(1)

    @property
    def queues(self) -> list[str]:
        """The queues in the id."""
        return self._part(2).rstrip(",").split(",")

    @property
    def state(self) -> Literal["working", "idle"]:
        """What it does now."""
        return "working" if self.working else "idle"

    def _part(self, index: int) -> str:
        return [*self.id.split(":", 2), "", ""][index]


def worker_infos(space: Space) -> list[WorkerInfo]:
    """Every registered worker, of either language, sorted by id."""
    ids = workers.ids(space)
    beats = workers.heartbeats(space) if ids else {}
    working, started = workers.working_on(space, ids), workers.started(space, ids)
    counts = stats.read(space, [f"{kind}:{name}" for name in ids for kind in ("processed", "failed")])
    return [
        WorkerInfo(
            worker_id,
            WorkingOn.parse(working[n]) if working[n] else None,
            started[n],
            beats.get(worker_id, ""),
            counts[2 * n],
            counts[2 * n + 1],
        )
        for n, worker_id in enumerate(ids)
    ]


def resque_info(space: Space, address: str) -> dict[str, Any]:
    """The numbers that Ruby's `Resque.info` gives, under the same names and in the same order."""
    sizes, ids = queues.sizes(space, queues.names(space)), workers.ids(space)
    return {
        "pending": sum(sizes.values()),
        "processed": stats.read(space, ["processed"])[0],
        "queues": len(sizes),
        "workers": len(ids),
        "working": sum(1 for value in workers.working_on(space, ids) if value),
        "failed": failures.count(space, "failed"),
        "servers": [f"redis://{address}"],
        "environment": environment(),
    }
