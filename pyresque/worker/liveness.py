"""Whether a worker lives, as far as can be told: asked before it is unregistered by hand."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from pyresque.store import workers
from pyresque.store.space import Space
from pyresque.system.processes import process_lives, process_space, process_title
from pyresque.wire import times
from pyresque.worker.heartbeat import INTERVAL

FRESH = 2 * INTERVAL
"""Seconds for which a beat is a sign of life."""


@dataclass(frozen=True)
class Signs:
    """What speaks for a worker's being alive (empty: nothing), and its last beat as `retire` takes it."""

    seen: str
    beat: str


def signs_of_life(space: Space, worker_id: str) -> Signs:
    """Look for signs that a worker lives: its process on this host, and its heartbeat by Redis' clock.

    Of a worker of ours it is known in which system its pid is valid; of Ruby's only the host name.
    """
    beat = workers.heartbeats(space).get(worker_id, workers.NO_BEAT)
    host, pid, *_ = [*worker_id.split(":"), ""]
    mark = workers.ours(space).get(worker_id, "")
    own_space, birth = workers.space_in(mark), workers.birth_in(mark)
    number = int(pid) if pid.isdecimal() and len(pid) < 10 else 0
    here = own_space == process_space() if own_space else host == socket.gethostname()
    if here and number and process_lives(number, birth):
        return Signs(f"its process {pid} runs on this host{_shown(process_title(number))}", beat)
    at = times.parse(beat)
    if at is None or (here and own_space):
        return Signs("", beat)
    age = int(workers.redis_time(space) - at)
    return Signs("" if age > FRESH else f"its last heartbeat is {age} s old", beat)


def _shown(title: str) -> str:
    return f" ({title})" if title else ""
