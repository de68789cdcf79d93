"""What a job starts has the system's default signals, and what a job does to signals ends with it.

The worker hears its own again after that, whatever the job has left: handlers, the mask, timers, the wakeup
descriptor.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyresque import Resque, job
from pyresque.config import Stopping, WorkerOptions
from pyresque.failure import Backend, Failure
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry
from pyresque.testing.redis_server import DevRedis
from tests.redis import signal_jobs
from tests.redis.bench import Bench
from tests.unit.cli.program import Live, Program, end_all, until

MODES: dict[str, list[str]] = {
    "fork": [],
    "jobs per fork": ["--jobs-per-fork", "50"],
    "no fork": ["--no-fork"],
    "async": ["--async-concurrency", "3"],
    "pool": ["-n", "2"],
    "pool without fork": ["-n", "2", "--no-fork"],
}

ALONE = [mode for mode in MODES if "pool" not in mode]
"""What happens within one worker need not be tried in a pool of them as well."""

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads masks in /proc")

Started = Callable[..., Live]


@pytest.fixture
def start(resque: Resque, server: DevRedis, tmp_path: Path) -> Iterator[Started]:
    """Starts a worker in this mode; what is left of it at the end is killed."""
    program = Program(tmp_path, server.url)
    program.jobs(Path(signal_jobs.__file__).read_text())
    workers: list[Live] = []

    def started(mode: str, **env: str) -> Live:
        words = ["work", "-q", "q", "-r", "jobs", "-v", *MODES[mode]]
        process = program.start(*words, MODE=mode, INTERVAL="0.1", **env)
        workers.append(Live(process, program, resque))
        return workers[-1]

    yield started
    end_all(workers)


def failures(resque: Resque) -> list[str]:
    return [f"{one.payload['args'][1]}: {one.text('error')}" for one in resque.failures.list(0, 100)]


@pytest.mark.parametrize(
    ("mode", "term_child"), [*((mode, "") for mode in MODES), *((mode, "1") for mode in ALONE)]
)
def test_what_a_job_starts_has_default_signals(
    mode: str, term_child: str, start: Started, resque: Resque
) -> None:
    """Pools end, processes can be terminated, pipes break: forked, spawned, executed, in threads."""
    worker = start(mode, **({"TERM_CHILD": term_child} if term_child else {}))
    for name in signal_jobs.STARTS:
        resque.enqueue("Meddles", "starts", name, queue="q")
    until(lambda: resque.stat("processed") == len(signal_jobs.STARTS))
    assert failures(resque) == []
    code, told = worker.end(signal.SIGTERM)
    assert code == 0, told
    assert resque.workers() == []


@pytest.mark.parametrize("mode", ALONE)
def test_what_a_hook_of_a_job_starts_has_default_signals(mode: str, start: Started, resque: Resque) -> None:
    """It is code of the application as the job itself is."""
    worker = start(mode, TERM_CHILD="1")
    for name in ("pools", "terminate", "defaults"):
        resque.enqueue("Hooked", "starts", name, queue="q")
    until(lambda: resque.stat("processed") == 3)
    assert {one.text("error") for one in resque.failures.list()} == {"as planned"}
    assert worker.end(signal.SIGTERM)[0] == 0


@pytest.mark.parametrize(
    ("mode", "number"),
    [
        *((mode, signal.SIGTERM) for mode in MODES),
        *((mode, number) for mode in ALONE for number in (signal.SIGINT, signal.SIGQUIT)),
    ],
)
def test_a_worker_hears_its_signals_whatever_jobs_have_left(
    mode: str, number: int, start: Started, resque: Resque
) -> None:
    """Idle, after each of them: a pause, its end, and the signal to leave."""
    worker = start(mode)
    for name in signal_jobs.LEAVES:
        for kind in ("Meddles", "Hooked"):
            resque.enqueue(kind, "leaves", name, queue="q")
        until(lambda: not resque.size("q") and not resque.working())
        if "pool" not in mode:
            worker.send(signal.SIGUSR2)
            until(lambda: worker.title().endswith("Paused"))
            worker.send(signal.SIGCONT)
            until(lambda: "Waiting" in worker.title())
    assert {one.text("error") for one in resque.failures.list(0, 100)} == {"as planned"}
    code, told = worker.end(number)
    assert code == 0, told
    assert resque.workers() == []


def test_the_next_job_of_a_process_hears_its_signals(bench: Bench, resque: Resque) -> None:
    """What one has left of handlers is not for the next one in its process."""

    @job(queue="q", name="Leaves", registry=resque.registry)
    def leaves() -> None:
        for name in ("TERM", "INT", "QUIT", "USR1", "CONT"):
            signal.signal(getattr(signal, f"SIG{name}"), signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

    @job(queue="q", name="Waits", registry=resque.registry)
    def waits() -> None:
        resque.link.execute("SET", "begun", 1)
        signal.sigtimedwait([], 60)

    resque.enqueue(leaves)
    resque.enqueue(waits)
    worker = bench.start(options=WorkerOptions(jobs_per_fork=5, stopping=Stopping(term_child=True)))
    until(lambda: resque.link.execute("EXISTS", "begun"))
    worker.send(signal.SIGUSR1)
    until(lambda: resque.failures.count())
    assert resque.failures.list()[0].text("exception") == "Resque::TermException"
    worker.send(signal.SIGQUIT)
    assert worker.wait() == 0


@pytest.mark.parametrize("kind", ["before_first_fork", "before_fork", "after_fork", "queue_empty"])
@pytest.mark.parametrize("mode", ["fork", "no fork", "async"])
def test_hooks_of_the_worker_are_no_different(mode: str, kind: str, start: Started, resque: Resque) -> None:
    """What they start has default signals, and the worker hears its own after them."""
    worker = start(mode, HOOK=kind)
    for _ in range(2):
        resque.enqueue("Meddles", "starts", "shell", queue="q")
    until(lambda: resque.stat("processed") == 2)
    if mode == "fork" or kind in ("queue_empty", "before_first_fork"):
        until((worker.folder / "hook").exists)
    assert not (worker.folder / "wrong").exists(), (worker.folder / "wrong").read_text()
    until(lambda: "Waiting" in worker.title())
    assert worker.end(signal.SIGTERM)[0] == 0
    assert failures(resque) == []


class StartingBackend(Backend):
    """A failure backend that starts programs."""

    def __init__(self, resque: Resque) -> None:
        self._resque = resque

    def save(self, failure: Failure) -> None:
        process = subprocess.Popen(["sleep", "600"])
        process.terminate()
        self._resque.link.execute("RPUSH", "ended", process.wait())


@pytest.mark.parametrize("fork", [True, False])
def test_what_a_failure_backend_starts_can_be_terminated(
    fork: bool, bench: Bench, resque: Resque, server: DevRedis
) -> None:
    """Nothing is blocked while the end of a job is told."""
    registry = Registry(WorkerHooks())

    @job(queue="q", name="Fails", registry=registry)
    def fails() -> None:
        raise LookupError

    telling = Resque(server.url, registry=registry, failure=StartingBackend(resque))
    telling.enqueue(fails)
    bench.burst(resque=telling, options=WorkerOptions(fork_per_job=fork, stopping=Stopping(term_child=True)))
    assert resque.link.execute("LRANGE", "ended", 0, -1) == [b"-15"]
    telling.close()


BLOCKING = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
for name in ("TERM", "INT", "QUIT", "HUP", "CHLD", "USR1", "USR2"):
    signal.signal(getattr(signal, f"SIG{name}"), signal.SIG_IGN)
os.execv(sys.executable, [sys.executable, "-m", "pyresque", *sys.argv[1:]])
"""


@pytest.mark.parametrize("mode", [*ALONE, "pool"])
def test_whoever_starts_a_worker_may_have_blocked_and_ignored_all(
    mode: str, resque: Resque, server: DevRedis, tmp_path: Path
) -> None:
    """The worker hears its signals, buries its children, and jobs start what has default signals."""
    program = Program(tmp_path, server.url)
    program.jobs(Path(signal_jobs.__file__).read_text())
    words = ["work", "-q", "q", "-r", "jobs", "-v", *MODES[mode]]
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": sys.path[0], "REDIS_URL": server.url, "MODE": mode}
    process = subprocess.Popen(
        [sys.executable, "-c", BLOCKING, *words],
        cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    worker = Live(process, program, resque)
    try:
        for name in ("terminate", "popen", "shell", "defaults"):
            resque.enqueue("Meddles", "starts", name, queue="q")
        until(lambda: resque.stat("processed") == 4)
        assert failures(resque) == []
        code, told = worker.end(signal.SIGTERM)
        assert code == 0, told
    finally:
        end_all([worker])
