"""What the end of a tracked job gives to whoever waits for it."""

import itertools

import pytest

from pyresque.client.job_handle import Progress, pauses, result_of
from pyresque.errors import JobCancelled, JobExpired, JobFailed, JobNotDone, NoResult


def test_a_result_is_given():
    assert result_of("i", {"status": "completed", "result": [1]}, None) == [1]
    assert result_of("i", {"status": "completed"}, None) is None


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (None, JobNotDone, "was not over after 5 seconds"),
        ({"status": "failed", "message": "boom", "exception": "KeyError"}, JobFailed, "boom"),
        ({"status": "killed", "message": "stop"}, JobCancelled, "was cancelled: stop"),
        ({"status": "killed", "expired": True, "message": "late"}, JobExpired, "was not run: late"),
        ({}, NoResult, "nothing is known"),
        ({"status": 7}, NoResult, "nothing is known"),
        ({"status": "completed", "result_missing": "too large"}, NoResult, "is not stored: too large"),
    ],
)
def test_any_other_end_says_what_became_of_it(value, error, text):
    with pytest.raises(error, match=text) as raised:
        result_of("i", value, 5.0)
    assert type(raised.value) is error
    assert getattr(raised.value, "exception", "KeyError") == "KeyError"


def test_looks_become_rarer_and_end_with_the_time():
    longer = list(itertools.islice(pauses(None), 30))
    assert longer == sorted(longer)
    assert longer[0] < 0.01 < longer[-1] < 1
    assert list(pauses(0)) == []
    assert next(pauses(0.001)) <= 0.001


@pytest.mark.parametrize(
    ("num", "total", "fraction"),
    [(None, 4, None), (1, None, None), (1, 0, None), (1, 4, 0.25), (9, 4, 1.0), (-1, 4, 0.0)],
)
def test_a_fraction_is_from_0_to_1(num, total, fraction):
    assert Progress(num, total, None).fraction == fraction
