"""What commands print for programs: the one JSON form of all of them (docs/json-output.md).

One document on a line. Times are RFC 3339 in UTC; numbers are numbers; `class` and `args` are those of the
job, of an Active Job the ones inside its wrapper.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from typing import Any

import click

_NO_ASCII = re.compile("[^\\x00-\\x7f]")


def json_line(value: Any) -> None:
    """Print one JSON document on one line. Its escapes make it safe for any terminal and any encoding."""
    try:
        text = json.dumps(value, allow_nan=False, default=_other)
    except ValueError:  # only numbers beyond the range of floats: as they were read
        from pyresque.wire.encoding import encode

        text = _NO_ASCII.sub(lambda match: json.dumps(match[0])[1:-1], encode(value).decode())
    click.echo(text)


def timestamp(epoch: float | None) -> str | None:
    """Seconds since the epoch as RFC 3339 in UTC: `2026-11-30T17:45:00Z`.

    None where there is no moment, or none that a calendar reaches (milliseconds, often).
    """
    from pyresque.wire.times import rfc3339

    return rfc3339(epoch)


def time_of(text: object) -> str | None:
    """A time as any Resque wrote it, as `timestamp` gives it; None where it is not a time."""
    from pyresque.wire import times

    return timestamp(times.parse(text)) if isinstance(text, str) else None


def number_of(text: object) -> int | None:
    """The whole number that a text holds, such as a process id; None where it holds none."""
    return int(str(text)) if str(text).isascii() and str(text).isdigit() else None


def job_document(payload: object) -> dict[str, Any]:
    """`class`, `args` and `payload` of a job; all are null where there is none."""
    from pyresque.cli.output import job_of

    if not isinstance(payload, dict):
        return {"class": None, "args": None, "payload": None}
    name, args = job_of(payload)
    return {"class": name or None, "args": args, "payload": payload}


def _other(value: object) -> str | None:
    """What JSON does not have, such as the dates of a YAML file."""
    if isinstance(value, datetime):
        return timestamp(value.timestamp())
    return value.isoformat() if isinstance(value, date) else str(value)
