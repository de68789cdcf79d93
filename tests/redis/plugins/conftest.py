"""Workers for the tests of the plugins: each in a forked process."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from pyresque import Resque, Worker
from pyresque.config import Stopping, WorkerOptions
from tests.redis.bench import eventually


class Works:
    """Forks workers, and ends those that a test has left."""

    def __init__(self, resque: Resque) -> None:
        self.resque = resque
        self._pids: list[int] = []

    def start(self, *queues: str, interval: float = 0.01, **options: Any) -> int:
        """Start a worker; options: fork, requeue, timeout, jobs_per_fork. Returns its pid."""
        stopping = Stopping(term_child=False, drain=0.5, requeue=options.pop("requeue", False))
        fork = options.pop("fork", True)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                own = WorkerOptions(stopping=stopping, fork_per_job=fork, **options)
                Worker(self.resque, queues or ("q",), own).work(interval)
                status = 0
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(status)
        self._pids.append(pid)
        return pid

    def wait(self, pid: int) -> int:
        """The exit status of a worker, once it has ended."""
        found = eventually(lambda: os.waitpid(pid, os.WNOHANG)[1:] if _ended(pid) else None)
        self._pids.remove(pid)
        return os.waitstatus_to_exitcode(found[0])

    def burst(self, *queues: str, **options: Any) -> None:
        """Run a worker until nothing is left to do."""
        assert self.wait(self.start(*queues, interval=0, **options)) == 0

    def end(self) -> None:
        """Kill what is still there."""
        for pid in self._pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _ended(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


@pytest.fixture
def works(resque: Resque) -> Iterator[Works]:
    """Workers on the Resque of the test."""
    works = Works(resque)
    yield works
    works.end()
