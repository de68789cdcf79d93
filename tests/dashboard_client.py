"""A browser before the dashboard that sends the token with its forms, as a page of the dashboard would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pyresque import Resque
from pyresque.web import create_app
from pyresque.web.form_token import COOKIE, FIELD

TOKEN = "t" * 43


class Browser(FlaskClient):
    """Flask's own client; what it posts has the token, also where the page was asked by another one."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request."""
        data = kwargs.get("data")
        if kwargs.get("method") == "POST" and (data is None or isinstance(data, Mapping)):
            self.set_cookie(COOKIE, TOKEN)
            kwargs["data"] = {**(data or {}), FIELD: TOKEN}
        return super().open(*args, **kwargs)


def browser_before(resque: Resque | Mapping[str, Resque], **settings: Any) -> FlaskClient:
    """A browser before a dashboard with these settings."""
    app = create_app(resque, **settings)
    app.test_client_class = Browser
    return app.test_client()
