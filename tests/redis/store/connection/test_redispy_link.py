"""A link over redis-py: for a user's own client, with our answers and errors."""

import pytest
import redis

from pyresque import Resque
from pyresque.errors import RedisRefused, RedisReplied, RedisUnavailable
from pyresque.store.connection.redispy_link import RedisPyLink


@pytest.fixture
def client(server):
    server.empty()
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        yield client


@pytest.fixture
def link(client):
    link = RedisPyLink(client)
    yield link
    link.close()


def test_bytes_come_whatever_the_client_wants_and_errors_are_answers(client, link):
    link.execute("SET", "a", b"\xff")
    assert link.execute("GET", "a") == b"\xff"
    one, other = link.execute_many([("GET", "a"), ("LPUSH", "a", 1)])
    assert one == b"\xff"
    assert isinstance(other, RedisReplied)
    with pytest.raises(RedisReplied):
        link.execute("LPUSH", "a", 1)


def test_it_has_connections_of_its_own(client, link):
    link.execute("PING")
    assert client.client_id() != link.execute("CLIENT", "ID")
    other = link.fresh()
    try:
        assert other.execute("CLIENT", "ID") != link.execute("CLIENT", "ID")
    finally:
        other.close()


def test_the_same_work_is_done_over_it(client, registry):
    resque = Resque(client, registry=registry)
    resque.push("q", {"class": "A", "args": [1]})
    assert resque.pop("q") == {"class": "A", "args": [1]}
    resque.close()


def test_a_server_that_is_not_there_is_unavailable_and_nothing_was_done():
    link = RedisPyLink(redis.Redis(port=1))
    with pytest.raises(RedisUnavailable) as raised:
        link.execute("PING")
    assert not raised.value.maybe_done


def test_a_wrong_password_is_refused(client):
    options = client.connection_pool.connection_kwargs
    link = RedisPyLink(redis.Redis(options["host"], options["port"], password="wrong"))
    with pytest.raises(RedisRefused):
        link.execute("PING")
    link.close()
