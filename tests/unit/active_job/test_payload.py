"""The job hash: what can be read, what is refused, and what the next attempt keeps."""

import json

import pytest

from pyresque.active_job.payload import JobData, Options, fresh
from pyresque.errors import MalformedActiveJob
from pyresque.wire.records import JOB_WRAPPER, Payload

HASH = {"job_class": "MailJob", "job_id": "1", "queue_name": "mail", "arguments": [1], "executions": 0}


def parsed(*args, **more):
    return JobData.parse(
        Payload.parse(json.dumps({"class": JOB_WRAPPER, "args": list(args), **more}).encode())
    )


def test_a_job_is_read_with_every_key():
    data = parsed({**HASH, "own": True})
    assert (data.job_class, data.executions, data.arguments, data.get("own")) == ("MailJob", 0, [1], True)


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ([], "the wrapper has 0 arguments instead of one"),
        ([HASH, 1], "the wrapper has 2 arguments"),
        (["x"], "the argument of the wrapper is not an object"),
        ([{}], "it has no job_class"),
        ([{"job_class": 5}], "its job_class is 5, not text"),
        ([{"job_class": "A"}], "A has no arguments"),
        ([{"job_class": "A", "arguments": {}}], "the arguments of A are {}, which is not a list"),
        ([{**HASH, "executions": "1"}], "executions of MailJob is '1', which is not a number"),
        ([{**HASH, "executions": True}], "executions of MailJob is True"),
        ([{**HASH, "executions": 10**19}], "executions of MailJob are more than there can be"),
        ([{**HASH, "exception_executions": {"[E]": "x"}}], "exception_executions of MailJob holds something"),
        ([{**HASH, "locale": 5}], "locale of MailJob is 5"),
    ],
)
def test_what_is_not_a_job_says_why(args, text):
    with pytest.raises(MalformedActiveJob) as raised:
        parsed(*args)
    assert str(raised.value).startswith(f"malformed Active Job: {text}")


def test_the_next_attempt_keeps_all_that_an_attempt_does_not_change():
    data = parsed({**HASH, "own": 1, "enqueued_at": "x", "scheduled_at": None}, queue="gone", pyresque_id="i")
    payload = data.next("retries", {"executions": 1, "continuation": {}, "provider": 5}, 1_000_000_000.0)
    inner = payload["args"][0]
    assert (payload["class"], payload["pyresque_id"], "queue" in payload) == (JOB_WRAPPER, "i", False)
    assert (inner["queue_name"], inner["executions"], inner["own"]) == ("retries", 1, 1)
    assert inner["scheduled_at"].startswith("2001-09-09T01:46:40")
    assert inner["continuation"] == {}
    assert "provider" not in inner
    assert inner["enqueued_at"] != "x"


def test_keys_that_an_older_rails_did_not_write_are_not_added():
    inner = parsed(HASH).next("mail", {"executions": 1}, 5.0)["args"][0]
    assert set(inner) == set(HASH)


def test_a_new_job_has_the_keys_of_the_newest_rails_in_their_order():
    payload = fresh("MailJob", "mail", [1], Options(priority=3, timezone="UTC"), steps=False)
    inner = payload["args"][0]
    assert list(inner) == [
        "job_class", "job_id", "provider_job_id", "queue_name", "priority", "arguments", "executions",
        "exception_executions", "locale", "timezone", "enqueued_at", "scheduled_at",
    ]  # fmt: skip
    assert JobData.parse(Payload.parse(json.dumps(payload).encode())).job_class == "MailJob"
    steps = fresh("MailJob", "mail", [1], Options(), steps=True)["args"][0]
    assert list(steps)[12:] == ["continuation", "resumptions"]
    assert steps["job_id"] != inner["job_id"]
