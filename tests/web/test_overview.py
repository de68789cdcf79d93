"""The first page, by Flask's test client."""

from __future__ import annotations

import re
import time
from html import unescape

import pytest
from flask.testing import FlaskClient

from pyresque import Resque
from pyresque.web import create_app
from pyresque.wire import times
from tests.web.forms import confirm, press, told
from tests.web.test_workers import job, register


@pytest.fixture
def client(resque: Resque) -> FlaskClient:
    """A browser before the dashboard."""
    return create_app(resque).test_client()


def overview(client: FlaskClient) -> str:
    """The page as people read it."""
    answer = client.get("/")
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def tile(page: str, name: str) -> str:
    """What a tile says, without its markup."""
    found = re.search(rf"<dt>{name}</dt>(.*?)</div>", page, re.S)
    assert found is not None, name
    return " ".join(re.sub("<[^>]*>", " ", found[1]).replace("\u202f", "").split())


def test_nothing_needs_anybody(client: FlaskClient) -> None:
    """An empty Redis: all is well, and each table says what would come there."""
    page = overview(client)
    for text in ("Nothing needs you.", "No queue yet.", "No worker is registered."):
        assert text in page
    assert tile(page, "Scheduler") == "none none is needed"
    assert tile(page, "Waiting") == "0 on 0 queues"


def test_the_numbers(client: FlaskClient, resque: Resque) -> None:
    """Those of health, with what resque-web has on its first page."""
    resque.link.execute("SET", "resque:stat:processed", 12345)
    for number in range(3):
        resque.enqueue("A", number, queue="mail")
    register(resque, "web1:11:mail", job=job(600))
    register(resque, "web2:12:mail")
    resque.link.execute("RPUSH", "resque:failed", *_failures(2, 60), *_failures(3, 9000))
    page = overview(client)
    assert tile(page, "Processed").startswith("12345")
    assert tile(page, "Failed") == "5 2 in the last hour"
    assert tile(page, "Waiting").startswith("3 the oldest for")
    assert tile(page, "Working") == "1 of 2 workers"
    assert tile(page, "Delayed") == "0 none overdue"
    assert re.search(r'href="/queues/mail">mail</a></td><td class="num">3</td>', page)
    assert re.search(r'href="/failed">failed</a>.*?<td class="num">5</td>', page)
    row = re.search(r"<h2 id=\"work\">.*?<tbody>(.*?)</tr>", page, re.S)
    assert row is not None
    for text in ("web1:11", "Pay", '/queues/mail">mail</a>', "10 min"):
        assert text in row[1]


def _failures(count: int, age: int) -> list[bytes]:
    at = time.strftime("%Y/%m/%d %H:%M:%S UTC", time.gmtime(time.time() - age)).encode()
    return [b'{"failed_at":"%b","payload":{"class":"A","args":[%d]}}' % (at, one) for one in range(count)]


def test_what_needs_somebody_leads_to_where_it_is_mended(client: FlaskClient, resque: Resque) -> None:
    """Each problem has the page of its kind."""
    register(resque, "web1:11:mail", beat=9999)
    register(resque, "web2:12:slow", job=job(7300))
    resque.enqueue("A", queue="nobody")
    resque.enqueue("B", queue="slow")
    resque.pause("slow")
    resque.enqueue_in(-1000, "C", queue="slow")
    resque.link.execute("ZADD", "resque:delayed_queue_schedule", 5, "5")
    resque.link.execute("RPUSH", "resque:delayed:5", b'{"class":"C","args":[],"queue":"slow"}')
    page = overview(client)
    problems = re.findall(r"<li>(.*?)</li>", page.split("need somebody")[1].split("</section>")[0], re.S)
    found = {re.search(r'class="chip bad">([^<]*)<', one)[1]: one for one in problems}  # type: ignore[index]
    assert list(found) == ["scheduler", "paused", "no worker", "dead workers", "long job"]
    for kind, href in (
        ("scheduler", "/schedule"),
        ("paused", "/queues?order=size"),
        ("no worker", "/queues?order=size"),
        ("dead workers", "/workers?state=dead"),
        ("long job", "/workers?state=working"),
    ):
        assert f'href="{href}"' in found[kind], kind
        assert client.get(href).status_code == 200
    assert "web2:12:slow" in found["long job"]


def test_buttons_that_mend(client: FlaskClient, resque: Resque) -> None:
    """Dead workers are removed, and a paused queue resumed, from here."""
    register(resque, "web1:11:mail", beat=9999)
    register(resque, "web2:12:mail")
    resque.enqueue("A", queue="mail")
    resque.pause("mail")
    done = confirm(client, press(client, "/", "worker.prune"), "worker.prune")
    assert "1 dead worker removed" in told(client, done)
    press(client, "/", "queue.resume")
    assert not resque.paused()
    resque.pause_all()
    press(client, "/", "queues.resume_all")
    assert not resque.paused()
    assert "Nothing needs you." in overview(client)


def test_who_only_looks_has_no_buttons(resque: Resque) -> None:
    """Nor has the page any form then."""
    register(resque, "web1:11:mail", beat=9999)
    page = overview(create_app(resque, read_only=True).test_client())
    assert "dead workers" in page
    assert 'method="post"' not in page


def test_it_is_bounded(client: FlaskClient, resque: Resque) -> None:
    """Of many queues the longest are shown, of many workers those that work for longest."""
    for number in range(40):
        resque.link.execute("SADD", "resque:queues", f"q{number}")
        resque.link.execute("RPUSH", f"resque:queue:q{number}", *[b'{"class":"A","args":[]}'] * (number + 1))
        register(resque, f"web:{100 + number}:*", job=job(60 * number))
    page = overview(client)
    assert ">q39<" in page
    assert ">q24<" not in page
    assert "325 jobs on 25 other queues" in page
    assert "The longest first, 10 of 40" in page
    assert "web:139<" in page
    assert "web:129<" not in page


def test_lists_of_failures_as_resque_web_has_them(client: FlaskClient, resque: Resque) -> None:
    """With a list for each queue there is a row for each."""
    resque.link.execute("SADD", "resque:failed_queues", "mail_failed", "low_failed")
    resque.link.execute("RPUSH", "resque:mail_failed", *_failures(4, 60))
    page = overview(client)
    assert re.search(r'href="/failed\?list=mail_failed">mail_failed</a>.*?<td class="num">4</td>', page)
    assert re.search(r'href="/failed\?list=low_failed">low_failed</a>.*?<td class="num">0</td>', page)


def test_a_wrong_key_is_named(client: FlaskClient, resque: Resque) -> None:
    """The page is shown without what the key would have told."""
    resque.link.execute("SET", "resque:workers", "x")
    resque.enqueue("A", queue="mail")
    page = overview(client)
    assert "The key resque:workers is a string, where a set belongs." in page
    assert ">mail<" in page


@pytest.mark.parametrize(
    "name", [b"", b"\xff", b"a/b", b"..", b"<script>alert(1)</script>", b"q" * 10_000, b"~61", b"a b\n"]
)
def test_queues_of_any_name(client: FlaskClient, resque: Resque, name: bytes) -> None:
    """They are shown, and their links lead to them."""
    resque.link.execute("SADD", "resque:queues", name)
    resque.link.execute("RPUSH", b"resque:queue:" + name, b"no JSON", b'{"class":5}')
    register(resque, b"web:1:" + name, job=b'{"queue":5,"run_at":"%b"}' % times.run_at(time.time()).encode())
    raw = client.get("/").text
    assert "<script>alert" not in raw
    [href] = re.findall(r'<tr><td><a href="(/queues/[^"]*)"', raw)
    assert client.get(unescape(href)).status_code == 200
