"""What Ruby sees of an async worker: several workers of one process, on the same queues."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyresque import Resque
from pyresque.testing.redis_server import DevRedis
from tests.interop.ruby import Ruby
from tests.unit.cli.program import Program, until

JOBS = """
import asyncio
from pyresque import job

@job(name="LongJob")
async def long(n): await asyncio.sleep(1000)
"""


@pytest.fixture
def process(server: DevRedis, resque: Resque, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process with three places, two of which work."""
    program = Program(tmp_path, server.url)
    program.jobs(JOBS)
    resque.enqueue_many([("LongJob", 1), ("LongJob", 2)], queue="jobs")
    with program.start("work", "-q", "jobs", "-r", "jobs", "--async-concurrency", "3") as process:
        until(lambda: len([one for one in resque.workers() if one.working]) == 2)
        yield process
        process.kill()


def ids(resque: Resque) -> list[str]:
    return [one.id for one in resque.workers()]


def test_ruby_lists_each_place(ruby: Ruby, resque: Resque, process: subprocess.Popen[str]) -> None:
    """Resque's API, its command and its dashboard show three workers, two of them at work."""
    assert sorted(one["id"] for one in ruby.call("workers")) == sorted(ids(resque))
    assert len(ruby.call("working")) == 2
    assert (ruby.call("info")["workers"], ruby.call("info")["working"]) == (3, 2)
    assert sorted(line.partition(" ")[0] for line in ruby.listed()) == sorted(ids(resque))
    pages = [{"get": f"/{name}"} for name in ("overview", "working", "workers", "workers/all")]
    pages += [{"get": f"/workers/{one}"} for one in ids(resque)]
    assert [page["status"] for page in ruby.pages(*pages)] == [200] * len(pages)


@pytest.mark.parametrize("queues", ["jobs", "*"])
def test_ruby_leaves_them_alone_while_they_live(
    ruby: Ruby, resque: Resque, process: subprocess.Popen[str], queues: str
) -> None:
    """A Ruby worker that starts and prunes on the same host takes none of them out."""
    if not ruby.sees_our_processes:
        pytest.skip("this Ruby does not share our host name and processes")
    resque.link.execute("DEL", "resque:pruning_dead_workers_in_progress")
    before = resque.workers()
    ruby.work_off(queues)
    assert resque.workers() == before
    assert resque.failures.count() == 0


@pytest.mark.parametrize("queues", ["jobs", "*"])
def test_ruby_prunes_them_when_they_are_dead(
    ruby: Ruby, resque: Resque, process: subprocess.Popen[str], queues: str
) -> None:
    """All of them, though it reads queues that end in commas; and each job in progress is recorded once."""
    if not ruby.sees_our_processes:
        pytest.skip("this Ruby does not share our host name and processes")
    process.send_signal(signal.SIGKILL)
    process.wait()
    resque.link.execute("DEL", "resque:pruning_dead_workers_in_progress")
    ruby.work_off(queues)
    assert ids(resque) == []
    found = [(one.payload["args"], one.value["exception"]) for one in resque.failures.list()]
    assert sorted(found) == [([1], "Resque::DirtyExit"), ([2], "Resque::DirtyExit")]
