"""Several failure backends at once (docs/protocol/core.md#several-backends)."""

import pytest

from pyresque.errors import BackendError
from pyresque.failure import Backend, Failure, Multiple, Redis, RedisMultiQueue
from pyresque.keys import Keys

FAILURE = Failure(b"{}", "E", "m", [], "w", "q")


class Keeps(Backend):
    def __init__(self):
        self.kept = []

    def save(self, failure):
        self.kept.append(failure)


class Broken(Backend):
    def save(self, failure):
        raise ConnectionError('no "tracker"\n')


class AlsoBroken(Backend):
    def save(self, failure):
        raise LookupError("é #{x}")


def test_every_backend_gets_the_same_failure():
    """In the listed order, one object with one failure_id."""
    first, second = Keeps(), Keeps()
    Multiple(first, second).save(FAILURE)
    assert first.kept == second.kept == [FAILURE]


def test_one_that_raises_does_not_stop_the_others():
    """All are tried; then BackendError names those that raised as Ruby does."""
    keeps = Keeps()
    with pytest.raises(BackendError) as caught:
        Multiple(Broken(), keeps, AlsoBroken()).save(FAILURE)
    assert keeps.kept == [FAILURE]
    assert str(caught.value) == (
        'Some backends raise error: Broken:ConnectionError:"no \\"tracker\\"\\n"; '
        'AlsoBroken:LookupError:"é \\#{x}"'
    )


def test_the_effects_of_all_in_their_order():
    """What Redis has to do for each, and nothing for those that save elsewhere."""
    keys = Keys("app")
    multiple = Multiple(RedisMultiQueue(), Broken(), Redis())
    assert [command[:2] for command in multiple.effects(FAILURE, keys, "ruby")] == [
        ("SADD", "app:failed_queues"), ("RPUSH", "app:q_failed"), ("RPUSH", "app:failed"),
    ]  # fmt: skip


def test_multiple_of_multiple():
    """They can be nested, and be empty."""
    keeps = Keeps()
    Multiple(Multiple(keeps), Multiple()).save(FAILURE)
    assert keeps.kept == [FAILURE]
