"""The Python stack of a job that does not end, asked for from outside of its process."""

from __future__ import annotations

import os
import re
import signal
import time

from pyresque.system.signal_handlers import note_native, own_signal

SIGNAL = own_signal(7, signal.SIGVTALRM)
"""Asks a job's process for its stack."""

_FRAME = re.compile(r'\s*File "(.*)", line (\d+) in (.*)')


class Stack:
    """A place in memory that both processes share; made before the fork."""

    def __init__(self) -> None:
        self._file = _shared_memory()

    def offer(self) -> None:
        """In the child: write the stack of every thread when asked."""
        import faulthandler

        note_native(SIGNAL)
        faulthandler.register(SIGNAL, file=self._file, all_threads=True, chain=False)

    def ask(self, pid: int) -> list[str]:
        """In the parent: the stack of the child, innermost first; empty if it does not answer in time.

        Python itself writes it, in C, so a job that is stuck in a loop or in an extension answers too.
        """
        if not self._is_still_in(pid):
            return []
        try:
            os.kill(pid, SIGNAL)
        except ProcessLookupError:
            return []
        for _ in range(50):
            time.sleep(0.01)
            text = os.pread(self._file, 1 << 20, 0).decode("utf-8", "replace")
            if text.endswith("\n") and "File" in text:
                return _frames(text)
        return []

    def close(self) -> None:
        """Give the memory back."""
        os.close(self._file)

    def _is_still_in(self, pid: int) -> bool:
        """Whether the child would write into it: the job may have put a file of its own under its number."""
        try:
            return os.path.samestat(os.fstat(self._file), os.stat(f"/proc/{pid}/fd/{self._file}"))
        except OSError:
            return not os.path.exists("/proc/self/fd")  # then nobody can tell


def _shared_memory() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("pyresque-stack")
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _frames(text: str) -> list[str]:
    """Ruby's form of the lines; the current thread, which comes first, is the one that runs the job."""
    current = text.partition("\n\n")[0]
    return [
        f"{match[1]}:{match[2]}:in `{match[3]}'" for match in map(_FRAME.match, current.splitlines()) if match
    ]
