"""What every answer tells the browser: to load nothing from elsewhere, and to show it in no other page."""

from __future__ import annotations

from flask import Flask, Response, request

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""The Content-Security-Policy: no script and no style but our own files, wherever a value may end up."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: browsers then call the origin of our own forms null.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}

_FOR_EVER = "private, max-age=31536000, immutable"
"""For a file whose URL changes with its bytes."""


def add(app: Flask) -> None:
    """Put the headers on every answer of the app: pages, files, errors."""

    @app.after_request
    def with_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        is_kept = request.endpoint == "static" and "v" in request.args and response.status_code in (200, 304)
        response.headers["Cache-Control"] = _FOR_EVER if is_kept else "no-store"
        if not is_kept:
            response.headers.pop("ETag", None)
            response.headers.pop("Last-Modified", None)
        location = response.headers.get("Location", "")
        if location.startswith(request.host_url):
            # Werkzeug's own redirects name the scheme, which a proxy may have changed.
            response.headers["Location"] = "/" + location.removeprefix(request.host_url).lstrip("/\\")
        return response
