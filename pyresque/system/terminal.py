"""The terminal of a worker, lent to a job that asks for it: breakpoint(), input(), getpass, ssh.

The process of a job has a group of its own. A terminal has one group in the foreground; the kernel stops any
other that reads from it or sets it. So the worker, if it is the one in the foreground, puts the job there in
its place, and is itself there again when the job is over.
"""

from __future__ import annotations

import contextlib
import os
import signal
import termios
from collections.abc import Iterator
from typing import Any

from pyresque.log import Log

logger = Log("pyresque.worker")

WANTS = (signal.SIGTTIN, signal.SIGTTOU)
"""The signals by which the kernel stops who uses a terminal that is another one's."""


@contextlib.contextmanager
def _terminal() -> Iterator[int]:
    file = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    try:
        yield file
    finally:
        os.close(file)


class Terminal:
    """The terminal that this process has, if it has one, and which job it is lent to."""

    def __init__(self) -> None:
        self._lent_to = 0
        self._before: Any = None
        self._modes: list[Any] = []

    def stopped(self, pid: int, number: int) -> None:
        """The process of a job was stopped by this signal: let it go on where that is for us to do."""
        name = signal.Signals(number).name
        if number == signal.SIGTSTP and self._lent_to:
            # Ctrl-Z came to the job only: the worker stops as well, as if it had come to both.
            group = self._lent_to
            self.take_back()
            os.killpg(0, signal.SIGTSTP)
            os.killpg(group, signal.SIGCONT)
        elif number in WANTS and self.lend(pid):
            logger.debug("the terminal is the job's (process %d) until it ends", pid)
        elif number in WANTS:
            logger.warning(
                "the job's process %d is stopped (%s): it wants the terminal. A worker in the foreground "
                "has that to lend, but none of several (-n)",
                pid, name,
            )  # fmt: skip
        else:
            logger.warning("the job's process %d is stopped (%s) until somebody sends it CONT", pid, name)

    def lend(self, pid: int) -> bool:
        """Give it to the group of a process, which goes on then; False where it is not ours to give."""
        try:
            with _terminal() as file:
                group = os.getpgid(pid)
                if os.tcgetpgrp(file) not in (os.getpgrp(), group):
                    return False
                if not self._lent_to:
                    self._modes = termios.tcgetattr(file)
                    # In the background now, we may still write to it, and take it back.
                    self._before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
                self._lent_to = group
                os.tcsetpgrp(file, group)
            os.killpg(group, signal.SIGCONT)
        except (OSError, termios.error):
            return False
        return True

    def take_back(self, was_killed: bool = False) -> None:
        """The job is over.

        Args:
            was_killed: whether it had no time to undo what it has done to the terminal.
        """
        if not self._lent_to:
            return
        try:
            with _terminal() as file:
                if os.tcgetpgrp(file) == self._lent_to:
                    os.tcsetpgrp(file, os.getpgrp())
                    if was_killed:
                        termios.tcsetattr(file, termios.TCSADRAIN, self._modes)
        except (OSError, termios.error) as error:
            logger.debug("the terminal is gone: %s", error)
        self._lent_to = 0
        signal.signal(signal.SIGTTOU, self._before if self._before is not None else signal.SIG_DFL)


def has_terminal() -> bool:
    """Whether what is typed on the terminal comes to the group of this process."""
    try:
        with _terminal() as file:
            return os.tcgetpgrp(file) == os.getpgrp()
    except OSError:
        return False
