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
    beginnings: dict[str, list[str]] = {one: [] for one in wanted}
    for own in ids:
        for one, found in beginnings.items():
            if one and own.startswith(one) and own not in found and len(found) <= _NAMED:
                found.append(own)
    for one in wanted:
        found = beginnings[one]
        if found:
            named = [short(own) if len(short(own)) > len(one) else own for own in found[:_NAMED]]
            named += ["..."] if len(found) > _NAMED else []
            why = f"several {noun}s have IDs that begin with {safe(one)}: {safe(', '.join(named))}"
        else:
            why = f"no {noun} has the ID {safe(one)}"
        click.echo(f"Error: {why}; `{command}` lists them", err=True)
