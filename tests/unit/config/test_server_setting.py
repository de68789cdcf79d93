"""The server setting in all its forms; no part of a password is shown."""

import pytest

from pyresque.config import (
    Server,
    parse_server,
)  # fmt: skip
from pyresque.errors import ConfigError
from pyresque.store.connection.address import Address

SECRET = "s3c"
LEAKS = [
    "redis://:s3cret@h:1/x", "redis://:s3cret@h:port/0", "redis://:s3cret@h/with/slash", "redis://:s3c/ret@h:1/0",
    "redis://:s3c#ret@h:1/0", "redis://:s3c?ret@h:1/0", "redis://:s3c@ret@h:1/x", ":s3cret@h:1", "s3cret@h:1",
    "user:s3cret@h:1/0", "Redis://:s3cret@h:1/0", "http://:s3cret@h:1/0", "redis://h:1/0?password=s3cret&db=x",
    "redis://h:1/zz?password=s3cret", "redis+sentinel://:s3cret@h:1/", "redis+sentinel://h:x/svc?sentinel_password=s3cret",
    "redis+sentinel://h:1/svc?sentinel_password=s3cret&db=q", "redis+sentinel://h:1/svc/q?sentinel_password=s3cret",
    "unix:///nope?password=s3cret&db=q", "redis://[::1:s3cret@x", "redis:s3cret@h", "redis//:s3cret@h:1/0",
    "redis:/:s3cret@h:1/0", "redis://:s3cret:h:1", "redis://user:s3cret:h:1/x", "rediss://:s3cret@[::1/0",
    "redis://h:1/zz#s3cret", "redis+sentinel://:s3c#ret@h:1/svc", "redis+sentinel://:s3c/ret@h:1/svc",
    "unix://:s3c/ret@/tmp/x?db=y", ":s3cret",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "url", "namespace"),
    [
        ("localhost", "redis://localhost:6379/0", None),
        ("localhost:7000", "redis://localhost:7000/0", None),
        ("localhost:7000:2", "redis://localhost:7000/2", None),
        ("localhost:7000/app", "redis://localhost:7000/0", "app"),
        ("localhost:7000:2/app", "redis://localhost:7000/2", "app"),
        ("localhost/app", "redis://localhost:6379/0", "app"),
        ("h:7000/a/b", "redis://h:7000/0", "a/b"),
        ("h:7000/app:one", "redis://h:7000/0", "app:one"),
        ("h:7000/", "redis://h:7000/0", ""),
        (" h:7000 ", "redis://h:7000/0", None),
        ("redis://h:7000/2", "redis://h:7000/2", None),
        ("redis://h", "redis://h", None),
        ("rediss://user:p%40w@h:7000/2", "rediss://user:p%40w@h:7000/2", None),
        ("redis://[::1]:7000/1", "redis://[::1]:7000/1", None),
        ("redis://h:1/2/", "redis://h:1/2", None),
        ("redis://h:1/", "redis://h:1", None),
        ("redis://h:1/2#note", "redis://h:1/2", None),
        ("redis://h:1/4?db=4", "redis://h:1/4?db=4", None),
        ("redis://:a:b@h:1/4", "redis://:a:b@h:1/4", None),
        ("unix:///tmp/redis.sock?db=1", "unix:///tmp/redis.sock?db=1", None),
    ],
)
def test_forms_of_the_server_setting(text, url, namespace):
    """Every form that Ruby Resque takes, and unix:// of ours."""
    assert parse_server(text) == Server(url, namespace)


@pytest.mark.parametrize(
    "text",
    ["", "/app", "h:port", "h:0", "h:70000", "h:1:x", "a b", "[::1]:7000", "redis://h:1/app", "redis://h:1/2/app",
     "redis://h:1//2", "REDIS://h", "valkey://h", "http://h", "redis://h:port", "redis://h:99999"],
)  # fmt: skip
def test_server_settings_that_cannot_be_read(text):
    """Each is a ConfigError that shows the text."""
    with pytest.raises(ConfigError) as caught:
        parse_server(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    "text", ["redis://h:1?db=4", "redis://h:1/?db=4", "redis://h:1/2?db=4", "redis://h/0?db=x"]
)
def test_a_database_in_the_query_is_refused_with_the_form_that_every_ruby_reads(text):
    """redis-rb 4 ignores it, newer ones take it where the path has none."""
    with pytest.raises(ConfigError, match=r"redis://host:port/[43]"):
        parse_server(text)


@pytest.mark.parametrize("text", LEAKS)
def test_no_part_of_a_password_is_shown(text):
    """Errors go to logs; a password may hold any character, and stand in the query."""
    with pytest.raises(ConfigError) as caught:
        Address.parse(parse_server(text).url)
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "username", "password"),
    [
        ("redis://:p%25w@h/0", "", "p%w"),
        ("redis://u:p%40@h/0", "u", "p@"),
        ("redis://secret@h/0", "", "secret"),
        ("unix:///tmp/s?password=p%2525", "", "p%25"),
        ("redis://h/0", "", ""),
    ],
)
def test_login(url, username, password):
    """Percent-encoded once; without a colon it is the password, as in redis-rb since 5."""
    found = Address.parse(parse_server(url).url)
    assert (found.username, found.password) == (username, password)
