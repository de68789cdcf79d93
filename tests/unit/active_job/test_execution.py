"""One run of an Active Job: what it tells of itself, how it counts errors, and what its next attempt is."""

import json
from datetime import UTC, datetime

import pytest

from pyresque import active_job
from pyresque.active_job.execution import Execution, enter, running
from pyresque.active_job.payload import JobData
from pyresque.errors import Handled, InvalidStep
from pyresque.wire.records import JOB_WRAPPER, Payload

HASH = {
    "job_class": "MailJob", "job_id": "1", "queue_name": "mail", "priority": 3, "arguments": [1],
    "executions": 2,
    "exception_executions": {"[E]": 1}, "locale": "de", "timezone": "Tokyo",
    "enqueued_at": "2026-11-30T12:00:00.000000000Z", "scheduled_at": None,
}  # fmt: skip


def execution(**changes):
    data = {key: value for key, value in {**HASH, **changes}.items() if value != "gone"}
    return Execution(
        JobData.parse(Payload.parse(json.dumps({"class": JOB_WRAPPER, "args": [data]}).encode())), "q"
    )


def test_it_tells_what_was_written():
    job = execution()
    assert (job.job_class, job.job_id, job.queue, job.priority, job.locale) == (
        "MailJob",
        "1",
        "mail",
        3,
        "de",
    )
    assert job.executions == 3
    assert job.enqueued_at == datetime(2026, 11, 30, 12, tzinfo=UTC)
    assert (job.scheduled_at, str(job.zone)) == (None, "Asia/Tokyo")


@pytest.mark.parametrize("text", ["", "yesterday", "99999-01-01T00:00:00Z", None])
def test_a_moment_that_cannot_be_read_is_none(text):
    assert execution(enqueued_at=text).enqueued_at is None


def test_without_a_queue_name_it_is_the_queue_that_it_came_from():
    assert execution(queue_name=None).queue == "q"


def test_errors_are_counted_by_their_declaration_and_else_by_attempts():
    job = execution()
    assert (job.count("[E]"), job.count("[F]"), job.count("[F]")) == (2, 1, 2)
    assert job.data["exception_executions"] == {"[E]": 2, "[F]": 2}  # as a failure shows it
    assert execution(exception_executions="gone").count("[E]") == 3


def test_the_next_attempt_is_a_payload_with_its_counts():
    handled = execution().retry(queue="later", priority=9)
    assert isinstance(handled, Handled)
    [(queue, payload, due)] = handled.again
    inner = payload.value["args"][0]
    assert (queue, due, inner["executions"], inner["priority"]) == ("later", 0.0, 3, 9)
    assert inner["queue_name"] == "later"


def test_a_job_that_is_delayed_stays_delayed():
    far = "2999-01-01T00:00:00.000000000Z"
    [(_, _, due)] = execution(scheduled_at=far).retry().again
    assert due == datetime(2999, 1, 1, tzinfo=UTC).timestamp()


def test_a_queue_that_is_no_name_is_refused():
    with pytest.raises(TypeError, match="is not the name of a queue"):
        execution().again(None, 5, None)


def test_a_job_without_steps_says_how_it_gets_some():
    with pytest.raises(InvalidStep, match="continuable=True"):
        execution().step("one", lambda: None)


def test_the_one_that_runs_is_the_current_one():
    job = execution()
    assert running() is None
    leave = enter(job)
    try:
        assert active_job.current() is job
    finally:
        leave()
    with pytest.raises(LookupError):
        active_job.current()
