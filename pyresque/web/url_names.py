"""Names in URLs: a queue, a worker or a key may be called anything, and a path may not.

A path loses `.`, `..` and empty segments on its way through browsers and proxies, and bytes that are not
UTF-8. So a segment that is one of these gets a `~` in front, and one that begins with `~` another one. Every
other name is in the URL as it is.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from flask import current_app, request
from werkzeug.routing import BaseConverter

from pyresque.web.names import raw_bytes, shown

_LOST = ("", ".", "..")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BYTES = "~="
"""Before the quoted bytes of a segment that is not UTF-8."""
_PLAIN = "!$&'()*+,:;=@~/"
"""What is not quoted in a path, beside letters and digits."""


class NameConverter(BaseConverter):
    """Takes the place of werkzeug's `path`: `<path:queue>` is any name."""

    part_isolating = False
    regex = "(?s:.*?)"
    weight = 200

    def to_python(self, value: str) -> str:
        """The name."""
        return "/".join(map(_read, value.split("/")))

    def to_url(self, value: str) -> str:
        """The name as a part of a path."""
        return "/".join(map(_written, str(value).split("/")))


def _written(segment: str) -> str:
    if _SURROGATE.search(segment):
        return _BYTES + quote(quote(raw_bytes(segment), safe=""), safe="")
    if segment in _LOST or segment.startswith("~"):
        segment = f"~{segment}"
    return quote(segment, safe=_PLAIN)


def _read(segment: str) -> str:
    if segment.startswith(_BYTES):
        return unquote_to_bytes(segment.removeprefix(_BYTES)).decode("utf-8", "surrogateescape")
    return segment.removeprefix("~")


def make_writable(endpoint: str, values: dict[str, Any]) -> None:
    r"""Make what is going to be the query of a URL text: bytes that are not UTF-8 are written as `\xff`."""
    rules = current_app.url_map.iter_rules(endpoint)
    in_path = {name for rule in rules for name in rule.arguments}
    for name, value in values.items():
        if isinstance(value, str) and name not in in_path and not value.isascii():
            values[name] = shown(value)


def slug(name: str) -> str:
    """A name as one segment of a path, with `~` and its bytes in hex for what is special there."""
    kept = re.compile(r"[A-Za-z0-9_-]|(?<=[A-Za-z0-9_-])\.")
    return "".join(
        one if kept.match(name, at) else "".join(f"~{byte:02X}" for byte in raw_bytes(one))
        for at, one in enumerate(name)
    )


def here() -> str:
    """Where this request is, for a link or a way back: its path, quoted again, and its query."""
    query = quote(request.query_string, safe=f"{_PLAIN}?%")
    path = quote(request.script_root + request.path, safe=_PLAIN)
    return f"{path}?{query}" if query else path
