"""A browser before the dashboard that sends the token with its forms, as a page of the dashboard would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.test import TestResponse

from pyresque import Resque
from pyresque.web import create_app
from pyresque.web.form_token import COOKIE, FIELD

TOKEN = "t" * 43


class Compiled(BytecodeCache):
    """The templates that were compiled already, by whichever app of these tests."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give a template, if it is there."""
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template."""
        self._kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = Compiled()


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
    app.jinja_env.bytecode_cache = _COMPILED
    app.test_client_class = Browser
    return app.test_client()
