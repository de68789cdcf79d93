"""What a worker listens to while it waits: signals, its heartbeat, and whatever it waits for."""

import os
import signal

import pytest

from pyresque.config.options import Stopping
from pyresque.hooks import WorkerHooks
from pyresque.store import workers
from pyresque.store.workers import Registration
from pyresque.worker.heartbeat import Heartbeat
from pyresque.worker.listener import Listener
from pyresque.worker.shutdown import Shutdown


@pytest.fixture
def said():
    return []


@pytest.fixture
def listener(resque, said):
    hooks = WorkerHooks()
    for kind in ("before_pause", "after_pause", "shutdown"):
        hooks.add(kind, lambda *args, kind=kind: said.append(kind))
    who = Registration("host", "1:q")
    listener = Listener(
        Shutdown(Stopping()), Heartbeat(resque.space, [who]), hooks, lambda: said.append("pruned"), "worker"
    )
    listener.signals.install()
    yield listener
    listener.signals.restore()


def test_a_signal_ends_a_wait_and_is_acted_on(listener, said):
    os.kill(os.getpid(), signal.SIGUSR2)
    assert listener.wait(600)
    assert (listener.paused, said[-1]) == (True, "before_pause")
    os.kill(os.getpid(), signal.SIGCONT)
    assert listener.wait(600)
    assert (listener.paused, said[-1]) == (False, "after_pause")
    assert not listener.is_leaving
    os.kill(os.getpid(), signal.SIGTERM)
    assert listener.is_leaving  # nobody has acted on it yet
    assert listener.wait(600)
    assert (listener.shutdown.asked, said[-1]) == (True, "shutdown")


def test_a_beat_is_never_late_and_is_followed_by_what_comes_after_beats(resque, listener, said):
    assert not listener.wait(600)  # the first one is due at once
    assert said == ["pruned"]
    assert list(workers.heartbeats(resque.space)) == ["host:1:q"]
    assert not listener.wait(0)
    assert said == ["pruned"]


def test_something_to_read_ends_a_wait(listener):
    listener.wait(0)
    read, write = os.pipe()
    try:
        os.write(write, b".")
        reader = os.fdopen(read, closefd=False)
        with reader:
            assert not listener.wait(50, reader)
    finally:
        os.close(read)
        os.close(write)


def test_a_hook_that_takes_a_signal_away_does_not_make_the_worker_deaf(listener):
    listener._hooks.add("before_fork", lambda *_: signal.signal(signal.SIGTERM, signal.SIG_IGN))
    listener.run_hooks("before_fork", None)
    os.kill(os.getpid(), signal.SIGTERM)
    assert listener.is_leaving
    listener.look()
