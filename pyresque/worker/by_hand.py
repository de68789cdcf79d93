"""What people do to workers from outside: prune the dead ones now, and tell a living one to leave."""

from __future__ import annotations

import os
import shlex
import signal
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyresque.client.worker_signs import WorkerProcess
from pyresque.config.options import Recover
from pyresque.failure import Recorder
from pyresque.model.resque_like import ResqueLike
from pyresque.store import workers
from pyresque.system.processes import process_parent, process_title, send_signal
from pyresque.usercode.safely import cut
from pyresque.wire.records import WorkingOn
from pyresque.worker.pruner import Dead, Pruner

_ALL = ("*",)
"""As a worker on all queues, which looks at each worker of its host."""


def dead_workers(resque: ResqueLike) -> list[Dead]:
    """The workers that a worker on all queues of this host would prune now."""
    return _pruner(resque).dead(_own_id(), _ALL)


def prune(resque: ResqueLike, recover: Recover | None = None, most: int | None = None) -> Sequence[str]:
    """Prune as a worker does that starts on all queues of this host; returns the ids that went.

    Args:
        recover: what becomes of the jobs of dead workers of ours.
        most: so many workers at most.
    """
    own_id = _own_id()
    pruned = _pruner(resque, recover).prune(own_id, _ALL, starting=True, most=most)
    workers.drop_pruning_lock(resque.space, own_id)
    return pruned


def meant(resque: ResqueLike, ids: Iterable[str]) -> tuple[list[str], list[str]]:
    """The registered workers that these ids mean, of which host:pid is enough, and the ids that mean none."""
    registered = workers.ids(resque.space)
    known, meant_ids, missed = set(registered), dict[str, None](), []
    for given in ids:
        matching = (
            [given] if given in known else [name for name in registered if name.startswith(f"{given}:")]
        )
        meant_ids.update(dict.fromkeys(matching))
        missed += [] if matching else [given]
    return list(meant_ids), missed


def jobs_of(resque: ResqueLike, ids: Iterable[str]) -> dict[str, str]:
    """The class of the job that each of these workers has, by its id; without those that have none."""
    names = list(ids)
    held = zip(names, workers.working_on(resque.space, names), strict=True)
    return {worker_id: WorkingOn.parse(raw).class_name for worker_id, raw in held if raw}


def out_of_reach(process: WorkerProcess, number: signal.Signals) -> str:
    """Why no signal can be sent to a worker from here, and what to type instead; empty where it can."""
    word = number.name.removeprefix("SIG")
    if not process.pid:
        return "has no process id in its ID: nobody can tell which process it is"
    if not process.is_here:
        host, kill = shlex.quote(process.host), f"kill -{word} {process.pid}"
        return (
            f"runs on {process.host}, or in another container, and not here. There: "
            f"ssh {host} {kill}, or kubectl exec {host} -- {kill}"
        )
    if not process.lives:
        return f"is dead: its process {process.pid} is gone. Remove it: pyresque worker prune"
    if process.doubt:
        return (
            f"may not be the process {process.pid}: {cut(process.doubt, 160)}. If it is: "
            f"kill -{word} {process.pid}"
        )
    return ""


@dataclass(frozen=True)
class Stopped:
    """What became of the wish to stop a worker.

    `trouble`: why it was not told to leave; empty: it was. `pool`: the supervisor that starts another one.
    """

    worker_id: str
    trouble: str = ""
    pool: int = 0


def stop(processes: dict[str, WorkerProcess], number: signal.Signals) -> list[Stopped]:
    """Send a signal to the process of each of these workers, as `process_of` has found them, once."""
    told: set[int] = set()
    stopped = []
    for worker_id, process in processes.items():
        # An async worker has several ids; a second signal would end its jobs.
        if process.pid not in told:
            told.add(process.pid)
            trouble = _trouble(process, number)
            stopped.append(Stopped(worker_id, trouble, 0 if trouble else pool_of(process)))
    return stopped


def _trouble(process: WorkerProcess, number: signal.Signals) -> str:
    try:
        sent = send_signal(process.pid, process.birth, number)
    except PermissionError:
        return f"process {process.pid} belongs to another user: use sudo, or be that user"
    return "" if sent else f"process {process.pid} has ended meanwhile"


def pool_of(process: WorkerProcess) -> int:
    """The supervisor of the pool that a worker is one of; 0 where it is none that is seen here.

    Where a worker leaves, its pool starts another one.
    """
    parent = process_parent(process.pid)
    return parent if parent and "resque-pool-" in process_title(parent) else 0


def _own_id() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:*"


def _pruner(resque: ResqueLike, recover: Recover | None = None) -> Pruner:
    recorder = Recorder(resque.space, resque.failure_backend, resque.failure_ids)
    return Pruner(resque.space, resque.registry, recorder, recover)
