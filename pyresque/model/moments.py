"""Moments for delayed jobs, in the forms that users give them."""

from __future__ import annotations

import math
import time
from datetime import datetime, timedelta

from pyresque.errors import InvalidTime

Moment = int | float | datetime
"""Seconds since the epoch, or a datetime that knows its zone; parts of a second are cut off, as in Ruby."""

_LAST = 253402300799  # the end of the year 9999


def second_of(moment: Moment) -> int:
    """The second that a moment lies in.

    Raises:
        InvalidTime: it is none, or a datetime without a zone.
    """
    if isinstance(moment, datetime):
        if moment.utcoffset() is None:
            raise InvalidTime(
                f"{moment!r} has no time zone, so it is no certain moment: write "
                "datetime(..., tzinfo=ZoneInfo('Europe/Berlin')) or datetime.now(UTC) + ..."
            )
        moment = moment.timestamp()
    if isinstance(moment, bool) or not isinstance(moment, int | float) or not math.isfinite(moment):
        raise InvalidTime(f"{moment!r} is no moment: give seconds since 1970, or a datetime with a zone")
    if abs(moment) > _LAST:
        raise InvalidTime(f"{moment!r} lies after the year 9999: is it milliseconds? Seconds are wanted")
    return int(moment)


def second_after(delay: float | timedelta) -> int:
    """The second that lies so many seconds, or a timedelta, from now.

    Raises:
        InvalidTime: it is no length of time.
    """
    seconds = delay.total_seconds() if isinstance(delay, timedelta) else delay
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise InvalidTime(f"{delay!r} is no length of time: give seconds, or a timedelta")
    return second_of(time.time() + seconds)
