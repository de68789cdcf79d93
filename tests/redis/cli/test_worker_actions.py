"""`pyresque worker stop`, `remove` and `prune` on a real Redis."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pyresque import Resque
from pyresque.store.workers import mark_of
from pyresque.system.processes import process_birth, process_space
from pyresque.wire import times
from tests.redis.cli.console import Console
from tests.redis.cli.test_workers import dead_pid
from tests.redis.cli.test_workers_remove import WAIT, beats
from tests.unit.cli.program import Program, until

HOST, WORD = socket.gethostname(), "0123456789abcdef"
JOB = b'{"queue":"q","run_at":"2026-11-30T17:45:00Z","payload":{"class":"Pay","args":[1]}}'
LOCK = "resque:pruning_dead_workers_in_progress"


def register(resque: Resque, worker_id: str, *, mark: str = "", job: bytes = b"", age: float = 0) -> str:
    """A worker in the books, that registered so many seconds ago; returns its id."""
    redis = resque.link.execute
    redis("SADD", "resque:workers", worker_id)
    redis("SET", f"resque:worker:{worker_id}:started", times.started(time.time() - age))
    if mark:
        redis("HSET", "resque:pyresque:workers", worker_id, mark)
    if job:
        redis("SET", f"resque:worker:{worker_id}", job)
    return worker_id


def own_mark(pid: int) -> str:
    """The mark that a worker of ours with this process has."""
    return mark_of(process_space(), WORD + process_birth(pid))


@contextmanager
def heard(number: int) -> Iterator[list[int]]:
    """The signals of this kind that the process of the tests gets."""
    found: list[int] = []
    before = signal.signal(number, lambda got, _: found.append(got))
    try:
        yield found
    finally:
        signal.signal(number, before)


@contextmanager
def named(title: str) -> Iterator[subprocess.Popen[str]]:
    """A process with this title, which waits for a signal."""
    code = (
        f"import setproctitle, time; setproctitle.setproctitle({title!r}); print(flush=True); time.sleep(99)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


# --- stop -----------------------------------------------------------------------------------------------


def test_stop_lets_a_worker_finish_its_job(program: Program, resque: Resque, console: Console) -> None:
    """QUIT without a question; --term asks where it has a job; a dry run sends nothing."""
    program.jobs(WAIT, "wait.py")
    with program.start("work", "-q", "q", "-r", "wait", "--interval", "0.1") as process:
        resque.enqueue("WaitJob", "x", queue="q")
        until((program.folder / "x.begun").exists)
        (worker,) = resque.workers()
        short = f"{HOST}:{process.pid}"
        done = console.run("worker", "stop", "--dry-run", short)
        assert (done.exit_code, done.stdout) == (
            0, "would stop 1 worker; 1 job will be finished first (1 WaitJob)\n",
        )  # fmt: skip
        done = console.run("worker", "stop", "--term", worker.id, answer="n\n")
        assert done.exit_code == 1
        assert "Stop 1 worker; 1 job may be ended (1 WaitJob)?" in done.stderr
        assert (
            console.shown("worker", "stop", short)
            == f"sent QUIT to {worker.id}: it leaves, after its job WaitJob\n"
        )
        (program.folder / "x").touch()
        assert process.wait(60) == 0
        process.communicate()
    assert (resque.stat("processed"), resque.failures.count(), resque.workers()) == (1, 0, [])


def test_one_process_gets_one_signal(resque: Resque, console: Console) -> None:
    """An async worker has several ids; a second signal would end its jobs."""
    one, two = (
        register(resque, f"{HOST}:{os.getpid()}:q{end}", mark=own_mark(os.getpid())) for end in ("", ",")
    )
    with heard(signal.SIGQUIT) as quits, heard(signal.SIGTERM) as terms:
        assert console.shown("worker", "stop", one, two, f"{HOST}:{os.getpid()}").startswith(
            f"sent QUIT to {one}"
        )
        assert (quits, terms) == ([signal.SIGQUIT], [])
        console.shown("worker", "stop", "--term", one)
        assert (quits, terms) == ([signal.SIGQUIT], [signal.SIGTERM])


@pytest.mark.parametrize(
    ("mark", "told"),
    [
        ("", "does not call itself a worker"),
        (mark_of(process_space(), WORD), "does not call itself a worker"),
        (mark_of(process_space(), WORD + "1"), "is dead: its process"),
        (mark_of("another boot pid:[1]", WORD), "and not here. There: ssh"),
    ],
)
def test_a_process_that_is_not_the_worker_gets_no_signal(
    resque: Resque, console: Console, mark: str, told: str
) -> None:
    """Its id may be that of another process by now, or of another container."""
    worker = register(resque, f"{HOST}:{os.getpid()}:q", mark=mark)
    with heard(signal.SIGQUIT) as quits:
        done = console.run("worker", "stop", worker)
        assert (done.exit_code, done.stdout, quits) == (1, "", [])
    assert told in done.stderr


@pytest.mark.parametrize(
    ("title", "age", "is_it"),
    [
        ("resque-3.0.0: Waiting for q", 0, True),
        ("resque-3.0.0: Waiting for q", 3600, False),
        ("resque-scheduler-5.0.0: Child scheduler", 0, False),
        ("vim resque.rb", 0, False),
    ],
)
def test_a_ruby_worker_is_known_by_its_title_and_its_beginning(
    resque: Resque, console: Console, title: str, age: int, is_it: bool
) -> None:
    """It has no mark: a process that began after the worker registered has only got its number."""
    with named(title) as process:
        worker = register(resque, f"{HOST}:{process.pid}:q", age=age)
        done = console.run("worker", "stop", worker)
        assert done.exit_code == (0 if is_it else 1)
        assert (f"sent QUIT to {worker}: it leaves" in done.stdout) == is_it
        assert (f"kill -QUIT {process.pid}" in done.stderr) != is_it
        if is_it:
            assert process.wait(60) == -signal.SIGQUIT
        else:
            assert process.poll() is None


def test_a_worker_elsewhere_is_told_how(resque: Resque, console: Console) -> None:
    """What to type there; whom nobody knows, and whose id has no process, is said, too."""
    register(resque, "web 1:12:q")
    register(resque, "odd")
    done = console.run("worker", "stop", "--term", "web 1:12", "odd", "nobody:1")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "ssh 'web 1' kill -TERM 12, or kubectl exec 'web 1' -- kill -TERM 12" in done.stderr
    assert "odd has no process id in its ID" in done.stderr
    assert "there is no worker nobody:1; `pyresque worker list` lists them" in done.stderr


# --- remove ---------------------------------------------------------------------------------------------


def test_remove_asks_and_says_what_becomes_of_jobs(resque: Resque, console: Console) -> None:
    """Nothing happens before the answer, nor at a dry run."""
    dead = register(resque, f"{HOST}:{dead_pid()}:q", job=JOB)
    idle = register(resque, f"{HOST}:{dead_pid()}:r")
    order = "remove 2 workers; 1 job becomes a failure (1 Pay)"
    done = console.run("worker", "remove", dead, idle, "--dry-run")
    assert (done.exit_code, done.stdout) == (0, f"would {order}\n")
    for answer in ("n\n", ""):
        done = console.run("worker", "remove", dead, idle, answer=answer)
        assert done.exit_code == 1
        assert f"{order[0].upper()}{order[1:]}?" in done.stderr
    assert (len(resque.workers()), resque.failures.count()) == (2, 0)
    done = console.run("worker", "remove", dead, idle, answer="y\n")
    assert (done.exit_code, done.stdout) == (0, f"removed {dead}; it had a job: Pay\nremoved {idle}\n")
    assert (resque.workers(), resque.failures.count()) == ([], 1)


# --- prune ----------------------------------------------------------------------------------------------


def test_prune_takes_who_is_certainly_dead(resque: Resque, console: Console) -> None:
    """As a worker's pruner does: a process that is gone here, a heartbeat that has expired anywhere."""
    assert console.shown("worker", "prune").startswith("no dead workers")
    gone = register(resque, f"{HOST}:{dead_pid()}:q", job=JOB)
    expired, fresh = "web-1:1:q", "web-2:1:q"
    beats(resque, expired, 400)
    beats(resque, fresh, 200)
    alive = register(resque, f"{HOST}:{os.getpid()}:q", mark=own_mark(os.getpid()))
    before = [worker.id for worker in resque.workers()]
    shown = console.shown("worker", "prune", "--dry-run")
    assert "its process is gone" in shown
    assert "its heartbeat has expired" in shown
    assert shown.endswith("would remove 2 workers; 1 job becomes a failure (1 Pay)\n")
    assert console.run("worker", "prune", answer="n\n").exit_code == 1
    assert ([worker.id for worker in resque.workers()], resque.failures.count()) == (before, 0)
    assert console.shown("worker", "prune", "--yes").endswith(
        f"removed {expired}\nremoved {gone}; it had a job: Pay\n"
    )
    assert [worker.id for worker in resque.workers()] == sorted([alive, fresh])
    assert [one.class_name for one in resque.failures.list()] == ["Pay"]
    assert resque.link.execute("EXISTS", LOCK) == 0


def test_prune_puts_jobs_back_on_request(resque: Resque, console: Console) -> None:
    """As a worker with --recover does, which is only for jobs of workers of ours."""
    gone = dead_pid()
    register(resque, f"{HOST}:{gone}:q", mark=mark_of(process_space(), WORD), job=JOB)
    assert "or goes back to its queue" in console.shown(
        "worker", "prune", "--recover", "requeue", "--dry-run"
    )
    console.shown("worker", "prune", "--recover", "requeue", "--yes")
    assert (resque.size("q"), resque.failures.count(), resque.workers()) == (1, 0, [])
    assert console.run("worker", "prune", "--recover", "sometimes").exit_code == 2


def test_no_warning_steers_the_terminal(program: Program, resque: Resque) -> None:
    """Of a command that sets up no logging, warnings come to stderr; the pruner's own lines do not."""
    resque.link.execute("HSET", "resque:workers:heartbeat", "x\x1b[2J:1:q", "soon")
    gone = register(resque, f"{HOST}:{dead_pid()}:q", job=JOB)
    done = program.run("worker", "prune", "--yes")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, f"removed {gone}; it had a job: Pay")
    (warning,) = done.stderr.splitlines()
    assert warning.startswith("the heartbeat of x\\x1b[2J:1:q is 'soon'")


def test_prune_leaves_alone_what_a_ruby_worker_prunes(resque: Resque, console: Console) -> None:
    """It has the lock and is not registered yet: both would record the job."""
    gone = register(resque, f"{HOST}:{dead_pid()}:q", job=JOB)
    beats(resque, "rubyhost:1:*", 0)
    resque.link.execute("SREM", "resque:workers", "rubyhost:1:*")
    resque.link.execute("SET", LOCK, "rubyhost:1:*", "EX", 60)
    done = console.run("worker", "prune", "--yes")
    assert done.exit_code == 1
    assert f"{gone} was left alone" in done.stderr
    assert resque.link.execute("GET", LOCK) == b"rubyhost:1:*"
    assert (len(resque.workers()), resque.failures.count()) == (1, 0)
    resque.link.execute("HDEL", "resque:workers:heartbeat", "rubyhost:1:*")
    console.shown("worker", "prune", "--yes")
    assert (len(resque.workers()), resque.failures.count()) == (0, 1)
