"""What commands print: tables, JSON lines, and texts from Redis made safe for a terminal."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import click

_NO_ASCII = re.compile("[^\\x00-\\x7f]")


def safe(text: object) -> str:
    r"""The text with everything that is not printable escaped (`\n`, `\x1b`): it cannot steer a terminal."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in str(text)
    )


def short(text: object, most: int) -> str:
    """The safe text, cut to a number of columns where it is longer."""
    whole = str(text)
    # Cut first: a text from Redis may have millions of characters, some of which take no column.
    text = safe(whole[: 4 * most])
    if columns(text) <= most and len(whole) <= 4 * most:
        return text
    while columns(text) > most - 3:
        text = text[: max(0, min(len(text) - 1, most - 3))]
    return text + "..."


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    wide = sum(1 for character in text if unicodedata.east_asian_width(character) in "WF")
    return len(text) + wide - sum(1 for character in text if unicodedata.combining(character))


def compact(value: Any) -> str:
    """A decoded JSON value as people read it: one line of JSON with its letters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def job_of(payload: dict[str, Any]) -> tuple[str, Any]:
    """Class and arguments of a payload; of an Active Job those inside its wrapper."""
    from pyresque.wire.records import shown  # only commands that show jobs wait for it

    return shown(payload)


def moment(epoch: float) -> str:
    """Seconds since the epoch as a date; those that no calendar reaches (milliseconds, often) as they are."""
    from pyresque.wire import times

    try:
        return times.started(epoch)
    except (ValueError, OverflowError, OSError):
        return f"{epoch:.0f} s"


def json_line(value: Any) -> None:
    """Print one JSON document on one line. Its escapes make it safe for any terminal and any encoding."""
    try:
        text = json.dumps(value, allow_nan=False)
    except ValueError:  # only numbers beyond the range of floats: as they were read
        from pyresque.wire.encoding import encode

        text = _NO_ASCII.sub(lambda match: json.dumps(match[0])[1:-1], encode(value).decode())
    click.echo(text)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; its texts must be safe already."""
    lines = [tuple(head), *(tuple(map(str, row)) for row in rows)]
    widths = [max(columns(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = [text + " " * (width - columns(text)) for text, width in zip(line, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


def pairs(items: Iterable[tuple[str, object]]) -> None:
    """Print names and values below each other."""
    items = list(items)
    width = max(len(name) for name, _ in items)
    for name, value in items:
        click.echo(f"{name:<{width}}  {safe(value)}".rstrip())


def counted(number: int, noun: str) -> str:
    """`1 job`, `2 jobs`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
