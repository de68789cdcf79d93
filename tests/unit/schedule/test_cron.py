"""Cron: the contract, the messages, and each rule of docs/cron.md that could surprise."""

from datetime import UTC, datetime, timedelta

import pytest

from pyresque.errors import InvalidSchedule, ResqueError
from pyresque.scheduler import Cron
from tests.unit.schedule.cron_runs import at, runs

# --- the contract ----------------------------------------------------------------------------------


def test_the_next_run_is_an_aware_datetime_in_utc():
    found = Cron("30 6 * * 1 Europe/Berlin", zone="UTC").next_after(at("2026-03-24T00:00:00+01:00"))
    assert found == at("2026-03-30T04:30:00Z")
    assert found.tzinfo is UTC


def test_strictly_after_also_with_microseconds():
    cron = Cron("* * * * *")
    assert cron.next_after(at("2026-01-01T00:00:00Z")) == at("2026-01-01T00:01:00Z")
    assert cron.next_after(at("2026-01-01T00:00:59.999999Z")) == at("2026-01-01T00:01:00Z")
    assert cron.previous_before(at("2026-01-01T00:01:00Z")) == at("2026-01-01T00:00:00Z")
    assert cron.previous_before(at("2026-01-01T00:01:00.000001Z")) == at("2026-01-01T00:01:00Z")


def test_a_naive_moment_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        Cron("* * * * *").next_after(datetime(2026, 1, 1))


def test_the_zone_of_the_text_comes_before_that_of_the_scheduler():
    assert Cron("0 9 * * *", zone="Europe/Berlin").zone == "Europe/Berlin"
    assert Cron("0 9 * * * Asia/Tokyo", zone="Europe/Berlin").zone == "Asia/Tokyo"
    assert runs(Cron("0 9 * * *", zone="Asia/Tokyo"), "2026-01-01T12:00:00Z", 1) == ["2026-01-02T00:00"]


def test_str_is_the_text_and_options_come_from_a_list():
    cron = Cron(["0 9 * * *", {"first_in": "5m"}])
    assert str(cron) == "0 9 * * *"
    assert cron.options == {"first_in": "5m"}
    assert Cron(["0 9 * * *", {"first_in": 1}, 2]).options == {}
    assert Cron(["@daily"]).options == Cron("@daily").options == {}
    assert repr(cron) == "Cron('0 9 * * *', zone='UTC')"


def test_invalid_schedule_is_one_of_our_errors():
    assert issubclass(InvalidSchedule, ResqueError)


def test_an_unknown_zone_of_the_scheduler_is_refused():
    with pytest.raises(InvalidSchedule, match="unknown time zone 'Mars'"):
        Cron("* * * * *", zone="Mars")


# --- rules that surprise ---------------------------------------------------------------------------


def test_a_time_that_does_not_exist_is_left_out():
    cron = Cron("30 2 * * * Europe/Berlin")
    assert runs(cron, "2026-03-28T00:00:00Z", 2) == ["2026-03-28T01:30", "2026-03-30T00:30"]


def test_a_time_that_comes_twice_runs_twice_but_not_in_the_zone_of_the_scheduler():
    text = "30 1 * * * America/New_York"
    night = "2026-11-01T00:00:00Z"
    twice = ["2026-11-01T05:30", "2026-11-01T06:30", "2026-11-02T06:30"]
    assert runs(Cron(text, zone="UTC"), night, 3) == twice
    assert runs(Cron(text, zone="America/New_York"), night, 2) == twice[::2]


def test_an_hourly_entry_loses_an_hour_in_the_zone_of_the_scheduler():
    """As in Ruby; with TZ=UTC it does not."""
    cron = Cron("0 * * * *", zone="America/New_York")
    assert runs(cron, "2026-11-01T04:30:00Z", 2) == ["2026-11-01T05:00", "2026-11-01T07:00"]


def test_the_last_day_is_early_where_the_clock_goes_forward_on_it():
    assert runs(Cron("0 12 L * * Europe/Berlin"), "2024-03-15T00:00:00Z", 1) == ["2024-03-30T11:00"]


def test_a_day_without_midnight_is_stepped_over_from_the_day_before():
    """2020-09-06 began at 1:00 in Santiago; Ruby's search misses that Sunday."""
    assert runs(Cron("0 9 * * sun America/Santiago"), "2020-09-01T00:00:00Z", 1) == ["2020-09-13T12:00"]
    assert runs(Cron("0 9 * * * America/Santiago"), "2020-09-06T00:00:00Z", 1) == ["2020-09-06T12:00"]


def test_a_month_that_begins_twice_ends_ruby_and_not_us():
    """In Havana 2020-11-01 had two midnights, where Ruby raises TZInfo::AmbiguousTime."""
    cron = Cron("30 0 1 * * America/Havana")
    assert runs(cron, "2020-10-15T00:00:00Z", 2) == ["2020-11-01T04:30", "2020-11-01T05:30"]


# --- searching back, and limits --------------------------------------------------------------------


def test_previous_before_leaves_out_what_next_after_leaves_out():
    cron = Cron("30 1 * * *", zone="America/New_York")
    assert cron.previous_before(at("2026-11-01T12:00:00Z")) == at("2026-11-01T05:30:00Z")
    cron = Cron("0 9 * * sun America/Santiago")
    assert cron.previous_before(at("2026-09-07T00:00:00Z")) == at("2026-08-30T13:00:00Z")


def test_previous_before_sees_the_whole_of_a_shortened_hour():
    cron = Cron("30 1 * * * Australia/Lord_Howe")
    assert cron.previous_before(at("2025-10-05T10:00:00Z")) == at("2025-10-04T15:00:00Z")


def test_a_rare_day_is_found_and_one_too_rare_for_ruby_ends_the_search():
    assert runs(Cron("0 0 29 2 mon&"), "2026-01-01T00:00:00Z", 1) == ["2044-02-29T00:00"]
    cron = Cron("56 0 * mar 1%53+1")
    with pytest.raises(InvalidSchedule, match="2048 steps"):
        runs(cron, "2026-04-01T00:00:00Z", 30)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_the_ends_of_the_calendar_are_told(zone):
    cron = Cron("0 0 29 2 *", zone=zone)
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    for moment in (last, last - timedelta(days=3)):
        with pytest.raises(InvalidSchedule, match="years 1 and 9999"):
            cron.next_after(moment)
    for moment in (first, first + timedelta(days=3)):
        with pytest.raises(InvalidSchedule, match="years 1 and 9999"):
            cron.previous_before(moment)
