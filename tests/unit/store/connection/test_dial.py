"""Sockets that are connected within a time."""

import socket
import time
from contextlib import closing

import pytest

from pyresque.store.connection.dial import left, tcp_socket, unix_socket


@pytest.fixture
def listening():
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server


def soon():
    return time.monotonic() + 60


def test_what_is_left_of_a_time_is_shared():
    until = time.monotonic() + 100
    assert 0 < left(until, 4) <= 25
    with pytest.raises(TimeoutError):
        left(time.monotonic() - 1)


def test_a_socket_sends_at_once_and_notices_a_dead_server(listening):
    with closing(tcp_socket("127.0.0.1", listening.getsockname()[1], soon(), None)) as connection:
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert connection.fileno() > 2


def test_the_next_address_of_a_host_is_tried(listening, monkeypatch):
    port = listening.getsockname()[1]
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        dead = other.getsockname()[1]
    addresses = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", number)) for number in (dead, port)
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
    with closing(tcp_socket("somewhere", 1, soon(), None)) as connection:
        assert connection.getpeername()[1] == port
    addresses[1:] = []
    with pytest.raises(ConnectionRefusedError):
        tcp_socket("somewhere", 1, soon(), None)
    addresses.clear()
    with pytest.raises(ConnectionError, match="somewhere has no address"):
        tcp_socket("somewhere", 1, soon(), None)


def test_a_file(tmp_path):
    path = str(tmp_path / "redis.sock")
    with pytest.raises(FileNotFoundError):
        unix_socket(path, soon())
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(path)
        server.listen()
        with closing(unix_socket(path, soon())) as connection:
            assert connection.getpeername() == path


def test_a_time_that_is_over_is_told_before_anything_is_tried(listening):
    with pytest.raises(TimeoutError):
        tcp_socket("127.0.0.1", listening.getsockname()[1], time.monotonic() - 1, None)
