"""Several worker processes under one supervisor, which keeps them running and passes signals on.

The supervisor has imported the application once and then only forks, waits and counts: it never talks to
Redis, so nothing that happens there can end it.

On HUP it tries the code that is on disk now (`new_code.py`), becomes that program, and has its workers
replaced: one is asked to leave, another begins when it has left, the next is asked when that one is ready.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

import setproctitle

from pyresque._version import __version__
from pyresque.errors import ResqueError
from pyresque.log import Log
from pyresque.system import memory
from pyresque.system.forking import fork, own_exit_functions, reseed
from pyresque.system.terminal import Terminal
from pyresque.system.waiting import Backoff, Readable, readable
from pyresque.usercode.guards import one_process
from pyresque.usercode.safely import flush_output, tried
from pyresque.worker.pool.lifeline import Lifeline
from pyresque.worker.pool.members import DONE, NUDGE_EVERY, Old, PoolMember, Start
from pyresque.worker.pool.new_code import Heritage, Program, Trial
from pyresque.worker.signals import WorkerSignals

logger = Log("pyresque.worker")

BUSY_AFTER = 0.5
"""Seconds after which a worker that was asked to leave must have a job, so that the next one is asked."""

_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_NEVER = float("inf")
_GO_ON = "the new code cannot be used, and the workers go on with the old"


class Pool:
    """Runs one worker in a process for each of the starts.

    A worker that dies is started again, after growing waits; one that leaves with 0 unasked (a limit was
    reached) at once; one that leaves with DONE is not.

    Args:
        program: what it is to become on HUP.
        heritage: what the program has left that was here before a HUP.
        prefix: what the supervisor's process title begins with.
    """

    def __init__(self, program: Program, heritage: Heritage | None = None, prefix: str = "") -> None:
        self._program = program
        self._members: list[PoolMember] = []
        self._old = list(heritage.old) if heritage else []
        self._paused = heritage.paused if heritage else False
        self._title = f"{prefix}pyresque-pool-{__version__}: managing "
        self._signals = WorkerSignals()
        self._terminal = Terminal()
        self._listens = self._loading = self._failed = False
        self._anew = False
        """Whether a HUP has come that nobody has acted on yet."""
        self._trial: Trial | None = None
        self._retry = Backoff(first=1.0, most=60.0)
        self._retry_at = _NEVER
        self.leaving = False
        """Whether it was told to end."""

    @contextmanager
    def attending(self) -> Iterator[None]:
        """While the new code is loaded, the workers of the old one are told what the pool is told.

        Raises:
            KeyboardInterrupt: the pool is to end, so nothing more needs to be loaded.
        """
        self._listen()
        with self._signals.passed_on(self._attend):
            self._show()
            self._loading = True
            try:
                yield
            finally:
                self._loading = False

    def _attend(self) -> None:
        was_leaving = self.leaving
        for number in self._signals.take():
            self._act(number)
        if self._loading and self.leaving and not was_leaving:
            raise KeyboardInterrupt

    def stay(self, why: object) -> None:
        """The new code could not be loaded after all: the old workers work on, and it is tried again."""
        wait = self._retry.next_sleep()
        self._retry_at = time.monotonic() + wait
        logger.error("%s; in %.0f s the new one is tried again: %s", _GO_ON, wait, why)

    def run(self, starts: Sequence[Start]) -> int:
        """Work until a signal says stop or no work is left; returns 0 if all left in order, else 1."""
        self._members = [PoolMember(start) for start in starts]
        memory.settle()
        self._listen()
        try:
            while True:
                self._signals.drain()
                for number in self._signals.take():
                    self._act(number)
                self._bury()
                self._nudge()
                self._try_new_code()
                self._fill()
                self._dismiss()
                if self._is_over():
                    return int(self._failed or any(member.failed for member in self._members))
                lifelines = [worker.lifeline for worker in self._members if worker.lifeline is not None]
                waits: list[Readable] = [self._signals, *lifelines]
                readable(waits, self._seconds_left())
        finally:
            self._give_signals_back()

    @property
    def _all(self) -> list[PoolMember | Old]:
        return [*self._old, *self._members]

    def _listen(self) -> None:
        if self._listens:
            self._signals.mend()  # code of the application has run since
        else:
            self._listens = True
            self._signals.install()

    def _give_signals_back(self) -> None:
        self._signals.hold()
        for number in self._signals.take():
            self._act(number)
        self._signals.restore()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())

    def _is_over(self) -> bool:
        if self._old or any(member.pid is not None for member in self._members):
            return False
        if self.leaving:
            return True
        due = any(member.due < _NEVER for member in self._members)
        return not (due or self._trial is not None or self._retry_at < _NEVER)

    def _seconds_left(self) -> float:
        """Until the next process is to be started, the next one asked to leave, or new code tried again."""
        if self.leaving:
            return NUDGE_EVERY if any(worker.is_stopped for worker in self._all) else _NEVER
        room = self._room()
        dues = [worker.due for worker in self._members if worker.pid is None and room[worker.name] > 0]
        return max(0.0, min(*dues, self._next_ask(), self._retry_at, _NEVER) - time.monotonic())

    def _act(self, number: signal.Signals) -> None:
        if number == signal.SIGCHLD:
            return
        if number == signal.SIGHUP:
            self._anew = not self.leaving
            return
        if number in _ENDING:
            self.leaving, self._anew = True, False
        elif number in (signal.SIGUSR2, signal.SIGCONT):
            self._paused = number == signal.SIGUSR2
        self._send(number)

    def _send(self, number: signal.Signals) -> None:
        # No process here has been waited for yet, so none of these pids can be somebody else's.
        for worker in self._all:
            if worker.pid is not None:
                os.kill(worker.pid, number)

    def _bury(self) -> None:
        """Wait for every process that has ended: also for orphans, which are ours where we are pid 1."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if os.WIFSTOPPED(status):
                self._stopped(pid, os.WSTOPSIG(status))
            elif os.WIFCONTINUED(status):
                for worker in self._all:
                    if worker.pid == pid:
                        worker.goes_on(self.leaving)
            else:
                self._ended(pid, os.waitstatus_to_exitcode(status))

    def _stopped(self, pid: int, number: int) -> None:
        if self._trial is not None and self._trial.pid == pid:
            self._trial.stopped(number)
        for worker in self._all:
            if worker.pid == pid:
                worker.was_stopped(number, self.leaving)

    def _nudge(self) -> None:
        """Who was asked to leave and is stopped hears of it: it is continued, with the terminal if needed."""
        if self.leaving:
            for worker in self._all:
                if worker.is_stopped and not (worker.wants_terminal and self._terminal.lend(worker.pid or 0)):
                    worker.nudge()

    def _ended(self, pid: int, code: int) -> None:
        self._terminal.take_back(was_killed=code < 0)
        if self._trial is not None and self._trial.pid == pid:
            self._trial.ended(code)
        for member in self._members:
            if member.pid == pid:
                self._tell(pid, code, f"; another is started in {member.left(code):.1f} s")
                self._show()
        for worker in self._old:
            if worker.pid == pid:
                worker.lifeline.drop()
                self._old.remove(worker)
                self._failed |= self.leaving and code not in (0, DONE)
                self._tell(pid, code)
                self._show()
                if self._members and not self._old and not self.leaving:
                    logger.info("all workers have the new code")
                return

    def _tell(self, pid: int, code: int, then: str = "") -> None:
        if code in (0, DONE):
            logger.info("worker process %d has left", pid)
            return
        how = signal.strsignal(-code) if code < 0 else f"exit status {code}"
        logger.warning("worker process %d died (%s)%s", pid, how, "" if self.leaving else then)

    # --- new code --------------------------------------------------------------------------------------

    def _try_new_code(self) -> None:
        """Begin a trial of the new code where one was asked for, and act on the verdict."""
        if self._anew or self.leaving:
            self._end_trial()
        if self.leaving:
            return
        if self._anew or self._retry_at <= time.monotonic():
            self._anew, self._retry_at = False, _NEVER
            logger.info("the new code is loaded; the workers go on meanwhile")
            try:
                self._trial = Trial(self._program)
            except OSError as error:
                self._refuse(str(error))
        if self._trial is not None and self._trial.refusal is not None:
            refusal, self._trial = self._trial.refusal, None
            if refusal:
                self._refuse(refusal)
            else:
                self._give_way()

    def _end_trial(self) -> None:
        if self._trial is not None and self._trial.refusal is None:
            self._trial.kill()
        self._trial = None

    def _refuse(self, why: str) -> None:
        if len(self._members) > 0:
            logger.error("%s: %s", _GO_ON, why)
        else:
            self.stay(why)

    def _give_way(self) -> None:
        """Become the new program, unless a signal has come that says otherwise."""
        old = [
            Old(worker.pid, worker.lifeline, worker.name)
            for worker in self._members
            if worker.pid is not None and worker.lifeline is not None
        ]
        self._signals.hold()
        try:
            for number in self._signals.take():
                self._act(number)
            if self._anew or self.leaving:
                return
            heritage = Heritage([*self._old, *old], self._paused)
            try:
                self._program.replace(heritage.write())
            except OSError as error:
                heritage.keep()
                self._refuse(str(error))
        finally:
            self._signals.release()

    def _next_ask(self) -> float:
        """When the next of the old workers may be asked to leave."""
        unasked = any(worker.asked is None for worker in self._old)
        if (
            not unasked
            or self.leaving
            or not self._members
            or any(worker.is_coming for worker in self._members)
        ):
            return _NEVER
        return max(
            (worker.asked + BUSY_AFTER for worker in self._old if worker.asked is not None), default=0.0
        )

    def _dismiss(self) -> None:
        """Ask the next of the old workers to leave, if those that have come since are ready."""
        for member in self._members:
            member.listen()
        if self._next_ask() <= time.monotonic():
            next(worker for worker in self._old if worker.asked is None).ask()

    # --- processes -------------------------------------------------------------------------------------

    def _room(self) -> Counter[str]:
        """How many processes may be started now, by the names of their members."""
        room = Counter(member.name for member in self._members)
        room.subtract(member.name for member in self._members if member.pid is not None)
        overlapping = {member.name for member in self._members if member.start.overlaps}
        room.subtract(
            worker.name for worker in self._old if worker.asked is None or worker.name not in overlapping
        )
        return room

    def _fill(self) -> None:
        """Start the processes that are due."""
        if self.leaving:
            return
        now, room = time.monotonic(), self._room()
        for member in self._members:
            if member.pid is None and member.due <= now and room[member.name] > 0:
                room[member.name] -= 1
                self._start(member)
                self._show()

    def _start(self, member: PoolMember) -> None:
        flush_output()
        try:
            lifeline = Lifeline()
        except OSError as error:
            member.refused(error)
            return
        # What comes about the fork waits in the new process until the worker has handlers of its own.
        self._signals.hold()
        try:
            pid = fork()
            if pid == 0:
                self._be_worker(member.start, lifeline)
        except OSError as error:
            lifeline.close()
            member.refused(error)
            return
        finally:
            self._signals.release()
        lifeline.hold()
        member.taken(pid, lifeline)
        if self._paused:
            os.kill(pid, signal.SIGUSR2)

    def _be_worker(self, start: Start, lifeline: Lifeline) -> NoReturn:
        status = 1
        try:
            self._signals.leave_to_child(term_child=False)
            tried(own_exit_functions)
            reseed()
            for worker in self._all:
                if worker.lifeline is not None:
                    worker.lifeline.drop()
            if self._trial is not None:
                self._trial.drop()
            # The terminal's Ctrl-C goes to the supervisor only, which passes it on: once, not twice.
            os.setpgid(0, 0)
            lifeline.tie()
            with one_process():
                status = start.status()
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
        pids = ", ".join(str(worker.pid) for worker in self._all if worker.pid is not None)
        setproctitle.setproctitle(f"{self._title}[{pids}]")
