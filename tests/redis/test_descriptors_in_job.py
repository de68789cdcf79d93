"""A job closes descriptors that are not its own, and opens files under their numbers.

What became of it is told all the same; nothing of ours goes into its files; and a worker whose own
descriptors are gone, because the job ran in its process, goes on.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyresque import Resque
from pyresque.testing.redis_server import DevRedis
from tests.redis.test_arguments import MODES as PLAIN
from tests.unit.cli.program import Live, Program, end_all, until

MODES = PLAIN | {"pool": ["-n", "2", "--no-fork"], "timeout": ["--timeout", "60"]}
WAYS = (
    "few", "many", "all", "to the limit", "one by one", "shut", "noise", "all with 0 to 2", "reuse",
    "reuse all", "use, reuse, use", "again and again", "files",
)  # fmt: skip
JOBS = (Path(__file__).parent / "closing_jobs.py").read_text()

Started = Callable[..., Live]

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the jobs look into /proc")


@pytest.fixture
def start(resque: Resque, server: DevRedis, tmp_path: Path) -> Iterator[Started]:
    """Starts a worker in this mode."""
    program = Program(tmp_path, server.url)
    program.jobs(JOBS)
    workers: list[Live] = []

    def started(mode: str, **env: str) -> Live:
        words = ["work", "-q", "q", "-r", "jobs", *MODES[mode]]
        env = {"MODE": mode, "INTERVAL": "0.1"} | env
        workers.append(Live(program.start(*words, **env), program, resque))
        return workers[-1]

    yield started
    end_all(workers)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("mode", list(MODES))
def test_a_job_that_closes_descriptors_is_judged_by_what_it_does(
    mode: str, fails: bool, start: Started, resque: Resque
) -> None:
    """Done is done, failed is failed, with text and backtrace; the next jobs find no foreign bytes."""
    worker = start(mode)
    for number, way in enumerate(WAYS):
        for count, (name, *args) in enumerate([("Closes", way, fails), ("Looks", way)], 2 * number + 1):
            resque.enqueue(name, *args, queue="q")
            until(lambda count=count: resque.stat("processed") >= count)  # type: ignore[misc]
    log = (worker.folder / "log").read_text().splitlines()
    assert sorted(log) == sorted([*(f"end {way}" for way in WAYS), *(f"looked {way}" for way in WAYS)])
    failures = resque.failures.list(0, 100)
    assert sorted((one.text("error") or "").split(" as")[0] for one in failures) == sorted(
        WAYS if fails else []
    )
    assert all(one.text("exception") == "LookupError" and one.backtrace for one in failures)
    assert resque.stat("processed") == 2 * len(WAYS)
    worker.send(signal.SIGQUIT)
    assert worker.process.wait(timeout=30) == 0
    assert resque.workers() == []
    assert resque.link.execute("KEYS", "resque:worker:*") == []


@pytest.mark.parametrize("mode", list(MODES))
def test_what_is_printed_goes_to_redis_never(mode: str, start: Started, resque: Resque) -> None:
    """Where a job has closed the standard streams: neither what other jobs print, nor lines of the log."""
    worker = start(mode, VVERBOSE="1")
    jobs: list[tuple[str, ...]] = [("Closes", "all with 0 to 2"), ("Prints",), ("Looks", "it"), ("Prints",)]
    for number, (name, *args) in enumerate(3 * jobs, 1):
        resque.enqueue(name, *args, queue="q")
        until(lambda number=number: resque.stat("processed") >= number)  # type: ignore[misc]
    assert resque.link.execute("GET", "resque:printed") is None
    assert resque.failures.count() == 0
    worker.send(signal.SIGTERM)
    assert worker.process.wait(timeout=20) == 0


@pytest.mark.parametrize("mode", ["no fork", "async", "pool"])
def test_a_worker_whose_descriptors_a_job_has_closed_hears_and_beats(
    mode: str, start: Started, resque: Resque
) -> None:
    """While idle it is woken by jobs, beats, and leaves when it is told to."""
    worker = start(mode, INTERVAL="30")
    for number, way in enumerate(("reuse all", "all", "reuse all"), 1):
        resque.enqueue("Closes", way, queue="q")
        until(lambda number=number: resque.stat("processed") >= number)  # type: ignore[misc]
    for number in (signal.SIGUSR2, signal.SIGCONT):
        worker.send(number)
    resque.enqueue("Looks", "it", queue="q")
    until(lambda: resque.stat("processed") == 4)
    worker.send(signal.SIGTERM)
    assert worker.process.wait(timeout=20) == 0
    assert resque.workers() == []


@pytest.mark.parametrize("mode", ["fork", "jobs per fork"])
def test_a_hook_that_closes_descriptors_of_the_worker(mode: str, start: Started, resque: Resque) -> None:
    """The worker gets itself new ones."""
    worker = start(mode, HOOKS="1")
    for number in range(3):
        resque.enqueue("Closes", "few", queue="q")
        until(lambda number=number: resque.stat("processed") > number)  # type: ignore[misc]
    assert resque.failures.count() == 0
    worker.send(signal.SIGTERM)
    assert worker.process.wait(timeout=20) == 0


def test_a_supervisor_that_dies_is_noticed_without_the_pipe(start: Started, resque: Resque) -> None:
    """A job in the worker's own process has closed it."""
    worker = start("pool")
    until(lambda: len(resque.workers()) == 2)
    for _ in range(6):
        resque.enqueue("Closes", "all", queue="q")
    until(lambda: resque.stat("processed") == 6)
    worker.process.kill()
    until(lambda: resque.workers() == [])


def test_what_a_job_starts_inherits_nothing_of_ours(start: Started, resque: Resque) -> None:
    """Neither from the worker nor from the process of the job."""
    worker = start("timeout")
    resque.enqueue("Inherited", queue="q")
    until(lambda: resque.stat("processed") == 1)
    assert eval((worker.folder / "fds").read_text()) in (["0", "1", "2", "3", "4"], ["0", "1", "2", "3"])


def test_a_dump_of_a_job_s_stack_does_not_go_into_its_files(start: Started, resque: Resque) -> None:
    """Where the job has put a file of its own under the number that the dump would be written to."""
    worker = start("timeout")
    (worker.folder / "jobs.py").write_text("")
    source = """
import os, time
from pyresque import job
@job(queue="q", name="Stuck", timeout=0.5)
def stuck():
    os.closerange(3, 256)
    files = [open(f"file{number}", "w") for number in range(60)]
    open("begun", "w").close()
    time.sleep(60)
"""
    worker.send(signal.SIGTERM)
    worker.process.wait(timeout=20)
    (worker.folder / "jobs.py").write_text(source)
    worker = start("timeout")
    resque.enqueue("Stuck", queue="q")
    until(lambda: resque.failures.count() == 1)
    assert (worker.folder / "begun").exists()
    sizes = {os.stat(path).st_size for path in worker.folder.glob("file*")}
    assert sizes == {0}
    assert "timeout of 0.5 seconds" in (resque.failures.list()[0].text("error") or "")
