"""Moments and lengths of time as people type them: `--since 2h`, `--at "2026-11-30 17:45"`, `--in 10m`."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    _Type = click.ParamType[Any]
else:
    _Type = click.ParamType  # which older versions of click do not let anybody subscript

_EXAMPLES = "a length of time (30min, 2h, 1 day) nor a moment (17:45, 2026-11-30 17:45, 2026-11-30T17:45:00Z)"


class LengthOfTime(_Type):
    """A length of time, as `every` of a schedule has it; a number is in seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The timedelta; a usage error where it is none."""
        from pyresque.cli.output import safe

        length = value if isinstance(value, timedelta) else _length(value)
        if length is None:
            self.fail(f"'{safe(value)}' is not a length of time such as 90, 30min, 2h or 1 day.", param, ctx)
        return length


class MomentInTime(_Type):
    """A moment, in local time where it names no zone; seconds since the epoch."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds; a usage error where it is none."""
        from pyresque.cli.output import safe

        at = value if isinstance(value, float) else _moment(value)
        if at is None:
            self.fail(
                f"'{safe(value)}' is not a moment such as 17:45, 2026-11-30 17:45 or 2026-11-30T17:45:00Z.",
                param,
                ctx,
            )
        return at


class LengthOrMoment(_Type):
    """Either of them; a length of time is one from now."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta | float:
        """The timedelta, or the seconds since the epoch."""
        from pyresque.cli.output import safe

        if isinstance(value, timedelta | float):
            return value
        length = _length(value)
        # A number so large counts seconds from 1970, as dates of the shell do (`date +%s`).
        if length is not None and not (value.strip().isdigit() and length.total_seconds() >= 10**9):
            return length
        at = _moment(value)
        if at is None:
            self.fail(f"'{safe(value)}' is neither {_EXAMPLES}.", param, ctx)
        return at


def _length(text: str) -> timedelta | None:
    from pyresque.errors import InvalidSchedule
    from pyresque.schedule.every import duration

    try:
        length = timedelta(seconds=duration(text.strip()))
    except (InvalidSchedule, OverflowError):
        return None
    return length if length >= timedelta(0) else None


def _moment(text: str) -> float | None:
    from pyresque.schedule.dates import read_moment
    from pyresque.wire import times

    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) >= 10:
        return float(text) if len(text) < 13 else None  # longer ones count milliseconds
    at = read_moment(text, time.time())
    return times.parse(text) if at is None else at
