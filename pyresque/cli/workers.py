"""`pyresque workers`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.common_options import Settings, common, json_option, pass_settings
from pyresque.cli.json_output import job_document, json_line, number_of, time_of
from pyresque.cli.output import safe, short, table

if TYPE_CHECKING:
    from pyresque import Resque, WorkerInfo


@click.group(invoke_without_command=True)
@json_option
@common
@pass_settings
@click.pass_context
def workers(ctx: click.Context, settings: Settings, as_json: bool) -> None:
    """List the workers of both languages, or remove one."""
    if ctx.invoked_subcommand is None:
        _list(settings, as_json)


@workers.command("list")
@json_option
@common
@pass_settings
def list_(settings: Settings, as_json: bool) -> None:
    """List the workers (as `pyresque workers` does)."""
    _list(settings, as_json)


@workers.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option(
    "--force", is_flag=True, help="Also a worker that lives. Its job is recorded as failed and runs on."
)
@common
@pass_settings
def remove(settings: Settings, ids: tuple[str, ...], force: bool) -> None:
    """Remove dead workers; a job that one had becomes a failure.

    A worker that lives is refused: whose process runs on this host, or whose last heartbeat is not older than
    two minutes.
    """
    resque = settings.connected()
    missed = sum(not _removed(resque, worker, force) for worker in ids)
    click.get_current_context().exit(1 if missed else 0)


def _removed(resque: Resque, worker_id: str, force: bool) -> bool:
    from pyresque.store.workers import ANY_BEAT, is_registered
    from pyresque.worker.liveness import signs_of_life
    from pyresque.worker.loop import unregister

    if not is_registered(resque.space, worker_id):
        click.echo(f"Error: there is no worker {safe(worker_id)}; `pyresque workers` lists them", err=True)
        return False
    signs = signs_of_life(resque.space, worker_id)
    why = f"lives: {short(signs.seen, 160)}. Stop it first; --force removes it, but a job it has runs on"
    if not signs.seen or force:
        if unregister(resque, worker_id, ANY_BEAT if force else signs.beat):
            click.echo(f"removed {safe(worker_id)}")
            return True
        why = "was left alone: it did something meanwhile, or nobody can read what it works on"
    click.echo(f"Error: {safe(worker_id)} {why}", err=True)
    return False


def _list(settings: Settings, as_json: bool) -> None:
    registered = settings.connected().workers()
    if as_json:
        for worker in registered:
            json_line(_document(worker))
    elif registered:
        head = ("WORKER", "STATE", "JOB", "PROCESSED", "FAILED", "STARTED")
        table(head, (_row(worker) for worker in registered))
    else:
        click.echo("no workers")


def _row(worker: WorkerInfo) -> tuple[object, ...]:
    working = worker.working
    job = f"{working.class_name} on {working.queue}" if working else ""
    return worker.id, worker.state, job, worker.processed, worker.failed, worker.started


def _document(worker: WorkerInfo) -> dict[str, Any]:
    working = worker.working
    return {
        "id": worker.id,
        "host": worker.host,
        "pid": number_of(worker.pid),
        "queues": worker.queues,
        "state": worker.state,
        "queue": working.queue if working else None,
        **job_document(working.payload if working else None),
        "run_at": time_of(working.run_at) if working else None,
        "started": time_of(worker.started),
        "heartbeat": time_of(worker.heartbeat),
        "processed": worker.processed,
        "failed": worker.failed,
    }
