"""The dashboard inside other applications, with the real frameworks."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import django
import pytest
from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.contrib.admin.views.decorators import staff_member_required
from django.test import AsyncClient, Client
from django.urls import re_path
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client as WSGIClient

from pyresque import Resque
from pyresque.web import create_app
from pyresque.web.django import django_view

PAUSE = "/jobs/actions/queue.pause"
URLS = "tests_of_pyresque_urls"


class Person:
    """Whoever the application knows as logged in."""

    is_authenticated = is_active = True

    def __init__(self, name: str) -> None:
        self.name, self.is_staff = name, name == "ada"

    def get_username(self) -> str:
        return self.name


def knows_people(get_response: Callable[..., Any]) -> Callable[..., Any]:
    """A middleware of Django's: the header says who it is."""

    def middleware(request: Any) -> Any:
        request.user = Person(request.headers.get("X-Test-User", "eve"))
        return get_response(request)

    return middleware


@pytest.fixture(scope="module")
def urls() -> Iterator[ModuleType]:
    """A project of Django's, whose URLs each test sets."""
    module = sys.modules[URLS] = ModuleType(URLS)
    module.knows_people = knows_people  # type: ignore[attr-defined]
    settings.configure(
        SECRET_KEY="x", ROOT_URLCONF=URLS, ALLOWED_HOSTS=["testserver"], USE_TZ=True, LOGIN_URL="/login",
        MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware", f"{URLS}.knows_people"],
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
    )  # fmt: skip
    django.setup()
    yield module
    del sys.modules[URLS]


@pytest.fixture
def in_django(urls: ModuleType, resque: Resque) -> None:
    """The dashboard below /jobs, for staff."""
    from django.urls import clear_url_caches

    resque.link.execute("SADD", "resque:queues", "mail/a b", "..")
    view = staff_member_required(django_view(create_app(resque, allowed_hosts=["*"])), login_url="/login")
    urls.urlpatterns = [re_path(r"^jobs(?P<path>/.*)?$", view)]  # type: ignore[attr-defined]
    clear_url_caches()


def token_in(text: str) -> str:
    return re.findall(r'name="token" value="([^"]+)"', text)[0]


def test_a_view_of_django(in_django: None, resque: Resque) -> None:
    """For staff only, with its own check of forms; odd names, files and the log of actions as elsewhere."""
    client = Client(enforce_csrf_checks=True, headers={"X-Test-User": "ada"})
    assert Client().get("/jobs/").headers["Location"].startswith("/login")
    assert client.get("/jobs").headers["Location"] == "/jobs/"
    page = client.get("/jobs/queues")
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    links = re.findall(r'href="(/[^"]*)"', page.text)
    assert links
    assert all(link.startswith("/jobs/") for link in links)
    assert (
        client.get("/jobs/queues/~..").status_code == client.get("/jobs/queues/mail/a%20b").status_code == 200
    )
    assert client.get("/jobs/static/pyresque.css").headers["Content-Type"].startswith("text/css")
    assert client.get("/jobs/nothing").status_code == 404
    fields = {"token": token_in(page.text), "queue": "mail/a b", "back": "/jobs/queues"}
    assert client.post(PAUSE, {**fields, "token": ""}).status_code == 403
    assert client.post(PAUSE, fields, headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.post(PAUSE, fields, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert not resque.paused()
    done = client.post(PAUSE, fields, headers={"Origin": "http://testserver"})
    assert done.status_code == 303, done.text
    assert (done.status_code, done.headers["Location"]) == (303, "/jobs/queues")
    assert resque.paused().queues == ["mail/a b"]
    assert "ada" in client.get("/jobs/audit").text
    assert client.get("/jobs/", headers={"Host": "evil.example"}).status_code == 400
    assert client.post(PAUSE, {**fields, "x": "a" * 3_000_000}).status_code == 413


def test_a_view_of_django_under_asgi(in_django: None, resque: Resque) -> None:
    """The same view, called by Django's own handler for ASGI."""

    async def act() -> list[int]:
        client, ada = AsyncClient(), {"X-Test-User": "ada"}
        page = await client.get("/jobs/queues", headers=ada)
        fields = {"token": token_in(page.text), "queue": "mail/a b"}
        refused = await client.post(PAUSE, {**fields, "token": "x"}, headers=ada)
        done = await client.post(PAUSE, fields, headers=ada)
        return [page.status_code, refused.status_code, done.status_code]

    assert asyncio.run(act()) == [200, 403, 303]
    assert resque.paused().queues == ["mail/a b"]


def test_below_another_flask(resque: Resque) -> None:
    """Under a path, by werkzeug's dispatcher."""
    outer: Any = Flask("outer")
    outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/jobs": create_app(resque)})
    client = WSGIClient(outer)
    resque.link.execute("SADD", "resque:queues", "mail")
    page = client.get("/jobs/queues")
    assert page.status_code == 200
    assert all(link.startswith("/jobs/") for link in re.findall(r'href="(/[^"]*)"', page.text))
    assert client.get("/queues").status_code == 404
    fields = {"token": token_in(page.text), "queue": "mail", "back": "/jobs/queues"}
    assert client.post(PAUSE, data={**fields, "token": ""}).status_code == 403
    done = client.post(PAUSE, data=fields)
    assert (done.status_code, done.headers["Location"]) == (303, "/jobs/queues")
    assert resque.paused().queues == ["mail"]


def test_below_an_asgi_app(resque: Resque) -> None:
    """As FastAPI and Starlette mount it: the mount is the root_path."""

    async def asked(host: str) -> tuple[int, bytes]:
        app: Any = WSGIMiddleware(create_app(resque), workers=1)
        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": "/jobs/queues",
            "root_path": "/jobs", "query_string": b"", "headers": [(b"host", host.encode())],
            "client": ("127.0.0.1", 1), "server": ("localhost", 80), "asgi": {"version": "3.0"},
        }  # fmt: skip
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, send)
        app.executor.shutdown()
        return sent[0]["status"], b"".join(one.get("body", b"") for one in sent)

    status, body = asyncio.run(asked("localhost"))
    assert (status, b'href="/jobs/failed"' in body) == (200, True)
    assert asyncio.run(asked("evil.example"))[0] == 403
