"""Failure backends at work: whatever a backend does, a failed job has its record.

See docs/protocol/core.md#failures.
"""

import json
import os

import pytest

from pyresque import Resque, Worker, job
from pyresque.failure import Backend, Multiple, Recorder, Redis, RedisMultiQueue
from pyresque.store import workers
from pyresque.worker.pruner import Pruner


class Own(Backend):
    """A backend of the user's that keeps failures in a list of its own in Redis."""

    def __init__(self, resque):
        self.resque = resque

    def save(self, failure):
        text = json.dumps([failure.exception, failure.error, failure.queue, failure.failure_id, os.getpid()])
        self.resque.link.execute("RPUSH", "own", text)


class Broken(Backend):
    """A backend that always raises."""

    def save(self, failure):
        raise ConnectionError('no "tracker"')


class Silent(Backend):
    """A backend whose author forgot to write anything."""


@pytest.fixture
def failing(resque):
    """Jobs that fail in their child (raise) and with it (die)."""

    @job(queue="q", name="Fail", registry=resque.registry)
    def fail(how: str) -> None:
        if how == "die":
            os._exit(9)
        raise ValueError("boom")

    return fail


@pytest.fixture
def work(server, resque, failing):
    """Run a worker with a backend until these jobs have failed; returns the worker's pid."""

    def work(backend, *ways, **settings):
        there = Resque(server.url, failure=backend, registry=resque.registry, **settings)
        there.enqueue_many([(failing, way) for way in ways])
        pid = os.fork()
        if pid == 0:
            try:
                Worker(there, ["q"]).work(interval=0)
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(pid, 0)[1] == 0
        assert resque.workers() == []
        assert resque.stat("processed") == len(ways)
        there.close()
        return pid

    return work


def records(resque, key="failed"):
    return [json.loads(raw) for raw in resque.link.execute("LRANGE", f"resque:{key}", 0, -1)]


def own(resque):
    return [json.loads(raw) for raw in resque.link.execute("LRANGE", "own", 0, -1)]


def keys(resque):
    return sorted(key.decode() for key in resque.link.execute("KEYS", "resque:*failed*"))


def test_redis_is_the_one_list_failed(resque, work):
    """The default backend: every failure in `failed`, of the child's and of the parent's making."""
    work(Redis(), "raise", "die")
    assert [one["exception"] for one in records(resque)] == ["ValueError", "Resque::DirtyExit"]
    assert keys(resque) == ["resque:failed", "resque:stat:failed"]


def test_redis_multi_queue_is_a_list_for_each_queue(resque, work):
    """RedisMultiQueue: `Q_failed` holds the record, `failed_queues` its name, `failed` nothing."""
    work(RedisMultiQueue(), "raise", "die")
    assert [one["exception"] for one in records(resque, "q_failed")] == ["ValueError", "Resque::DirtyExit"]
    assert resque.link.execute("SMEMBERS", "resque:failed_queues") == [b"q_failed"]
    assert keys(resque) == ["resque:failed_queues", "resque:q_failed", "resque:stat:failed"]


def test_multiple_saves_the_same_failure_everywhere(resque, work):
    """Several backends get one failure with one failure_id and one time; own ones in the job's process."""
    worker = work(Multiple(Redis(), RedisMultiQueue(), Own(resque)), "raise", "die")
    assert records(resque) == records(resque, "q_failed")
    ids = [one["failure_id"] for one in records(resque)]
    assert [one[:4] for one in own(resque)] == [
        ["ValueError", "boom", "q", ids[0]], ["Resque::DirtyExit", records(resque)[1]["error"], "q", ids[1]],
    ]  # fmt: skip
    assert len(set(ids)) == 2
    assert (own(resque)[0][4] == worker, own(resque)[1][4] == worker) == (False, True)


def test_a_backend_that_raises_does_not_stop_the_others(resque, work):
    """Under Multiple the others save once each; the worker goes on; there is one record, not two."""
    work(Multiple(Broken(), Redis(), Own(resque)), "raise", "die")
    assert [one["exception"] for one in records(resque)] == ["ValueError", "Resque::DirtyExit"]
    assert len(own(resque)) == 2


def test_own_backend_alone(resque, work):
    """A subclass that saves elsewhere: nothing in `failed`, stats as ever."""
    work(Own(resque), "raise", "raise")
    assert [one[:3] for one in own(resque)] == [["ValueError", "boom", "q"]] * 2
    assert records(resque) == []
    assert resque.stat("failed") == 2


@pytest.mark.parametrize("backend", [Broken(), Multiple(Broken(), Broken()), Multiple(Broken(), Silent())])
def test_a_backend_that_always_raises_still_leaves_a_record(resque, work, backend):
    """No failed job is without a record: what nobody could save is in `failed`."""
    work(backend, "raise", "die")
    assert [one["exception"] for one in records(resque)] == ["ValueError", "Resque::DirtyExit"]


@pytest.mark.parametrize("backend", [Redis(), RedisMultiQueue()])
def test_failure_ids_off(resque, work, backend):
    """failure_ids=False leaves Ruby's seven keys, in every backend and for both kinds of failure."""
    work(backend, "raise", "die", failure_ids=False)
    written = records(resque) + records(resque, "q_failed")
    assert len(written) == 2
    for one in written:
        assert list(one) == ["failed_at", "payload", "exception", "error", "backtrace", "worker", "queue"]


@pytest.mark.parametrize(
    ("make", "in_failed", "in_own"), [(Own, 0, 1), (lambda _: Broken(), 1, 0), (lambda _: Redis(), 1, 0)]
)
def test_a_pruner_uses_the_backend_too(resque, make, in_failed, in_own):
    """The failure of a dead worker's job goes where failures go; never nowhere."""
    dead = "elsewhere:1:q"
    workers.register(resque.space, workers.Registration(*dead.split(":", 1)), 0)
    resque.link.execute(
        "SET", f"resque:worker:{dead}", '{"queue":"q","run_at":"x","payload":{"class":"A","args":[]}}'
    )
    resque.link.execute("HSET", "resque:workers:heartbeat", dead, "2020-01-01T00:00:00+00:00")
    recorder = Recorder(resque.space, make(resque))
    assert Pruner(resque.space, resque.registry, recorder).prune("me:1:q", ["q"]) == [dead]
    assert (len(records(resque)), len(own(resque))) == (in_failed, in_own)
