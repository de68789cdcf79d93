"""Recording failures with whatever backend there is: never without a record.

See docs/protocol/core.md#failures.
"""

import re

import pytest

from pyresque.errors import MalformedPayload
from pyresque.failure import Backend, Failure, Multiple, Recorder, Redis, RedisMultiQueue
from pyresque.keys import Keys
from pyresque.store.space import Space

SPACE = Space(link=None, keys=Keys("app"))
FAILURE = Failure(b"{}", "E", "m", [], "w", "q")


class Own(Backend):
    def save(self, failure):
        """It is kept elsewhere."""


class Broken(Backend):
    def save(self, failure):
        raise ConnectionError("away")


def lists(backend):
    """The lists in Redis that get a record, after the backend's own `save` was called."""
    recorder = Recorder(SPACE, backend)
    effects = recorder.effects(FAILURE, recorder.save(FAILURE))
    return [command[1] for command in effects if command[0] == "RPUSH"]


def test_ids_are_random_uuids():
    """Version 4, in lower case, another each time; None where they are off."""
    recorder = Recorder(SPACE, Redis())
    one, other = recorder.new_id(), recorder.new_id()
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one)
    assert one != other
    assert Recorder(SPACE, Redis(), failure_ids=False).new_id() is None


def test_a_failure_says_what_an_error_says():
    """Ruby's name for what Ruby knows, the whole text, and an id of its own."""
    error = MalformedPayload("not JSON")
    error.add_note("a note")
    failure = Recorder(SPACE, Redis()).failure(error, b"{}", "host:1:q", None)
    assert (failure.exception, failure.error) == ("Resque::Helpers::DecodeException", "not JSON\na note")
    assert (failure.payload, failure.worker, failure.queue) == (b"{}", "host:1:q", None)
    assert failure.failure_id is not None
    assert failure.backtrace == []
    lines = Recorder(SPACE, Redis()).failure(error, b"", "w", "q", ("a.py:1",)).backtrace
    assert lines == ["a.py:1"]


@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        (Redis(), ["app:failed"]), (RedisMultiQueue(), ["app:q_failed"]), (Own(), []),
        (Multiple(Redis(), RedisMultiQueue()), ["app:failed", "app:q_failed"]),
        (Multiple(Own(), Redis()), ["app:failed"]),
        (Broken(), ["app:failed"]), (Multiple(Broken(), Broken()), ["app:failed"]),
        (Backend(), ["app:failed"]),
        (Multiple(Broken(), RedisMultiQueue()), ["app:q_failed"]),
    ],
)  # fmt: skip
def test_where_a_failure_is_recorded(backend, expected):
    """Where the backends say; in `failed` if none of them has it."""
    assert lists(backend) == expected
