"""How many functions and files of pyresque a call, or a job, passes through, as `sys.setprofile` sees them.

`python benchmarks/paths.py` prints the counts, with -v each function in the order of its first call.
Functions of other libraries, and what runs as C, do not count; nor do comprehensions and lambdas.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import pyresque
from pyresque import Resque, Worker, active_job, job
from pyresque.config import WorkerOptions
from pyresque.registry import Registry
from pyresque.testing.redis_server import running
from pyresque.wire import encoding

ROOT = os.path.dirname(pyresque.__file__) + os.sep
LIMITS = {"enqueue": (25, 8), "a job worked, no fork": (45, 12)}
"""(functions, files) that these may pass through."""


@dataclass
class Path:
    """What was called between `begin` and `end`."""

    functions: Counter[tuple[str, str]] = field(default_factory=Counter)
    encoded: int = 0
    decoded: int = 0

    @property
    def files(self) -> set[str]:
        """The files that hold these functions."""
        return {file for file, _ in self.functions}

    def begin(self) -> None:
        """Watch every call of this thread."""
        sys.setprofile(self._called)

    def end(self) -> None:
        """Watch no longer."""
        sys.setprofile(None)

    def _called(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        name = code.co_qualname
        if event != "call" or not code.co_filename.startswith(ROOT) or "<" in name.rpartition(".")[2]:
            return
        self.encoded += code is encoding.encode.__code__
        self.decoded += code is encoding.decode.__code__
        self.functions[code.co_filename.removeprefix(ROOT), name] += 1

    def __str__(self) -> str:
        return (
            f"{len(self.functions)} functions, {len(self.files)} files, {self.functions.total()} calls; "
            f"JSON encoded {self.encoded} times, decoded {self.decoded}"
        )


@contextmanager
def watched() -> Iterator[Path]:
    """What is called inside the block."""
    path = Path()
    path.begin()
    try:
        yield path
    finally:
        path.end()


def of_calls(resque: Resque, registry: Registry) -> dict[str, Path]:
    """The verbs that put a job on its queue, each called once before."""

    def greet(name: str, times: int = 1) -> None: ...

    plain = job(queue="paths", name="Greet", registry=registry)(greet)
    rails = active_job.job("GreetJob", queue="paths", registry=registry)(greet)
    calls: dict[str, Callable[[], object]] = {
        "enqueue": lambda: resque.enqueue(plain, "Ada", times=2),
        "enqueue_in": lambda: resque.enqueue_in(60, plain, "Ada"),
        "active_job.enqueue": lambda: active_job.enqueue(resque, rails, "Ada"),
    }
    found = {}
    for name, call in calls.items():
        call()
        with watched() as found[name]:
            call()
    return found


def of_a_job(resque: Resque, registry: Registry) -> Path:
    """From the middle of one job to the middle of the next: what the worker does for each, without fork."""
    path = Path()

    def step(number: int) -> None:
        if number == 1:
            path.begin()
        elif number == 2:
            path.end()

    work = job(queue="paths", name="Step", registry=registry)(step)
    for number in range(3):
        resque.enqueue(work, number)
    Worker(resque, ["paths"], WorkerOptions(fork_per_job=False)).work(interval=0)
    return path


def measured(url: str) -> dict[str, Path]:
    """All ways, on this server."""
    logging.getLogger("pyresque").setLevel(logging.CRITICAL)
    registry = Registry()
    resque = Resque(url, registry=registry)
    found = of_calls(resque, registry)
    resque.remove_queue("paths")
    found["a job worked, no fork"] = of_a_job(resque, registry)
    return found


def main() -> None:
    """Print the counts."""
    with running() as server:
        for name, path in measured(server.url).items():
            limit = LIMITS.get(name)
            print(f"{name}: {path}{' (at most {} and {})'.format(*limit) if limit else ''}")
            if "-v" in sys.argv:
                for (file, function), count in path.functions.items():
                    print(f"    {file} {function} {count}")


if __name__ == "__main__":
    main()
