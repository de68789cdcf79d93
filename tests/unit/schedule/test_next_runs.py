"""When entries are due: limits, catching up, phases. Moments are seconds since the epoch."""

import random

import pytest

from pyresque.errors import InvalidSchedule
from pyresque.schedule.entry import Entry
from pyresque.schedule.next_runs import Running
from pyresque.wire import times

LOADED = 1800000000.4


def running(noted=None, loaded=LOADED, **value):
    entry = Entry.read("e", {"class": "A", "queue": "q", **value})
    return Running(entry, loaded, "" if noted is None else times.started(noted))


def planned(one, now=LOADED, default="none"):
    one.plan(now, default)
    return one.due


def test_every_counts_from_the_load_where_nothing_is_noted():
    """The first run comes after one period."""
    one = running(every="1m")
    assert planned(one) == 1800000061
    one.advance("x")
    assert one.due == 1800000121


def test_every_goes_on_from_the_last_run():
    """Whoever fired it; missed runs are left out, the phase stays."""
    assert planned(running(1800000000 - 50, every="1m")) == 1800000010
    assert planned(running(1800000000 - 500, every="1m")) == 1800000040


@pytest.mark.parametrize("ago", [30, 1800, 3599])
def test_a_restart_within_the_period_changes_no_later_run_either(ago):
    """An hourly entry stays where it was, and does not come in between for the time of the restart."""
    last = 1800000000 - ago
    one = running(last, every="1h")
    found = [planned(one)]
    for _ in range(3):
        one.advance(times.started(one.due))
        found.append(one.due)
    assert found == [last + 3600 * count for count in (1, 2, 3, 4)]
    assert one.next_runs(2, one.due) == [last + 3600 * 5, last + 3600 * 6]


def test_a_period_with_a_fraction_does_not_drift():
    """The note has whole seconds, but we know better what we fired."""
    one = running(every="90.5s")
    first = planned(one)
    one.advance(times.started(first))
    one.advance(times.started(one.due))
    assert one.due == first + 181


@pytest.mark.parametrize(("policy", "due"), [("none", 1800003600), ("last", 1800000000), ("all", 1799992800)])
def test_catching_up(policy, due):
    """Three runs were missed, the last one some minutes ago."""
    one = running(1799989200, cron="0 * * * *", loaded=1800000300.0)
    assert planned(one, 1800000300.0, policy) == due


@pytest.mark.parametrize(("policy", "due"), [("none", 1800000360), ("last", 1800000240), ("all", 1800000000)])
def test_catching_up_with_every(policy, due):
    """The same for periods."""
    one = running(1799999880, every="2m", loaded=1800000300.0)
    assert planned(one, 1800000300.0, policy) == due


def test_an_entry_says_itself_how_to_catch_up():
    """It wins over the scheduler's setting."""
    one = running(1799989200, cron="0 * * * *", loaded=1800000300.0, catch_up="none")
    assert planned(one, 1800000300.0, "all") == 1800003600


def test_a_run_in_the_moment_of_a_hand_over_is_not_missed():
    """It came due a second ago, and nobody was master."""
    one = running(1799999999, cron="* * * * * *", loaded=1799999000.0)
    assert planned(one, 1800000000.5) == 1800000000
    assert planned(running(1800000000, cron="* * * * * *"), 1800000000.5) == 1800000001


def test_an_entry_that_never_ran_makes_up_for_nothing():
    """What lies before its load is none of its runs."""
    assert planned(running(cron="0 * * * *", loaded=1800000300.0), 1800000300.0, "all") == 1800003600


def test_a_note_from_the_future_is_not_waited_for():
    """A clock was wrong when it was written."""
    assert planned(running(1800000000 + 10**7, every="1m")) == 1800000061


@pytest.mark.parametrize("first", ["2001-01-01 00:00:00 +0000", "now", "banana", True])
def test_a_first_run_in_the_past_or_not_understood_is_refused(first):
    """As Ruby does since 5.0.1."""
    with pytest.raises(InvalidSchedule):
        running(every=["1h", {"first_at": first}])


def test_an_impossible_future_has_no_runs():
    """A list of none, not an endless search."""
    assert running(every="1h", loaded=LOADED).next_runs(0, LOADED) == []


TIMINGS = [
    {"every": "1s"}, {"every": "7s"}, {"every": "90s"}, {"every": "1h"}, {"cron": "* * * * * *"},
    {"cron": "*/7 * * * *"}, {"cron": "30 2 * * * Europe/Berlin"},
]  # fmt: skip


@pytest.mark.parametrize("value", TIMINGS)
@pytest.mark.parametrize("policy", ["none", "last", "all"])
def test_schedulers_that_come_and_go_keep_to_one_row_of_runs(value, policy):
    """Waiting and master for any time, with any time between them: no run twice, none beside the row that
    the first one begins; with `all` none is missing."""
    dice = random.Random(f"{value} {policy}")
    now, noted, fired = LOADED, "", []
    first = running(loaded=now, **value)
    first.plan(now)
    period = first.next_runs(2, first.due)[0] - first.due
    for _ in range(40):
        one = Running(first.entry, now, noted)
        now += dice.choice([0.0, 0.3, 2.5, 1.0 * period, 3.3 * period])
        one.plan(now, policy)
        now += dice.choice([0.1, 1.0, 0.7 * period, 5.5 * period])
        while one.due is not None and one.due <= now:
            fired.append(one.due)
            noted = times.started(one.due)
            one.advance(noted)
        now += dice.choice([0.0, 0.4, 1.9, 2.1 * period])
    first.due = fired[0]
    first.advance("")
    row = [fired[0], *first.next_runs(len(fired) * 30, fired[0])]
    places = [row.index(at) for at in fired]
    assert places == sorted(set(places))
    assert policy != "all" or places == list(range(len(fired)))


FAR = [{"every": "9000y"}, {"every": ["1h", {"first_in": 1e15}]}, {"cron": ["* * * * *", {"first_in": 1e15}]}]


@pytest.mark.parametrize("value", FAR)
def test_a_run_beyond_the_calendar_never_comes(value):
    """Whoever wrote it: no scheduler ends because nobody can say when that would be."""
    one = running(**value)
    assert planned(one) is None
    assert one.next_runs(5, LOADED) == []
