"""The schedule in Redis: an entry fires once, whoever else fires it, and changes are heard of."""

import pytest

from pyresque.store import locks, schedules
from pyresque.store.delayed import Lease
from pyresque.store.schedules import Firing

KEY = "resque:schedules"


@pytest.fixture
def space(resque):
    return resque.space


def test_entries_are_written_and_their_names_said_until_they_are_heard(space):
    assert not schedules.save(space, "a", b"{}")
    assert schedules.save(space, "a", b'{"class":"A"}')
    schedules.save(space, "b", b"{}")
    assert schedules.remove(space, "b")
    assert not schedules.remove(space, "b")
    entries, names = schedules.changed(space)
    assert (entries, sorted(names)) == ({"a": b'{"class":"A"}'}, [b"a", b"b"])
    assert schedules.entries(space) == entries
    schedules.heard(space, names)
    schedules.heard(space, [])
    assert schedules.changed(space) == (entries, [])


def test_an_entry_fires_once_and_it_is_noted_when(space):
    firing = Firing("a", "", "2026-11-30 12:00:00", "q", b"{}")
    assert schedules.fire(space, firing) == (1, [])
    assert schedules.fire(space, firing)[0] == 0  # another one has noted something meanwhile: we, here
    assert space.link.execute("LRANGE", space.keys.queue("q"), 0, -1) == [b"{}"]
    assert schedules.last_runs(space) == {"a": "2026-11-30 12:00:00"}


def test_a_scheduler_that_is_not_master_fires_nothing(space):
    lease = Lease("resque:lock", "ours", 60_000)
    space.link.execute("SET", lease.key, "another's")
    assert schedules.fire(space, Firing("a", "", "now", "q", b"{}"), lease)[0] == -1
    assert (schedules.last_runs(space), space.link.execute("EXISTS", space.keys.queue("q"))) == ({}, 0)


def test_a_run_whose_lock_is_held_is_noted_and_not_queued(space):
    assert locks.take(space, "resque:lock:a", 60, "somebody") is not None
    guard = locks.Guard(space, "resque:lock:a", "resque:other", 60)
    assert schedules.fire(space, Firing("a", "", "now", "q", b"{}", [guard]))[0] == 2
    assert (schedules.last_runs(space), space.link.execute("EXISTS", space.keys.queue("q"))) == (
        {"a": "now"},
        0,
    )


def test_keys_of_another_type_are_told_and_stop_nobody(space, caplog):
    for key in (space.keys.persistent_schedules, space.keys.schedules_changed, space.keys.last_enqueued_at):
        space.link.execute("SET", key, "text")
    assert schedules.changed(space) == ({}, [])
    assert schedules.last_runs(space) == {}
    assert "cannot be read" in caplog.text
