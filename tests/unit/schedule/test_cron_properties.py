"""Cron over all kinds of texts: what holds of every run, and a second opinion from croniter."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from croniter import croniter
from hypothesis import assume, given
from hypothesis import strategies as st

from pyresque.errors import InvalidSchedule
from pyresque.scheduler import Cron

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Cairo",
]
LIMITS = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)]
LONGEST = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
moments = st.datetimes(datetime(2019, 1, 1), datetime(2035, 1, 1)).map(lambda one: one.replace(tzinfo=UTC))


def values(low, high):
    """Texts of one field and the numbers they mean, None for any."""
    one = st.integers(low, high)
    listed = st.lists(one, min_size=1, max_size=4, unique=True).map(lambda n: (",".join(map(str, n)), set(n)))
    ranged = st.tuples(one, one).map(sorted).filter(lambda n: n[0] < n[1] and n != [low, high])
    ranges = ranged.map(lambda n: (f"{n[0]}-{n[1]}", set(range(n[0], n[1] + 1))))
    steps = st.integers(2, 30).map(lambda n: (f"*/{n}", set(range(low, high + 1, n))))
    stepped = st.tuples(ranged, st.integers(1, 9)).map(
        lambda n: (f"{n[0][0]}-{n[0][1]}/{n[1]}", set(range(n[0][0], n[0][1] + 1, n[1])))
    )
    return st.one_of(st.just(("*", None)), listed, ranges, steps, stepped)


fields = st.tuples(*(values(low, high) for low, high in LIMITS))


def cron_of(parts, zone):
    try:
        return Cron(" ".join(text for text, _ in parts), zone=zone)
    except InvalidSchedule:
        # Only for a day that none of the months has.
        assert parts[2][1] is not None
        assert parts[3][1] is not None
        assume(False)
        raise


def meant(number, numbers):
    return numbers is None or number in numbers


@given(fields, st.sampled_from(ZONES), moments)
def test_runs_are_later_and_match_the_wall_clock(parts, zone, moment):
    cron = cron_of(parts, zone)
    minutes, hours, days, months, weekdays = (numbers for _, numbers in parts)
    seen = [moment]
    for _ in range(4):
        seen.append(cron.next_after(seen[-1]))
    assert all(one < other for one, other in pairwise(seen))
    for run in seen[1:]:
        wall = run.astimezone(ZoneInfo(zone))
        assert (wall.second, wall.microsecond) == (0, 0)
        assert meant(wall.minute, minutes)
        assert meant(wall.hour, hours)
        assert meant(wall.month, months)
        of_month, of_week = meant(wall.day, days), meant(wall.isoweekday() % 7, weekdays)
        assert (of_month or of_week) if days and weekdays else (of_month and of_week)


@given(
    fields, st.sampled_from(["UTC", "Asia/Tokyo"]), moments, st.timedeltas(timedelta(), timedelta(days=400))
)
def test_a_later_moment_has_no_earlier_run(parts, zone, moment, later):
    """Where no clock changes nothing is left out, so a search from in between finds the same run."""
    cron = cron_of(parts, zone)
    first = cron.next_after(moment)
    assert cron.next_after(moment + later) >= first
    assert cron.next_after(first - timedelta(seconds=1)) == first
    assert cron.previous_before(cron.next_after(first)) == first


@given(fields, st.sampled_from(ZONES), moments)
def test_the_run_before_leads_to_no_later_one(parts, zone, moment):
    cron = cron_of(parts, zone)
    before = cron.previous_before(moment)
    assert before < moment
    assert cron.next_after(before) > before


@given(st.text(st.sampled_from("0123456789*/,-#%&~ \tLlastmonfri@dy"), max_size=24), moments)
def test_any_text_is_refused_or_runs(text, moment):
    """No other error, and no search without an end."""
    try:
        run = Cron(text).next_after(moment)
    except InvalidSchedule:
        return
    assert run > moment


def test_a_month_without_any_of_the_days_has_no_run():
    """As recorded from Ruby (fugit): February has no 30th, so its Sundays do not count either."""
    assert Cron("* * 30 2-3 0").next_after(datetime(2024, 1, 1, tzinfo=UTC)) == datetime(
        2024, 3, 3, tzinfo=UTC
    )
    assert Cron("* * 29 2 0").next_after(datetime(2024, 1, 1, tzinfo=UTC)) == datetime(2024, 2, 4, tzinfo=UTC)


@given(fields, moments)
def test_croniter_agrees_on_ordinary_fields(parts, moment):
    """A second opinion, where the two dialects are the same: five ordinary fields, no change of the clock.

    Where the days of the month and of the week are both restricted, they are not the same in two cases:

    - one of them begins with a star (`*/2`): croniter does not take that for a restriction, Ruby does;
    - a month has none of the days (`* * 30 2-3 0`): Ruby leaves it out altogether, its Sundays too.
    """
    texts = [text for text, _ in parts]
    _, _, days, months, weekdays = (numbers for _, numbers in parts)
    if days and weekdays:
        assume(not any(text.startswith("*") for text in (texts[2], texts[4])))
        assume(all(min(days) <= LONGEST.get(month, 31) for month in months or ()))
    cron = cron_of(parts, "UTC")
    other = croniter(" ".join(texts), moment)
    ours = theirs = moment
    for _ in range(3):
        ours, theirs = cron.next_after(ours), other.get_next(datetime)
        assert ours == theirs
