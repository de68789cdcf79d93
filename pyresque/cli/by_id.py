"""What is said where an ID names nothing, or is the beginning of several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import click

from pyresque.cli.output import safe

_NAMED = 5


def tell_unclear(
    wanted: Sequence[str], ids: Iterable[str], noun: str, command: str, short: Callable[[str], str]
) -> None:
    """Say on stderr of each of these IDs why it names nothing.

    Args:
        wanted: IDs that name no element, or more than one.
        ids: those of all elements.
        noun: what they are.
        command: what lists them.
        short: as much of an ID as is typed.
    """
    beginnings: dict[str, list[str]] = {start: [] for start in wanted}
    for record_id in ids:
        for start, matching in beginnings.items():
            if (
                start
                and record_id.startswith(start)
                and record_id not in matching
                and len(matching) <= _NAMED
            ):
                matching.append(record_id)
    for start in wanted:
        matching = beginnings[start]
        if matching:
            named = [
                short(record_id) if len(short(record_id)) > len(start) else record_id
                for record_id in matching[:_NAMED]
            ]
            named += ["..."] if len(matching) > _NAMED else []
            why = f"several {noun}s have IDs that begin with {safe(start)}: {safe(', '.join(named))}"
        else:
            why = f"no {noun} has the ID {safe(start)}"
        click.echo(f"Error: {why}; `{command}` lists them", err=True)
