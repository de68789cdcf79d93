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
    found, missed = known_ids(resque, ids)
    for number, one in enumerate(one for one in resque.workers() if one.id in found):
        if as_json:
            json_line(_document(one))
            continue
        click.echo("\n" if number else "", nl=False)
        pairs(_lines(resque, one))
    click.get_current_context().exit(1 if missed else 0)


for command in (stop, remove, prune):
    worker.add_command(command)

workers = copy(worker)
"""The same under the name that it had before."""
workers.name, workers.hidden = "workers", True


def _list(settings: Settings, as_json: bool) -> None:
    registered = settings.reading().workers()
    if as_json:
        for one in registered:
            json_line(_document(one))
        return
    if not registered:
        click.echo("no workers")
        return
    head = ("WORKER", "LANGUAGE", "QUEUES", "STATE", "JOB", "FOR", "HEARTBEAT", "PROCESSED", "FAILED")
    table(head, map(_row, registered), whole=("WORKER",), numbers=("PROCESSED", "FAILED"))
    dead = sum(one.is_alive is False for one in registered)
    if dead:
        are, them = ("is", "it") if dead == 1 else ("are", "them")
        click.echo(f"{counted(dead, 'worker')} {are} dead: `pyresque worker prune` removes {them}")


def _row(one: WorkerInfo) -> tuple[object, ...]:
    beat = "never" if one.heartbeat_age is None else f"{span(one.heartbeat_age)} ago"
    working = "" if one.working_for is None else span(one.working_for)
    name = f"{one.host}:{one.pid}" if one.pid else one.id
    language = _LANGUAGES[one.language]
    return (
        name,
        language,
        ",".join(one.queues),
        _state(one),
        _job(one),
        working,
        beat,
        one.processed,
        one.failed,
    )


_LANGUAGES = {"python": "Python", "ruby": "Ruby", None: "?"}


def _state(one: WorkerInfo) -> object:
    """What it does; whether it lives counts for more."""
    if one.is_alive is False:
        return tinted("dead", "red")
    return tinted(f"{one.state}?", "yellow") if one.is_alive is None else one.state


def _job(one: WorkerInfo) -> str:
    return f"{one.working.class_name} on {one.working.queue}" if one.working else ""


def _lines(resque: Resque, one: WorkerInfo) -> list[tuple[str, object]]:
    from pyresque.system.processes import process_title
    from pyresque.worker import by_hand
    from pyresque.worker.liveness import process_of, signs_of_life

    process, signs = process_of(resque.space, one.id), signs_of_life(resque.space, one.id)
    said = {True: "yes", False: "no", None: "nobody can tell from here"}[one.is_alive]
    lines: list[tuple[str, object]] = [
        ("id", one.id),
        ("language", _LANGUAGES[one.language]),
        ("host", one.host),
        ("pid", one.pid),
        ("queues", ",".join(one.queues)),
        ("alive", f"{said}: {signs.seen}" if signs.seen else said),
        ("state", one.state),
    ]
    if process.lives:
        pool = by_hand.pool_of(process)
        lines += [("process", process_title(process.pid)), ("doubt", process.doubt), ("pool", pool or "")]
    if one.working:
        name, args = job_of(one.working.payload or {})
        since = "" if one.working_for is None else f" ({span(one.working_for)})"
        lines += [("job", name), ("args", compact(args)), ("queue", one.working.queue or "")]
        lines.append(("working since", f"{one.working.run_at or ''}{since}"))
    beat = "never" if one.heartbeat_age is None else f"{one.heartbeat} ({span(one.heartbeat_age)} ago)"
    lines += [("heartbeat", beat), ("started", one.started)]
    lines += [("processed", one.processed), ("failed", one.failed)]
    return [line for line in lines if line[1] != ""]


def _document(one: WorkerInfo) -> dict[str, Any]:
    working = one.working
    return {
        "id": one.id,
        "language": one.language,
        "host": one.host,
        "pid": number_of(one.pid),
        "queues": one.queues,
        "state": one.state,
        "alive": one.is_alive,
        "can_be_signalled": one.can_be_signalled,
        "queue": working.queue if working else None,
        **job_document(working.payload if working else None),
        "run_at": time_of(working.run_at) if working else None,
        "working_seconds": one.working_for,
        "started": time_of(one.started),
        "heartbeat": time_of(one.heartbeat),
        "heartbeat_seconds": one.heartbeat_age,
        "processed": one.processed,
        "failed": one.failed,
    }
