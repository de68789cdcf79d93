"""`pyresque failed`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from pyresque.cli.common_options import (
    Settings,
    common,
    json_option,
    limit_option,
    pass_settings,
    style_option,
)
from pyresque.cli.failed_retry import Retries, retry_chosen, retry_many
from pyresque.cli.failed_text import HEAD, coming, document, lines, row, title
from pyresque.cli.json_output import json_line
from pyresque.cli.output import counted, pairs, safe, table

if TYPE_CHECKING:
    from pyresque import Resque
    from pyresque.wire.encoding import Style
    from pyresque.wire.records import FailureRecord

_SHOWN = 20


@click.group(invoke_without_command=True)
@json_option
@common
@pass_settings
@click.pass_context
def failed(ctx: click.Context, settings: Settings, as_json: bool) -> None:
    """Look at failed jobs of both languages, put them back, remove them."""
    if ctx.invoked_subcommand is None:
        _list(settings, as_json, None, None)


@failed.command("list")
@click.option("-q", "--queue", metavar="QUEUE", help="Only the failures of this queue.")
@limit_option("last", _SHOWN)
@json_option
@common
@pass_settings
def list_(settings: Settings, queue: str | None, limit: int | None, as_json: bool) -> None:
    """List failures, the newest last."""
    _list(settings, as_json, queue, limit)


@failed.command()
@click.argument("record_id", metavar="ID")
@json_option
@common
@pass_settings
def show(settings: Settings, record_id: str, as_json: bool) -> None:
    """Show one failure with its backtrace. The beginning of its ID is enough."""
    resque = settings.connected()
    [record] = _found(resque, [record_id])
    if record is None:
        click.get_current_context().exit(1)
    attempt = resque.failures.next_attempt(record)
    if as_json:
        json_line(document(record, attempt))
    else:
        pairs(lines(record, attempt))


@failed.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All failures.")
@click.option("-q", "--queue", metavar="QUEUE", help="All failures of this queue.")
@click.option("--again", is_flag=True, help="Also those that were put back before.")
@click.option(
    "--with-due", is_flag=True, help="Also those whose automatic attempt is delayed: it comes now instead."
)
@click.option("--yes", is_flag=True, help="With IDs: do not ask, whatever may run twice.")
@style_option
@common
@pass_settings
def retry(
    settings: Settings,
    ids: tuple[str, ...],
    everything: bool,
    queue: str | None,
    again: bool,
    with_due: bool,
    yes: bool,
    json_style: Style,
) -> None:
    """Put jobs back on their queues: by ID (its beginning is enough), or with --all or --queue.

    What was put back before, and what comes by itself (Retry, resque-retry), is left alone by --all and
    --queue; by ID there is a question first. Name your modules with -r: a Retry may have an identify.

    The records stay, marked as retried; `pyresque failed clear --retried` removes them.
    """
    if (bool(ids) + everything + (queue is not None)) != 1:
        raise click.UsageError("say which: one or more IDs, or --all, or --queue QUEUE")
    resque = settings.connected(json_style)
    retries = Retries(again, with_due, ask=not yes)
    if ids:
        found = _found(resque, ids)
        named = list({id(record): record for record in found if record is not None}.values())
        missed = found.count(None) + retry_chosen(resque, named, retries)
    else:
        missed = retry_many(resque, _of_queue(resque.failures.each(), queue), retries)
    click.get_current_context().exit(1 if missed else 0)


@failed.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@common
@pass_settings
def remove(settings: Settings, ids: tuple[str, ...]) -> None:
    """Remove failures by ID (its beginning is enough), and what was put aside with them."""
    resque = settings.connected()
    found = _found(resque, ids)
    missed = found.count(None)
    records = [record for record in found if record is not None]
    attempts = resque.failures.next_attempts(records, thorough=False)
    for record, attempt, gone in zip(records, attempts, resque.failures.remove_all(records), strict=True):
        if not gone:
            missed += 1
            continue
        click.echo(f"removed {title(record)}{', with what was put aside' if record.holds_aside else ''}")
        if attempt is not None:
            click.echo(f"its job still comes by itself: {safe(coming(attempt))}", err=True)
    click.get_current_context().exit(1 if missed else 0)


@failed.command()
@click.option("--retried", is_flag=True, help="Only those whose job has been put back.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
@pass_settings
def clear(settings: Settings, retried: bool, yes: bool) -> None:
    """Remove all failures, or only those that were retried. Their jobs are gone then.

    So is what was put aside with them.
    """
    failures = settings.connected().failures
    if retried:
        removed = failures.clear_retried(failures.lists())
        click.echo(f"removed {counted(removed, 'failure')}")
        return
    held = [record.holds_aside for record in failures.each()]
    aside = f", and {counted(sum(held), 'job')} that {'was' if sum(held) == 1 else 'were'} put aside"
    all_of_them = f"{counted(len(held), 'failure')}{aside if any(held) else ''}"
    if held and not yes:
        click.confirm(f"Remove {all_of_them}?", abort=True, err=True)
    for name in failures.lists():
        failures.clear(name)
    click.echo(f"removed {all_of_them}")


def _list(settings: Settings, as_json: bool, queue: str | None, limit: int | None) -> None:
    failures = settings.connected().failures
    most = limit if limit is not None else 0 if as_json else _SHOWN
    if queue is None:
        total = failures.count()
        records = failures.list(max(0, total - most) if most else 0, most or None)
    else:
        chosen = _of_queue(failures.each(), queue)
        total, records = len(chosen), list(deque(chosen, maxlen=most or None))
    attempts = failures.next_attempts(records, thorough=False)
    if as_json:
        for record, attempt in zip(records, attempts, strict=True):
            json_line(document(record, attempt))
        return
    if not records:
        click.echo("no failures")
        return
    table(HEAD, map(row, records, attempts))
    if len(records) < total:
        click.echo(f"the last {len(records)} of {total}; --limit 0 lists all", err=True)


def _of_queue(records: Iterable[FailureRecord], queue: str | None) -> list[FailureRecord]:
    return [record for record in records if queue is None or record.text("queue") == queue]


def _found(resque: Resque, ids: Sequence[str]) -> list[FailureRecord | None]:
    records = resque.failures.find_all(ids)
    for failure_id, record in zip(ids, records, strict=True):
        if record is None:
            click.echo(
                f"Error: no failure has the ID {safe(failure_id)}, or several begin with it; "
                "`pyresque failed list` lists them",
                err=True,
            )
    return records
