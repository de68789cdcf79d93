"""The real program `pyresque` as a process of its own, in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pyresque import Resque
from tests.unit.cli import warm

ROOT = Path(__file__).parents[3]

JOBS = """
import os
from pyresque import job

@job(queue="images", name="ConvertJob")
def convert(image_id: int, fmt: str = "png"):
    print("converted", image_id, fmt)

@job(queue="images", name="BrokenJob")
def broken(*args):
    raise ValueError("no such image \\x1b[31m")

@job(queue="images", name="RefusedJob")
class Refused:
    @staticmethod
    def perform(*args): ...
    @staticmethod
    def before_enqueue_no(*args): return False
"""


@dataclass
class Program:
    """Starts `pyresque` in `folder`, with nothing of the user's own settings."""

    folder: Path
    url: str | None = None

    def jobs(self, text: str = JOBS, name: str = "jobs.py") -> None:
        """Write a module for `-r` into the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def start(self, *words: str, stdin: int = subprocess.DEVNULL, **env: str) -> subprocess.Popen[str]:
        """Start it; both its outputs are pipes."""
        base = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
        base |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        if self.url:
            base["REDIS_URL"] = self.url
        return warm.popen(
            words,
            cwd=self.folder,
            env=base | env,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, *words: str, answer: str | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end; it may be given an answer to its question."""
        with self.start(
            *words, stdin=subprocess.DEVNULL if answer is None else subprocess.PIPE, **env
        ) as one:
            out, err = one.communicate(answer, timeout=120)
        return subprocess.CompletedProcess(words, one.returncode, out, err)


class Live:
    """A `pyresque work` that runs, and what can be seen of it; its jobs may wait for files in its folder."""

    def __init__(self, process: subprocess.Popen[str], program: Program, resque: Resque) -> None:
        self.process, self.folder, self.resque = process, program.folder, resque
        self.told = ""

    def begin(self, name: str, job: str = "WaitJob") -> None:
        """Let it begin a job that lasts until the file `name` is there."""
        self.resque.enqueue(job, name, queue="q")
        until((self.folder / f"{name}.begun").exists)

    def finish(self, name: str) -> None:
        """Let that job end."""
        (self.folder / name).touch()

    def title(self, pid: int | None = None) -> str:
        """The process title."""
        return Path(f"/proc/{pid or self.process.pid}/cmdline").read_text().strip("\0 ")

    def send(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self, number: int | None = signal.SIGTERM) -> tuple[int, str]:
        """Wait for its end, after a signal; returns its exit status and all that was printed."""
        status, out = self.printed(number)
        return status, out + self.told

    def printed(self, number: int | None = signal.SIGTERM) -> tuple[int, str]:
        """The same without what it has said of itself, on stderr."""
        if number is not None:
            self.send(number)
        out, self.told = self.process.communicate(timeout=120)
        return self.process.returncode, out


def end_all(workers: Iterable[Live]) -> None:
    """Kill what is left of them when a test is over, and take what they have printed."""
    for one in workers:
        one.process.kill()
        with contextlib.suppress(ValueError):  # a test has taken it already
            one.process.communicate()


def until(what: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def one_line(text: str) -> bool:
    """Whether it is one line, and no traceback."""
    return text.count("\n") == 1 and "Traceback" not in text


def beyond_start(lines: Iterable[str]) -> list[str]:
    """What a worker has said of itself (stderr), without how it starts."""
    return [line for line in lines if not re.search(r" workers? starts? as |^  [a-z ]{10} ", line)]


def fill(resque: Resque) -> None:
    """Enqueue two jobs that are done, one that fails and one that only Ruby knows."""
    resque.enqueue("ConvertJob", 1, queue="images")
    resque.enqueue("BrokenJob", queue="images")
    resque.enqueue("RubyOnlyJob", queue="images")
    resque.enqueue("ConvertJob", 2, "webp", queue="other")
