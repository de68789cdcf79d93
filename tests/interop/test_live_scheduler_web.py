"""The scheduler's tabs of resque-web beside our pages, over one Redis: what is shown, what actions do."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from pyresque import Resque
from tests.dashboard_client import browser_before
from tests.interop.ruby import Ruby

DUE = int(time.time()) + 7200
DELAYED = (
    (DUE, b'{"class":"OkJob","args":[1],"queue":"jobs"}'),
    (DUE + 60, b'{"class":"OkJob","args":[1],"queue":"jobs"}'),
    (DUE + 60, b'{"class":"EchoJob","args":["two",{"deep":"three"}],"queue":"other"}'),
    (DUE + 120, '{"class":"app.jobs.send","args":["Grüße"],"queue":"python"}'.encode()),
)
ENTRIES: dict[str, dict[str, Any]] = {
    "plain": {"class": "OkJob", "cron": "0 3 * * * UTC", "queue": "jobs", "args": ["all", 7],
              "description": "Every night"},
    "with parameters": {
        "class": "EchoJob", "every": ["1h", {"first_in": "5m"}], "queue": "low", "args": {"format": "csv"},
        "parameters": {"month": {"description": "Which month", "default": "2026-11"}, "user": None},
    },
    "elsewhere": {"class": "OkJob", "every": "30s", "queue": "jobs", "rails_env": "staging"},
    "of Python": {"class": "app.jobs.nightly", "cron": "*/5 * * * *", "queue": "python"},
}  # fmt: skip
COLUMNS = {"0000", "see", "details"}
"""Words in the cells of theirs that are not about a row."""


@pytest.fixture
def tabs(ruby: Ruby) -> Callable[..., list[dict[str, Any]]]:
    """Asks resque-web with the scheduler's tabs, in UTC and with a dynamic schedule."""
    if not ruby.has("resque-scheduler"):
        pytest.skip("this Ruby has no resque-scheduler")

    def asked(*requests: dict[str, Any]) -> list[dict[str, Any]]:
        scripts = ruby.found.scripts
        words = ("-W0", "-r", f"{scripts}/jobs.rb", f"{scripts}/web_pages.rb", "--full", "--scheduler")
        lines = [json.dumps(request) for request in requests]
        answer = ruby.run(*words, *lines, TZ="UTC", DYNAMIC_SCHEDULE="1")
        pages: list[dict[str, Any]] = json.loads(answer.splitlines()[-1])["pages"]
        return pages

    return asked


def fill(resque: Resque) -> None:
    """Write the rows, as resque-scheduler writes them."""
    execute = resque.link.execute
    for second, item in DELAYED:
        execute("RPUSH", f"resque:delayed:{second}", item)
        execute("ZADD", "resque:delayed_queue_schedule", second, second)
        execute("SADD", b"resque:timestamps:" + item, f"delayed:{second}")
    for name, entry in ENTRIES.items():
        execute("HSET", "resque:persistent_schedules", name, json.dumps(entry))
    execute("HSET", "resque:delayed:last_enqueued_at", "plain", "2026-11-29 03:00:00 +0000")


def held(resque: Resque) -> dict[bytes, Any]:
    """Everything that is in Redis, without what only we keep there."""
    found: dict[bytes, Any] = {}
    for key in sorted(resque.link.execute("KEYS", "*")):
        kind = resque.link.execute("TYPE", key)
        kind = kind if isinstance(kind, str) else kind.decode()
        words = {
            "list": ("LRANGE", key, 0, -1), "set": ("SMEMBERS", key), "hash": ("HGETALL", key),
            "zset": ("ZRANGE", key, 0, -1, "WITHSCORES"), "string": ("GET", key),
        }[kind]  # fmt: skip
        value = resque.link.execute(*words)
        if not key.startswith(b"resque:pyresque:"):
            found[key] = sorted(value) if kind == "set" else value
    return found


def words_in(pages: list[dict[str, Any]]) -> set[str]:
    """The words in the cells of the tables on these pages of theirs."""
    troubles = [(page["path"], page["status"], page.get("error")) for page in pages if page["status"] != 200]
    assert troubles == []
    rows = [row for page in pages for row in re.findall(r"<tr[^>]*>(.*?)</tr>", page["body"], re.S)]
    cells = [cell for row in rows for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)]
    texts = [unescape(re.sub(r"<[^>]*>", " ", cell)) for cell in cells]
    return {word for text in texts for word in re.findall(r"[\w.*/:-]+", text) if re.search(r"\w", word)}


def test_everything_that_theirs_show(resque: Resque, tabs: Callable[..., Any]) -> None:
    """Every word in a row of their pages is on ours: the schedule, seconds, one second, all schedules."""
    fill(resque)
    theirs = words_in(
        tabs(
            {"get": "/schedule"},
            {"get": "/delayed"},
            *({"get": f"/delayed/{second}"} for second in {second for second, _ in DELAYED}),
            {"get": "/delayed/jobs/OkJob?args=%5B1%5D"},
        )
    )
    browser = browser_before(resque)
    paths = ["/schedule", "/delayed", "/delayed/jobs", "/delayed/same?class_name=OkJob&args=[1]&queue=jobs"]
    paths += [f"/delayed/{second}" for second, _ in DELAYED]
    ours = " ".join(unescape(browser.get(path).text) for path in paths)
    numbered = {f"{number}." for number in range(1, 9)}
    missing = {word for word in theirs if word.strip(":.") not in ours} - COLUMNS - numbered
    assert len(theirs) > 40
    assert missing - {"All", "schedules", "Never", "-"} == set()
    assert "never" in ours


def test_parameters_that_theirs_ask_for(resque: Resque, tabs: Callable[..., Any]) -> None:
    """The form of an entry with parameters asks for the same, with the same defaults and descriptions."""
    fill(resque)
    [page] = tabs({"post": "/schedule/requeue", "params": {"job_name": "with parameters"}})
    ours = unescape(browser_before(resque).get("/schedule/with parameters").text)
    fields = re.findall(r'<input type="text" name="(\w+)" value="([^"]*)"', page["body"])
    assert fields == [("month", "2026-11"), ("user", "")]
    for name, default in fields:
        assert f'name="p.{name}" value="{default}"' in ours
    assert "Which month" in page["body"]
    assert "Which month" in ours


def of_second(browser: FlaskClient, second: int, number: int) -> dict[str, str]:
    """What stands for a job of a second in the form of its row."""
    text = browser.get(f"/delayed/{second}").text
    places = re.findall(r'name="id" value="([^"]*)" aria-label', text)
    return {"id": unescape(places[number])}


ACTIONS: dict[str, tuple[dict[str, Any], str, Callable[[FlaskClient], dict[str, str]]]] = {
    "queue now": (
        {"post": "/delayed/queue_now", "params": {"timestamp": DUE}}, "delayed.run",
        lambda _: {"second": str(DUE)},
    ),
    "queue the first of two": (
        {"post": "/delayed/queue_now", "params": {"timestamp": DUE + 60}}, "delayed.run",
        lambda browser: of_second(browser, DUE + 60, 0),
    ),
    "queue a job of Python": (
        {"post": "/delayed/queue_now", "params": {"timestamp": DUE + 120}}, "delayed.run",
        lambda browser: of_second(browser, DUE + 120, 0),
    ),
    "cancel one of two": (
        {"post": "/delayed/cancel_now", "params": {"timestamp": DUE + 60, "klass": "OkJob", "args": "[1]"}},
        "delayed.remove", lambda browser: of_second(browser, DUE + 60, 0),
    ),
    "cancel the last one": (
        {"post": "/delayed/cancel_now", "params": {"timestamp": DUE, "klass": "OkJob", "args": "[1]"}},
        "delayed.remove", lambda browser: of_second(browser, DUE, 0),
    ),
    "clear": ({"post": "/delayed/clear"}, "delayed.clear", lambda _: {}),
    "queue an entry": (
        {"post": "/schedule/requeue", "params": {"job_name": "plain"}}, "schedule.run",
        lambda _: {"name": "plain"},
    ),
    "queue an entry of Python": (
        {"post": "/schedule/requeue", "params": {"job_name": "of Python"}}, "schedule.run",
        lambda _: {"name": "of Python"},
    ),
    "queue with parameters": (
        {"post": "/schedule/requeue_with_params",
         "params": {"job_name": "with parameters", "month": "2026-10", "user": "bob"}},
        "schedule.run", lambda _: {"name": "with parameters", "p.month": "2026-10", "p.user": "bob"},
    ),
    "delete an entry": (
        {"delete": "/schedule", "params": {"job_name": "plain"}}, "schedule.remove",
        lambda _: {"name": "plain"},
    ),
}  # fmt: skip


TOGETHER = (
    [name for name in ACTIONS if name.startswith(("queue", "delete"))],
    [name for name in ACTIONS if name.startswith("cancel")],
    ["clear"],
)
"""Actions that do not meddle with each other: each start of Ruby takes a second."""


@pytest.mark.parametrize("names", TOGETHER, ids=lambda names: names[0])
def test_actions_do_the_same(resque: Resque, tabs: Callable[..., Any], names: list[str]) -> None:
    """Each action leaves in Redis just what theirs leaves there."""
    fill(resque)
    before = held(resque)
    pages = tabs(*(ACTIONS[name][0] for name in names))
    assert [page for page in pages if page["status"] not in (200, 302, 303)] == []
    theirs = held(resque)
    resque.link.execute("FLUSHALL")
    fill(resque)
    browser = browser_before(resque)
    for name in names:
        _, action, fields = ACTIONS[name]
        answer = browser.post(f"/actions/{action}", data={**fields(browser), "confirmed": "1"})
        assert answer.status_code == 303, name
    assert held(resque) == theirs
    assert theirs != before


def test_every_action_is_compared() -> None:
    """None of the actions is left out."""
    assert sorted(name for names in TOGETHER for name in names) == sorted(ACTIONS)
