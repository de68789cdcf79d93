"""The judgements of the pruner that need no Redis; the rest is in tests/redis/test_pruner.py."""

import os
import socket

import pytest

from pyresque.worker import pruner

NOW = 1795457254
HOST = socket.gethostname()


@pytest.mark.parametrize(
    ("age", "expired"), [(0, False), (300, False), (300.9, True), (301, True), (-60, False), (10**6, True)]
)
def test_a_heartbeat_expires_after_300_seconds(age, expired):
    """Not at 300, but beyond."""
    from pyresque.wire import times

    beat = times.heartbeat(NOW - age)
    assert pruner._is_expired("h:1:q", beat, NOW) is expired


@pytest.mark.parametrize(
    ("worker_id", "good"),
    [("h:1:q", True), ("::q", True), ("h:1:a:b", True), ("fe80::1:123:jobs", True), ("", False),
     ("foo", False),
     ("host:1", False), ("host:1:", False)],
)  # fmt: skip
def test_ids_need_three_parts(worker_id, good):
    """The third one must say something; host and pid may be empty."""
    assert pruner._is_well_formed(worker_id) is good


@pytest.mark.parametrize("worker_id", ["HOST:SELF:q", "otherHOST:1:q", "HOST:x:q", "HOST:1", "x"])
def test_who_is_not_gone(worker_id):
    """A living process, another host, an id that cannot be read."""
    worker_id = worker_id.replace("HOST", HOST).replace("SELF", str(os.getpid()))
    assert pruner._is_gone(worker_id, None, "me:1:*", ["*"]) is False
