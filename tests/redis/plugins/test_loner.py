"""Loner on the keys of resque-lock-timeout; what Ruby would write stands there as commands.

See docs/protocol/core.md#resque-lock-timeout.
"""

from __future__ import annotations

import time

import pytest

from pyresque import Resque, job
from pyresque.plugins import Loner
from pyresque.registry import Registry
from pyresque.testing.redis_server import DevRedis
from tests.faultproxy import FaultProxy
from tests.redis.plugins.conftest import Works
from tests.redis.plugins.exclusive import FUTURE, LOCK, LONER, PAST, exclusive, left
from tests.redis.plugins.failing import errors, note, seen, value


def test_a_loner_is_enqueued_once(resque: Resque, works: Works) -> None:
    """`enqueue` answers None until the job has begun."""
    run = exclusive(resque, Loner(resque, timeout=500))
    assert [resque.enqueue(run, 1, "a"), resque.enqueue(run, 1, "a"), resque.enqueue(run, 1, "b")] == [
        True,
        None,
        True,
    ]
    assert int(value(resque, LONER) or 0) - int(time.time()) in range(490, 501)
    works.burst()
    assert (left(resque), len(seen(resque))) == (set(), 2)
    assert resque.enqueue(run, 1, "a") is True


@pytest.mark.parametrize(("key", "held"), [(LONER, "true"), (LONER, FUTURE), (LOCK, "true"), (LOCK, FUTURE)])
def test_what_ruby_has_enqueued_or_runs_is_not_enqueued(resque: Resque, key: str, held: str) -> None:
    """Its keys count as ours."""
    resque.link.execute("SET", key, held)
    assert resque.enqueue(exclusive(resque, Loner(resque)), 1, "a") is None
    assert resque.size("q") == 0


@pytest.mark.parametrize("key", [LONER, LOCK])
def test_what_has_expired_does_not_count(resque: Resque, key: str) -> None:
    """A second that is over."""
    resque.link.execute("SET", key, PAST)
    assert resque.enqueue(exclusive(resque, Loner(resque)), 1, "a") is True


@pytest.mark.parametrize("fork", [True, False])
def test_a_loner_of_ruby_is_freed_when_it_begins_here(resque: Resque, works: Works, fork: bool) -> None:
    """Its key holds `true` and would never go by itself."""
    noted = []
    run = exclusive(resque, Loner(resque), body=lambda: note(resque, f"loner {value(resque, LONER)}"))
    noted.append(run)
    resque.link.execute("SET", LONER, "true")
    resque.enqueue("Exclusive", 1, "a", queue="q")
    works.burst(fork=fork)
    assert seen(resque) == ["lock None", "loner None"]
    assert left(resque) == set()


def test_a_loner_that_fails_before_it_begins_is_freed(resque: Resque, works: Works) -> None:
    """Arguments that do not fit."""
    plugin = Loner(resque)

    @job(queue="q", name="Exclusive", plugins=[plugin], registry=resque.registry)
    def run(number: int, text: str) -> None: ...

    resque.link.execute("SET", "resque:loner:lock:Exclusive:x", "true")
    resque.enqueue("Exclusive", "x", queue="q")
    works.burst()
    assert (errors(resque), left(resque)) == (["ArgumentError"], set())


def test_a_loner_that_fails_leaves_the_key_of_the_next_one(resque: Resque, works: Works) -> None:
    """Which was enqueued while it ran."""

    def again() -> None:
        resque.link.execute("SET", LONER, "true")
        raise ValueError

    resque.enqueue(exclusive(resque, Loner(resque), body=again), 1, "a")
    works.burst()
    assert (errors(resque), value(resque, LONER)) == (["ValueError"], "true")


def test_a_loner_that_is_dequeued_is_freed(resque: Resque) -> None:
    """It can be enqueued again at once."""
    run = exclusive(resque, Loner(resque))
    resque.enqueue(run, 1, "a")
    assert resque.dequeue(run, 1, "a") == 1
    assert left(resque) == set()


def test_a_loner_whose_answer_was_lost_is_enqueued(resque: Resque, server: DevRedis) -> None:
    """At each command of `enqueue`: the push is repeated, with its lock, and knows that it was there."""
    with FaultProxy(server) as proxy:
        number, hit = 0, True
        while hit:
            resque.link.execute("FLUSHALL")
            proxy.begin()
            fault = proxy.arm("drop", number) if number else None
            through = Resque(proxy.url, registry=Registry())
            assert through.enqueue(exclusive(through, Loner(through)), 1, "a") is True
            through.close()
            hit, number = number == 0 or bool(fault and fault.hits), number + 1
            proxy.begin()
            assert resque.size("q") == 1
        assert number > 2
