"""Locks: held by one, found again by whoever took it, freed by nobody else."""

import time

import pytest

from pyresque.keys import Keys
from pyresque.store import locks
from pyresque.store.locks import Guard, Held, Offer
from pyresque.store.space import Space

KEY, OTHER = "resque:lock:a", "resque:lock:other"


@pytest.fixture
def space(resque):
    return resque.space


def queue(space, name="q"):
    return space.link.execute("LRANGE", space.keys.queue(name), 0, -1)


def test_a_lock_is_held_by_one_and_found_again_by_its_owner(space):
    held = locks.take(space, KEY, 60, "one")
    assert held is not None
    assert locks.take(space, KEY, 60, "another") is None
    assert locks.take(space, KEY, 60, "one") is not None  # whose answer was lost
    assert locks.owner(space, KEY) == Held(KEY, held.until, "one")
    assert not locks.is_rubys(space, KEY)


def test_only_its_owner_frees_it(space):
    held = locks.take(space, KEY, 60, "one")
    assert not locks.free(space, Held(KEY, held.until, "another"))
    assert locks.free(space, held)
    assert not locks.free(space, held)
    assert locks.owner(space, KEY) is None
    locks.take(space, KEY, 60, "one")
    locks.forget(space, KEY)
    assert space.link.execute("EXISTS", KEY, locks.owner_key(space, KEY)) == 0


@pytest.mark.parametrize(("until", "is_free"), [(-1, True), (60, False)])
def test_a_lock_of_rubys_is_over_when_its_second_is(space, until, is_free):
    space.link.execute("SET", KEY, int(time.time()) + until)
    assert locks.is_rubys(space, KEY)
    assert (locks.take(space, KEY, 60, "one") is not None) == is_free


def test_a_lock_goes_only_with_what_it_is_thought_to_hold(space):
    space.link.execute("SET", KEY, "ours")
    assert not locks.release(space, KEY, "theirs")
    assert locks.release(space, KEY, "ours")


def test_a_job_is_pushed_with_its_locks_or_not_at_all(space):
    guard = Guard(space, KEY, OTHER, 60)
    offers = [
        Offer("q", b"1", [guard]),
        Offer("q", b"2", [guard]),
        Offer("q", b"3"),
        Offer("q", b"4", at_front=True),
    ]
    assert locks.offer(space, offers) == [True, False, True, True]
    assert queue(space) == [b"4", b"1", b"3"]
    locks.take(space, OTHER, 60, "a worker")
    locks.forget(space, KEY)
    assert locks.offer(space, [Offer("q", b"5", [guard])]) == [False]
    assert space.link.execute("EXISTS", KEY) == 0


def test_a_lock_on_another_server_is_taken_before_and_given_back_where_nothing_was_pushed(space, resque):
    """`is_same` asks for the server: here the other one is another database of it."""
    from pyresque import Resque

    elsewhere = Resque(f"redis://:{resque.link.target.password}@{resque.link.address}/1")
    elsewhere.link.execute("FLUSHDB")
    there = Space(elsewhere.link, Keys("resque"))
    guard = Guard(there, KEY, OTHER, 60)
    try:
        assert locks.taken_with(space, [guard], "attempt") == []
        assert locks.taken_with(space, [guard], "attempt") == []  # made again, it finds its own
        assert locks.taken_with(space, [guard], "another") is None
        locks.keep(space, [guard], "attempt")
        assert locks.taken_with(space, [guard], "attempt") is None  # the push was made: that was another's
        locks.give_back(space, [guard], "attempt")
        assert locks.owner(there, KEY) is not None
        locks.give_back(space, [guard], "attempt made")
        assert locks.owner(there, KEY) is None
    finally:
        elsewhere.link.execute("FLUSHDB")
        elsewhere.close()
