"""One Resque, or several by their names: each has the same pages, then below `/at/NAME`.

A page has its Resque as `g.resque`, and `url_for` stays with it; so pages know nothing of the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, abort, g, redirect, url_for
from werkzeug import Response

from pyresque.client.resque import Resque
from pyresque.errors import ConfigError
from pyresque.web.url_names import slug

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

_AT = "resque_at"
"""The part of a URL that says which one is meant."""


class Several:
    """The Resques of a dashboard.

    Args:
        resques: one, or a mapping of names.

    Raises:
        ConfigError: there is none, or a name is empty.
    """

    def __init__(self, resques: Resque | Mapping[str, Resque]) -> None:
        self.named = {} if isinstance(resques, Resque) else dict(resques)
        if not isinstance(resques, Resque) and (not self.named or "" in self.named):
            raise ConfigError("give a Resque, or several as {'name': resque, ...}")
        self._by_slug = {slug(name): (name, resque) for name, resque in self.named.items()}
        self.first = resques if isinstance(resques, Resque) else next(iter(self.named.values()))

    @property
    def all(self) -> list[Resque]:
        """Every one of them."""
        return list(self.named.values()) or [self.first]

    def register(self, app: Flask, pages: Blueprint) -> None:
        """Give the app pages, for each of the Resques."""
        prefix = f"/at/<{_AT}>" if self.named else ""
        app.register_blueprint(pages, url_prefix=prefix + (pages.url_prefix or ""))

    def serve(self, app: Flask) -> None:
        """Let each request know its Resque. Call it after `access.guard`: names are not for all."""
        app.before_request(self._at_hand)
        if not self.named:
            return
        app.add_url_rule("/", "first", self._to_first)

        @app.url_value_preprocessor
        def note(_: str | None, values: dict[str, Any] | None) -> None:
            g.at = (values or {}).pop(_AT, None)

        @app.url_defaults
        def fill(endpoint: str, values: dict[str, Any]) -> None:
            if app.url_map.is_endpoint_expecting(endpoint, _AT):
                values.setdefault(_AT, self.here())

    def here(self) -> str:
        """The one that the request is about, as in its URL."""
        at = g.get("at")
        return at if at in self._by_slug else next(iter(self._by_slug), "")

    @property
    def name(self) -> str:
        """The name of the one that the request is about."""
        return self._by_slug[self.here()][0] if self.named else ""

    def links(self) -> list[tuple[str, str, bool]]:
        """Of each its name, its first page, and whether it is the one at hand; empty if there is only one."""
        if len(self.named) < 2:
            return []
        return [
            (name, url_for("overview.home", resque_at=at), at == self.here())
            for at, (name, _) in self._by_slug.items()
        ]

    def _at_hand(self) -> None:
        at = g.get("at")
        if self.named and at is not None and at not in self._by_slug:
            abort(404, "This dashboard has nothing of this name.")
        g.resque = self._by_slug[self.here()][1] if self.named else self.first

    def _to_first(self) -> ResponseReturnValue:
        answer: Response = redirect(url_for("overview.home"), 302)
        return answer
