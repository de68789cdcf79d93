"""Entries of the schedule: their bounds, environments, first runs, and `persist`."""

import pytest

from pyresque.errors import InvalidSchedule
from pyresque.schedule.entry import Entry, lasts, shareable
from tests.unit.schedule.test_next_runs import LOADED, planned, running


def test_times_first_and_last_limit_the_runs():
    """The options behind cron and every (docs/protocol/scheduler.md#entries)."""
    one = running(every=["1m", {"first_in": "10s", "times": 2}])
    assert planned(one) == 1800000011
    one.advance("x")
    assert one.due == 1800000071
    one.advance("y")
    assert one.due is None
    one = running(cron=["* * * * *", {"first_in": "2m"}])
    assert [planned(one), *one.next_runs(2, planned(one))] == [1800000121, 1800000180, 1800000240]
    assert running(every=["1m", {"last_in": "150s"}]).next_runs(9, LOADED) == [1800000061, 1800000121]
    assert planned(running(every=["1h", {"first_in": 0}])) == 1800000001


@pytest.mark.parametrize(
    ("environment", "value", "runs"),
    [("production", {"rails_env": "test, production"}, True), (None, {"rails_env": "production"}, False),
     ("test", {"env": "production"}, False), ("test", {"rails_env": "test", "env": "x"}, True),
     ("test", {"rails_env": ""}, False), (None, {}, True)],
)  # fmt: skip
def test_the_environment_chooses_entries(environment, value, runs):
    """Names with commas or blanks; rails_env wins (docs/protocol/scheduler.md#entries)."""
    entry = Entry.read("e", {"class": "A", "every": "1h", **value})
    assert entry.runs_in(environment) is runs


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("2031-01-01 12:00:00 Europe/Berlin", 1925031600), ("2031/01/01 12:00  America/New_York", 1925053200),
        ("2031-06-01 12:00 Europe/Berlin", 1938074400), ("2031-01-01T12:00:00 Etc/UTC", 1925035200),
    ],
)  # fmt: skip
def test_a_first_run_in_a_named_zone(text, epoch):
    """Recorded from Ruby."""
    for value in ({"every": ["1h", {"first_at": text}]}, {"cron": ["* * * * *", {"first": text}]}):
        assert Entry.read("e", {"class": "A", **value}).limits(LOADED).first == epoch


@pytest.mark.parametrize(
    "text", ["2031-01-01 12:00 Europe/Nowhere", "soon Europe/Berlin", "Europe/Berlin", "/"]
)
def test_a_first_run_that_nobody_understands(text):
    """It is said when the entry is read."""
    with pytest.raises(InvalidSchedule, match="neither a length of time nor a moment"):
        Entry.read("e", {"class": "A", "every": ["1h", {"first_at": text}]})


def test_a_first_run_that_has_passed_and_may():
    """Recorded from Ruby: with `every` it comes now, with `cron` the grid goes on."""
    past = {"first_at": "2020-01-01", "first_at_no_error": True}
    assert Entry.read("e", {"class": "A", "every": ["1h", past]}).limits(LOADED).first == LOADED
    assert Entry.read("e", {"class": "A", "cron": ["0 3 * * *", past]}).limits(LOADED).first is None


@pytest.mark.parametrize(
    ("value", "stays"),
    [
        (True, True),
        (1, True),
        (0, True),
        ("", True),
        ("false", True),
        ([], True),
        (False, False),
        (None, False),
    ],
)
def test_what_persist_may_be(value, stays):
    """What is true to Ruby: everything but false and nothing (recorded)."""
    assert lasts({"class": "A", "every": "1h", "persist": value}) is stays


def test_persist_is_no_part_of_an_entry():
    """It says where the entry is stored."""
    entry = Entry.read("e", {"class": "A", "cron": "0 3 * * *", "persist": True, "queue": "q"})
    assert shareable(entry) == b'{"class":"A","cron":"0 3 * * *","queue":"q"}'


def test_an_empty_cron_is_none_and_a_bad_one_hides_every():
    """As in Ruby (docs/protocol/scheduler.md#invalid-entries)."""
    assert Entry.read("e", {"class": "A", "cron": "", "every": "1h"}).every
    with pytest.raises(InvalidSchedule):
        Entry.read("e", {"class": "A", "cron": "61 * * * *", "every": "1h"})
