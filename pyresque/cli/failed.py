"""`pyresque failed`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.options import Settings, common, json_option, limit_option, pass_settings, style_option
from pyresque.cli.show import compact, job_of, json_line, pairs, safe, short, table
from pyresque.errors import NotAJob

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
    record = _found(settings.connected(), record_id)
    if record is None:
        click.get_current_context().exit(1)
    if as_json:
        json_line(_document(record))
        return
    if not record.value:
        pairs([("id", record.id), ("no record", record.raw.decode("utf-8", "backslashreplace"))])
        return
    error = (record.text("error") or "").splitlines()
    pairs(
        [
            ("id", record.id),
            ("failed at", record.text("failed_at") or ""),
            ("job", record.class_name or compact(record.value.get("payload"))),
            ("args", compact(job_of(record.payload)[1])),
            ("queue", record.text("queue") or ""),
            ("worker", record.text("worker") or ""),
            ("exception", record.text("exception") or ""),
            *((("error" if n == 0 else ""), line) for n, line in enumerate(error or [""])),
            ("retried at", record.text("retried_at") or "never"),
            *((("backtrace" if n == 0 else ""), line) for n, line in enumerate(record.backtrace)),
        ]
    )


@failed.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All failures.")
@click.option("-q", "--queue", metavar="QUEUE", help="All failures of this queue.")
@click.option("--again", is_flag=True, help="With --all or --queue: also those that were put back before.")
@style_option
@common
@pass_settings
def retry(
    settings: Settings,
    ids: tuple[str, ...],
    everything: bool,
    queue: str | None,
    again: bool,
    json_style: Style,
) -> None:
    """Put jobs back on their queues: by ID (its beginning is enough), or with --all or --queue.

    The records stay, marked as retried; `pyresque failed clear --retried` removes them.
    """
    if (bool(ids) + everything + (queue is not None)) != 1:
        raise click.UsageError("say which: one or more IDs, or --all, or --queue QUEUE")
    resque = settings.connected(json_style)
    if ids:
        missed = _retry(resque, [_found(resque, one) for one in ids], tell=True)
    else:
        chosen = _of_queue(resque.failures.each(), queue)
        before = set() if again else {one.id for one in chosen if one.text("retried_at") is not None}
        # Several failure backends write the same failure to several lists.
        fresh = list({one.id: one for one in reversed(chosen) if one.id not in before}.values())[::-1]
        missed = _retry(resque, fresh, tell=False)
        click.echo(f"put {_count(len(fresh) - missed, 'job')} back" + _left_out(len(before)))
    click.get_current_context().exit(1 if missed else 0)


@failed.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@common
@pass_settings
def remove(settings: Settings, ids: tuple[str, ...]) -> None:
    """Remove failures by ID (its beginning is enough)."""
    resque = settings.connected()
    missed = 0
    for one in ids:
        record = _found(resque, one)
        if record is None or not resque.failures.remove(record):
            missed += 1
        else:
            click.echo(f"removed {_title(record)}")
    click.get_current_context().exit(1 if missed else 0)


@failed.command()
@click.option("--retried", is_flag=True, help="Only those whose job has been put back.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
@pass_settings
def clear(settings: Settings, retried: bool, yes: bool) -> None:
    """Remove all failures, or only those that were retried. Their jobs are gone then."""
    failures = settings.connected().failures
    if retried:
        removed = sum(map(failures.clear_retried, failures.lists()))
        click.echo(f"removed {_count(removed, 'failure')}")
        return
    total = failures.count()
    if total and not yes:
        click.confirm(f"Remove {_count(total, 'failure')}?", abort=True, err=True)
    for name in failures.lists():
        failures.clear(name)
    click.echo(f"removed {_count(total, 'failure')}")


def _list(settings: Settings, as_json: bool, queue: str | None, limit: int | None) -> None:
    failures = settings.connected().failures
    most = limit if limit is not None else 0 if as_json else _SHOWN
    if queue is None:
        total = failures.count()
        found = failures.list(max(0, total - most) if most else 0, most or None)
    else:
        chosen = _of_queue(failures.each(), queue)
        total, found = len(chosen), list(deque(chosen, maxlen=most or None))
    if as_json:
        for one in found:
            json_line(_document(one))
        return
    if not found:
        click.echo("no failures")
        return
    table(("ID", "FAILED AT", "QUEUE", "JOB", "ERROR", "RETRIED"), (_row(one) for one in found))
    if len(found) < total:
        click.echo(f"the last {len(found)} of {total}; --limit 0 lists all", err=True)


def _retry(resque: Resque, records: Sequence[FailureRecord | None], tell: bool) -> int:
    """Put the jobs of records back; returns with how many that did not succeed."""
    missed = 0
    for record in records:
        try:
            done = record is not None and resque.failures.requeue(record)
        except NotAJob as error:
            done = False
            click.echo(f"Error: {_title(record)}: {safe(error)}", err=True)
        missed += not done
        if done and tell:
            click.echo(f"put back {_title(record)}")
    return missed


def _of_queue(records: Iterable[FailureRecord], queue: str | None) -> list[FailureRecord]:
    return [one for one in records if queue is None or one.text("queue") == queue]


def _found(resque: Resque, record_id: str) -> FailureRecord | None:
    record = resque.failures.find(record_id) if record_id else None
    if record is None:
        click.echo(
            f"Error: no failure has the ID {safe(record_id)}, or several begin with it; "
            "`pyresque failed list` lists them",
            err=True,
        )
    return record


def _title(record: FailureRecord | None) -> str:
    if record is None:
        return ""
    job = f"{short(record.class_name or '(no job)', 50)} {short(compact(job_of(record.payload)[1]), 60)}"
    return f"{job} of queue {safe(record.text('queue'))} ({_short_id(record)})"


def _short_id(record: FailureRecord) -> str:
    return safe(record.id[: 13 if record.id.startswith("sha1:") else 8])


def _row(record: FailureRecord) -> tuple[str, ...]:
    job = f"{record.class_name} {compact(job_of(record.payload)[1])}" if record.class_name else "(no job)"
    error = f"{record.text('exception') or ''}: {record.text('error') or ''}"
    return (
        _short_id(record),
        short(record.text("failed_at") or "", 26),
        short(record.text("queue") or "", 30),
        short(job, 40),
        short(error, 50),
        short(record.text("retried_at") or "", 26),
    )


def _document(record: FailureRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "list": record.list_name,
        "failed_at": record.value.get("failed_at"),
        "queue": record.value.get("queue"),
        "class": record.class_name or record.payload.get("class"),
        "args": job_of(record.payload)[1],
        "exception": record.value.get("exception"),
        "error": record.value.get("error"),
        "backtrace": record.value.get("backtrace"),
        "worker": record.value.get("worker"),
        "retried_at": record.value.get("retried_at"),
        "payload": record.value.get("payload"),
    }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _left_out(number: int) -> str:
    return (
        f"; {number} had been put back before and were left alone (--again takes them too)" if number else ""
    )
