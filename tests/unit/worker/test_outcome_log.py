"""What the log says of a job that has failed."""

import logging
import time

import pytest

from pyresque.model.perform import ReservedJob
from pyresque.wire.records import Payload
from pyresque.worker.outcome_log import one_line, tell, traceback_of
from pyresque.worker.report import Report

JOB = ReservedJob("mail", Payload.parse(b'{"class":"Mail","args":[1]}'), None)
FAILED = Report("ValueError", "no such user\nsecond line")


def raised(error):
    try:
        raise error
    except type(error) as caught:
        return caught


def said(caplog, report, again_at=None):
    with caplog.at_level(logging.INFO, "pyresque.worker"):
        tell(JOB, report, again_at)
    [entry] = caplog.records
    return entry.levelname, entry.message


@pytest.mark.parametrize(
    ("report", "level", "text"),
    [
        (FAILED, "ERROR", "failed: ValueError: no such user"),
        (Report("ValueError", ""), "ERROR", "failed: ValueError"),
        (Report(handled="ValueError: x"), "WARNING", "is discarded: ValueError: x"),
        (
            Report(handled="ValueError: x", again=[("q", b"{}", 0.0)]),
            "WARNING",
            "failed: ValueError: x; the next",
        ),
        (Report(again=[("q", b"{}", 0.0)]), "INFO", "ends before it is done, and goes on later"),
    ],
)
def test_how_grave_it_is_depends_on_what_follows(caplog, report, level, text):
    said_level, message = said(caplog, report)
    assert said_level == level
    assert text in message
    assert "\n" not in message


def test_an_attempt_that_follows_makes_it_a_warning_with_its_moment(caplog):
    level, message = said(caplog, FAILED, time.time() + 3_600)
    assert level == "WARNING"
    assert "; the next attempt is due at " in message
    assert message.endswith((", in 3,600 s", ", in 3,599 s"))


def test_one_that_follows_at_once_is_due_now(caplog):
    assert said(caplog, FAILED, 0.0)[1].endswith("; the next attempt is due now")


def test_an_error_is_one_line_with_its_class():
    assert one_line(ValueError("a\nb")) == "ValueError: a"
    assert one_line(ValueError()) == "ValueError"


def test_a_traceback_is_that_of_the_job_or_where_it_was():
    assert traceback_of(raised(ValueError("x"))).rstrip().endswith("ValueError: x")
    assert traceback_of(ValueError("x")) == ""
    stack = ["jobs.py:1:in `work'", "jobs.py:2:in `run'"]
    assert traceback_of(ValueError("x"), stack).splitlines() == [
        "The job was here, innermost call first:", "  jobs.py:1:in `work'", "  jobs.py:2:in `run'"
    ]  # fmt: skip


def test_of_a_long_traceback_the_end_is_kept():
    text = traceback_of(raised(ValueError("x" * 1_000_000)))
    assert len(text) < 50_000
