"""The dashboard under the framework's own client."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pyresque import Resque
from pyresque.web import create_app
from pyresque.web.form_token import COOKIE


@pytest.fixture
def dashboard(resque: Resque) -> Callable[..., FlaskClient]:
    """A browser before a dashboard with these settings."""

    def opened(**settings: Any) -> FlaskClient:
        return create_app(settings.pop("resque", resque), **settings).test_client()

    return opened


@pytest.fixture
def browser(dashboard: Callable[..., FlaskClient]) -> FlaskClient:
    """A browser before a dashboard as it is without settings."""
    return dashboard()


def token_of(answer: TestResponse) -> str:
    """The token in the forms of a page."""
    found = re.search(r'name="token" value="([^"]+)"', answer.text)
    assert found is not None
    return found[1]


@pytest.fixture
def act(browser: FlaskClient) -> Callable[..., str]:
    """Does an action, with all its rounds, and tells what the browser shows then."""

    def done(name: str, *rows: str, confirmed: bool = True, **fields: str) -> str:
        browser.set_cookie(COOKIE, "a" * 43)
        data: dict[str, Any] = {"token": "a" * 43, "back": "/failed", **fields}
        data |= {"row": list(rows)} if rows else {}
        data |= {"confirmed": "1"} if confirmed else {}
        answer = browser.post(f"/actions/{name}", data=data)
        while answer.status_code == 200 and "data-go-on" in answer.text:
            going_on = re.findall(r'name="(after|done)" value="([^"]*)"', answer.text)
            data |= {key: html.unescape(value) for key, value in going_on}
            answer = browser.post(f"/actions/{name}", data=data)
        if answer.status_code != 303:
            return answer.text
        return browser.get(data["back"]).text

    return done
