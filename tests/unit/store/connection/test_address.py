"""Where Redis is, read from a URL; no message shows a password."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyresque.errors import ConfigError
from pyresque.store.connection.address import Address

TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=0x3000), min_size=1, max_size=12)


@given(user=TEXT, password=TEXT, port=st.integers(1, 65535), db=st.integers(0, 99))
def test_whatever_a_login_holds(user: str, password: str, port: int, db: int) -> None:
    """Quoted, it comes out as it went in."""
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    address = Address.parse(f"redis://{login}@example.org:{port}/{db}")
    assert (address.username, address.password) == (user, password)
    assert (address.host, address.port, address.db) == ("example.org", port, db)
    assert str(address) == f"example.org:{port}"
    assert f"password={password!r}" not in repr(address)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://", "localhost:6379"),
        ("redis://[::1]:7000/1", "::1:7000"),
        ("unix:///run/redis.sock?db=2", "/run/redis.sock"),
        ("redis+sentinel://a:1,b/main/3", "main of sentinels a:1,b:26379"),
    ],
)
def test_what_is_shown_of_it(url: str, shown: str) -> None:
    """The place, as messages have it."""
    assert str(Address.parse(url)) == shown


def test_tls_is_on_only_where_the_scheme_says_so() -> None:
    """Its options are taken from the query."""
    assert Address.parse("redis://h?ssl_certfile=c.pem").tls is None
    assert Address.parse("rediss://h?ssl_certfile=c.pem&other=1").tls == {"ssl_certfile": "c.pem"}


@pytest.mark.parametrize(
    "tail", ["h:0", "h:65536", "h:port", "h/x", "[::1", "h:1:2x"]
)  # fmt: skip
def test_what_cannot_be_read(tail: str) -> None:
    """A ConfigError, without the password."""
    with pytest.raises(ConfigError, match="as a Redis server") as caught:
        Address.parse(f"redis://ann:se-cret@{tail}")
    assert "se-cret" not in str(caught.value)
