"""One look at everything: what Redis holds, and what it cannot tell becomes a problem."""

import pytest

from pyresque import job
from pyresque.client.look_at_health import health


@pytest.fixture
def look(resque):
    return lambda **more: health(resque, more.pop("registry", None), **more)


def test_an_empty_redis_is_well(look):
    seen = look(options=None, file=None, max_age=None, max_run=None, grace=300.0)
    assert (seen.ok, seen.queues, seen.failed.total, seen.delayed.total) == (True, [], 0, 0)
    assert seen.redis.version


def test_all_that_is_there_is_counted(resque):
    resque.push("mail", {"class": "Gone", "args": []})
    resque.enqueue_in(600, "Gone", queue="mail")
    resque.pause("mail")
    for number in range(3):
        resque.link.execute("RPUSH", "resque:failed", f'{{"payload":{{"class":"A","args":[{number}]}}}}')
    job(queue="q", name="Known", registry=resque.registry)(lambda: None)
    seen = resque.health()
    assert [(queue.name, queue.size, queue.paused) for queue in seen.queues] == [("mail", 1, True)]
    assert (seen.failed.total, seen.failed.looked_at, seen.delayed.total) == (3, 3, 1)
    assert seen.unknown == {"mail": {"Gone": 1}}
    assert {problem.kind for problem in seen.problems} >= {"scheduler", "paused", "unknown class"}


@pytest.mark.parametrize(
    "key", ["failed", "workers", "delayed_queue_schedule", "schedules", "queues", "persistent_schedules"]
)
def test_a_key_that_holds_something_else_is_a_problem_and_hides_nothing_else(resque, key):
    resque.enqueue_in(600, "A", queue="mail")
    resque.link.execute("UNLINK", f"resque:{key}")
    resque.link.execute("SET" if key != "failed" else "SADD", f"resque:{key}", "text")
    seen = resque.health()
    assert seen.redis.version
    if key != "schedules":
        assert not seen.ok
