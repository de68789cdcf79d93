"""`pyresque worker`."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.common_options import Settings, common, json_option, pass_settings
from pyresque.cli.json_output import job_document, json_line, number_of, time_of
from pyresque.cli.output import compact, counted, job_of, pairs, span, table, tinted
from pyresque.cli.worker_actions import known_ids, prune, remove, stop

if TYPE_CHECKING:
    from pyresque import Resque, WorkerInfo


@click.group(invoke_without_command=True)
@json_option
@common
@pass_settings
@click.pass_context
def worker(ctx: click.Context, settings: Settings, as_json: bool) -> None:
    """Look at the workers of both languages; stop, remove the dead."""
    if ctx.invoked_subcommand is None:
        _list(settings, as_json)


@worker.command("list")
@json_option
@common
@pass_settings
def list_(settings: Settings, as_json: bool) -> None:
    """List the workers (as `pyresque worker` does)."""
    _list(settings, as_json)


@worker.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@json_option
@common
@pass_settings
def show(settings: Settings, ids: tuple[str, ...], as_json: bool) -> None:
    """Show all that is known of a worker, and whether it lives. Of an ID host:pid is enough."""
    resque = settings.reading()
    worker_ids, missed = known_ids(resque, ids)
    for number, info in enumerate(info for info in resque.workers() if info.id in worker_ids):
        if as_json:
            json_line(_document(info))
            continue
        click.echo("\n" if number else "", nl=False)
        pairs(_lines(resque, info))
    click.get_current_context().exit(1 if missed else 0)


for command in (stop, remove, prune):
    worker.add_command(command)

workers = copy(worker)
"""The same under the name that it had before."""
workers.name, workers.hidden = "workers", True


def _list(settings: Settings, as_json: bool) -> None:
    registered = settings.reading().workers()
    if as_json:
        for info in registered:
            json_line(_document(info))
        return
    if not registered:
        click.echo("no workers")
        return
    head = ("WORKER", "LANGUAGE", "QUEUES", "STATE", "JOB", "FOR", "HEARTBEAT", "PROCESSED", "FAILED")
    table(head, map(_row, registered), whole=("WORKER",), numbers=("PROCESSED", "FAILED"))
    dead = sum(info.is_alive is False for info in registered)
    if dead:
        are, them = ("is", "it") if dead == 1 else ("are", "them")
        click.echo(f"{counted(dead, 'worker')} {are} dead: `pyresque worker prune` removes {them}")


def _row(info: WorkerInfo) -> tuple[object, ...]:
    beat = "never" if info.heartbeat_age is None else f"{span(info.heartbeat_age)} ago"
    working = "" if info.working_for is None else span(info.working_for)
    name = f"{info.host}:{info.pid}" if info.pid else info.id
    language = _LANGUAGES[info.language]
    return (
        name,
        language,
        ",".join(info.queues),
        _state(info),
        _job(info),
        working,
        beat,
        info.processed,
        info.failed,
    )


_LANGUAGES = {"python": "Python", "ruby": "Ruby", None: "?"}


def _state(info: WorkerInfo) -> object:
    """What it does; whether it lives counts for more."""
    if info.is_alive is False:
        return tinted("dead", "red")
    return tinted(f"{info.state}?", "yellow") if info.is_alive is None else info.state


def _job(info: WorkerInfo) -> str:
    return f"{info.working.class_name} on {info.working.queue}" if info.working else ""


def _lines(resque: Resque, info: WorkerInfo) -> list[tuple[str, object]]:
    from pyresque.system.processes import process_title
    from pyresque.worker import by_hand
    from pyresque.worker.liveness import process_of, signs_of_life

    process, signs = process_of(resque.space, info.id), signs_of_life(resque.space, info.id)
    life = {True: "yes", False: "no", None: "nobody can tell from here"}[info.is_alive]
    lines: list[tuple[str, object]] = [
        ("id", info.id),
        ("language", _LANGUAGES[info.language]),
        ("host", info.host),
        ("pid", info.pid),
        ("queues", ",".join(info.queues)),
        ("alive", f"{life}: {signs.seen}" if signs.seen else life),
        ("state", info.state),
    ]
    if process.lives:
        pool = by_hand.pool_of(process)
        lines += [("process", process_title(process.pid)), ("doubt", process.doubt), ("pool", pool or "")]
    if info.working:
        name, args = job_of(info.working.payload or {})
        since = "" if info.working_for is None else f" ({span(info.working_for)})"
        lines += [("job", name), ("args", compact(args)), ("queue", info.working.queue or "")]
        lines.append(("working since", f"{info.working.run_at or ''}{since}"))
    beat = "never" if info.heartbeat_age is None else f"{info.heartbeat} ({span(info.heartbeat_age)} ago)"
    lines += [("heartbeat", beat), ("started", info.started)]
    lines += [("processed", info.processed), ("failed", info.failed)]
    return [line for line in lines if line[1] != ""]


def _document(info: WorkerInfo) -> dict[str, Any]:
    working = info.working
    return {
        "id": info.id,
        "language": info.language,
        "host": info.host,
        "pid": number_of(info.pid),
        "queues": info.queues,
        "state": info.state,
        "alive": info.is_alive,
        "can_be_signalled": info.can_be_signalled,
        "queue": working.queue if working else None,
        **job_document(working.payload if working else None),
        "run_at": time_of(working.run_at) if working else None,
        "working_seconds": info.working_for,
        "started": time_of(info.started),
        "heartbeat": time_of(info.heartbeat),
        "heartbeat_seconds": info.heartbeat_age,
        "processed": info.processed,
        "failed": info.failed,
    }
