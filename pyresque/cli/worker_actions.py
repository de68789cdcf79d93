"""`pyresque worker stop`, `remove` and `prune`."""

from __future__ import annotations

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
    from pyresque.worker import by_hand
    from pyresque.worker.liveness import process_of

    resque = settings.reading()
    number = signal.SIGTERM if term else signal.SIGQUIT
    worker_ids, missed = known_ids(resque, ids)
    processes = {worker_id: process_of(resque.space, worker_id) for worker_id in worker_ids}
    reached = []
    for worker_id, process in processes.items():
        why = by_hand.out_of_reach(process, number)
        if why:
            missed += 1
            click.echo(f"Error: {safe(worker_id)} {safe(why)}", err=True)
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
    from pyresque.worker import by_hand
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
    jobs = by_hand.jobs_of(resque, beats)
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
    jobs = by_hand.jobs_of(resque, [worker.id for worker in dead])
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
    from pyresque.worker import by_hand

    known, missed = by_hand.meant(resque, ids)
    for worker_id in missed:
        text = f"there is no worker {safe(worker_id)}; `pyresque worker list` lists them"
        click.echo(f"Error: {text}", err=True)
    return known, len(missed)


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


def _may_stop(resque: Resque, ids: Sequence[str], term: bool, yes: bool, dry_run: bool) -> bool:
    """Whether to go on: a question is only asked where a job may be ended."""
    from pyresque.worker import by_hand

    jobs = by_hand.jobs_of(resque, ids)
    what = f"stop {counted(len(ids), 'worker')}"
    if jobs:
        ends = "may be ended" if term else "will be finished first"
        held = counted(len(jobs), "job")
        what += f"; {held} {ends} ({classes(Counter(jobs.values()))})"
    return confirmed(what, yes=yes or not (term and jobs), dry_run=dry_run)


def _sent(resque: Resque, processes: dict[str, WorkerProcess], number: signal.Signals) -> int:
    """Send the signal to each process once; how many did not get it."""
    from pyresque.worker import by_hand

    jobs, stopped = by_hand.jobs_of(resque, processes), by_hand.stop(processes, number)
    for outcome in stopped:
        worker_id = outcome.worker_id
        if outcome.trouble:
            click.echo(f"Error: {safe(worker_id)}: {outcome.trouble}", err=True)
            continue
        job = f", after its job {short(jobs[worker_id], 60)}" if worker_id in jobs else ""
        click.echo(f"sent {number.name.removeprefix('SIG')} to {safe(worker_id)}: it leaves{job}")
        if outcome.pool:
            click.echo(
                f"it is one of a pool, which starts another: stop the pool with kill -QUIT {outcome.pool}"
            )
    return sum(bool(outcome.trouble) for outcome in stopped)
