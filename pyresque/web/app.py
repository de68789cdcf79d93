"""`create_app`: the dashboard put together out of its pages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, g, render_template, request, url_for
from werkzeug.exceptions import HTTPException

from pyresque._version import __version__
from pyresque.errors import (
    InvalidSelection,
    InvalidTime,
    RedisRefused,
    RedisTooOld,
    RedisUnavailable,
    ResqueError,
)
from pyresque.web import acting, delayed, failed, filters, overview

if TYPE_CHECKING:
    from pyresque.client.resque import Resque

STATIC = Path(__file__).parent / "static"
PAGES = (overview.pages, failed.pages, delayed.pages, acting.pages)
"""Everything there is to see, in no order: each module has the pages of one group."""

NAVIGATION = (
    ("overview.home", "Overview"),
    ("failed.listing", "Failed"),
    ("delayed.seconds", "Delayed"),
)
"""The pages at the top, as an endpoint and its name."""

REDIS_ERRORS = (RedisUnavailable, RedisRefused, RedisTooOld)


def create_app(resque: Resque, *, read_only: bool = False, title: str | None = None) -> Flask:
    """The dashboard of one Resque, as a WSGI app.

    Args:
        resque: what is shown. It may be used by others at the same time.
        read_only: whether all actions are refused, and their buttons not shown.
        title: the name at the top; the namespace unless it is given.
    """
    app = Flask(__name__)
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.config["MAX_CONTENT_LENGTH"] = 4 * 1024 * 1024
    app.jinja_env.filters.update(filters.FILTERS)
    for pages in PAGES:
        app.register_blueprint(pages)
    app.before_request(_at_hand(resque))
    app.context_processor(_for_every_page(read_only, title or resque.space.keys.namespace))
    _show_errors(app)
    return app


def _at_hand(resque: Resque) -> Callable[[], None]:
    def at_hand() -> None:
        g.resque = resque

    return at_hand


def _for_every_page(read_only: bool, title: str) -> Callable[[], dict[str, Any]]:
    def values() -> dict[str, Any]:
        return {
            "asset": _asset,
            "may_act": not read_only,
            "navigation": NAVIGATION,
            "notice": acting.notice(),
            "title": title,
            "token": "",
            "version": __version__,
        }

    return values


def _asset(name: str) -> str:
    """The URL of a static file, which changes with its bytes: browsers may keep it for ever."""
    return url_for("static", filename=name, v=_digest(name))


@lru_cache
def _digest(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def _show_errors(app: Flask) -> None:
    """Every error is a page of ours: what happened, and what to do next."""

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[str, int]:
        return _error(error.name, error.description or "", error.code or 500)

    @app.errorhandler(ResqueError)
    def failed_with(error: ResqueError) -> tuple[str, int]:
        if isinstance(error, REDIS_ERRORS):
            return _error("Redis cannot be used", str(error), 503)
        wrong = isinstance(error, (InvalidSelection, InvalidTime))
        return _error("That cannot be done", str(error), 400 if wrong else 409)


def _error(name: str, text: str, code: int) -> tuple[str, int]:
    return render_template("error.html", name=name, text=text, code=code, path=request.path), code
