"""Pauses on resque-pause's keys."""

from __future__ import annotations

from pyresque import Resque
from pyresque.store import pauses


def test_one_queue_and_all(resque: Resque) -> None:
    """The pause of all counts for each; each ends by itself."""
    space = resque.space
    pauses.pause(space, "a")
    assert [pauses.is_paused(space, name) for name in ("a", "b", None)] == [True, False, False]
    pauses.pause(space, None)
    assert [pauses.is_paused(space, name) for name in ("a", "b", None)] == [True, True, True]
    pauses.resume(space, None)
    assert [pauses.is_paused(space, name) for name in ("a", "b", None)] == [True, False, False]
    pauses.resume(space, "a")
    assert not pauses.is_paused(space, "a")


def test_the_keys_are_those_of_the_gem(resque: Resque) -> None:
    """What Ruby has paused is paused here."""
    namespace = resque.space.keys.namespace
    resque.link.execute("SET", f"{namespace}:pause:queue:a", "true")
    assert pauses.is_paused(resque.space, "a")
    pauses.pause(resque.space, None)
    assert resque.link.execute("GET", f"{namespace}:pause:all") == b"true"
