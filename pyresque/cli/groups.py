"""`pyresque failed groups` and `pyresque delayed groups`: how many there are of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.json_output import json_line, timestamp
from pyresque.cli.output import ago, moment, table
from pyresque.cli.selecting import Page

if TYPE_CHECKING:
    from pyresque.client.selection import Group


def show_groups(
    groups: Sequence[Group[Any]],
    by: str,
    page: Page,
    as_json: bool,
    noun: str,
    example: Callable[[Any], tuple[str, str]],
) -> None:
    """Print groups, the largest first.

    Args:
        by: what the elements of a group share.
        noun: what is counted.
        example: as much of the ID of an element as is typed, and a text about it.
    """
    shown = groups if page.is_whole(as_json) else groups[page.first : page.first + page.size]
    if as_json:
        for group in shown:
            json_line(_document(group, by))
        return
    if not shown:
        click.echo(f"no {noun}" + (f" on page {page.number}" if groups else ""))
        return
    head = ("COUNT", by.upper(), "FIRST", "LAST", "EXAMPLE", "")
    table(head, (_row(group, by, example(group.example)) for group in shown), numbers=("COUNT",))
    if len(shown) < len(groups):
        total = f"{page.first + 1} to {page.first + len(shown)} of {len(groups)} groups"
        click.echo(f"{total}; --page goes on, --limit 0 lists all", err=True)


def _row(group: Group[Any], by: str, example: tuple[str, str]) -> tuple[object, ...]:
    key = _hour(group) if by == "hour" else group.key or "(none)"
    first, last = (("" if at is None else ago(at)) for at in (group.first, group.last))
    return group.count, key, first, last, *example


def _hour(group: Group[Any]) -> str:
    """The hour in the local time of whoever looks."""
    return group.key if group.first is None else moment(group.first - group.first % 3600)


def _document(group: Group[Any], by: str) -> dict[str, Any]:
    return {
        "by": by,
        "key": group.key or None,
        "count": group.count,
        "first": timestamp(group.first),
        "last": timestamp(group.last),
        "example": group.example.id,
    }
