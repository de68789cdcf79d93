"""The pages of workers, by Flask's test client."""

from __future__ import annotations

import os
import signal
import socket
import time

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Map

from pyresque import Resque
from pyresque.client.worker_signs import version_in
from pyresque.store.workers import mark_of
from pyresque.system.processes import process_birth, process_space
from pyresque.web import create_app, workers
from pyresque.web.names import handle
from pyresque.web.url_names import NameConverter
from pyresque.wire import times
from tests.redis.cli.test_worker_actions import heard
from tests.redis.cli.test_workers import dead_pid
from tests.web.forms import buttons, confirm, press, told

HOST, WORD = socket.gethostname(), "0123456789abcdef"
JOB = b'{"queue":"mail","run_at":"%b","payload":{"class":"Pay","args":[1,"x"]}}'


@pytest.fixture
def client(resque: Resque) -> FlaskClient:
    """A browser before the dashboard."""
    return create_app(resque).test_client()


def register(
    resque: Resque,
    worker_id: bytes | str,
    *,
    mark: str = "",
    job: bytes = b"",
    beat: object = 0,
    **more: object,
) -> str:
    """A worker in the books, whose last beat is so many seconds old; returns its id."""
    name = worker_id.encode() if isinstance(worker_id, str) else worker_id
    redis = resque.link.execute
    redis("SADD", "resque:workers", name)
    if isinstance(beat, int):
        beat = times.heartbeat(time.time() - beat)
    if beat is not None:
        redis("HSET", "resque:workers:heartbeat", name, beat)
    redis("SET", b"resque:worker:%b:started" % name, more.get("started", times.started(time.time() - 7200)))
    if mark:
        redis("HSET", "resque:pyresque:workers", name, mark)
    if job:
        redis("SET", b"resque:worker:" + name, job)
    for kind in ("processed", "failed"):
        if kind in more:
            redis("SET", b"resque:stat:%b:%b" % (kind.encode(), name), more[kind])
    return name.decode("utf-8", "surrogateescape")


def job(seconds: int = 90) -> bytes:
    """What a worker holds that has been at its job for so long."""
    return JOB % times.run_at(time.time() - seconds).encode()


def in_url(name: str) -> str:
    """A name as the links of the dashboard have it."""
    return NameConverter(Map()).to_url(name)


def own_mark(pid: int) -> str:
    """The mark that a worker of ours with this process has."""
    return mark_of(process_space(), WORD + process_birth(pid))


def shown(client: FlaskClient, path: str, status: int = 200) -> str:
    """A page as people read it."""
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.text)
    return answer.text


# --- what is seen -----------------------------------------------------------------------------------------


def test_no_worker_is_registered(client: FlaskClient) -> None:
    """The empty page says how to start one."""
    for path in ("/workers", "/workers?by=host", "/workers/all"):
        assert "pyresque work -q" in shown(client, path)


def test_the_list_shows_what_each_does(client: FlaskClient, resque: Resque) -> None:
    """Language, queues, job, for how long, heartbeat, counters; whether it lives never by colour alone."""
    register(resque, "web1:11:mail,low", mark="other#x", job=job(630), processed=1234, failed=7)
    register(resque, "web2:12:*", beat=30)
    register(resque, "web3:13:low", beat=9999)
    register(resque, "web4:14:low", beat=200)
    page = shown(client, "/workers")
    first, second, third, fourth = page.split("<tbody>")[1].split("</tr>")[:4]
    for text in (
        "working",
        "web1:11",
        "Python",
        '/queues/low">low</a>',
        "Pay",
        '/queues/mail">mail</a>',
        "10 min",
        "1\u202f234",
        ">7<",
    ):
        assert text in first, text
    assert "idle" in second
    assert "Ruby" in second
    assert "waits for a job" in second
    assert "dead" in third
    assert "silent" in fourth
    assert "1 of 4 working" in page
    assert "1 dead" in page


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("host=web1", ["web1:11"]),
        ("queue=low", ["web1:11", "web3:13"]),
        ("queue=mail", ["web1:11", "web2:12"]),
        ("language=python", ["web1:11"]),
        ("language=ruby&state=dead", ["web3:13"]),
        ("state=working", ["web1:11", "web2:12"]),
        ("state=idle", []),
        ("host=nobody", []),
    ],
)
def test_filters(client: FlaskClient, resque: Resque, query: str, there: list[str]) -> None:
    """By host, by queue (a worker's own, or that of its job), by language, by state."""
    register(resque, "web1:11:mail,low", mark="other#x", job=job())
    register(resque, "web2:12:*", job=job())
    register(resque, "web3:13:low", beat=9999)
    page = shown(client, f"/workers?{query}")
    assert [one for one in ("web1:11", "web2:12", "web3:13") if f">{one}<" in page] == there
    assert ("No worker is like that" in page) is not there if not there else True


def test_a_worker_whose_queues_are_all_paused(client: FlaskClient, resque: Resque) -> None:
    """It shows as paused; one that has another queue left does not."""
    register(resque, "web1:11:mail,low")
    register(resque, "web2:12:low")
    resque.pause("low")
    assert "web2:12" in shown(client, "/workers?state=paused")
    assert "web1:11" in shown(client, "/workers?state=idle")
    resque.pause_all()
    assert "web1:11" in shown(client, "/workers?state=paused")


def test_pages_of_many_workers(client: FlaskClient, resque: Resque) -> None:
    """A page has its workers only, and leads to the next one."""
    for number in range(60):
        register(resque, f"web:{100 + number}:q")
    first, second = shown(client, "/workers?queue=q"), shown(client, "/workers?queue=q&page=2")
    assert "web:149<" in first
    assert "web:150<" not in first
    assert "queue=q&amp;page=2" in first
    assert "web:150<" in second
    assert "51–60 of 60" in second


def test_hosts_as_in_resque_web(client: FlaskClient, resque: Resque) -> None:
    """Each host with its numbers; /workers/HOST are its workers, /workers/all are all."""
    register(resque, "web1:11:q", job=job())
    register(resque, "web1:12:q", beat=9999)
    register(resque, "web2:13:q")
    hosts = shown(client, "/workers?by=host")
    assert 'href="/workers/web1"' in hosts
    assert "1 dead" in hosts
    alone = shown(client, "/workers/web1")
    assert "web1:11" in alone
    assert "web2:13" not in alone
    assert "web2:13" in shown(client, "/workers/all")
    assert "There is no such worker" in shown(client, "/workers/web9", 404)


def test_one_worker(client: FlaskClient, resque: Resque) -> None:
    """All that is known of it, with the payload of its job and what it has written."""
    name = register(resque, "web1:11:mail,a/b", job=job(), processed=5)
    page = shown(client, f"/workers/{name}")
    for text in (
        "web1:11:mail,a/b",
        "Works on",
        "&#34;class&#34;: &#34;Pay&#34;",
        "Record as it is in Redis",
        "2 h ago",
    ):
        assert text in page, text
    assert "ssh web1 kill -QUIT 11" in page
    assert buttons(page, "worker.stop") == []


ODD_IDS = [
    b"nocolon", b"", b":::", b"web:notapid:q", b"web:99999999999999999999:q", b"fe80::1:123:q", b"web:1:",
    b"\xff\xfe:1:q", b"web:1:" + b"q," * 5000, b"web:1:<script>alert(1)</script>", b"a/../b:1:q",
    b"web:1:q\n\x1b[31m", b"web:2: ,,", b"~61:1:q",
]  # fmt: skip


@pytest.mark.parametrize("worker_id", ODD_IDS, ids=lambda one: ascii(one[:20]))
def test_a_worker_id_of_any_form(client: FlaskClient, resque: Resque, worker_id: bytes) -> None:
    """The list, the hosts and its own page show it; script in it does not run; it can be removed."""
    name = register(resque, worker_id, job=job(), beat=9999)
    for path in ("/workers", "/workers?by=host", "/workers?state=dead", f"/workers/{in_url(name)}"):
        page = shown(client, path)
        assert "<script>alert" not in page
    assert shown(client, "/workers").count('data-head="Worker"') == 1
    done = confirm(
        client, client.post("/actions/worker.remove", data=_with_token(client, handle(name))), "worker.remove"
    )
    assert told(client, done).startswith("1 removed.")
    assert resque.workers() == []


def _with_token(client: FlaskClient, worker_id: str) -> dict[str, str]:
    """The fields of a form about a worker."""
    [fields] = buttons(shown(client, "/workers"), "worker.prune")
    return {**fields, "id": worker_id}


@pytest.mark.parametrize(
    "record",
    [b"no JSON", b"[]", b"5", b"null", b"{}", b'{"queue":5}', b"\xff\xfe", b'{"payload":"text"}',
     b'{"queue":"q","run_at":77,"payload":{"class":7,"args":{"a":1}}}',
     b'{"queue":"q","run_at":"9999-99-99","payload":{"class":"A","args":null}}',
     b'{"queue":"q","run_at":"2999-01-01T00:00:00Z","payload":{"class":"A","args":["<script>alert(1)</script>"]}}'],
)  # fmt: skip
def test_a_record_of_any_form(client: FlaskClient, resque: Resque, record: bytes) -> None:
    """What a worker has written is shown, whatever it is."""
    name = register(resque, "web1:11:q", job=record)
    for path in ("/workers", "/workers?state=working", f"/workers/{name}", "/"):
        assert "<script>alert" not in shown(client, path)


@pytest.mark.parametrize(
    "beat", ["1764530000", "2999-01-01T00:00:00Z", "gestern", "", "0", "2026-11-30 10:00:00 +0100", b"\xff"]
)
def test_heartbeats_and_starts_of_any_form(client: FlaskClient, resque: Resque, beat: str | bytes) -> None:
    """What is no time is shown as it is."""
    name = register(resque, "web1:11:q", beat=beat, started=beat)
    for path in ("/workers", f"/workers/{name}"):
        assert "web1:11" in shown(client, path)
    shown(client, "/")
    if beat == "gestern":
        assert shown(client, f"/workers/{name}").count("gestern") >= 3


def test_a_worker_of_this_host_has_a_version(client: FlaskClient, resque: Resque) -> None:
    """The title of its process tells it."""
    assert version_in("pyresque-0.2.0: Waiting for q") == "pyresque 0.2.0"
    assert version_in("resque-3.2.0: Waiting for q") == "resque 3.2.0"
    assert version_in("bash") == ""


# --- what is done -----------------------------------------------------------------------------------------


def test_a_dead_worker_is_removed_and_its_job_is_a_failure(client: FlaskClient, resque: Resque) -> None:
    """The question tells what happens to the job; then it happens."""
    name = register(resque, "web1:11:q", beat=9999, job=job())
    asked = press(client, f"/workers/{name}", "worker.remove")
    assert "becomes a failure" in asked.text
    assert "Pay" in asked.text
    assert resque.failures.count() == 0
    assert told(client, confirm(client, asked, "worker.remove")) == "1 removed."
    assert [one.class_name for one in resque.failures.list()] == ["Pay"]
    assert resque.workers() == []


def test_a_living_worker_is_not_removed(client: FlaskClient, resque: Resque) -> None:
    """There is no button, and who sends the form all the same is told why."""
    name = register(resque, "web1:11:q", beat=5)
    register(resque, "web2:12:q", beat=9999)
    assert buttons(shown(client, f"/workers/{name}"), "worker.remove") == []
    fields = _with_token(client, name)
    assert "lives: its last heartbeat" in client.post("/actions/worker.remove", data=fields).text
    answer = client.post("/actions/worker.remove", data={**fields, "confirmed": "1"})
    assert "1 left alone" in told(client, answer)
    assert name in [one.id for one in resque.workers()]


def test_all_dead_workers_are_removed_in_rounds(
    client: FlaskClient, resque: Resque, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question says how many, and of which classes; each request does only so many."""
    monkeypatch.setattr(workers, "MOST_PRUNED", 2)
    for number in range(5):
        register(resque, f"web:{number}:q", beat=9999, job=job() if number < 3 else b"")
    register(resque, "alive:1:q")
    asked = press(client, "/workers", "worker.prune")
    assert "<strong>5</strong>" in asked.text
    assert "Pay" in asked.text
    answer, rounds = confirm(client, asked, "worker.prune"), 1
    while answer.status_code == 200:
        assert "more are left" in answer.text
        answer, rounds = confirm(client, answer, "worker.prune"), rounds + 1
    assert rounds == 3
    assert "5 in all" in told(client, answer)
    assert [one.id for one in resque.workers()] == ["alive:1:q"]
    assert resque.failures.count() == 3


@pytest.mark.parametrize(("label", "number"), [("quit", signal.SIGQUIT), ("term", signal.SIGTERM)])
def test_a_worker_of_this_host_is_told_to_leave(
    client: FlaskClient, resque: Resque, label: str, number: signal.Signals
) -> None:
    """Its process gets the signal, after a question that says what becomes of its job."""
    pid = os.getpid()
    name = register(resque, f"{HOST}:{pid}:q", mark=own_mark(pid), job=job())
    with heard(number) as found:
        asked = press(client, f"/workers/{name}", "worker.stop", signal=label)
        assert ("may be ended" if label == "term" else "finishes its job first") in asked.text
        assert found == []
        assert told(client, confirm(client, asked, "worker.stop")).startswith("1 told to leave")
        assert found == [number]


def test_no_signal_goes_to_a_process_of_which_nobody_knows(client: FlaskClient, resque: Resque) -> None:
    """A Ruby id with the pid of another program: no button, and the form sends nothing."""
    name = register(resque, f"{HOST}:{os.getpid()}:q", beat=5)
    gone = register(resque, f"{HOST}:{dead_pid()}:q", mark="", beat=5)
    register(resque, "web2:12:q", beat=9999)
    page = shown(client, f"/workers/{name}")
    assert buttons(page, "worker.stop") == []
    assert "may not be the process" in page
    with heard(signal.SIGQUIT) as found:
        for one in (name, gone):
            fields = {**_with_token(client, one), "signal": "quit", "confirmed": "1"}
            assert "0 told to leave" in told(client, client.post("/actions/worker.stop", data=fields))
        assert found == []
