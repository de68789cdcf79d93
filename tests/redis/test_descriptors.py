"""Many open files, and none left open."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import redis

from pyresque import Resque, Scheduler, Worker
from pyresque.config import SchedulerOptions, WorkerOptions
from pyresque.errors import ConfigError
from pyresque.testing.redis_server import DevRedis
from pyresque.worker.aio.worker import AsyncWorker
from tests.unit.cli.program import Program, until

MANY = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
KEPT = [open("/dev/null") for _ in range(1100)]
"""
JOBS = (
    MANY
    + """
from pyresque import job

@job(queue="q", name="Job")
def plain(): ...

@job(queue="q", name="AsyncJob")
async def asynchronous(): ...
"""
)


def files() -> int:
    """How many descriptors this process has."""
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def clients(resque: Resque) -> int:
    """How many connections the server has."""
    info = resque.link.execute("INFO", "clients").decode()
    return int(info.partition("connected_clients:")[2].split()[0])


# --- many ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["Resque(sys.argv[1])", "Resque(redis.Redis.from_url(sys.argv[1]))"])
def test_a_client_with_more_than_a_thousand_files(link: str, resque: Resque, server: DevRedis) -> None:
    """A web server with many sockets enqueues as any other, each job once."""
    code = f"{MANY}\nimport sys, redis\nfrom pyresque import Resque\nr = {link}\n"
    code += "for n in range(3): r.enqueue('X', n, queue='q')"
    subprocess.run([sys.executable, "-c", code, server.url], check=True)
    assert [one["args"] for one in resque.peek("q", 0, 9)] == [[0], [1], [2]]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--no-fork"],
        ["--jobs-per-fork", "5"],
        ["-n", "2"],
        ["--async-concurrency", "3"],
        ["--timeout", "9"],
    ],
    ids=" ".join,
)
def test_workers_with_more_than_a_thousand_files(
    words: list[str], resque: Resque, server: DevRedis, tmp_path: Path
) -> None:
    """Every kind of worker starts, is woken, works and leaves."""
    program = Program(tmp_path, server.url)
    program.jobs(JOBS)
    name = "AsyncJob" if "--async-concurrency" in words else "Job"
    with program.start("work", "-q", "q", "-r", "jobs", *words) as process:
        for count in (1, 2, 3):
            resque.enqueue(name, queue="q")
            until(lambda count=count: resque.stat("processed") == count)  # type: ignore[misc]
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert resque.failures.list() == []


def test_a_scheduler_with_more_than_a_thousand_files(
    resque: Resque, server: DevRedis, tmp_path: Path
) -> None:
    """It moves what is due, and leaves."""
    program = Program(tmp_path, server.url)
    program.jobs(JOBS)
    with program.start("scheduler", "-r", "jobs") as process:
        resque.enqueue_in(1, "Job", queue="q")
        until(lambda: resque.size("q") == 1)
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 0


# --- none left -------------------------------------------------------------------------------------------


def test_a_dropped_resque_gives_its_connection_back(resque: Resque, server: DevRedis) -> None:
    """As a web view makes one: a thousand of them leave nothing, here or at the server."""
    connected, before = clients(resque), files()
    for number in range(1000):
        Resque(server.url).enqueue("X", number, queue="q")
    assert files() == before
    until(lambda: clients(resque) == connected)
    assert resque.size("q") == 1000


def test_a_dropped_resque_over_redis_py_gives_its_connection_back(resque: Resque, server: DevRedis) -> None:
    """The same with a client of the user's."""
    client = redis.Redis.from_url(server.url)
    Resque(client).enqueue("X", queue="q")
    before = files()
    for number in range(100):
        Resque(client).enqueue("X", number, queue="q")
    assert files() == before
    client.close()


def test_a_scheduler_gives_everything_back(resque: Resque) -> None:
    """Those that have run, and those that never did."""
    resque.queues()
    before = files()
    for _ in range(20):
        one = Scheduler(resque, SchedulerOptions(interval=0.05))
        one.stop()
        one.run()
        one.stop()  # once more, when it is over
        Scheduler(resque)
    del one
    assert files() == before


def test_a_worker_gives_everything_back(resque: Resque) -> None:
    """One that works in this process, again and again."""
    resque.queues()
    options = WorkerOptions(fork_per_job=False)
    Worker(resque, ["q"], options).work(interval=0)
    before = files()
    for _ in range(20):
        Worker(resque, ["q"], options).work(interval=0)
        AsyncWorker(resque, ["q"], 2, options).work(interval=0)
    assert files() == before


@pytest.mark.parametrize("kind", ["worker", "async worker"])
def test_a_worker_in_a_thread_is_told_so(kind: str, resque: Resque) -> None:
    """Signals come to the main thread only: one clear error, and nothing is left open or registered."""
    resque.queues()
    before, caught = files(), list[BaseException]()

    def work() -> None:
        worker = Worker(resque, ["q"]) if kind == "worker" else AsyncWorker(resque, ["q"], 2)
        try:
            worker.work(interval=0)
        except ConfigError as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert "main thread only" in str(caught[0])
    caught.clear()
    assert files() == before
    assert resque.workers() == []
