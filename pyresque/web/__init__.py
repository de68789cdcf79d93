"""The dashboard: `create_app(resque)` is a WSGI app, and `pyresque web` serves it (docs/dashboard.md).

Flask is an extra, `pyresque[web]`; only this package imports it, and only when the app is made.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyresque.web.app import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import flask  # noqa: F401 (is it there?)
    except ImportError as error:
        raise ImportError("The dashboard needs Flask: pip install 'pyresque[web]'") from error
    return getattr(import_module("pyresque.web.app"), name)
