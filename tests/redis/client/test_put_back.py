"""How the job of a failure goes back: once, marked, and with what a writer has put beside class and args."""

import json

import pytest

from pyresque.client.put_back import PutBack, with_arguments
from pyresque.errors import NotAJob
from pyresque.store import failures
from pyresque.wire.records import JOB_WRAPPER


@pytest.fixture
def put_back(resque):
    return PutBack(resque.space, resque.failures.with_copies)


def failed(resque, payload, **more):
    value = {"failed_at": "2026/11/30 12:00:00 UTC", "payload": payload, "queue": "q", **more}
    raw = json.dumps({key: item for key, item in value.items() if item is not None})
    resque.link.execute("RPUSH", resque.space.keys.failed_list("failed"), raw)
    return failures.read(resque.space, "failed")[-1]


def queue(resque):
    return [json.loads(raw) for raw in resque.link.execute("LRANGE", resque.space.keys.queue("q"), 0, -1)]


@pytest.mark.parametrize(
    ("args", "written"),
    [([1, 2], [1, 2]), (None, []), ("x", ["x"]), ({"a": 1}, [["a", 1]]), (7, [7]), ([[1]], [[1]])],
)
def test_arguments_go_as_ruby_spreads_them(resque, put_back, args, written):
    assert put_back.one(failed(resque, {"class": "A", "args": args, "own": 1}))
    assert queue(resque) == [{"class": "A", "args": written, "own": 1}]
    [record] = failures.read(resque.space, "failed")
    assert record.was_retried


@pytest.mark.parametrize(
    ("payload", "more", "text"),
    [
        ({"class": "A", "args": []}, {"queue": None}, "names no queue"),
        ({"args": []}, {}, "holds no job with a class"),
    ],
)
def test_what_is_not_a_job_stays(resque, put_back, payload, more, text):
    record = failed(resque, payload, **more)
    with pytest.raises(NotAJob, match=text):
        put_back.one(record)
    [outcome] = put_back.many([record])
    assert text in str(outcome)
    assert not failures.read(resque.space, "failed")[0].was_retried


def test_many_go_in_few_steps_and_one_that_is_gone_is_told(resque, put_back):
    records = [failed(resque, {"class": "A", "args": [n]}) for n in range(5)]
    assert failures.discard(resque.space, records[2])
    records = [
        record if n < 3 else failures.read(resque.space, "failed")[n - 1] for n, record in enumerate(records)
    ]
    known = resque.failures.with_copies(records)
    assert put_back.many(known) == ["done", "done", "gone", "done", "done"]
    assert [job["args"] for job in queue(resque)] == [[0], [1], [3], [4]]


def test_other_arguments_are_those_of_the_job_itself():
    assert with_arguments({"class": "A", "args": [1], "own": 2}, [3]) == {"class": "A", "args": [3], "own": 2}
    wrapped = {"class": JOB_WRAPPER, "args": [{"job_class": "MailJob", "arguments": [1]}]}
    assert with_arguments(wrapped, [3])["args"] == [{"job_class": "MailJob", "arguments": [3]}]
    with pytest.raises(NotAJob, match="must be a list"):
        with_arguments(wrapped, {"a": 1})
