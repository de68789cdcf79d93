"""Ruby's values in Python: they are kinds of Python's own types, keep what those lack, and survive a copy."""

import copy
import pickle
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyresque.active_job.arguments.values import (
    DateTime,
    Duration,
    FarTime,
    Indifferent,
    Keywords,
    Module,
    Range,
    Symbol,
    Time,
    TimeWithZone,
    plain,
    whole_or_float,
)

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
VALUES = [
    Symbol("urgent"), Module("Admin::User"), FarTime("99999-01-01", "Date"),
    FarTime("x", "TimeWithZone", "Tokyo"),
    Indifferent({"a": 1}), Keywords({"a": 1}), Range(1, 3), Range(None, 3, exclude_end=True),
    Duration.of(months=1, days=2), Duration.read(Decimal("1.5"), (("seconds", Decimal("1.5")),)),
    Time.at(NOON, 7), DateTime.at(NOON), TimeWithZone.at(NOON, 999),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_copy_is_the_same_with_all_that_it_knows(value):
    for other in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert (type(other), other, repr(other)) == (type(value), value, repr(value))
        for name in ("kind", "zone", "parts", "value", "nanosecond"):
            assert getattr(other, name, None) == getattr(value, name, None)


@given(st.integers(), st.integers(), st.booleans(), st.integers())
def test_a_range_of_whole_numbers_is_pythons(begin, end, exclude_end, number):
    mine = Range(begin, end, exclude_end)
    theirs = range(begin, end if exclude_end else end + 1)
    assert mine == theirs
    assert hash(mine) == hash(theirs)
    assert (number in mine) == (number in theirs)


def test_a_range_with_an_open_end_holds_all_on_that_side():
    assert 10**9 in Range(1, None)
    assert -(10**9) in Range(None, 1)
    assert 0 not in Range(1, None)
    with pytest.raises(TypeError, match="ends that are not whole numbers"):
        Range(1, None).as_range()


@pytest.mark.parametrize(
    ("parts", "seconds", "kept"),
    [
        ({"months": 1}, 2629746, (("months", 1),)),
        ({"hours": 1, "minutes": 0}, 3600, (("hours", 1),)),
        ({"minutes": 0}, 0, (("minutes", 0),)),
        ({}, 0, (("seconds", 0),)),
    ],
)
def test_a_duration_knows_its_parts_as_rails_has_them(parts, seconds, kept):
    made = Duration.of(**parts)
    assert (made, made.value, made.parts) == (timedelta(seconds=seconds), seconds, kept)


def test_a_duration_has_no_other_parts():
    with pytest.raises(TypeError, match="a duration has no fortnights: its parts are years, months"):
        Duration.of(fortnights=1)


@given(st.timedeltas())
def test_seconds_are_whole_where_they_can_be(span):
    seconds = whole_or_float(span)
    assert seconds == span.total_seconds()
    assert isinstance(seconds, int) == (span.microseconds == 0)


def test_a_time_has_nanoseconds():
    moment = Time.at(NOON.replace(microsecond=5), 7)
    assert moment == NOON.replace(microsecond=5)
    assert moment.nanoseconds == 5_007


def test_plain_values_are_pythons_own_inside_too():
    value = {"at": [Time.at(NOON)], "for": Duration.of(hours=1), "on": date(2026, 1, 1)}
    bare = plain(value)
    assert bare == {"at": [NOON], "for": timedelta(hours=1), "on": date(2026, 1, 1)}
    assert (type(bare["at"][0]), type(bare["for"])) == (datetime, timedelta)
