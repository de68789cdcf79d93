"""A Redis of one's own: nobody else's is used for it, and nobody else can use it."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from pyresque.errors import ConfigError
from pyresque.testing import redis_server
from pyresque.testing.redis_server import DevRedis, locate, running
from tests.unit.cli.program import Program


@pytest.fixture
def own() -> Iterator[DevRedis]:
    with running() as own:
        yield own


@pytest.fixture
def other() -> Iterator[redis.Redis]:
    """Somebody else's server, with something precious in it, that asks for no password."""
    with running() as server:
        client = redis.Redis.from_url(server.url)
        client.config_set("requirepass", "")
        client.set("precious", "1")
        yield client
        assert client.get("precious") == b"1"
        client.close()


def port_of(client: redis.Redis) -> int:
    return int(client.config_get("port")["port"])


def test_a_port_that_was_taken_in_the_meantime(other: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the choice of a port and its use somebody takes it: another one is chosen."""
    ports = iter([port_of(other), redis_server._free_port()])
    monkeypatch.setattr(redis_server, "_free_port", lambda: next(ports))
    with running() as server:
        assert server.port != port_of(other)
        client = redis.Redis.from_url(server.url)
        assert client.info("server")["process_id"] == server.process.pid
        server.empty()
        client.close()


def test_no_port_is_free(other: redis.Redis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Then it says so; the server that is there is not taken for ours, and no folder is left behind."""
    monkeypatch.setattr(redis_server, "_free_port", lambda: port_of(other))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(ConfigError, match="does not start"):
        DevRedis()
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_was_taken_while_ours_was_down(own: DevRedis) -> None:
    """A server that is started again on its port, where somebody else is now, does not start."""
    own.kill()
    with pytest.raises(ConfigError, match="does not answer"):
        own.empty()
    with socket.create_server(("127.0.0.1", own.port)), pytest.raises(ConfigError, match="does not start"):
        own.start()
    own.start()
    own.empty()


def test_whoever_has_no_password_may_do_nothing(own: DevRedis) -> None:
    """Neither on its port nor on its socket, which lies where only we may go."""
    with (
        socket.create_connection(("127.0.0.1", own.port)) as by_port,
        socket.socket(socket.AF_UNIX) as by_path,
    ):
        by_path.connect(str(own.socket_path))
        for stranger in (by_port, by_path):
            for command in ("GET x", "CONFIG SET dir /", "FLUSHALL", "HELLO 3"):
                stranger.sendall(f"{command}\r\n".encode())
                assert stranger.recv(1000).startswith(b"-NOAUTH")
    assert own.folder.stat().st_mode & 0o077 == 0


def test_the_password_is_in_no_command_line(own: DevRedis) -> None:
    """Everybody can read those."""
    shown = Path(f"/proc/{own.process.pid}/cmdline").read_text()
    assert own.program.name in shown
    assert own.password not in shown


def test_a_password_with_any_signs() -> None:
    """What a URL must escape is escaped."""
    with running(password='a "b\\c@/:%20é') as server:
        client = redis.Redis.from_url(server.url)
        assert client.ping()
        client.close()


def test_options_with_any_signs() -> None:
    """They reach the server as they are."""
    with running("--proc-title-template", '{title} "a\\b"', "--appendonly", "yes") as server:
        client = redis.Redis.from_url(server.url)
        assert client.config_get("proc-title-template")["proc-title-template"] == '{title} "a\\b"'
        assert client.config_get("appendonly")["appendonly"] == "yes"
        client.close()


def test_it_keeps_what_it_wrote_to_disk() -> None:
    """Killed and started again it has what its append-only file has, under the same URL."""
    with running("--appendonly", "yes", "--appendfsync", "always") as server:
        client = redis.Redis.from_url(server.url)
        client.set("kept", "1")
        server.kill()
        server.start()
        assert client.get("kept") == b"1"
        client.close()


def test_a_folder_with_a_long_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of a unix socket may have about a hundred bytes."""
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with running() as server:
        server.empty()
    assert list(deep.iterdir()) == []
    assert not server.folder.exists()


def test_a_program_that_cannot_be_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is named, with the reason."""
    monkeypatch.setenv("PYRESQUE_REDIS_SERVER", str(tmp_path / "nothing"))
    with pytest.raises(ConfigError, match=r"nothing does not start: No such file"):
        DevRedis()


def test_the_server_of_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra `demo` brings one for each Python from 3.11 on, on macOS and on Linux."""
    monkeypatch.setenv("PATH", os.devnull)
    program = locate({})
    assert program is not None
    assert program.name == "valkey-server"
    assert program.is_relative_to(sys.prefix)
    monkeypatch.setenv("PYRESQUE_REDIS_SERVER", str(program))
    with running() as server:
        client = redis.Redis.from_url(server.url)
        assert client.info("server")["server_name"] == "valkey"
        client.close()


def test_the_demo_on_the_server_of_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing but the extra `demo` the demo plays, and shows no password."""
    monkeypatch.setenv("PATH", os.devnull)
    done = Program(tmp_path).run("demo")
    assert (done.returncode, done.stderr) == (0, "")
    assert "valkey-server on 127.0.0.1:" in done.stdout
    assert not re.search(r"[0-9a-f]{32}|:[^ ]*@", done.stdout)


def test_where_and_without_a_password(tmp_path: Path) -> None:
    """As `pyresque dev` needs it: on a port that is given, for whoever is on this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = DevRedis(password="", port=port, apart=True)
    try:
        assert server.url == f"redis://127.0.0.1:{port}/0"
        assert os.getpgid(server.process.pid) == server.process.pid
        client = redis.Redis.from_url(server.url)
        client.set("a", 1)
        server.empty()
        assert client.get("a") is None
        client.close()
        with pytest.raises(ConfigError, match=r"does not start: .*[Aa]ddress already in use"):
            DevRedis(password="", port=port)
    finally:
        server.stop()
