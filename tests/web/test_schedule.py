"""The pages of the schedule, by Flask's test client."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient

from pyresque import Resque, job
from pyresque.config.options import SchedulerOptions
from pyresque.store.master import connection_name
from pyresque.testing.redis_server import DevRedis
from pyresque.web.scheduler_settings import Schedulers
from tests.dashboard_client import browser_before

NIGHTLY = {
    "class": "Reports::Nightly", "cron": "0 3 * * * Europe/Berlin", "queue": "reports", "args": ["all"],
    "description": "Totals of the day",
}  # fmt: skip
EXPORT = {
    "class": "Export", "every": ["1h", {"first_in": "5m"}], "queue": "low", "args": {"format": "csv"},
    "parameters": {"month": {"description": "Which month", "default": "2026-11"}, "user": None},
}  # fmt: skip
MALFORMED = [
    b"", b"{nope", b"[1]", b"5", b"null", b'"text"', b"true", b"\xff\xfe", b"{}",
    b'{"class":null,"cron":"* * * * *"}',
    b'{"class":"A"}', b'{"class":"A","cron":"99 * * * *"}', b'{"class":"A","cron":5,"queue":"q"}',
    b'{"class":"A","every":[],"queue":"q"}', b'{"class":["A"],"every":"1h","queue":{"a":1}}',
    b'{"class":"A","every":"1h","queue":"q","args":' + b"[" * 90 + b"]" * 90 + b"}",
    b'{"class":"A","every":"1h","queue":"q","rails_env":5}',
    b'{"class":"A","every":"1h","queue":"q","parameters":[1]}',
    b'{"class":"A","every":"1h","queue":"q","parameters":{"a":5,"b":null}}',
    b'{"class":"A","every":["1h",5],"queue":"q","description":{"a":1}}',
    b'{"class":"A","every":"1h","queue":"q","args":"' + b"x" * 1_000_000 + b'"}',
    b'{"custom_job_class":"B","class":"A","every":"1h","queue":"q"}',
]  # fmt: skip


@pytest.fixture
def browser(resque: Resque) -> FlaskClient:
    """A browser before the dashboard."""
    return browser_before(resque)


def put(resque: Resque, name: str | bytes, value: object) -> None:
    """An entry as somebody else may have written it."""
    raw = value if isinstance(value, bytes) else json.dumps(value)
    resque.link.execute("HSET", "resque:persistent_schedules", name, raw)


def shown(browser: FlaskClient, path: str, status: int = 200) -> str:
    """A page as people read it."""
    answer = browser.get(path)
    assert answer.status_code == status, path
    return unescape(answer.text)


def notice(browser: FlaskClient) -> str:
    """What the last action has told."""
    [text] = re.findall(r'<p class="notice" role="status">(.*?)</p>', shown(browser, "/schedule")) or [""]
    return text


def queued(resque: Resque, queue: str) -> list[Any]:
    """The jobs of a queue."""
    return resque.peek(queue, 0, 99)


def test_an_empty_schedule(browser: FlaskClient) -> None:
    """An empty schedule says how entries come there, and that nobody is master."""
    text = shown(browser, "/schedule")
    assert "The schedule is empty." in text
    assert "Start one:" in text


def test_the_entries(resque: Resque, browser: FlaskClient) -> None:
    """The page has everything of each entry that resque-scheduler's has, and when it runs next."""
    put(resque, "nightly", NIGHTLY)
    put(resque, "export", EXPORT)
    resque.link.execute("HSET", "resque:delayed:last_enqueued_at", "nightly", "2026-11-29 03:00:00 +0100")
    text = shown(browser, "/schedule")
    for told in ("nightly", "Totals of the day", "cron 0 3 * * * Europe/Berlin", "Reports::Nightly", '"all"',
                 "reports", "every 1h (first in 5m)", "2026-11-29 03:00:00 +0100", "never"):  # fmt: skip
        assert told in text
    assert text.index("export") < text.index("nightly")


def test_one_entry(resque: Resque, browser: FlaskClient) -> None:
    """The page of an entry has its next runs in UTC and in its zone, and its bytes."""
    put(resque, "nightly", NIGHTLY)
    text = shown(browser, "/schedule/nightly")
    assert len(re.findall(r"\d{4}-\d\d-\d\d 0[12]:00:00<", text)) == 5
    assert len(re.findall(r"03:00:00 CES?T<", text)) == 5
    assert '"description": "Totals of the day"' in text
    shown(browser, "/schedule/nobody", 404)


@pytest.mark.parametrize("raw", MALFORMED, ids=range(len(MALFORMED)))
def test_malformed_entries(resque: Resque, browser: FlaskClient, raw: bytes) -> None:
    """Whatever stands in the place of an entry is shown, with what is wrong, and can be removed."""
    put(resque, "odd", raw)
    for path in ("/schedule", "/schedule?show=refused&text=o", "/schedule/odd"):
        assert len(shown(browser, path)) < 60_000
    shown(browser, "/edit-entry/odd")
    browser.post("/actions/schedule.run", data={"name": "odd", "confirmed": "1"})
    assert browser.post("/actions/schedule.remove", data={"name": "odd", "confirmed": "1"}).status_code == 303
    assert resque.stored_schedule() == {}


@pytest.mark.parametrize(
    "name",
    ["", "a/b//c", "..", "/", "~", "%2e", "a?b#c", "<script>x</script>", b"\xff\x00", "x" * 5000, "\u2028"],
)
def test_names_of_any_kind(resque: Resque, browser: FlaskClient, name: str | bytes) -> None:
    """An entry of any name has its page, and can be queued and removed."""
    put(resque, name, NIGHTLY)
    text = browser.get("/schedule").text
    assert "<script>x" not in text
    [path] = re.findall(r'href="(/schedule/[^"]*)"', text)
    page = browser.get(unescape(path)).text
    assert "Reports::Nightly" in page
    [handle] = set(re.findall(r'name="name" value="([^"]*)"', page))
    assert (
        browser.post("/actions/schedule.run", data={"name": unescape(handle), "confirmed": "1"}).status_code
        == 303
    )
    assert queued(resque, "reports") == [{"class": "Reports::Nightly", "args": ["all"]}]
    browser.post("/actions/schedule.remove", data={"name": unescape(handle), "confirmed": "1"})
    assert resque.stored_schedule() == {}


@pytest.mark.parametrize("key", ["persistent_schedules", "delayed:last_enqueued_at"])
def test_keys_of_another_type(resque: Resque, browser: FlaskClient, key: str) -> None:
    """A key that holds something else is told, and the rest of the page is there."""
    resque.link.execute("SET", f"resque:{key}", "x")
    assert "Schedulers" in shown(browser, "/schedule")


def test_last_runs_of_any_text(resque: Resque, browser: FlaskClient) -> None:
    """Whatever stands as the last run is shown."""
    for number, text in enumerate((b"yesterday", b"", b"\xff", b"9" * 400, b"2026-13-45 99:99:99", b"<b>")):
        put(resque, f"e{number}", NIGHTLY)
        resque.link.execute("HSET", "resque:delayed:last_enqueued_at", f"e{number}", text)
        shown(browser, f"/schedule/e{number}")
    assert "yesterday" in shown(browser, "/schedule")


def test_queue_now(resque: Resque, browser: FlaskClient) -> None:
    """The job of an entry is queued after a question, with its arguments or with others."""
    put(resque, "nightly", NIGHTLY)
    asked = browser.post("/actions/schedule.run", data={"name": "nightly"})
    assert "Reports::Nightly" in asked.text
    assert queued(resque, "reports") == []
    browser.post("/actions/schedule.run", data={"name": "nightly", "confirmed": "1"})
    assert notice(browser) == "nightly was queued."
    browser.post("/actions/schedule.run", data={"name": "nightly", "args": '["two", 2]', "confirmed": "1"})
    wrong = browser.post("/actions/schedule.run", data={"name": "nightly", "args": "[", "confirmed": "1"})
    assert wrong.status_code == 400
    assert [one["args"] for one in queued(resque, "reports")] == [["all"], ["two", 2]]


def test_queue_now_with_parameters(resque: Resque, browser: FlaskClient) -> None:
    """The form asks for the parameters of the entry; what was typed goes into the args."""
    put(resque, "export", EXPORT)
    text = shown(browser, "/schedule/export")
    assert 'name="p.month" value="2026-11"' in text
    assert "Which month" in text
    browser.post(
        "/actions/schedule.run", data={"name": "export", "p.month": "2026-10", "p.user": "", "confirmed": "1"}
    )
    assert queued(resque, "low") == [
        {"class": "Export", "args": [{"format": "csv", "month": "2026-10", "user": ""}]}
    ]


def test_a_hook_that_refuses(resque: Resque, browser: FlaskClient) -> None:
    """What a hook refuses is told, and nothing is queued."""

    class Never:
        queue = "low"

        @staticmethod
        def before_enqueue() -> bool:
            return False

        @staticmethod
        def perform() -> None: ...

    job(registry=resque.registry)(Never)
    put(resque, "never", {"class": "Never", "every": "1h", "queue": "low"})
    browser.post("/actions/schedule.run", data={"name": "never", "confirmed": "1"})
    assert "a hook or a lock refused it" in notice(browser)
    assert resque.size("low") == 0


def test_remove(resque: Resque, browser: FlaskClient) -> None:
    """An entry is removed as `remove_schedule` does it: schedulers hear of it."""
    put(resque, "nightly", NIGHTLY)
    assert "nightly" in browser.post("/actions/schedule.remove", data={"name": "nightly"}).text
    assert "nightly" in resque.stored_schedule()
    browser.post("/actions/schedule.remove", data={"name": "nightly", "confirmed": "1"})
    assert resque.stored_schedule() == {}
    assert resque.link.execute("SMEMBERS", "resque:schedules_changed") == [b"nightly"]


@pytest.mark.parametrize("more", [{}, {"rails_env": "production"}, {"env": "production, test"}])
def test_switch_off_and_on(resque: Resque, browser: FlaskClient, more: dict[str, str]) -> None:
    """An entry that is switched off runs in no environment, and is as it was when it is on again."""
    put(resque, "nightly", {**NIGHTLY, **more})
    browser.post("/actions/schedule.disable", data={"name": "nightly"})
    for environment in (None, "production", "test"):
        assert not resque.schedule_entry("nightly").runs_in(environment)  # type: ignore[union-attr]
    text = shown(browser, "/schedule")
    assert ">off<" in text
    browser.post("/actions/schedule.enable", data={"name": "nightly"})
    assert resque.stored_schedule() == {"nightly": {**NIGHTLY, **more}}


def filled(browser: FlaskClient, path: str) -> dict[str, str]:
    """The fields of the form on a page."""
    text = shown(browser, path)
    found = dict(re.findall(r'<input [^>]*?name="([^"]+)" value="([^"]*)"', text))
    found |= dict(re.findall(r'<textarea [^>]*?name="([^"]+)"[^>]*>(.*?)</textarea>', text, re.S))
    found |= dict(re.findall(r"<input [^>]*?name=\"(options|others)\" value=\"(.*?)\" autocomplete", text))
    return found


@pytest.mark.parametrize("value", [NIGHTLY, EXPORT, {**NIGHTLY, "catch_up": "last", "rails_env": "test"}])
def test_edit_changes_nothing_else(resque: Resque, browser: FlaskClient, value: dict[str, Any]) -> None:
    """The form of an entry has all of it; saved with one change, it has just this one."""
    put(resque, "one", value)
    fields = filled(browser, "/edit-entry/one")
    answer = browser.post("/edit-entry/one", data={**fields, "queue": "other"})
    assert answer.status_code == 303, answer.text
    assert resque.stored_schedule() == {"one": {**value, "queue": "other"}}
    assert resque.link.execute("SMEMBERS", "resque:schedules_changed") == [b"one"]


def test_edit_keeps_secrets(resque: Resque, browser: FlaskClient) -> None:
    """A secret in the arguments is not shown, and stays when the entry is saved."""
    put(resque, "one", {**NIGHTLY, "args": [{"password": "hunter2", "a": 1}]})
    for path in ("/schedule", "/schedule/one", "/edit-entry/one"):
        assert "hunter2" not in shown(browser, path)
    fields = filled(browser, "/edit-entry/one")
    browser.post("/edit-entry/one", data={**fields, "description": "new"})
    assert resque.stored_schedule()["one"] == {
        **NIGHTLY, "args": [{"password": "hunter2", "a": 1}], "description": "new",
    }  # fmt: skip


def test_edit_what_somebody_else_has_changed(resque: Resque, browser: FlaskClient) -> None:
    """What was changed since the form was shown is not overwritten."""
    put(resque, "one", NIGHTLY)
    fields = filled(browser, "/edit-entry/one")
    put(resque, "one", {**NIGHTLY, "queue": "theirs"})
    answer = browser.post("/edit-entry/one", data={**fields, "queue": "mine"})
    assert answer.status_code == 422
    assert "changed this entry meanwhile" in answer.text
    assert resque.stored_schedule()["one"]["queue"] == "theirs"


def test_add(resque: Resque, browser: FlaskClient) -> None:
    """A new entry is written as `set_schedule` writes it."""
    fields = {"name": "n/1", "class": "Job", "queue": "low", "cron": "0 4 * * *", "args": '[1, {"a": null}]',
              "options": '{"times": 3}', "others": '{"catch_up": "last"}'}  # fmt: skip
    assert browser.post("/new-entry", data=fields).status_code == 303
    assert resque.stored_schedule() == {
        "n/1": {"catch_up": "last", "class": "Job", "queue": "low", "cron": ["0 4 * * *", {"times": 3}],
                "args": [1, {"a": None}]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", ""), ("name", "there"), ("class", ""), ("queue", ""), ("cron", "61 * * * *"),
        ("cron", "x" * 999),
        ("args", "["), ("args", "5"), ("options", "[]"), ("options", '{"times": "x"}'), ("others", "{"),
    ],
)  # fmt: skip
def test_errors_stand_at_their_fields(resque: Resque, browser: FlaskClient, field: str, text: str) -> None:
    """What is wrong is told at its field, what was typed is kept, and nothing is written."""
    put(resque, "there", NIGHTLY)
    fields = {"name": "new", "class": "Job", "queue": "low", "cron": "0 4 * * *", "args": "[]", field: text}
    answer = browser.post("/new-entry", data=fields)
    assert answer.status_code == 422
    assert f'id="e-{field}"' in answer.text
    assert 'value="new"' in answer.text or field == "name"
    assert list(resque.stored_schedule()) == ["there"]


def test_entries_of_a_file(resque: Resque, tmp_path: Path) -> None:
    """Entries of the schedule file are listed; they are queued, but not changed or removed here."""
    file = tmp_path / "schedule.yml"
    file.write_text(
        "static:\n  class: Job\n  cron: '0 4 * * *'\n  queue: low\nbroken:\n  class: Job\n  cron: 'x'\n"
    )
    browser = browser_before(resque, schedulers=Schedulers(file=str(file)))
    text = shown(browser, "/schedule")
    assert ">file<" in text
    assert "refused" in text
    assert "line 1" in shown(browser, "/schedule/static")
    browser.post("/actions/schedule.run", data={"name": "static", "confirmed": "1"})
    assert resque.size("low") == 1
    for action in ("remove", "disable"):
        answer = browser.post(f"/actions/schedule.{action}", data={"name": "static", "confirmed": "1"})
        assert "change it there" in answer.text
    file.unlink()
    assert "cannot be read" in shown(browser, "/schedule")


def test_other_environments(resque: Resque) -> None:
    """What does not run in the environment of the schedulers is marked."""
    put(resque, "one", {**NIGHTLY, "rails_env": "staging"})
    browser = browser_before(resque, schedulers=Schedulers(SchedulerOptions(environment="production")))
    assert "not in production" in shown(browser, "/schedule")
    assert "one" in re.findall(r">(\w+)</a>", shown(browser, "/schedule?show=off"))


def test_missed_runs(resque: Resque, browser: FlaskClient) -> None:
    """An entry that should have run and has not is marked."""
    put(resque, "one", NIGHTLY)
    resque.link.execute("HSET", "resque:delayed:last_enqueued_at", "one", "2026-01-01 03:00:00 +0100")
    assert ">missed<" in shown(browser, "/schedule")
    assert ">missed<" in shown(browser, "/schedule/one")


@pytest.mark.parametrize("kind", ["SET", "LPUSH"])
def test_the_master(resque: Resque, browser: FlaskClient, kind: str) -> None:
    """Who holds the lock is shown, whatever it is; the lock of a text is released if it is still that one."""
    key = resque.space.keys.master_lock("")
    resque.link.execute(kind, key, "<b>other-host:12")
    text = browser.get("/schedule").text
    assert "<b>other" not in text
    found = re.findall(r'name="value" value="([^"]*)"', text)
    if kind == "LPUSH":
        return
    assert (
        browser.post("/actions/scheduler.release", data={"value": "someone", "confirmed": "1"}).status_code
        == 400
    )
    assert resque.link.execute("EXISTS", key) == 1
    data = {"value": unescape(found[0]), "confirmed": "1"}
    assert browser.post("/actions/scheduler.release", data=data).status_code == 303
    assert resque.link.execute("EXISTS", key) == 0


def test_the_lock_of_a_living_master_stays(resque: Resque, browser: FlaskClient, server: DevRedis) -> None:
    """A master that is seen to live keeps its lock."""
    value = f"{socket.gethostname()}:{os.getpid()}:{int(time.time())}-{'a' * 12}"
    key = resque.space.keys.master_lock("")
    living = redis.Redis.from_url(server.url, client_name=connection_name(value.rpartition(":")[0], key))
    living.set(key, value)
    assert ">lives<" in shown(browser, "/schedule")
    data = {"value": value, "confirmed": "1"}
    assert "lives" in browser.post("/actions/scheduler.release", data=data).text
    assert living.exists(key)
    living.close()


def test_many_entries(resque: Resque, browser: FlaskClient) -> None:
    """A page has its entries only; refused ones are counted wherever they are."""
    for number in range(60):
        put(resque, f"entry {number:02}", NIGHTLY if number != 55 else {"class": "A"})
    text = shown(browser, "/schedule")
    assert "entry 49" in text
    assert "entry 50" not in text
    assert "refused (1)" in text
    assert "entry 55" in shown(browser, "/schedule?show=refused")
    assert "entry 31" in shown(browser, "/schedule?text=ENTRY 31")


def test_read_only(resque: Resque) -> None:
    """A dashboard for reading only has no buttons here, and refuses to write."""
    put(resque, "one", NIGHTLY)
    browser = browser_before(resque, read_only=True)
    for path in ("/schedule", "/schedule/one"):
        text = shown(browser, path)
        assert "<button" not in text.replace('<button class="main">Filter', "")
        assert "/edit-entry" not in text
    assert browser.post("/new-entry", data={}).status_code == 403
    assert browser.post("/edit-entry/one", data={}).status_code == 403
