"""What comes over a connection, before the parser sees it."""

import socket

import pytest

from pyresque.store.connection.address import Address
from pyresque.store.connection.link import Damaged
from pyresque.store.connection.replies import MOST, has_too_many
from pyresque.store.connection.socket_link import Connection

HUGE = [
    b"*1000000000\r\n",
    b"%2147483647\r\n",
    b"~99999999\r\n",
    b">10000001\r\n",
    b"*2\r\n$3\r\nabc\r\n*1000000000\r\n",
    b"*3\r\n$-1\r\n*0\r\n*2\r\n:1\r\n*4000000000\r\n",
    b"+OK\r\n*1000000000\r\n:1\r\n",
    b"*1000000000000000000000000000000000000000\r\n",
]
FINE = [
    b"",
    b"*",
    b"*1000000000",
    b"*10000000\r\n:1\r\n",
    b"$17\r\n*1000000000\r\n..\r\n",
    b"*1\r\n$15\r\n*1000000000\r\n\r\n:1\r\n",
    b"*-1\r\n$-1\r\n+*1000000000\r\n",
    b"-*1000000000\r\n",
    b"$x\r\n*1000000000\r\n",
    b"*x\r\n*1000000000\r\n",
    b"\0\xff*1000000000\r\n",
    b"$1000\r\n*1000000000\r\n",
    b"$1000000000000000000000000000000\r\n*1000000000\r\n",
]


@pytest.mark.parametrize("data", HUGE)
def test_a_reply_that_claims_to_be_endless_is_seen(data):
    """The parser would make room for all its elements, and takes half a minute to give that back."""
    assert has_too_many(data)


@pytest.mark.parametrize("data", FINE)
def test_what_only_looks_so_is_left_to_the_parser(data):
    """Above all what stands in data: a job may hold any text."""
    assert not has_too_many(data)
    assert MOST >= 10_000_000


@pytest.mark.parametrize("data", HUGE)
def test_it_is_no_reply(data):
    """And the parser never gets it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = Connection(Address("127.0.0.1", listener.getsockname()[1]), timeout=30)
        server, _ = listener.accept()
        server.sendall(data)
        server.close()
        with pytest.raises(Damaged, match="10,000,000 elements"):
            connection.read()
        connection.close()
