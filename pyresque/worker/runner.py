"""Running one reserved job, in a child or here, and writing down how it ended."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from pyresque.config.options import WorkerOptions
from pyresque.log import Log
from pyresque.model.job_class import JobClass
from pyresque.model.perform import ReservedJob
from pyresque.model.registry import Registry
from pyresque.store.reservation import Answer, Search
from pyresque.system.forking import reseed
from pyresque.system.titles import Titles
from pyresque.system.waiting import Backoff
from pyresque.usercode.calling import keep_loop
from pyresque.usercode.safely import tried
from pyresque.wire.records import Payload
from pyresque.worker.child import Child
from pyresque.worker.children import Forks
from pyresque.worker.current_job import Run
from pyresque.worker.lazy_job_loop import Lazy
from pyresque.worker.listener import Attention
from pyresque.worker.outages import Patience
from pyresque.worker.report import Report, Task
from pyresque.worker.settlement import COUNTED, Books
from pyresque.worker.signals import LEAVING
from pyresque.worker.time_limit import Watch

logger = Log("pyresque.worker")

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
        watch: Watch,
    ) -> None:
        self._attention = attention
        self._books = books
        self._registry = registry
        self._hooks = registry.worker_hooks
        self._titles = titles
        self._stopping = options.stopping
        self._look_ahead = look_ahead
        self._patience = patience
        self._watch = watch
        self._told = False
        self._timeout, self._grace = options.timeout, options.timeout_grace
        self._shown = ""
        self._loop: Lazy | None = None
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
        self._books.begun(run)
        self._next_in_process()
        raise_term = self._stopping.term_child and not self._stopping.patience
        with self._attention.signals.lent(raise_term, self._heard_in_job):
            self._watch.begin(run.job.limit(self._timeout), self._grace)
            error = _performed(run.job)
            self._watch.end()
        self._attention.look()
        report = self._books.report(run.job, error)
        if self._stopping.requeue and self._attention.ending.asked and _was_told_to_end(report):
            self.put_back(run, report)
            return None
        return self._finish(run, report)

    def _heard_in_job(self, number: signal.Signals) -> None:
        """A signal has come while a job runs here: with a drain its time begins to run out."""
        ending, stopping = self._attention.ending, self._stopping
        if number not in LEAVING or number == signal.SIGHUP:
            return
        if stopping.patience and not ending.is_graceful(number):
            self._watch.leave(0.0 if self._told else stopping.patience, stopping.grace)
        self._told = True

    def run_in_child(self, run: Run) -> Answer | None:
        """Run a job in a process of its own; returns what was said of the next job.

        Raises:
            BaseException: what a before_fork hook raised; the job is then recorded as failed.
        """
        self._persist(lambda: self._books.begin(run), "The next job", dear=False)
        self._show_processing(run.job)
        self._books.begun(run)
        if not self._forks.has_waiting_child:
            self._before_fork(run)
        child = self._child_for(run)
        if child is None:
            self.put_back(run)
            return None
        self._titles.show(f"Forked {child.pid} at {int(time.time())}")
        self._shown = ""
        outcome = self._forks.watch(child, run)
        if not child.jobs_left or outcome.said is None:
            self._forks.dismiss()
        said = outcome.said
        if outcome.stopped and self._stopping.requeue and (said is None or _was_told_to_end(said)):
            self.put_back(run, said)
            return None
        dear = not outcome.stopped  # else it says no more than whoever prunes this worker would
        if said is not None:
            return self._finish(run, said, dear=dear)
        error = run.job.after_failure(outcome.death) if outcome.death else None
        report = self._books.report(run.job, error, outcome.stack)
        return self._finish(run, report, counted=COUNTED[:1], dear=dear)

    def put_back(self, run: Run, said: Report | None = None) -> None:
        """Give a job back to the head of its queue; one with steps with what it has said that it has done."""
        self._books.put_back(run, said)
        self._persist(self._books.settle, dear=False)

    def rest(self) -> None:
        """There is no job now: bury who has gone, and have a child ready for the next job."""
        self.bury()
        # A before_fork hook is to see the job, so there the child can only come after it.
        if self._in_children and not self._hooks.has("before_fork"):
            with self._signals_held():
                self._forks.prepare()

    def bury(self) -> None:
        """Wait for the processes that have gone: children, and orphans, which are ours where we are pid 1."""
        self._forks.reap()

    def _next_in_process(self) -> None:
        """One more job in this process: it shares the event loop with those before it."""
        if self._loop is None:
            self._loop = Lazy(None if self._in_children else self._attention.signals.keep)
            keep_loop(self._loop.run)
        else:
            self._loop.offer()

    def end(self) -> None:
        """There will be no more jobs: no child is left behind, and none that still runs one goes unheard."""
        keep_loop(None)
        if self._loop is not None:
            self._loop.close()
        run = self._books.unfinished
        said = self._forks.last_word(seconds=5.0) if run is not None else None
        self._forks.dismiss()
        self._forks.reap(seconds=5.0)
        if run is not None and said is not None:
            self._books.ended(run, said)

    def _child_for(self, run: Run) -> Child | None:
        """A process with this job; None if the worker is to leave before the system has had room for one."""
        backoff, told = Backoff(), False
        while True:
            try:
                with self._signals_held():
                    return self._forks.start(run)
            except OSError as error:
                if not told:
                    logger.warning(
                        "the system has no room for the process of a job: %s. It is tried again", error
                    )
                told = True
            if self._attention.ending.asked:
                return None
            self._attention.wait(backoff.next_sleep())

    def _before_fork(self, run: Run) -> None:
        _, error = tried(self._attention.run_hooks, "before_fork", run.job)
        if error is None:
            return
        self._books.ended(run, self._books.report(run.job, run.job.after_failure(error)), counted=())
        self._persist(self._books.settle)
        raise error

    def _finish(
        self, run: Run, report: Report, counted: Sequence[str] = COUNTED, dear: bool = True
    ) -> Answer | None:
        self._books.ended(run, report, counted)
        if report.done:
            logger.info("done: %s", run)
        else:
            logger.info("%s failed: %s: %s", run, report.exception, report.error)
        return self._persist(lambda: self._books.settle(self._look_ahead()), dear=dear)

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
        self._forks.notice.listen()
        self._is_first = True
        reseed()

    def _warm_up(self) -> None:
        """Go the way of a job once: the pages that this touches are copied now, not while a job waits."""
        payload = Payload.parse(b'{"class":"","args":[]}')
        ReservedJob.of("", payload, self._registry)
        job = ReservedJob("", payload, JobClass("", None, _nothing))
        self._titles.repeat()
        self._books.report(job, job.run())

    def _in_child(self, task: Task) -> Report:
        job = ReservedJob.of(task.queue, Payload.parse(task.raw), self._registry)
        self._next_in_process()
        signals = self._attention.signals
        self._forks.notice.begin(task.number)
        signals.release()
        with signals.of_job():
            self._show_processing(job)  # nothing to do for a child that has inherited the title
            error = self._after_fork(job)
            if error is None:
                error = _performed(job)
            self._forks.notice.end()
        return self._books.report(job, error)

    def _after_fork(self, job: ReservedJob) -> BaseException | None:
        """Run the after_fork hooks, once in a child; returns the error of the job that one of them is."""
        if not self._is_first:
            return None
        self._is_first = False
        _, error = tried(self._hooks.run, "after_fork", job)
        return None if error is None else job.after_failure(error)


def _performed(job: ReservedJob) -> BaseException | None:
    """Perform a job; returns what failed it."""
    error, raised = tried(job.run)  # raised from between two calls of its code
    return error if raised is None else job.after_failure(raised)


def _nothing() -> None:
    """A job that does nothing."""


def _was_told_to_end(report: Report) -> bool:
    return report.exception == "Resque::TermException"
