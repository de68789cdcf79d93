"""The dashboard while Redis is away, not ready, or holds something else: a clear page each time."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask.testing import FlaskClient

from pyresque import Resque
from pyresque.client.wrong_keys import wrong_keys
from pyresque.store.connection.link import PatientLink
from pyresque.testing.redis_server import DevRedis, running
from pyresque.web import create_app
from pyresque.web.app import NAVIGATION
from tests.web.forms import buttons

PROBES = ("/healthz", "/readyz")


def browser(resque: Resque) -> FlaskClient:
    """A browser before its dashboard."""
    return create_app(resque).test_client()


def paths(client: FlaskClient) -> list[str]:
    """Every page at the top."""
    app = client.application
    with app.test_request_context():
        return [app.url_for(endpoint) for endpoint, _ in NAVIGATION]


@pytest.fixture(scope="module")
def own_server() -> Iterator[DevRedis]:
    """A server that may be killed."""
    with running(password="hush-hush") as server:
        yield server


def test_redis_is_killed_and_comes_back(own_server: DevRedis) -> None:
    """Every page says so, without the password, and goes on by itself afterwards; the probes tell it."""
    client = browser(Resque(own_server.url))
    asked = ["/failed?class_name=A", "/workers/web:1:q", *paths(client)]
    assert [client.get(path).status_code for path in PROBES] == [200, 200]
    assert {client.get(path).status_code for path in asked} == {200, 404}
    own_server.kill()
    for path in asked:
        answer = client.get(path)
        assert answer.status_code == 503, path
        assert "Redis cannot be used" in answer.text
        assert own_server.address in answer.text
        assert "hush" not in answer.text
        assert "data-retry" in answer.text
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert "cannot be reached" in ready.text
    assert "hush" not in ready.text
    assert client.get("/healthz").text == "ok\n"
    assert [client.head(path).status_code for path in PROBES] == [200, 503]
    own_server.start()
    assert {client.get(path).status_code for path in asked} == {200, 404}
    assert client.get("/readyz").text == "ok\n"


def test_of_several_all_must_be_ready(own_server: DevRedis, resque: Resque) -> None:
    """Who shows two is ready when both answer; probes have one address, and are asked under any host name."""
    other = Resque(own_server.url)
    client = create_app({"first": resque, "second": other}).test_client()
    assert client.get("/readyz", headers={"Host": "10.0.0.7:5678"}).status_code == 200
    own_server.kill()
    try:
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz", headers={"Host": "10.0.0.7:5678"}).status_code == 200
        assert client.get("/at/first/workers").status_code == 200
        assert client.get("/at/second/workers").status_code == 503
    finally:
        own_server.start()


def test_a_wrong_password(server: DevRedis) -> None:
    """What Redis says, and what to do; not the password."""
    answer = browser(Resque(f"redis://:not-it@{server.address}/0")).get("/workers")
    assert answer.status_code == 503
    assert "refuses the login" in answer.text
    assert "not-it" not in answer.text


class _Saying(socketserver.StreamRequestHandler):
    """Answers every command with one error."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            if line.startswith(b"*"):
                for _ in range(int(line[1:])):
                    length = int(self.rfile.readline()[1:])
                    self.rfile.read(length + 2)
                self.wfile.write(self.server.text)  # type: ignore[attr-defined]


@contextmanager
def saying(text: str) -> Iterator[str]:
    """A server that says only this; its URL."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Saying) as fake:
        fake.daemon_threads = True
        fake.text = f"-{text}\r\n".encode()  # type: ignore[attr-defined]
        threading.Thread(target=fake.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"redis://127.0.0.1:{fake.server_address[1]}/0"
        fake.shutdown()


@pytest.mark.parametrize(
    "text",
    ["LOADING Redis is loading the dataset in memory", "BUSY Redis is busy running a script",
     "NOAUTH Authentication required.", "ERR max number of clients reached",
     "MASTERDOWN Link with MASTER is down"],
)  # fmt: skip
def test_what_redis_says_is_shown(text: str) -> None:
    """On every page, and by the probe."""
    with saying(text) as url:
        client = browser(Resque(url))
        for path in ("/", "/workers", "/readyz"):
            answer = client.get(path)
            assert answer.status_code == 503
            assert text.rstrip(".") in answer.text


@pytest.mark.parametrize(
    ("setting", "said"),
    [(("REPLICAOF", "127.0.0.1", "1"), "READONLY"), (("CONFIG", "SET", "maxmemory", "1"), "OOM")],
)
def test_redis_takes_no_writes(own_server: DevRedis, setting: tuple[str, ...], said: str) -> None:
    """Pages are shown; an action says why it cannot be done, and does not try again by itself."""
    resque = Resque(own_server.url)
    assert isinstance(resque.space.link, PatientLink)
    resque.space.link.pauses = ()
    client = browser(resque)
    resque.enqueue("A", queue="q")
    job = resque.pop("q")
    assert job is not None
    redis = resque.link.execute
    redis("SADD", "resque:workers", "web:1:q")
    redis("HSET", "resque:workers:heartbeat", "web:1:q", "2020-01-01T00:00:00Z")
    redis("SET", "resque:worker:web:1:q", b'{"queue":"q","run_at":"","payload":{"class":"A","args":[]}}')
    try:
        redis(*setting)
        page = client.get("/workers")
        assert page.status_code == 200
        [fields] = buttons(page.text, "worker.prune")
        answer = client.post("/actions/worker.prune", data={**fields, "confirmed": "1"})
        assert answer.status_code == 503
        assert said in answer.text
        assert "data-retry" not in answer.text
    finally:
        redis("REPLICAOF", "NO", "ONE")
        redis("CONFIG", "SET", "maxmemory", "0")
        redis("FLUSHDB")


# --- keys that hold something else ------------------------------------------------------------------------

KEYS = (
    "queues", "workers", "workers:heartbeat", "failed", "failed_queues", "delayed_queue_schedule",
    "persistent_schedules", "delayed:last_enqueued_at", "pyresque:workers", "pyresque:heads",
    "pyresque:entries", "stat:processed", "stat:failed", "_statuses", "resque:resque_scheduler_master_lock",
)  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_a_wrong_type(resque: Resque, key: str) -> None:
    """No page fails with 500: each goes on without it, or names the key and says what to do."""
    resque.enqueue("A", queue="q")
    resque.link.execute("SADD", "resque:workers", "web:1:q")
    resque.link.execute("DEL", f"resque:{key}")
    resque.link.execute("RPUSH" if key.startswith(("stat", "resque:")) else "SET", f"resque:{key}", "x")
    if key not in ("pyresque:entries", "resque:resque_scheduler_master_lock"):
        [wrong] = wrong_keys(resque.space)
        assert wrong.key == f"resque:{key}"
    client = browser(resque)
    for path in paths(client):
        answer = client.get(path)
        assert answer.status_code in (200, 503), (path, answer.text)
        if answer.status_code == 503:
            assert f"The key resque:{key} is a" in answer.text
            assert f"RENAME resque:{key} resque:{key}.wrong" in answer.text
            assert "data-retry" not in answer.text


def test_queues_of_a_wrong_type_are_named(resque: Resque) -> None:
    """Also the lists whose names only the namespace tells."""
    resque.link.execute("SADD", "resque:queues", "q", b"\xff")
    resque.link.execute("SADD", "resque:failed_queues", "q_failed")
    for key in (b"resque:queue:q", b"resque:queue:\xff", b"resque:q_failed"):
        resque.link.execute("SET", key, "x")
    found = [str(key) for key in wrong_keys(resque.space)]
    assert found[0] == "the key resque:queue:q is a string, where a list belongs"
    assert len(found) == 3
