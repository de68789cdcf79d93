"""The heartbeat of a worker, by Redis' clock."""

from __future__ import annotations

import os

import pytest

from pyresque import Resque
from pyresque.store import workers
from pyresque.store.workers import Registration
from pyresque.worker.heartbeat import Heartbeat
from tests.redis.bench import eventually


@pytest.fixture
def who(resque: Resque) -> Registration:
    """A worker of this process, registered."""
    who = Registration("host", f"{os.getpid()}:q", workers.mark_of("here", "word"))
    workers.register(resque.space, who, 0.0)
    return who


def test_a_beat_is_due_at_once_and_then_after_its_interval(resque: Resque, who: Registration) -> None:
    heartbeat = Heartbeat(resque.space, [who], 1000)
    assert heartbeat.beat_if_due()
    assert who.id in workers.heartbeats(resque.space)
    assert not heartbeat.beat_if_due()
    assert 900 < heartbeat.seconds_left() <= 1000


def test_a_worker_that_was_unregistered_is_registered_again(resque: Resque, who: Registration) -> None:
    """By somebody who took it for dead; but not before it has registered itself."""
    heartbeat = Heartbeat(resque.space, [who], 0)
    workers.retire(resque.space, who.id, b"")
    heartbeat.beat()
    assert workers.ids(resque.space) == []
    heartbeat.registered = True
    workers.retire(resque.space, who.id, b"")
    heartbeat.beat()
    assert workers.ids(resque.space) == [who.id]


def test_a_thread_beats(resque: Resque, who: Registration) -> None:
    """Until it is stopped; starting it twice starts one."""
    heartbeat = Heartbeat(resque.space, [who], 0.01)
    heartbeat.start_thread()
    heartbeat.start_thread()
    assert heartbeat.has_thread
    eventually(lambda: who.id in workers.heartbeats(resque.space))
    heartbeat.stop_thread(10)
    workers.retire(resque.space, who.id, b"")
    assert workers.heartbeats(resque.space) == {}


def test_a_beat_that_fails_is_no_error(who: Registration, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged; the next comes in its time."""
    away = Resque("redis://localhost:1")
    away.link.deadline = 0.0  # nothing is waited for
    assert not Heartbeat(away.space, [who], 5).beat()
    assert "Failed to heartbeat" in caplog.text
