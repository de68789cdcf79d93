"""The pages of queues, and the search: rows of any writer, and what can be done with jobs and queues."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from pyresque import Resque
from tests.redis.web.rows import HOSTILE, active_job
from tests.redis.web.test_failed import rows_on, seen

ODD: list[bytes] = [
    b"oops", b"", b"null", b"[1]", b"7", b"\xff\xfe", b"{}", b'{"class":7}', b'{"class":"A\xff","args":[]}',
    b'{"class":"Hash","args":{"a":1}}', b'{"class":"None"}', b'{"class":"Scalar","args":"x"}',
    b'{"class":"Deep","args":' + b"[" * 300 + b"]" * 300 + b"}", b'{"class":"S","args":["\\ud800"]}',
]  # fmt: skip


def job(number: int, name: str = "A") -> bytes:
    return json.dumps({"class": name, "args": [number]}, separators=(",", ":")).encode()


def put(resque: Resque, *raws: bytes, queue: str | bytes = "q") -> None:
    name = queue if isinstance(queue, bytes) else queue.encode("utf-8", "surrogateescape")
    resque.link.execute("SADD", "resque:queues", name)
    if raws:
        resque.link.execute("RPUSH", b"resque:queue:" + name, *raws)


def numbers(resque: Resque, queue: str = "q") -> list[int]:
    return [one["args"][0] for one in resque.peek(queue, 0, 1000)]


def test_queues_of_any_name(resque: Resque, browser: FlaskClient) -> None:
    """A name may be anything; each has a page."""
    for name in (
        "mail",
        "a/b",
        "a b",
        "",
        ".",
        "..",
        "~x",
        "*",
        "a?b#c",
        HOSTILE,
        b"\xff\xfe",
        "x" * 300,
        "\u00fc",
    ):
        put(resque, job(1), queue=name)
    page = seen(browser, "/queues")
    links = [html.unescape(one) for one in re.findall(r'href="(/queues/[^"]*)"', page)]
    assert len(links) == 13
    for link in links:
        assert len(rows_on(seen(browser, link))) == 1
    assert browser.get("/queues/nobody").status_code == 404


def test_what_is_told_of_a_queue(resque: Resque, browser: FlaskClient) -> None:
    put(resque, job(1, "Mail"), job(2, "Report"), queue="busy")
    put(resque, queue="idle")
    resque.link.execute("SADD", "resque:workers", "h:1:busy", "h:2:b*,other")
    resque.pause("idle")
    page = seen(browser, "/queues")
    row = next(one for one in page.split("<tr>") if ">busy<" in one)
    for text in (">2<", "Mail", "Report", ">Pause<"):
        assert text in row
    assert "no worker" not in row
    assert ">Resume<" in next(one for one in page.split("<tr>") if ">idle<" in one)
    assert ">busy<" not in seen(browser, "/queues?name=IDL")
    assert "No queue has this" in seen(browser, "/queues?name=zzz")


def test_jobs_of_any_writer(resque: Resque, browser: FlaskClient) -> None:
    put(resque, *ODD, json.dumps(active_job("Ada")).encode(), job(1, HOSTILE), queue="q")
    page = seen(browser, "/queues/q?size=100")
    assert len(rows_on(page)) == len(ODD) + 2
    assert "WelcomeJob" in page
    seen(browser, "/search?text=a")


def test_a_key_that_holds_something_else(resque: Resque, browser: FlaskClient) -> None:
    resque.link.execute("SADD", "resque:queues", "bad")
    resque.link.execute("SET", "resque:queue:bad", "text")
    assert "bad" in seen(browser, "/queues")
    assert "cannot be read" in seen(browser, "/queues/bad")


def test_huge_jobs_are_cut(resque: Resque, browser: FlaskClient) -> None:
    put(resque, *(json.dumps({"class": "Big", "args": ["x" * 1_000_000, n]}).encode() for n in range(3)))
    assert len(seen(browser, "/queues/q")) < 150_000


def test_filters_and_pages(resque: Resque, browser: FlaskClient) -> None:
    put(resque, *(job(n, "AB"[n % 2]) for n in range(45)))
    assert "1–20 of 45" in seen(browser, "/queues/q?size=20")
    assert [row.split()[0] for row in rows_on(seen(browser, "/queues/q?size=20&page=3"))] == [
        str(n) for n in range(40, 45)
    ]
    assert len(rows_on(seen(browser, "/queues/q?class_name=B&size=100"))) == 22
    assert len(rows_on(seen(browser, "/queues/q?text=[7]"))) == 1
    assert browser.get("/queues/q?text=x&after=nonsense").status_code == 400


def test_act_on_what_was_selected(resque: Resque, browser: FlaskClient, act: Callable[..., str]) -> None:
    put(resque, *(job(n) for n in range(6)))
    rows = rows_on(seen(browser, "/queues/q"))
    act("queue.jobs_first", rows[4], queue="q", confirmed=False)
    assert numbers(resque) == [4, 0, 1, 2, 3, 5]
    rows = rows_on(seen(browser, "/queues/q"))
    asked = act("queue.remove_jobs", *rows[:2], queue="q", confirmed=False)
    assert "Remove <strong>2</strong>" in asked
    act("queue.remove_jobs", *rows[:2], queue="q")
    assert numbers(resque) == [1, 2, 3, 5]
    rows = rows_on(seen(browser, "/queues/q"))
    act("queue.move_jobs", rows[0], rows[2], queue="q", target="r")
    assert (numbers(resque), numbers(resque, "r")) == ([2, 5], [1, 3])
    assert "To which queue" in act("queue.move_jobs", rows[0], queue="q", target=" ")
    assert "No job is selected" in act("queue.remove_jobs", queue="q", only="1")
    for row in ("x", "-1 a", "99999999999999 a", ""):
        act("queue.remove_jobs", row, queue="q")
    assert numbers(resque) == [2, 5]


def test_act_on_all_that_match(
    resque: Resque, act: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyresque.web.rounds.ROUND", 20)
    put(resque, *(job(n, "ABC"[n % 3]) for n in range(150)))
    assert "<strong>50</strong>" in act(
        "queue.move_jobs", queue="q", class_name="A", target="r", confirmed=False
    )
    act("queue.move_jobs", queue="q", class_name="A", target="r")
    assert numbers(resque, "r") == list(range(0, 150, 3))
    act("queue.jobs_first", queue="q", class_name="C")
    assert numbers(resque)[:50] == list(range(2, 150, 3))
    act("queue.remove_jobs", queue="q", class_name="C")
    assert numbers(resque) == list(range(1, 150, 3))


def test_act_on_queues(resque: Resque, act: Callable[..., str]) -> None:
    put(resque, job(1), queue="q")
    act("queue.pause", queue="q")
    assert resque.paused().queues == ["q"]
    act("queue.resume", queue="q")
    act("queues.pause_all")
    assert resque.paused().all
    act("queues.resume_all")
    assert not resque.paused()
    assert "<strong>1</strong>" in act("queue.empty", queue="q", confirmed=False)
    act("queue.empty", queue="q")
    assert (resque.queues(), resque.size("q")) == (["q"], 0)
    act("queue.remove", queue="q")
    assert resque.queues() == []
    assert "names no queue" in act("queue.remove")


def test_a_queue_whose_name_is_not_text(
    resque: Resque, browser: FlaskClient, act: Callable[..., str]
) -> None:
    put(resque, job(1), job(2), queue=b"\xff")
    page = seen(browser, "/queues/" + quote("~=%FF"))
    queue = html.unescape(re.findall(r'name="queue" value="([^"]*)"', page)[0])
    act("queue.remove_jobs", rows_on(page)[0], queue=queue)
    assert resque.size("\udcff") == 1
    act("queue.pause", queue=queue)
    assert resque.paused().queues == ["\udcff"]


def test_the_search(resque: Resque, browser: FlaskClient) -> None:
    assert "by a text or a class" in seen(browser, "/search")
    put(resque, job(1, "Mail::Send"))
    resque.enqueue_at_with_queue("later", 2_000_000_000, "Mail::Send", 2)
    resque.link.execute("SADD", "resque:workers", "h:1:q")
    working = {
        "queue": "q",
        "run_at": "2026-11-30T12:00:00Z",
        "payload": {"class": "Mail::Send", "args": [3]},
    }
    resque.link.execute("SET", "resque:worker:h:1:q", json.dumps(working))
    page = seen(browser, "/search?text=mail")
    assert page.count("1 found") == 3
    for text in ("h:1:q", "/delayed/2000000000", "/queues/q"):
        assert text in page
    assert seen(browser, "/search?class_name=Nobody").count("0 found") == 3


def test_a_question_says_what_it_is_about(resque: Resque, act: Callable[..., str]) -> None:
    """Its number has a noun: `Remove 2 dead workers`, not `Remove dead workers 2`."""
    resque.link.execute("SADD", "resque:workers", "gone:1:q", "gone:2:q")
    for worker in ("gone:1:q", "gone:2:q"):
        resque.link.execute("HSET", "resque:workers:heartbeat", worker, "2001-01-01T00:00:00+00:00")
    assert "Remove <strong>2</strong> dead workers." in act("worker.prune", confirmed=False)
    resque.push("q", {"class": "A", "args": []})
    assert "Remove <strong>1</strong> job." in act("queue.empty", queue="q", confirmed=False)
