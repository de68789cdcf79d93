"""What makes a worker one that can be trusted: limits, timeouts, deploys, recovery, waking."""

import asyncio
import atexit
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from pyresque import JobTimeout, job
from pyresque.config import Recover, Stopping, WorkerOptions
from pyresque.failure import Recorder, Redis
from pyresque.store import reservation
from pyresque.store.connection.socket_link import Connection
from pyresque.store.connection.wakeup import Wakeup
from pyresque.store.workers import Registration
from pyresque.system.processes import process_space
from pyresque.worker.pruner import Pruner
from pyresque.worker.stop_notice import SIGNAL
from tests.redis.bench import add_echo, busy, elements, eventually, failed, note, put, seen, stats
from tests.unit.cli.program import ROOT, until


def add_stuck(resque, **options):
    @job(queue="q", name="Stuck", registry=resque.registry, **options)
    def stuck() -> None:
        note(resque, f"pid {os.getpid()}")
        deep_inside()

    def deep_inside():
        while True:
            time.sleep(60)

    return stuck


# --- timeouts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["job", "worker"])
def test_a_job_beyond_its_timeout_fails_and_says_where_it_stood(bench, resque, where):
    """JobTimeout is raised in it where it stands, so that is its backtrace."""
    stuck = add_stuck(resque, timeout=0.3 if where == "job" else None)
    resque.enqueue(stuck)
    resque.enqueue(add_echo(resque), 1)
    bench.burst(options=WorkerOptions(timeout=0.3 if where == "worker" else None))
    [record] = failed(resque)
    assert record["exception"] == "pyresque.JobTimeout"
    assert record["error"] == "Job did not end within its timeout of 0.3 seconds"
    assert "in `deep_inside'" in record["backtrace"][0]
    assert "in `stuck'" in record["backtrace"][1]
    assert seen(resque)[1:] == ["[1]"]
    assert stats(resque) == (2, 1)


GRACE = WorkerOptions(timeout=0.2, timeout_grace=0.2)


def add_late(resque, body):
    """A job that is late, and does `body` about JobTimeout."""

    @job(queue="q", name="Late", registry=resque.registry)
    def late() -> None:
        try:
            time.sleep(600)
        except Exception as error:
            note(resque, f"{type(error).__name__}: {error}")
            body()
        finally:
            note(resque, "finally")

    return late


def test_a_late_job_can_clean_up_and_end(bench, resque):
    """What it makes of JobTimeout is its own affair, as long as it ends: this one is done."""
    resque.enqueue(add_late(resque, lambda: None))
    bench.burst(options=WorkerOptions(timeout=0.2))
    assert seen(resque) == ["JobTimeout: Job did not end within its timeout of 0.2 seconds", "finally"]
    assert (stats(resque), failed(resque)) == ((1, 0), [])


def test_a_late_job_that_goes_on_is_killed(bench, resque):
    """After the grace, with everything that it has started; the record says where it stood."""

    def on() -> None:
        note(resque, f"grandchild {subprocess.Popen(['sleep', '600']).pid}")
        time.sleep(600)

    resque.enqueue(add_late(resque, on))
    bench.burst(options=WorkerOptions(timeout=0.2, timeout_grace=2))
    [record] = failed(resque)
    text = "Job did not end within its timeout of 0.2 seconds, nor 2 seconds after JobTimeout was raised in"
    assert record["exception"] == "Resque::DirtyExit"
    assert record["error"].startswith(text + " it. Child process received")
    assert "in `on'" in record["backtrace"][0]
    assert (len(seen(resque)), stats(resque)) == (2, (1, 0))
    assert not lives(int(seen(resque)[1].split()[1]))


def test_what_a_late_job_has_started_ends_with_it(bench, resque):
    """It ends by JobTimeout itself, and leaves a process behind."""

    @job(queue="q", name="Leaves", timeout=0.3, registry=resque.registry)
    def leaves() -> None:
        note(resque, str(subprocess.Popen(["sleep", "600"]).pid))
        time.sleep(600)

    resque.enqueue(leaves)
    bench.burst(options=WorkerOptions(jobs_per_fork=3))
    assert [record["exception"] for record in failed(resque)] == ["pyresque.JobTimeout"]
    eventually(lambda: not lives(int(seen(resque)[0])))


def test_a_late_job_that_has_moved_its_process_group_ends_too(bench, resque):
    """In a group of another process, and then in a session of its own, which it may have."""

    @job(queue="q", name="Moves", registry=resque.registry)
    def moves(session: bool) -> None:
        if session:
            os.setsid()
        else:
            os.setpgid(0, os.getpgid(os.getppid()))
        note(resque, str(os.getsid(0) == os.getpid()))
        while True:
            with suppress(JobTimeout):
                time.sleep(600)

    resque.enqueue(moves, False)
    resque.enqueue(moves, True)
    bench.burst(options=GRACE)
    assert seen(resque) == ["False", "True"]
    assert ["JobTimeout" in record["error"] for record in failed(resque)] == [True, True]


def test_a_notice_that_comes_late_is_not_for_the_next_job(bench, resque):
    """Jobs end just when their time is over, one after the other in one process: none hears of another's."""

    @job(queue="q", name="Edge", timeout=0.02, registry=resque.registry)
    def edge() -> None:
        until = time.monotonic() + 0.0195
        while time.monotonic() < until:
            pass

    @job(queue="q", name="Calm", registry=resque.registry)
    def calm(number: int) -> None:
        note(resque, str(number))

    resque.enqueue_many([one for number in range(100) for one in ((edge,), (calm, number))])
    bench.burst(options=WorkerOptions(jobs_per_fork=50))
    assert seen(resque) == [str(number) for number in range(100)]
    assert {record["payload"]["class"] for record in failed(resque)} <= {"Edge"}
    assert resque.stat("processed") == 200


MODES = [WorkerOptions(), WorkerOptions(jobs_per_fork=2), WorkerOptions(fork_per_job=False)]


@pytest.mark.parametrize("options", MODES)
def test_time_is_over_in_every_mode(bench, resque, options):
    """In a plain function, in an `async def` that waits and in one that blocks; and in what these began."""

    @job(queue="q", name="Plain", timeout=0.3, registry=resque.registry)
    def plain() -> None:
        try:
            time.sleep(600)
        except JobTimeout:
            note(resque, "plain")
            raise
        finally:
            note(resque, "plain finally")

    @job(queue="q", name="Waits", timeout=0.3, registry=resque.registry)
    async def waits() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(child())
        except JobTimeout:
            note(resque, "waits")
            raise

    async def child() -> None:
        try:
            await asyncio.sleep(600)
        finally:
            note(resque, "child finally")

    @job(queue="q", name="Blocks", timeout=0.3, registry=resque.registry)
    async def blocks() -> None:
        try:
            time.sleep(600)
        except JobTimeout:
            note(resque, "blocks")
            raise

    for one in (plain, waits, blocks):
        resque.enqueue(one)
    resque.enqueue(add_echo(resque), 1)
    bench.burst(options=options)
    assert seen(resque) == ["plain", "plain finally", "child finally", "waits", "blocks", "[1]"]
    assert [record["exception"] for record in failed(resque)] == ["pyresque.JobTimeout"] * 3
    assert stats(resque) == (4, 3)


def test_without_fork_a_late_job_that_goes_on_ends_its_worker(bench, resque):
    """The job is recorded, the next one stays; a pool or a service manager starts another worker."""
    resque.enqueue(add_late(resque, lambda: time.sleep(600)))
    resque.enqueue(add_echo(resque), 1)
    worker = bench.start(options=replace(GRACE, fork_per_job=False))
    assert worker.wait() == 1
    [record] = failed(resque)
    assert record["exception"] == "Resque::DirtyExit"
    assert record["error"].endswith("after JobTimeout was raised in it. Its worker has ended with it")
    assert (resque.size("q"), resque.workers()) == (1, [])


NO_FORK = WorkerOptions(fork_per_job=False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_without_fork_a_drain_ends_the_job(bench, resque, number):
    """TermException is raised in it when its time is over, or at a second signal."""
    worker, _ = busy(bench, options=replace(NO_FORK, stopping=Stopping(drain=0.2)))
    worker.send(number)
    assert worker.wait() == 0
    assert [record["exception"] for record in failed(resque)] == ["Resque::TermException"]


def test_without_fork_a_second_term_does_not_wait(bench, resque):
    """Who asks twice means it."""
    worker, _ = busy(bench, options=NO_FORK)
    worker.send(signal.SIGTERM)
    worker.send(signal.SIGINT)  # another one: two of a kind may become one on their way
    assert worker.wait() == 0
    assert [record["exception"] for record in failed(resque)] == ["Resque::TermException"]


def test_without_fork_a_drain_that_is_over_puts_the_job_back(bench, resque):
    """With --requeue-on-shutdown; also if it goes on all the same."""
    stopping = Stopping(drain=0.2, term_timeout=0.2, requeue=True)
    worker, _ = busy(bench, options=replace(NO_FORK, stopping=stopping))
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    assert (elements(resque), failed(resque)) == ([b'{"class":"Slow","args":[]}'], [])
    resque.link.execute("DEL", "resque:queue:q", "seen")

    @job(queue="q", name="Goes", registry=resque.registry)
    def goes() -> None:
        with suppress(Exception):
            note(resque, "begun")
            time.sleep(600)
        time.sleep(600)

    resque.enqueue(goes)
    worker = bench.start(options=replace(NO_FORK, stopping=stopping))
    eventually(lambda: seen(resque))
    worker.send(signal.SIGTERM)
    assert worker.wait() == 1
    assert (elements(resque), failed(resque)) == ([b'{"class":"Goes","args":[]}'], [])


@pytest.mark.parametrize("jobs_per_fork", [1, 2])
def test_at_exit_functions_are_a_part_of_a_jobs_time(bench, resque, jobs_per_fork):
    """RUN_AT_EXIT_HOOKS: one that hangs is ended with its process; the job is done, and the next is run."""

    @job(queue="q", name="Hangs", registry=resque.registry)
    def hangs(number: int) -> None:
        atexit.register(time.sleep, 600)
        note(resque, str(number))

    resque.enqueue_many([(hangs, number) for number in range(2)])
    stopping = Stopping(run_at_exit_hooks=True)
    bench.burst(options=replace(GRACE, timeout=2, stopping=stopping, jobs_per_fork=jobs_per_fork))
    assert seen(resque) == ["0", "1"]
    assert (stats(resque), failed(resque)) == ((2, 0), [])


def test_at_exit_functions_run_once_in_a_process_of_several_jobs(bench, resque):
    """Behind its last job, not behind each."""

    @job(queue="q", name="Registers", registry=resque.registry)
    def registers(number: int) -> None:
        atexit.register(note, resque, f"exit {number}")
        note(resque, str(number))

    resque.enqueue_many([(registers, number) for number in range(4)])
    bench.burst(options=WorkerOptions(jobs_per_fork=2, stopping=Stopping(run_at_exit_hooks=True)))
    assert seen(resque) == ["0", "1", "exit 1", "exit 0", "2", "3", "exit 3", "exit 2"]


def test_the_timeout_of_a_job_wins_over_that_of_the_worker(bench, resque):
    """A job with a long timeout of its own is left alone."""

    @job(queue="q", name="Patient", timeout=30, registry=resque.registry)
    def patient() -> None:
        time.sleep(0.4)
        note(resque, "done")

    resque.enqueue(patient)
    bench.burst(options=WorkerOptions(timeout=0.1))
    assert seen(resque) == ["done"]
    assert failed(resque) == []


def test_a_child_says_where_it_stands_even_in_a_loop_without_end(bench, resque):
    """A job that never lets Python look at signals in its own code is caught too."""

    @job(queue="q", name="Spin", timeout=0.3, registry=resque.registry)
    def spin() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - {SIGNAL})
        while True:
            pass

    resque.enqueue(spin)
    bench.burst(options=WorkerOptions(timeout_grace=0.2))
    assert "in `spin'" in failed(resque)[0]["backtrace"][0]


# --- what a job leaves behind ----------------------------------------------------------------------


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def add_parent(resque):
    @job(queue="q", name="Parent", registry=resque.registry)
    def parent() -> None:
        process = subprocess.Popen(["sleep", "600"])
        note(resque, f"pid {os.getpid()}", f"grandchild {process.pid}")
        time.sleep(600)

    return parent


def test_grandchildren_end_with_a_killed_job(bench, resque):
    """USR1 kills the job and everything that it has started."""
    resque.enqueue(add_parent(resque))
    worker = bench.start()
    eventually(lambda: len(seen(resque)) == 2)
    grandchild = int(seen(resque)[1].split()[1])
    assert lives(grandchild)
    worker.send(signal.SIGUSR1)
    eventually(lambda: not lives(grandchild))
    eventually(lambda: failed(resque))


def test_a_job_ends_with_its_worker(bench, resque):
    """kill -9 of the worker: the job's process does not run on, for the job will be recorded as failed."""
    worker, child = busy(bench)
    os.kill(worker.pid, signal.SIGKILL)
    eventually(lambda: not lives(child))
    resque.link.execute("SET", "go", 1)
    resque.link.execute("DEL", "resque:pruning_dead_workers_in_progress")
    bench.burst()
    assert "finished" not in seen(resque)
    assert [record["error"] for record in failed(resque)] == ["Job still being processed"]


AS_PROCESS_ONE = """
import glob, os, subprocess, sys, time
from pyresque import Resque, Worker, job
resque = Resque(sys.argv[1])

@job(queue="q", name="Orphan")
def orphan():
    subprocess.run(["sh", "-c", "sleep 0.05 & exit"])

@job(queue="q", name="Zombies")
def zombies():
    until, stats = time.monotonic() + 10, [""]
    while stats and time.monotonic() < until:
        time.sleep(0.05)
        stats = [open(path).read() for path in glob.glob("/proc/[0-9]*/stat")]
        orphans = [one for one in stats if "(sleep)" in one]
        stats = [one for one in stats if ") Z" in one or one in orphans]
    resque.link.execute("RPUSH", "seen", os.getppid(), len(stats))

assert os.getpid() == 1
Worker(resque, ["q"]).work(interval=0)
"""


def test_process_one_of_a_container_buries_orphans(resque, server):
    """A worker that is pid 1 waits for processes that were left to it, also while a job runs."""
    command = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", AS_PROCESS_ONE, server.url]
    if subprocess.run([*command[:4], "true"], capture_output=True).returncode != 0:
        pytest.skip("this user may not make a process space of its own (unshare --pid)")
    resque.enqueue("Orphan", queue="q")
    resque.enqueue("Zombies", queue="q")
    subprocess.run(command, check=True)
    assert seen(resque) == ["1", "0"]
    assert failed(resque) == []


IDLE_PROCESS_ONE = """
import os, subprocess, sys
from pyresque import Resque, Worker, job
from pyresque.config import WorkerOptions
resque = Resque(sys.argv[1])

@job(queue="q", name="Orphans")
def orphans():
    subprocess.run(["sh", "-c", "(until test -e go; do sleep 0.05; done) & exit"])

assert os.getpid() == 1
Worker(resque, ["q"], WorkerOptions(fork_per_job=len(sys.argv) == 2)).work(600)
"""


@pytest.mark.parametrize("words", [[], ["--no-fork"]])
def test_an_idle_process_one_buries_orphans(resque, server, tmp_path, words):
    """It need not have another job, or a turn, for that."""
    command = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if subprocess.run([*command[:4], "true"], capture_output=True).returncode != 0:
        pytest.skip("this user may not make a process space of its own (unshare --pid)")
    resque.enqueue("Orphans", queue="q")
    with subprocess.Popen(
        [*command, sys.executable, "-c", IDLE_PROCESS_ONE, server.url, *words], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as world:  # fmt: skip
        try:
            until(lambda: resque.stat("processed") == 1)
            (worker,) = children_of(world.pid)
            until(lambda: "sh" in map(name_of, children_of(worker)))
            (tmp_path / "go").touch()
            until(lambda: "sh" not in map(name_of, children_of(worker)))
        finally:
            world.kill()


def children_of(pid):
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def name_of(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


# --- stopping --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_drain_lets_a_job_finish_that_can(bench, resque, number):
    """--drain: TERM waits so long for the job, then the worker leaves."""
    worker, _ = busy(bench, options=WorkerOptions(stopping=Stopping(drain=60)))
    worker.send(number)
    resque.link.execute("SET", "go", 1)
    assert worker.wait() == 0
    assert seen(resque)[1:] == ["finished"]
    assert failed(resque) == []


def test_drain_ends_a_job_that_cannot(bench, resque):
    """When the time is over TermException is raised in the job."""
    worker, _ = busy(bench, options=WorkerOptions(stopping=Stopping(drain=0.3)))
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    [record] = failed(resque)
    assert (record["exception"], record["error"]) == ("Resque::TermException", "SIGTERM")
    assert stats(resque) == (1, 1)


def test_drain_kills_a_job_that_goes_on(bench, resque):
    """So long after TermException."""
    resque.enqueue(add_late(resque, lambda: time.sleep(600)))

    def begun():
        title = Path(f"/proc/{worker.pid}/cmdline").read_bytes()
        return b"Forked" in title

    worker = bench.start(options=WorkerOptions(stopping=Stopping(drain=0.3, term_timeout=0.2)))
    eventually(begun)
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    assert seen(resque) == ["TermException: SIGTERM"]
    assert [record["exception"] for record in failed(resque)] == ["Resque::DirtyExit"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("jobs_per_fork", [1, 5])
def test_term_lets_the_job_finish(bench, resque, number, jobs_per_fork):
    """As the default is: the job at hand ends by itself, the next one stays, nothing has failed."""
    worker, child = busy(bench, options=WorkerOptions(jobs_per_fork=jobs_per_fork))
    resque.enqueue(add_echo(resque), 1)
    worker.send(number)
    os.kill(child, signal.SIGTERM)  # as systemd does with the default of KillMode
    resque.link.execute("SET", "go", 1)
    assert worker.wait() == 0
    assert (seen(resque)[1:], failed(resque), resque.size("q")) == (["finished"], [], 1)
    assert (stats(resque), resque.workers()) == ((1, 0), [])


def test_a_second_term_does_not_wait(bench, resque):
    """Who asks twice means it."""
    worker, _ = busy(bench, options=WorkerOptions(stopping=Stopping(drain=3600)))
    worker.send(signal.SIGTERM)
    time.sleep(0.05)
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    assert len(failed(resque)) == 1


@pytest.mark.parametrize("term_child", [False, True])
def test_requeue_on_shutdown_puts_the_job_back(bench, resque, term_child):
    """The job that the worker has to end goes back to the head of its queue: no failure, not counted."""
    stopping = Stopping(requeue=True, term_child=term_child, drain=0)
    worker, _ = busy(bench, options=WorkerOptions(stopping=stopping))
    put(resque, b'{"class":"Later","args":[]}')
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    assert elements(resque) == [b'{"class":"Slow","args":[]}', b'{"class":"Later","args":[]}']
    assert failed(resque) == []
    assert stats(resque) == (0, 0)


def test_a_drain_that_is_over_puts_the_job_back(bench, resque):
    """With --requeue-on-shutdown."""
    worker, _ = busy(bench, options=WorkerOptions(stopping=Stopping(requeue=True, drain=0.2)))
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    assert (elements(resque), failed(resque)) == ([b'{"class":"Slow","args":[]}'], [])
    assert stats(resque) == (0, 0)


def test_requeue_on_shutdown_is_not_for_usr1(bench, resque):
    """USR1 ends one job, and that one has failed."""
    worker, _ = busy(bench, options=WorkerOptions(stopping=Stopping(requeue=True)))
    worker.send(signal.SIGUSR1)
    eventually(lambda: failed(resque))
    assert elements(resque) == []


# --- limits ----------------------------------------------------------------------------------------


def test_max_jobs(bench, resque):
    """The worker leaves after so many jobs, and takes none that it would not run."""
    echo = add_echo(resque)
    resque.enqueue_many([(echo, number) for number in range(5)])
    worker = bench.start(options=WorkerOptions(max_jobs=3))
    assert worker.wait() == 0
    assert seen(resque) == ["[0]", "[1]", "[2]"]
    assert resque.size("q") == 2
    assert resque.workers() == []


def test_max_idle(bench, resque):
    """The worker leaves when it has had nothing to do for so long, whatever its interval."""
    add_echo(resque)
    worker = bench.start(options=WorkerOptions(max_idle=0.1), interval=60)
    assert worker.wait() == 0


def test_max_rss(bench, resque):
    """A worker that has grown too large finishes its job and leaves."""
    echo = add_echo(resque)
    resque.enqueue_many([(echo, number) for number in range(3)])
    worker = bench.start(options=WorkerOptions(max_rss=1, fork_per_job=False))
    assert worker.wait() == 0
    assert seen(resque) == ["[0]"]
    assert resque.size("q") == 2


def test_jobs_per_fork(bench, resque):
    """So many jobs share a process, one after the other; each is recorded by itself."""

    @job(queue="q", name="Pid", registry=resque.registry)
    def pid(number: int) -> None:
        note(resque, os.getpid())
        if number == 1:
            raise ValueError("one")

    resque.enqueue_many([(pid, number) for number in range(7)])
    bench.burst(options=WorkerOptions(jobs_per_fork=3))
    pids = seen(resque)
    assert [pids.count(one) for one in dict.fromkeys(pids)] == [3, 3, 1]
    assert [record["payload"]["args"] for record in failed(resque)] == [[1]]
    assert stats(resque) == (7, 1)


def test_jobs_per_fork_survives_a_killed_child(bench, resque):
    """A job that kills the process fails alone; the next one gets a new process."""

    @job(queue="q", name="Kill", registry=resque.registry)
    def kill(number: int) -> None:
        note(resque, number)
        if number == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    resque.enqueue_many([(kill, number) for number in range(4)])
    bench.burst(options=WorkerOptions(jobs_per_fork=10))
    assert seen(resque) == ["0", "1", "2", "3"]
    assert [record["payload"]["args"] for record in failed(resque)] == [[1]]


# --- recovery --------------------------------------------------------------------------------------


def dead_pid():
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def dead_worker(resque, ours):
    """A worker of this host that has died at a job; returns its id."""
    worker_id = f"{socket.gethostname()}:{dead_pid()}:q"
    resque.link.execute("SADD", "resque:workers", worker_id)
    if ours:
        resque.link.execute("HSET", "resque:pyresque:workers", worker_id, process_space())
    record = b'{"queue":"q","run_at":"2026-01-01T00:00:00Z","payload":{"class":"Echo","args":[1],"id":7}}'
    resque.link.execute("SET", f"resque:worker:{worker_id}", record)
    return worker_id


def prune(resque, recover):
    resque.link.execute("UNLINK", "resque:pruning_dead_workers_in_progress")
    recorder = Recorder(resque.space, Redis())
    return Pruner(resque.space, resque.registry, recorder, recover).prune("me:1:q", ["q"])


def test_recover_requeue_puts_the_job_of_a_dead_python_worker_back(resque):
    """At the head of its queue, with every key it had; no failure."""
    put(resque, b'{"class":"Later","args":[]}')
    worker_id = dead_worker(resque, ours=True)
    assert prune(resque, Recover("requeue")) == [worker_id]
    assert elements(resque) == [b'{"class":"Echo","args":[1],"id":7}', b'{"class":"Later","args":[]}']
    assert failed(resque) == []
    assert resque.workers() == []


def test_recover_requeue_leaves_the_jobs_of_ruby_workers_to_ruby_s_way(resque):
    """Their job is recorded as failed, as every Ruby worker would do."""
    dead_worker(resque, ours=False)
    prune(resque, Recover("requeue"))
    assert elements(resque) == []
    assert [record["exception"] for record in failed(resque)] == ["Resque::DirtyExit"]


def test_recovery_has_a_bound(resque):
    """A job that brings every worker down is put back so often, then it has failed."""
    for _ in range(3):
        dead_worker(resque, ours=True)
        prune(resque, Recover("requeue", 2))
    assert len(elements(resque)) == 2
    assert len(failed(resque)) == 1


def test_by_default_the_job_of_a_dead_worker_fails(resque):
    """--recover fail is Ruby's way."""
    dead_worker(resque, ours=True)
    prune(resque, Recover())
    assert elements(resque) == []
    assert len(failed(resque)) == 1


def test_our_own_list_forgets_workers_that_others_have_removed(resque):
    """pyresque:workers does not grow by workers that Ruby has pruned."""
    resque.link.execute("HSET", "resque:pyresque:workers", "gone:1:q", "")
    prune(resque, Recover())
    assert resque.link.execute("EXISTS", "resque:pyresque:workers") == 0


def test_a_pid_of_another_container_is_not_judged(resque):
    """A worker of ours that shares our host name but not our process table is not pruned for its pid."""
    worker_id = dead_worker(resque, ours=True)
    resque.link.execute("HSET", "resque:pyresque:workers", worker_id, "another boot pid:[1]")
    assert prune(resque, Recover()) == []


# --- waking ----------------------------------------------------------------------------------------


def test_an_idle_worker_is_woken_by_a_job(bench, resque):
    """With an interval of an hour: what is enqueued is run."""
    echo = add_echo(resque)
    worker = bench.start(interval=3600)
    worker.shows("Waiting for q")
    for number in range(3):
        resque.enqueue(echo, number)
        eventually(lambda n=number: len(seen(resque)) == n + 1)


def test_a_new_queue_wakes_a_worker_on_a_pattern(bench, resque):
    """The set of queues is watched too."""
    echo = add_echo(resque)
    worker = bench.start("*", interval=3600)
    worker.shows("Waiting for ?")
    resque.enqueue_to("brand_new", echo, 1)
    eventually(lambda: seen(resque) == ["[1]"])


@pytest.mark.parametrize(
    ("key", "value"), [("pause-all-workers", "true"), ("pause:queue:q", "x"), ("pause:all", "x")]
)
def test_the_end_of_a_pause_wakes_a_worker(bench, resque, key, value):
    """Nothing is taken while the key is there, and its removal is enough to go on."""
    echo = add_echo(resque)
    resque.link.execute("SET", f"resque:{key}", value)
    resque.enqueue(echo, 1)
    worker = bench.start(interval=3600)
    worker.shows("(Paused|Waiting for q)")
    assert resque.size("q") == 1
    resque.link.execute("DEL", f"resque:{key}")
    eventually(lambda: seen(resque) == ["[1]"])


def test_a_paused_queue_does_not_hold_the_others(bench, resque):
    """pause:queue:Q is about Q only."""
    echo = add_echo(resque)
    resque.link.execute("SET", "resque:pause:queue:a", "true")
    resque.enqueue_to("a", echo, 1)
    resque.enqueue_to("b", echo, 2)
    bench.burst("a", "b")
    assert seen(resque) == ["[2]"]
    assert resque.size("a") == 1


def test_a_worker_whose_waking_connection_is_cut_goes_on(bench, resque):
    """It polls meanwhile, and is woken again later."""
    echo = add_echo(resque)
    worker = bench.start(interval=0.05)
    worker.shows("Waiting for q")
    resque.link.execute("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    resque.enqueue(echo, 1)
    eventually(lambda: seen(resque) == ["[1]"])


def test_a_change_between_looking_and_watching_is_not_missed(resque):
    """`arm` says that one more look is due; a change after it is noticed, one before it is not owed."""
    wakeup = Wakeup(resque.link)
    key = b"resque:queue:q"
    assert wakeup.arm([key]) is True
    assert wakeup.arm([key]) is False
    assert wakeup.woken() is False
    put(resque, b"{}")
    eventually(wakeup.woken)
    assert wakeup.arm([key]) is True
    wakeup.close()


def test_a_change_that_comes_along_with_the_answer_is_not_missed(resque, monkeypatch):
    """Answer and message may be read in one go: whoever then only waits for the socket would wait in vain."""
    wakeup, send = Wakeup(resque.link), Connection.send
    assert wakeup.arm([b"resque:queue:other"]) is True

    def send_and_change(connection, commands):
        monkeypatch.undo()
        send(connection, commands)
        eventually(lambda: b":0" in connection.socket.recv(999, socket.MSG_PEEK))
        put(resque, b"{}")
        eventually(lambda: b"invalidate" in connection.socket.recv(999, socket.MSG_PEEK))

    monkeypatch.setattr(Connection, "send", send_and_change)
    assert wakeup.arm([b"resque:queue:q"]) is True
    assert wakeup.arm([b"resque:queue:q"]) is True
    put(resque, b"{}")
    eventually(wakeup.woken)
    wakeup.close()


def test_a_claim_beside_a_job_that_is_held_already(resque):
    """A worker that has a job it does not know of takes no second one, and does not think Redis away."""
    put(resque, b'{"class":"Echo","args":[1]}')
    resque.link.execute("SADD", "resque:workers", "h:1:q")
    resque.link.execute("SET", "resque:worker:h:1:q", "{}")
    who = Registration("h", "1:q")
    assert reservation.reserve_element(resque.space, who, "q", elements(resque)[0], b"{}") is None
    assert resque.size("q") == 1
