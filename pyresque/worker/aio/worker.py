"""Several `async def` jobs at a time in one process, on one event loop.

Each place for a job is a worker of its own in Redis, so that nothing about a job in progress is hidden.
Their ids differ by the number of commas at the end (`host:pid:jobs`, `host:pid:jobs,`): Ruby drops empty
names there and sees the same process with the same queues.

Everything that is sent to Redis is sent from the loop and waited for: it takes less time than a thread
would. Only one place at a time looks for jobs; when it has found one, the next may look.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from pyresque._version import __version__
from pyresque.config.options import WorkerOptions
from pyresque.errors import RedisError, RedisRejected
from pyresque.failure import Recorder
from pyresque.log import Log
from pyresque.store import workers
from pyresque.store.connection.link import OneProcessLink
from pyresque.store.reservation import Answer, Search
from pyresque.store.space import Space
from pyresque.store.workers import Registration
from pyresque.system.processes import drop_word, process_space, take_word
from pyresque.system.titles import Titles
from pyresque.system.waiting import Away
from pyresque.usercode.safely import either, tried
from pyresque.worker.aio.event_loop import EventLoop, Threads
from pyresque.worker.aio.members import Members
from pyresque.worker.aio.shared_loop import SharedTask
from pyresque.worker.aio.task import AsyncRun, async_jobs
from pyresque.worker.aio.waiting import Rest
from pyresque.worker.current_job import Hand, Run
from pyresque.worker.heartbeat import Heartbeat
from pyresque.worker.job_checks import check_jobs
from pyresque.worker.limits import Limits
from pyresque.worker.listener import Attention
from pyresque.worker.loop import ResqueLike
from pyresque.worker.member import Membership
from pyresque.worker.outages import Patience
from pyresque.worker.pruner import Pruner
from pyresque.worker.queue_list import QueueList
from pyresque.worker.report import Report
from pyresque.worker.reserver import Reserver
from pyresque.worker.settlement import Books
from pyresque.worker.shutdown import Ending
from pyresque.worker.slot import Slot
from pyresque.worker.unknown_jobs import Foreign

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
        self._hooks = resque.registry.worker_hooks
        self.was_idle = False
        """Whether, having left by itself, it did so because there was nothing left to do."""

    @property
    def ids(self) -> list[str]:
        """Who its places are in Redis, if no other worker has their ids."""
        return [one.id for one in self._places()]

    def _places(self, mark: str = "") -> list[Registration]:
        tail = f"{os.getpid()}:{self.queue_list}"
        return [Registration(socket.gethostname(), tail + "," * place, mark) for place in range(self._count)]

    def work(self, interval: float | None = None) -> None:
        """Work until a signal says stop or, with an interval of 0, until nothing is left to do.

        Args:
            interval: seconds between two looks at empty queues, instead of the option's.
        """
        check_jobs(self._resque.registry, is_async=True)
        self._assemble(self.options.with_interval(interval))
        self._attention.signals.install()
        _, error = tried(self._live)
        self._attention.signals.restore()
        self.was_idle = self._rest.leaves_when_idle or self._limits.idle_left() <= 0
        self._hooks.leave(error)

    def _live(self) -> None:
        signals = self._attention.signals
        self._loop = loop = EventLoop(signals.keep)
        try:
            self._titles.show("Starting")
            self._members.begin(self._prune_seconds, self._attention.run_hooks)
            with signals.passed_on(lambda: loop.call_soon_threadsafe(self._notice)):
                self._run(loop)
        finally:
            self._rest.close()
            self._members.end()
            self._link.close()
            drop_word()

    def _run(self, loop: EventLoop) -> None:
        try:
            loop.run_to_end(self._serve_all())
        finally:
            # Not asyncio.run: that would wait for a job that does not let itself be cancelled.
            closing = asyncio.wait_for(loop.shutdown_asyncgens(), self._stopping.grace)
            tried(loop.run_to_end, closing)
            tried(loop.close)

    def _assemble(self, options: WorkerOptions) -> None:
        resque, registry = self._resque, async_jobs(self._resque.registry)
        self._link = OneProcessLink(resque.link.fresh())
        self._space = Space(self._link, resque.space.keys, resque.space.style)
        recorder = Recorder(self._space, resque.failure_backend, resque.failure_ids)
        places = self._places(workers.mark_of(process_space(), take_word()))
        heartbeat = Heartbeat(self._space, places, options.heartbeat_interval)
        self._attention = Attention(Ending(options.stopping), heartbeat, self._hooks, None, self)
        self._patience = Patience(self._link, self._attention, options.start_timeout)
        patient = self._patience.space(resque.space)
        pruner = Pruner(patient, resque.registry, recorder, options.recover)
        entering = Membership(patient, pruner, places)
        listed = self.queue_list.listed
        self._members = Members(patient, pruner, heartbeat, entering, listed, self._patience)
        foreign = Foreign(told=resque.registry.names())  # those that it does not take: see `check_jobs`
        for hand in map(Hand, places):
            reserver = Reserver(
                self._space, hand, self.queue_list, registry, options.unknown, recorder, entering, foreign
            )
            self._members.slots.append(Slot(hand, reserver, Books(self._space, hand, recorder)))
        self._stopping, self._timeout = options.stopping, options.timeout
        self._timeout_grace = options.timeout_grace
        self._prune_seconds = max(1, int(options.heartbeat_interval))
        self._rest, self._away = (
            Rest(resque.link, options.polling),
            Away(logger, "%s. The worker waits for it"),
        )
        self._limits = Limits(options)
        self._titles = Titles(__version__, options.procline_prefix)
        self._running: dict[str, AsyncRun] = {}
        self._turn = asyncio.Lock()
        self._was_working = self._all_paused = self._unfinished = False
        self._error: BaseException | None = None

    async def _serve_all(self) -> None:
        loop = asyncio.get_running_loop()
        pruning = SharedTask(self._prune_regularly(), loop)
        try:
            self._notice()
            await asyncio.wait([SharedTask(self._serve(one), loop) for one in self._members.slots])
        finally:
            pruning.cancel()
        if self._error is not None:
            raise self._error

    def _notice(self) -> None:
        """Act on the signals that have come."""
        if self._attention.look():
            self._rest.stir()
            self._end_jobs()

    def _end_jobs(self) -> None:
        """Tell the jobs to end if it is time for that, now or later."""
        ending = self._attention.ending
        left = ending.next_kill(self._stop_jobs)
        if ending.has_killed:
            ending.nobody_to_kill()  # each has been told
        elif left < float("inf"):
            asyncio.get_running_loop().call_later(left, self._end_jobs)

    def _stop_jobs(self, _number: int) -> None:
        for run in self._running.values():
            run.stop()

    async def _prune_regularly(self) -> None:
        loop, threads = asyncio.get_running_loop(), Threads(1)  # for asyncio's own the jobs may use up
        while True:
            await asyncio.sleep(self._prune_seconds)
            if not self._away.now:
                # In a thread, for async on_failure hooks of a dead worker's job need a loop of their own.
                work = partial(tried, self._members.prune, self._prune_seconds)
                try:
                    _, error = await loop.run_in_executor(threads, work)
                except RuntimeError as none:  # the system has no thread for us now
                    error = none
                if error is not None:
                    logger.warning("cannot prune dead workers now: %s", error, exc_info=error)

    async def _serve(self, slot: Slot) -> None:
        """Work off jobs in one place; an error makes the whole worker leave, once the other jobs are over."""
        answer: Answer | None = None
        try:
            while True:
                run = self._take(slot, answer) if answer is not None else None
                if run is None:
                    async with self._turn:
                        run = await self._found(slot)
                if run is None:
                    return
                answer = await self._work_off(slot, run)
        except BaseException as error:
            self._error = either(self._error, error)
            self._rest.stir()

    async def _found(self, slot: Slot) -> Run | None:
        """The next job, waited for; None if the worker is to leave."""
        while not self._is_leaving and not self._limits.reached(len(self._running)):
            run = self._take(slot)
            if run is not None:
                return run
            if self._unfinished:
                await asyncio.sleep(0)  # the jobs have their turn; then the look goes on
                continue
            if self._away.now:
                await self._rest.sleep(self._away.seconds_left)
                continue
            if self._was_working and not self._running:
                self._was_working = False
                self._attention.run_hooks("queue_empty")
            if self._rest.leaves_when_idle:
                return None
            search = slot.reserver.search()
            if not self._rest.arm(search):  # else what came before it was armed is found by one more look
                self._show(search)
                await self._rest.turn(float("inf") if self._running else self._limits.idle_left())
        return None

    @property
    def _is_leaving(self) -> bool:
        return self._attention.ending.asked or self._error is not None

    def _take(self, slot: Slot, answer: Answer | None = None) -> Run | None:
        self._unfinished = False
        if self._attention.paused and answer is None:
            return None
        try:
            found = slot.reserver.next(answer)
        except RedisError as error:
            self._away.failed(error)
            return None
        self._away.answered()
        self._all_paused, self._unfinished = found == "paused", found == "unfinished"
        return found if isinstance(found, Run) else None

    async def _work_off(self, slot: Slot, run: Run) -> Answer | None:
        if self._is_leaving or self._attention.paused:
            await self._put_back(slot, run)
            return None
        if not self._running:
            self._attention.ending.nobody_to_kill()  # a USR1 that came while idle means no later job
        logger.info("got: %s", run)
        self._was_working = True
        self._rest.worked()
        limit = run.job.limit(self._timeout)
        graces = (self._stopping.grace, self._timeout_grace)
        self._running[slot.id] = running = AsyncRun(run.job, limit, *graces)
        try:
            await self._persist(lambda: slot.books.begin(run), dear=False)
            self._show(slot.reserver.search())
            slot.books.begun(run)
            error = await running.outcome()
            self._loop.forget_signals(running)
            self._attention.signals.mend()
            return await self._finish(slot, run, running, error)
        finally:
            del self._running[slot.id]
            self._limits.worked()
            if not self._running:
                self._rest.stir()  # whoever looks for jobs may now be idle, or have been so for long enough

    async def _finish(
        self, slot: Slot, run: Run, running: AsyncRun, error: BaseException | None
    ) -> Answer | None:
        if self._stopping.requeue and self._is_leaving and running.was_stopped:
            said = slot.books.report(run.job, error) if run.job.has_steps else None
            await self._put_back(slot, run, said)
            return None
        report = slot.books.report(run.job, error, running.stack)
        slot.books.ended(run, report)
        if report.done:
            logger.info("done: %s", run)
        else:
            logger.info("%s failed: %s: %s", run, report.exception, report.error)
        return await self._persist(
            lambda: slot.books.settle(self._look_ahead(slot)), dear=not running.was_stopped
        )

    async def _put_back(self, slot: Slot, run: Run, said: Report | None = None) -> None:
        slot.books.put_back(run, said)
        await self._persist(slot.books.settle, dear=False)

    def _look_ahead(self, slot: Slot) -> Search | None:
        wanted = not self._is_leaving and not self._attention.paused
        return slot.reserver.search() if wanted and not self._limits.reached(len(self._running)) else None

    async def _persist(self, write: Callable[[], T], dear: bool = True) -> T:
        """Write something down, as `Patience.persist` does; one at a time, for a try may take seconds."""
        while True:
            # Whoever was first may have failed meanwhile: then all wait once more.
            while self._away.seconds_left:
                await asyncio.sleep(self._away.seconds_left)
            try:
                result = write()
            except RedisRejected:
                raise
            except RedisError as error:
                self._away.failed(error)
                if self._patience.is_over(self._away, dear):
                    raise
            else:
                self._away.answered()
                return result

    def _show(self, search: Search) -> None:
        if self._running:
            names = ",".join(sorted({run.name for run in self._running.values()}))
            self._titles.show(f"Processing {len(self._running)} jobs since {int(time.time())} [{names}]")
        elif self._attention.paused or self._all_paused:
            self._titles.show("Paused")
        else:
            self._titles.show("Waiting for " + ",".join(search.order.queues))
