"""Which job a log line belongs to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from pyresque.model import job_tags
from pyresque.model.job_tags import JobFilter, tags_of, tell_running
from pyresque.model.perform import ReservedJob
from pyresque.registry import Registry
from pyresque.wire.records import JOB_WRAPPER, Payload


def reserved(value: object) -> ReservedJob:
    return ReservedJob.of("q", Payload(b"", value), Registry())  # type: ignore[arg-type]  # any JSON


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = job_tags._running
    yield
    tell_running(before)


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ({"class": "A", "args": []}, {"class": "A", "queue": "q"}),
        (
            {"class": JOB_WRAPPER, "args": [{"job_class": "A", "job_id": "7"}]},
            {"class": "A", "queue": "q", "job_id": "7"},
        ),
        ({"class": JOB_WRAPPER, "args": [{"job_class": "A", "job_id": [7]}]}, {"class": "A", "queue": "q"}),
        ({"class": 5}, {"queue": "q"}),
        ({}, {"queue": "q"}),
    ],
)
def test_tags(value: object, tags: dict[str, str]) -> None:
    """The class of its own, its queue, its id; what is not text is no tag."""
    assert tags_of(reserved(value)) == tags


@pytest.mark.parametrize("running", [lambda: reserved({"class": "A"}), lambda: None, lambda: 1 / 0])
def test_the_filter_of_an_application(running: Callable[[], ReservedJob | None]) -> None:
    """Every record gets the attributes, whatever runs."""
    tell_running(running)
    record = logging.makeLogRecord({})
    assert JobFilter().filter(record)
    tagged = vars(record)
    name = tagged["job_class"]
    assert (name, tagged["job_queue"], tagged["job_id"]) in (("A", "q", ""), ("", "", ""))
