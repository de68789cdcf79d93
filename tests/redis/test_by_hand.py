"""Workers are pruned and told to leave by hand."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from pyresque.client.worker_signs import WorkerProcess
from pyresque.store import failures, workers
from pyresque.store.workers import Registration
from pyresque.system.processes import WORD_LENGTH, process_birth, process_space
from pyresque.worker import by_hand
from pyresque.worker.by_hand import Stopped

GONE = 2**22 + 1
"""A process id that no system of ours gives."""


def test_a_dead_worker_of_this_host_is_pruned_and_its_job_fails(resque):
    mark = workers.mark_of(process_space(), "0" * WORD_LENGTH + "1")
    who = Registration(socket.gethostname(), f"{GONE}:q", mark)
    workers.register(resque.space, who, 1_000_000.0)
    resque.link.execute("HSET", resque.space.keys.our_workers, who.id, mark)
    record = b'{"queue":"q","run_at":"2026-11-30T12:00:00Z","payload":{"class":"A","args":[1]}}'
    resque.link.execute("SET", resque.space.keys.worker(who.id), record)
    assert [dead.id for dead in by_hand.dead_workers(resque)] == [who.id]
    assert workers.ids(resque.space) == [who.id]  # it was only looked
    assert by_hand.prune(resque) == [who.id]
    [failure] = failures.read(resque.space, "failed")
    assert (failure.class_name, failure.text("queue")) == ("A", "q")
    assert resque.link.execute("EXISTS", resque.space.keys.pruning_lock) == 0


def test_a_process_is_told_only_if_it_is_the_one_that_was_found():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        birth = process_birth(process.pid)
        found = WorkerProcess("h", process.pid, True, True, lives=True, birth=birth)
        other = WorkerProcess("h", process.pid, True, True, birth=f"{birth}0")
        ended = f"process {process.pid} has ended meanwhile"
        assert by_hand.stop({"a": other}, signal.SIGKILL) == [Stopped("a", ended)]
        assert process.poll() is None
        assert by_hand.stop({"a": found, "b": found}, signal.SIGKILL) == [
            Stopped("a")
        ]  # one process, told once
        process.wait()
        assert by_hand.stop({"a": found}, signal.SIGKILL) == [Stopped("a", ended)]


@pytest.mark.parametrize(
    ("process", "text"),
    [
        (WorkerProcess("h", 0, True, True), "has no process id"),
        (WorkerProcess("elsewhere", 7, False, True), "There: ssh elsewhere kill -TERM 7"),
        (WorkerProcess("h", 7, True, True), "is dead"),
        (WorkerProcess("h", 7, True, True, lives=True, doubt="why"), "may not be the process 7: why"),
        (WorkerProcess("h", 7, True, True, lives=True), ""),
    ],
)
def test_whom_no_signal_reaches_says_what_to_do(process, text):
    why = by_hand.out_of_reach(process, signal.SIGTERM)
    assert text in why
    assert bool(why) == bool(text)


def test_of_an_id_host_and_pid_are_enough(resque):
    resque.link.execute("SADD", resque.space.keys.workers, "h:1:a", "h:1:b", "h:12:a")
    assert by_hand.meant(resque, ["h:1", "h:12:a", "h:1:a", "x"]) == (["h:1:a", "h:1:b", "h:12:a"], ["x"])


def test_a_worker_that_no_pool_has_started_has_none():
    assert by_hand.pool_of(WorkerProcess("h", os.getpid(), True, True)) == 0
