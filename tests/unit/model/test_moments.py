"""Moments and delays as users give them: seconds, or an error that says what is wrong; never another one."""

import math
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from pyresque.errors import InvalidTime
from pyresque.model.moments import second_after, second_of, seconds_after, seconds_at

LAST = 253402300799


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        (0, 0),
        (1.75, 1.75),
        (-5, -5),
        (LAST, LAST),
        (datetime(1970, 1, 1, 0, 0, 1, 500_000, UTC), 1.5),
        (datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), 0),
    ],
)
def test_a_moment_is_a_number_of_seconds(moment, seconds):
    """Whole or not; the second is cut off, not rounded."""
    assert (seconds_at(moment), second_of(moment)) == (seconds, int(seconds))


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2030, 1, 1), "no time zone"),
        (None, "None is not a moment"),
        ("2030-01-01", "is not a moment"),
        (True, "True is not a moment"),
        (math.nan, "nan is not a moment"),
        (-math.inf, "-inf is not a moment"),
        (timedelta(1), "is not a moment"),
        (LAST + 1, "253402300800 is after the year 9999"),
        (-1e17, "after the year 9999"),
        (10**400, "a number as large as this is after the year 9999"),
        pytest.param(10**5000, "a number as large as this is after the year 9999", id="huge"),
        (1.7e308, "a number as large as this"),
    ],
)
def test_what_is_not_a_moment_is_refused(moment, text):
    """With the value, if it can be shown."""
    with pytest.raises(InvalidTime, match=text):
        second_of(moment)


@pytest.mark.parametrize("delay", [60, 60.25, timedelta(minutes=1, milliseconds=250), -60])
def test_a_delay_counts_from_now(monkeypatch, delay):
    """In seconds, or as a timedelta."""
    monkeypatch.setattr(time, "time", lambda: 1000.5)
    length = delay.total_seconds() if isinstance(delay, timedelta) else delay
    assert (seconds_after(delay), second_after(delay)) == (1000.5 + length, int(1000.5 + length))


@pytest.mark.parametrize(
    ("delay", "text"),
    [
        (None, "None is not a length of time"),
        ("60", "'60' is not a length of time"),
        (False, "False is not a length of time"),
        (math.inf, "inf is not a length of time"),
        (datetime(2030, 1, 1, tzinfo=UTC), "is not a length of time"),
        (LAST, "after the year 9999"),
        (timedelta.max, "after the year 9999"),
        (10**400, "a number as large as this is after the year 9999"),
        pytest.param(10**5000, "a number as large as this", id="huge"),
    ],
)
def test_what_is_not_a_delay_is_refused(delay, text):
    """A number beyond the calendar of Redis' readers, too."""
    with pytest.raises(InvalidTime, match=text):
        second_after(delay)
