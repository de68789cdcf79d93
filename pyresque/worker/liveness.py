"""Whether a worker lives, as far as can be told: asked before it is unregistered by hand."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

from pyresque.store import workers
from pyresque.store.space import Space
from pyresque.system.processes import (
    process_began,
    process_birth,
    process_lives,
    process_space,
    process_title,
)
from pyresque.wire import times
from pyresque.worker.heartbeat import INTERVAL

_TITLE = re.compile(r"resque-\d|resque: Starting|resque:work")
"""What the title of a worker contains, of either language (docs/protocol/core.md#process-titles)."""
_LATE = 5.0
"""Seconds by which the beginning of a process, and what it says of it, may differ."""

FRESH = 2 * INTERVAL
"""Seconds for which a beat is a sign of life."""


@dataclass(frozen=True)
class Signs:
    """What speaks for a worker's being alive (empty: nothing), and its last beat as `retire` takes it."""

    seen: str
    beat: str


@dataclass(frozen=True)
class Place:
    """Where the process of a worker is.

    Attributes:
        host: the host name in its id.
        pid: its process there; 0 where the id has none.
        is_here: whether that is a process id of this system, as far as can be told.
        is_known: whether the worker has told in which system; else the host name has to do.
        lives: whether a process with this id is here that may be it.
        birth: when it began, as `process_birth` tells it; empty where it is not known.
        doubt: why nobody can be sure that the process is the worker; empty: it is.
    """

    host: str
    pid: int
    is_here: bool
    is_known: bool
    lives: bool = False
    birth: str = ""
    doubt: str = ""


def place_of(space: Space, worker_id: str) -> Place:
    """Find the process of a worker.

    Of a worker of ours it is known in which system its pid is valid, and when it began; of Ruby's only the
    host name, and what the process calls itself.
    """
    host, pid, *_ = [*worker_id.split(":"), ""]
    mark = workers.ours(space).get(worker_id, "")
    own_space, birth = workers.space_in(mark), workers.birth_in(mark)
    number = int(pid) if pid.isdecimal() and len(pid) < 10 else 0
    is_here = own_space == process_space() if own_space else host == socket.gethostname()
    if not (is_here and number and process_lives(number, birth)):
        return Place(host, number, is_here, bool(own_space))
    found = process_birth(number)
    doubt = "" if birth and birth == found else _doubt(space, worker_id, number)
    return Place(host, number, is_here, bool(own_space), True, found, doubt)


def signs_of_life(space: Space, worker_id: str) -> Signs:
    """Look for signs that a worker lives: its process on this host, and its heartbeat by Redis' clock."""
    beat, place = workers.heartbeats(space).get(worker_id, workers.NO_BEAT), place_of(space, worker_id)
    if place.lives:
        return Signs(f"its process {place.pid} runs on this host{_shown(process_title(place.pid))}", beat)
    at = times.parse(beat)
    if at is None or (place.is_here and place.is_known):
        return Signs("", beat)
    age = int(workers.redis_time(space) - at)
    return Signs("" if age > FRESH else f"its last heartbeat is {age} s old", beat)


def _doubt(space: Space, worker_id: str, pid: int) -> str:
    """Why a process may be another one than the worker with its pid, by its title and when it began."""
    title = process_title(pid)
    if not title:
        return "this system does not tell what the process is"
    if not _TITLE.search(title):
        return f"the process does not call itself a worker: {title}"
    began, registered = process_began(pid), times.parse(workers.started(space, [worker_id])[0])
    if began is not None and registered is not None and began > registered + _LATE:
        return "the process began after the worker had registered"
    return ""


def _shown(title: str) -> str:
    return f" ({title})" if title else ""
