"""Cron: the contract, the messages, and each rule of docs/cron.md that could surprise."""

from datetime import UTC, datetime, timedelta

import pytest

from pyresque.errors import InvalidSchedule, ResqueError
from pyresque.scheduler import Cron


def at(text):
    return datetime.fromisoformat(text)


def runs(cron, since, count):
    seen = [at(since)]
    for _ in range(count):
        seen.append(cron.next_after(seen[-1]))
    return [one.strftime("%Y-%m-%dT%H:%M:%SZ").removesuffix(":00Z") for one in seen[1:]]


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


@pytest.mark.parametrize("value", [None, 5, True, {}, [], [None], [["* * * * *"]], b"* * * * *"])
def test_only_a_text_is_a_cron(value):
    with pytest.raises(InvalidSchedule, match="must be a text"):
        Cron(value)


def test_invalid_schedule_is_one_of_our_errors():
    assert issubclass(InvalidSchedule, ResqueError)


# --- messages --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("60 * * * *", "minute '60' is not understood (0-59"),
        ("60 0 0 * * *", "second '60' is not understood"),
        ("0 25 * * * Europe/Berlin", "hour '25' is not understood (0-24"),
        ("0 0 32 * *", "day of month '32' is not understood"),
        ("0 0 1 13 *", "month '13' is not understood (1-12, jan-dec"),
        ("0 0 * * monday", "day of week 'monday' is not understood (0-7, sun-sat"),
        ("0 0 * * mon#6", "day of week 'mon#6' is not understood"),
        ("0 0 0 * * 8", "day of week '8' is not understood"),
        ("*/0 * * * *", "minute: a step of 0"),
        ("0 0 5--3/0 * *", "day of month: a step of 0"),
        ("0 0 -5-3 * *", "day of month: a range from the end of the month"),
        ("0 0 30 2 *", "day of month 30 never comes in month 2"),
        ("0 0 -31 2 *", "does such a day exist?"),
        ("0 0 1& * mon#2", "does such a day exist?"),
        ("0 0 * * mon%0", "a week modulo 0"),
        ("0 0 * * mon#1,mon%2", "the same day with # and with %"),
        ("0 9 * * * Nada/Nada", "unknown time zone 'Nada/Nada'"),
        ("0 0 1 jan \u017fat", "day of week '\u017fat' is not understood"),
        ("0 9 * * * UTC+2", "ends a Ruby scheduler"),
        ("0 9 * * * +12:00", "12 hours or more"),
        ("0 9 * * * berlin", "day of week 'berlin' is not understood"),
        ("0 9 * * * Europe/Berlin UTC", "'Europe/Berlin UTC' after the day of week is not a time zone"),
        ("* * * *", "5 fields, or 6 with the second first; found 4"),
        ("every day at noon", "5 fields, or 6 with the second first; found 4"),
        ("@Daily", "unknown word '@Daily'; there are @yearly"),
        ("0 0 * * ~/0", "a step of 0"),
        ("* * 31~-1 * *", "nothing to draw from"),
        ("* * ~-31/7 * *", "nothing to draw from"),
        ("* * 28~-12 4 *", "nothing to draw from"),
        ("*," * 130 + "* * * * *", "longer than 256 characters"),
    ],
)
def test_the_message_names_what_is_wrong(text, message):
    with pytest.raises(InvalidSchedule) as raised:
        Cron(text)
    assert message in str(raised.value)
    assert str(raised.value).startswith(f"cron '{text[:50]}")


def test_an_unknown_zone_of_the_scheduler_is_refused():
    with pytest.raises(InvalidSchedule, match="unknown time zone 'Mars'"):
        Cron("* * * * *", zone="Mars")


# --- rules that surprise ---------------------------------------------------------------------------


def same(one, other, zone="UTC"):
    since = "2026-03-13T08:59:59Z"
    return runs(Cron(one, zone=zone), since, 20) == runs(Cron(other, zone=zone), since, 20)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0 24 * * *", "0 0 * * *"),
        ("0 20-24/2 * * *", "0 20,22,0 * * *"),
        ("0, 30 * * * *", "0 30 * * * *"),
        ("/20 * * * *", "*/20 * * * *"),
        ("10/20 * * * *", "10,30,50 * * * *"),
        ("*/60 * * * *", "0 * * * *"),
        ("45-15/10 * * * *", "45,55,5,15 * * * *"),
        ("0 9 * * mon/2", "0 9 * * 1"),
        ("0 9 * * */0", "0 9 * * *"),
        ("0 9 * * *,1", "0 9 * * 1"),
        ("0 9 *,1 * *", "0 9 * * *"),
        ("0 9 * * 7-2", "0 9 * * sun,mon,tue"),
        ("0 0 25-L * *", "0 0 25-31 * *"),
        ("0 0 last * *", "0 0 -1 * *"),
        ("0 0 1-31 * mon", "0 0 * * mon"),
        ("0 0 * * fri#last", "0 0 * * 5#-1"),
        ("0 0 31 jun-jul mon", "0 0 31 jul mon"),
        ("@daily *", "0 0 * * * *"),
        ("@noon\tAsia/Tokyo", "0 12 * * * Asia/Tokyo"),
        ("\n 5 4 * * * \r\n", "5 4 * * *"),
        ("0 9 * * * Europe/Berlinn", "0 9 * * * Europe/Berlin"),
        ("0 9 * * * GMT+2", "0 9 * * * GMT"),
        ("0 9 * * * UTC-11", "0 9 * * * Etc/GMT+11"),
        ("0 9 * * * CST+8", "0 9 * * * Asia/Shanghai"),
        ("0 9 * * * CEST+2", "0 9 * * * Europe/Berlin"),
        ("0 9 * * * -00:30", "0 9 * * * +0030"),
    ],
)
def test_two_ways_to_say_the_same(one, other):
    assert same(one, other)


def test_either_day_is_enough_unless_there_is_an_ampersand():
    assert runs(Cron("0 0 13 * fri"), "2026-03-07T00:00:00Z", 2) == ["2026-03-13T00:00", "2026-03-20T00:00"]
    assert runs(Cron("0 0 13 * fri&"), "2026-03-07T00:00:00Z", 2) == ["2026-03-13T00:00", "2026-11-13T00:00"]
    assert not same("0 0 1 * 0-6", "0 0 1 * *")


def test_weeks_are_counted_from_the_last_monday_of_2018():
    assert runs(Cron("0 0 * * mon%2"), "2018-12-30T00:00:00Z", 2) == ["2018-12-31T00:00", "2019-01-14T00:00"]
    assert runs(Cron("0 0 * * mon%2+1"), "2018-12-30T00:00:00Z", 1) == ["2019-01-07T00:00"]


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


def test_a_tilde_draws_the_same_time_for_the_same_text():
    cron = Cron("~ 1~5 * * *")
    assert cron.random
    assert not Cron("0 3 * * *").random
    drawn = cron.next_after(at("2026-01-01T00:00:00Z"))
    assert drawn == Cron("~ 1~5 * * *").next_after(at("2026-01-01T00:00:00Z"))
    assert 1 <= drawn.hour <= 5
    hours = {runs(Cron(f"0 ~ {day} 1 *"), "2025-12-31T23:59:59Z", 1)[0][-5:] for day in range(1, 29)}
    assert len(hours) > 5


DRAWN = [
    "22~2 * * * *", "0 20~4 * * *", "0 0 25~L * *", "0 0 * 11~2 *", "0 0 * * 6~2", "10~20/5 * * * *",
    "0 0 1~-1 * *", "0 0 * * ~/2", "0 0 -5~-1 * *",
]  # fmt: skip


@pytest.mark.parametrize("text", DRAWN)
def test_a_drawn_value_is_one_of_its_field(text):
    """Whatever the draw, there is a run within a year."""
    cron = Cron(text)
    assert cron.next_after(at("2026-01-01T00:00:00Z")) < at("2027-02-01T00:00:00Z")


@pytest.mark.parametrize("days", ["28~", "31~29", "29~/9"])
def test_a_day_that_never_comes_is_drawn_again(days):
    """Ruby refuses "0 0 28~ 4 *" in one load of four. Our draw is always the same: such a text must load."""
    for minute in range(30):
        run = Cron(f"{minute} 0 {days} 4 *").next_after(at("2026-01-01T00:00:00Z"))
        assert (run.month, run.minute) == (4, minute)
        assert Cron(f"{minute} 0 31 ~2 *").next_after(at("2026-01-01T00:00:00Z")).month == 1
        assert Cron(f"{minute} 0 L~4 * *").next_after(at("2026-01-01T00:00:00Z")).minute == minute
        assert Cron(f"{minute} 0 L~/2 2 *").next_after(at("2026-01-01T00:00:00Z")).day == 2


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
