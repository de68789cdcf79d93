"""Running one reserved job, in a child or here, and writing down how it ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from pyresque.config import Stopping
from pyresque.errors import RedisUnavailable
from pyresque.hooks import WorkerHooks
from pyresque.worker.attention import Attention
from pyresque.worker.books import Books
from pyresque.worker.child import Child, Report
from pyresque.worker.pace import Backoff
from pyresque.worker.reserver import Run
from pyresque.worker.signals import prepare_child
from pyresque.worker.titles import Titles

logger = logging.getLogger("pyresque.worker")


class Runner:
    """Runs the jobs of one worker, one after the other."""

    def __init__(
        self, attention: Attention, books: Books, hooks: WorkerHooks, titles: Titles, stopping: Stopping
    ) -> None:
        self._attention = attention
        self._books = books
        self._hooks = hooks
        self._titles = titles
        self._stopping = stopping

    def run_here(self, run: Run) -> None:
        """Run a job in this process (FORK_PER_JOB=false)."""
        self._show_processing(run)
        self._attention.signals.raise_term = self._stopping.term_child
        try:
            error = run.job.run()
        finally:
            self._attention.signals.raise_term = False
        report = self._books.report(run, error)
        self.persist(lambda: self._books.settle(run, report, counts_as_failed=True))

    def run_in_child(self, run: Run) -> None:
        """Run a job in a process of its own.

        Raises:
            BaseException: what a before_fork hook raised; the job is then recorded as failed.
        """
        self._show_processing(run)
        try:
            self._hooks.run("before_fork", run.job)
        except BaseException as error:
            report = self._books.report(run, run.job.after_failure(error))
            self.persist(lambda: self._books.settle(run, report, counts_as_failed=False))
            raise
        child = Child(lambda: self._in_child(run), self._stopping.run_at_exit_hooks)
        self._titles.show(f"Forked {child.pid} at {int(time.time())}")
        said = self._watch(child)
        report = said or self._books.report(run, run.job.after_failure(child.death()))
        self.persist(lambda: self._books.settle(run, report, counts_as_failed=said is not None))

    def put_back(self, run: Run) -> None:
        """Give a job that was not begun back to its queue."""
        self.persist(lambda: self._books.put_back(run))

    def persist(self, write: Callable[[], None]) -> None:
        """Write something down, for as long as it takes."""
        backoff = Backoff()
        while True:
            try:
                return write()
            except RedisUnavailable as error:
                logger.warning("%s. The result of the last job waits for it", error)
                self._attention.wait(backoff.next_sleep())

    def _show_processing(self, run: Run) -> None:
        name = run.job.payload.class_name if run.job.job else "No Name"
        self._titles.show(f"Processing {run.job.queue} since {int(time.time())} [{name}]")

    def _in_child(self, run: Run) -> Report:
        prepare_child(self._stopping.term_child)
        self._show_processing(run)
        try:
            self._hooks.run("after_fork", run.job)
        except BaseException as error:
            return self._books.report(run, run.job.after_failure(error))
        return self._books.report(run, run.job.run())

    def _watch(self, child: Child) -> Report | None:
        """Wait for the child's end; returns what it said, None if it died without a word."""
        said: Report | None = None
        while child.poll() is None:
            said = said or child.listen()
            self._attention.wait(min(self._attention.ending.next_kill(child.kill), 1.0), child)
        said = said or child.listen()
        child.close()
        self._attention.ending.nobody_to_kill()
        return said
