"""Moments and delays, in the forms that users give them."""

from __future__ import annotations

import math
import time
from datetime import datetime, timedelta
from typing import TypeGuard

from pyresque.errors import InvalidTime

Moment = int | float | datetime
"""Seconds since the epoch, or a datetime that knows its zone; parts of a second are cut off, as in Ruby."""

_LAST = 253402300799  # the end of the year 9999


def seconds_at(moment: Moment) -> float:
    """A moment in seconds since the epoch.

    Raises:
        InvalidTime: it is not a moment, or a datetime without a zone.
    """
    seconds: object = moment
    if isinstance(moment, datetime):
        if moment.utcoffset() is None:
            raise InvalidTime(
                f"{moment!r} has no time zone, so it is not a certain moment: write "
                "datetime(..., tzinfo=ZoneInfo('Europe/Berlin')) or datetime.now(UTC) + ..."
            )
        seconds = moment.timestamp()
    if not _is_seconds(seconds):
        raise InvalidTime(f"{moment!r} is not a moment: give seconds since 1970, or a datetime with a zone")
    return _checked(seconds)


def seconds_after(delay: float | timedelta) -> float:
    """The moment that comes so many seconds, or a timedelta, from now, in seconds since the epoch.

    Raises:
        InvalidTime: it is not a length of time.
    """
    seconds: object = delay.total_seconds() if isinstance(delay, timedelta) else delay
    if not _is_seconds(seconds):
        raise InvalidTime(f"{delay!r} is not a length of time: give seconds, or a timedelta")
    return _checked(time.time() + _checked(seconds))


def second_of(moment: Moment) -> int:
    """The second that a moment is in; raises as `seconds_at` does."""
    return int(seconds_at(moment))


def second_after(delay: float | timedelta) -> int:
    """The second that comes so many seconds, or a timedelta, from now; raises as `seconds_after` does."""
    return int(seconds_after(delay))


def _is_seconds(value: object) -> TypeGuard[int | float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def _checked(seconds: float) -> float:
    if abs(seconds) > _LAST:
        shown = repr(seconds) if abs(seconds) < 10**18 else "a number as large as this"
        raise InvalidTime(f"{shown} is after the year 9999: is it milliseconds? Seconds are wanted")
    return seconds
