"""The time limit of a job without a process of its own, kept by a thread, for the job runs in the main one.

When it is over the main thread gets a signal, and the error is raised in the code of the job. If the job goes
on all the same nothing but the end of the whole process ends it.
"""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from pyresque.errors import DirtyExit, JobTimeoutExit, TermException
from pyresque.log import Log
from pyresque.system.signal_handlers import Handler, handle
from pyresque.usercode.guards import raise_in_application
from pyresque.worker.signals import start_deaf
from pyresque.worker.stop_notice import SIGNAL, timeout_error

logger = Log("pyresque.worker")


@dataclass(frozen=True)
class Plan:
    """What is to come of the job with this number: `error` at `at`, and `grace` seconds later `death`."""

    number: int
    at: float
    grace: float
    error: Exception
    death: DirtyExit


class Watchdog:
    """Keeps the time of the job at hand, in the process of its worker.

    Args:
        give_up: called in the thread when a job goes on, with what it has failed with. It ends the process.
    """

    def __init__(self, give_up: Callable[[DirtyExit], None]) -> None:
        self._give_up = give_up
        self.number = 0
        """That of the job at hand: what was planned for another one does not happen."""
        self.is_set = False
        """Whether anything was planned for it."""
        self._due: Plan | None = None
        self._given_up = False
        self._ends = threading.Lock()
        # Of all that is in `threading` and `queue` only this may be used in a signal handler, too.
        self._plans: queue.SimpleQueue[Plan] = queue.SimpleQueue()
        self._main = threading.get_ident()

    def start(self) -> None:
        """Begin to keep the time. Only in the main thread."""
        handle(SIGNAL, Handler(self._heard))
        thread = threading.Thread(target=self._keep, name="pyresque-watch", daemon=True)
        try:
            start_deaf(thread)
        except RuntimeError as error:
            logger.warning("no thread to keep the time of jobs (%s): they may take any time", error)

    def begin(self, limit: float, grace: float) -> None:
        """A job begins, which may take so long."""
        text = (
            f"Job did not end within its timeout of {limit:g} seconds, nor {grace:g} seconds after "
            "JobTimeout was raised in it. Its worker has ended with it"
        )
        self._plan(limit, grace, timeout_error(limit), JobTimeoutExit(text))

    def leave(self, after: float, grace: float) -> None:
        """The worker is to leave, so the job may take only so long. May be called by a signal handler."""
        text = (
            f"Job did not end within {grace:g} seconds after TermException was raised in it. Its worker has "
            "ended with it"
        )
        self._plan(after, grace, TermException("SIGTERM"), DirtyExit(text))

    def end(self) -> None:
        """The job is over. Does not return if the process is just being ended because of it."""
        self.is_set = False
        with self._ends:
            self.number += 1
            given_up = self._given_up
        while given_up:
            time.sleep(60)

    def _plan(self, after: float, grace: float, error: Exception, death: DirtyExit) -> None:
        self.is_set = True
        self._plans.put(Plan(self.number, time.monotonic() + after, grace, error, death))

    def _heard(self, _number: int, _frame: object) -> None:
        due, self._due = self._due, None
        if due is not None and due.number == self.number:
            raise_in_application(due.error)

    def _keep(self) -> None:
        plan: Plan | None = None
        is_told = False
        while True:
            try:
                left = (
                    None
                    if plan is None
                    else max(0.0, plan.at + (plan.grace if is_told else 0) - time.monotonic())
                )
                new = self._plans.get(timeout=left)
                # The first to be over counts; and what the job does about that is not cut off by another.
                if plan is None or new.number != plan.number or (not is_told and new.at < plan.at):
                    plan, is_told = new, False
            except queue.Empty:
                if plan is not None and plan.number != self.number:
                    plan, is_told = None, False
                elif plan is not None and not is_told:
                    self._due, is_told = plan, True
                    signal.pthread_kill(self._main, SIGNAL)
                elif plan is not None and self._is_over(plan):
                    self._give_up(plan.death)

    def _is_over(self, plan: Plan) -> bool:
        with self._ends:
            self._given_up = plan.number == self.number
        return self._given_up
