"""Workers of both languages beside each other: who is pruned and who is not, pausing, who sees whom."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from pyresque import Resque
from pyresque.client import ruby_jobs
from tests.interop.ruby import Language, Python, Ruby, Worker, eventually

Evidence = Callable[[str], list[dict[str, Any]]]
LONG_AGO = "2020-01-01T00:00:00+00:00"
AT_ONCE = {"RESQUE_TERM_TIMEOUT": "1"}
"""A worker of ours ends the job at hand at a TERM as Ruby's does, and does not wait for it."""


def dead_pid() -> int:
    """The pid of a process that is gone."""
    with subprocess.Popen(["true"]) as process:
        pass
    return process.pid


def register_dead(resque: Resque, worker_id: str, beat: str | None = None) -> None:
    """Enter a worker that does not exist: whoever prunes must take it out again."""
    resque.link.execute("SADD", "resque:workers", worker_id)
    if beat is not None:
        resque.link.execute("HSET", "resque:workers:heartbeat", worker_id, beat)


def works_on(resque: Resque, worker: Worker) -> Any:
    """What a worker works on now."""
    [working] = [one.working for one in resque.workers() if one.id == worker.id]
    return working and working.payload


def begin_sleeping(resque: Resque, evidence: Evidence, worker: Worker) -> int:
    """Let a worker begin a job that takes long; returns the pid of the process that runs it."""
    before = len(evidence("started"))
    resque.enqueue("SleepJob", 60, worker.id, queue="jobs")
    eventually(lambda: len(evidence("started")) > before, "a job that has begun")
    assert works_on(resque, worker) == {"class": "SleepJob", "args": [60, worker.id]}
    return int(evidence("started")[-1]["pid"])


def die_at_work(language: Language, resque: Resque, evidence: Evidence, worker: Worker) -> None:
    """Kill a worker in the middle of a job, and the process of the job with it."""
    child = begin_sleeping(resque, evidence, worker)
    worker.signal("KILL")
    worker.wait()
    language.kill(child, "KILL")
    assert works_on(resque, worker)


def no_trace_of(resque: Resque, worker_id: str) -> bool:
    """Whether nothing in Redis tells of a worker any more."""
    assert worker_id not in [one.id for one in resque.workers()]
    assert resque.link.execute("HGET", "resque:workers:heartbeat", worker_id) is None
    names = ("worker:ID", "worker:ID:started", "stat:processed:ID", "stat:failed:ID")
    keys = ["resque:" + name.replace("ID", worker_id) for name in names]
    return resque.link.execute("EXISTS", *keys) == 0


# Nobody who lives is pruned


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "at work"])
@pytest.mark.parametrize("queues", ["jobs", "*", "other"])
def test_ruby_starting_on_our_host_leaves_us_alone(
    ruby: Ruby, python: Python, resque: Resque, evidence: Evidence, busy: bool, queues: str
) -> None:
    """A Ruby worker that starts and prunes on the same host keeps our living worker, idle or at work."""
    if not ruby.sees_our_processes:
        pytest.skip("this Ruby does not share our host name and processes")
    with python.worker("jobs", **AT_ONCE) as worker:
        if busy:
            begin_sleeping(resque, evidence, worker)
        before = resque.workers()
        register_dead(resque, f"{socket.gethostname()}:{dead_pid()}:{'jobs' if queues == '*' else queues}")
        ruby.work_off(queues)
        assert resque.workers() == before, "the dead one was to be pruned, and nobody else"
        assert resque.failures.count() == 0
        assert bool(works_on(resque, worker)) == busy
        worker.stop("TERM")
    assert resque.workers() == []


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "at work"])
@pytest.mark.parametrize("queues", ["jobs", "*"])
def test_ruby_starting_on_another_host_leaves_us_alone(
    ruby: Ruby, python: Python, resque: Resque, evidence: Evidence, busy: bool, queues: str
) -> None:
    """A Ruby worker that starts and prunes on another host keeps our living worker, idle or at work."""
    with python.worker("jobs", **AT_ONCE) as worker:
        if busy:
            begin_sleeping(resque, evidence, worker)
        register_dead(resque, "elsewhere:1:jobs", LONG_AGO)
        id_there = ruby.work_off(queues, other_host=True)
        assert id_there.startswith("another-host:")
        assert [one.id for one in resque.workers()] == [worker.id]
        assert resque.failures.count() == 0
        assert bool(works_on(resque, worker)) == busy
        worker.stop("TERM")
    assert resque.workers() == []


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "at work"])
@pytest.mark.parametrize("other_host", [False, True], ids=["same host", "another host"])
def test_we_start_and_leave_ruby_alone(
    ruby: Ruby, python: Python, resque: Resque, evidence: Evidence, busy: bool, other_host: bool
) -> None:
    """A worker of ours that starts and prunes keeps a living Ruby worker, of this host or another."""
    if not other_host and not ruby.sees_our_processes:
        pytest.skip("this Ruby does not share our host name and processes")
    with ruby.worker("jobs", other_host=other_host) as worker:
        if busy:
            begin_sleeping(resque, evidence, worker)
        register_dead(resque, f"{socket.gethostname()}:{dead_pid()}:jobs", LONG_AGO)
        python.work_off("*")
        assert [one.id for one in resque.workers()] == [worker.id]
        assert resque.failures.count() == 0
        assert bool(works_on(resque, worker)) == busy
        worker.stop("TERM")


# The dead are pruned


def test_ruby_prunes_our_dead_worker(ruby: Ruby, python: Python, resque: Resque, evidence: Evidence) -> None:
    """A starting Ruby worker takes our killed worker out of the books and records its job as failed, once."""
    if not ruby.sees_our_processes:
        pytest.skip("this Ruby does not share our host name and processes")
    with python.worker("jobs") as worker:
        die_at_work(python, resque, evidence, worker)
    ruby.work_off("jobs")
    [record] = resque.failures.list()
    assert record.text("exception") == "Resque::DirtyExit"
    assert record.text("error") == "Job still being processed"
    assert record.text("worker") == worker.id
    assert record.payload == {"class": "SleepJob", "args": [60, worker.id]}
    assert no_trace_of(resque, worker.id)


def test_ruby_prunes_our_worker_without_a_beat(
    ruby: Ruby, python: Python, resque: Resque, evidence: Evidence
) -> None:
    """A Ruby worker that starts on another host prunes our dead worker once its heartbeat is too old."""
    with python.worker("jobs") as worker:
        die_at_work(python, resque, evidence, worker)
    ruby.work_off("other", other_host=True)
    assert resque.failures.count() == 0, "with a fresh beat it might live"
    resque.link.execute("HSET", "resque:workers:heartbeat", worker.id, LONG_AGO)
    ruby.work_off("other", other_host=True)
    [record] = resque.failures.list()
    assert record.text("exception") == "Resque::PruneDeadWorkerDirtyExit"
    assert record.text("error") == f"Worker {worker.id} did not gracefully exit while processing SleepJob"
    assert record.payload == {"class": "SleepJob", "args": [60, worker.id]}
    assert no_trace_of(resque, worker.id)


def test_we_prune_rubys_dead_worker(ruby: Ruby, python: Python, resque: Resque, evidence: Evidence) -> None:
    """A starting worker of ours takes a killed Ruby worker out of the books, with Ruby's texts."""
    if not ruby.sees_our_processes:
        pytest.skip("this Ruby does not share our host name and processes")
    with ruby.worker("jobs") as worker:
        die_at_work(ruby, resque, evidence, worker)
    python.work_off("jobs")
    [theirs] = ruby.call("failures")
    assert (theirs["exception"], theirs["error"]) == ("Resque::DirtyExit", "Job still being processed")
    assert theirs["worker"] == worker.id
    assert theirs["payload"] == {"class": "SleepJob", "args": [60, worker.id]}
    assert no_trace_of(resque, worker.id)
    ruby.call("failure_requeue", index=0)
    assert resque.peek("jobs") == [theirs["payload"]]


def test_we_prune_rubys_worker_without_a_beat(
    ruby: Ruby, python: Python, resque: Resque, evidence: Evidence
) -> None:
    """A starting worker of ours prunes a Ruby worker of another host once its heartbeat is too old."""
    with ruby.worker("jobs", other_host=True) as worker:
        die_at_work(ruby, resque, evidence, worker)
    python.work_off("other")
    assert resque.failures.count() == 0, "with a fresh beat it might live"
    resque.link.execute("HSET", "resque:workers:heartbeat", worker.id, LONG_AGO)
    python.work_off("other")
    [theirs] = ruby.call("failures")
    assert theirs["exception"] == "Resque::PruneDeadWorkerDirtyExit"
    assert theirs["error"] == f"Worker {worker.id} did not gracefully exit while processing SleepJob"
    assert theirs["payload"] == {"class": "SleepJob", "args": [60, worker.id]}
    assert no_trace_of(resque, worker.id)


# Pausing


def test_pause_all_workers(ruby: Ruby, python: Python, resque: Resque, evidence: Evidence) -> None:
    """pause-all-workers stops workers of both languages, running and starting, until it is gone."""
    with ruby.worker("jobs") as theirs, python.worker("jobs") as ours:
        resque.link.execute("SET", "resque:pause-all-workers", "true")
        for worker in (theirs, ours):
            says_so = lambda worker=worker: worker.title.endswith("Paused")  # noqa: E731
            eventually(says_so, f"{worker.id} says that it is paused")
        for n in range(6):
            resque.enqueue("EchoJob", n, queue="jobs")
        for language in (ruby, python):
            language.work_off("jobs")  # leaves at once, as if there were nothing to do
        assert (resque.size("jobs"), evidence("done")) == (6, [])
        resque.link.execute("DEL", "resque:pause-all-workers")
        eventually(lambda: resque.size("jobs") == 0, "workers that take the paused jobs")
        for worker in (theirs, ours):
            worker.stop()  # a QUIT lets it finish its job
    assert sorted(note["args"][0] for note in evidence("done")) == list(range(6))
    assert resque.failures.count() == 0


@pytest.mark.parametrize("text", ["1", "yes", "false", ""])
def test_what_does_not_pause(
    ruby: Ruby, runner: Language, resque: Resque, evidence: Evidence, text: str
) -> None:
    """Other values of pause-all-workers pause nobody, in either language."""
    resque.link.execute("SET", "resque:pause-all-workers", text)
    ruby.enqueue("EchoJob")
    runner.work_off("jobs")
    assert len(evidence("done")) == 1


# Both see the same


def described(resque: Resque) -> list[dict[str, Any]]:
    """Our view of the workers, as enqueue.rb describes Ruby's."""
    return [
        {
            "id": one.id,
            "state": one.state,
            "started": one.started,
            "heartbeat": one.heartbeat,
            "processed": one.processed,
            "failed": one.failed,
            "job": {} if one.working is None else
            {"queue": one.working.queue, "run_at": one.working.run_at, "payload": one.working.payload},
        }
        for one in resque.workers()
    ]  # fmt: skip


def theirs_described(ruby: Ruby, op: str = "workers") -> list[dict[str, Any]]:
    """Ruby's view, with the moment of a heartbeat in the form that Redis holds."""
    shown: list[dict[str, Any]] = ruby.call(op)
    for one in shown:
        match = re.match(r"(\S+) (\S+) ([+-]\d\d):?(\d\d)$", one["heartbeat"])
        if match:
            one["heartbeat"] = "{}T{}{}:{}".format(*match.groups())
    return shown


def test_workers_working_and_info(ruby: Ruby, python: Python, resque: Resque, evidence: Evidence) -> None:
    """Resque.workers, Resque.working, Resque.info and `resque list` are the same from both sides."""
    with (
        ruby.worker("jobs") as theirs,
        python.worker("jobs", **AT_ONCE) as ours,
        python.worker("a,b:c") as idle,
    ):
        resque.enqueue("FailJob", queue="a")
        eventually(lambda: resque.failures.count() == 1, "a failure")
        for n in range(2):
            resque.enqueue("SleepJob", 60, "ü", queue="jobs")
            eventually(lambda n=n: len(evidence("started")) == n + 1, "a job that has begun")
        resque.enqueue("EchoJob", queue="jobs")
        eventually(lambda: len(resque.working()) == 2, "the third worker to be idle again")
        ids = sorted([theirs.id, ours.id, idle.id])
        assert [one.id for one in resque.workers()] == ids
        assert described(resque) == theirs_described(ruby)
        assert [one.id for one in resque.working()] == sorted([theirs.id, ours.id])
        at_work = [one for one in described(resque) if one["state"] == "working"]
        assert at_work == theirs_described(ruby, "working")
        our_info, their_info = resque.info(), ruby.call("info")
        assert list(our_info) == list(their_info)
        [server] = their_info["servers"]  # some text about Redis; each version of the redis gem has its own
        assert our_info["servers"][0].removeprefix("redis://") in server or ruby.found.container
        assert {**our_info, "servers": []} == {**their_info, "servers": []}
        assert our_info == {
            **our_info, "pending": 1, "processed": 1, "queues": 2, "workers": 3, "working": 2, "failed": 1,
        }  # fmt: skip
        states = {theirs.id: "working", ours.id: "working", idle.id: "idle"}
        assert sorted(ruby.listed()) == [f"{one} ({states[one]})" for one in ids]
        for worker in (theirs, ours):
            worker.stop("TERM")
    assert ruby.listed() == ["None"]


def test_queues(ruby: Ruby, resque: Resque) -> None:
    """Queues with any name, sizes and samples are the same from both sides, and either side removes them."""
    for n, name in enumerate(["plain", "with:colon", "mit Umlaut ü", "*"]):
        resque.enqueue("EchoJob", n, queue=name)
        ruby.enqueue("EchoJob", n, queue=name)
    assert ruby.call("queues") == resque.queues() == ["*", "mit Umlaut ü", "plain", "with:colon"]
    for name in resque.queues():
        assert ruby.call("size", queue=name) == resque.size(name) == 2
        assert ruby.call("peek", queue=name, start=0, count=9) == resque.peek(name, 0, 9)
    assert ruby.call("pop", queue="plain") == resque.pop("plain") == {"class": "EchoJob", "args": [0]}
    ruby.call("remove_queue", queue="with:colon")
    assert resque.remove_queue("mit Umlaut ü")
    assert ruby.call("queues") == resque.queues() == ["*", "plain"]


# What each language has done


def test_what_ruby_does_is_seen_by_class(
    ruby: Ruby, python: Python, resque: Resque, evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job at work, and a failure, of Ruby. Python's count is exact, Ruby's total the rest."""
    monkeypatch.setattr(ruby_jobs, "EVERY", 0)
    resque.ledger()
    with ruby.worker("rubys") as worker:
        resque.enqueue("SleepJob", 60, worker.id, queue="rubys")
        eventually(lambda: evidence("started"), "a job that has begun")
        assert resque.ledger().of("SleepJob", "ruby").processed == 1
        assert "ruby" in next(one for one in resque.classes().seen if one.name == "SleepJob").languages
    for queue in ("rubys", "pythons"):
        resque.enqueue("FailJob", 1, queue=queue)
        resque.enqueue("EchoJob", 1, queue=queue)
    ruby.work_off("rubys")
    python.work_off("pythons")
    ledger = resque.ledger()
    assert ledger.of("FailJob", "ruby").failed == 1
    pythons = [one for one in ledger.classes if one.language == "python"]
    assert [(one.class_name, one.processed, one.failed) for one in pythons] == [
        ("EchoJob", 1, 0), ("FailJob", 1, 1),
    ]  # fmt: skip
    assert ledger.python.processed == 2
    assert ledger.ruby.processed == resque.stat("processed") - 2
