"""How a worker tells a running job, in another process, that it is to end, and why.

A signal makes it heard at once, and it is raised in the code of the job. The signal is not TERM: that comes
from others too (a terminal, systemd), which the job must not listen to.
"""

from __future__ import annotations

import mmap
import os
import signal
import struct

from pyresque.errors import JobTimeout, TermException
from pyresque.system.signal_handlers import Handler, handle, own_signal
from pyresque.usercode.guards import getpid, raise_in_application

SIGNAL = own_signal(6, signal.SIGURG)
"""Says that there is a notice to read."""

_FORM = struct.Struct("=QBd")
_TERM, _TIMEOUT = 1, 2


def timeout_error(limit: float) -> JobTimeout:
    """What is raised in a job that has exceeded its timeout."""
    return JobTimeout(f"Job did not end within its timeout of {limit:g} seconds")


class Notice:
    """Room for one notice, shared with every process that is forked after it was made.

    It names the number of its job, for when it is heard that job may be over, and another one run.
    """

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, mmap.PAGESIZE)
        self._pid = 0
        self._number = 0

    def leave(self, pid: int, number: int) -> None:
        """In the worker: the job is to end, as the worker leaves or somebody wants it."""
        self._tell(pid, number, _TERM, 0.0)

    def time_is_over(self, pid: int, number: int, limit: float) -> None:
        """In the worker: the job has had its time."""
        self._tell(pid, number, _TIMEOUT, limit)

    def _tell(self, pid: int, number: int, kind: int, limit: float) -> None:
        self._map[: _FORM.size] = _FORM.pack(number, kind, limit)
        os.kill(pid, SIGNAL)

    def listen(self) -> None:
        """In the process of a job: begin to hear notices."""
        self._pid = getpid()
        handle(SIGNAL, Handler(self._heard))

    def begin(self, number: int) -> None:
        """In that process: the job with this number is the one that notices are for, until it hears one."""
        self._number = number

    def end(self) -> None:
        """In that process: the job is over."""
        self._number = 0

    def _heard(self, _signum: int, _frame: object) -> None:
        number, kind, limit = _FORM.unpack_from(self._map)
        if getpid() != self._pid or number != self._number:
            return
        self._number = 0  # what the job does about the first notice is not cut off by a second one
        raise_in_application(TermException("SIGTERM") if kind == _TERM else timeout_error(limit))
