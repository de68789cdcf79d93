"""Running one reserved job, in a child or here, and writing down how it ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pyresque.config import WorkerOptions
from pyresque.perform import ReservedJob
from pyresque.registry import Job, Registry
from pyresque.store.reservation import Answer, Search
from pyresque.wire.records import Payload
from pyresque.worker.attention import Attention
from pyresque.worker.books import Books
from pyresque.worker.child import Report, Task
from pyresque.worker.forks import Forks
from pyresque.worker.patience import Patience
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
        registry: Registry,
        titles: Titles,
        options: WorkerOptions,
        look_ahead: Callable[[], Search | None],
        patience: Patience,
    ) -> None:
        self._attention = attention
        self._books = books
        self._registry = registry
        self._hooks = registry.worker_hooks
        self._titles = titles
        self._stopping = options.stopping
        self._look_ahead = look_ahead
        self._patience = patience
        self._shown = ""
        self._in_children = options.fork_per_job
        limits = [job.options.get("timeout") for job in registry.jobs()]
        any_timeout = bool(options.timeout) or any(limits)
        self._forks = Forks(
            attention, options, self._prepare_child, self._warm_up, self._in_child, any_timeout
        )

    def run_here(self, run: Run) -> Answer | None:
        """Run a job in this process (FORK_PER_JOB=false); returns what was said of the next job."""
        self._persist(lambda: self._books.begin(run), "The next job", dear=False)
        self._show_processing(run.job)
        self._attention.signals.raise_term = self._stopping.term_child
        try:
            error = run.job.run()
        finally:
            self._attention.signals.raise_term = False
        return self._finish(run, self._books.report(run.job, error), counts_as_failed=True)

    def run_in_child(self, run: Run) -> Answer | None:
        """Run a job in a process of its own; returns what was said of the next job.

        Raises:
            BaseException: what a before_fork hook raised; the job is then recorded as failed.
        """
        self._persist(lambda: self._books.begin(run), "The next job", dear=False)
        self._show_processing(run.job)
        if not self._forks.has_waiting_child:
            self._before_fork(run)
        with self._signals_held():
            child = self._forks.start(run)
        self._titles.show(f"Forked {child.pid} at {int(time.time())}")
        self._shown = ""
        outcome = self._forks.watch(child, run)
        if not child.jobs_left or outcome.said is None:
            self._forks.dismiss()
        said = outcome.said
        if outcome.stopped and self._stopping.requeue and (said is None or _was_told_to_end(said)):
            self.put_back(run)
            return None
        dear = not outcome.stopped  # else it says no more than whoever prunes this worker would
        if said is not None:
            return self._finish(run, said, counts_as_failed=True, dear=dear)
        error = run.job.after_failure(outcome.death) if outcome.death else None
        report = self._books.report(run.job, error, outcome.stack)
        return self._finish(run, report, counts_as_failed=False, dear=dear)

    def put_back(self, run: Run) -> None:
        """Give a job back to the head of its queue."""
        self._persist(lambda: self._books.put_back(run), dear=False)

    def rest(self) -> None:
        """There is no job now: bury the children that have gone, and have one ready for the next job."""
        self._forks.reap()
        # A before_fork hook is to see the job, so there the child can only come after it.
        if self._in_children and not self._hooks.has("before_fork"):
            with self._signals_held():
                self._forks.prepare()

    def end(self) -> None:
        """There will be no more jobs: no child is left behind."""
        self._forks.dismiss()
        self._forks.reap(seconds=5.0)

    def _before_fork(self, run: Run) -> None:
        try:
            self._hooks.run("before_fork", run.job)
        except BaseException as error:
            report = self._books.report(run.job, run.job.after_failure(error))
            effects = self._books.end(run, report)
            self._persist(lambda: self._books.give_up(run, effects))
            raise

    def _finish(self, run: Run, report: Report, counts_as_failed: bool, dear: bool = True) -> Answer | None:
        if report.done:
            logger.info("done: %s", run.job)
        else:
            logger.info("%s failed: %s: %s", run.job, report.exception, report.error)
        effects = self._books.effects(run, report, counts_as_failed)
        return self._persist(lambda: self._books.settle(run, effects, self._look_ahead()), dear=dear)

    def _persist(
        self, write: Callable[[], T], what: str = "The result of the last job", *, dear: bool = True
    ) -> T:
        """Write something down, for as long as it takes."""
        return self._patience.persist(write, what, dear=dear)

    @contextmanager
    def _signals_held(self) -> Iterator[None]:
        # A TERM that comes about the fork must find the child's own handler, and its job.
        self._attention.signals.hold()
        try:
            yield
        finally:
            self._attention.signals.release()

    def _show_processing(self, job: ReservedJob) -> None:
        name = job.payload.class_name if job.job else "No Name"
        title = f"Processing {job.queue} since {int(time.time())} [{name}]"
        if title != self._shown:
            self._shown = title
            self._titles.show(title)

    def _prepare_child(self) -> None:
        self._attention.signals.leave_to_child(self._stopping.term_child)
        self._is_first = True

    def _warm_up(self) -> None:
        """Go the way of a job once: the pages that this touches are copied now, not while a job waits."""
        payload = Payload.parse(b'{"class":"","args":[]}')
        ReservedJob.of("", payload, self._registry)
        job = ReservedJob("", payload, Job("", None, _nothing))
        self._titles.repeat()
        self._books.report(job, job.run())

    def _in_child(self, task: Task) -> Report:
        queue, raw = task
        job, signals = ReservedJob.of(queue, Payload.parse(raw), self._registry), self._attention.signals
        try:
            signals.release()
            self._show_processing(job)  # nothing to do for a child that has inherited the title
            if self._is_first:
                self._is_first = False
                self._hooks.run("after_fork", job)
            error = job.run()
        except BaseException as raised:
            error = job.after_failure(raised)
        finally:
            signals.hold()
        return self._books.report(job, error)


def _nothing() -> None:
    """A job that does nothing."""


def _was_told_to_end(report: Report) -> bool:
    return report.exception == "Resque::TermException"
