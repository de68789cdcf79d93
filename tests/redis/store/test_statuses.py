"""Statuses on resque-status' keys."""

from __future__ import annotations

from pyresque import Resque
from pyresque.store import statuses


def test_the_newest_come_first(resque: Resque) -> None:
    """In pages; one that has expired leaves a gap."""
    space = resque.space
    for second in range(4):
        statuses.write(space, f"id{second}", b"%d" % second, None)
        statuses.add(space, f"id{second}", second)
    resque.link.execute("UNLINK", space.keys.status("id2"))
    assert list(statuses.newest(space, 0, None)) == [b"3", None, b"1", b"0"]
    assert list(statuses.newest(space, 1, 2)) == [None, b"1"]
    assert list(statuses.newest(space, 0, 0)) == []
    statuses.remove_until(space, 1)
    assert list(statuses.newest(space, 0, None)) == [b"3", None]
    statuses.remove(space, "id3")
    assert statuses.read(space, "id3") is None
    assert list(statuses.newest(space, 0, None)) == [None]


def test_an_expiry(resque: Resque) -> None:
    """In seconds; none where there is no limit."""
    statuses.write(resque.space, "a", b"{}", 100)
    statuses.write(resque.space, "b", b"{}", None)
    keys = resque.space.keys
    assert 0 < resque.link.execute("TTL", keys.status("a")) <= 100
    assert resque.link.execute("TTL", keys.status("b")) == -1


def test_a_kill_can_be_taken_back(resque: Resque) -> None:
    space = resque.space
    statuses.kill(space, "a")
    assert [statuses.is_to_be_killed(space, name) for name in "ab"] == [True, False]
    statuses.spare(space, "a")
    assert not statuses.is_to_be_killed(space, "a")
