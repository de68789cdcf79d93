"""Pools of workers under `pyresque work`, as tests use them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.unit.cli.program import Live, until

JOBS = """
import os, pathlib, time
from pyresque import job

print("imported by", os.getpid(), flush=True)

@job(name="SayJob")
def say(text):
    print(text, "in worker", os.getppid(), flush=True)

@job(name="WaitJob")
def wait(name):
    pathlib.Path(f"{name}.begun").touch()
    while not pathlib.Path(name).exists():
        time.sleep(0.01)
"""


class Pool(Live):
    """A pool that runs, and what can be seen of it."""

    def workers(self) -> set[int]:
        """The pids of its workers, as Redis knows them."""
        return {int(one.pid) for one in self.resque.workers()}

    def full(self, count: int) -> set[int]:
        """Wait until so many workers have registered; returns their pids."""
        until(lambda: len(self.workers()) == count)
        return self.workers()


Started = Callable[..., Pool]


def gone(pid: int) -> bool:
    """Whether there is no such process any more, not even one that nobody has waited for."""
    return not Path(f"/proc/{pid}").exists()
