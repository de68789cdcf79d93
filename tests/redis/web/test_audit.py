"""The audit log: what was done, by whom, with how many."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from pyresque import Resque
from pyresque.errors import RedisReplied
from pyresque.store.audit import KEPT
from pyresque.web import create_app
from pyresque.web.audit import newest, record, recorded


@pytest.fixture
def app(resque: Resque) -> Flask:
    """A dashboard."""
    return create_app(resque)


@pytest.fixture
def acting(app: Flask, resque: Resque) -> Iterator[None]:
    """Within a request of somebody's."""
    with app.test_request_context("/", environ_base={"REMOTE_ADDR": "10.0.0.7"}):
        g.resque = resque
        yield


def test_an_entry(acting: None, resque: Resque) -> None:
    """The newest first, with what belongs to it."""
    record("queue.pause", "queue=mail", 1)
    g.user = "ada"
    record("failed.remove", "class_name=A*", 1234)
    entries, total = newest(resque, 0, 10)
    assert total == 2
    told = [(one.who, one.address, one.action, one.what, one.count, one.problem) for one in entries]
    assert told == [
        ("ada", "10.0.0.7", "failed.remove", "class_name=A*", 1234, ""),
        ("10.0.0.7", "10.0.0.7", "queue.pause", "queue=mail", 1, ""),
    ]
    assert entries[0].at >= entries[1].at > 1_700_000_000
    assert [one.action for one in newest(resque, 1, 10)[0]] == ["queue.pause"]


def test_only_the_newest_stay(acting: None, resque: Resque) -> None:
    """The list is bounded, however long the dashboard runs."""
    resque.link.execute("RPUSH", "resque:pyresque:audit", *["old"] * (KEPT + 50))
    record("a.b", "", 0)
    assert resque.link.execute("LLEN", "resque:pyresque:audit") == KEPT
    assert [one.action for one in newest(resque, 0, 10)[0]] == ["a.b"]


def test_an_action_that_fails_is_logged_too(acting: None, resque: Resque) -> None:
    """With what ended it; how much of it was done nobody knows."""
    with pytest.raises(RedisReplied), recorded("a.b", "x"):
        raise RedisReplied("WRONGTYPE password=hunter2")
    with pytest.raises(ZeroDivisionError), recorded("c.d", "x"):
        raise ZeroDivisionError
    found = newest(resque, 0, 10)[0]
    assert [(one.action, one.count, one.problem) for one in found] == [
        ("c.d", None, "ZeroDivisionError"), ("a.b", None, "WRONGTYPE password=[hidden]"),
    ]  # fmt: skip


def test_what_is_written_is_plain(acting: None, resque: Resque, caplog: pytest.LogCaptureFixture) -> None:
    """One line, no secret, bounded, whatever names and queues hold."""
    g.user = "a\nb\x1b[31m"
    with caplog.at_level(logging.INFO, "pyresque.web.audit"):
        record("a.b", "password=hunter2, queue=x\r\ny\u2028z\udc80, " + "n" * 9_000, 1)
    [entry], _ = newest(resque, 0, 10)
    assert entry.who == "a\\nb\\x1b[31m"
    assert entry.what.startswith("password=[hidden], queue=x\\r\\ny\\u2028z\\udc80, nnn")
    assert len(entry.what) < 600
    begun, ended = [one.getMessage() for one in caplog.records]
    assert begun.startswith("a\\nb\\x1b[31m (10.0.0.7) begins a.b: password=[hidden]")
    assert ended.endswith("(1)")
    assert not any(one in begun + ended for one in "\r\n\x1b")


def test_what_is_no_entry_is_left_out(acting: None, resque: Resque) -> None:
    """Whoever wrote it; an entry whose reply was lost is there once."""
    record("a.b", "x", 1)
    raw = resque.link.execute("LINDEX", "resque:pyresque:audit", 0)
    others: list[Any] = [
        [],
        1,
        None,
        "x",
        {},
        {"at": "now"},
        {"at": True},
        {"at": 1, "count": "x", "who": [1]},
    ]
    resque.link.execute("LPUSH", "resque:pyresque:audit", raw, b"\xff", b"{", *map(json.dumps, others))
    found = newest(resque, 0, 100)[0]
    assert [(one.who, one.action, one.count) for one in found] == [("[1]", "", None), ("10.0.0.7", "a.b", 1)]


def test_a_log_that_cannot_be_written_undoes_nothing(
    resque: Resque, caplog: pytest.LogCaptureFixture, acting: None
) -> None:
    """The answer of the action is not lost; the logger has it."""
    resque.link.execute("SET", "resque:pyresque:audit", "not a list")
    with caplog.at_level(logging.INFO, "pyresque.web.audit"):
        record("a.b", "x", 3)
    assert "10.0.0.7 (10.0.0.7) a.b: x (3)" in caplog.text
    assert "the audit log in Redis lacks that" in caplog.text


def test_actions_of_pages_are_logged(app: Flask, resque: Resque) -> None:
    """Each round, with what was asked for, and who it was that the login named."""
    from tests.redis.web.test_access import REMOVE, form

    failure = {"payload": {"class": "A", "args": []}, "failure_id": "f1", "queue": "q", "failed_at": ""}
    resque.link.execute("RPUSH", "resque:failed", json.dumps(failure))
    browser: FlaskClient = app.test_client()
    asked = {name: value for name, value in form(browser).items() if name != "confirmed"}
    assert browser.post(REMOVE, data=asked).status_code == 200
    assert newest(resque, 0, 10) == ([], 0)
    browser.post(REMOVE, data=form(browser), environ_base={"REMOTE_USER": "ada"})
    [entry], _ = newest(resque, 0, 10)
    assert (entry.who, entry.action, entry.what, entry.count) == ("ada", "failed.remove", "id=f1", 1)
