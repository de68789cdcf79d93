"""The processes of `pyresque dev`: started and ended together; what they print goes to one terminal."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

Tell = Callable[[str, str], object]
"""Takes the name of a process, and a line of its."""


@dataclass
class Child:
    """One of them, and the thread that reads what it prints."""

    name: str
    words: Sequence[str]
    process: subprocess.Popen[str] | None = None
    reader: threading.Thread | None = None
    is_told: bool = False
    """Whether its end was told already."""


@dataclass
class Processes:
    """Commands of pyresque, each in a process of its own.

    Args:
        commands: their words, by the names that their lines get.
        env: their environment.
        tell: takes what they print.
    """

    commands: Mapping[str, Sequence[str]]
    env: Mapping[str, str]
    tell: Tell
    children: list[Child] = field(init=False)

    def __post_init__(self) -> None:
        self.children = [Child(name, words) for name, words in self.commands.items()]
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)

    def start(self) -> None:
        """Start those that do not run."""
        for child in self.children:
            if child.process is None or child.process.poll() is not None:
                self._start(child)

    def _start(self, child: Child) -> None:
        # A group of its own: a Ctrl-C of the terminal is for us, and we tell them.
        child.process = subprocess.Popen(
            [sys.executable, "-m", "pyresque", *child.words],
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="backslashreplace",
            process_group=0,
        )
        child.is_told = False
        source = (child.name, child.process.stdout)
        child.reader = threading.Thread(target=self._read, args=source, daemon=True)
        child.reader.start()

    def _read(self, name: str, stream: IO[str] | None) -> None:
        if stream is not None:
            with stream:
                for line in stream:
                    self.tell(name, line.rstrip("\n"))
        self.wake()

    def wake(self) -> None:
        """End a `wait` now; for threads and signal handlers."""
        with suppress(BlockingIOError):  # so full that it wakes anyway
            os.write(self._waker, b".")

    def wait(self, seconds: float) -> None:
        """Wait so long, or until a process has ended or `wake` is called."""
        if select.select([self._woken], [], [], seconds)[0]:
            os.read(self._woken, 4096)

    def ended(self) -> list[Child]:
        """Those that have ended, each once."""
        ended = [child for child in self.children if child.process and child.process.poll() is not None]
        ended = [child for child in ended if not child.is_told]
        for child in ended:
            child.is_told = True
        return ended

    @property
    def run(self) -> bool:
        """Whether any of them still runs."""
        return any(child.process is not None and child.process.poll() is None for child in self.children)

    def send(self, number: int) -> None:
        """Send a signal to those that run."""
        for child in self.children:
            if child.process is not None and child.process.poll() is None:
                child.process.send_signal(number)

    def finish(self) -> None:
        """Print what is left of those that have ended."""
        for child in self.children:
            if child.reader is not None:
                child.reader.join(timeout=1)  # a process that a job has left may hold the other end
