"""Who may look at the dashboard, and what makes a request one of ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Request, abort, redirect
from flask.testing import FlaskClient

from pyresque import Resque
from pyresque.web import create_app
from pyresque.web.form_token import COOKIE
from tests.redis.web.conftest import token_of

Opened = Callable[..., FlaskClient]
REMOVE = "/actions/failed.remove"


@pytest.fixture
def failed(resque: Resque) -> Callable[[], int]:
    """There is one failed job; tells how many there are."""
    record = {
        "failed_at": "2026/11/30 12:00:00 UTC", "payload": {"class": "A", "args": [1]}, "queue": "q",
        "worker": "w", "exception": "E", "error": "no", "backtrace": [], "failure_id": "f1",
    }  # fmt: skip
    resque.link.execute("RPUSH", "resque:failed", json.dumps(record))
    return lambda: resque.failures.count()


def form(browser: FlaskClient, **more: str) -> dict[str, str]:
    """What a form of the dashboard's own holds, after it was looked at."""
    return {"token": token_of(browser.get("/failed")), "id": "f1", "confirmed": "1", **more}


def test_a_form_of_ours_acts(browser: FlaskClient, failed: Callable[[], int]) -> None:
    """With what any browser sends along, old ones and curl included."""
    fields = form(browser)
    for headers in (
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost"}, {},
    ):  # fmt: skip
        assert browser.post("/actions/nonsense", data=fields, headers=headers).status_code == 404
    assert browser.post(REMOVE, data=fields).status_code == 303
    assert failed() == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://a.localhost"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost:81"},
    ],
    ids=str,
)
def test_a_page_of_others_cannot_act(
    browser: FlaskClient, failed: Callable[[], int], headers: dict[str, str]
) -> None:
    """Not even with the right token: some other page of this machine may have planted it."""
    fields = form(browser)
    for method in ("POST", "PUT", "PATCH", "DELETE", "PROPFIND"):
        answer = browser.open(REMOVE, method=method, data=fields, headers=headers)
        assert answer.status_code == 403
        assert "not of this dashboard" in answer.text
    assert failed() == 1


def test_without_the_token_nothing_is_done(browser: FlaskClient, failed: Callable[[], int]) -> None:
    """Nor with that of somebody else, nor in another form; and no other method takes the place of POST."""
    fields = form(browser)
    wrong = [
        {"data": {**fields, "token": ""}},
        {"data": {**fields, "token": "a" * 43}},
        {"data": {**fields, "token": fields["token"].lower()}},
        {"data": {key: value for key, value in fields.items() if key != "token"}},
        {"data": {"id": "f1", "confirmed": "1"}, "query_string": {"token": fields["token"]}},
        {"data": "&".join(f"{key}={value}" for key, value in fields.items()), "content_type": "text/plain"},
        {"json": fields},
        {"data": b"\xff" * 100, "content_type": "multipart/form-data; boundary=x"},
    ]
    for sent in wrong:
        answer = browser.post(REMOVE, **sent)
        assert answer.status_code == 403
        assert "Reload and try again" in answer.text
    for method in ("GET", "HEAD", "OPTIONS"):
        browser.open(REMOVE, method=method, query_string=fields, headers={"X-HTTP-Method-Override": "POST"})
        browser.open(REMOVE, method=method, query_string={**fields, "_method": "POST"})
        browser.open(REMOVE, method=method, data=fields)
    assert failed() == 1


def test_the_token_needs_its_cookie(dashboard: Opened, failed: Callable[[], int]) -> None:
    """It is bound to the browser; an empty one, or one that nobody has made, does not count."""
    other = dashboard()
    fields = form(dashboard())
    assert other.post(REMOVE, data=fields).status_code == 403
    for planted in ("", "x", "a" * 42):
        other.set_cookie(COOKIE, planted)
        assert other.post(REMOVE, data={**fields, "token": planted}).status_code == 403
    assert failed() == 1


def test_several_processes_need_no_secret(
    resque: Resque, dashboard: Opened, failed: Callable[[], int]
) -> None:
    """Whichever of them gets the form accepts it."""
    first, second = dashboard(), dashboard()
    fields = form(first)
    held = first.get_cookie(COOKIE)
    assert held is not None
    second.set_cookie(COOKIE, held.value)
    assert token_of(second.get("/failed")) == fields["token"]
    assert second.post(REMOVE, data=fields).status_code == 303
    assert failed() == 0


def test_the_cookie(browser: FlaskClient, failed: Callable[[], int]) -> None:
    """No script reads it, no other site sends it, and a page without a form does not set it."""
    assert "Set-Cookie" not in browser.get("/static/pyresque.css", buffered=True).headers
    plain = browser.get("/failed").headers["Set-Cookie"]
    assert plain.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "Path=/", "SameSite=Strict"} <= set(plain.split("; "))
    assert "Set-Cookie" not in browser.get("/failed").headers
    mounted = browser.get("/failed", base_url="https://localhost/jobs/").headers["Set-Cookie"]
    assert mounted.startswith(f"__Secure-{COOKIE}=")
    assert {"HttpOnly", "Path=/jobs/", "SameSite=Strict", "Secure"} <= set(mounted.split("; "))


def test_a_stale_form_can_be_sent_again(browser: FlaskClient, failed: Callable[[], int]) -> None:
    """What was typed is not lost; but only where the browser says that it is our own form."""
    fields = form(browser, reason='<b>"typed"')
    browser.delete_cookie(COOKIE)
    told = browser.post(REMOVE, data=fields)
    assert "Send again" not in told.text
    again = browser.post(REMOVE, data=fields, headers={"Sec-Fetch-Site": "same-origin"})
    assert again.status_code == 403
    assert "&lt;b&gt;&#34;typed&#34;" in again.text
    assert failed() == 1
    assert browser.post(REMOVE, data={**fields, "token": token_of(again)}).status_code == 303
    assert failed() == 0


@pytest.mark.parametrize("path", ["/", "/failed", "/static/pyresque.css", "/nothing", "//evil.example"])
def test_a_foreign_host_is_refused(browser: FlaskClient, path: str) -> None:
    """Whatever is asked for, before anything is told."""
    for host in ("evil.example", "localhost.evil.example", "evil.example:80", "", "localhost, evil.example"):
        answer = browser.get(path, headers={"Host": host})
        assert (answer.status_code, answer.mimetype) == (403, "text/plain")
        assert "resque:" not in answer.text
        assert "--allow-host" in answer.text
    assert browser.post(path, headers={"Host": "evil.example"}).status_code == 403


def test_hosts_can_be_allowed(dashboard: Opened) -> None:
    """Those of trusted origins are; `*` leaves it to whoever is in front."""
    named = dashboard(allowed_hosts=["jobs.example.com"], trusted_origins=["https://other.example.com"])
    for host, status in (("jobs.example.com", 200), ("other.example.com", 200), ("localhost", 403)):
        assert named.get("/", headers={"Host": host}).status_code == status
    assert dashboard(allowed_hosts=["*"]).get("/", headers={"Host": "any.example"}).status_code == 200


def test_behind_a_proxy_that_changes_the_host(dashboard: Opened, failed: Callable[[], int]) -> None:
    """The origin that the browser sees is named."""
    headers = {"Origin": "https://jobs.example.com"}
    refused = dashboard()
    assert refused.post(REMOVE, data=form(refused), headers=headers).status_code == 403
    browser = dashboard(trusted_origins=["https://jobs.example.com"])
    assert browser.post(REMOVE, data=form(browser), headers=headers).status_code == 303
    assert failed() == 0


def test_whoever_may_only_look_sees_no_button(dashboard: Opened, failed: Callable[[], int]) -> None:
    """By `read_only` as by `authorize`, and is refused."""
    for settings in ({"read_only": True}, {"authorize": lambda request: "read"},
                     {"read_only": True, "authorize": lambda request: "full"}):  # fmt: skip
        browser = dashboard(**settings)
        page = browser.get("/failed")
        assert page.status_code == 200
        assert "<form" not in page.text.replace('<form class="filters"', "")
        browser.set_cookie(COOKIE, "a" * 43)
        for method in ("POST", "PUT", "DELETE"):
            answer = browser.open(
                REMOVE, method=method, data={"token": "a" * 43, "id": "f1", "confirmed": "1"}
            )
            assert answer.status_code == 403
    assert failed() == 1


def test_whoever_may_nothing_is_told_nothing(dashboard: Opened, failed: Callable[[], int]) -> None:
    """Neither pages nor files. A mistake or an error of `authorize` lets nobody in."""
    for value in (None, "", "FULL", True, 1, "admin", ["full"], object()):
        browser = dashboard(authorize=lambda request, value=value: value)
        for path in ("/", "/failed", "/nothing", "/static/pyresque.css"):
            answer = browser.get(path)
            assert (answer.status_code, answer.mimetype) == (403, "text/plain")
    raising = dashboard(authorize=lambda request: 1 / 0)
    raising.application.config["PROPAGATE_EXCEPTIONS"] = False
    assert raising.get("/failed").status_code == 500
    assert "failure_id" not in raising.get("/failed").text


def test_authorize_may_answer_itself(dashboard: Opened) -> None:
    """With a way to a login, for example."""

    def authorize(request: Request) -> Any:
        return "full" if request.headers.get("X-User") else abort(redirect("/login"))

    browser = dashboard(authorize=authorize)
    assert browser.get("/failed").headers["Location"] == "/login"
    assert browser.get("/failed", headers={"X-User": "ada"}).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/", "/failed", "/nothing", "/static/pyresque.css", "/static/nothing", "/actions/x", "/failed?page=x"],
)
def test_every_answer_has_the_headers(browser: FlaskClient, path: str) -> None:
    """Pages, files and errors: nothing is loaded from elsewhere, and no other site shows it."""
    answers = [
        browser.open(path, method=method, buffered=True) for method in ("GET", "HEAD", "POST", "OPTIONS")
    ]
    for answer in [*answers, browser.get(path, headers={"Host": "evil.example"})]:
        headers = answer.headers
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert (
            headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
        )
        assert headers["Cache-Control"] == "no-store"


def test_a_broken_page_has_the_headers_too(resque: Resque) -> None:
    """A mistake of ours, with whatever was shown."""
    app = create_app(resque)
    app.add_url_rule("/broken", "broken", lambda: 1 / 0)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = app.test_client().get("/broken")
    assert answer.status_code == 500
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def test_files_are_kept_by_the_browser(browser: FlaskClient) -> None:
    """Those whose URL changes with their bytes."""
    [url] = [part for part in browser.get("/").text.split('"') if part.startswith("/static/pyresque.css?v=")]
    assert "immutable" in browser.get(url, buffered=True).headers["Cache-Control"]


def test_too_large_a_form_is_refused(browser: FlaskClient, failed: Callable[[], int]) -> None:
    """Before it is kept in memory, whatever it says of its length."""
    fields = form(browser)
    form_type = "application/x-www-form-urlencoded"
    part = b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n"
    answers = [
        browser.post(REMOVE, data={**fields, "x": "a" * 5_000_000}),
        browser.post(REMOVE, data=b"a&" * 2_000_000, content_type=form_type),
        browser.post(REMOVE, data=part * 5_000 + b"--x--", content_type="multipart/form-data; boundary=x"),
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [413, 413, 413]
    assert failed() == 1


@pytest.mark.parametrize(
    "back",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
     "javascript:alert(1)", "/a\r\nSet-Cookie: x=y", "evil.example", "", "/\u2028", "/..//evil\\x"],
)  # fmt: skip
def test_the_way_back_leads_nowhere_else(browser: FlaskClient, failed: Callable[[], int], back: str) -> None:
    """Whoever has sent the form."""
    answer = browser.post(REMOVE, data=form(browser, back=back))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize(
    "path", ["//evil.example", "//evil.example/../", "/\\evil.example", "///evil.example/failed/"]
)
def test_no_path_leads_elsewhere(browser: FlaskClient, path: str) -> None:
    """No address of ours sends a browser to another host."""
    answer = browser.get("/", environ_overrides={"PATH_INFO": path})
    assert (answer.status_code, answer.headers.get("Location")) == (404, None)


def test_a_mount_without_its_slash_leads_there(browser: FlaskClient) -> None:
    """By a path alone: the scheme may have been changed by a proxy."""
    answer = browser.get("/", environ_overrides={"PATH_INFO": "", "SCRIPT_NAME": "/jobs"})
    assert (answer.status_code, answer.headers["Location"]) == (308, "/jobs/")
