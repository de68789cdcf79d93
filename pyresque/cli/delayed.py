"""`pyresque delayed`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.by_id import tell_unclear
from pyresque.cli.common_options import Settings, common, json_option, pass_settings
from pyresque.cli.confirm import confirmed, dry_run_option, yes_option
from pyresque.cli.groups import show_groups
from pyresque.cli.json_output import job_document, json_line, timestamp
from pyresque.cli.output import ago, compact, counted, moment, of_classes, pairs, short, table, tinted
from pyresque.cli.progress import Progress
from pyresque.cli.selecting import Page, Wanted, delayed_choice, delayed_filters, paged

if TYPE_CHECKING:
    from pyresque import Resque
    from pyresque.client.delayed_item import DelayedItem
    from pyresque.client.delayed_selection import DelayedSelection

_SORTS = ("next", "last", "class", "queue")
_WAYS = ("class", "queue", "hour")


@click.group(invoke_without_command=True)
@json_option
@common
@pass_settings
@click.pass_context
def delayed(ctx: click.Context, settings: Settings, as_json: bool) -> None:
    """Look at delayed jobs of both languages; run now, remove."""
    if ctx.invoked_subcommand is None:
        _list(settings.reading(), Wanted(), Page(None, None), as_json)


@delayed.command("list")
@delayed_filters
@paged("next", _SORTS)
@json_option
@common
@pass_settings
def list_(settings: Settings, wanted: Wanted, page: Page, as_json: bool) -> None:
    """List delayed jobs, the next one first. With filters only some of them."""
    _list(settings.reading(), wanted, page, as_json)


@delayed.command()
@click.option("--by", type=click.Choice(_WAYS), default="class", show_default=True, help="What they share.")
@delayed_filters
@paged("largest")
@json_option
@common
@pass_settings
def groups(settings: Settings, by: str, wanted: Wanted, page: Page, as_json: bool) -> None:
    """Count delayed jobs by class, queue, or hour (UTC)."""
    selection = settings.reading().delayed.select(**wanted.filters)
    with Progress("reading", "delayed jobs") as told:
        job_groups = selection.groups(by, progress=told)
    show_groups(job_groups, by, page, as_json, "delayed jobs", lambda item: (item.id[:8], _job(item)))


@delayed.command()
@click.argument("job_id", metavar="ID")
@json_option
@common
@pass_settings
def show(settings: Settings, job_id: str, as_json: bool) -> None:
    """Show one delayed job. The beginning of its ID is enough."""
    items, _ = _found(settings.reading(), [job_id])
    if not items:
        click.get_current_context().exit(1)
    [item] = items
    if as_json:
        json_line(_document(item))
        return
    pairs(
        [
            ("id", item.id),
            ("due", f"{moment(item.at)} ({ago(item.at)})"),
            ("job", item.job_class or "(no job)"),
            ("args", compact(item.job_args)),
            ("queue", "(none)" if item.queue is None else item.queue),
            ("item", item.raw.decode("utf-8", "backslashreplace")),
        ]
    )


@delayed.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@delayed_choice
@yes_option
@dry_run_option
@common
@pass_settings
def run(settings: Settings, ids: tuple[str, ...], wanted: Wanted, yes: bool, dry_run: bool) -> None:
    """Put delayed jobs on their queues now. With the hooks that they have here (-r)."""
    filters = wanted.with_ids(ids)
    resque = settings.connected()
    if ids and wanted.is_open:
        missed = _run_named(resque, ids, dry_run)
    else:
        missed = _act(resque.delayed.select(**filters), "queue", yes, dry_run)
    click.get_current_context().exit(1 if missed else 0)


@delayed.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@delayed_choice
@yes_option
@dry_run_option
@common
@pass_settings
def remove(settings: Settings, ids: tuple[str, ...], wanted: Wanted, yes: bool, dry_run: bool) -> None:
    """Remove delayed jobs by ID, by filters, or --all. The beginning of an ID is enough.

    If one is the next attempt at a job that failed, its retries end with it.
    """
    filters = wanted.with_ids(ids)
    resque = settings.connected()
    if ids and wanted.is_open:
        missed = _remove_named(resque, ids, yes, dry_run)
    else:
        missed = _act(resque.delayed.select(**filters), "remove", yes, dry_run)
    click.get_current_context().exit(1 if missed else 0)


@delayed.command()
@yes_option
@dry_run_option
@common
@pass_settings
def clear(settings: Settings, yes: bool, dry_run: bool) -> None:
    """Remove all delayed jobs."""
    resque = settings.connected()
    kinds = _kinds(resque.delayed.select())
    if not kinds:
        click.echo("removed 0 delayed jobs")
    elif confirmed(f"remove {of_classes('delayed job', kinds)}", yes=yes, dry_run=dry_run):
        click.echo(f"removed {counted(resque.reset_delayed_queue(), 'delayed job')}")


def _act(selection: DelayedSelection, verb: str, yes: bool, dry_run: bool) -> int:
    """Remove or queue many, after a question; returns how many were left alone."""
    kinds = _kinds(selection)
    done = f"{verb.rstrip('e')}ed"
    if not kinds:
        click.echo(f"{done} 0 delayed jobs: none is like that")
    elif confirmed(f"{verb} {of_classes('delayed job', kinds)}", yes=yes, dry_run=dry_run):
        with Progress(
            "queueing" if verb == "queue" else "removing", "delayed jobs", sum(kinds.values())
        ) as told:
            act = selection.run_now if verb == "queue" else selection.remove
            result = act(progress=told)
        left = "".join(f"; {number} left alone: {reason}" for reason, number in result.skipped.items())
        click.echo(f"{done} {counted(result.done, 'delayed job')}{left}")
        return result.left_alone
    return 0


def _kinds(selection: DelayedSelection) -> dict[str, int]:
    with Progress("reading", "delayed jobs") as told:
        return selection.by_class(progress=told)


def _run_named(resque: Resque, ids: Sequence[str], dry_run: bool) -> int:
    """Queue delayed jobs that were named; returns how many were not queued."""
    items, missed = _found(resque, ids)
    for item in items:
        if dry_run:
            click.echo(f"would queue {_title(item)}")
        elif resque.enqueue_found([item]):
            click.echo(f"queued {_title(item)}")
        else:
            missed += 1
    return missed


def _remove_named(resque: Resque, ids: Sequence[str], yes: bool, dry_run: bool) -> int:
    """Remove delayed jobs that were named; returns how many were not removed."""
    items, missed = _found(resque, ids)
    kinds = Counter(item.job_class for item in items)
    if items and confirmed(f"remove {of_classes('delayed job', kinds)}", yes=yes, dry_run=dry_run):
        for item in items:
            if resque.delayed.select(ids=[item.id]).remove().done:
                click.echo(f"removed {_title(item)}")
            else:
                missed += 1
    return missed


def _found(resque: Resque, ids: Sequence[str]) -> tuple[list[DelayedItem], int]:
    """The delayed jobs with these IDs, and how many name none, or several: that is said on stderr."""
    matching: dict[str, dict[str, DelayedItem]] = {start: {} for start in ids}
    for item in resque.each_delayed():
        for start, matches in matching.items():
            if start and item.id.startswith(start):
                matches.setdefault(item.id, item)
    if unclear := [start for start in ids if len(matching[start]) != 1]:
        clear_ids = [whole for start in unclear for whole in matching[start]]
        tell_unclear(unclear, clear_ids, "delayed job", "pyresque delayed list", lambda whole: whole[:8])
    clear = {item.id: item for matches in matching.values() if len(matches) == 1 for item in matches.values()}
    return list(clear.values()), len(unclear)


def _list(resque: Resque, wanted: Wanted, page: Page, as_json: bool) -> None:
    selection = resque.delayed.select(**wanted.filters)
    items = _chosen(selection, page, as_json)
    if as_json:
        for item in items:
            json_line(_document(item))
        return
    now = time.time()
    rows = [(item.id[:8], _due(item.at, now), item.queue or "", _job(item)) for item in items]
    if not rows:
        click.echo("no delayed jobs" + ("" if wanted.is_open else " are like that"))
        return
    table(("ID", "DUE", "QUEUE", "JOB"), rows)
    if page.is_whole(as_json):
        return
    last = page.first + len(rows)
    if wanted.is_open and last < (total := selection.count()):
        which = f"the next {len(rows)}" if page.first == 0 else f"{page.first + 1} to {last}"
        click.echo(f"{which} of {total}; --page goes on, --limit 0 lists all", err=True)
    elif not wanted.is_open and selection.page(last + 1, 1):
        click.echo("there are more; --page goes on, --limit 0 lists all", err=True)


def _chosen(selection: DelayedSelection, page: Page, as_json: bool) -> Iterable[DelayedItem]:
    """The delayed jobs of this page, in its order."""
    if page.sort == "class":
        return page.sorted(selection, lambda item: item.job_class, as_json)
    if page.sort == "queue":
        return page.sorted(selection, lambda item: item.queue or "", as_json)
    if page.sort == "last":
        return page.sorted(selection, lambda item: -item.at, as_json)
    return selection if page.is_whole(as_json) else selection.page(page.number or 1, page.size)


def _due(at: int, now: float) -> object:
    if timestamp(at) is None:
        return moment(at)  # milliseconds, often
    return ago(at, now) if at > now else tinted(f"overdue, {ago(at, now)}", "red")


def _job(item: DelayedItem) -> str:
    return f"{item.job_class} {compact(item.job_args)}" if item.job_class else "(no job)"


def _title(item: DelayedItem) -> str:
    return short(_job(item), 100)


def _document(item: DelayedItem) -> dict[str, Any]:
    from pyresque.errors import MalformedPayload
    from pyresque.wire.records import Payload

    job, text = job_document(None), None
    try:
        job = job_document(Payload.parse(item.raw).value)
    except MalformedPayload:
        text = item.raw.decode("utf-8", "backslashreplace")
    due = {"id": item.id, "at": timestamp(item.at), "second": item.at}
    return {**due, "queue": item.queue, **job, "text": text}
