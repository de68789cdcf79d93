"""What each process of a worker has of its own: an event loop, at-exit functions, random numbers, streams.

And what it cannot have, threads: the worker says so.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyresque import Resque
from pyresque.testing.redis_server import DevRedis
from tests.unit.cli.program import ROOT, Live, Program, end_all, until

MODES: dict[str, list[str]] = {
    "fork": [],
    "jobs per fork": ["--jobs-per-fork", "100"],
    "no fork": ["--no-fork"],
    "pool": ["-n", "2"],
    "pool without fork": ["-n", "2", "--no-fork"],
}
NUMPY = """
import random, sys, types
generator, module = random.Random(1), types.ModuleType("numpy.random")
module.seed, module.rand = generator.seed, generator.random
sys.modules["numpy.random"] = module
"""
ONE_PROCESS = ("jobs per fork", "no fork")
CODE = Path(__file__).with_name("state_jobs.py")
"""Not imported here: it leaves a folder, hooks and at-exit functions in the process that imports it."""

Started = Callable[..., Live]


@pytest.fixture
def start(resque: Resque, server: DevRedis, tmp_path: Path) -> Iterator[Started]:
    """Starts a worker with these words; what is left of it at the end is killed."""
    program = Program(tmp_path, server.url)
    program.jobs(CODE.read_text())
    program.jobs(NUMPY, "like_numpy.py")
    workers: list[Live] = []

    def started(*words: str, **env: str) -> Live:
        process = program.start("work", "-q", "q", "-r", "jobs", "-v", *words, INTERVAL="0.1", **env)
        workers.append(Live(process, program, resque))
        return workers[-1]

    yield started
    end_all(workers)


def enqueue(resque: Resque, names: str) -> None:
    for name in names.split():
        resque.enqueue(name, queue="q")


def done(resque: Resque, number: int) -> list[str]:
    """Wait for so many jobs; which failed, and why."""
    until(lambda: resque.stat("processed") == number)
    return [f"{one.payload['class']}: {one.text('error')}" for one in resque.failures.list(0, 100)]


def noted(worker: Live) -> list[str]:
    path = worker.folder / "log"
    return path.read_text().splitlines() if path.exists() else []


# --- event loops ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", list(MODES))
def test_a_process_has_one_event_loop(mode: str, start: Started, resque: Resque) -> None:
    """What a module keeps of one job works in the next, whatever jobs between have done with asyncio."""
    worker = start(*MODES[mode])
    names = "Uses Current HookedLoop Runs Current Uses Leaves Uses Current Runs Runs HookedLoop Current"
    enqueue(resque, names)
    assert done(resque, 13) == []
    loops = {tuple(line.split()[1:]) for line in noted(worker) if line.startswith("loop")}
    assert len(loops) == len({pid for pid, _ in loops})
    if mode in ONE_PROCESS:
        assert len(loops) == 1
    assert worker.end(signal.SIGQUIT)[0] == 0


@pytest.mark.parametrize("mode", list(MODES))
def test_what_a_job_leaves_on_its_loop_ends_with_it(mode: str, start: Started, resque: Resque) -> None:
    """Its tasks are cancelled, its generators closed, its threads waited for: as asyncio.run does."""
    worker = start(*MODES[mode])
    enqueue(resque, "Leaves Uses")
    assert done(resque, 2) == []
    lines = noted(worker)
    assert Counter(line for line in lines if "left" in line) == Counter(
        ["left cancelled", "left closed", "left thread"]
    )
    if mode in ONE_PROCESS:
        assert lines[-1].startswith("loop")
    assert worker.end(signal.SIGQUIT)[0] == 0


@pytest.mark.parametrize("mode", ["fork", "jobs per fork", "no fork"])
def test_a_loop_that_a_job_has_harmed_is_mended(mode: str, start: Started, resque: Resque) -> None:
    """It is stopped, or all its descriptors are closed: that job is judged by what it does, and no other."""
    worker = start(*MODES[mode])
    enqueue(resque, "Uses Stops Uses Closes Uses Current HookedLoop")
    assert done(resque, 7) == ["Stops: Event loop stopped before Future completed."]
    assert worker.end(signal.SIGQUIT)[0] == 0


# --- at-exit functions, random numbers -----------------------------------------------------------------


@pytest.mark.parametrize("words", [[], ["--no-fork"], ["--async-concurrency", "2"]])
def test_a_worker_of_a_pool_runs_at_exit_functions_of_its_own_only(
    words: list[str], start: Started, resque: Resque
) -> None:
    """What the application has registered before is the supervisor's: else the folder that all use goes."""
    worker = start("-n", "2", "--max-jobs", "1", *words)
    job = "Uses" if "--async-concurrency" in words else "Looks"
    enqueue(resque, " ".join([job] * 6))
    assert done(resque, 6) == []
    until(lambda: len([line for line in noted(worker) if line.startswith("own at exit")]) >= 6)
    assert "at exit" not in noted(worker)
    # The two processes that have come in their place, with their hooks. An async one is several workers.
    until(lambda: len({one.pid for one in resque.workers()}) == 2)
    code, told = worker.end(signal.SIGTERM)
    assert code == 0, told
    lines = noted(worker)
    assert lines.count("at exit") == 1
    assert "folder False" not in lines
    own = [line for line in lines if line.startswith("own at exit")]
    assert len(own) == len(set(own)) == 8


@pytest.mark.parametrize("mode", list(MODES))
def test_jobs_get_random_numbers_of_their_own_from_numpy(mode: str, start: Started, resque: Resque) -> None:
    """A module in its place has a state of its own, as numpy has, which a fork copies."""
    worker = start(*MODES[mode], "-r", "like_numpy")
    enqueue(resque, "Looks Looks Looks Looks")
    assert done(resque, 4) == []
    numbers = [line for line in noted(worker) if line.startswith("random")]
    assert len(set(numbers)) == 4
    assert worker.end(signal.SIGQUIT)[0] == 0


# --- threads -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", list(MODES))
def test_threads_at_a_fork_are_told_of_once(mode: str, start: Started, resque: Resque) -> None:
    """With their names, and the hook to start them in; where nothing is forked there is nothing to tell."""
    worker = start(*MODES[mode], THREAD="telemetry poller")
    enqueue(resque, "Looks Looks Looks Looks")
    assert done(resque, 4) == []
    code, told = worker.end(signal.SIGQUIT)
    assert code == 0
    lines = [line for line in told.splitlines() if "telemetry poller" in line]
    assert len(lines) == (mode != "no fork")
    assert all("hooks.after_fork" in line for line in lines)


# --- standard streams ----------------------------------------------------------------------------------

STREAMS = [
    ">&-", "<&-", "2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full", ">/dev/full 2>&1", "| true",
    "2>&1 | true",
]  # fmt: skip


@pytest.mark.parametrize(
    ("streams", "mode"),
    [
        *((streams, mode) for streams in STREAMS for mode in ("fork", "no fork", "async")),
        *((streams, mode) for streams in ("<&- >&- 2>&-", ">/dev/full 2>&1") for mode in MODES),
    ],
)
def test_a_worker_does_its_work_whatever_its_streams_are(
    streams: str, mode: str, resque: Resque, server: DevRedis, tmp_path: Path
) -> None:
    """Closed, full, or a pipe that nobody reads: its jobs are done, and it leaves in good order."""
    program = Program(tmp_path, server.url)
    program.jobs(CODE.read_text())
    words = " ".join(MODES.get(mode, ["--async-concurrency", "2"]))
    command = f"{sys.executable} -m pyresque work -q q -r jobs -vv --burst {words} {streams}"
    enqueue(resque, "Uses Uses Uses")
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "REDIS_URL": server.url}
    shell = ["bash", "-o", "pipefail", "-c", command]
    ended = subprocess.run(shell, cwd=tmp_path, env=env, capture_output=True, stdin=subprocess.DEVNULL)
    assert ended.returncode == 0, ended.stderr
    assert done(resque, 3) == []
    assert resque.workers() == []
