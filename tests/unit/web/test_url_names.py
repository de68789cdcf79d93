"""Names in URLs: any name comes back as it was, through what browsers do to a path."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes, urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as some
from werkzeug.routing import Map, Rule

from pyresque.web.url_names import NameConverter, slug

URLS = Map(
    [Rule("/queues/<path:name>", endpoint="queue"), Rule("/queues", endpoint="queues")], merge_slashes=False
)
URLS.converters["path"] = NameConverter
for rule in (Rule("/q/<path:name>", endpoint="q"), Rule("/q/<path:name>/at/<int:n>", endpoint="at")):
    URLS.add(rule)
ADAPTER = URLS.bind("localhost")

ODD = ["", ".", "..", "/", "//", "a//b", "/a", "a/", "../..", "a/../b", "~", "~~", "~=x", "~/..", "a b",
       "a%2fb", "a?b", "a#b", "a;b", "a\nb", "a\n", "\n",
       "\x00", "é/ü", "*", "\udcff", "a/\udc80\udcff%", "<b>", "100%25", "\\", "a:b,c:1"]  # fmt: skip


def through_a_browser(url: str) -> str:
    """The path as a server decodes it, after a browser has resolved it."""
    resolved = urljoin("http://localhost/queues/x", url).removeprefix("http://localhost").partition("?")[0]
    return unquote_to_bytes(resolved.partition("#")[0]).decode("utf-8", "replace")


@pytest.mark.parametrize("name", ODD)
def test_odd_names(name: str) -> None:
    """Dots and empty segments, what is special in a URL, bytes that are not UTF-8."""
    url = ADAPTER.build("q", {"name": name})
    assert url.isascii()
    assert not any(part in ("", ".", "..") for part in url.split("/")[2:])
    assert ADAPTER.match(through_a_browser(url)) == ("q", {"name": name})
    url = ADAPTER.build("at", {"name": name, "n": 3})
    assert ADAPTER.match(through_a_browser(url)) == ("at", {"name": name, "n": 3})


PIECES = some.sampled_from(["/", ".", "~", "=", "%", "2", "a", "\udc80", "é", "?", ":"])


@given(some.lists(PIECES, max_size=8).map("".join))
def test_any_name(name: str) -> None:
    """However these are put together."""
    assert ADAPTER.match(through_a_browser(ADAPTER.build("q", {"name": name}))) == ("q", {"name": name})


@given(some.sets(some.lists(PIECES, max_size=5).map("".join), min_size=2, max_size=5))
def test_slugs(names: set[str]) -> None:
    """One segment that nothing changes, another one for each name."""
    slugs = {slug(name) for name in names}
    assert len(slugs) == len(names)
    assert all(set(one) <= set("abcdefghijklmnopqrstuvwxyzABCDEF0123456789~.-_") for one in slugs)
    assert not slugs & {".", ".."}
