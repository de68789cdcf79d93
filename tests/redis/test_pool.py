"""A pool of worker processes under `pyresque work`: kept running, told to stop. HUP is in test_new_code."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import IO

import pytest

from pyresque import Resque
from tests.redis.pools import Started, gone
from tests.unit.cli.program import Program, until


def test_the_application_is_imported_once(start: Started) -> None:
    """Before the first fork: the workers have it from the supervisor, and each has an id of its own."""
    pool = start("-n", "3")
    workers = pool.full(3)
    status, out = pool.end()
    assert status == 0
    assert re.findall(r"imported by (\d+)", out) == [str(pool.process.pid)]
    assert pool.process.pid not in workers


def test_the_title_names_the_workers(start: Started) -> None:
    """And it is not that of a worker: in Ruby's list of Resque processes it is not to be seen."""
    pool = start("-n", "2", RESQUE_PROCLINE_PREFIX="app ")
    workers = pool.full(2)
    match = re.fullmatch(r"app pyresque-pool-[\w.]+: managing \[(\d+), (\d+)\]", pool.title())
    assert match
    assert {int(pid) for pid in match.groups()} == workers
    assert not re.search("resque-[0-9]|resque:work|resque: Starting", pool.title())
    assert all(re.match(r"app pyresque-\d", pool.title(pid)) for pid in workers)


def test_a_worker_that_dies_is_started_again(start: Started) -> None:
    """The pool says so, the others go on, and the death of long ago is no matter at the end."""
    pool = start("-n", "2")
    first, second = pool.full(2)
    os.kill(first, signal.SIGKILL)
    until(lambda: len(pool.workers() - {first, second}) == 1)
    assert second in pool.workers()
    status, out = pool.end()
    assert status == 0
    assert f"worker process {first} died (Killed); another is started in 0.1 s" in out


def test_a_worker_that_cannot_begin_is_tried_with_growing_waits(start: Started, program: Program) -> None:
    """What it says is told each time; the pool that is ended meanwhile has not ended well."""
    program.jobs(
        "from pyresque import hooks\n@hooks.before_first_fork\ndef fails(): raise LookupError('no')\n"
    )
    pool = start("-n", "2")
    lines = iter(pool.process.stderr.readline, "")  # type: ignore[union-attr]
    waits = []
    for line in lines:
        match = re.search(r"another is started in ([\d.]+) s", line)
        waits += [float(match[1])] if match else []
        if len(waits) == 6:
            break
    assert max(waits) > 2 * min(waits)
    assert pool.end()[0] == 1


def test_a_worker_with_a_limit_is_followed_by_another(start: Started, resque: Resque) -> None:
    """--max-jobs: each worker does so many, and a new one takes its place at once."""
    resque.enqueue_many([("SayJob", n) for n in range(6)], queue="q")
    pool = start("-n", "2", "--max-jobs", "1")
    until(lambda: resque.stat("processed") == 6)
    status, out = pool.end()
    assert status == 0
    assert len(set(re.findall(r"in worker (\d+)", out))) == 6
    assert "died" not in out


def test_a_burst_ends(start: Started, resque: Resque) -> None:
    """A worker that has found nothing more is not started again; with the last one the pool ends."""
    resque.enqueue_many([("SayJob", n) for n in range(10)], queue="q")
    status, out = start("-n", "3", "--burst").end(None)
    assert status == 0
    assert out.count("in worker") == 10


def test_a_pool_without_work_ends(start: Started, resque: Resque) -> None:
    """--max-idle counts for a pool too: when all its workers have left, it leaves."""
    resque.enqueue("SayJob", 1, queue="q")
    status, _ = start("-n", "2", "--max-idle", "0.1").end(None)
    assert status == 0
    assert resque.stat("processed") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_signals_reach_every_worker(start: Started, number: int) -> None:
    """TERM, INT and QUIT end them all, each in good order, and then the pool, with 0."""
    pool = start("-n", "3")
    workers = pool.full(3)
    assert pool.end(number)[0] == 0
    assert pool.workers() == set()
    assert all(map(gone, workers))


def test_quit_lets_jobs_finish(start: Started, resque: Resque) -> None:
    """The pool waits for as long as they take."""
    pool = start("-n", "2")
    pool.begin("a")
    pool.begin("b")
    pool.send(signal.SIGQUIT)
    pool.finish("a")
    until(lambda: len(pool.workers()) == 1)
    assert pool.process.poll() is None
    pool.finish("b")
    assert pool.end(None)[0] == 0
    assert (resque.stat("processed"), resque.failures.count()) == (2, 0)


def test_a_worker_that_is_killed_as_the_pool_leaves(start: Started) -> None:
    """The pool waits for the others and exits with 1."""
    pool = start("-n", "2")
    pool.full(2)
    pool.begin("a")
    pool.send(signal.SIGQUIT)
    until(lambda: len(pool.workers()) == 1)
    (last,) = pool.workers()
    os.kill(last, signal.SIGKILL)
    assert pool.end(None)[0] == 1


def test_a_second_term_hastens(start: Started, resque: Resque) -> None:
    """It is passed on like the first: jobs that were given time to drain end now."""
    pool = start("-n", "2", "--drain", "1000")
    pool.full(2)
    pool.begin("a")
    pool.send(signal.SIGTERM)
    until(lambda: len(pool.workers()) == 1)  # the first one was heard: two that come at once are one
    assert pool.end()[0] == 0
    assert [one.value["exception"] for one in resque.failures.list()] == ["Resque::TermException"]


def test_usr1_ends_the_jobs_only(start: Started, resque: Resque) -> None:
    """The workers go on."""
    pool = start("-n", "2")
    workers = pool.full(2)
    pool.begin("a")
    pool.send(signal.SIGUSR1)
    until(lambda: resque.failures.count() == 1)
    assert pool.workers() == workers
    assert pool.end()[0] == 0


def test_a_pause_is_kept_by_workers_that_come_later(start: Started, resque: Resque) -> None:
    """USR2 holds for the pool until CONT, whoever dies meanwhile."""
    pool = start("-n", "2", "--interval", "0.1")
    first, second = pool.full(2)
    pool.send(signal.SIGUSR2)
    until(lambda: "Paused" in pool.title(first))
    os.kill(first, signal.SIGKILL)
    until(lambda: len(pool.workers() - {first, second}) == 1)
    (third,) = pool.workers() - {first, second}
    until(lambda: "Paused" in pool.title(third))
    resque.enqueue("SayJob", 1, queue="q")
    assert resque.size("q") == 1
    pool.send(signal.SIGCONT)
    until(lambda: resque.stat("processed") == 1)
    assert pool.end()[0] == 0


def test_workers_leave_when_the_supervisor_is_killed(start: Started, resque: Resque) -> None:
    """kill -9: a running job is finished and settled, then its worker leaves; idle ones leave at once."""
    pool = start("-n", "3")
    workers = pool.full(3)
    pool.begin("a")
    pool.process.kill()
    until(lambda: len(pool.workers()) == 1)
    pool.finish("a")
    until(lambda: not pool.workers())
    assert (resque.stat("processed"), resque.failures.count()) == (1, 0)
    until(lambda: all(map(gone, workers)))


def test_every_worker_is_woken_again(start: Started, resque: Resque) -> None:
    """One that was woken in vain, because another was faster, still hears of the next job at once."""
    pool = start("-n", "2", "--interval", "1000")
    pool.full(2)
    for n in range(30):
        resque.enqueue("SayJob", n, queue="q")
        until(lambda n=n: resque.stat("processed") == n + 1)  # type: ignore[misc]
    pool.begin("a")
    pool.begin("b")
    pool.finish("a")
    pool.finish("b")
    assert pool.end(signal.SIGQUIT)[0] == 0


# --- as pid 1 ----------------------------------------------------------------------------------------

ORPHANS = """
import ctypes, os
from pyresque import job
pool = os.getpid()
ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: orphans come to the supervisor, as to pid 1

@job(name="LeaveJob")
def leave():
    if os.fork() == 0:
        os.setsid()
        pid = os.fork()
        if pid == 0:
            while os.getppid() != pool: pass
        else:
            print("orphan", pid, flush=True)
        os._exit(0)
    os.wait()
"""


def test_orphans_are_buried(start: Started, program: Program, resque: Resque) -> None:
    """Processes that jobs have left behind come to pid 1; the supervisor waits for them."""
    program.jobs(ORPHANS)
    pool = start("-n", "2")
    resque.enqueue("LeaveJob", queue="q")
    until(lambda: resque.stat("processed") == 1)
    children = Path(f"/proc/{pool.process.pid}/task/{pool.process.pid}/children")
    until(lambda: {int(pid) for pid in children.read_text().split()} == pool.workers())
    status, out = pool.end()
    assert status == 0
    assert "orphan" in out


def read_until(stream: IO[str] | None, text: str) -> str:
    """Read lines until one has this text in it; that line."""
    assert stream is not None
    return next(line for line in iter(stream.readline, "") if text in line)


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU])
def test_a_worker_that_is_stopped_is_told_of(start: Started, number: signal.Signals) -> None:
    """One warning that says what to do; CONT lets it go on, and that is told as well."""
    pool = start("-n", "2", "--no-fork", "-v")
    first, second = pool.full(2)
    os.kill(first, number)
    told = read_until(pool.process.stderr, f"worker process {first} is stopped ({number.name})")
    assert re.search(f"kill -CONT -?{first}", told)
    os.kill(first, signal.SIGCONT)
    read_until(pool.process.stdout, f"worker process {first} goes on")
    assert pool.workers() == {first, second}
    status, out = pool.end()
    assert (status, "is stopped" in out) == (0, False)


@pytest.mark.parametrize("words", [["--no-fork"], [], ["--async-concurrency", "2"]])
def test_a_stopped_worker_hears_that_the_pool_leaves(start: Started, words: list[str]) -> None:
    """It is continued for that, as init systems do; nobody has to kill it."""
    pool = start("-n", "2", *words)
    first, _ = pool.full(2)
    os.kill(first, signal.SIGSTOP)
    read_until(pool.process.stderr, f"worker process {first} is stopped (SIGSTOP)")
    status, out = pool.end()
    assert status == 0
    assert "died" not in out


@pytest.mark.parametrize("words", [["--no-fork"], ["-n", "2", "--no-fork"]])
def test_a_stopped_worker_hears_what_it_was_told_meanwhile(
    start: Started, program: Program, resque: Resque, words: list[str]
) -> None:
    """Whichever thread of it the kernel gives the signal to, the job that blocks the main one is reached."""
    program.jobs(
        "import os, pathlib, time\nfrom pyresque import job\n@job(queue='q', name='SleepJob')\n"
        "def sleep():\n    pathlib.Path('pid').write_text(str(os.getpid()))\n    time.sleep(600)\n"
    )
    pool = start("--drain", "0.1", *words)
    resque.enqueue("SleepJob", queue="q")
    until(lambda: (pool.folder / "pid").exists() and (pool.folder / "pid").read_text())
    pid = int((pool.folder / "pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
    pool.send(signal.SIGTERM)
    if pid == pool.process.pid:
        os.kill(pid, signal.SIGCONT)
    assert pool.end(None)[0] == 0
    assert [one.text("exception") for one in resque.failures.list()] == ["Resque::TermException"]
