"""Entries of the schedule that should have run, and have not."""

import pytest

from pyresque.client.missed_runs import missed_runs
from pyresque.client.schedule_entries import listed

NOON = 1_764_504_000.0  # 2025-11-30 12:00 UTC
HOUR = 3_600.0


@pytest.fixture
def entries(resque):
    def written(now=NOON, **values):
        for name, value in values.items():
            resque.write_schedule(name, {"class": "A", "queue": "q", **value})
        return listed(resque, now)

    return written


def missed(resque, entries, now, **more):
    return [run.name for run in missed_runs(resque.space, entries, now, **more)]


def fired(resque, name, at):
    from pyresque.wire.times import started

    resque.link.execute("HSET", resque.space.keys.last_enqueued_at, name, started(at))


def test_an_entry_is_measured_by_its_last_run(resque, entries):
    fired(resque, "late", NOON - 3 * HOUR)
    fired(resque, "good", NOON - HOUR / 2)
    seen = entries(late={"every": "1h"}, good={"every": "1h"})
    [run] = missed_runs(resque.space, seen, NOON)
    assert (run.name, run.due, run.last) == ("late", NOON - 2 * HOUR, NOON - 3 * HOUR)


def test_one_that_never_ran_is_measured_from_when_it_was_first_seen_so(resque, entries):
    seen = entries(new={"every": "1h"})
    assert missed(resque, seen, NOON) == []
    assert missed(resque, seen, NOON + 2 * HOUR) == ["new"]
    changed = entries(new={"every": "90m"})
    assert missed(resque, changed, NOON + 2 * HOUR) == []


def test_a_run_may_be_late_for_a_while(resque, entries):
    fired(resque, "a", NOON - HOUR)
    seen = entries(a={"every": "1h"})
    assert missed(resque, seen, NOON + 299) == []
    assert missed(resque, seen, NOON + 301) == ["a"]
    assert missed(resque, seen, NOON + 301, grace=600) == []


def test_entries_of_other_environments_and_such_as_are_counted_from_the_start_are_left_out(resque, entries):
    fired(resque, "first", NOON - 9 * HOUR)
    seen = entries(
        elsewhere={"every": "1h", "rails_env": "production"}, first={"every": ["1h", {"first_in": "5m"}]}
    )
    assert missed(resque, seen, NOON) == []
    assert missed(resque, seen, NOON + 9 * HOUR) == []
