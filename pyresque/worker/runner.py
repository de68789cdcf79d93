"""Running one reserved job, in a child or here, and settling it."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from pyresque.config.options import WorkerOptions
from pyresque.errors import RedisError
from pyresque.log import Log
from pyresque.model.job_class import JobClass
from pyresque.model.perform import ReservedJob
from pyresque.model.registry import Registry
from pyresque.store import locks
from pyresque.store.reservation import Answer, Search
from pyresque.system.forking import reseed
from pyresque.system.signals import LEAVING
from pyresque.system.titles import Titles
from pyresque.system.waiting import Backoff
from pyresque.usercode.calling import keep_loop
from pyresque.usercode.safely import tried
from pyresque.wire.records import Payload
from pyresque.worker.child import Child
from pyresque.worker.children import Children
from pyresque.worker.lazy_job_loop import LazyJobLoop
from pyresque.worker.limits import Limits
from pyresque.worker.member import Member
from pyresque.worker.membership import Membership
from pyresque.worker.report import Report, Task
from pyresque.worker.time_limit import Watchdog

if TYPE_CHECKING:
    from pyresque.worker.tracking import TrackedJob

logger = Log("pyresque.worker")


class Runner:
    """Runs the jobs of one worker, one after the other."""

    def __init__(
        self,
        member: Member,
        membership: Membership,
        registry: Registry,
        titles: Titles,
        options: WorkerOptions,
        limits: Limits,
        watchdog: Watchdog,
    ) -> None:
        self._member = member
        self._settler = member.settler
        self._listener = listener = membership.listener
        self._signals, self._shutdown = listener.signals, listener.shutdown
        self._registry = registry
        self._hooks = registry.worker_hooks
        self._titles = titles
        self._stopping = options.stopping
        self._limits = limits
        self._space, self._for_jobs = membership.space, membership.for_jobs
        self._outage, self._outages = membership.outage, membership.outages
        self._watchdog = watchdog
        self.has_worked = False
        """Whether it has run a job since the worker was idle."""
        self._told = False
        self._timeout, self._grace = options.timeout, options.timeout_grace
        self._title = ""
        self._loop: LazyJobLoop | None = None
        self._in_children = options.fork_per_job
        limits_of_jobs = [job.options.get("timeout") for job in registry.jobs()]
        any_timeout = bool(options.timeout) or any(limits_of_jobs)
        self._children = Children(
            listener, options, self._prepare_child, self._warm_up, self._in_child, any_timeout
        )

    def reserve(self, answer: Answer | None) -> ReservedJob | None:
        """The next job; None if there is none, the worker is paused, or Redis is away.

        Args:
            answer: what was said of it when the last one was settled.
        """
        if self._signals.noted:
            self._listener.look()
        if answer is None and self._listener.paused:
            return None
        try:
            job = self._member.reserver.next(answer)
        except RedisError as error:
            self._outage.failed(error)
            return None
        if self._outage.lasts:
            self._outage.answered()
        return job

    def work_off(self, job: ReservedJob) -> Answer | None:
        """Run a job, or give it back if the worker leaves; returns what was said of the next one."""
        if self._signals.noted:
            self._listener.look()
        if self._shutdown.asked or self._listener.paused:
            self.put_back(job)
            answer = None
        elif len(job.payload.value) > 2 and self._is_expired(job):  # more than class and args: ours, perhaps
            answer = self._expire(job)
        else:
            if self._shutdown.plan:
                self._shutdown.nobody_to_kill()  # a USR1 that came while idle means no later job
            if logger.wants_info():
                logger.info("got: %s", job.untouched(), job=job)
            self.has_worked = True
            answer = self._run_in_child(job) if self._in_children else self._run_here(job)
        if self._limits.are_set:
            self._limits.worked()
        return answer

    def _run_here(self, job: ReservedJob) -> Answer | None:
        """Run a job in this process (FORK_PER_JOB=false); returns what was said of the next job."""
        signals, watchdog, stopping = self._signals, self._watchdog, self._stopping
        self._begin(job)
        if self._loop is None or "asyncio" in sys.modules:
            self._prepare_loop()
        limit = job.limit(self._timeout)
        tracked = self._tracked(job) if len(job.payload.value) > 2 else None
        running = job if tracked is None else tracked.job
        signals.lend(stopping.term_child and not stopping.patience, self._heard_in_job)
        failed: BaseException | None = None
        try:
            if limit:
                watchdog.begin(limit, self._grace)
            try:
                if tracked is not None:
                    tracked.begin()
                error = running.run()
            except BaseException as raised:  # between two calls of its code
                failed = raised
            if failed is not None:
                error = job.after_failure(failed)
        finally:
            if watchdog.is_set:
                watchdog.end()
            signals.take_back()
            watchdog.number += 1  # what a signal has planned in the last moment is not for the next job
        if signals.noted:
            self._listener.look()
        report = Report() if error is None else self._settler.report(job, error)
        if tracked is not None:
            tracked.leave()
            report = tracked.told(report)
        if stopping.requeue and self._shutdown.asked and _was_told_to_end(report):
            self.put_back(job, report)
            return None
        return self._finish(job, report)

    def _heard_in_job(self, number: signal.Signals) -> None:
        """A signal has come while a job runs here: with a drain its time begins to run out."""
        shutdown, stopping = self._shutdown, self._stopping
        if number not in LEAVING or number == signal.SIGHUP:
            return
        if stopping.patience and not shutdown.is_graceful(number):
            self._watchdog.leave(0.0 if self._told else stopping.patience, stopping.grace)
        self._told = True

    def _run_in_child(self, job: ReservedJob) -> Answer | None:
        """Run a job in a process of its own; returns what was said of the next job.

        Raises:
            BaseException: what a before_fork hook raised; the job is then recorded as failed.
        """
        self._begin(job)
        if not self._children.has_waiting_child:
            self._before_fork(job)
        child = self._child_for(job)
        if child is None:
            self.put_back(job)
            return None
        self._titles.show(f"Forked {child.pid} at {int(time.time())}")
        self._title = ""
        outcome = self._children.watch(child, job)
        report = outcome.report
        if not child.jobs_left or report is None:
            self._children.dismiss()
        if outcome.stopped and self._stopping.requeue and (report is None or _was_told_to_end(report)):
            self.put_back(job, report)
            return None
        outlasts_shutdown = not outcome.stopped  # else it says no more than whoever prunes this worker would
        if report is not None:
            return self._finish(job, report, outlasts_shutdown=outlasts_shutdown)
        error = job.after_failure(outcome.death) if outcome.death else None
        report = self._settler.report(job, error, outcome.stack)
        return self._finish(job, report, counted=1, outlasts_shutdown=outlasts_shutdown)

    def _is_expired(self, job: ReservedJob) -> bool:
        from pyresque.worker.beginning import is_expired  # only who has such jobs waits for it

        return is_expired(job)

    def _expire(self, job: ReservedJob) -> Answer | None:
        """Settle a job that is not to run any more; returns what was said of the next one."""
        self._settler.expired(job)
        answer = self._outages.persist(lambda: self._settler.settle(self._search_for_next()))
        self._member.current.reserved = False
        return answer

    def put_back(self, job: ReservedJob, report: Report | None = None) -> None:
        """Give a job back to the head of its queue; one with steps with those that it has done."""
        self._settler.put_back(job, report)
        self._outages.persist(self._settler.settle, outlasts_shutdown=False)

    def prepare(self) -> None:
        """The queues are empty: have a process ready for the next job."""
        self.reap()
        # A before_fork hook is to see the job, so there the child can only come after it.
        if self._in_children and not self._hooks.has("before_fork"):
            with self._signals_held():
                self._children.prepare()

    def reap(self) -> None:
        """Wait for processes that have ended: children, and orphans, which are ours where we are pid 1."""
        self._children.reap()

    def end(self) -> None:
        """There will be no more jobs: no child is left behind, and what one says of its job is heard."""
        keep_loop(None)
        if self._loop is not None:
            self._loop.close()
        current = self._member.current
        job = current.begun if current.settlement is None else None
        report = self._children.last_word(seconds=5.0) if job is not None else None
        self._children.dismiss()
        self._children.reap(seconds=5.0)
        if job is not None and report is not None:
            self._settler.ended(job, report)

    def _begin(self, job: ReservedJob) -> None:
        """From now on code of the application may run for this job."""
        if job.job is not None and "retry" in job.job.options:
            self._outages.persist(lambda: self._settler.begin(job), "The next job", outlasts_shutdown=False)
        if len(job.payload.value) > 2 or (job.job is not None and "unique" in job.job.options):
            self._let_others_in(job)
        self._show_processing(job)
        current = self._member.current
        current.begun, current.reserved = job, False

    def _let_others_in(self, job: ReservedJob) -> None:
        """It is unique only while it waits: from now on an equal one may be enqueued."""
        from pyresque.worker.beginning import freed_key  # only who has such jobs waits for it

        key = freed_key(self._for_jobs, job)
        if key is not None:
            free = partial(locks.forget, self._space, key)
            self._outages.persist(free, "The next job", outlasts_shutdown=False)

    def _prepare_loop(self) -> None:
        """One more job in this process: it shares the event loop with those before it."""
        if self._loop is None:
            self._loop = LazyJobLoop(None if self._in_children else self._signals.keep)
            keep_loop(self._loop.run)
        else:
            self._loop.offer()

    def _child_for(self, job: ReservedJob) -> Child | None:
        """A process with this job; None if the worker is to leave before the system has had room for one."""
        backoff, told = Backoff(), False
        while True:
            try:
                with self._signals_held():
                    return self._children.start(job)
            except OSError as error:
                if not told:
                    logger.warning(
                        "the system has no room for the process of a job: %s. It is tried again", error
                    )
                told = True
            if self._shutdown.asked:
                return None
            self._listener.wait(backoff.next_sleep())

    def _before_fork(self, job: ReservedJob) -> None:
        _, error = tried(self._listener.run_hooks, "before_fork", job)
        if error is None:
            return
        self._settler.ended(job, self._settler.report(job, job.after_failure(error)), counted=0)
        self._outages.persist(self._settler.settle)
        raise error

    def _finish(
        self, job: ReservedJob, report: Report, counted: int = 2, outlasts_shutdown: bool = True
    ) -> Answer | None:
        """Settle a job that is over; returns what was said of the next one."""
        settler = self._settler
        settler.ended(job, report, counted)
        if logger.wants_info() and not (report.exception or report.again or report.handled):
            logger.info("done: %s", job.untouched(), job=job)
        try:
            return settler.settle(self._search_for_next())
        except RedisError as error:
            failed = error
        return self._outages.persist(
            lambda: settler.settle(self._search_for_next()), outlasts_shutdown=outlasts_shutdown, error=failed
        )

    def _search_for_next(self) -> Search | None:
        """The question for the next job; None if the worker wants no other one now."""
        if self._signals.noted:
            self._listener.look()
        if self._shutdown.asked or self._listener.paused:
            return None
        if self._limits.are_set and self._limits.reached(running=1):
            return None
        return self._member.reserver.search()

    @contextmanager
    def _signals_held(self) -> Iterator[None]:
        # A TERM that comes about the fork must find the child's own handler, and its job.
        self._signals.hold()
        try:
            yield
        finally:
            self._signals.release()

    def _show_processing(self, job: ReservedJob) -> None:
        name = job.payload.value["class"] if job.job else "No Name"
        title = f"Processing {job.queue} since {int(time.time())} [{name}]"
        if title != self._title:
            self._title = title
            self._titles.show(title)

    def _prepare_child(self) -> None:
        self._signals.leave_to_child(self._stopping.term_child)
        self._children.notice.listen()
        self._is_first = True
        reseed()

    def _warm_up(self) -> None:
        """Go the way of a job once: the pages that this touches are copied now, not while a job waits."""
        payload = Payload.parse(b'{"class":"","args":[]}')
        ReservedJob.of("", payload, self._registry)
        job = ReservedJob("", payload, JobClass("", None, _nothing))
        self._titles.repeat()
        self._settler.report(job, job.run())

    def _in_child(self, task: Task) -> Report:
        job = ReservedJob.of(task.queue, Payload.parse(task.raw), self._registry)
        tracked = self._tracked(job) if len(job.payload.value) > 2 else None
        job = job if tracked is None else tracked.job
        self._prepare_loop()
        signals = self._signals
        self._children.notice.begin(task.number)
        signals.release()
        with signals.of_job():
            self._show_processing(job)  # nothing to do for a child that has inherited the title
            error = self._after_fork(job)
            if error is None:
                if tracked is not None:
                    tracked.begin()
                error = _performed(job)
            self._children.notice.end()
        if tracked is not None:
            tracked.leave()
        report = self._settler.report(job, error)
        return report if tracked is None else tracked.told(report)

    def _tracked(self, job: ReservedJob) -> TrackedJob | None:
        """The same job with its status, if it is tracked."""
        from pyresque.worker.tracking import tracked_job  # only who tracks jobs waits for it

        return tracked_job(self._for_jobs, job)

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
