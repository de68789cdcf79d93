"""How a worker bears an outage of Redis: as long as it takes, but not beyond its own end."""

import time
from types import SimpleNamespace

import pytest

from pyresque.errors import RedisRefused, RedisRejected, RedisUnavailable
from pyresque.worker.outages import Outages


class Link:
    """As much of a link as is hurried."""

    let_in = False
    deadline = float("inf")


class Listener:
    """Waits for nothing, and counts."""

    def __init__(self, after=None):
        self.shutdown = SimpleNamespace(asked=False, insisted=False)
        self.waits, self._after = 0, after or {}

    def wait(self, seconds):
        self.waits += 1
        for name in self._after.get(self.waits, ()):
            setattr(self.shutdown, name, True)


def away(times, result="done", error=None):
    left = [times]

    def write():
        if left[0]:
            left[0] -= 1
            raise error or RedisUnavailable("away", maybe_done=False)
        return result

    return write


def test_it_is_written_however_long_that_takes():
    listener = Listener()
    assert Outages(Link(), listener, 60).persist(away(20)) == "done"
    assert listener.waits == 20


def test_what_redis_will_never_take_is_the_callers():
    with pytest.raises(RedisRejected):
        Outages(Link(), Listener(), 60).persist(away(1, error=RedisRejected("too large")))


@pytest.mark.parametrize(("outlasts", "after"), [(False, {3: ["asked"]}), (True, {3: ["asked", "insisted"]})])
def test_a_worker_that_leaves_hurries_and_gives_up(monkeypatch, outlasts, after):
    monkeypatch.setattr("pyresque.worker.outages.LEAVE_SECONDS", 0.05)
    link, listener = Link(), Listener(after)
    outages = Outages(link, listener, 60)
    link.deadline = time.monotonic() + 1_000
    with pytest.raises(RedisUnavailable):
        outages.persist(away(10_000_000), outlasts_shutdown=outlasts)
    assert link.deadline < time.monotonic() + 999


def test_at_its_start_a_worker_waits_only_so_long():
    with pytest.raises(RedisUnavailable):
        Outages(Link(), Listener(), 0).begin(away(1))
    listener = Listener()
    assert Outages(Link(), listener, 600).begin(away(5))
    assert listener.waits == 5


def test_who_is_not_let_in_at_its_start_is_told_at_once():
    listener = Listener()
    with pytest.raises(RedisRefused):
        Outages(Link(), listener, 600).begin(away(1, error=RedisRefused("wrong password")))
    assert listener.waits == 0


def test_a_worker_that_is_told_to_leave_before_it_could_begin_does():
    assert not Outages(Link(), Listener({2: ["asked"]}), 600).begin(away(10_000))
