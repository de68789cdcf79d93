"""The keys that pyresque adds to a payload: what is read of them is what can be meant, and nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyresque.wire.extra_keys import (
    EXPIRES,
    TRACKED,
    UNIQUE,
    begun_before,
    expires_at,
    has_extra_keys,
    tracked_id,
    tracked_id_in,
    unique_seconds,
    with_keys,
)

ID = "0123456789abcdef" * 2
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())


@pytest.mark.parametrize(
    ("value", "found"),
    [(ID, ID), (ID.upper(), None), (ID[1:], None), (ID + "0", None), (7, None), (None, None)],
)
def test_an_id_is_32_hex_digits(value, found):
    assert tracked_id({TRACKED: value}) == found


@given(VALUES)
def test_of_odd_values_nothing_is_taken(value):
    """Whoever else writes such a key does not harm the job."""
    assert expires_at({EXPIRES: value}) == (value if type(value) is int else None)
    assert 0 <= unique_seconds({UNIQUE: value}) < 1 << 40
    assert tracked_id({TRACKED: value}) in (None, value)


@pytest.mark.parametrize(("value", "seconds"), [(1, 1), (0, 0), (-1, 0), (True, 0), (1 << 40, 0), ("9", 0)])
def test_equal_jobs_are_kept_away_for_whole_seconds(value, seconds):
    assert unique_seconds({UNIQUE: value}) == seconds


def test_a_job_that_has_begun_expires_no_more_and_is_still_tracked():
    value = {"class": "A", "args": [], TRACKED: ID, EXPIRES: 5, UNIQUE: 6, "own": 1}
    assert begun_before(value) == {"class": "A", "args": [], TRACKED: ID, "own": 1}


def test_keys_go_behind_those_that_are_there():
    raw = with_keys(b'{"class":"A","args":[]}', b'"%b":"%b"' % (TRACKED.encode(), ID.encode()))
    assert json.loads(raw) == {"class": "A", "args": [], TRACKED: ID}
    assert has_extra_keys(raw)
    assert tracked_id_in(raw) == ID


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b'{"class":"A"}', b'{"pyresque_id":', b'["pyresque_id"]', b'"pyresque_id"']
)
def test_what_is_not_a_tracked_job_has_no_id(raw):
    assert tracked_id_in(raw) is None
