"""Attempts at failed jobs: what their counters hold, and where the next attempt may be."""

import pytest

from pyresque.store import queues, retries

ITEM = b'{"class":"A","args":[]}'


@pytest.fixture
def space(resque):
    return resque.space


def test_a_counter_is_text_or_it_is_none(space):
    keys = [space.keys.retry("A", name) for name in "xyz"]
    space.link.execute("SET", keys[0], "3")
    space.link.execute("RPUSH", keys[1], "3")
    assert [retries.count(space, key) for key in keys] == [b"3", retries.NOT_A_COUNT, None]
    assert retries.counts(space, keys) == [b"3", None, None]


def test_a_counter_is_forgotten_with_the_failure_that_was_kept_back(space):
    key = space.keys.retry("A", "x")
    space.link.execute_many([("SET", key, 1), ("SET", space.keys.suppressed_failure(key), "{}")])
    retries.forget(space, [key])
    assert space.link.execute("DBSIZE") == 0


def test_the_names_of_counters_are_found_whatever_the_namespace(space):
    for name in ("A:x", "B:y"):
        space.link.execute("SET", space.keys.retry("") + name, 1)
    space.link.execute("SET", "resqueXresque-retry:C:z", 1)
    assert sorted(retries.counter_names(space)) == ["A:x", "B:y"]


def test_the_lists_of_a_delayed_job_are_those_that_hold_it_by_time(space):
    for second in (20, 9):
        space.link.execute("RPUSH", space.keys.delayed(second), ITEM)
    for name in ("delayed:20", "delayed:9", "delayed:5"):  # from the last one it was taken already
        space.link.execute("SADD", space.keys.timestamps(ITEM), name)
    assert retries.lists_with(space, [ITEM, b"other"]) == [[b"delayed:9", b"delayed:20"], []]


def test_every_waiting_element_is_given_once_at_least(space, monkeypatch):
    monkeypatch.setattr(retries, "CHUNK", 4)
    monkeypatch.setattr(retries, "OVERLAP", 1)
    jobs = [b"%d" % n for n in range(10)]
    queues.push(space, {"a": jobs, "b": [b"x"]})
    space.link.execute("SADD", space.keys.queues, "odd")
    space.link.execute("SET", space.keys.queue("odd"), "text")
    assert set(retries.waiting(space)) == {*(("a", job) for job in jobs), ("b", b"x")}


def test_workers_that_work_on_something(space):
    space.link.execute("SADD", space.keys.workers, "h:1:q", "h:2:q")
    space.link.execute("SET", space.keys.worker("h:2:q"), "{}")
    assert list(retries.working(space)) == [("h:2:q", b"{}")]
