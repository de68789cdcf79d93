"""Failures as records: key order, splicing of the payload, cleaning of texts.

See docs/protocol/core.md#the-failure-record.
"""

import json
import time

import pytest

from pyresque.errors import ConfigError
from pyresque.failure import Backend, Failure, Redis, RedisMultiQueue, backend_named
from pyresque.keys import Keys

KEYS = Keys("app")


@pytest.fixture
def failure(monkeypatch):
    """A failure at a known moment of Berlin."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield Failure(b'{"class":"A","args":[1.50]}', "E", "m", ["l1", "l2"], "h:1:q", "q", "id", 1795457254.9)
    monkeypatch.undo()
    time.tzset()


RECORD = (
    b'{"failed_at":"2026/11/23 19:07:34 CET","payload":{"class":"A","args":[1.50]},"exception":"E",'
    b'"error":"m","backtrace":["l1","l2"],"worker":"h:1:q","queue":"q","failure_id":"id"}'
)


def test_the_record_is_ruby_s(failure):
    """Eight keys in Ruby's order; the payload stands in it byte for byte."""
    assert failure.record() == RECORD


def test_without_an_id_there_are_seven_keys():
    """As Ruby before 3.1, and with failure ids switched off."""
    record = Failure(b"null", "E", "m", [], "w", "q", None).record()
    assert record.endswith(
        b',"payload":null,"exception":"E","error":"m","backtrace":[],"worker":"w","queue":"q"}'
    )


def test_texts_that_are_no_unicode_are_cleaned():
    """Lone surrogates, as undecodable bytes arrive in Python, become `?` in every text."""
    record = Failure(b"{}", "E\ud800", "m\udcff", ["l\udc80"], "w\udcfe", "q\ud900é", None).record()
    assert '"exception":"E?","error":"m?","backtrace":["l?"],"worker":"w?","queue":"q?é"'.encode() in record


@pytest.mark.parametrize(("style", "text"), [("ruby", b"<&>"), ("rails", rb"\u003c\u0026\u003e")])
def test_the_style_is_used(style, text):
    """Rails escapes in records too."""
    assert b'"error":"' + text + b'"' in Failure(b"{}", "E", "<&>", [], "w", "q").record(style)


def test_what_the_two_backends_of_redis_do(failure):
    """The commands that belong to a failure."""
    assert list(Redis().effects(failure, KEYS, "ruby")) == [("RPUSH", "app:failed", RECORD)]
    assert list(RedisMultiQueue().effects(failure, KEYS, "ruby")) == [
        ("SADD", "app:failed_queues", "q_failed"), ("RPUSH", "app:q_failed", RECORD),
    ]  # fmt: skip


def test_a_subclass_need_only_write_save(failure):
    """The base class does nothing by itself."""
    assert Backend().save(failure) is None
    assert list(Backend().effects(failure, KEYS, "ruby")) == []


def test_backends_by_name():
    """The names of FAILURE_BACKEND."""
    assert type(backend_named("redis")) is Redis
    assert type(backend_named("redis_multi_queue")) is RedisMultiQueue
    with pytest.raises(ConfigError, match="redis or redis_multi_queue"):
        backend_named("airbrake")


def test_the_short_form_of_a_failure():
    """Class and the beginning of the text; the job whole, for it may be retried."""
    failure = Failure(b'{"class":"A"}', "E" * 999, "m" * 9_999, ["l"] * 99, "w", "q", "id")
    found = json.loads(failure.short().record())
    assert (found["payload"], found["backtrace"], found["failure_id"]) == ({"class": "A"}, [], "id")
    assert found["error"].startswith("m" * 1_900)
    assert "did not take the whole record" in found["error"]
    assert len(failure.short().record()) < 3_000
