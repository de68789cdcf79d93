"""`pyresque delayed`."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.common_options import Settings, common, json_option, limit_option, pass_settings
from pyresque.cli.json_output import job_document, json_line, timestamp
from pyresque.cli.output import compact, counted, moment, pairs, safe, short, table

if TYPE_CHECKING:
    from pyresque import Resque
    from pyresque.client.delayed_item import DelayedItem

_SHOWN = 20


@click.group(invoke_without_command=True)
@json_option
@common
@pass_settings
@click.pass_context
def delayed(ctx: click.Context, settings: Settings, as_json: bool) -> None:
    """Look at delayed jobs of both languages, run them now, remove them."""
    if ctx.invoked_subcommand is None:
        _list(settings, as_json, None, None)


@delayed.command("list")
@click.option("-c", "--class", "class_name", metavar="CLASS", help="Only jobs of this class.")
@limit_option("next", _SHOWN)
@json_option
@common
@pass_settings
def list_(settings: Settings, class_name: str | None, limit: int | None, as_json: bool) -> None:
    """List delayed jobs, the next one first."""
    _list(settings, as_json, class_name, limit)


@delayed.command()
@click.argument("job_id", metavar="ID")
@json_option
@common
@pass_settings
def show(settings: Settings, job_id: str, as_json: bool) -> None:
    """Show one delayed job. The beginning of its ID is enough."""
    item = _found(settings.connected(), job_id)
    if item is None:
        click.get_current_context().exit(1)
    if as_json:
        json_line(_document(item))
        return
    pairs(
        [
            ("id", id_of(item)),
            ("due", moment(item.at)),
            ("job", item.class_name or "(no job)"),
            ("args", compact(item.args)),
            ("queue", "(none)" if item.queue is None else item.queue),
            ("item", item.raw.decode("utf-8", "backslashreplace")),
        ]
    )


@delayed.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@common
@pass_settings
def run(settings: Settings, ids: tuple[str, ...]) -> None:
    """Put delayed jobs on their queues now, with the hooks that they have here (-r)."""
    resque = settings.connected()
    _each(resque, ids, "queued", resque.enqueue_found)


@delayed.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@common
@pass_settings
def remove(settings: Settings, ids: tuple[str, ...]) -> None:
    """Remove delayed jobs by ID (its beginning is enough).

    If one is the next attempt at a job that failed, its retries end with it.
    """
    from pyresque.client.next_retry import forget_attempts

    resque = settings.connected()

    def gone(items: Sequence[DelayedItem]) -> int:
        removed = resque.remove_found(items)
        for item in items:
            forget_attempts(resque.space, resque.registry, item.raw)
        return removed

    _each(resque, ids, "removed", gone)


@delayed.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
@pass_settings
def clear(settings: Settings, yes: bool) -> None:
    """Remove all delayed jobs."""
    resque = settings.connected()
    total = resque.count_all_scheduled_jobs()
    if total and not yes:
        click.confirm(f"Remove {counted(total, 'delayed job')}?", abort=True, err=True)
    click.echo(f"removed {counted(resque.reset_delayed_queue(), 'delayed job')}")


def id_of(job: DelayedItem) -> str:
    """What addresses a delayed job: the digest of its second and its bytes; equal ones have the same."""
    return hashlib.sha1(b"%b %b" % job.element).hexdigest()[:16]  # noqa: S324 (no secret)


def _list(settings: Settings, as_json: bool, class_name: str | None, limit: int | None) -> None:
    resque = settings.connected()
    most = limit if limit is not None else 0 if as_json else _SHOWN
    chosen: Iterator[DelayedItem] = (
        item for item in resque.each_delayed() if class_name is None or item.class_name == class_name
    )
    items = list(itertools.islice(chosen, most or None))
    if as_json:
        for item in items:
            json_line(_document(item))
        return
    if not items:
        click.echo("no delayed jobs")
        return
    rows = [
        (
            id_of(item)[:8],
            moment(item.at),
            "" if item.queue is None else item.queue,
            f"{item.class_name} {compact(item.args)}" if item.class_name else "(no job)",
        )
        for item in items
    ]
    table(("ID", "DUE", "QUEUE", "JOB"), rows)
    total = resque.count_all_scheduled_jobs()
    if class_name is None and len(items) < total:
        click.echo(f"the next {len(items)} of {total}; --limit 0 lists all", err=True)


def _each(resque: Resque, ids: tuple[str, ...], done: str, act: Any) -> None:
    missed = 0
    for job_id in ids:
        job = _found(resque, job_id)
        count = 0 if job is None else act([job])
        if job is not None and count:
            click.echo(f"{done} {safe(job.class_name or '(no job)')} {short(compact(job.args), 60)}")
        missed += not count
    click.get_current_context().exit(1 if missed else 0)


def _found(resque: Resque, job_id: str) -> DelayedItem | None:
    matching = {
        own: item for item in resque.each_delayed() if job_id and (own := id_of(item)).startswith(job_id)
    }
    if len(matching) == 1:
        return next(iter(matching.values()))
    click.echo(
        f"Error: no delayed job has the ID {safe(job_id)}, or several begin with it; "
        "`pyresque delayed list` lists them",
        err=True,
    )
    return None


def _document(job: DelayedItem) -> dict[str, Any]:
    from pyresque.errors import MalformedPayload
    from pyresque.wire.records import Payload

    payload = text = None
    try:
        payload = Payload.parse(job.raw).value
    except MalformedPayload:
        text = job.raw.decode("utf-8", "backslashreplace")
    due = {"id": id_of(job), "at": timestamp(job.at), "second": job.at}
    return {**due, "queue": job.queue, **job_document(payload), "text": text}
