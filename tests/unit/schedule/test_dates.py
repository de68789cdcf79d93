"""`first_at`, `last_at` and their like, read as Ruby reads them or refused: what real Ruby made of each text.

The recordings are told in docs/protocol/conformance/README.md#momentsjson, what is understood in
docs/protocol/scheduler.md#moments.
"""

import json
import time
from pathlib import Path

import pytest

from pyresque.errors import InvalidSchedule
from pyresque.schedule.entry import Entry

VECTORS = Path(__file__).parents[3] / "docs/protocol/conformance/vectors/moments.json"
RECORDED = json.loads(VECTORS.read_text("utf-8"))
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


def ruby_means(text, zone_name):
    """The moment that Ruby understands; None if it refuses the text, or the moment is past."""
    kind, *recorded = next(row[1:] for row in RECORDED["rows"] if row[0] == text)
    value = recorded[("UTC", "Europe/Berlin").index(zone_name)]
    moment = NOW + value if kind == "in" else value
    return None if moment is None or moment < NOW else moment


@pytest.mark.parametrize("text", [row[0] for row in RECORDED["rows"]], ids=repr)
@pytest.mark.parametrize("zone_name", ["UTC", "Europe/Berlin"])
def test_no_text_means_something_else_than_to_ruby(text, zone_name, zone):
    """Whichever zone the scheduler runs in; what is past is refused, as in Ruby."""
    zone(zone_name)
    assert first_run(text) in (None, pytest.approx(ruby_means(text, zone_name), abs=2e-6))


@pytest.mark.parametrize(
    "text",
    [
        "2031-12-25", "2031/12/25", "2031.12.25", "25.12.2031", "25/12/2031", "01/02/2031", "25-12-2031",
        "Dec 25 2031", "December 25th, 2031", "25 Dec 2031", "25-Dec-2031", "1st January 2031",
        "Thursday, December 25, 2031", "Thu, 25 Dec 2031 06:30:00 GMT", "Thu, 25 Dec 2031 06:30:00 +0000",
        "Thu Dec 25 06:30:00 2031", "Dec 25 2031 06:30", "Dec 25 2031 at 6:30 pm", "6:30 pm", "23:59",
        "Dec. 25, 2031, 6:30 p.m.", "2031-12-25 6pm", "25/12/2031 6pm America/New_York", "20311225 06:30",
        "20310101T120000Z", "20310101 120000", "2031-12-25T06:30:00", "2031-12-25T06:30Z",
        "2031-12-25T06:30:00+01:00", "2031-12-25T06:30:00.000+00:00", "2031-12-25 06:30:15,250",
        "2031-12-25 06:30:00 UTC", "2031-12-25 06:30:00 +0200", "2031-12-25 06:30:00 -05:30",
        "2031-12-25 06:30:00 Europe/Berlin", "Europe/Berlin 2031-12-25 06:30", "2031-12-25 06:30:00 EST",
    ],
)  # fmt: skip
@pytest.mark.parametrize("zone_name", ["UTC", "Europe/Berlin"])
def test_what_people_write_is_read(text, zone_name, zone):
    """As Ruby reads it, also where it passes over an offset (behind a fraction, behind digits alone)."""
    zone(zone_name)
    assert first_run(text) == pytest.approx(ruby_means(text, zone_name), abs=2e-6)


@pytest.mark.parametrize("text", ["tomorrow at 5pm", "monday 10:00", "Tuesday", "next monday", "12/25 10:00"])
def test_what_is_no_whole_date_is_refused(text):
    """Ruby takes from it what it knows, and means another day."""
    assert first_run(text) is None


def test_never():
    """A last run in the last year of the calendar is not a mistake, in any zone."""
    never = Entry.read("e", {"class": "A", "every": ["1h", {"last_at": "9999-12-31 23:59:59"}]})
    assert (never.limits(NOW).last or 0) > 253_300_000_000


@pytest.mark.parametrize("text", ["10:00", "06:30 pm", "Feb 29", "23:59"])
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
    """It is a moment, or refused with a message."""
    first_run(text)
