"""`create_app`: the dashboard put together out of its pages."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, g, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.local import LocalProxy

from pyresque._version import __version__
from pyresque.client.wrong_keys import WrongKey, wrong_keys
from pyresque.errors import (
    InvalidSelection,
    InvalidTime,
    RedisError,
    RedisRefused,
    RedisReplied,
    RedisTooOld,
    RedisUnavailable,
    ResqueError,
)
from pyresque.web import (
    access,
    acting,
    audit_log,
    classes,
    delayed_jobs,
    failure,
    filters,
    form_token,
    headers,
    history,
    metrics,
    overview,
    probes,
    queues,
    schedule_form,
    search,
    settings,
    stats,
    url_names,
    workers,
)
from pyresque.web.hosts import LOOPBACK
from pyresque.web.scheduler_settings import UNKNOWN, Schedulers
from pyresque.web.secrets import DEFAULT_SECRETS, Secrets
from pyresque.web.several import Several

if TYPE_CHECKING:
    from pyresque.client.resque import Resque

STATIC = Path(__file__).parent / "static"
PAGES = (
    overview.pages,
    queues.pages,
    search.pages,
    failure.pages,
    workers.pages,
    schedule_form.pages,
    delayed_jobs.pages,
    classes.pages,
    history.pages,
    metrics.pages,
    stats.pages,
    acting.pages,
    audit_log.pages,
    settings.pages,
)
"""Everything there is to see, in no order: each module has the pages of one group."""

NAVIGATION = (
    ("overview.home", "Overview"),
    ("queues.listing", "Queues"),
    ("failed.listing", "Failed"),
    ("workers.listing", "Workers"),
    ("delayed.seconds", "Delayed"),
    ("schedule.listing", "Schedule"),
    ("classes.listing", "Classes"),
    ("history.history", "History"),
    ("stats.resque", "Stats"),
    ("search.search", "Search"),
)
"""The pages at the top, as an endpoint and its name."""

REDIS_ERRORS = (RedisUnavailable, RedisRefused, RedisTooOld)


LARGEST = 4 * 1024 * 1024
"""Bytes of a form, at most: arguments that are edited."""


def create_app(
    resque: Resque | Mapping[str, Resque],
    *,
    read_only: bool = False,
    authorize: access.Authorize | None = None,
    allowed_hosts: Iterable[str] = LOOPBACK,
    trusted_origins: Iterable[str] = (),
    filter_args: Iterable[str] = DEFAULT_SECRETS,
    title: str | None = None,
    schedulers: Schedulers = UNKNOWN,
) -> Flask:
    """The dashboard, as a WSGI app.

    Args:
        resque: what is shown; several by their names. They may be used by others at the same time.
        read_only: whether all actions are refused, and their buttons not shown.
        authorize: tells of a request (Flask's) what it may do: `"full"`, `"read"`, or None for nothing.
            Without it everybody who can reach the app may do everything.
        allowed_hosts: the names that the app answers to; `.example.com` means all names of a domain, `*` any.
        trusted_origins: as which the browser knows the app, such as `https://jobs.example.com`, where a proxy
            changes the Host.
        filter_args: words in the names of arguments that are not shown, beside those that never are.
        title: the name at the top; the namespace, or the name of the Resque, unless it is given.
        schedulers: how the schedulers are started: their options, and their schedule file.

    Raises:
        ConfigError: one of these cannot be used.
    """
    app = Flask(__name__)
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True, "finalize": filters.writable}
    app.config |= {"MAX_CONTENT_LENGTH": LARGEST, "MAX_FORM_MEMORY_SIZE": LARGEST}
    app.url_map.merge_slashes = False
    app.url_map.converters["path"] = url_names.NameConverter
    app.extensions["pyresque_secrets"] = Secrets(filter_args)
    app.extensions["pyresque_schedulers"] = schedulers
    app.jinja_env.filters.update(filters.FILTERS)
    several = Several(resque)
    for pages in PAGES:
        several.register(app, pages)
    access.guard(
        app,
        allowed_hosts=allowed_hosts,
        trusted_origins=trusted_origins,
        authorize=authorize,
        read_only=read_only,
    )
    several.serve(app)
    app.url_defaults(url_names.make_writable)
    app.extensions["pyresque_several"] = several
    app.register_blueprint(probes.pages)
    app.before_request(probes.ask_redis)
    headers.add(app)
    app.context_processor(_for_every_page(several, title))
    _show_errors(app)
    return app


def _for_every_page(several: Several, title: str | None) -> Callable[[], dict[str, Any]]:
    def values() -> dict[str, Any]:
        return {
            "asset": _asset,
            "look": settings.look(),
            "may_act": access.may_act(),
            "navigation": NAVIGATION,
            "notice": acting.notice(),
            "request_url": url_names.here,
            "resques": several.links(),
            "title": title or several.name or several.first.space.keys.namespace,
            "token": LocalProxy(form_token.token),  # made only where a form needs it
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
            return _redis_down(error)
        if isinstance(error, RedisReplied):
            return _wrong_key(error)
        wrong = isinstance(error, (InvalidSelection, InvalidTime))
        return _error("That cannot be done", str(error), 400 if wrong else 409)


def _redis_down(error: ResqueError) -> tuple[str, int]:
    """The page that stands for every other one as long as Redis cannot be used."""
    link = g.resque.link
    return render_template("redis_down.html", error=error, address=link.address, database=link.database), 503


def _wrong_key(error: RedisReplied) -> tuple[str, int]:
    """A key holds something else than Resque keeps there: which one, and what to do."""
    keys: list[WrongKey] = []
    with contextlib.suppress(RedisError):
        keys = wrong_keys(g.resque.space)
    return render_template("wrong_key.html", error=error, keys=keys), 503


def _error(name: str, text: str, code: int) -> tuple[str, int]:
    return render_template("error.html", name=name, text=text, code=code, path=request.path), code
