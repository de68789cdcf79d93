"""The dashboard under the framework's own client."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pyresque import Resque
from pyresque.web import create_app


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
