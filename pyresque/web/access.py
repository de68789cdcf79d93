"""Who may look, and who may act. Nothing else of the dashboard decides that.

In this order: the Host (hosts.py), and who it is (`authorize`). For what may change something also: whether
they may act, whether a page of our own asked for it (hosts.py), and the token of its form (form_token.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from flask import Flask, Request, Response, abort, g, make_response, render_template, request

from pyresque.log import Log
from pyresque.web import form_token
from pyresque.web.hosts import LOOPBACK, AllowedHosts, Origin, is_own_page, trusted

logger = Log("pyresque.web")

Level = Literal["full", "read"]
Authorize = Callable[[Request], Level | None]
"""Tells what whoever sends a request may do: everything, look, or (None) nothing."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that change nothing."""
PROBES = ("probes.healthz", "probes.readyz")
"""What asks for these knows neither our name nor a password; they tell nothing but whether all is well."""

FOR_ALL = ("settings.choose",)
"""What changes nothing but a cookie of the browser: whoever may look may do that, too."""

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 5_000
"""Fields of a form: each takes far more time and memory than its bytes."""


@dataclass(frozen=True)
class Rules:
    """Who may do what in one app."""

    hosts: AllowedHosts
    origins: frozenset[Origin]
    authorize: Authorize | None
    read_only: bool


def guard(
    app: Flask,
    *,
    allowed_hosts: Iterable[str] = LOOPBACK,
    trusted_origins: Iterable[str] = (),
    authorize: Authorize | None = None,
    read_only: bool = False,
) -> None:
    """Let the app answer only those who may ask. It is to be called before anything else wants requests.

    Args:
        app: the dashboard.
        allowed_hosts: see `AllowedHosts`. The hosts of trusted origins are allowed, too.
        trusted_origins: as which the browser knows the dashboard, where a proxy changes the Host.
        authorize: tells what a request may do. It may abort with an answer of its own, such as a redirect to
            a login, and set `flask.g.user` to the name of whoever it is (else REMOTE_USER says).
        read_only: nobody may act.

    Raises:
        ConfigError: a host or an origin is not one.
    """
    origins = trusted(trusted_origins)
    hosts = AllowedHosts([*allowed_hosts, *(one.host.name for one in origins)])
    rules = Rules(hosts, origins, authorize, read_only)
    app.extensions["pyresque_access"] = rules
    app.before_request(lambda: _check(rules))
    app.after_request(form_token.keep)


def _check(rules: Rules) -> Response | None:
    """Refuse the request unless everything about it is as it must be."""
    g.level = None
    if request.endpoint in PROBES and request.method in SAFE:
        return None
    host = request.headers.get("Host", "")
    if not rules.hosts.allows(host):
        logger.warning("refused the host %r", host)
        abort(_plain(403, _WRONG_HOST))
    g.level = _level(rules)
    if g.level is None:
        abort(_plain(403, "You may not look at this dashboard.\n"))
    return None if request.method in SAFE else _check_action(rules)


def _level(rules: Rules) -> Level | None:
    found = "full" if rules.authorize is None else rules.authorize(request)
    if found not in ("full", "read", None):
        logger.error("authorize must return 'full', 'read' or None, not %r: nobody is let in", found)
        return None
    return "read" if found and rules.read_only else found


def _check_action(rules: Rules) -> Response | None:
    if not may_act() and request.endpoint not in FOR_ALL:
        abort(
            403,
            "This dashboard is for reading only." if rules.read_only else "You may look here, but not act.",
        )
    is_own = is_own_page(request.headers, rules.origins)
    if is_own is False:
        logger.warning(
            "refused a %s that came from %r", request.method, request.headers.get("Origin", "elsewhere")
        )
        abort(403, _FOREIGN_PAGE)
    if request.mimetype == FORM and request.get_data().count(b"&") > MOST_FIELDS:
        abort(413, "The form has too many fields.")
    return None if form_token.is_right() else _stale(is_own)


def _stale(is_own: bool | None) -> Response:
    """The answer to a form whose token is not the browser's (any more).

    What was typed is not lost: where the browser says that it is our own form, it can be sent again.
    """
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != form_token.FIELD]
    again = fields if is_own and request.method == "POST" else []
    return make_response(render_template("stale.html", fields=again), 403)


def may_act() -> bool:
    """Whether whoever sends this request may change anything."""
    return bool(g.get("level") == "full")


def who() -> str:
    """Who sends this request: the name of their login, else their address."""
    return str(g.get("user") or request.remote_user or request.remote_addr or "somebody")


def _plain(status: int, text: str) -> Response:
    """An answer to those who may see nothing, not even the frame of our pages."""
    return Response(text, status, mimetype="text/plain")


_WRONG_HOST = """\
The dashboard does not answer to this host name.

If the name is right, allow it: pyresque web --allow-host NAME, or create_app(..., allowed_hosts=[...]).
"""

_FOREIGN_PAGE = (
    "This came from a page that is not of this dashboard, so it was not done. If a proxy in front of the "
    "dashboard changes the Host, name the address that you see in the browser: pyresque web --trusted-origin "
    "https://..., or create_app(..., trusted_origins=[...])."
)
