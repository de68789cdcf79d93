"""Code of the application that forks while a scheduler runs it: the copy is not a second scheduler."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from pyresque import Resque
from pyresque.system.processes import process_lives
from pyresque.testing.redis_server import DevRedis
from tests.unit.cli.program import Live, Program, end_all, until

JOBS = """
import os, sys
from pyresque import job

def fork(*args):
    pid = os.fork()
    if pid:
        with open("copies", "a") as file:
            print(pid, file=file)
    elif os.environ["HOW"] == "exits":
        sys.exit(2)
    elif os.environ["HOW"] == "raises":
        raise LookupError("in the copy")

class Job:
    @staticmethod
    def perform(number): ...

@job(queue="q", name="Before")
class Before(Job):
    before_enqueue = staticmethod(fork)

@job(queue="q", name="After")
class After(Job):
    after_enqueue = staticmethod(fork)

@job(queue="q", name="Scheduled")
class Scheduled(Job):
    scheduled = staticmethod(fork)
"""


@pytest.mark.parametrize("how", ["returns", "raises", "exits"])
@pytest.mark.parametrize("name", ["Before", "After", "Scheduled"])
def test_a_copy_of_a_scheduler_ends(
    name: str, how: str, resque: Resque, server: DevRedis, tmp_path: Path
) -> None:
    """Each due job is taken once, by the one scheduler that there is."""
    program = Program(tmp_path, server.url)
    program.jobs(JOBS)
    resque.link.execute("ZADD", "resque:delayed_queue_schedule", 1_000_000_000, 1_000_000_000)
    for number in range(3):
        item = f'{{"class":"{name}","args":[{number}],"queue":"q"}}'
        resque.link.execute("RPUSH", "resque:delayed:1000000000", item)
    scheduler = Live(program.start("scheduler", "-r", "jobs", HOW=how), program, resque)
    try:
        pushed = 0 if name == "Scheduled" else 3  # its code is there instead of the push
        until(lambda: resque.link.execute("EXISTS", "resque:delayed:1000000000") == 0)
        until(lambda: resque.size("q") == pushed)
        # The hooks behind the last push may run still.
        until(lambda: len((tmp_path / "copies").read_text().split()) == 3)
        copies = [int(pid) for pid in (tmp_path / "copies").read_text().split()]
        until(lambda: not any(map(process_lives, copies)))
        assert [one["args"] for one in resque.peek("q", 0, 9)] == [[number] for number in range(pushed)]
        assert resque.failures.count() == 0
        scheduler.send(signal.SIGTERM)
        assert scheduler.process.wait(timeout=30) == 0
    finally:
        end_all([scheduler])
