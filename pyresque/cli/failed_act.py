"""`pyresque failed retry`, `remove` and `clear`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from pyresque.cli.common_options import Settings, common, pass_settings, style_option
from pyresque.cli.confirm import confirmed, dry_run_option, yes_option
from pyresque.cli.failed_retry import Retries, retry_chosen, retry_selected
from pyresque.cli.failed_text import coming, found, title
from pyresque.cli.output import counted, of_classes, safe
from pyresque.cli.progress import Progress
from pyresque.cli.selecting import Wanted, failure_choice, failure_filters

if TYPE_CHECKING:
    from pyresque import Resque
    from pyresque.client.failure_selection import FailureSelection
    from pyresque.wire.encoding import Style
    from pyresque.wire.records import FailureRecord


@click.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@failure_choice
@click.option("--again", is_flag=True, help="Also those that were put back before.")
@click.option(
    "--with-due", is_flag=True, help="Also those whose automatic attempt is delayed: it comes now instead."
)
@yes_option
@dry_run_option
@style_option
@common
@pass_settings
def retry(
    settings: Settings,
    ids: tuple[str, ...],
    wanted: Wanted,
    again: bool,
    with_due: bool,
    yes: bool,
    dry_run: bool,
    json_style: Style,
) -> None:
    """Put jobs back on their queues. By ID (its beginning is enough), by filters, or --all.

    What was put back before, and what comes by itself (Retry, resque-retry), is left alone by filters and
    --all; by ID there is a question first. Name your modules with -r: a Retry may have an identify.

    The records stay, marked as retried; `pyresque failed clear --retried` removes them.
    """
    filters = wanted.with_ids(ids)
    retries = Retries(again, with_due, yes, dry_run)
    resque = settings.connected(json_style)
    if ids and wanted.is_open:
        records = found(resque, ids)
        named = list({id(record): record for record in records if record is not None}.values())
        missed = records.count(None) + retry_chosen(resque, named, retries)
    else:
        missed = retry_selected(resque.failures.select(**filters), retries)
    click.get_current_context().exit(1 if missed else 0)


@click.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@failure_choice
@yes_option
@dry_run_option
@common
@pass_settings
def remove(settings: Settings, ids: tuple[str, ...], wanted: Wanted, yes: bool, dry_run: bool) -> None:
    """Remove failures by ID, by filters, or --all. The beginning of an ID is enough.

    Their jobs are gone then, and so is what was put aside with them.
    """
    filters = wanted.with_ids(ids)
    resque = settings.connected()
    if ids and wanted.is_open:
        missed = _remove_named(resque, ids, yes, dry_run)
    else:
        missed = 0
        _remove_selected(resque.failures.select(**filters), yes, dry_run)
    click.get_current_context().exit(1 if missed else 0)


@click.command()
@failure_filters
@yes_option
@dry_run_option
@common
@pass_settings
def clear(settings: Settings, wanted: Wanted, yes: bool, dry_run: bool) -> None:
    """Remove all failures, or with filters some. Their jobs are gone then.

    So is what was put aside with them.
    """
    failures = settings.connected().failures
    if not wanted.is_open:
        _remove_selected(failures.select(**wanted.filters), yes, dry_run)
        return
    what = _counted(failures.select())
    if what.total and not confirmed(f"remove {what}", yes=yes, dry_run=dry_run):
        return
    for name in failures.lists():
        failures.clear(name)
    click.echo(f"removed {what.without_classes}")


class _Counted:
    """Failures as they are counted in a question: of which classes, and how many jobs are aside with them."""

    def __init__(self, records: Iterable[FailureRecord]) -> None:
        self.classes: Counter[str] = Counter()
        self._held = 0
        for record in records:
            self.classes[record.class_name] += 1
            self._held += record.holds_aside

    def __str__(self) -> str:
        return of_classes("failure", self.classes) + self._aside

    @property
    def total(self) -> int:
        """How many there are."""
        return self.classes.total()

    @property
    def without_classes(self) -> str:
        """What was done, in short."""
        return counted(self.total, "failure") + self._aside

    @property
    def _aside(self) -> str:
        were = "was" if self._held == 1 else "were"
        return f", and {counted(self._held, 'job')} that {were} put aside" if self._held else ""


def _counted(records: Iterable[FailureRecord]) -> _Counted:
    from pyresque.client.selection import told

    with Progress("reading", "failures") as progress:
        return _Counted(told(records, progress))


def _remove_selected(selection: FailureSelection, yes: bool, dry_run: bool) -> None:
    what = _counted(selection)
    if not what.total:
        click.echo("removed 0 failures: none is like that")
        return
    if not confirmed(f"remove {what}", yes=yes, dry_run=dry_run):
        return
    with Progress("removing", "failures", what.total) as told:
        done = selection.remove(progress=told)
    if done.done == what.total:
        click.echo(f"removed {what.without_classes}")
    else:  # somebody else was at work, too
        click.echo(f"removed {counted(done.done, 'failure')}")


def _remove_named(resque: Resque, ids: Sequence[str], yes: bool, dry_run: bool) -> int:
    """Remove failures that were named; returns how many were not removed."""
    records = found(resque, ids)
    named = list({id(record): record for record in records if record is not None}.values())
    missed = records.count(None)
    if not named or not confirmed(f"remove {_Counted(named)}", yes=yes, dry_run=dry_run):
        return missed
    attempts = resque.failures.next_attempts(named, thorough=False)
    for record, attempt, gone in zip(named, attempts, resque.failures.remove_all(named), strict=True):
        if not gone:
            missed += 1
            continue
        click.echo(f"removed {title(record)}{', with what was put aside' if record.holds_aside else ''}")
        if attempt is not None:
            click.echo(f"its job still comes by itself: {safe(coming(attempt))}", err=True)
    return missed
