"""Steps: which comes when, cursors, where a run may end."""

from datetime import UTC, date, datetime

import pytest

from pyresque.active_job.continuation import Continuation, Interrupted
from pyresque.errors import InvalidStep, MalformedActiveJob, UnadvanceableCursor, Unencodable


def steps(progress=None, leaving=lambda: False):
    return Continuation({} if progress is None else progress, leaving)


def run(continuation, name, start=None, isolated=False, does=lambda step: None):
    continuation.step(name, does, start, isolated)


def test_finished_steps_are_passed_over_and_the_open_one_goes_on():
    """From its cursor, which is marked as resumed."""
    seen = []
    made = steps({"completed": ["load"], "current": ["walk", 4], "python": 1})
    assert made.started
    run(made, "load", does=lambda step: seen.append("load"))
    run(made, "walk", start=0, does=lambda step: seen.append((step.cursor, step.resumed)))
    run(made, "close", does=lambda: seen.append("close"))
    assert seen == [(4, True), "close"]
    assert made.progress() == {"completed": ["load", "walk", "close"]}


@pytest.mark.parametrize(
    ("progress", "names", "message"),
    [
        ({"completed": ["zzz"]}, ["first"], "Step 'first' found, expected to see 'zzz'"),
        (
            {"completed": [], "current": ["zzz", 1]},
            ["second"],
            "Step 'second' found, expected to resume from 'zzz'",
        ),
        ({}, ["a", "a"], "Step 'a' has already been encountered"),
    ],
)
def test_steps_must_be_those_of_before(progress, names, message):
    """With the words of Rails."""
    made = steps(progress)
    for name in names[:-1]:
        run(made, name)
    with pytest.raises(InvalidStep, match=message):
        run(made, names[-1])


def test_steps_do_not_nest():
    """As in Rails."""
    made = steps()
    with pytest.raises(InvalidStep, match="Step 'in' is nested inside step 'out'"):
        run(made, "out", does=lambda step: run(made, "in"))


@pytest.mark.parametrize(
    "progress", [None, [], "x", {"completed": 5}, {"current": "walk"}, {"current": [1, 2]}]
)
def test_progress_that_is_none_is_refused(progress):
    """A failure that says what stands there."""
    with pytest.raises(MalformedActiveJob, match="continuation"):
        Continuation(progress, lambda: False)


def test_a_run_ends_at_a_checkpoint_when_the_worker_leaves():
    """After a cursor has moved, and before a step if one was finished in this run; never before progress."""
    leaving = []
    made = steps(leaving=lambda: bool(leaving))
    run(made, "a")
    leaving.append(1)
    with pytest.raises(Interrupted, match=r"Interrupted after 'a' \(stopping\)"):
        run(made, "b")
    fresh = steps(leaving=lambda: True)
    with pytest.raises(Interrupted, match=r"Interrupted at 'walk', cursor '1' \(stopping\)"):
        run(fresh, "walk", start=0, does=lambda step: step.advance())
    assert fresh.progress() == {"completed": [], "current": ["walk", 1]}


def test_an_isolated_step_wants_its_own_run():
    """It, and the one after it."""
    made = steps()
    run(made, "a")
    with pytest.raises(Interrupted, match=r"Interrupted after 'a' \(isolating\)"):
        run(made, "alone", isolated=True)
    resumed = steps({"completed": ["a"]})
    run(resumed, "a")
    run(resumed, "alone", isolated=True)
    with pytest.raises(Interrupted, match="isolating"):
        run(resumed, "after")


@pytest.mark.parametrize(
    ("cursor", "spelled"),
    [
        (date(2024, 1, 1), "2024-01-01"),
        (datetime(2024, 1, 2, 3, 4, 5, 678901, UTC), "2024-01-02T03:04:05.678Z"),
        ([1, "two", [None]], [1, "two", [None]]),
        ({"a": {"c": "d"}}, {"a": {"c": "d"}}),
        (None, None),
        (1e16, 1e16),
    ],
)
def test_a_cursor_is_what_json_can_say(cursor, spelled):
    """Dates and times as Rails 8.1 writes them: as text, times with three digits."""
    made = steps(leaving=lambda: True)
    with pytest.raises(Interrupted):
        run(made, "walk", does=lambda step: step.set(cursor))
    assert made.progress()["current"] == ["walk", spelled]


def test_only_numbers_and_days_have_a_next():
    """As Rails' UnadvanceableCursorError; what JSON cannot say is refused at once."""
    seen = []
    run(steps(), "a", start=date(2024, 2, 29), does=lambda step: (step.advance(), seen.append(step.cursor)))
    run(steps(), "a", does=lambda step: (step.advance(start=7), seen.append(step.cursor)))
    assert seen == [date(2024, 3, 1), 8]
    for cursor in (1.5, None, "a", True):
        with pytest.raises(UnadvanceableCursor):
            run(steps(), "a", start=cursor, does=lambda step: step.advance())
    with pytest.raises(Unencodable):
        run(steps(), "a", does=lambda step: step.set({1, 2}))
