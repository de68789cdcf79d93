"""A retry with other arguments: what stays of the job, and what is refused."""

import json

import pytest

from pyresque import Resque
from pyresque.errors import NoQueueError, NotAJob, Unencodable
from pyresque.failure import Multiple, Redis, RedisMultiQueue
from tests.redis.client.test_failure_selection import at, wrapped
from tests.redis.client.test_failures import BROKEN, old, put, raws

ONE = "00000001-0000-4000-8000-000000000000"


def queued(resque, queue="q"):
    return [json.loads(raw) for raw in resque.link.execute("LRANGE", f"resque:queue:{queue}", 0, -1)]


def test_class_and_further_keys_stay(resque):
    payload = {"args": [1], "class": "A::B", "traceparent": "00-1", "pyresque_unique": 60}
    put(resque, at(1, payload=payload))
    assert resque.failures.retry_with(ONE, [2, {"a": None}])
    assert queued(resque) == [{"class": "A::B", "args": [2, {"a": None}], "traceparent": "00-1"}]
    [record] = resque.failures.list()
    assert record.was_retried
    assert record.payload == payload
    assert not resque.failures.retry_with("nobody", [1])


def test_an_active_job_keeps_its_hash(resque):
    put(resque, wrapped(1))
    assert resque.failures.retry_with(ONE, ["x"], queue="other")
    [job] = queued(resque, "other")
    inner = {"job_class": "Mailer", "job_id": "id-1", "arguments": ["x"], "queue_name": "q"}
    assert job["args"] == [inner]
    with pytest.raises(NotAJob, match="must be a list"):
        resque.failures.retry_with(ONE, {"a": 1})


@pytest.mark.parametrize(
    ("args", "written"),
    [({"a": 1}, [["a", 1]]), ("x", ["x"]), (None, []), (7, [7]), ([], []), ([[1]], [[1]])],
)
def test_arguments_that_are_not_a_list_are_spread_as_in_ruby(resque, args, written):
    put(resque, at(1, payload={"class": "A", "args": {"old": 1}}))
    resque.failures.retry_with(ONE, args)
    assert queued(resque) == [{"class": "A", "args": written}]


def test_what_is_refused_changes_nothing(resque):
    put(resque, *BROKEN, at(1), at(2, payload=None), at(3, queue=None))
    before = raws(resque)
    for record in resque.failures.list(0, None):
        if record.id != ONE:
            with pytest.raises(NotAJob):
                resque.failures.retry_with(record, [1])
    with pytest.raises(Unencodable):
        resque.failures.retry_with(ONE, [float("nan")])
    with pytest.raises(NoQueueError):
        resque.failures.retry_with(ONE, [1], queue=7)
    assert raws(resque) == before
    assert resque.queues() == []


def test_of_equal_records_the_one_that_is_meant(resque):
    put(resque, old(1), old(1))
    [_, second] = resque.failures.list()
    assert resque.failures.retry_with(second, [5])
    assert [b"retried_at" in raw for raw in raws(resque)] == [False, True]


def test_copies_are_marked_too(resque, server):
    several = Resque(server.url, failure=Multiple(Redis(), RedisMultiQueue()), registry=resque.registry)
    put(resque, at(1))
    put(resque, at(1), key="q_failed")
    assert several.failures.retry_with(ONE, [5])
    assert all(b"retried_at" in raw for raw in raws(resque) + raws(resque, "q_failed"))
    several.close()
