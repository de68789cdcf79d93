"""Running one reserved job, in a child or here, and writing down how it ended."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from typing import TypeVar

from pyresque.config import Stopping
from pyresque.errors import RedisUnavailable
from pyresque.hooks import WorkerHooks
from pyresque.store.reservation import Answer, Search
from pyresque.worker.attention import Attention
from pyresque.worker.books import Books
from pyresque.worker.child import Child, Report
from pyresque.worker.pace import Backoff
from pyresque.worker.reserver import Run
from pyresque.worker.titles import Titles

logger = logging.getLogger("pyresque.worker")

T = TypeVar("T")


class Runner:
    """Runs the jobs of one worker, one after the other.

    Args:
        look_ahead: the question for the next job, to be asked when a job is settled; None if the worker
            wants no other job now.
    """

    def __init__(
        self,
        attention: Attention,
        books: Books,
        hooks: WorkerHooks,
        titles: Titles,
        stopping: Stopping,
        look_ahead: Callable[[], Search | None],
    ) -> None:
        self._attention = attention
        self._books = books
        self._hooks = hooks
        self._titles = titles
        self._stopping = stopping
        self._look_ahead = look_ahead
        self._leaving: list[Child] = []

    def run_here(self, run: Run) -> Answer | None:
        """Run a job in this process (FORK_PER_JOB=false); returns what was said of the next job."""
        self._show_processing(run)
        self._attention.signals.raise_term = self._stopping.term_child
        try:
            error = run.job.run()
        finally:
            self._attention.signals.raise_term = False
        return self._finish(run, self._books.report(run, error), counts_as_failed=True)

    def run_in_child(self, run: Run) -> Answer | None:
        """Run a job in a process of its own; returns what was said of the next job.

        Raises:
            BaseException: what a before_fork hook raised; the job is then recorded as failed.
        """
        self._show_processing(run)
        try:
            self._hooks.run("before_fork", run.job)
        except BaseException as error:
            report = self._books.report(run, run.job.after_failure(error))
            self._look_ahead = lambda: None
            self._finish(run, report, counts_as_failed=False)
            raise
        self.reap()
        child = Child(lambda: self._in_child(run), self._stopping.run_at_exit_hooks)
        self._titles.show(f"Forked {child.pid} at {int(time.time())}")
        said = self._watch(child)
        report = said or self._books.report(run, run.job.after_failure(child.death()))
        return self._finish(run, report, counts_as_failed=said is not None)

    def put_back(self, run: Run) -> None:
        """Give a job that was not begun back to its queue."""
        self._persist(lambda: self._books.put_back(run))

    def reap(self, seconds: float = 0.0) -> None:
        """Bury children that have said everything; wait so long for the last, then end it."""
        until = time.monotonic() + seconds
        while self._leaving:
            self._leaving = [child for child in self._leaving if child.poll() is None]
            if time.monotonic() >= until:
                break
            self._attention.wait(0.05)
        if seconds:
            for child in self._leaving:
                child.kill(signal.SIGKILL)

    def _finish(self, run: Run, report: Report, counts_as_failed: bool) -> Answer | None:
        effects = self._books.effects(run, report, counts_as_failed)
        return self._persist(lambda: self._books.settle(run, effects, self._look_ahead()))

    def _persist(self, write: Callable[[], T]) -> T:
        """Write something down, for as long as it takes."""
        backoff, told = Backoff(), False
        while True:
            try:
                return write()
            except RedisUnavailable as error:
                if not told:
                    logger.warning("%s. The result of the last job waits for it", error)
                told = True
                self._attention.wait(backoff.next_sleep())

    def _show_processing(self, run: Run) -> None:
        name = run.job.payload.class_name if run.job.job else "No Name"
        self._titles.show(f"Processing {run.job.queue} since {int(time.time())} [{name}]")

    def _in_child(self, run: Run) -> Report:
        # The title is still that of _show_processing: the child has inherited it.
        self._attention.signals.leave_to_child(self._stopping.term_child)
        try:
            self._hooks.run("after_fork", run.job)
        except BaseException as error:
            return self._books.report(run, run.job.after_failure(error))
        return self._books.report(run, run.job.run())

    def _watch(self, child: Child) -> Report | None:
        """Wait for the child's word, or its end; returns what it said, None if it died without a word.

        A child that has said what became of its job is left to end by itself while the worker goes on,
        unless it still has at-exit functions to run.
        """
        said: Report | None = None
        while child.poll() is None:
            said = said or child.listen()
            if said is not None and not self._stopping.run_at_exit_hooks:
                self._leaving.append(child)
                break
            self._attention.wait(min(self._attention.ending.next_kill(child.kill), 1.0), child)
        said = said or child.listen()
        child.close()
        self._attention.ending.nobody_to_kill()
        return said
