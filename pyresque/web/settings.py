"""What this dashboard is set to, and what readers choose for themselves: colours, how often pages refresh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, current_app, g, make_response, redirect, render_template, request, url_for
from werkzeug import Response

from pyresque._version import __version__
from pyresque.web import access, form_token
from pyresque.web.hosts import ANY_ADDRESS, ANY_NAME
from pyresque.web.secrets import DEFAULT_SECRETS

pages = Blueprint("settings", __name__)

COOKIE = "pyresque_look"
"""Keeps what somebody has chosen, such as `dark.10`."""
THEMES = (("auto", "as the system"), ("light", "light"), ("dark", "dark"))
REFRESHES = (
    ("2", "every 2 s"),
    ("5", "every 5 s"),
    ("15", "every 15 s"),
    ("60", "every minute"),
    ("0", "never"),
)
PROGRAMS = (
    "metrics.metrics",
    "metrics.stats_json",
    "metrics.stats_txt",
    "probes.healthz",
    "probes.readyz",
)
"""What programs ask for."""
_A_YEAR = 365 * 86400


@dataclass(frozen=True)
class Look:
    """What somebody has chosen."""

    theme: str = "auto"
    refresh: str = "5"


def chosen(theme: str, refresh: str) -> Look:
    """These, where they can be chosen; else what nobody has chosen."""
    usual = Look()
    return Look(
        theme if theme in dict(THEMES) else usual.theme,
        refresh if refresh in dict(REFRESHES) else usual.refresh,
    )


def look() -> Look:
    """What the sender of this request has chosen."""
    theme, _, refresh = request.cookies.get(COOKIE, "").partition(".")
    return chosen(theme, refresh)


@pages.get("/settings")
def show() -> str:
    """The settings."""
    return render_template(
        "settings.html",
        rows=_rows(),
        themes=THEMES,
        refreshes=REFRESHES,
        programs=[url_for(endpoint) for endpoint in PROGRAMS],
    )


@pages.post("/settings")
def choose() -> Response:
    """Keep what somebody has chosen, in a cookie: nothing in Redis changes."""
    wanted = chosen(request.form.get("theme", ""), request.form.get("refresh", ""))
    answer = redirect(url_for("settings.show"), 303)
    answer.set_cookie(
        COOKIE,
        f"{wanted.theme}.{wanted.refresh}",
        max_age=_A_YEAR,
        path=form_token.mount(),
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )
    return make_response(answer)


def _rows() -> list[tuple[str, Any, str]]:
    """Name, value, and how it is changed."""
    rules: access.Rules = current_app.extensions["pyresque_access"]
    words = current_app.extensions["pyresque_secrets"].words
    more = [word for word in words if word not in DEFAULT_SECRETS]
    return [
        ("Version", __version__, ""),
        ("Redis", g.resque.link.database, "--redis"),
        ("Namespace", g.resque.space.keys.namespace, "--namespace"),
        ("You are", access.who(), ""),
        ("You may", "look and act" if access.may_act() else "look", "--password-file, authorize"),
        ("Read only", "yes" if rules.read_only else "no", "--read-only"),
        ("Hosts that are answered", ", ".join(map(_host, rules.hosts.names)), "--allow-host"),
        ("Trusted origins", ", ".join(sorted(map(str, rules.origins))) or "none", "--trusted-origin"),
        ("Hidden besides the usual secrets", ", ".join(more) or "nothing", "--filter"),
        ("Jobs that are known here", f"{len(g.resque.registry.jobs()):,}", "-r, --require"),
    ]


def _host(name: str) -> str:
    return {ANY_NAME: "any", ANY_ADDRESS: "any IP address"}.get(name, name)
