"""`pyresque ledger`: what each language has done of each class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.common_options import Settings, common, json_option, pass_settings
from pyresque.cli.json_output import json_line, timestamp
from pyresque.cli.output import ago, table

if TYPE_CHECKING:
    from pyresque.client.history import ClassCounts, Ledger


@click.command()
@click.argument("class_name", metavar="[CLASS]", required=False)
@click.option(
    "--days", type=click.IntRange(1, 14), default=14, show_default=True, help="How far back, today included."
)
@json_option
@common
@pass_settings
def ledger(settings: Settings, class_name: str | None, days: int, as_json: bool) -> None:
    """Show what Ruby and Python have processed of each class.

    Of Ruby's classes these are least numbers (+): Ruby does not count by class, so only jobs are known that
    were seen at work, and failures in the failed lists (docs/history.md).
    """
    found = settings.reading().ledger(days)
    rows = [one for one in found.classes if class_name in (None, one.class_name)]
    if as_json:
        for one in rows:
            json_line(_document(one, found))
        return
    if rows:
        head = ("CLASS", "LANGUAGE", "PROCESSED", "FAILED", "LAST SEEN")
        table(head, map(_row, rows), whole=("CLASS",), numbers=("PROCESSED", "FAILED"))
    else:
        click.echo(f"nothing was counted of {class_name}" if class_name else "nothing was counted")
    if class_name is None:
        for text in _totals(found):
            click.echo(text, err=True)
    else:
        for text in _unseen(found, class_name):
            click.echo(text)


def _row(one: ClassCounts) -> tuple[object, ...]:
    least = "+" * one.is_least
    last = "" if one.last_seen is None else ago(one.last_seen)
    return one.class_name, one.language, f"{one.processed}{least}", f"{one.failed}{least}", last


def _totals(found: Ledger) -> Iterator[str]:
    since = "" if found.since is None else f", counted since {timestamp(found.since)}"
    yield (
        f"in {_days(found.days)}{since}: Python has processed {found.python.processed:,} jobs, "
        f"Ruby {found.ruby.processed:,}"
    )


def _unseen(found: Ledger, class_name: str) -> Iterator[str]:
    """In which language it was not seen, and for how long."""
    for language in ("python", "ruby"):
        if found.of(class_name, language).last_seen is None:
            since = "" if found.since is None else f", counted since {timestamp(found.since)}"
            yield f"{language.title()} was not seen to run any of these in {_days(found.days)}{since}"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _document(one: ClassCounts, found: Ledger) -> dict[str, Any]:
    return {
        **one.as_dict(),
        "first_seen": timestamp(one.first_seen),
        "days": found.days,
        "since": timestamp(found.since),
        "by_day": [
            {"date": day, "processed": processed, "failed": failed}
            for day, (processed, failed) in sorted(one.by_day.items())
        ],
    }
