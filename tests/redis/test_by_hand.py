"""Workers are pruned and told to leave by hand."""

import os
import signal
import socket
import subprocess
import sys

from pyresque.client.worker_signs import WorkerProcess
from pyresque.store import failures, workers
from pyresque.store.workers import Registration
from pyresque.system.processes import WORD_LENGTH, process_birth, process_space
from pyresque.worker import by_hand

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
        assert not by_hand.stop(
            WorkerProcess("h", process.pid, True, True, birth=f"{birth}0"), signal.SIGKILL
        )
        assert process.poll() is None
        assert by_hand.stop(found, signal.SIGKILL)
        process.wait()
        assert not by_hand.stop(found, signal.SIGKILL)


def test_a_worker_that_no_pool_has_started_has_none():
    assert by_hand.pool_of(WorkerProcess("h", os.getpid(), True, True)) == 0
