"""What can be told of a worker from here: where its process is, and whether it lives."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

from pyresque.store import workers
from pyresque.system.processes import (
    process_began,
    process_birth,
    process_lives,
    process_space,
    process_title,
)
from pyresque.wire import times

FRESH = 120
"""Seconds for which a heartbeat, which comes every minute, is a sign of life."""
EXPIRED_AFTER = 300
"""Seconds without a heartbeat after which every pruner takes a worker for dead, in Ruby too."""

_TITLE = re.compile(r"resque-\d|resque: Starting|resque:work")
"""What the title of a worker contains, of either language (docs/protocol/core.md#process-titles)."""
_VERSION = re.compile(r"\b(pyresque|resque)-(\d[\w.]*)")
"""Whose worker it is, and of which version, in such a title."""
_LATE = 5.0
"""Seconds by which the beginning of a process, and what it says of it, may differ."""


@dataclass(frozen=True)
class WorkerProcess:
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


@dataclass(frozen=True)
class Place:
    """Where we are: the system in which our pids are valid, and what its host is called."""

    process_space: str
    host: str

    @classmethod
    def here(cls) -> Place:
        """This one; asked once for many workers."""
        return cls(process_space(), socket.gethostname())


def find_process(worker_id: str, mark: str, started: str, here: Place | None = None) -> WorkerProcess:
    """Find the process of a worker.

    Of a worker of ours it is known in which system its pid is valid, and when it began; of Ruby's only the
    host name, and what the process calls itself.

    Args:
        mark: what `pyresque:workers` holds for it; empty where nothing is.
        started: when it registered, as it wrote it.
        here: where we are, if that has been asked already.
    """
    here = here or Place.here()
    host, pid, *_ = [*worker_id.split(":"), ""]
    own_space, birth = workers.space_in(mark), workers.birth_in(mark)
    number = int(pid) if pid.isdecimal() and len(pid) < 10 else 0
    is_here = own_space == here.process_space if own_space else host == here.host
    if not (is_here and number and process_lives(number, birth)):
        return WorkerProcess(host, number, is_here, bool(own_space))
    found = process_birth(number)
    doubt = "" if birth and birth == found else _doubt(number, started)
    return WorkerProcess(host, number, is_here, bool(own_space), True, found, doubt)


def _doubt(pid: int, started: str) -> str:
    """Why a process may be another one than the worker with its pid, by its title and when it began."""
    title = process_title(pid)
    if not title:
        return "this system does not tell what the process is"
    if not _TITLE.search(title):
        return f"the process does not call itself a worker: {title}"
    began, registered = process_began(pid), times.parse(started)
    if began is not None and registered is not None and began > registered + _LATE:
        return "the process began after the worker had registered"
    return ""


def lives(process: WorkerProcess, beat_age: float | None) -> bool | None:
    """Whether a worker lives; None where nobody can tell from here.

    Args:
        beat_age: seconds since its last heartbeat; None where it has none.
    """
    is_fresh = beat_age is not None and beat_age <= FRESH
    if process.lives and (is_fresh or not process.doubt):
        return True
    if process.is_here and process.is_known:
        return False
    if beat_age is not None and beat_age > EXPIRED_AFTER:
        return False
    if process.is_here:  # of Ruby's only the host name is known, which containers may share
        return None if is_fresh else False
    return True if is_fresh else None


def version_in(title: str) -> str:
    """Whose worker has this title, and of which version: `pyresque 0.2.0`; empty where it does not tell."""
    found = _VERSION.search(title)
    return f"{found[1]} {found[2]}" if found else ""
