"""Tracked jobs (docs/tracking.md) beside real Ruby: it runs them, and reads and ends their statuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pyresque import Resque
from pyresque.testing import drain
from tests.interop import live_jobs
from tests.interop.ruby import Ruby

Evidence = Callable[[str], list[dict[str, Any]]]

SETUP = """
require "resque"
require "json"
Resque.redis = ENV["REDIS_URL"]
"""

STATUS = (
    SETUP
    + """
require "resque-status"
Status = Resque::Plugins::Status::Hash
done, waits = ARGV
status = Status.get(done)
Status.kill(waits)
puts JSON.generate([status.status, status.completed?, status["result"], status.name, status.pct_complete,
                    Status.status_ids.sort, Status.get(waits).queued?])
"""
)


def test_ruby_runs_a_tracked_job(ruby: Ruby, resque: Resque, evidence: Evidence) -> None:
    """The id is a key that Ruby does not look at: the job runs, and a failure keeps the key in its record."""
    handles = [
        resque.enqueue(name, "x", 1, queue="jobs", track=True, at_front=True, ttl=5, unique=True)
        for name in ("EchoJob", "FailJob")
    ]
    assert all(handles)
    ruby.work_off("jobs")
    assert [note["args"] for note in evidence("done")] == [["x", 1]]
    [failure] = ruby.call("failures")
    kept = {"class": "FailJob", "args": ["x", 1], "pyresque_id": handles[1].id, "pyresque_unique": 3600}
    assert {**failure["payload"], "pyresque_expires_at": 0} == {**kept, "pyresque_expires_at": 0}
    assert failure["payload"]["pyresque_expires_at"] > 1_700_000_000
    assert [handle.status for handle in handles] == ["queued", "queued"]


def test_resque_status_reads_and_ends_a_tracked_job(ruby: Ruby, resque: Resque) -> None:
    """`Hash.get`, the list of all, and `Hash.kill`."""
    if not ruby.has("resque-status"):
        pytest.skip("this Ruby has no resque-status")
    own = Resque(ruby.url, registry=live_jobs.registry)
    done = own.enqueue(live_jobs.ok, track=True)
    assert done
    drain(own, "jobs")
    waits = own.enqueue(live_jobs.ok, track=True)
    assert waits
    found = json.loads(ruby.run("-W0", "-e", STATUS, done.id, waits.id))
    assert found == ["completed", True, None, "OkJob()", 100, sorted([done.id, waits.id]), True]
    assert waits.status == "killed"
