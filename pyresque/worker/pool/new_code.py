"""New code for a running pool: it is tried first, in a program of its own, and then takes the pool's place.

The supervisor cannot forget the code that it has imported. So on HUP it becomes the new program by exec: its
pid and its children, the workers, stay. Before that the same command line runs beside it as far as it goes
without working. Code that cannot be loaded ends there, and harms nobody.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn, Protocol

from pyresque.system.parent import end_with_parent
from pyresque.system.terminal import WANTS
from pyresque.worker.pool.lifeline import Lifeline
from pyresque.worker.pool.members import Old

_READY, _REFUSED = b"+", b"-"
_LONGEST = 4000


class Program(Protocol):
    """The program as it was started, and as it is on disk now."""

    def try_out(self, tell: int) -> subprocess.Popen[bytes]:
        """Start it beside this one, in a process group of its own: it loads everything, and tells.

        Raises:
            OSError: it cannot be started.
        """

    def replace(self, heritage: str) -> NoReturn:
        """Become it: same pid, same command line.

        Raises:
            OSError: it cannot be started.
        """


class Trial:
    """The program as it is on disk now, loading in a process of its own.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, program: Program) -> None:
        self._hear, tell = os.pipe()
        try:
            self._process = program.try_out(tell)
        except OSError:
            os.close(self._hear)
            raise
        finally:
            os.close(tell)
        os.set_blocking(self._hear, False)
        self.pid = self._process.pid
        self.refusal: str | None = None
        """Why the new code cannot be used; empty if it can, None until that is known."""

    def ended(self, code: int) -> None:
        """Its process has ended, and was waited for."""
        self._process.returncode = code
        if self.refusal is not None:
            return  # it was killed as it stopped, and is waited for before anybody has read why
        try:
            told = os.read(self._hear, _LONGEST)
        except BlockingIOError:
            told = b""
        self.drop()
        if told[:1] == _READY:
            self.refusal = ""
        elif told[:1] == _REFUSED:
            self.refusal = told[1:].decode("utf-8", "replace")
        else:
            how = signal.strsignal(-code) if code < 0 else f"exit status {code}"
            self.refusal = f"the program ended while it was loaded ({how})"

    def stopped(self, number: int) -> None:
        """Its process was stopped by this signal; where it wants the terminal, it would be for ever."""
        if number in WANTS and self.refusal is None:
            self.kill()
            self.refusal = "the program wants the terminal while it is loaded, which a pool has not to lend"

    def kill(self) -> None:
        """Nobody wants to know any more. Whoever waits for children waits for it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.returncode = -signal.SIGKILL
        self.drop()

    def drop(self) -> None:
        """Listen no more; in a worker, leave it to the supervisor."""
        os.close(self._hear)


def tell(number: int, refusal: str) -> NoReturn:
    """In the trial: say what came of it (empty: all is well), and end with everything that it has started."""
    word = _REFUSED + refusal.encode("utf-8", "replace")[: _LONGEST - 1] if refusal else _READY
    with contextlib.suppress(OSError):
        os.write(number, word)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def begin_trial() -> None:
    """In the trial: end with the pool that wants to know."""
    end_with_parent(os.getppid())


@dataclass(frozen=True)
class Heritage:
    """What a pool leaves to the program that takes its place: its workers, and whether they are paused."""

    old: Sequence[Old]
    paused: bool

    def write(self) -> str:
        """As a text, for this process only; what it needs stays open in the next program."""
        workers = [(worker.pid, worker.lifeline.bequeath(True), worker.name) for worker in self.old]
        return json.dumps({"pid": os.getpid(), "paused": self.paused, "workers": workers})

    def keep(self) -> None:
        """There was no next program."""
        for worker in self.old:
            worker.lifeline.bequeath(False)

    @classmethod
    def read(cls, text: str) -> Heritage | None:
        """What the program before this one has left; None if it was meant for another process."""
        heritage = json.loads(text)
        if heritage["pid"] != os.getpid():
            return None  # a process that this one had started, and that has kept its variables
        old = [Old(pid, Lifeline.adopted(number), name) for pid, number, name in heritage["workers"]]
        return cls(old, heritage["paused"])
