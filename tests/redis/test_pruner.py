"""Pruning dead workers: whom it hits, whom it must not, what becomes of their jobs.

See docs/protocol/core.md#pruning.
"""

import json
import os
import socket
import subprocess
import sys
import time

import pytest

from pyresque import job
from pyresque.errors import DirtyExit, NotAJob, RedisReplied
from pyresque.failure import Recorder, Redis, RedisMultiQueue
from pyresque.wire import times
from pyresque.wire.records import FailureRecord
from pyresque.worker.loop import unregister
from pyresque.worker.pruner import STILL_PROCESSED, Pruner

HOST = socket.gethostname()
ME = f"{HOST}:{os.getpid()}:q"
OLD = "2020-01-01T00:00:00+00:00"


@pytest.fixture(scope="module")
def dead_pid():
    """The id of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def prune(resque):
    """Prune as a worker on these queues."""

    def prune(*listed, backend=None):
        resque.link.execute("DEL", "resque:pruning_dead_workers_in_progress")
        return pruner(resque, backend).prune(ME, listed or ("q",))

    return prune


def pruner(resque, backend=None):
    return Pruner(resque.space, resque.registry, Recorder(resque.space, backend or Redis()))


def add_worker(resque, worker_id, *, beat=None, working=None, registered=True):
    if registered:
        resque.link.execute("SADD", "resque:workers", worker_id)
        resque.link.execute("SET", f"resque:worker:{worker_id}:started", "2026-11-23 19:07:34 +0100")
    for kind in ("processed", "failed"):
        resque.link.execute("SET", f"resque:stat:{kind}:{worker_id}", 5)
    if beat is not None:
        resque.link.execute("HSET", "resque:workers:heartbeat", worker_id, beat)
    if working is not None:
        resque.link.execute("SET", f"resque:worker:{worker_id}", working)


def working_on(class_name="A", queue="mail"):
    return json.dumps({"queue": queue, "run_at": "x", "payload": {"class": class_name, "args": [1]}})


def ago(seconds, form="%Y-%m-%dT%H:%M:%S+00:00"):
    """A time so many seconds before now, in some writer's form."""
    return time.strftime(form, time.gmtime(time.time() - seconds)) if "%" in form else form


def failed(resque):
    return [json.loads(raw) for raw in resque.link.execute("LRANGE", "resque:failed", 0, -1)]


def traces(resque, worker_id):
    """Every key, member and field that tells of a worker."""
    found = [key for key in resque.link.execute("KEYS", "*") if worker_id.encode() in key]
    sets = resque.link.execute("SMEMBERS", "resque:workers") + resque.link.execute(
        "HKEYS", "resque:workers:heartbeat"
    )
    return found + [one for one in sets if one == worker_id.encode()]


# --- phase 1: expired heartbeats -------------------------------------------------------------------


@pytest.mark.parametrize("registered", [True, False])
def test_an_expired_worker_is_pruned_with_its_job(resque, prune, registered):
    """Any host, any queues, registered or not: a record names worker and class, no trace of it is left."""
    dead = "elsewhere:12:mail,käse:x"
    add_worker(resque, dead, beat=OLD, working=working_on("Mail"), registered=registered)
    assert prune() == [dead]
    [record] = failed(resque)
    assert record["exception"] == "Resque::PruneDeadWorkerDirtyExit"
    assert record["error"] == f"Worker {dead} did not gracefully exit while processing Mail"
    assert (record["payload"], record["backtrace"]) == ({"class": "Mail", "args": [1]}, [])
    assert (record["worker"], record["queue"]) == (dead, "mail")
    assert traces(resque, dead) == []
    assert (resque.stat("processed"), resque.stat("failed")) == (0, 0)


def test_an_idle_expired_worker_leaves_no_failure(resque, prune):
    """Nothing to record, but it is taken out of the books."""
    add_worker(resque, "elsewhere:1:q", beat=OLD)
    assert prune() == ["elsewhere:1:q"]
    assert (failed(resque), traces(resque, "elsewhere:1:q")) == ([], [])


UTC = "%Y-%m-%dT%H:%M:%S+00:00"


@pytest.mark.parametrize(
    ("age", "form", "pruned"),
    [
        (200, UTC, False), (360, UTC, True), (-3600, UTC, False), (360, "%Y-%m-%dT%H:%M:%SZ", True),
        (360, "%Y-%m-%d %H:%M:%S +0000", True), (200, "%Y-%m-%dT%H:%M:%S.5+00:00", False),
        (200 - 7200, "%Y-%m-%dT%H:%M:%S+02:00", False), (360 - 7200, "%Y-%m-%dT%H:%M:%S+02:00", True),
        (0, "", False), (0, "garbage", False), (0, "1795457349", False), (0, "\udcff", False),
    ],
)  # fmt: skip
def test_the_age_of_a_heartbeat_decides(resque, prune, age, form, pruned):
    """Older than 300 s by the clock of Redis, in every form of Ruby; what is not a time is left alone."""
    add_worker(resque, "elsewhere:1:q", beat=ago(age, form))
    assert prune() == (["elsewhere:1:q"] if pruned else [])
    assert bool(traces(resque, "elsewhere:1:q")) is not pruned


@pytest.mark.parametrize("odd", ["foo", "host:1", "host:1:", "", "::"])
def test_malformed_ids_are_left_alone(resque, prune, odd):
    """They neither stop the pruner nor are they touched, and the others are pruned."""
    add_worker(resque, odd, beat=OLD, working=working_on())
    add_worker(resque, "elsewhere:1:q", beat=OLD)
    assert prune() == ["elsewhere:1:q"]
    assert resque.link.execute("SMEMBERS", "resque:workers") == [odd.encode()]
    assert failed(resque) == []


@pytest.mark.parametrize(
    "working",
    ["oops", "[1]", "true", "7", '{"queue":"q"}', '{"payload":null}', '{"payload":[1]}', '{"payload":7}'],
)
def test_unreadable_records_are_left_alone(resque, prune, working):
    """worker:ID that holds no job to be recorded: the worker stays as it is, the others are pruned."""
    add_worker(resque, "broken:1:q", beat=OLD, working=working)
    add_worker(resque, "elsewhere:1:q", beat=OLD)
    assert prune() == ["elsewhere:1:q"]
    assert resque.link.execute("GET", "resque:worker:broken:1:q") == working.encode()
    assert resque.link.execute("SMEMBERS", "resque:workers") == [b"broken:1:q"]


@pytest.mark.parametrize("working", ["", "  ", "{}", "[]", "null"])
def test_empty_records_are_those_of_idle_workers(resque, prune, working):
    """As in Ruby: pruned, and nothing recorded."""
    add_worker(resque, "elsewhere:1:q", beat=OLD, working=working)
    assert prune() == ["elsewhere:1:q"]
    assert (failed(resque), traces(resque, "elsewhere:1:q")) == ([], [])


@pytest.mark.parametrize(
    ("payload", "text"),
    [('"just text"', "<Unknown Job>"), ("{}", "<Unknown Job>"), ('{"class":null}', "<Unknown Job>"),
     ('{"class":"A\\u0000B","args":[]}', "A\0B"), ('{"class":"my.jobs.Thing","x":[{}]}', "my.jobs.Thing")],
)  # fmt: skip
def test_payloads_of_any_kind_are_recorded_as_they_are(resque, prune, payload, text):
    """A text, an object without class, an impossible class name: one record with that payload."""
    add_worker(resque, "elsewhere:1:q", beat=OLD, working=f'{{"queue":"q","payload":{payload}}}')
    assert prune() == ["elsewhere:1:q"]
    [record] = failed(resque)
    assert record["payload"] == json.loads(payload)
    assert record["error"].endswith(f"while processing {text}")


@pytest.mark.parametrize(
    "working", ['{"payload":%s}', '{"queue":null,"payload":%s}', '{"queue":7,"payload":%s}']
)
@pytest.mark.parametrize("backend", [Redis(), RedisMultiQueue()])
def test_a_record_without_a_queue_has_none(resque, prune, working, backend):
    """As in Ruby; and it is not retried into a queue without a name, not even where the record says ""."""
    add_worker(resque, "elsewhere:1:q", beat=OLD, working=working % '{"class":"A","args":[1]}')
    assert prune(backend=backend) == ["elsewhere:1:q"]
    [record] = resque.failures.list()
    assert record.list_name == ("failed" if isinstance(backend, Redis) else "_failed")
    assert record.value["queue"] is None
    with pytest.raises(NotAJob, match="names no queue"):
        resque.failures.requeue(record)
    blank = {**record.value, "queue": ""}
    with pytest.raises(NotAJob, match="names no queue"):
        resque.failures.requeue(FailureRecord.parse(json.dumps(blank).encode()))
    assert resque.queues() == []


def test_the_pruner_itself_is_never_pruned(resque, prune):
    """Even if its own heartbeat is old."""
    add_worker(resque, ME, beat=OLD)
    assert prune("*") == []


def test_on_failure_hooks_run_in_the_pruner(resque, prune):
    """If the class is known here; one that raises changes the record and harms nobody."""
    seen = []

    @job(queue="q", name="Hooked", registry=resque.registry)
    class Hooked:
        def perform(self, number): ...

        def on_failure(self, error, number):
            seen.append((type(error).__name__, number))
            raise LookupError("hook boom")

    add_worker(resque, "elsewhere:1:q", beat=OLD, working=working_on("Hooked"))
    add_worker(resque, "elsewhere:2:q", beat=OLD, working=working_on("Only::Ruby"))
    assert sorted(prune()) == ["elsewhere:1:q", "elsewhere:2:q"]
    assert seen == [("PruneDeadWorkerDirtyExit", 1)]
    errors = {record["payload"]["class"]: (record["exception"], record["error"]) for record in failed(resque)}
    assert errors["Only::Ruby"][0] == "Resque::PruneDeadWorkerDirtyExit"
    assert errors["Hooked"][0] == "RuntimeError"
    assert errors["Hooked"][1].startswith(
        "Additional error (LookupError: hook boom) occurred in running failure hooks"
    )


# --- phase 2: same host, process gone --------------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "listed", "pruned"),
    [
        ("q", ["q"], True), ("a,b", ["b", "a"], True), ("a,b,a", ["a", "b"], True), ("anything", ["*"], True),
        ("anything", ["x", "*"], True), ("q", ["other"], False), ("a,b", ["a"], False),
        ("jobs", ["jo*"], False),
        ("jo*", ["jo*"], True), ("a:b", ["a:b"], False), ("a:b", ["a"], True),
    ],
)  # fmt: skip
def test_a_worker_of_this_host_without_process(resque, prune, dead_pid, theirs, listed, pruned):
    """Pruned if the pruner's list has `*` or is the same set of queues, split at every colon as Ruby does."""
    dead = f"{HOST}:{dead_pid}:{theirs}"
    add_worker(resque, dead, working=working_on())
    assert prune(*listed) == ([dead] if pruned else [])
    texts = [(one["exception"], one["error"], one["worker"]) for one in failed(resque)]
    assert texts == ([("Resque::DirtyExit", STILL_PROCESSED, dead)] if pruned else [])
    assert bool(traces(resque, dead)) is not pruned


def test_living_processes_and_other_hosts_are_left_alone(resque, prune, dead_pid):
    """A pid that lives, whatever its title; another host; a pid that is not a number."""
    for worker_id in (
        f"{HOST}:{os.getppid()}:q", f"{HOST}:1:q", f"{HOST}x:{dead_pid}:q", f"{HOST}:0:q", f"{HOST}:-5:q",
        f"{HOST}:x:q", f"{HOST}::q", f"{HOST}:99999999999999999999:q",
    ):  # fmt: skip
        add_worker(resque, worker_id, working=working_on())
    before = sorted(resque.link.execute("SMEMBERS", "resque:workers"))
    pruned = prune("*")
    assert [one for one in pruned if not one.endswith(":99999999999999999999:q")] == []
    assert set(before) - set(resque.link.execute("SMEMBERS", "resque:workers")) == {
        one.encode() for one in pruned
    }


def test_a_zombie_has_no_process(resque, prune):
    """A worker that has ended, though nobody has waited for it yet, is gone."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    dead = f"{HOST}:{pid}:q"
    add_worker(resque, dead)
    assert prune() == [dead]
    os.waitpid(pid, 0)


@pytest.mark.parametrize(
    ("ours", "began", "pruned"),
    [
        (True, "2020-01-01 00:00:00 +0000", True),
        (True, "", False),
        (True, "no time", False),
        (False, "2020-01-01 00:00:00 +0000", False),
    ],
    ids=["ours, long ago", "ours, now", "ours, no time", "Ruby's"],
)
def test_a_registration_that_came_after_its_worker_had_left(resque, prune, ours, began, pruned):
    """It has no heartbeat, which all of ours have before they register: so it is pruned once it is old, with
    the job that was taken under it. Of a Ruby worker nobody can tell."""
    add_worker(resque, "elsewhere:77:q", working=working_on())
    resque.link.execute("SET", "resque:worker:elsewhere:77:q:started", began or times.started(time.time()))
    if ours:
        resque.link.execute("HSET", "resque:pyresque:workers", "elsewhere:77:q", "another system#word")
    assert prune() == (["elsewhere:77:q"] if pruned else [])
    assert resque.failures.count() == int(pruned)
    assert [one.id for one in resque.workers()] == ([] if pruned else ["elsewhere:77:q"])


def test_a_worker_is_pruned_once_in_both_phases(resque, prune, dead_pid):
    """An expired worker of this host without process leaves one record."""
    dead = f"{HOST}:{dead_pid}:q"
    add_worker(resque, dead, beat=OLD, working=working_on())
    assert prune() == [dead]
    assert [record["exception"] for record in failed(resque)] == ["Resque::PruneDeadWorkerDirtyExit"]


# --- the lock and races ----------------------------------------------------------------------------


def test_one_prunes_at_a_time(resque):
    """Whoever has the lock prunes. (When others pass over it is in test_pruning_lock.)"""
    add_worker(resque, "elsewhere:1:q", beat=OLD)
    resque.link.execute("SET", "resque:pruning_dead_workers_in_progress", "other:1:q", "EX", 60)
    assert pruner(resque).prune(ME, ["q"], 60) == []
    assert resque.link.execute("SMEMBERS", "resque:workers") == [b"elsewhere:1:q"]


def test_a_worker_that_beats_meanwhile_is_spared(resque):
    """Retiring is one step and only happens if heartbeat and job are still what was judged."""
    add_worker(resque, "elsewhere:1:q", beat=ago(0), working=working_on())
    assert pruner(resque).retire("elsewhere:1:q", DirtyExit("x"), beat=OLD) is False
    assert (failed(resque), len(traces(resque, "elsewhere:1:q"))) == ([], 6)


@pytest.mark.parametrize("key", ["workers:heartbeat", "workers"])
def test_a_key_of_a_wrong_type_raises_and_changes_nothing(resque, prune, key):
    """The worker that prunes is told; nothing was pruned half."""
    add_worker(resque, "elsewhere:1:q", working=working_on())
    resque.link.execute("DEL", f"resque:{key}")
    resque.link.execute("SET", f"resque:{key}", "x")
    with pytest.raises(RedisReplied, match="WRONGTYPE"):
        prune()
    assert failed(resque) == []


def test_unregister_by_hand(resque):
    """`resque remove ID`: the job in progress becomes a failure; an unknown id is False."""
    add_worker(resque, "elsewhere:1:q", beat=ago(0), working=working_on())
    assert unregister(resque, "elsewhere:9:q") is False
    assert unregister(resque, "elsewhere:1:q") is True
    assert traces(resque, "elsewhere:1:q") == []
    assert [(one["exception"], one["error"]) for one in failed(resque)] == [
        ("Resque::DirtyExit", STILL_PROCESSED)
    ]
