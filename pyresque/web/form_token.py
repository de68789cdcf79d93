"""The token of forms: a random cookie that each form repeats, so that no page of others can write such a
form.

The cookie alone holds it: every process that serves the dashboard accepts it, without a secret that they
share. A page of another origin can neither read the cookie nor (SameSite) have it sent with what it posts.
"""

from __future__ import annotations

import hmac
import re
import secrets

from flask import Response, g, request

FIELD = "token"
"""The field of a form that holds it."""
COOKIE = "pyresque_token"

_FORM = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def cookie_name() -> str:
    """The name of the cookie. Under https it has a prefix, and no page of plain http can set it."""
    return f"__Secure-{COOKIE}" if request.is_secure else COOKIE


def token() -> str:
    """The token for the forms of this answer; the browser gets it as a cookie unless it has one."""
    held = _held()
    if held:
        return held[0]
    if "form_token" not in g:
        g.form_token = secrets.token_urlsafe(32)
    return str(g.form_token)


def is_right() -> bool:
    """Whether the form repeats the token of the browser's cookie."""
    given = request.form.get(FIELD, "").encode()
    # A dashboard whose path begins this one may have a cookie, too.
    return any(hmac.compare_digest(one.encode(), given) for one in _held())


def keep(response: Response) -> Response:
    """Give the browser the token if a form of the answer has a new one."""
    if "form_token" in g:
        response.set_cookie(
            cookie_name(),
            g.form_token,
            path=mount(),
            secure=request.is_secure,
            httponly=True,
            samesite="Strict",
        )
    return response


def mount() -> str:
    """The path below which the dashboard is, for its cookies."""
    return f"{request.script_root.rstrip('/')}/"


def _held() -> list[str]:
    return [one for one in request.cookies.getlist(cookie_name()) if _FORM.fullmatch(one)]
