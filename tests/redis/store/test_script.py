"""How a script is sent, and what keeps it from doing anything twice."""

import uuid

import pytest

from pyresque.errors import RedisReplied
from pyresque.store import delayed, locks, queues, stats
from pyresque.store.delayed import Move
from pyresque.store.script import REMEMBER_SECONDS

TOKEN = uuid.UUID(int=7)
KEY = f"resque:pyresque:once:{TOKEN.hex}"


@pytest.fixture
def same_token(monkeypatch, resque):
    """Every call has the same token, and none is forgotten: as if each were a repetition of the first."""
    monkeypatch.setattr(uuid, "uuid4", lambda: TOKEN)
    monkeypatch.setattr(resque.space.link, "forget", lambda key: None)
    return resque.space


def test_a_repetition_does_nothing_and_answers_the_same(same_token):
    """A number is kept as it is."""
    assert queues.push(same_token, {"q": [b"1", b"2"]}) == 2
    assert queues.push(same_token, {"q": [b"1", b"2"]}) == 2
    assert queues.elements(same_token, "q") == [b"1", b"2"]
    assert 0 < same_token.link.execute("TTL", KEY) <= REMEMBER_SECONDS


def test_a_large_number_is_kept_to_its_last_digit(same_token):
    """A counter may be larger than what JSON in Lua can say."""
    same_token.link.execute("SET", "resque:stat:x", 123_456_789_012_345)
    assert [stats.increase(same_token, "x") for _ in range(2)] == [123_456_789_012_346] * 2


def test_lists_are_kept_too(same_token):
    """Of numbers, and of texts inside."""
    offer = locks.Offer("q", b"x", [])
    assert [locks.offer(same_token, [offer, offer]) for _ in range(2)] == [[True, True]] * 2
    assert queues.size(same_token, "q") == 2


def test_the_answer_to_a_job_taken_is_the_same_again(same_token):
    """With an empty list inside."""
    same_token.link.execute("RPUSH", "resque:delayed:10", b"x")
    taking = Move((b"delayed:10", b"x"), copies=1, queue="q", payload=b"p")
    first, again = (delayed.take(same_token, [taking]) for _ in range(2))
    assert first == again
    assert first.counts == [1]
    assert queues.elements(same_token, "q") == [b"p"]


def test_an_error_keeps_nothing(same_token):
    """What was refused may be right the next time."""
    same_token.link.execute("SET", "resque:queue:q", "no list")
    with pytest.raises(RedisReplied, match="not a list of jobs"):
        queues.push(same_token, {"q": [b"1"]})
    same_token.link.execute("DEL", "resque:queue:q")
    assert queues.push(same_token, {"q": [b"1"]}) == 1


def test_the_token_goes_with_the_answer(resque):
    """And a server that lacks the script gets its text."""
    resque.link.execute("SCRIPT", "FLUSH")
    assert [queues.push(resque.space, {"q": [b"1"]}) for _ in range(2)] == [1, 1]
    assert queues.elements(resque.space, "q") == [b"1", b"1"]
    assert resque.link.execute("KEYS", "resque:pyresque:once:*") == []
