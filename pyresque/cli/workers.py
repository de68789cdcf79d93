"""`pyresque worker`."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.common_options import Settings, common, json_option, pass_settings
from pyresque.cli.json_output import job_document, json_line, number_of, time_of
from pyresque.cli.output import table
from pyresque.cli.worker_actions import prune, remove, stop

if TYPE_CHECKING:
    from pyresque import WorkerInfo


@click.group(invoke_without_command=True)
@json_option
@common
@pass_settings
@click.pass_context
def worker(ctx: click.Context, settings: Settings, as_json: bool) -> None:
    """Look at the workers of both languages, stop them, remove the dead."""
    if ctx.invoked_subcommand is None:
        _list(settings, as_json)


@worker.command("list")
@json_option
@common
@pass_settings
def list_(settings: Settings, as_json: bool) -> None:
    """List the workers (as `pyresque worker` does)."""
    _list(settings, as_json)


for command in (stop, remove, prune):
    worker.add_command(command)

workers = copy(worker)
"""The same under the name that it had before."""
workers.name, workers.hidden = "workers", True


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
