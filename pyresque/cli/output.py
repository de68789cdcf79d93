"""What commands print for people: tables, colours, relative times, and texts made safe for a terminal.

What they print for programs is json_output.py.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sys
import time
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import click

T = TypeVar("T")
Colour = Literal["red", "yellow", "green", "cyan", "bright_black", "bold"]

_CELL = 100
"""So wide a cell may be where nobody knows the width, as in a pipe."""
_WHOLE = 500
"""So wide is what is typed, at most; nobody types more."""
_LEAST = 4
"""So much of a cell is left in the narrowest terminal: a letter and three dots."""
_GAP = "  "
_SPANS = ((1, "s"), (60, "min"), (3600, "h"), (86400, "day"), (365 * 86400, "year"))


class Tinted(str):
    """A text with a colour, for a cell of a table; make it with `tinted`."""

    colour: Colour


def tinted(text: object, colour: Colour) -> Tinted:
    """The text in this colour, where colours are shown."""
    made = Tinted(text)
    made.colour = colour
    return made


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
    dots = "..."[: max(0, most)]
    while columns(text) > most - len(dots):
        text = text[: max(0, min(len(text) - 1, most - len(dots)))]
    return text + dots


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
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


def span(seconds: float) -> str:
    """A length of time as people say it: `12 s`, `5 min`, `3 h`, `2 days`."""
    number, unit = 0, "s"
    for length, name in _SPANS:
        # Two of a unit at least, except of seconds and minutes: `26 h` says more than `1 day`.
        if seconds >= length * (1 if length < 3600 else 2):
            number, unit = int(seconds // length), name
    return counted(number, unit) if unit in ("day", "year") else f"{number} {unit}"


def ago(epoch: float, now: float | None = None) -> str:
    """A moment as seen from now: `5 min ago`, `in 5 min`, `now`."""
    apart = (time.time() if now is None else now) - epoch
    if abs(apart) < 1:
        return "now"
    return f"{span(apart)} ago" if apart > 0 else f"in {span(-apart)}"


def is_colourful() -> bool:
    """Whether colours are shown: stdout is a terminal that has them, and NO_COLOR is not set."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return is_terminal(sys.stdout)


def is_terminal(stream: Any) -> bool:
    """Whether somebody sits at this stream."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False


def width() -> int | None:
    """How many columns a line may have: as COLUMNS says, or the terminal; None where nobody knows."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    return shutil.get_terminal_size().columns if is_terminal(sys.stdout) else None


def echo(*texts: object) -> None:
    """Print a line of texts, each made safe; those of `tinted` in their colours."""
    colourful = is_colourful()
    click.echo("".join(_painted(safe(text), text, colourful) for text in texts), color=colourful)


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    whole: Sequence[str] = ("ID",),
    numbers: Sequence[str] = (),
) -> None:
    """Print a table that fits the terminal: where it is too wide, its widest columns are cut.

    Args:
        head: the names of the columns.
        rows: their cells, which are made safe here; `tinted` ones have colours.
        whole: the columns that no terminal cuts, for what they hold is typed.
        numbers: the columns that stand at the right.
    """
    colourful, most = is_colourful(), width()
    uncut = [name in whole for name in head]
    kept = [list(row) for row in rows]
    texts = [
        [
            short(cell, _WHOLE) if is_uncut else short(cell, most or _CELL)
            for cell, is_uncut in zip(row, uncut, strict=True)
        ]
        for row in kept
    ]
    widths = [max(columns(line[n]) for line in (head, *texts)) for n in range(len(head))]
    if most is not None and _over(widths, most) > 0:
        # A column in which nothing stands gives its place to the others.
        stays = [not texts or any(line[n] for line in texts) for n in range(len(head))]
        head, uncut, widths = _only(head, stays), _only(uncut, stays), _only(widths, stays)
        kept, texts = [_only(row, stays) for row in kept], [_only(line, stays) for line in texts]
        _narrow(widths, most, uncut)
    right = [name in numbers for name in head]
    top: list[object] = [tinted(name, "bold") for name in head]
    for cells, line in ((top, head), *zip(kept, texts, strict=True)):
        padded = map(_padded, cells, line, widths, right, itertools.repeat(colourful))
        click.echo(_GAP.join(padded).rstrip(), color=colourful)


def pairs(items: Iterable[tuple[str, object]]) -> None:
    """Print names and values below each other."""
    items = list(items)
    most = max(len(name) for name, _ in items)
    for name, value in items:
        echo(f"{name:<{most}}{_GAP}" if str(value) else name, value)


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 job`, `2 jobs`; `2 classes` where the plural is given."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def classes(counts: Mapping[str, int], most: int = 5) -> str:
    """Of which classes, the most frequent first: `3 Pay, 1 Mail`; beyond `most` of them only how many.

    One more is named as well: how many that are would not be shorter.
    """
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    most += len(ordered) == most + 1
    named = [f"{number} {short(name or '(no class)', 60)}" for name, number in ordered[:most]]
    rest = sum(number for _, number in ordered[most:])
    if rest:
        named.append(f"{rest} of {len(ordered) - most} other classes")
    return ", ".join(named)


def of_classes(noun: str, counts: Mapping[str, int]) -> str:
    """How many, and of which classes: `4 failures (3 Pay, 1 Mail)`."""
    total = sum(counts.values())
    return counted(total, noun) + (f" ({classes(counts)})" if total else "")


def _painted(shown: str, text: object, colourful: bool) -> str:
    if not colourful or not shown or not isinstance(text, Tinted):
        return shown
    return click.style(shown, bold=True) if text.colour == "bold" else click.style(shown, fg=text.colour)


def _padded(cell: object, text: str, most: int, right: bool, colourful: bool) -> str:
    text = short(text, most) if columns(text) > most else text
    blanks = " " * (most - columns(text))
    text = _painted(text, cell, colourful)
    return blanks + text if right else text + blanks


def _only(items: Iterable[T], which: Iterable[bool]) -> list[T]:
    return list(itertools.compress(items, which))


def _over(widths: Sequence[int], most: int) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1) - most


def _narrow(widths: list[int], most: int, whole: Sequence[bool]) -> None:
    """Take from the widest columns, one after the other, until the line fits or nothing is left to take."""
    over = _over(widths, most)
    while over > 0:
        free = [n for n, kept in enumerate(whole) if not kept and widths[n] > _LEAST]
        if not free:
            return
        widest = max(widths[n] for n in free)
        widest_columns = [n for n in free if widths[n] == widest]
        below = max([widths[n] for n in free if widths[n] < widest], default=_LEAST)
        step = min(widest - max(below, _LEAST), -(-over // len(widest_columns)))
        for n in widest_columns:
            taken = min(step, over)
            widths[n] -= taken
            over -= taken
