"""`pyresque work --async-concurrency N`: several jobs at a time on one event loop, each in the open."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyresque import Resque
from pyresque.store.counts import note_totals
from pyresque.testing.redis_server import DevRedis, running
from tests.unit.cli.program import Live, Program, end_all, until

JOBS = """
import asyncio, os, pathlib, time
from pyresque import job

async def there(name):
    while not pathlib.Path(name).exists():
        await asyncio.sleep(0.005)

@job(name="WaitJob")
async def wait(name):
    pathlib.Path(f"{name}.begun").touch()
    try:
        await there(name)
    except asyncio.CancelledError:
        print(name, "cancelled", flush=True)
        raise

@job(name="ShortJob", timeout=0.1)
async def short(name):
    await there(name)

@job(name="StubbornJob")
async def stubborn(name):
    pathlib.Path(f"{name}.begun").touch()
    while True:
        try:
            await there(name)
        except asyncio.CancelledError:
            pass

@job(name="DoneAnywayJob")
async def done_anyway(name):
    pathlib.Path(f"{name}.begun").touch()
    try:
        await there(name)
    except asyncio.CancelledError:
        print("done anyway", flush=True)

@job(name="SayJob")
async def say(text):
    print("said", text, flush=True)

@job(name="BrokenJob")
async def broken():
    await asyncio.sleep(0)
    raise LookupError("no such thing")

@job(name="SeesJob")
async def sees(name, then):
    while True:
        try:
            await asyncio.sleep(600)
        except BaseException as error:
            print(name, "sees", type(error).__name__, error, flush=True)
            if then == "returns":
                return
"""


class Async(Live):
    """A worker that runs, and what can be seen of it."""

    def ready(self, count: int) -> list[str]:
        """Wait until so many places have registered; returns their ids."""
        until(lambda: len(self.resque.workers()) == count)
        return [one.id for one in self.resque.workers()]

    def working(self) -> list[object]:
        """What is worked on now: the argument of each job in progress."""
        found = [one.working for one in self.resque.workers()]
        return sorted((one.payload or {}).get("args", [None])[0] for one in found if one)


Started = Callable[..., Async]


@pytest.fixture
def program(server: DevRedis, tmp_path: Path) -> Program:
    """The folder with the jobs."""
    program = Program(tmp_path, server.url)
    program.jobs(JOBS)
    return program


@pytest.fixture
def start(resque: Resque, program: Program) -> Iterator[Started]:
    """Starts a worker for so many jobs at a time; what is left at the end is killed."""
    workers: list[Async] = []

    def started(count: int, *words: str, **env: str) -> Async:
        process = program.start(
            "work", "-q", "q", "-r", "jobs", "--async-concurrency", str(count), *words, **env
        )
        workers.append(Async(process, program, resque))
        return workers[-1]

    yield started
    end_all(workers)


def errors(resque: Resque) -> list[tuple[str, str]]:
    return [(one.value["exception"], one.value["error"]) for one in resque.failures.list()]


# --- many at once, in the open -----------------------------------------------------------------------


def test_each_job_in_progress_is_a_worker_of_its_own(start: Started, resque: Resque) -> None:
    """Three at a time in one process; ids that differ, that name its pid, and the same queue to everybody."""
    note_totals(resque.space)
    worker = start(3)
    ids = worker.ready(3)
    first = min(ids, key=len)
    assert sorted(ids, key=len) == [first, f"{first},", f"{first},,"]
    assert {one.pid for one in resque.workers()} == {str(worker.process.pid)}
    assert [one.queues for one in resque.workers()] == [["q"]] * 3
    assert all(one.heartbeat and one.started for one in resque.workers())
    for name in "abc":
        worker.begin(name)
    resque.enqueue("WaitJob", "d", queue="q")
    assert worker.working() == ["a", "b", "c"]
    assert resque.size("q") == 1
    assert re.fullmatch(r"pyresque-[\d.]+\S*: Processing 3 jobs since \d+ \[WaitJob\]", worker.title())
    worker.finish("b")
    until((worker.folder / "d.begun").exists)
    assert worker.working() == ["a", "c", "d"]
    for name in "acd":
        worker.finish(name)
    until(lambda: resque.stat("processed") == 4)
    until(lambda: worker.title().endswith("Waiting for q"))
    assert worker.end()[0] == 0
    assert resque.workers() == []
    assert resque.link.execute("KEYS", "resque:*:q*") == []
    [counted] = resque.ledger().classes
    assert (counted.class_name, counted.processed, counted.failed) == ("WaitJob", 4, 0)


def test_jobs_that_are_not_async_are_left_to_others(start: Started, program: Program, resque: Resque) -> None:
    """They stay where they are, in their order, and the worker says so; one with processes does them."""
    program.jobs(JOBS + '\n@job(name="PlainJob")\ndef plain(): print("plain", flush=True)\n')
    resque.enqueue_many([("PlainJob",), ("SayJob", 1), ("RubyJob",), ("SayJob", 2)], queue="q")
    worker = start(2, "--burst")
    assert worker.printed(None) == (0, "said 1\nsaid 2\n")
    [told] = [
        line for line in worker.told.splitlines() if "left to workers without --async-concurrency" in line
    ]
    assert "PlainJob" in told
    assert [one["class"] for one in resque.peek("q", 0, 9)] == ["PlainJob", "RubyJob"]


def test_failures_are_recorded_with_their_place(start: Started, resque: Resque) -> None:
    """Exception, text and backtrace, and which of the workers it was; the others go on."""
    resque.enqueue("BrokenJob", queue="q")
    worker = start(2)
    until(lambda: resque.failures.count() == 1)
    (failure,) = resque.failures.list()
    assert errors(resque) == [("LookupError", "no such thing")]
    assert failure.backtrace == [f"{worker.folder}/jobs.py:46:in `broken'"]
    assert failure.value["worker"] in worker.ready(2)
    assert (resque.stat("processed"), resque.stat("failed")) == (1, 1)
    assert worker.end()[0] == 0


def test_an_idle_worker_is_woken(start: Started, resque: Resque) -> None:
    """Whatever its interval is: Redis tells it of the job."""
    worker = start(5, "--interval", "1000")
    worker.ready(5)
    until(lambda: worker.title().endswith("Waiting for q"))
    for n in range(3):
        resque.enqueue("SayJob", n, queue="q")
        until(lambda n=n: resque.stat("processed") == n + 1)  # type: ignore[misc]
    assert worker.end()[0] == 0


def test_the_limits_count_for_all_places(start: Started, resque: Resque) -> None:
    """--max-jobs 4 with three places: four jobs, of which three run at once, then it leaves."""
    worker = start(3, "--max-jobs", "4")
    for name in "abc":
        worker.begin(name)
    resque.enqueue_many([("WaitJob", "d"), ("SayJob", 1)], queue="q")
    for name in "dabc":
        worker.finish(name)
    assert worker.printed(None) == (0, "")
    assert (resque.stat("processed"), resque.size("q")) == (4, 1)


def test_max_idle(start: Started, resque: Resque) -> None:
    """The worker leaves when no place has had a job for so long, not before the last is over."""
    worker = start(2, "--max-idle", "1")
    worker.begin("a")
    resque.enqueue("SayJob", 1, queue="q")
    until(lambda: resque.stat("processed") == 1)
    worker.finish("a")
    assert worker.printed(None) == (0, "said 1\n")


def test_a_pool_of_async_workers(start: Started, resque: Resque) -> None:
    """-n processes with so many places each."""
    pool = start(2, "-n", "2")
    pool.ready(4)
    assert len({one.pid for one in resque.workers()}) == 2
    for name in "abcd":
        pool.begin(name)
    assert pool.working() == ["a", "b", "c", "d"]
    pool.send(signal.SIGQUIT)
    for name in "abcd":
        pool.finish(name)
    assert pool.end(None)[0] == 0
    assert resque.stat("processed") == 4


# --- timeouts and signals ----------------------------------------------------------------------------


@pytest.mark.parametrize(("job", "words"), [("ShortJob", []), ("WaitJob", ["--timeout", "0.1"])])
def test_timeout(start: Started, resque: Resque, job: str, words: list[str]) -> None:
    """A job that takes too long is cancelled and fails as in a process, with the place where it waited."""
    worker = start(2, *words)
    resque.enqueue(job, "never", queue="q")
    until(lambda: resque.failures.count() == 1)
    assert errors(resque) == [("pyresque.JobTimeout", "Job did not end within its timeout of 0.1 seconds")]
    (failure,) = resque.failures.list()
    ours = [line for line in failure.backtrace if "jobs.py" in line]
    assert [line.rpartition(" ")[2] for line in ours] == [
        "`there'",
        "`short'" if job == "ShortJob" else "`wait'",
    ]
    assert worker.end()[0] == 0


def test_what_a_late_job_sees(start: Started, resque: Resque) -> None:
    """JobTimeout, once; if it returns it is done, and if it goes on it is dropped where it waits."""
    worker = start(3, "--timeout", "0.2", "--timeout-grace", "0.2")
    resque.enqueue("SeesJob", "a", "returns", queue="q")
    resque.enqueue("SeesJob", "b", "goes on", queue="q")
    until(lambda: resque.stat("processed") == 2)
    text = "Job did not end within its timeout of 0.2 seconds"
    assert errors(resque) == [
        ("Resque::DirtyExit", f"{text}, nor 0.2 seconds after JobTimeout was raised in it")
    ]
    status, out = worker.printed()
    assert status == 0
    assert sorted(line for line in out.splitlines() if "sees" in line) == [
        f"a sees JobTimeout {text}",
        f"b sees JobTimeout {text}",
    ]


def test_term_lets_jobs_finish(start: Started, resque: Resque) -> None:
    """All that are in flight, within the drain; the worker takes no more."""
    worker = start(2)
    worker.begin("a")
    worker.begin("b")
    resque.enqueue("SayJob", 1, queue="q")
    worker.send(signal.SIGTERM)
    worker.finish("a")
    worker.finish("b")
    assert worker.printed(None) == (0, "")
    assert (resque.stat("processed"), resque.size("q"), resque.failures.count()) == (2, 1, 0)


def test_ruby_way_term_ends_jobs_at_once(start: Started, resque: Resque) -> None:
    """They are cancelled, so that they can clean up, and have failed with Ruby's TermException."""
    worker = start(3, "--drain", "0")
    worker.begin("a")
    worker.begin("b")
    status, out = worker.printed()
    assert status == 0
    assert sorted(out.splitlines()) == ["a cancelled", "b cancelled"]
    assert errors(resque) == [("Resque::TermException", "SIGTERM")] * 2
    assert resque.workers() == []


def test_a_job_may_end_well_in_spite_of_term(start: Started, resque: Resque) -> None:
    """One that catches the cancellation and returns is done, as one that rescues TermException in Ruby."""
    worker = start(1, "--drain", "0.1")
    worker.begin("a", "DoneAnywayJob")
    assert worker.printed() == (0, "done anyway\n")
    assert (resque.stat("processed"), resque.failures.count()) == (1, 0)


def test_drain(start: Started, resque: Resque) -> None:
    """With --drain jobs have time; a second TERM ends what still runs."""
    worker = start(2, "--drain", "1000")
    worker.begin("a")
    worker.begin("b")
    resque.enqueue("SayJob", 1, queue="q")
    worker.send(signal.SIGTERM)
    worker.finish("a")
    until(lambda: resque.stat("processed") == 1)
    assert worker.printed() == (0, "b cancelled\n")
    assert errors(resque) == [("Resque::TermException", "SIGTERM")]
    assert resque.size("q") == 1


def test_requeue_on_shutdown(start: Started, resque: Resque) -> None:
    """Jobs that TERM ends go back to their queue, one that is done in time does not."""
    worker = start(3, "--requeue-on-shutdown", "--drain", "0.1")
    worker.begin("a")
    worker.begin("b", "DoneAnywayJob")
    worker.begin("c")
    assert worker.end()[0] == 0
    assert sorted(one["args"][0] for one in resque.peek("q", 0, 9)) == ["a", "c"]
    assert (resque.stat("processed"), resque.stat("failed"), resque.failures.count()) == (1, 0, 0)


def test_quit_lets_jobs_finish(start: Started, resque: Resque) -> None:
    """And takes no more."""
    worker = start(2)
    worker.begin("a")
    worker.begin("b")
    resque.enqueue("SayJob", 1, queue="q")
    worker.send(signal.SIGQUIT)
    worker.finish("a")
    worker.finish("b")
    assert worker.printed(None) == (0, "")
    assert (resque.stat("processed"), resque.size("q"), resque.failures.count()) == (2, 1, 0)


def test_usr1_ends_the_jobs_only(start: Started, resque: Resque) -> None:
    """The worker goes on with the next."""
    worker = start(2)
    worker.begin("a")
    worker.begin("b")
    worker.send(signal.SIGUSR1)
    until(lambda: resque.failures.count() == 2)
    worker.begin("c")
    worker.finish("c")
    until(lambda: resque.stat("processed") == 3)
    assert worker.end()[0] == 0


def test_pause_and_continue(start: Started, resque: Resque) -> None:
    """USR2 takes no more jobs and lets those in progress run; CONT goes on."""
    worker = start(2, "--interval", "0.05")
    worker.begin("a")
    worker.send(signal.SIGUSR2)
    worker.finish("a")
    until(lambda: resque.stat("processed") == 1)
    until(lambda: worker.title().endswith(": Paused"))
    resque.enqueue("SayJob", 1, queue="q")
    assert resque.size("q") == 1
    worker.send(signal.SIGCONT)
    until(lambda: resque.stat("processed") == 2)
    assert worker.end()[0] == 0


def test_a_job_that_cannot_be_cancelled(start: Started, resque: Resque) -> None:
    """It has failed after RESQUE_TERM_TIMEOUT, and does not keep the worker from leaving."""
    worker = start(2, RESQUE_TERM_TIMEOUT="0.1")
    worker.begin("a", "StubbornJob")
    status, out = worker.end()
    assert status == 0
    assert "did not end though it was cancelled" in out
    assert errors(resque) == [("Resque::TermException", "SIGTERM")]
    assert resque.workers() == []


# --- faults ------------------------------------------------------------------------------------------


def test_kill_loses_no_job(start: Started, resque: Resque) -> None:
    """kill -9: the next worker that prunes finds every job in progress, and takes every place out."""
    worker = start(3)
    worker.begin("a")
    worker.begin("b")
    worker.send(signal.SIGKILL)
    worker.process.wait()
    resque.link.execute("DEL", "resque:pruning_dead_workers_in_progress")
    assert start(1, "--burst").end(None)[0] == 0
    assert sorted(one.payload["args"][0] for one in resque.failures.list()) == ["a", "b"]
    assert {text for _, text in errors(resque)} == {"Job still being processed"}
    assert resque.workers() == []


def test_a_worker_that_was_pruned_alive_enters_again(start: Started, resque: Resque) -> None:
    """Each place by itself, before it takes its next job."""
    worker = start(2)
    ids = worker.ready(2)
    resque.link.execute("DEL", "resque:workers")
    worker.begin("a")
    worker.begin("b")
    assert worker.ready(2) == ids
    worker.finish("a")
    worker.finish("b")
    until(lambda: resque.stat("processed") == 2)
    assert worker.end()[0] == 0


def test_redis_away(tmp_path: Path) -> None:
    """What ends while Redis is away is settled once it is back, once; then all places work again."""
    with running("--appendonly", "yes", "--appendfsync", "always") as server:
        program, resque = Program(tmp_path, server.url), Resque(server.url)
        program.jobs(JOBS)
        with program.start("work", "-q", "q", "-r", "jobs", "--async-concurrency", "3") as process:
            worker = Async(process, program, resque)
            for name in "abc":
                worker.begin(name)
            server.kill()
            for name in "abc":
                worker.finish(name)
            # It has noticed by now: the line comes with the first try.
            assert process.stderr is not None
            assert any("The worker waits for it" in line for line in iter(process.stderr.readline, ""))
            server.start()
            until(lambda: resque.stat("processed") == 3)
            for name in "def":
                worker.begin(name)
            assert worker.working() == ["d", "e", "f"]
            for name in "def":
                worker.finish(name)
            until(lambda: resque.stat("processed") == 6)
            assert worker.end()[0] == 0
        assert resque.failures.count() == 0
        assert resque.workers() == []
        resque.close()


def test_a_hook_that_raises_ends_the_worker_when_its_jobs_are_over(start: Started, program: Program) -> None:
    """queue_empty: as in a worker with processes; nobody is left in the books."""
    program.jobs(
        JOBS + "\nfrom pyresque import hooks\n@hooks.queue_empty\ndef fails(): raise LookupError('enough')\n"
    )
    worker = start(2)
    worker.begin("a")
    worker.begin("b")
    worker.finish("a")
    worker.finish("b")
    status, out = worker.end(None)
    assert status == 1
    assert "enough" in out
    assert (worker.resque.stat("processed"), worker.resque.workers()) == (2, [])


def test_the_supervisor_of_async_workers_is_killed(start: Started, resque: Resque) -> None:
    """Their jobs are finished, then they leave."""
    pool = start(2, "-n", "2")
    pool.ready(4)
    pids = {int(one.pid) for one in resque.workers()}
    pool.begin("a")
    pool.process.kill()
    until(lambda: len(resque.workers()) == 2)
    pool.finish("a")
    until(lambda: not resque.workers())
    assert (resque.stat("processed"), resque.failures.count()) == (1, 0)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_without_an_async_job_it_says_so(program):
    """A worker that could never take anything tells it at its start."""
    program.jobs("from pyresque import job\n@job(queue='q')\ndef plain(): ...\n")
    done = program.run("work", "-q", "q", "-r", "jobs", "--async-concurrency", "2", "--burst")
    assert done.returncode == 0
    assert "no job is an `async def`" in done.stderr


# --- what jobs do to the loop that they share --------------------------------------------------------

HARMFUL = """
import asyncio, contextlib, logging, sys
from pyresque import job

kept = []

def start(coroutine):
    kept.append(asyncio.create_task(coroutine))

async def exits(after=0):
    await asyncio.sleep(after)
    sys.exit("gone")

@job(name="ExitJob")
async def exit_job():
    start(exits())
    await asyncio.Event().wait()

@job(name="LeaveJob")
async def leave_job():
    start(exits(0.1))

@job(name="StopJob")
async def stop_job():
    asyncio.get_running_loop().stop()

@job(name="CancelJob")
async def cancel_job():
    for task in asyncio.all_tasks():
        task.cancel()
    await asyncio.sleep(0)

@job(name="NowhereJob")
async def nowhere_job():
    await asyncio.sleep(0.01)
    asyncio._set_running_loop(None)

@job(name="WaitForAllJob")
async def wait_for_all_job():
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        with contextlib.suppress(RuntimeError):
            task.cancel()
    await asyncio.gather(*others, return_exceptions=True)

@job(name="CallbackJob")
async def callback_job():
    asyncio.get_running_loop().call_soon(sys.exit, "gone")
    await asyncio.Event().wait()

@job(name="HandlerJob")
async def handler_job():
    asyncio.get_running_loop().set_exception_handler(lambda *args: sys.exit("handled"))
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0.01)
"""


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("ExitJob", ("SystemExit", "gone")), ("LeaveJob", None), ("CallbackJob", ("SystemExit", "gone")),
        ("StopJob", ("RuntimeError", "stopping the event loop that it shares with others")),
        ("CancelJob", ("RuntimeError", "cancelling the tasks of its worker")),
        ("WaitForAllJob", ("RuntimeError", "cancelling the tasks of its worker")), ("HandlerJob", None),
        ("NowhereJob", None),
    ],
)  # fmt: skip
def test_a_job_does_harm_to_the_loop(
    start: Started, program: Program, resque: Resque, name: str, record: tuple[str, str] | None
) -> None:
    """It fails, with what it did; the worker goes on, with what is in progress and with what comes."""
    program.jobs(JOBS + HARMFUL)
    worker = start(3, "-v", RESQUE_TERM_TIMEOUT="1")
    ids = worker.ready(3)
    worker.begin("a")
    resque.enqueue(name, queue="q")
    resque.enqueue("SayJob", "behind", queue="q")
    until(lambda: resque.stat("processed") == 2)
    if name == "LeaveJob":
        resque.enqueue("SayJob", "later", queue="q")
        until(lambda: resque.stat("processed") == 3)
    assert worker.working() == ["a"]
    worker.finish("a")
    until(lambda: not worker.working())
    found = [(name, text.removeprefix("a job has no business ")) for name, text in errors(resque)]
    assert found == ([record] if record else [])
    assert worker.ready(3) == ids
    code, said = worker.end(signal.SIGQUIT)
    assert code == 0
    assert "said behind" in said
    assert resque.workers() == []
