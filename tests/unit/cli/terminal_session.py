"""The program on a terminal of its own."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from pyresque.system.waiting import readable
from tests.unit.cli.program import ROOT, until


class Session:
    """`pyresque`, or another Python program, as the leader of a session with a terminal of its own."""

    def __init__(
        self, folder: Path, url: str, words: Sequence[str], program: Sequence[str] = ("-m", "pyresque")
    ) -> None:
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ.update(REDIS_URL=url, PYTHONPATH=str(ROOT), INTERVAL="0.1")
            os.execv(sys.executable, [sys.executable, *program, *words])
        self.shown = ""

    def fileno(self) -> int:
        return self._file

    def shows(self, text: str) -> bool:
        """Whether it has shown a text by now."""
        while readable([self], 0):
            try:
                self.shown += os.read(self._file, 65536).decode()
            except OSError:
                break
        return text in self.shown

    def type(self, text: str) -> None:
        os.write(self._file, text.encode())

    def ended(self) -> int:
        """Wait for its end; the exit status."""
        found: list[int] = []

        def gone() -> bool:
            self.shows("")
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            found.extend([status] if pid else [])
            return bool(pid)

        until(gone)
        self.pid = 0
        return os.waitstatus_to_exitcode(found[0])

    def close(self) -> None:
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._file)
