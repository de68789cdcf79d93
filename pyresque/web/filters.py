"""What templates do to values, as Jinja filters: moments, lengths of time, numbers, arguments.

A moment is shown as seen from now, and its title has it in full (`ago`). None of them raises, whatever a
record holds.
"""

from __future__ import annotations

import json
import time
from itertools import islice
from typing import Any

from flask import current_app
from markupsafe import Markup

from pyresque.web.secrets import Secrets
from pyresque.wire import times
from pyresque.wire.times import rfc3339

_MOST, _MANY, _DEEP = 2000, 40, 6
"""Characters, elements and levels of a value that a line is made of."""
_SPANS = ((1, "s"), (60, "min"), (3600, "h"), (86400, "d"))


def span(seconds: float | None) -> str:
    """A length of time: `12 s`, `5 min`, `3 h`, `2 d`; empty for None."""
    if seconds is None:
        return ""
    length, unit = next(
        (
            (length, unit)
            for length, unit in reversed(_SPANS)
            if abs(seconds) >= length * (2 if length > 60 else 1)
        ),
        _SPANS[0],
    )
    return f"{int(seconds // length):,} {unit}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def ago(epoch: float | None) -> Markup | str:
    """A moment (seconds since the epoch) as seen from now, in a `time` element; a dash for None."""
    if epoch is None:
        return "\N{EN DASH}"
    try:
        written = rfc3339(epoch)
    except (ValueError, OverflowError, OSError):
        written = None
    if written is None:
        return str(epoch)
    apart = time.time() - epoch
    text = "now" if abs(apart) < 1 else f"{span(apart)} ago" if apart > 0 else f"in {span(-apart)}"
    return Markup('<time datetime="{0}" title="{0}">{1}</time>').format(written, text)


def number(value: object) -> str:
    """A whole number in groups of three digits."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}") if isinstance(value, int) else str(value)


def size(value: int | None) -> str:
    """A number of bytes: `12 B`, `3.4 KB`, `5.6 MB`; a dash for None."""
    if value is None:
        return "\N{EN DASH}"
    amount, unit = float(value), "B"
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def secrets() -> Secrets:
    """What is hidden in this dashboard."""
    found: Secrets = current_app.extensions["pyresque_secrets"]
    return found


def hidden(value: Any) -> Any:
    """A decoded JSON value, or a text, without its secrets; what a record holds is shown by way of this."""
    return secrets().hidden(value)


def shortened(value: Any, depth: int = 0) -> Any:
    """As much of a value as a line may show: a page lists many jobs, and one may hold a megabyte."""
    if isinstance(value, str):
        return value[:_MOST]
    if depth > _DEEP and isinstance(value, (dict, list)):
        return "\N{HORIZONTAL ELLIPSIS}"
    if isinstance(value, dict):
        return {str(key)[:_MOST]: shortened(one, depth + 1) for key, one in islice(value.items(), _MANY)}
    if isinstance(value, list):
        return [shortened(one, depth + 1) for one in value[:_MANY]]
    return value


def arguments(args: Any, most: int = 160) -> str:
    """The arguments of a job on one line, as people read them, without secrets; cut where they are long."""
    if args is None:
        return ""
    listed = hidden(shortened(args if isinstance(args, list) else [args]))
    text = ", ".join(json.dumps(value, ensure_ascii=False, default=str) for value in listed)
    return cut(text, most)


def cut(text: object, most: int = 160) -> str:
    """The beginning of a text without secrets, with an ellipsis where it is longer."""
    whole = str(hidden(str(text)[: max(_MOST, 2 * most)]))
    return whole if len(whole) <= most else whole[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def sentence(text: object) -> str:
    """A text with a capital at its beginning; a command stays as it is typed."""
    whole = str(text)
    return whole if whole.startswith("pyresque ") else whole[:1].upper() + whole[1:]


def pretty(value: Any) -> str:
    """A decoded JSON value on several lines, without secrets."""
    return json.dumps(hidden(value), ensure_ascii=False, indent=2, default=str)


def writable(value: Any) -> Any:
    r"""What goes into a page: where a text has bytes that are not UTF-8, they are shown as `\xff`."""
    if not isinstance(value, str) or value.isascii():
        return value
    try:
        text = value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a character that stands for no byte
        text = value.encode("utf-8", "backslashreplace").decode()
    return value.__class__(text) if text != value else value


def epoch(text: str) -> float | None:
    """The moment that a text of any Resque means; None where it is none."""
    return times.parse(text)


FILTERS = {
    "ago": ago,
    "arguments": arguments,
    "cut": cut,
    "epoch": epoch,
    "hidden": hidden,
    "number": number,
    "pretty": pretty,
    "sentence": sentence,
    "size": size,
    "span": span,
}
