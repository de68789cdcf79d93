"""A member of a pool: the process that runs it, and when the next one starts."""

import os
from types import SimpleNamespace

import pytest

from pyresque.worker.pool.lifeline import Lifeline
from pyresque.worker.pool.members import DONE, PoolMember


@pytest.fixture
def member():
    return PoolMember(SimpleNamespace(name="mail", overlaps=False, status=lambda: 0))


def started(member):
    lifeline = Lifeline()
    lifeline.hold()
    member.taken(4711, lifeline)


def test_a_member_is_coming_until_it_is_ready(member):
    """Its process says so, once."""
    assert not member.is_coming
    lifeline = Lifeline()
    say = os.dup(lifeline._say)
    lifeline.hold()
    member.taken(4711, lifeline)
    member.listen()
    assert (member.is_coming, member.ready) == (True, False)
    os.write(say, b"!")
    os.close(say)
    member.listen()
    assert (member.is_coming, member.ready) == (False, True)
    member.left(0)


def test_one_that_has_left_in_order_is_started_again_at_once(member):
    """And never again where it says that nothing is left to do."""
    started(member)
    assert (member.left(0), member.failed) == (0.0, False)
    started(member)
    assert (member.left(DONE), member.failed, member.due) == (0.0, False, float("inf"))


def test_one_that_dies_is_started_again_after_growing_waits(member):
    """An orderly end begins anew."""
    waits = []
    for _ in range(3):
        started(member)
        waits.append(member.left(1))
    assert 0 < waits[0] < waits[1] < waits[2]
    assert member.is_coming
    started(member)
    member.left(0)
    started(member)
    assert member.left(1) < waits[1]


def test_one_that_cannot_be_started_is_tried_again(member, caplog):
    """The log says so once, until it has been started."""
    member.refused(OSError("no room"))
    member.refused(OSError("no room"))
    assert member.is_coming
    assert len(caplog.records) == 1
    started(member)
    member.left(0)
    member.refused(OSError("no room"))
    assert len(caplog.records) == 2
