"""Whether a worker lives, as far as can be told: asked before it is unregistered by hand."""

from __future__ import annotations

from dataclasses import dataclass

from pyresque.client.worker_signs import FRESH, WorkerProcess, find_process
from pyresque.store import workers
from pyresque.store.space import Space
from pyresque.system.processes import process_title
from pyresque.wire import times


@dataclass(frozen=True)
class Signs:
    """What speaks for a worker's being alive (empty: nothing), and its last beat as `retire` takes it."""

    seen: str
    beat: str


def process_of(space: Space, worker_id: str) -> WorkerProcess:
    """Find the process of a worker (client/worker_signs.py)."""
    mark = workers.ours(space).get(worker_id, "")
    return find_process(worker_id, mark, workers.started(space, [worker_id])[0])


def signs_of_life(space: Space, worker_id: str) -> Signs:
    """Look for signs that a worker lives: its process on this host, and its heartbeat by Redis' clock."""
    beat, process = workers.heartbeats(space).get(worker_id, workers.NO_BEAT), process_of(space, worker_id)
    if process.lives:
        return Signs(f"its process {process.pid} runs on this host{_shown(process_title(process.pid))}", beat)
    at = times.parse(beat)
    if at is None or (process.is_here and process.is_known):
        return Signs("", beat)
    age = int(workers.redis_time(space) - at)
    return Signs("" if age > FRESH else f"its last heartbeat is {age} s old", beat)


def _shown(title: str) -> str:
    return f" ({title})" if title else ""
