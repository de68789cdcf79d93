"""A job forks, and the copy of its process comes out of it: it speaks for nobody, and one worker stays one.

Whatever the copy does, in whatever mode, the job is judged by what its own process does, once, and the next
ones are too.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pyresque import Resque, job
from pyresque.config import WorkerOptions
from pyresque.failure import Backend, Failure
from pyresque.hooks import WorkerHooks
from pyresque.keys import Keys
from pyresque.registry import Registry
from pyresque.store.connection.link import Command
from pyresque.testing.redis_server import DevRedis
from pyresque.wire.encoding import Style
from tests.redis import forking_jobs
from tests.redis.bench import Bench
from tests.unit.cli.program import Live, Program, until

MODES = {
    "fork": [],
    "jobs per fork": ["--jobs-per-fork", "50"],
    "no fork": ["--no-fork"],
    "async": ["--async-concurrency", "3"],
    "pool": ["-n", "2"],
    "pool without fork": ["-n", "2", "--no-fork"],
}
WAYS = sorted(forking_jobs.WAYS)

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds the copies in /proc")


class Forking(Live):
    """A worker whose jobs fork, and what they have noted."""

    def log(self) -> list[list[str]]:
        """The lines: what, name, pid."""
        path = self.folder / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [[*line.rsplit(" ", 1)[0].split(" ", 1), line.rsplit(" ", 1)[1]] for line in lines]

    def processes(self) -> set[int]:
        """Everything that runs in the folder."""
        found = set()
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and os.readlink(entry / "cwd") == str(self.folder):
                    found.add(int(entry.name))
        return found


Started = Callable[..., Forking]


@pytest.fixture
def start(resque: Resque, server: DevRedis, tmp_path: Path) -> Iterator[Started]:
    """Starts a worker in this mode; whatever is left of it at the end is killed."""
    program = Program(tmp_path, server.url)
    program.jobs(Path(forking_jobs.__file__).read_text())
    workers: list[Forking] = []

    def started(mode: str, **env: str) -> Forking:
        words = ["work", "-q", "q", "-r", "jobs", "-v", *MODES[mode]]
        process = program.start(*words, MODE=mode, INTERVAL="0.1", **env)
        workers.append(Forking(process, program, resque))
        return workers[-1]

    yield started
    for one in workers:
        for pid in one.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ValueError):
            one.process.communicate()


def judged_once(worker: Forking, forks: list[tuple[str, str]]) -> None:
    """Enqueue a job that forks for each (place, way), each with a next one behind it; then the books balance.

    Every job is begun once, ends, and is done or failed as planned; the copies have come and gone; the worker
    leaves in good order.
    """
    resque = worker.resque
    names = [f"{place}/{way}" for place, way in forks]
    for (place, way), name in zip(forks, names, strict=True):
        resque.enqueue("Forks", place, way, name, queue="q")
        resque.enqueue("Next", f"after {name}", queue="q")
    expected = [*names, *(f"after {name}" for name in names)]
    until(lambda: resque.stat("processed") >= len(expected))
    until(lambda: {name for what, name, _ in worker.log() if what == "copy"} >= set(names))
    log = worker.log()
    assert Counter(name for what, name, _ in log if what == "begin") == Counter(expected)
    assert Counter(name for what, name, _ in log if what == "end") == Counter(expected)
    failures = Counter(
        (one.payload["args"][2], one.text("exception")) for one in resque.failures.list(0, 500)
    )
    planned = [name for name in names if name.startswith("on_failure")]
    assert failures == Counter((name, "LookupError") for name in planned)
    assert resque.stat("processed") == len(expected)
    copies = {int(pid) for what, _, pid in log if what == "copy"}
    until(lambda: not copies & worker.processes())
    code, told = worker.end(signal.SIGQUIT)
    assert code == 0, told
    until(lambda: not worker.processes())
    assert resque.workers() == []
    assert resque.link.execute("KEYS", "resque:worker:*") == []
    assert resque.size("q") == 0


@pytest.mark.parametrize("mode", list(MODES))
def test_a_copy_that_comes_out_of_a_job_speaks_for_nobody(mode: str, start: Started) -> None:
    """It returns, exits, raises, fails to exec, comes late ...: in each mode each of these ways."""
    judged_once(start(mode), [("perform", way) for way in WAYS])


@pytest.mark.parametrize("mode", [mode for mode in MODES if "pool" not in mode])
def test_a_copy_that_comes_out_of_a_hook_speaks_for_nobody(mode: str, start: Started) -> None:
    """The same in every hook of the job."""
    ways = ("return", "exit 3", "raise")
    places = [place for place in forking_jobs.PLACES if place != "perform"]
    judged_once(start(mode), [(place, way) for place in places for way in ways])


@pytest.mark.parametrize("place", ["await", "await a future", "task", "to_thread"])
def test_a_copy_of_an_event_loop_runs_nobody_s_jobs(place: str, start: Started) -> None:
    """Also where it gives the loop back, in which the jobs of others wait to be run on."""
    judged_once(start("async"), [(place, str(number)) for number in range(5)])


@pytest.mark.parametrize("mode", ["fork", "jobs per fork", "no fork", "pool"])
def test_what_forks_and_is_at_home_outside_works(mode: str, start: Started, resque: Resque) -> None:
    """multiprocessing ends its processes itself."""
    worker = start(mode)
    resque.enqueue("Forks", "children", "return", "children", queue="q")
    until(lambda: resque.stat("processed") == 1)
    assert resque.failures.list() == []
    assert ["child", "children", "0"] in worker.log()
    assert worker.end(signal.SIGQUIT)[0] == 0


@pytest.mark.parametrize("kind", ["before_fork", "after_fork", "queue_empty"])
@pytest.mark.parametrize("mode", ["fork", "jobs per fork", "no fork"])
def test_a_copy_that_comes_out_of_a_hook_of_the_worker_is_no_worker(
    mode: str, kind: str, start: Started, resque: Resque
) -> None:
    """A second worker with the same id would run everything twice."""
    worker = start(mode, HOOKS=kind)
    for number in range(3):
        resque.enqueue("Next", str(number), queue="q")
    until(lambda: resque.stat("processed") == 3)
    runs_here = mode == "no fork" and kind != "queue_empty"
    until(lambda: runs_here or any(what == "copy" for what, *_ in worker.log()))
    copies = {int(pid) for what, _, pid in worker.log() if what == "copy"}
    until(lambda: not copies & worker.processes())
    assert Counter(name for what, name, _ in worker.log() if what == "begin") == Counter("012")
    code, told = worker.end(signal.SIGQUIT)
    assert code == 0, told
    until(lambda: not worker.processes())


def test_a_copy_tells_of_what_ended_it(start: Started, resque: Resque) -> None:
    """As any Python process does: what it has printed, and its exception, are to be seen."""
    worker = start("fork")
    for way in ("output", "raise", "exit text"):
        resque.enqueue("Forks", "perform", way, way, queue="q")
    until(lambda: resque.stat("processed") == 3)
    until(lambda: len([1 for what, *_ in worker.log() if what == "copy"]) == 3)
    code, told = worker.end(signal.SIGQUIT)
    assert code == 0
    for text in ("printed by the copy", "ValueError: in the copy", "a text"):
        assert told.count(text) == 1


def test_threads_of_a_copy_may_finish(start: Started, resque: Resque) -> None:
    """Python waits for them at its end, and so does a copy."""
    worker = start("fork")
    resque.enqueue("Forks", "perform", "with a thread", "it", queue="q")
    until(lambda: any(what == "thread" for what, *_ in worker.log()))
    assert worker.end(signal.SIGQUIT)[0] == 0


# --- code of the application that is asked for something ----------------------------------------------


class Policy:
    """Decides on retries, and forks when it is asked this."""

    quiet = False

    def __init__(self, place: str, note: Callable[[str], None]) -> None:
        self._place, self._note = place, note

    def _asked(self, place: str) -> None:
        if place == self._place and not os.fork():
            self._note(f"copy {os.getpid()}")

    def wants(self, error: BaseException) -> bool:
        self._asked("wants")
        return True

    def delay(self, attempt: int) -> float | None:
        self._asked("delay")
        return None

    def identifier(self, args: Sequence[Any]) -> str:
        self._asked("identifier")
        return "it"

    def expiry(self, attempt: int) -> int | None:
        self._asked("expiry")
        return None


class ForkingBackend(Backend):
    """A failure backend that forks."""

    def __init__(self, place: str, note: Callable[[str], None]) -> None:
        self._place, self._note = place, note

    def save(self, failure: Failure) -> None:
        if self._place == "save" and not os.fork():
            self._note(f"copy {os.getpid()}")

    def effects(self, failure: Failure, keys: Keys, style: Style) -> list[Command]:
        if self._place == "effects" and not os.fork():
            self._note(f"copy {os.getpid()}")
        return []


@pytest.mark.parametrize("place", ["wants", "delay", "identifier", "save", "effects", "text"])
@pytest.mark.parametrize("how", ["fork", "jobs per fork", "no fork"])
def test_a_copy_that_comes_out_of_what_the_worker_asks_for(
    how: str, place: str, bench: Bench, server: DevRedis, tmp_path: Path
) -> None:
    """A policy for retries, a failure backend, the text of an exception: they may fork, too."""
    log = tmp_path / "log"

    def noted(text: str) -> None:
        with log.open("a") as file:
            file.write(f"{text}\n")

    class Telling(Exception):
        def __str__(self) -> str:
            if place == "text" and not os.fork():
                noted(f"copy {os.getpid()}")
            return "as planned"

    registry = Registry(WorkerHooks())
    resque = Resque(server.url, registry=registry, failure=ForkingBackend(place, noted))

    @job(queue="q", name="Fails", registry=registry, retry=Policy(place, noted))  # type: ignore[arg-type]
    def fails(number: int) -> None:
        noted(f"begin {number}")
        raise Telling

    for number in range(3):
        resque.enqueue(fails, number)
    options = WorkerOptions(fork_per_job=how != "no fork", jobs_per_fork=50 if "jobs" in how else 1)
    bench.burst(resque=resque, options=options)
    until(lambda: "copy" in log.read_text())
    lines = log.read_text().splitlines()
    assert [line for line in lines if line.startswith("begin")] == [f"begin {number}" for number in range(3)]
    copies = [Path(f"/proc/{line.split()[1]}") for line in lines if line.startswith("copy")]
    until(lambda: not any(one.exists() and "Z" not in status(one) for one in copies))
    assert resque.stat("processed") == 3
    assert resque.workers() == []
    assert resque.size("q") == 0
    resque.close()


def status(process: Path) -> str:
    """The state of a process, `Z` where it has ended and nobody has waited for it."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
