"""What people do to workers from outside: prune the dead ones now, and tell a living one to leave."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

from pyresque.client.worker_signs import WorkerProcess
from pyresque.config.options import Recover
from pyresque.failure import Recorder
from pyresque.model.resque_like import ResqueLike
from pyresque.store import workers
from pyresque.system.processes import process_parent, process_title, send_signal
from pyresque.worker.pruner import Dead, Pruner

_ALL = ("*",)
"""As a worker on all queues, which looks at each worker of its host."""


def dead_workers(resque: ResqueLike) -> list[Dead]:
    """The workers that a worker on all queues of this host would prune now."""
    return _pruner(resque).dead(_own_id(), _ALL)


def prune(resque: ResqueLike, recover: Recover | None = None) -> Sequence[str]:
    """Prune as a worker does that starts on all queues of this host; returns the ids that went.

    Args:
        recover: what becomes of the jobs of dead workers of ours.
    """
    own_id = _own_id()
    pruned = _pruner(resque, recover).prune(own_id, _ALL, starting=True)
    workers.drop_pruning_lock(resque.space, own_id)
    return pruned


def stop(process: WorkerProcess, number: int) -> bool:
    """Send a signal to the process of a worker, which `process_of` has found; False if it is gone.

    Raises:
        PermissionError: it belongs to another user.
    """
    return send_signal(process.pid, process.birth, number)


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
