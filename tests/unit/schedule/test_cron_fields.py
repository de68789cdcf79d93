"""What the fields of a cron entry mean: days and weekdays, weeks, drawn values."""

import pytest

from pyresque.scheduler import Cron
from tests.unit.schedule.cron_runs import at, runs, same

DRAWN = [
    "22~2 * * * *", "0 20~4 * * *", "0 0 25~L * *", "0 0 * 11~2 *", "0 0 * * 6~2", "10~20/5 * * * *",
    "0 0 1~-1 * *", "0 0 * * ~/2", "0 0 -5~-1 * *",
]  # fmt: skip


def test_either_day_is_enough_unless_there_is_an_ampersand():
    assert runs(Cron("0 0 13 * fri"), "2026-03-07T00:00:00Z", 2) == ["2026-03-13T00:00", "2026-03-20T00:00"]
    assert runs(Cron("0 0 13 * fri&"), "2026-03-07T00:00:00Z", 2) == ["2026-03-13T00:00", "2026-11-13T00:00"]
    assert not same("0 0 1 * 0-6", "0 0 1 * *")


def test_weeks_are_counted_from_the_last_monday_of_2018():
    assert runs(Cron("0 0 * * mon%2"), "2018-12-30T00:00:00Z", 2) == ["2018-12-31T00:00", "2019-01-14T00:00"]
    assert runs(Cron("0 0 * * mon%2+1"), "2018-12-30T00:00:00Z", 1) == ["2019-01-07T00:00"]


def test_a_tilde_draws_the_same_time_for_the_same_text():
    cron = Cron("~ 1~5 * * *")
    assert cron.random
    assert not Cron("0 3 * * *").random
    drawn = cron.next_after(at("2026-01-01T00:00:00Z"))
    assert drawn == Cron("~ 1~5 * * *").next_after(at("2026-01-01T00:00:00Z"))
    assert 1 <= drawn.hour <= 5
    hours = {runs(Cron(f"0 ~ {day} 1 *"), "2025-12-31T23:59:59Z", 1)[0][-5:] for day in range(1, 29)}
    assert len(hours) > 5


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
