"""What `Resque.info` and `Resque.workers` tell: numbers, workers, and what each works on. It only reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pyresque.client.worker_signs import Place, find_process, lives
from pyresque.config.env import environment
from pyresque.store import failures, queues, stats, workers
from pyresque.store.space import Space
from pyresque.wire import times
from pyresque.wire.records import WorkingOn


@dataclass(frozen=True)
class WorkerInfo:
    """What Redis tells about one worker. `started` and `heartbeat` are as that worker wrote them.

    `language` is whose worker it is. `heartbeat_age` and `working_for` are seconds by the clock of Redis;
    None where they cannot be told. `is_alive` is None where nobody can tell from here: it has not beaten for
    two minutes, or beats although it has no process on its host, which is this one. `can_be_signalled`: its
    process runs on this host, and is the worker for certain.
    """

    id: str
    working: WorkingOn | None
    started: str
    heartbeat: str
    processed: int
    failed: int
    language: Literal["ruby", "python"] | None = None
    heartbeat_age: float | None = field(default=None, compare=False)
    working_for: float | None = field(default=None, compare=False)
    is_alive: bool | None = None
    can_be_signalled: bool = False

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
    return with_counts(space, without_counts(space, workers.ids(space)))


def with_counts(space: Space, infos: Sequence[WorkerInfo]) -> list[WorkerInfo]:
    """The same workers, with what each has processed."""
    names = [f"{kind}:{worker.id}" for worker in infos for kind in ("processed", "failed")]
    counts = iter(stats.read(space, names))
    return [replace(worker, processed=next(counts), failed=next(counts)) for worker in infos]


def without_counts(space: Space, ids: Sequence[str]) -> list[WorkerInfo]:
    """These workers, with 0 for what each has processed: so many are read in little time."""
    if not ids:
        return []
    (beats, marks), now = workers.beats_and_marks(space, ids), workers.redis_time(space)
    working, started = workers.working_on(space, ids), workers.started(space, ids)
    found, here = [], Place.here()
    for n, worker_id in enumerate(ids):
        job = WorkingOn.parse(working[n]) if working[n] else None
        beat_age = _age(beats.get(worker_id), now)
        process = find_process(worker_id, (marks or {}).get(worker_id, ""), started[n], here)
        found.append(
            WorkerInfo(
                worker_id,
                job,
                started[n],
                beats.get(worker_id, ""),
                0,
                0,
                language=None if marks is None else "python" if worker_id in marks else "ruby",
                heartbeat_age=beat_age,
                working_for=_age(job.run_at, now) if job else None,
                is_alive=lives(process, beat_age),
                can_be_signalled=process.lives and not process.doubt,
            )
        )
    return found


def _age(text: str | None, now: int) -> float | None:
    at = times.parse(text) if text else None
    return None if at is None else max(0.0, now - at)


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
