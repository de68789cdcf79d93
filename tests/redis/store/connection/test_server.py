"""The server that `pyresque` meets: absent, closed, old, a cluster, one that forgets."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pyresque import Resque
from pyresque.errors import RedisTooOld
from pyresque.store.connection.server import check
from tests.faultproxy import FaultProxy, Mode
from tests.unit.cli.program import Program, fill, one_line


def test_nobody_listens(program: Program) -> None:
    """A Redis that is not there ends every command with exit code 4 and one line that says where."""
    work = ["work", "-q", "*", "-r", "jobs", "--start-timeout", "0"]
    for words in (work, ["info"], ["enqueue", "-q", "x", "SomeJob"], ["demo"]):
        done = program.run(*words, "--redis", "redis://:secret@localhost:1/0")
        assert done.returncode == 4
        assert one_line(done.stderr)
        assert "localhost:1 cannot be reached" in done.stderr
        assert "secret" not in done.stderr


def test_a_server_of_another_kind(program: Program) -> None:
    """A web server's answer is no reason to ask whether Redis is running."""
    with socket.create_server(("127.0.0.1", 0)) as web:
        answer = b"HTTP/1.1 400 Bad Request\r\n\r\n"

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    with web.accept()[0] as client:
                        client.sendall(answer)
                        client.recv(1000)

        threading.Thread(target=serve, daemon=True).start()
        done = program.run("info", REDIS_URL=f"redis://127.0.0.1:{web.getsockname()[1]}")
        web.shutdown(socket.SHUT_RDWR)
    assert done.returncode == 4
    assert "does not speak Redis's protocol" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("mode", ["drop", "close"])
def test_a_start_outlives_broken_connections(
    program: Program, proxy: FaultProxy, resque: Resque, mode: Mode
) -> None:
    """A worker asks again before it says that Redis is not there."""
    fill(resque)
    fault = proxy.arm(mode, match=lambda words: words[0] == b"PING", times=2)
    done = program.run("work", "-q", "*", "-r", "jobs", "--burst", "--redis", proxy.url)
    assert (done.returncode, len(fault.hits)) == (0, 2)
    assert resque.stat("processed") == 3


def test_a_wrong_password(program: Program, resque: Resque) -> None:
    """A Redis that does not let us in ends with exit code 4."""
    resque.link.execute("ACL", "SETUSER", "ann", "on", ">right", "~*", "+@all")
    place = program.url.rpartition("@")[2] if program.url else ""
    done = program.run("info", "--redis", f"redis://ann:wrong@{place}")
    assert done.returncode == 4
    assert one_line(done.stderr)
    assert program.run("info", "--redis", f"redis://ann:right@{place}").returncode == 0


def test_a_server_that_hides_its_facts(program: Program, resque: Resque) -> None:
    """Where INFO is forbidden, as on some hosted servers, the worker works all the same."""
    resque.link.execute("ACL", "SETUSER", "bob", "on", ">pw", "~*", "+@all", "-info", "-config")
    place = program.url.rpartition("@")[2] if program.url else ""
    fill(resque)
    done = program.run("work", "-q", "*", "-r", "jobs", "--burst", "--redis", f"redis://bob:pw@{place}")
    assert done.returncode == 0
    assert "NOPERM" not in done.stderr
    assert resque.stat("processed") == 3


def test_an_evicting_server(program: Program, resque: Resque) -> None:
    """A Redis that may throw keys away is warned of, and used."""
    resque.link.execute("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        done = program.run("work", "-q", "*", "-r", "jobs", "--burst")
    finally:
        resque.link.execute("CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert done.returncode == 0
    assert "set maxmemory-policy to noeviction" in done.stderr


class _Answers(socketserver.StreamRequestHandler):
    """Answers INFO with the server's facts and all else with +PONG."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            words = []
            for _ in range(int(line[1:])):
                size = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(size + 2)[:size])
            facts: bytes = self.server.facts  # type: ignore[attr-defined]
            self.wfile.write(b"$%d\r\n%b\r\n" % (len(facts), facts) if words[0] == b"INFO" else b"+PONG\r\n")


@contextmanager
def saying(facts: str) -> Iterator[str]:
    """A server that says these facts of itself; they need not be at hand."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Answers) as server:
        server.daemon_threads = True
        server.facts = facts.encode()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"
        server.shutdown()


@pytest.mark.parametrize("version", ["2.8.24", "3.2.12", "3.0.504"])
def test_too_old(program: Program, version: str) -> None:
    """A Redis before 4.0 ends with exit code 4 and one line with its version and the one that is needed."""
    with saying(f"# Server\r\nredis_version:{version}\r\n") as url:
        done = program.run("work", "-q", "*", "-r", "jobs", "--redis", url)
    assert done.returncode == 4
    assert one_line(done.stderr)
    assert f"is version {version}, but pyresque needs 4.0 or newer" in done.stderr


@pytest.mark.parametrize("mode", ["redis_mode", "server_mode"])
def test_a_cluster(program: Program, mode: str) -> None:
    """A Redis (or Valkey) in cluster mode is refused with exit code 4 and one clear line."""
    with saying(f"redis_version:7.2.4\r\n{mode}:cluster") as url:
        done = program.run("work", "-q", "*", "-r", "jobs", "--redis", url)
    assert done.returncode == 4
    assert one_line(done.stderr)
    assert "cluster mode" in done.stderr


@pytest.mark.parametrize(
    ("facts", "warnings"),
    [
        ("redis_version:4.0.0", 1),
        ("redis_version:6.0.16\r\nredis_mode:standalone", 1),
        ("redis_version:6.2.0", 0),
        ("redis_version:255.255.255", 0),
        ("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\nserver_mode:standalone", 0),
        ("redis_version:5.0.1\r\nmaxmemory_policy:volatile-ttl", 2),
        ("server_name:something else", 0),
    ],
)
def test_versions(facts: str, warnings: int) -> None:
    """From 4.0 on every server is taken, with a warning before 6.2; and one that does not tell."""
    with saying(facts) as url:
        assert len(check(Resque(url).link)) == warnings


def test_too_old_has_a_class_of_its_own() -> None:
    """Whoever calls `check` can tell an old server from one that is not there."""
    with saying("redis_version:3.2.0") as url, pytest.raises(RedisTooOld):
        check(Resque(url).link)
