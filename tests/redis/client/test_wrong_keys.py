"""Keys that hold something else than they should: each is found, and told with what to type."""

import pytest

from pyresque.client.wrong_keys import WrongKey, wrong_keys


def test_where_every_key_is_right_none_is_named(resque):
    resque.push("mail", {"class": "A", "args": []})
    resque.enqueue_in(60, "A", queue="mail")
    assert wrong_keys(resque.space) == []


@pytest.mark.parametrize(
    ("name", "belongs"),
    [
        ("queues", "set"), ("workers", "set"), ("failed", "list"), ("delayed_queue_schedule", "zset"),
        ("persistent_schedules", "hash"), ("stat:processed", "string"), ("queue:mail", "list"),
    ],
)  # fmt: skip
def test_one_that_is_wrong_is_named(resque, name, belongs):
    resque.push("mail", {"class": "A", "args": []})
    resque.link.execute("UNLINK", f"resque:{name}")
    write = ("RPUSH", f"resque:{name}", 1) if belongs != "list" else ("SET", f"resque:{name}", 1)
    resque.link.execute(*write)
    kind = "string" if belongs == "list" else "list"
    assert wrong_keys(resque.space) == [WrongKey(f"resque:{name}", kind, belongs)]


def test_it_is_said_as_people_say_it_and_can_be_typed():
    key = WrongKey("resque:it's", "zset", "list")
    assert str(key) == "the key resque:it's is a sorted set, where a list belongs"
    assert "redis-cli RENAME 'resque:it'\"'\"'s' " in key.advice
    assert "redis-cli RENAME KEY KEY.wrong" in WrongKey("a\nb", "set", "list").advice
