"""`pyresque worker stop`, `remove` and `prune`."""

from __future__ import annotations

import shlex
import signal
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from pyresque.cli.common_options import Settings, common, pass_settings
from pyresque.cli.confirm import confirmed, dry_run_option, yes_option
from pyresque.cli.log_warnings import without_warnings
from pyresque.cli.output import classes, counted, safe, short, table
from pyresque.config.options import Recover

if TYPE_CHECKING:
    from pyresque import Resque
    from pyresque.client.worker_signs import WorkerProcess
    from pyresque.worker.pruner import Dead

_IDS = click.argument("ids", metavar="ID...", nargs=-1, required=True)


@click.command()
@_IDS
@click.option(
    "--term",
    is_flag=True,
    help="Send TERM instead: the job at hand gets the time of --drain, and is ended then; Ruby's at once.",
)
@yes_option
@dry_run_option
@common
@pass_settings
def stop(settings: Settings, ids: tuple[str, ...], term: bool, yes: bool, dry_run: bool) -> None:
    """Tell workers of this host to leave. QUIT, so each finishes its job first.

    A signal is only sent to a process that is the worker for certain. Of a worker elsewhere the command is
    printed that has to be typed there. Of an ID host:pid is enough.
    """
    from pyresque.worker.liveness import process_of

    resque = settings.reading()
    number = signal.SIGTERM if term else signal.SIGQUIT
    worker_ids, missed = known_ids(resque, ids)
    processes = {worker_id: process_of(resque.space, worker_id) for worker_id in worker_ids}
    reached = []
    for worker_id, process in processes.items():
        why = _out_of_reach(process, number)
        if why:
            missed += 1
            click.echo(f"Error: {safe(worker_id)} {why}", err=True)
        else:
            reached.append(worker_id)
    if reached and _may_stop(resque, reached, term, yes, dry_run):
        missed += _sent(resque, {worker_id: processes[worker_id] for worker_id in reached}, number)
    click.get_current_context().exit(1 if missed else 0)


@click.command()
@_IDS
@click.option(
    "--force", is_flag=True, help="Also a worker that lives. Its job is recorded as failed and runs on."
)
@yes_option
@dry_run_option
@common
@pass_settings
def remove(settings: Settings, ids: tuple[str, ...], force: bool, yes: bool, dry_run: bool) -> None:
    """Remove dead workers; a job that one had becomes a failure.

    A worker that lives is refused: whose process runs on this host, or whose last heartbeat is not older than
    two minutes. Of an ID host:pid is enough.
    """
    from pyresque.store.workers import ANY_BEAT
    from pyresque.worker.liveness import signs_of_life
    from pyresque.worker.loop import unregister

    resque = settings.connected()
    worker_ids, missed = known_ids(resque, ids)
    beats = {}
    for worker_id in worker_ids:
        signs = signs_of_life(resque.space, worker_id)
        if signs.seen and not force:
            missed += 1
            why = "Stop it first; --force removes it, but a job it has runs on"
            click.echo(f"Error: {safe(worker_id)} lives: {short(signs.seen, 160)}. {why}", err=True)
        else:
            beats[worker_id] = ANY_BEAT if force else signs.beat
    jobs = _jobs(resque, beats)
    if beats and confirmed(f"remove {_with_jobs(beats, jobs)}", yes=yes, dry_run=dry_run):
        for worker_id, beat in beats.items():
            with without_warnings("pyresque.worker"):
                done = unregister(resque, worker_id, beat)
            if done:
                click.echo(_removed(worker_id, jobs))
            else:
                missed += 1
                _left_alone(worker_id)
    click.get_current_context().exit(1 if missed else 0)


@click.command()
@click.option(
    "--recover",
    metavar="POLICY",
    callback=lambda _ctx, _param, text: None if text is None else Recover.parse(text),
    help="The jobs of dead pyresque workers: fail (default), or requeue them, as with `pyresque work`.",
)
@yes_option
@dry_run_option
@common
@pass_settings
def prune(settings: Settings, recover: Recover | None, yes: bool, dry_run: bool) -> None:
    """Remove every worker that is certainly dead. Each worker does so by itself at its start.

    Dead is whose process on this host is gone, and, on any host, who has sent no heartbeat for five minutes.
    The job that one had becomes a failure, with the on_failure hooks that it has here (-r).
    """
    from pyresque.worker import by_hand

    resque = settings.connected()
    dead = by_hand.dead_workers(resque)
    if not dead:
        click.echo(
            "no dead workers: each has a process on this host, or a heartbeat of the last five minutes"
        )
        return
    jobs = _jobs(resque, [worker.id for worker in dead])
    table(("WORKER", "WHY", "JOB"), ((worker.id, worker.why, jobs.get(worker.id, "")) for worker in dead))
    order = f"remove {_with_jobs([worker.id for worker in dead], jobs, recover)}"
    if confirmed(order, yes=yes, dry_run=dry_run):
        with without_warnings("pyresque.worker"):
            pruned = by_hand.prune(resque, recover)
        click.get_current_context().exit(_told(dead, pruned, jobs))


def _removed(worker_id: str, jobs: Mapping[str, str]) -> str:
    had = f"; it had a job: {short(jobs[worker_id] or '(no class)', 60)}" if worker_id in jobs else ""
    return f"removed {safe(worker_id)}{had}"


def _told(dead: Sequence[Dead], pruned: Sequence[str], jobs: Mapping[str, str]) -> int:
    """Say who has gone; the exit status."""
    for worker_id in pruned:
        click.echo(_removed(worker_id, jobs))
    left = [worker.id for worker in dead if worker.id not in pruned]
    for worker_id in left:
        _left_alone(worker_id)
    return 1 if left else 0


def _left_alone(worker_id: str) -> None:
    why = (
        "was left alone: it did something meanwhile, nobody can read what it works on, or another worker "
        "prunes just now"
    )
    click.echo(f"Error: {safe(worker_id)} {why}", err=True)


def known_ids(resque: Resque, ids: Iterable[str]) -> tuple[list[str], int]:
    """The registered workers that are meant, and how many of these ids mean none (it is said which)."""
    from pyresque.store import workers

    registered, known, missed = workers.ids(resque.space), dict[str, None](), 0
    for worker_id in ids:
        matching = (
            [worker_id]
            if worker_id in registered
            else [name for name in registered if name.startswith(f"{worker_id}:")]
        )
        if matching:
            known.update(dict.fromkeys(matching))
        else:
            missed += 1
            click.echo(
                f"Error: there is no worker {safe(worker_id)}; `pyresque worker list` lists them", err=True
            )
    return list(known), missed


def _jobs(resque: Resque, ids: Iterable[str]) -> dict[str, str]:
    """The class of the job that each of these workers has."""
    from pyresque.store import workers
    from pyresque.wire.records import WorkingOn

    names = list(ids)
    held = zip(names, workers.working_on(resque.space, names), strict=True)
    return {worker_id: WorkingOn.parse(raw).class_name for worker_id, raw in held if raw}


def _with_jobs(ids: Iterable[str], jobs: Mapping[str, str], recover: Recover | None = None) -> str:
    """How many workers, and what becomes of which jobs: `2 workers; 1 job becomes a failure (1 Pay)`."""
    names = list(ids)
    if not jobs:
        return f"{counted(len(names), 'worker')} without a job"
    goes = "becomes a failure" if len(jobs) == 1 else "become failures"
    if recover is not None and recover.policy != "fail":
        goes += ", or goes back to its queue" if len(jobs) == 1 else ", or go back to their queues"
    held = counted(len(jobs), "job")
    return f"{counted(len(names), 'worker')}; {held} {goes} ({classes(Counter(jobs.values()))})"


def _out_of_reach(process: WorkerProcess, number: signal.Signals) -> str:
    """Why no signal can be sent to a worker from here, and what to type instead; empty where it can."""
    word = number.name.removeprefix("SIG")
    if not process.pid:
        return "has no process id in its ID: nobody can tell which process it is"
    if not process.is_here:
        host, kill = safe(shlex.quote(process.host)), f"kill -{word} {process.pid}"
        return (
            f"runs on {safe(process.host)}, or in another container, and not here. There: "
            f"ssh {host} {kill}, or kubectl exec {host} -- {kill}"
        )
    if not process.lives:
        return f"is dead: its process {process.pid} is gone. Remove it: pyresque worker prune"
    if process.doubt:
        return (
            f"may not be the process {process.pid}: {short(process.doubt, 160)}. If it is: "
            f"kill -{word} {process.pid}"
        )
    return ""


def _may_stop(resque: Resque, ids: Sequence[str], term: bool, yes: bool, dry_run: bool) -> bool:
    """Whether to go on: a question is only asked where a job may be ended."""
    jobs = _jobs(resque, ids)
    what = f"stop {counted(len(ids), 'worker')}"
    if jobs:
        ends = "may be ended" if term else "will be finished first"
        held = counted(len(jobs), "job")
        what += f"; {held} {ends} ({classes(Counter(jobs.values()))})"
    return confirmed(what, yes=yes or not (term and jobs), dry_run=dry_run)


def _sent(resque: Resque, processes: dict[str, WorkerProcess], number: signal.Signals) -> int:
    """Send the signal to each process once; how many did not get it."""
    from pyresque.worker import by_hand

    missed, jobs, told = 0, _jobs(resque, processes), set[int]()
    for worker_id, process in processes.items():
        # An async worker has several ids; a second signal would end its jobs.
        if process.pid in told:
            continue
        told.add(process.pid)
        try:
            sent = by_hand.stop(process, number)
            why = f"process {process.pid} has ended meanwhile"
        except PermissionError:
            sent, why = False, f"process {process.pid} belongs to another user: use sudo, or be that user"
        if not sent:
            missed += 1
            click.echo(f"Error: {safe(worker_id)}: {why}", err=True)
            continue
        job = f", after its job {short(jobs[worker_id], 60)}" if worker_id in jobs else ""
        click.echo(f"sent {number.name.removeprefix('SIG')} to {safe(worker_id)}: it leaves{job}")
        pool = by_hand.pool_of(process)
        if pool:
            click.echo(f"it is one of a pool, which starts another: stop the pool with kill -QUIT {pool}")
    return missed
