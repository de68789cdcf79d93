"""`pyresque failed`: looking at failures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from pyresque.cli.common_options import Settings, common, json_option, pass_settings
from pyresque.cli.failed_act import clear, remove, retry
from pyresque.cli.failed_text import HEAD, document, found, lines, row, short_id
from pyresque.cli.groups import show_groups
from pyresque.cli.json_output import json_line
from pyresque.cli.output import pairs, table
from pyresque.cli.progress import Progress
from pyresque.cli.selecting import Page, Wanted, failure_filters, paged

if TYPE_CHECKING:
    from pyresque.client.failure_selection import FailureSelection
    from pyresque.client.failures import Failures
    from pyresque.wire.records import FailureRecord

_SORTS = ("newest", "oldest", "class", "exception", "queue")
_WAYS = ("class", "exception", "frame", "queue", "hour")
_PIECE = 5000


@click.group(invoke_without_command=True)
@json_option
@common
@pass_settings
@click.pass_context
def failed(ctx: click.Context, settings: Settings, as_json: bool) -> None:
    """Look at failed jobs of both languages; retry, remove."""
    if ctx.invoked_subcommand is None:
        _list(settings.reading(jobs=True).failures, Wanted(), Page(None, None), as_json)


@failed.command("list")
@failure_filters
@paged("last", _SORTS)
@json_option
@common
@pass_settings
def list_(settings: Settings, wanted: Wanted, page: Page, as_json: bool) -> None:
    """List failures, the newest last; with filters only some of them.

    --sort newest has the newest first, --sort oldest the oldest.
    """
    _list(settings.reading(jobs=True).failures, wanted, page, as_json)


@failed.command()
@click.option("--by", type=click.Choice(_WAYS), default="class", show_default=True, help="What they share.")
@failure_filters
@paged("largest")
@json_option
@common
@pass_settings
def groups(settings: Settings, by: str, wanted: Wanted, page: Page, as_json: bool) -> None:
    """Count failures by class, exception, frame, queue or hour (UTC)."""
    selection = settings.reading(jobs=True).failures.select(**wanted.filters)
    with Progress("reading", "failures") as told:
        shown = selection.groups(by, progress=told)
    show_groups(shown, by, page, as_json, "failures", _example)


@failed.command()
@click.argument("record_id", metavar="ID")
@json_option
@common
@pass_settings
def show(settings: Settings, record_id: str, as_json: bool) -> None:
    """Show one failure with its backtrace. The beginning of its ID is enough."""
    resque = settings.reading(jobs=True)
    [record] = found(resque, [record_id])
    if record is None:
        click.get_current_context().exit(1)
    attempt = resque.failures.next_attempt(record)
    if as_json:
        json_line(document(record, attempt))
    else:
        pairs(lines(record, attempt))


for _command in (retry, remove, clear):
    failed.add_command(_command)


def _list(failures: Failures, wanted: Wanted, page: Page, as_json: bool) -> None:
    selection = failures.select(**wanted.filters)
    if as_json:
        from pyresque.client.selection import in_pieces

        for piece in in_pieces(_chosen(selection, page, True), _PIECE):
            for record, attempt in zip(piece, failures.next_attempts(piece, thorough=False), strict=True):
                json_line(document(record, attempt))
        return
    records = list(_chosen(selection, page, False))
    if not records:
        click.echo(_nothing(failures, wanted, page))
        return
    table(HEAD, map(row, records, failures.next_attempts(records, thorough=False)))
    if not page.is_whole(False):
        _tell_rest(selection, wanted, page, len(records))


def _chosen(selection: FailureSelection, page: Page, as_json: bool) -> Iterable[FailureRecord]:
    """The failures of this page, in its order."""
    if page.sort in ("class", "exception", "queue"):
        return page.sorted(selection, _KEYS[page.sort], as_json)
    if page.is_whole(as_json):
        return selection if page.sort != "newest" else reversed(list(selection))
    records = selection.page(page.number or 1, page.size, newest_first=page.sort != "oldest")
    return reversed(records) if page.sort is None else records


_KEYS = {
    "class": lambda record: record.class_name,
    "exception": lambda record: record.text("exception") or "",
    "queue": lambda record: record.text("queue") or "",
}


def _tell_rest(selection: FailureSelection, wanted: Wanted, page: Page, shown: int) -> None:
    """Say on stderr what is on other pages. How many fit a filter is not counted: that reads all of them."""
    last = page.first + shown
    if page.first == 0 and shown < page.size:
        return
    if wanted.is_open:
        total = selection.count()
        if total <= shown:
            return
        which = (
            f"the last {shown}"
            if page.first == 0 and page.sort in (None, "newest")
            else f"{page.first + 1} to {last}"
        )
        rest = (
            f"; --page {(page.number or 1) + 1} has those {'after' if page.sort == 'oldest' else 'before'}"
            if last < total
            else ""
        )
        click.echo(f"{which} of {total}{rest}, --limit 0 lists all", err=True)
    elif selection.page(last + 1, 1):
        click.echo(f"there are more: --page {(page.number or 1) + 1} goes on, --limit 0 lists all", err=True)


def _nothing(failures: Failures, wanted: Wanted, page: Page) -> str:
    if not wanted.is_open and failures.count():
        return "no failures are like that; `pyresque failed groups` shows which there are"
    return "no failures" if page.first == 0 or not failures.count() else f"no failures on page {page.number}"


def _example(record: FailureRecord) -> tuple[str, str]:
    """The ID of a failure, and what tells most of it."""
    error = f"{record.text('exception') or ''}: {record.text('error') or ''}"
    return short_id(record), f"{record.class_name or '(no job)'}: {error}"
