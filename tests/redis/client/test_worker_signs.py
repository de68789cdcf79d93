"""Signs that a worker lives: its process here, and its heartbeat by the clock of Redis."""

import os
import socket

import pytest

from pyresque.client.worker_signs import EXPIRED_AFTER, FRESH, WorkerProcess, find_process, lives
from pyresque.store import workers
from pyresque.store.workers import Registration, mark_of
from pyresque.system.processes import WORD_LENGTH, process_birth, process_space
from pyresque.worker.liveness import process_of, signs_of_life

HOST, PID = socket.gethostname(), os.getpid()


def test_a_process_of_ours_is_known_by_its_birth(resque):
    word = "0" * WORD_LENGTH
    mark = mark_of(process_space(), word + process_birth(PID))
    who = Registration(HOST, f"{PID}:q", mark)
    assert workers.register(resque.space, who, 1_000_000.0)
    resque.link.execute("HSET", resque.space.keys.our_workers, who.id, mark)
    process = process_of(resque.space, who.id)
    assert (process.pid, process.is_here, process.is_known, process.lives, process.doubt) == (
        PID,
        True,
        True,
        True,
        "",
    )
    assert f"its process {PID} runs on this host" in signs_of_life(resque.space, who.id).seen


@pytest.mark.parametrize(
    ("process", "age", "answer"),
    [
        (WorkerProcess("h", 1, True, True, lives=True), None, True),
        (WorkerProcess("h", 1, True, True, lives=True, doubt="x"), 0, True),
        (WorkerProcess("h", 1, True, True), 0, False),
        (WorkerProcess("h", 1, False, True), 0, True),
        (WorkerProcess("h", 1, False, True), FRESH + 1, None),
        (WorkerProcess("h", 1, False, True), EXPIRED_AFTER + 1, False),
        (WorkerProcess("h", 1, True, False), 0, None),
        (WorkerProcess("h", 1, True, False), None, False),
    ],
)
def test_nobody_is_called_dead_of_whom_it_is_not_known(process, age, answer):
    assert lives(process, age) is answer


@pytest.mark.parametrize("worker_id", ["", "a", "h:x:q", f"{HOST}:-1:q", f"{HOST}:99999999999999:q"])
def test_an_odd_id_has_no_process(worker_id):
    assert not find_process(worker_id, "", "").lives
