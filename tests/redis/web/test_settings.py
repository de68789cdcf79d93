"""The pages of settings and of the audit log."""

from __future__ import annotations

import html
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from pyresque import Resque
from pyresque.testing.redis_server import DevRedis
from pyresque.web.settings import COOKIE
from tests.dashboard_client import browser_before


def test_what_it_is_set_to(resque: Resque) -> None:
    """Who asks, what may be done, which hosts are answered."""
    browser = browser_before(
        resque, read_only=True, allowed_hosts=["localhost", "<address>"], filter_args=["email"],
        trusted_origins=["https://jobs.example.com:8443"],
    )  # fmt: skip
    text = html.unescape(browser.get("/settings", environ_base={"REMOTE_USER": "ada"}).text)
    for told in (
        resque.link.database, ">ada<", ">look<", "localhost, any IP address, jobs.example.com",
        "https://jobs.example.com:8443", ">email<", 'href="/stats.txt"', 'href="/metrics"',
    ):  # fmt: skip
        assert told in text, told


def test_no_password_is_told(server: DevRedis) -> None:
    """Not that of Redis, where it may be anywhere in the setting."""
    for url in (
        "redis://:hunter2@localhost:1/2",
        "redis://ada:hunter2@localhost:1",
        "redis://hunter2@localhost:1",
    ):
        resque = Resque(url)
        browser = browser_before(resque)
        for path in ("/", "/settings", "/stats.json"):
            assert "hunter2" not in browser.get(path).text
        resque.close()


@pytest.mark.parametrize("settings", [{}, {"read_only": True}, {"authorize": lambda request: "read"}])
def test_everybody_chooses_their_own_look(resque: Resque, settings: dict[str, object]) -> None:
    """Also who may only look: it is kept by the browser alone."""
    browser = browser_before(resque, **settings)
    assert "data-theme" not in browser.get("/").text
    before = resque.link.execute("KEYS", "*")
    assert browser.post("/settings", data={"theme": "dark", "refresh": "60"}).status_code == 303
    assert '<html lang="en" data-theme="dark" data-refresh="60">' in browser.get("/").text
    page = browser.get("/settings").text
    assert '<option value="dark" selected>' in page
    assert '<option value="60" selected>' in page
    assert resque.link.execute("KEYS", "*") == before


@pytest.mark.parametrize("kept", ["", "pink.7", "dark", '"><script>.5', "dark.-1", "." * 999])
def test_what_nobody_can_choose_is_left_out(resque: Resque, kept: str) -> None:
    """Whatever the cookie holds."""
    browser = browser_before(resque)
    browser.set_cookie(COOKIE, kept)
    assert 'data-refresh="5">' in browser.get("/").text
    assert browser.post("/settings", data={"theme": kept}).status_code == 303


def test_the_look_needs_the_token_too(dashboard: Callable[..., FlaskClient]) -> None:
    """No other page changes it."""
    browser = dashboard()
    assert browser.post("/settings", data={"theme": "dark"}).status_code == 403
    refused = browser_before(dashboard().application.extensions["pyresque_several"].first)
    assert refused.post("/settings", data={}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_the_page_of_the_log(resque: Resque) -> None:
    """Page by page, the newest first; what an entry holds is text."""
    browser = browser_before(resque)
    assert "Nothing was done" in browser.get("/audit").text
    resque.link.execute("SADD", "resque:queues", *[f"q{number}" for number in range(60)])
    for number in range(60):
        fields = {"queue": f"q{number}", "confirmed": "1", "note": "<script>", "password": "hunter2"}
        browser.post("/actions/queue.pause", data=fields, environ_base={"REMOTE_USER": "<b>ada"})
    first, second = browser.get("/audit").text, browser.get("/audit?page=2").text
    assert first.index("queue=q59") < first.index("queue=q10")
    assert "queue=q9," not in first
    assert "queue=q9," in second
    assert "51–60 of 60" in second
    assert "&lt;b&gt;ada" in first
    assert "<script>," not in first
    assert "hunter2" not in first
    assert "nothing on this page" in browser.get("/audit?page=9").text
