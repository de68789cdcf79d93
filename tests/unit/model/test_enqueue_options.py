"""The options of `enqueue` and `@job`: which values there are, and what is an argument instead."""

from datetime import timedelta

import pytest

from pyresque.errors import InvalidJob, NotAJob
from pyresque.model.enqueue_options import (
    UNIQUE_SECONDS,
    EnqueueOptions,
    declared,
    options_of,
    reason_against,
)
from pyresque.model.job_class import JobClass

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({}, None),
        ({"track": False, "ttl": None, "unique": False}, None),
        ({"track": True}, EnqueueOptions(track=True)),
        ({"at_front": True}, EnqueueOptions(at_front=True)),
        ({"ttl": 0.5}, EnqueueOptions(ttl=0.5)),
        ({"ttl": HOUR}, EnqueueOptions(ttl=3600.0)),
        ({"unique": True}, EnqueueOptions(unique=UNIQUE_SECONDS)),
        ({"unique": 5}, EnqueueOptions(unique=5)),
    ],
)
def test_what_a_call_asks_for(given, options):
    assert options_of(None, {**given, "other": 1}) == (options, {"other": 1})


def test_a_parameter_of_the_job_is_an_argument_and_the_class_gives_the_rest():
    job = JobClass("Mail", "mail", lambda ttl: ttl, options={"track": True})
    assert options_of(job, {"ttl": "x"}) == (EnqueueOptions(track=True), {"ttl": "x"})
    assert options_of(job, {"track": False, "ttl": "x"}) == (None, {"ttl": "x"})


WRONG = [
    ("track", 1), ("track", None), ("at_front", "yes"),
    ("ttl", 0), ("ttl", -1), ("ttl", "5"), ("ttl", True), ("ttl", float("nan")), ("ttl", float("inf")),
    ("unique", 0), ("unique", -1), ("unique", "1"), ("unique", 1.5), ("unique", 10**9),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_refused_by_name(name, value):
    with pytest.raises(NotAJob, match=f"^{name}="):
        options_of(None, {name: value})


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("10/minute", (10, 60_000)), ("5/30s", (5, 30_000)), ("1000/day", (1000, 86_400_000)),
        ("1/s", (1, 1000)), ("2 / 3 hours", (2, 10_800_000)), ("7/15mins", (7, 900_000)),
    ],
)  # fmt: skip
def test_a_rate_is_jobs_within_milliseconds(text, rate):
    assert declared({"rate_limit": text}) == {"rate_limit": rate}


@pytest.mark.parametrize(
    "rate", ["", "10", "0/s", "10/", "/s", "10/0s", "10/fortnight", "1/400d", "100001/s", 10]
)
def test_what_is_not_a_rate_is_refused(rate):
    with pytest.raises(InvalidJob, match="rate_limit="):
        declared({"rate_limit": rate or " "})


@pytest.mark.parametrize("running", [0, -1, 1.5, "2", True, 10_001])
def test_what_is_not_a_number_of_jobs_is_refused(running):
    assert reason_against({"max_running": running}).startswith("max_running=")


def test_a_class_keeps_what_it_asks_for_only():
    assert declared({"track": False, "ttl": None, "max_running": 3}) == {"max_running": 3}
    with pytest.raises(TypeError, match="unexpected keyword argument 'at_fornt'"):
        declared({"at_fornt": True})
