"""`first_at`, `last_at` and their like as Ruby reads them: what real Ruby made of each text.

Recorded through `Rufus::Scheduler.parse_duration` and `EtOrbi.make` (Ruby 3.3, rufus-scheduler 3.9.2, et-orbi
1.4.2) in the zones UTC and Europe/Berlin: the text, `in` and seconds, or `at` and seconds since the epoch
(null: refused). Texts with the short name of a zone ("CET", "Japan") come from a Ruby 3.1 that knows them.
"""

import json
import time
from pathlib import Path

import pytest

from pyresque.errors import InvalidSchedule
from pyresque.scheduler.entry import Entry

RECORDED = json.loads((Path(__file__).parents[2] / "data" / "dates.json").read_text("utf-8"))
NOW = RECORDED["now"]


@pytest.fixture
def zone(monkeypatch):
    """Sets the zone of this process."""

    def to(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield to
    monkeypatch.undo()
    time.tzset()


def first_run(text, now=NOW):
    """The first run of an entry that is loaded now; None if it is refused."""
    try:
        return Entry.read("e", {"class": "A", "every": ["1h", {"first_at": text}]}).limits(now).first
    except InvalidSchedule:
        return None


@pytest.mark.parametrize("row", RECORDED["rows"], ids=[repr(row[0]) for row in RECORDED["rows"]])
def test_a_text_means_what_it_means_to_ruby(row, zone):
    """The same moment, in whichever zone the scheduler runs; what is past is refused, as in Ruby."""
    text, kind, *recorded = row
    for name, value in zip(("UTC", "Europe/Berlin"), recorded, strict=True):
        zone(name)
        moment = NOW + value if kind == "in" else value
        if moment is None or moment < NOW:
            assert first_run(text) is None
        else:
            assert first_run(text) == pytest.approx(moment, abs=2e-6)


def test_never():
    """A last run in the last year of the calendar is no mistake, in any zone."""
    never = Entry.read("e", {"class": "A", "every": ["1h", {"last_at": "9999-12-31 23:59:59"}]})
    assert (never.limits(NOW).last or 0) > 253_300_000_000


@pytest.mark.parametrize("text", ["10:00", "06:30 pm", "Feb 29", "monday 10:00", "23:59"])
def test_what_depends_on_the_day_is_no_mistake_of_the_entry(text, zone):
    """An entry is read once, and loaded on many days: whether its first run is past is seen then."""
    for name in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        zone(name)
        Entry.read("e", {"class": "A", "every": ["1h", {"first_at": text}]})


@pytest.mark.parametrize(
    "text",
    [
        "2031-01-01 12:00 Europe/Berln", "Mars/Olympus 2031-01-01", "a/b", "/", "1/", "-", "+", ".", ":", "[",
        "'", "'1", "1'", "1-", "--", "9" * 129, "Dec " * 40, "1:" * 60, "1-" * 64, "jan'", "0x7f", "\0",
        "٣/٤/٢٠٣١", "2031-12-25 UTC+2", "99999999999999-99-99", "mon sun", "bc", "w53", "2031-w00-0",
        "--99-99", "31 '0",
    ],
)  # fmt: skip
def test_no_text_breaks_the_reader(text):
    """It is a moment, or refused with a message: one that Ruby refuses, or a zone that nobody knows."""
    first_run(text)
