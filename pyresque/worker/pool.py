"""Several worker processes under one supervisor, which keeps them running and passes signals on.

The supervisor has imported the application once and then only forks, waits and counts: it never talks to
Redis, so nothing that happens there can end it.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import NoReturn

import setproctitle

from pyresque._version import __version__
from pyresque.errors import ResqueError
from pyresque.handlers import Handler, fork, handle
from pyresque.log import Log
from pyresque.safely import flush_output, tried
from pyresque.usercode import one_process
from pyresque.waiting import readable
from pyresque.worker import memory
from pyresque.worker.pace import Backoff
from pyresque.worker.parent import end_with_parent
from pyresque.worker.signals import Signals

logger = Log("pyresque.worker")

DONE = 79
"""Exit status of a worker that leaves because there is nothing left to do: it is not started again."""

STABLE_AFTER = 30.0
"""Seconds after which a worker that dies is started again as soon as one that never died before."""

_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)

Start = Callable[[], int]
"""Builds and runs one worker; returns the exit status of its process."""


class Lifeline:
    """What tells a worker of the end of its supervisor, however that came: it then gets a QUIT.

    It is a pipe. A job in the worker's own process may close that; on Linux the kernel tells, too.
    """

    def __init__(self) -> None:
        self._supervisor = os.getpid()
        self._read, self._write = os.pipe()

    def hold(self) -> None:
        """In the supervisor: keep the end that closes by itself when this process is gone."""
        os.close(self._read)

    def drop(self) -> None:
        """In the supervisor after the worker's end, and in every other worker."""
        os.close(self._write)

    def close(self) -> None:
        """There will be no worker."""
        os.close(self._read)
        os.close(self._write)

    def tie(self) -> None:
        """In the worker."""
        os.close(self._write)
        handle(signal.SIGIO, Handler(self._pull))
        end_with_parent(self._supervisor, signal.SIGIO)
        fcntl.fcntl(self._read, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(self._read, fcntl.F_SETFL, os.O_ASYNC)
        if readable([self], 0):
            os.kill(os.getpid(), signal.SIGIO)

    @staticmethod
    def _pull(number: int, frame: object) -> None:
        handle(signal.SIGIO, Handler(lambda *_: None))  # a second QUIT would mean more than one
        os.kill(os.getpid(), signal.SIGQUIT)

    def fileno(self) -> int:
        """What can be read when the supervisor is gone."""
        return self._read


class Place:
    """The place of one worker in the pool, and the process that has it now."""

    def __init__(self, start: Start) -> None:
        self.start = start
        self.pid: int | None = None
        self.lifeline: Lifeline | None = None
        self.due = 0.0
        """When a process is to be started; never where the work is done."""
        self.failed = False
        """Whether the last process did not leave in order."""
        self._backoff = Backoff(first=0.1, most=5.0)
        self._since = 0.0
        self._is_refused = False

    def taken(self, pid: int, lifeline: Lifeline) -> None:
        """A process has been started."""
        self.pid, self.lifeline, self.failed = pid, lifeline, False
        self._since, self._is_refused = time.monotonic(), False

    def refused(self, error: OSError) -> None:
        """The system has no process or descriptor for it now: one is asked for again, after growing waits."""
        wait = self._backoff.next_sleep()
        if not self._is_refused:
            logger.warning("no worker process can be started now (%s): it is tried again", error)
        self._is_refused, self.due = True, time.monotonic() + wait

    def left(self, code: int) -> float:
        """The process has ended with this exit code; returns the seconds until the next may start."""
        self.pid, self.failed = None, code not in (0, DONE)
        if self.lifeline is not None:
            self.lifeline.drop()
            self.lifeline = None
        now, wait = time.monotonic(), 0.0
        if not self.failed or now - self._since > STABLE_AFTER:
            self._backoff.reset()
        if self.failed:
            wait = self._backoff.next_sleep()
        self.due = float("inf") if code == DONE else now + wait
        return wait


class Pool:
    """Runs one worker in a process for each of `starts`.

    A worker that dies is started again, after growing waits; one that leaves with 0 unasked (a limit was
    reached) at once; one that leaves with DONE is not.

    Args:
        starts: what each process does.
        prefix: what stands before the supervisor's process title.
    """

    def __init__(self, starts: Sequence[Start], prefix: str = "") -> None:
        self._places = [Place(start) for start in starts]
        self._title = f"{prefix}pyresque-pool-{__version__}: managing "
        self._signals = Signals()
        self._leaving = False
        self._paused = False
        self.again = False
        """Whether a HUP has asked for a new start, with new code, once all workers have left."""

    def run(self) -> int:
        """Work until a signal says stop or no work is left; returns 0 if all left in order, else 1."""
        memory.settle()
        self._signals.install()
        try:
            while True:
                self._signals.drain()
                for number in self._signals.take():
                    self._act(number)
                self._bury()
                self._fill()
                if not any(place.pid for place in self._places) and self._seconds_left() == float("inf"):
                    return int(any(place.failed for place in self._places))
                readable([self._signals], self._seconds_left())
        finally:
            self._give_signals_back()

    def _give_signals_back(self) -> None:
        self._signals.hold()
        for number in self._signals.take():
            self._act(number)
        self._signals.restore()
        # With a new start pending, what asks for one more must not end the program that has no handlers yet.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING if self.again else signal.valid_signals())

    def _seconds_left(self) -> float:
        """Until the next process is to be started."""
        dues = [place.due for place in self._places if place.pid is None and not self._leaving]
        return max(0.0, min(dues, default=float("inf")) - time.monotonic())

    def _act(self, number: signal.Signals) -> None:
        if number == signal.SIGCHLD:
            return
        if number == signal.SIGHUP:
            if not self._leaving:
                logger.info("the workers leave, then the pool starts anew")
                self._leaving = self.again = True
                self._send(signal.SIGQUIT)
            return
        if number in _ENDING:
            self._leaving, self.again = True, False
        elif number in (signal.SIGUSR2, signal.SIGCONT):
            self._paused = number == signal.SIGUSR2
        self._send(number)

    def _send(self, number: signal.Signals) -> None:
        # No process here has been waited for yet, so none of these pids can be somebody else's.
        for place in self._places:
            if place.pid is not None:
                os.kill(place.pid, number)

    def _bury(self) -> None:
        """Wait for every process that has ended: also for orphans, which are ours where we are pid 1."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for place in self._places:
                if place.pid == pid:
                    code = os.waitstatus_to_exitcode(status)
                    wait = place.left(code)
                    self._tell(pid, code, wait)
                    self._show()

    def _tell(self, pid: int, code: int, wait: float) -> None:
        if code in (0, DONE):
            logger.info("worker process %d has left", pid)
            return
        how = signal.strsignal(-code) if code < 0 else f"exit status {code}"
        then = "" if self._leaving else f"; another is started in {wait:.1f} s"
        logger.warning("worker process %d died (%s)%s", pid, how, then)

    def _fill(self) -> None:
        """Start the processes that are due."""
        now = time.monotonic()
        for place in self._places:
            if place.pid is None and place.due <= now and not self._leaving:
                self._start(place)
                self._show()

    def _start(self, place: Place) -> None:
        flush_output()
        try:
            lifeline = Lifeline()
        except OSError as error:
            place.refused(error)
            return
        # What comes about the fork waits in the new process until the worker has handlers of its own.
        self._signals.hold()
        try:
            pid = fork()
            if pid == 0:
                self._be_worker(place.start, lifeline)
        except OSError as error:
            lifeline.close()
            place.refused(error)
            return
        finally:
            self._signals.release()
        lifeline.hold()
        place.taken(pid, lifeline)
        if self._paused:
            os.kill(pid, signal.SIGUSR2)

    def _be_worker(self, start: Start, lifeline: Lifeline) -> NoReturn:
        status = 1
        try:
            self._signals.leave_to_child(term_child=False)
            for place in self._places:
                if place.lifeline is not None:
                    place.lifeline.drop()
            # The terminal's Ctrl-C goes to the supervisor only, which passes it on: once, not twice.
            os.setpgid(0, 0)
            lifeline.tie()
            with one_process():
                status = start()
            atexit._run_exitfuncs()
            flush_output()
        except ResqueError as error:
            logger.error("the worker ends: %s", error)
        except BaseException as error:
            _, wrong = tried(sys.excepthook, *sys.exc_info())  # the application may have its own
            if wrong is not None:
                logger.exception("the worker ends: %s", error)
        finally:
            os._exit(status)

    def _show(self) -> None:
        pids = ", ".join(str(place.pid) for place in self._places if place.pid is not None)
        setproctitle.setproctitle(f"{self._title}[{pids}]")
