"""Counters, whoever has written them."""

from __future__ import annotations

import pytest

from pyresque import Resque
from pyresque.store import stats


def test_a_counter(resque: Resque) -> None:
    """Added to, read, cleared."""
    assert [stats.increase(resque.space, "x"), stats.increase(resque.space, "x", 41)] == [1, 42]
    assert stats.read(resque.space, ["x", "y"]) == [42, 0]
    stats.clear(resque.space, "x")
    assert stats.read(resque.space, ["x"]) == [0]


@pytest.mark.parametrize("value", ["", "many", "1.5", "1_000", "\udcff"])
def test_what_is_not_a_number_counts_as_nothing(resque: Resque, value: str) -> None:
    resque.link.execute("SET", resque.space.keys.stat("x"), value)
    assert stats.read(resque.space, ["x"]) == [0]


def test_a_key_of_another_type(resque: Resque) -> None:
    """It is shown as nothing, and is left alone."""
    resque.link.execute("RPUSH", resque.space.keys.stat("x"), "a")
    assert stats.read(resque.space, ["x"]) == [0]
    assert resque.link.execute("LLEN", resque.space.keys.stat("x")) == 1
