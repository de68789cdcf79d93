"""Every page that a link leads to: looking changes nothing, and no page shows a secret."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from pyresque import Resque
from tests.web import scene

SECRET = "hunter2-5ecret"
NOTED = {b"resque:pyresque:heads", b"resque:pyresque:entries"}
"""What a look notes: since when a job was seen, for it says how long it waits. No Ruby process reads it."""
NOTED_BEGIN = (
    b"resque:pyresque:counts",
    b"resque:pyresque:history",
    b"resque:pyresque:classes",
    b"resque:pyresque:ruby",
)


def dumped(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def with_secrets(execute: Callable[..., Any]) -> None:
    """The same secrets in every kind of row, in each way in which they are written."""
    args = [{"user": 1, "password": SECRET, "nested": [{"apiKey": SECRET}]}, dumped({"token": SECRET})]
    job = {"class": "Charge", "args": args}
    inner = {
        "job_class": "ChargeJob",
        "job_id": "1",
        "arguments": [{"card_number": SECRET, "_aj_symbol_keys": []}],
    }
    wrapped = {"class": "ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper", "args": [inner]}
    execute("SADD", "resque:queues", "billing")
    execute(
        "RPUSH", "resque:queue:billing", dumped(job), dumped(wrapped), f'{{"class":"A","password":"{SECRET}"'
    )
    for number, payload in enumerate((job, wrapped, f'{{"class":"A","password":"{SECRET}"')):
        record = {
            "failed_at": "2026/11/30 12:00:00 UTC", "payload": payload, "exception": "Stripe::Error",
            "error": f"cannot reach redis://:{SECRET}@db:6379 with password={SECRET}", "queue": "billing",
            "failure_id": f"secret{number}",
            "backtrace": [f"client.rb:1: Authorization: Bearer {SECRET}", f'{{"token"=>"{SECRET}"}}'],
            "worker": "web-1:4711:billing",
        }  # fmt: skip
        execute("RPUSH", "resque:failed", dumped(record))
    delayed = {**job, "queue": "billing"}
    for item in (dumped(delayed), dumped({**wrapped, "queue": "billing"})):
        execute("RPUSH", "resque:delayed:4000000000", item)
        execute("SADD", f"resque:timestamps:{item}", "delayed:4000000000")
    execute("ZADD", "resque:delayed_queue_schedule", 4_000_000_000, 4_000_000_000)
    entry = {
        "every": "1h",
        "class": "Charge",
        "queue": "billing",
        "args": args,
        "description": f"token={SECRET}",
    }
    execute("HSET", "resque:persistent_schedules", "charge", dumped(entry))
    worker = "web-9:4711:billing"
    execute("SADD", "resque:workers", worker)
    working = {"queue": "billing", "run_at": "2026-11-30T12:00:00Z", "payload": job}
    execute("SET", f"resque:worker:{worker}", dumped(working))
    execute(
        "SET",
        "resque:status:1",
        dumped({"uuid": "1", "options": {"password": SECRET}, "message": SECRET[:0]}),
    )
    execute("SET", "resque:text", f"password={SECRET}")
    execute("HSET", "resque:hash", "token", SECRET, "a", dumped({"token": SECRET}))
    execute("RPUSH", "resque:list", dumped(job))
    execute("SADD", "resque:set", dumped(job))
    execute("ZADD", "resque:zset", 1, dumped(job))
    execute("XADD", "resque:stream", "*", "password", SECRET, "b", dumped(job))
    execute("RPUSH", "resque:pyresque:aside:queue:billing", f'{{"class":"A","password":"{SECRET}"')


def kept(resque: Resque) -> dict[bytes, Any]:
    """All that is in Redis, without what a look notes."""
    execute = resque.link.execute
    names = [name for name in execute("KEYS", "*") if name not in NOTED and not name.startswith(NOTED_BEGIN)]
    sets = {name for name in names if execute("TYPE", name) == b"set"}  # Redis may order them anew
    return {
        name: sorted(execute("SMEMBERS", name)) if name in sets else execute("DUMP", name) for name in names
    }


def walked(browser: FlaskClient, most: int = 900) -> dict[str, str]:
    """The pages that links lead to, from the first one on, with their texts."""
    found: dict[str, str] = {}
    ahead = ["/", "/metrics", "/stats.json", "/stats.txt", "/healthz", "/readyz"]
    while ahead and len(found) < most:
        url = ahead.pop(0)
        if url in found:
            continue
        answer = browser.get(url)
        assert answer.status_code in (200, 302, 303), (url, answer.status_code)
        found[url] = answer.text
        links = [unescape(link) for link in re.findall(r'href="(/[^"]*)"', answer.text)]
        ahead += [link for link in links if not link.startswith("/static/")]
    return found


@pytest.fixture
def full(resque: Resque) -> Resque:
    """A Redis with something of everything, with what no one should write, and with secrets."""
    scene.everyday(resque.link.execute)
    scene.hostile(resque.link.execute)
    with_secrets(resque.link.execute)
    return resque


def test_looking_changes_nothing_and_shows_no_secret(
    full: Resque, dashboard: Callable[..., FlaskClient]
) -> None:
    """From page to page, by GET and by HEAD, with whatever a form would send as a query."""
    browser = dashboard()
    before = kept(full)
    pages = walked(browser)
    assert len(pages) > 40
    for url in pages:
        browser.head(url)
    assert kept(full) == before
    assert [url for url, text in pages.items() if SECRET in text or SECRET in unescape(text)] == []


def test_no_route_acts_by_get(full: Resque, dashboard: Callable[..., FlaskClient]) -> None:
    """Neither do those that a form posts to, whatever stands in the query."""
    from pyresque.web.acting import ACTIONS

    browser = dashboard()
    before = kept(full)
    rules = list(browser.application.url_map.iter_rules())
    urls = [str(rule) for rule in rules if "<" not in str(rule)] + [f"/actions/{name}" for name in ACTIONS]
    query = "?confirmed=1&id=secret0&queue=billing&name=charge&second=4000000000&_method=DELETE"
    for url in urls:
        for method in ("GET", "HEAD", "OPTIONS"):
            browser.open(url + query, method=method)
    assert kept(full) == before
    unsafe = {rule.endpoint for rule in rules if (rule.methods or set()) - {"GET", "HEAD", "OPTIONS", "POST"}}
    assert unsafe == set()
