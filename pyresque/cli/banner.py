"""What a worker says of itself when it starts."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyresque._version import __version__
from pyresque.cli.output import counted, short
from pyresque.config.options import WorkerOptions
from pyresque.errors import RedisError

if TYPE_CHECKING:
    from pyresque.client.resque import Resque

Groups = Sequence[tuple[list[str], int]]
"""The queue lists that are worked on, and by how many workers each."""

_QUEUES, _CLASSES = 12, 10
"""So many queues with jobs are named, and so many jobs of each."""
_LINE = 500


def tell_start(
    resque: Resque, groups: Groups, options: WorkerOptions, async_jobs: int | None, lock_prefix: str
) -> None:
    """Say what is started, on which Redis, for which jobs, and whether a scheduler runs.

    Args:
        async_jobs: how many jobs a worker runs at a time on an event loop; None: it has none.
        lock_prefix: of the lock of schedulers.
    """
    from pyresque.cli.log_format import announce, says_start

    if not says_start():
        return
    count = sum(number for _, number in groups)
    who = f"{socket.gethostname()}:{os.getpid()}"
    announce(
        f"pyresque {__version__}: {counted(count, 'worker')} {'starts' if count == 1 else 'start'} as {who}",
        {
            "redis": f"{resque.link.database}, namespace {resque.space.keys.namespace}",
            "queues": [_queues(queues, number, count) for queues, number in groups],
            "mode": _mode(options, async_jobs),
            "jobs": _jobs(resque, groups),
            "scheduler": _scheduler(resque, lock_prefix),
        },
    )


def _queues(queues: list[str], number: int, count: int) -> str:
    named = short(", ".join(queues), _LINE)
    return named if number == count else f"{named} ({counted(number, 'worker')})"


def _mode(options: WorkerOptions, async_jobs: int | None) -> str:
    if async_jobs:
        return f"{counted(async_jobs, 'async job')} at a time on one event loop"
    if not options.fork_per_job:
        return "one job after the other in the worker's own process"
    if options.jobs_per_fork > 1:
        return f"a process for {options.jobs_per_fork} jobs, one after the other"
    return "a process for each job"


def _jobs(resque: Resque, groups: Groups) -> list[str]:
    """The registered jobs by queue; those behind that none of the workers here listens to."""
    from pyresque.worker.queue_list import QueueList

    by_queue: dict[str, list[str]] = {}
    for job in sorted(resque.registry.jobs(), key=lambda job: job.name):
        by_queue.setdefault(job.queue or "", []).append(job.name)
    heard = {
        name for queues, _ in groups for name in QueueList(queues).order(filter(None, by_queue)).queues
    } | {""}
    lines = []
    for queue in sorted(by_queue, key=lambda queue: (queue not in heard, not queue, queue)):
        where = queue or "(no queue of its own)"
        where += "" if queue in heard else " (no worker here listens to it)"
        lines.append(f"{where}: {_cut(by_queue[queue], _CLASSES)}")
    if len(lines) > _QUEUES:
        lines[_QUEUES:] = [f"... and {counted(len(lines) - _QUEUES, 'queue')} more: pyresque jobs lists all"]
    return lines or ["none is registered: import yours with -r"]


def _cut(names: list[str], most: int) -> str:
    shown = ", ".join(short(name, 100) for name in names[:most])
    return shown if len(names) <= most else f"{shown}, ... ({len(names)} in all)"


def _scheduler(resque: Resque, lock_prefix: str) -> str:
    from pyresque.store import master

    try:
        held = master.holder(resque.space, resque.space.keys.master_lock(lock_prefix))
    except RedisError as error:
        return f"cannot be seen: {error}"
    finally:
        resque.close()  # no connection goes through a fork
    if held is None:
        return "none is master: delayed jobs and retries wait until one runs (pyresque scheduler)"
    return f"{short(held[0], 100)} is master"
