"""Several `async def` jobs at a time in one process, on one event loop.

Each job at a time has a worker of its own in Redis (a member), so that nothing about it is hidden.
Their ids differ by the number of commas at the end (`host:pid:jobs`, `host:pid:jobs,`): Ruby drops empty
names there and sees the same process with the same queues.

Everything that is sent to Redis is sent from the loop and waited for: it takes less time than a thread
would. Only one member at a time looks for jobs; when it has found one, the next may look.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from pyresque._version import __version__
from pyresque.config.options import WorkerOptions
from pyresque.errors import RedisError, RedisRejected
from pyresque.log import Log
from pyresque.model.job_tags import tell_running
from pyresque.model.perform import ReservedJob
from pyresque.model.resque_like import ResqueLike
from pyresque.store import locks, workers
from pyresque.store.reservation import Answer, Search
from pyresque.store.workers import Registration
from pyresque.system.processes import drop_word, process_space, take_word
from pyresque.system.titles import Titles
from pyresque.usercode.safely import either, tried
from pyresque.worker.aio.event_loop import EventLoop, Threads
from pyresque.worker.aio.polling import AsyncPoller
from pyresque.worker.aio.shared_loop import SharedTask
from pyresque.worker.aio.task import AsyncJob, async_jobs, job_on_loop
from pyresque.worker.beginning import freed_key, is_expired
from pyresque.worker.job_checks import check_jobs
from pyresque.worker.limits import Limits
from pyresque.worker.member import Member
from pyresque.worker.membership import Membership
from pyresque.worker.pool.lifeline import tell_ready
from pyresque.worker.queue_list import QueueList
from pyresque.worker.report import Report
from pyresque.worker.unknown_jobs import UnknownJobs

if TYPE_CHECKING:
    from pyresque.worker.tracking import TrackedJob

logger = Log("pyresque.worker")

T = TypeVar("T")


class AsyncWorker:
    """A worker on some queues that runs `slots` jobs at a time; jobs that are not `async def` it leaves.

    Args:
        resque: whose jobs it works on.
        queues: names, patterns and exclusions, in order of preference (docs/protocol/core.md#queue-lists).
        slots: how many jobs it runs at a time.
        options: how it works; what is about processes of jobs does not concern it.

    Raises:
        NoQueueError: the list names no queue.
    """

    def __init__(
        self, resque: ResqueLike, queues: Sequence[str], slots: int, options: WorkerOptions | None = None
    ) -> None:
        self.queue_list = QueueList(queues)
        self.options = options or WorkerOptions()
        self._resque = resque
        self._count = slots
        self.was_idle = False
        """Whether, having left by itself, it did so because there was nothing left to do."""

    @property
    def ids(self) -> list[str]:
        """Who its members are in Redis, if no other worker has their ids."""
        return [who.id for who in self._whos("")]

    def _whos(self, mark: str) -> list[Registration]:
        tail = f"{os.getpid()}:{self.queue_list}"
        return [Registration(socket.gethostname(), tail + "," * index, mark) for index in range(self._count)]

    def work(self, interval: float | None = None) -> None:
        """Work until a signal says stop or, with an interval of 0, until nothing is left to do.

        Args:
            interval: seconds between two looks at empty queues, instead of the option's.
        """
        check_jobs(self._resque.registry, is_async=True)
        whos = self._whos(workers.mark_of(process_space(), take_word()))
        loop = _Loop(self, self._resque, whos, self.options.with_interval(interval))
        loop.signals.install()
        _, error = tried(loop.live)
        loop.signals.restore()
        self.was_idle = loop.leaves_when_idle
        self._resque.registry.worker_hooks.leave(error)


class _Loop:
    """What an async worker is made of while it works."""

    def __init__(
        self, worker: AsyncWorker, resque: ResqueLike, whos: Sequence[Registration], options: WorkerOptions
    ) -> None:
        registry = async_jobs(resque.registry)
        # It does not log jobs of the classes that it leaves: `check_jobs` has done that.
        unknown_jobs = UnknownJobs(told=resque.registry.names())
        self._membership = membership = Membership(
            resque, whos, worker.queue_list, options, registry, unknown_jobs, worker, is_beating=False
        )
        tell_running(job_on_loop)
        self._listener, self._shutdown = membership.listener, membership.listener.shutdown
        self.signals = membership.listener.signals
        self._outage = membership.outage
        self._stopping, self._timeout = options.stopping, options.timeout
        self._timeout_grace = options.timeout_grace
        self._poller, self._limits = AsyncPoller(resque.link, options.polling), Limits(options)
        self._titles = Titles(__version__, options.procline_prefix)
        self._running: dict[str, AsyncJob] = {}
        self._turn = asyncio.Lock()
        self._was_working = self._all_paused = False
        self._error: BaseException | None = None
        self._loop = EventLoop(self.signals.keep)

    @property
    def leaves_when_idle(self) -> bool:
        """Whether it leaves now that there is nothing to do."""
        return self._poller.leaves_when_idle or self._limits.idle_left() <= 0

    def live(self) -> None:
        """Begin, work, and leave in good order."""
        try:
            self._titles.show("Starting")
            if not self._membership.enter():
                return
            # A thread, for a job may hold the loop for longer than a worker without a beat is thought alive.
            self._membership.heartbeat.start_thread()
            logger.info(
                "Worker %s is ready for %d jobs at a time", self._membership.id, len(self._membership.members)
            )
            tell_ready()
            self._membership.notices.look()
            with self.signals.passed_on(lambda: self._loop.call_soon_threadsafe(self._notice)):
                self._run()
        finally:
            self._poller.close()
            self._membership.heartbeat.stop_thread(seconds=1.0)
            self._membership.leave()
            drop_word()

    def _run(self) -> None:
        try:
            self._loop.run_to_end(self._serve_all())
        finally:
            # Not asyncio.run: that would wait for a job that does not let itself be cancelled.
            closing = asyncio.wait_for(self._loop.shutdown_asyncgens(), self._stopping.grace)
            tried(self._loop.run_to_end, closing)
            tried(self._loop.close)

    async def _serve_all(self) -> None:
        loop = asyncio.get_running_loop()
        pruning = SharedTask(self._prune_regularly(), loop)
        try:
            self._notice()
            await asyncio.wait([SharedTask(self._serve(member), loop) for member in self._membership.members])
        finally:
            pruning.cancel()
        if self._error is not None:
            raise self._error

    def _notice(self) -> None:
        """Act on the signals that have come."""
        if self._listener.look():
            self._poller.stir()
            self._end_jobs()

    def _end_jobs(self) -> None:
        """Tell the jobs to end if it is time for that, now or later."""
        shutdown = self._shutdown
        left = shutdown.next_kill(self._stop_jobs)
        if shutdown.has_killed:
            shutdown.nobody_to_kill()  # each has been told
        elif left < float("inf"):
            asyncio.get_running_loop().call_later(left, self._end_jobs)

    def _stop_jobs(self, _number: int) -> None:
        for job in self._running.values():
            job.stop()

    async def _prune_regularly(self) -> None:
        loop, threads = asyncio.get_running_loop(), Threads(1)  # for asyncio's own the jobs may use up
        while True:
            await asyncio.sleep(self._membership.prune_seconds)
            # In a thread, for async on_failure hooks of a dead worker's job need a loop of their own.
            try:
                _, error = await loop.run_in_executor(threads, tried, self._membership.prune)
            except RuntimeError as raised:  # the system has no thread for us now
                error = raised
            if error is not None:
                logger.warning("cannot prune dead workers now: %s", error, exc_info=error)

    async def _serve(self, member: Member) -> None:
        """Work off jobs as one member; an error makes the whole worker leave, once the others are over."""
        answer: Answer | None = None
        try:
            while True:
                job = self._next(member, answer) if answer is not None else None
                if job is None:
                    async with self._turn:
                        job = await self._wait_for_job(member)
                if job is None:
                    return
                answer = await self._work_off(member, job)
        except BaseException as error:
            self._error = either(self._error, error)
            self._poller.stir()

    async def _wait_for_job(self, member: Member) -> ReservedJob | None:
        """The next job, waited for; None if the worker is to leave."""
        while not self._is_leaving and not self._limits.reached(len(self._running)):
            job = self._next(member)
            if job is not None:
                return job
            if member.reserver.unfinished and not self._listener.paused:
                await asyncio.sleep(0)  # the jobs have their turn; then the look goes on
                continue
            if self._outage.lasts:
                await self._poller.sleep(self._outage.seconds_left)
                continue
            if self._was_working and not self._running:
                self._was_working = False
                self._listener.run_hooks("queue_empty")
            if self._poller.leaves_when_idle:
                return None
            search = member.reserver.search()
            if not self._poller.arm(search):  # else what came before it was armed is found by one more look
                self._show(search)
                most = float("inf") if self._running else self._limits.idle_left()
                await self._poller.turn(min(most, member.reserver.seconds_to_wait))
        return None

    @property
    def _is_leaving(self) -> bool:
        return self._shutdown.asked or self._error is not None

    def _next(self, member: Member, answer: Answer | None = None) -> ReservedJob | None:
        if self._listener.paused and answer is None:
            return None
        try:
            job = member.reserver.next(answer)
        except RedisError as error:
            self._outage.failed(error)
            return None
        self._outage.answered()
        self._all_paused = member.reserver.all_paused
        return job

    async def _work_off(self, member: Member, job: ReservedJob) -> Answer | None:
        if self._is_leaving or self._listener.paused:
            await self._put_back(member, job)
            return None
        if len(job.payload.value) > 2 and is_expired(job):
            member.settler.expired(job)
            search = self._search_for_next
            answer = await self._persist(lambda: member.settler.settle(search(member)))
            member.current.reserved = False
            return answer
        if not self._running:
            self._shutdown.nobody_to_kill()  # a USR1 that came while idle means no later job
        logger.info("got: %s", job, job=job)
        self._was_working = True
        self._poller.worked()
        limit = job.limit(self._timeout)
        graces = (self._stopping.grace, self._timeout_grace)
        tracked = self._tracked(job) if len(job.payload.value) > 2 else None
        self._running[member.id] = running = AsyncJob(job, limit, *graces, tracked)
        try:
            await self._persist(lambda: member.settler.begin(job), outlasts_shutdown=False)
            key = freed_key(self._membership.space, job)
            if key is not None:
                await self._persist(
                    partial(locks.forget, self._membership.space, key), outlasts_shutdown=False
                )
            self._show(member.reserver.search())
            member.current.begin(job)
            error = await running.outcome()
            self._loop.forget_signals(running)
            self.signals.mend()
            return await self._finish(member, job, running, error)
        finally:
            del self._running[member.id]
            self._limits.worked()
            if not self._running:
                self._poller.stir()  # whoever looks for jobs may now be idle, or have been so for long enough

    def _tracked(self, job: ReservedJob) -> TrackedJob | None:
        """The same job with its status, if it is tracked."""
        from pyresque.worker.tracking import tracked_job  # only who tracks jobs waits for it

        return tracked_job(self._membership.for_jobs, job)

    async def _finish(
        self, member: Member, job: ReservedJob, running: AsyncJob, error: BaseException | None
    ) -> Answer | None:
        settler = member.settler
        if self._stopping.requeue and self._is_leaving and running.was_stopped:
            await self._put_back(member, job, settler.report(job, error) if job.has_steps else None)
            return None
        report = settler.report(job, error, running.stack)
        if running.tracked is not None:
            report = running.tracked.told(report)
        settler.ended(job, report)
        if not (report.exception or report.again or report.handled):
            logger.info("done: %s", job.untouched(), job=job)
        return await self._persist(
            lambda: settler.settle(self._search_for_next(member)), outlasts_shutdown=not running.was_stopped
        )

    async def _put_back(self, member: Member, job: ReservedJob, report: Report | None = None) -> None:
        member.settler.put_back(job, report)
        await self._persist(member.settler.settle, outlasts_shutdown=False)

    def _search_for_next(self, member: Member) -> Search | None:
        wanted = not self._is_leaving and not self._listener.paused
        return member.reserver.search() if wanted and not self._limits.reached(len(self._running)) else None

    async def _persist(self, write: Callable[[], T], outlasts_shutdown: bool = True) -> T:
        """Write something, as `Outages.persist` does; one at a time, for a try may take seconds."""
        while True:
            # Whoever was first may have failed meanwhile: then all wait once more.
            while self._outage.seconds_left:
                await asyncio.sleep(self._outage.seconds_left)
            try:
                result = write()
            except RedisRejected:
                raise
            except RedisError as error:
                self._outage.failed(error)
                if self._membership.outages.is_over(self._outage, outlasts_shutdown):
                    raise
            else:
                self._outage.answered()
                return result

    def _show(self, search: Search) -> None:
        if self._running:
            names = ",".join(sorted({job.name for job in self._running.values()}))
            self._titles.show(f"Processing {len(self._running)} jobs since {int(time.time())} [{names}]")
        elif self._listener.paused or self._all_paused:
            self._titles.show("Paused")
        else:
            self._titles.show("Waiting for " + ",".join(search.order.queues))
