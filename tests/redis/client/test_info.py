"""What is told of workers: whose they are, whether they live, since when they work."""

import os
import socket
import subprocess
import sys
import time

import pytest

from pyresque.wire import times
from tests.redis.bench import add_slow, eventually

HOST = socket.gethostname()


def register(resque, worker_id, beat=None, mark=None, run_at=None):
    """Write what a worker writes, as Ruby does; `mark` makes it one of ours."""
    resque.link.execute("SADD", "resque:workers", worker_id)
    if beat is not None:
        text = beat if isinstance(beat, str) else times.heartbeat(time.time() - beat)
        resque.link.execute("HSET", "resque:workers:heartbeat", worker_id, text)
    if mark is not None:
        resque.link.execute("HSET", "resque:pyresque:workers", worker_id, mark)
    if run_at is not None:
        value = b'{"queue":"q","run_at":"%b","payload":{"class":"A","args":[]}}' % run_at.encode()
        resque.link.execute("SET", f"resque:worker:{worker_id}", value)


def told(resque):
    return {one.id: one for one in resque.workers()}


def test_a_worker_that_runs_here(resque, bench):
    """It is ours, it lives, it can be sent a signal; the seconds are those of its job."""
    slow = add_slow(resque)
    worker = bench.start("q").ready()
    [one] = resque.workers()
    assert (one.language, one.is_alive, one.can_be_signalled, one.working_for) == ("python", True, True, None)
    assert 0 <= one.heartbeat_age < 60
    resque.enqueue(slow)
    [one] = eventually(resque.working)
    assert 0 <= one.working_for < 60
    resque.link.execute("SET", "go", 1)
    worker.end()
    bench.workers.remove(worker)
    [one] = resque.workers()
    assert (one.is_alive, one.can_be_signalled) == (False, False)


@pytest.mark.parametrize(
    ("beat", "is_alive"), [(10, True), (200, None), (1000, False), (None, None), ("yesterday", None)]
)
def test_a_worker_elsewhere_is_known_by_its_heartbeat(resque, beat, is_alive):
    """Ruby's, or ours in another system: fresh, silent, expired, never, unreadable."""
    register(resque, "elsewhere:123:q", beat)
    register(resque, f"{HOST}:{os.getpid()}:q", beat, mark="another system#" + "0" * 16)
    for one in resque.workers():
        assert (one.is_alive, one.can_be_signalled) == (is_alive, False)
        assert (one.heartbeat_age is None) == (not isinstance(beat, int))
    assert {one.id: one.language for one in resque.workers()} == {
        "elsewhere:123:q": "ruby",
        f"{HOST}:{os.getpid()}:q": "python",
    }


def test_a_ruby_worker_of_this_host(resque):
    """Its process is looked for, and its title tells whether it is a worker."""
    code = "import sys; sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "resque-2.6.0: Waiting for q"], stdin=subprocess.PIPE
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    try:
        register(resque, f"{HOST}:{process.pid}:q", 1000)
        register(resque, f"{HOST}:{other.pid}:q", 10)
        register(resque, f"{HOST}:99999999:q", 10)
        register(resque, f"{HOST}:99999999:r", 1000)
        found = told(resque)
        assert [
            found[f"{HOST}:{one}"].is_alive for one in (f"{process.pid}:q", "99999999:q", "99999999:r")
        ] == [
            True,
            None,
            False,
        ]
        assert found[f"{HOST}:{process.pid}:q"].can_be_signalled
        assert not found[f"{HOST}:{other.pid}:q"].can_be_signalled
    finally:
        for one in (process, other):
            one.communicate()
    assert told(resque)[f"{HOST}:{process.pid}:q"].is_alive is False


def test_odd_ids_and_keys_are_told_as_far_as_they_can_be(resque):
    resque.link.execute("SADD", "resque:workers", "junk", "a:b:c", "", b"\xff:1:q", ":::")
    resque.link.execute("SET", "resque:worker:junk", "not json")
    register(resque, "host:1:q", run_at="soon")
    assert {one.is_alive for one in resque.workers()} == {None}
    assert [one.working_for for one in resque.working()] == [None, None]
    resque.link.execute("SET", "resque:pyresque:workers", "text")
    assert {one.language for one in resque.workers()} == {None}
