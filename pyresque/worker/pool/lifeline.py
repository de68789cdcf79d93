"""What ties a worker to its supervisor: it learns of the supervisor's end, and tells when it is ready."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal

from pyresque.system.descriptors import Own
from pyresque.system.parent import end_with_parent
from pyresque.system.signal_handlers import Handler, handle
from pyresque.system.waiting import readable

_say: Own | None = None
"""Where this process tells its supervisor that it is ready; None where nobody wants to know (any more)."""

_is_tied = False


def has_supervisor() -> bool:
    """Whether this process is a worker of a pool."""
    return _is_tied


class Lifeline:
    """What tells a worker of the end of its supervisor, however that came: it then gets a QUIT.

    It is a pipe. A job in the worker's own process may close that; on Linux the kernel tells, too. A second
    pipe leads the other way, for one word: ready.
    """

    def __init__(self) -> None:
        self._supervisor = os.getpid()
        self._read, self._write = os.pipe()
        try:
            self._hear, self._say = os.pipe()
        except OSError:
            self._close(self._read, self._write)
            raise

    @classmethod
    def adopted(cls, write: int) -> Lifeline:
        """In a supervisor that has taken the place of the one that held it: all that is left of it."""
        lifeline = cls.__new__(cls)
        lifeline._supervisor, lifeline._write = os.getpid(), write
        lifeline._read = lifeline._hear = lifeline._say = -1
        os.set_inheritable(write, False)
        return lifeline

    def hold(self) -> None:
        """In the supervisor: keep the end that closes by itself when this process is gone."""
        self._close(self._read, self._say)
        os.set_blocking(self._hear, False)

    def drop(self) -> None:
        """In the supervisor after the worker's end, and in every other worker."""
        self._close(self._write, self._hear)

    def close(self) -> None:
        """There will be no worker."""
        self._close(self._read, self._write, self._hear, self._say)

    def bequeath(self, wanted: bool) -> int:
        """Whether the program that takes the place of this one is to have it; returns its number there."""
        os.set_inheritable(self._write, wanted)
        return self._write

    def tie(self) -> None:
        """In the worker."""
        global _say, _is_tied
        self._close(self._write, self._hear)
        _is_tied = True
        _say = Own(self._say)
        handle(signal.SIGIO, Handler(self._pull))
        end_with_parent(self._supervisor, signal.SIGIO)
        fcntl.fcntl(self._read, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(self._read, fcntl.F_SETFL, os.O_ASYNC)
        if readable([_Number(self._read)], 0):
            os.kill(os.getpid(), signal.SIGIO)

    @staticmethod
    def _pull(_number: int, _frame: object) -> None:
        handle(signal.SIGIO, Handler(lambda *_: None))  # a second QUIT would mean more than one
        os.kill(os.getpid(), signal.SIGQUIT)

    @staticmethod
    def _close(*numbers: int) -> None:
        for number in numbers:
            if number >= 0:
                os.close(number)

    def fileno(self) -> int:
        """What can be read in the supervisor when the worker is ready; below 0 once it has been."""
        return self._hear

    def heard(self) -> bool:
        """In the supervisor: whether the worker has said that it is ready. True once."""
        if self._hear < 0:
            return False
        try:
            word = os.read(self._hear, 1)
        except BlockingIOError:
            return False
        os.close(self._hear)
        self._hear = -1
        return bool(word)


class _Number:
    def __init__(self, number: int) -> None:
        self._number = number

    def fileno(self) -> int:
        return self._number


def tell_ready() -> None:
    """In a worker that now looks for jobs: tell the supervisor, where there is one."""
    global _say
    if _say is None:
        return
    say, _say = _say, None
    if say.is_ours:
        with contextlib.suppress(OSError):  # the supervisor is gone, or wants to know no more
            os.write(say.number, b"!")
    say.close()
