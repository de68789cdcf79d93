"""What a supervisor asks: whether this process answers (/healthz), and whether Redis does (/readyz)."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, g, request

from pyresque.errors import RedisError
from pyresque.store.connection import server
from pyresque.web.several import Several

pages = Blueprint("probes", __name__)
"""For the app as a whole, whichever Resques it shows."""


@pages.get("/healthz")
def healthz() -> Response:
    """The process answers. Redis is not asked: to restart the dashboard would not bring it back."""
    return _told("ok", 200)


@pages.get("/readyz")
def readyz() -> Response:
    """Each Redis that is shown answers; else 503, and why."""
    several: Several = current_app.extensions["pyresque_several"]
    for resque in several.all:
        try:
            server.ping(resque.link)
        except RedisError as error:
            return _told(str(error), 503)
    return _told("ok", 200)


def _told(text: str, code: int) -> Response:
    return Response(f"{text}\n", code, mimetype="text/plain")


def ask_redis() -> None:
    """Before a page is made: whether Redis answers. If not, that is told at once, and not after many tries.

    Raises:
        RedisError: it does not.
    """
    if request.endpoint is not None and request.endpoint != "static" and request.blueprint != pages.name:
        server.ping(g.resque.link)
