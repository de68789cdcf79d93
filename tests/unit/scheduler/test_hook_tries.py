"""How often the scheduler tries application code that gets no answer from Redis."""

from __future__ import annotations

from pyresque.errors import RedisReplied, RedisUnavailable
from pyresque.scheduler.hook_tries import HookTries

AWAY = RedisUnavailable("away", maybe_done=False)


def test_one_thing_is_tried_five_times() -> None:
    """Then it is given up, so that it does not hold up what comes behind it."""
    tries = HookTries()
    assert [tries.another("a", AWAY) for _ in range(6)] == [True, True, True, True, False, False]


def test_another_thing_begins_anew() -> None:
    tries = HookTries()
    assert [tries.another(thing, AWAY) for thing in "aaaabaaaaa"] == [True] * 9 + [False]


def test_other_errors_are_not_worth_a_try() -> None:
    """Nor what only says of itself that it is one."""

    class Pretender(Exception):
        __class__ = RedisUnavailable  # type: ignore[assignment]

    tries = HookTries()
    assert not tries.another("a", RedisReplied("WRONGTYPE"))
    assert not tries.another("a", Pretender())
