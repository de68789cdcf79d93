"""Moments and lengths of time as they are typed."""

import time
from datetime import timedelta

import click
import pytest

from pyresque.cli.moments import LengthOfTime, LengthOrMoment, MomentInTime

AT = 1796060700


@pytest.fixture(autouse=True)
def berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("30min", 1800), ("1h30m", 5400), ("1 day", 86400), ("PT5M", 300), (" 2h ", 7200), ("0", 0)],
)
def test_lengths(text, seconds):
    """As `every` of a schedule has them."""
    length = timedelta(seconds=seconds)
    assert LengthOfTime().convert(text, None, None) == length
    assert LengthOrMoment().convert(text, None, None) == length


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-30 18:45", "2026-11-30T17:45:00Z", "2026-11-30T18:45:00+01:00", "2026-11-30 17:45 UTC",
        "2026-11-30 12:45 America/New_York", "2026/11/30 12:45:00 EST", "2026-11-30 18:45:00 +0100",
        "Nov 30 2026 6:45pm", str(AT),
    ],
)  # fmt: skip
def test_moments(text):
    """In local time where no zone is named; what --json prints and what is in Redis can be pasted."""
    assert MomentInTime().convert(text, None, None) == AT
    assert LengthOrMoment().convert(text, None, None) == AT


def test_a_time_without_a_day_is_today():
    """So that `--since 17:45` means this evening."""
    at = MomentInTime().convert("17:45", None, None)
    assert time.strftime("%F %H:%M", time.localtime(at)) == time.strftime("%F") + " 17:45"


@pytest.mark.parametrize(
    "text", ["", "soon", "-5m", "-1", "NaN", "1796060700000", "2026-13-01", "\x1b[2J", "9" * 500]
)
def test_what_is_neither(text):
    """A usage error that names examples and is safe for a terminal."""
    for kind in (LengthOfTime(), MomentInTime(), LengthOrMoment()):
        if isinstance(kind, LengthOfTime) and text == "1796060700000":
            continue  # a long time
        with pytest.raises(click.BadParameter) as error:
            kind.convert(text, None, None)
        assert "30min" in error.value.message or "17:45" in error.value.message
        assert "\x1b" not in error.value.message
