"""pause, resume, paused on the keys of resque-pause: no worker takes from a paused queue."""

from __future__ import annotations

import os
import signal

import pytest

from pyresque import Resque, job
from pyresque.plugins import pause, paused, resume
from tests.redis.bench import eventually
from tests.redis.plugins.conftest import Works
from tests.redis.plugins.failing import note, seen


def test_the_keys_are_those_of_resque_pause(resque: Resque) -> None:
    """`pause:queue:Q` and `pause:all`, holding `true`."""
    pause(resque, "mail")
    pause(resque)
    assert [resque.link.execute("GET", f"resque:pause:{one}") for one in ("queue:mail", "all")] == [
        b"true"
    ] * 2
    resume(resque, "mail")
    resume(resque)
    assert resque.link.execute("KEYS", "*") == []


def test_paused_tells_of_a_queue_and_of_all(resque: Resque) -> None:
    """A queue is paused by itself or as all are; any value pauses."""
    assert not paused(resque)
    resque.link.execute("SET", "resque:pause:queue:mail", "since Monday")
    assert (paused(resque, "mail"), paused(resque, "other"), paused(resque)) == (True, False, False)
    pause(resque)
    assert (paused(resque, "mail"), paused(resque, "other"), paused(resque)) == (True, True, True)
    resume(resque)
    assert (paused(resque, "mail"), paused(resque, "other"), paused(resque)) == (True, False, False)


@pytest.mark.parametrize("queue", ["a", None])
def test_a_worker_takes_nothing_from_a_paused_queue(resque: Resque, works: Works, queue: str | None) -> None:
    """The job stays where it is, is not counted, and is taken as soon as the queue goes on."""

    @job(name="Note", registry=resque.registry)
    def write(text: str) -> None:
        note(resque, text)

    pause(resque, queue)
    resque.enqueue_to("a", write, "from a")
    resque.enqueue_to("b", write, "from b")
    works.burst("a", "b")
    assert seen(resque) == ([] if queue is None else ["from b"])
    assert resque.size("a") == 1
    pid = works.start("a", "b")
    resume(resque, queue)
    eventually(lambda: len(seen(resque)) == 2)
    os.kill(pid, signal.SIGQUIT)
    assert works.wait(pid) == 0
    assert sorted(seen(resque)) == ["from a", "from b"]
