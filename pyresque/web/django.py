"""The dashboard as a view among the URLs of Django, under WSGI and ASGI.

    dashboard = staff_member_required(django_view(create_app(resque, allowed_hosts=["*"])))
    urlpatterns = [re_path(r"^jobs(?P<path>/.*)?$", dashboard)]

Django's own check of cross-site requests is left out for the view: the dashboard has its own. Django checks
the Host (ALLOWED_HOSTS) only if it is asked to: the view asks, before the dashboard sees the request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_OF_THE_MOUNT = ("PATH_INFO", "SCRIPT_NAME")


def django_view(app: WSGIApp) -> Callable[..., HttpResponse]:
    """A view that answers with the app.

    Args:
        app: what `create_app` gives. The rest of the path must come as `path`, as in `(?P<path>/.*)?$`.
    """

    def view(request: HttpRequest, path: str | None = None) -> HttpResponse:
        try:
            body = request.body
        except RequestDataTooBig:
            return HttpResponse("The form is too large.\n", status=413, content_type="text/plain")
        return _answered(app, _environ(request, path or "", body))

    exempt: Callable[..., HttpResponse] = csrf_exempt(view)
    return exempt


def _environ(request: HttpRequest, path: str, body: bytes) -> dict[str, Any]:
    """The request as WSGI has it, with the mount as SCRIPT_NAME."""
    # Under WSGI these are all there is; under ASGI Django makes them the same way.
    given = {name: value for name, value in request.META.items() if isinstance(value, str)}
    user = getattr(request, "user", None)
    name = user.get_username() if user is not None and user.is_authenticated else ""
    mount = request.path.removesuffix(path) if path else request.path
    return {
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        **given,
        "HTTP_HOST": request.get_host(),  # raises where it is not in ALLOWED_HOSTS
        "REQUEST_METHOD": request.method or "GET",
        "SCRIPT_NAME": _of_wsgi(mount.rstrip("/")),
        "PATH_INFO": _of_wsgi(path),
        "REMOTE_USER": name,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme or "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def _of_wsgi(path: str) -> str:
    """A path as WSGI writes it: each byte one character."""
    return path.encode("utf-8", "surrogateescape").decode("latin-1")


def _answered(app: WSGIApp, environ: dict[str, Any]) -> HttpResponse:
    started: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], _error: object = None) -> None:
        started.append((status, headers))

    pieces = app(environ, start)
    try:
        content = b"".join(pieces)
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
    status, headers = started[-1]
    answer = HttpResponse(content, status=int(status.split()[0]), reason=status.partition(" ")[2])
    del answer["Content-Type"]
    for name, value in headers:
        if name.lower() == "set-cookie":
            answer.cookies.load(value)
        else:
            answer[name] = value
    return answer
