"""The real program `pyresque` as a process of its own, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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

    def start(self, *words: str, **env: str) -> subprocess.Popen[str]:
        """Start it; both its outputs are pipes."""
        base = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
        if self.url:
            base["REDIS_URL"] = self.url
        return subprocess.Popen(
            [sys.executable, "-m", "pyresque", *words],
            cwd=self.folder,
            env=base | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        with self.start(*words, **env) as process:
            out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(words, process.returncode, out, err)


def until(what: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def one_line(text: str) -> bool:
    """Whether it is one line, and no traceback."""
    return text.count("\n") == 1 and "Traceback" not in text
