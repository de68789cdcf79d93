"""The life of a worker: start, take a job, run it, settle it, wait; leave in good order (core.md 6-10).

The worker is one thread in one `select`: it waits for its child, for signals and for the next heartbeat
at the same time, so a signal is acted on at once and a beat is never late.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from pyresque._version import __version__
from pyresque.config import WorkerOptions
from pyresque.errors import DirtyExit, RedisError, RedisUnavailable
from pyresque.failure import Backend
from pyresque.registry import Registry
from pyresque.store import workers
from pyresque.store.link import RedisPyLink
from pyresque.store.space import Space
from pyresque.worker.books import Books
from pyresque.worker.child import Child, Report
from pyresque.worker.ending import Ending
from pyresque.worker.heartbeat import Heartbeat
from pyresque.worker.pace import Backoff, Pace
from pyresque.worker.pruner import STILL_PROCESSED, Pruner
from pyresque.worker.queue_list import QueueList
from pyresque.worker.reserver import Reserver, Run
from pyresque.worker.signals import Signals, prepare_child
from pyresque.worker.titles import Titles

logger = logging.getLogger("pyresque.worker")


class ResqueLike(Protocol):
    """What a worker needs of a Resque."""

    link: RedisPyLink
    space: Space
    registry: Registry
    failure_backend: Backend
    failure_ids: bool


class Worker:
    """A worker on some queues: `Worker(resque, ["critical", "*", "!slow"]).work()`.

    Args:
        resque: whose jobs it works on.
        queues: names, patterns and exclusions, in order of preference (core.md section 5).
        options: how it works; what the environment says, with `pyresque work`.

    Raises:
        NoQueueError: the list names no queue.
    """

    def __init__(self, resque: ResqueLike, queues: Sequence[str], options: WorkerOptions | None = None) -> None:
        self.queue_list = QueueList(queues)
        self.options = options or WorkerOptions()
        self._resque = resque
        self._hooks = resque.registry.worker_hooks
        self._patient = resque.space
        # The worker's own link does not repeat anything: the loop decides what to do after a lost reply.
        self._space = Space(resque.link, resque.space.keys, resque.space.style)

    def work(self, interval: float | None = None) -> None:
        """Work until a signal says stop or, with an interval of 0, until nothing is left to do.

        Args:
            interval: seconds between two looks at empty queues, instead of the option's.
        """
        options = self.options.with_interval(interval)
        self._begin(options)
        try:
            self._loop()
        finally:
            self._end()

    @property
    def id(self) -> str:
        """Who this worker is in Redis: `host:pid:queues`."""
        return f"{socket.gethostname()}:{os.getpid()}:{self.queue_list}"

    # --- beginning and end -------------------------------------------------------------------------

    def _begin(self, options: WorkerOptions) -> None:
        resque = self._resque
        self._options = options
        self._worker_id = self.id
        self._ending = Ending(options.stopping)
        self._pace, self._away = Pace(options.polling), Backoff()
        self._paused, self._was_working, self._is_away = False, False, False
        self._titles = Titles(__version__, options.procline_prefix)
        self._titles.show("Starting")
        self._books = Books(self._space, self._worker_id, resque.failure_backend, resque.failure_ids)
        self._reserver = Reserver(
            self._space, self._worker_id, self.queue_list, resque.registry, options.unknown, resque.failure_backend
        )
        self._pruner = Pruner(self._patient, resque.registry, resque.failure_backend, resque.failure_ids)
        self._heartbeat = Heartbeat(self._space, self._worker_id, options.heartbeat_interval)
        self._signals = Signals()
        self._signals.install()
        self._start_up()

    def _start_up(self) -> None:
        # A worker that had this very id (a container's pid 1) and died must not leave its job to us unseen.
        self._pruner.retire(self._worker_id, DirtyExit(STILL_PROCESSED))
        self._heartbeat.beat()
        self._prune()
        self._hooks.run("before_first_fork")
        workers.register(self._patient, self._worker_id, time.time())
        self._heartbeat.registered = True
        if not self._options.fork_per_job:
            self._heartbeat.start_thread()
        logger.info("Worker %s is ready", self._worker_id)

    def _prune(self) -> None:
        try:
            seconds = max(1, int(self._options.heartbeat_interval))
            self._pruner.prune(self._worker_id, self.queue_list.listed, seconds)
        except RedisError as error:
            logger.warning("cannot prune dead workers now: %s", error)

    def _end(self) -> None:
        self._heartbeat.stop_thread()
        try:
            self._unregister()
        except RedisError as error:
            logger.error("cannot unregister %s: %s", self._worker_id, error)
        finally:
            self._signals.restore()
            self._hooks.run("worker_exit")

    def _unregister(self) -> None:
        # A job whose reservation we never heard of may still stand in worker:ID: it was not begun.
        left = workers.working_on(self._patient, [self._worker_id])[0]
        run = self._reserver.next() if left else None
        if isinstance(run, Run):
            self._books.put_back(run)
        workers.retire(self._patient, self._worker_id, b"")
        logger.info("Worker %s has left", self._worker_id)

    # --- the loop ----------------------------------------------------------------------------------

    def _loop(self) -> None:
        while not self._ending.asked:
            run = self._take()
            if run is not None:
                self._work_off(run)
            elif self._pace.leaves_when_idle and not self._is_away:
                self._became_idle()
                return
            else:
                self._idle()

    def _take(self) -> Run | None:
        self._note_signals()
        if self._paused or self._ending.asked:
            return None
        try:
            found = self._reserver.next()
        except RedisUnavailable as error:
            self._redis_is_away(error)
            return None
        self._redis_is_back()
        self._all_paused = found == "paused"
        return found if isinstance(found, Run) else None

    def _idle(self) -> None:
        if self._is_away:
            self._wait(self._away.next_sleep())
            return
        self._became_idle()
        paused = self._paused or self._all_paused
        self._titles.show("Paused" if paused else "Waiting for " + ",".join(self._reserver.order.queues))
        self._wait(self._pace.next_sleep())

    def _became_idle(self) -> None:
        if self._was_working:
            self._was_working = False
            self._hooks.run("queue_empty")

    def _redis_is_away(self, error: RedisUnavailable) -> None:
        if not self._is_away:
            logger.warning("%s. The worker waits for it", error)
        self._is_away = True

    def _redis_is_back(self) -> None:
        if self._is_away:
            logger.warning("Redis answers again")
        self._is_away = False
        self._away.reset()

    def _wait(self, seconds: float) -> None:
        """Sleep, but act on signals at once and beat in time."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._ending.asked and not self._woken:
            select.select([self._signals], [], [], min(left, self._heartbeat.seconds_left()))
            self._note_signals()
            self._beat()
        self._woken = False

    _woken = False
    _all_paused = False

    def _beat(self) -> None:
        if self._options.fork_per_job and self._heartbeat.beat_if_due() and not self._is_away:
            self._prune()

    # --- signals -----------------------------------------------------------------------------------

    def _note_signals(self) -> None:
        for number in self._signals.take():
            if number == signal.SIGUSR2:
                self._pause(True)
            elif number == signal.SIGCONT:
                self._pause(False)
            elif self._ending.note(number):
                self._safely("shutdown")

    def _pause(self, paused: bool) -> None:
        if paused != self._paused:
            self._paused = paused
            self._woken = True
            self._safely("before_pause" if paused else "after_pause", self)

    def _safely(self, kind: str, *args: object) -> None:
        try:
            self._hooks.run(kind, *args)
        except Exception:
            logger.exception("a %s hook failed", kind)

    # --- one job -----------------------------------------------------------------------------------

    def _work_off(self, run: Run) -> None:
        if self._ending.asked:
            self._persist(lambda: self._books.put_back(run))
            return
        self._ending.nobody_to_kill()  # a USR1 that came while idle means no later job
        self._was_working = True
        name = run.job.payload.class_name if run.job.job else "No Name"
        self._titles.show(f"Processing {run.job.queue} since {int(time.time())} [{name}]")
        if self._options.fork_per_job:
            self._run_in_child(run)
        else:
            self._run_here(run)
        self._pace.worked()

    def _run_here(self, run: Run) -> None:
        self._signals.raise_term = self._options.stopping.term_child
        try:
            error = run.job.run()
        finally:
            self._signals.raise_term = False
        report = self._books.report(run, error)
        self._persist(lambda: self._books.settle(run, report, counts_as_failed=True))

    def _run_in_child(self, run: Run) -> None:
        try:
            self._hooks.run("before_fork", run.job)
        except BaseException as error:
            report = self._books.report(run, run.job.after_failure(error))
            self._persist(lambda: self._books.settle(run, report, counts_as_failed=False))
            raise
        child = Child(lambda: self._in_child(run), self._options.stopping.run_at_exit_hooks)
        self._titles.show(f"Forked {child.pid} at {int(time.time())}")
        said = self._watch(child)
        if said is not None:
            report = said
        else:
            report = self._books.report(run, run.job.after_failure(child.death()))
        self._persist(lambda: self._books.settle(run, report, counts_as_failed=said is not None))

    def _in_child(self, run: Run) -> Report:
        prepare_child(self._options.stopping.term_child)
        self._titles.show(
            f"Processing {run.job.queue} since {int(time.time())} "
            f"[{run.job.payload.class_name if run.job.job else 'No Name'}]"
        )
        try:
            self._hooks.run("after_fork", run.job)
        except BaseException as error:
            return self._books.report(run, run.job.after_failure(error))
        return self._books.report(run, run.job.run())

    def _watch(self, child: Child) -> Report | None:
        """Wait for the child's end; returns what it said, None if it died without a word."""
        said: Report | None = None
        while True:
            gone = child.poll() is not None
            said = said or child.listen()
            if gone:
                child.close()
                self._ending.nobody_to_kill()
                return said
            self._note_signals()
            due = self._ending.next_kill(child.kill)
            waits = [self._signals] if child.fileno() < 0 else [self._signals, child]
            select.select(waits, [], [], min(due, self._heartbeat.seconds_left(), 1.0))
            self._beat()

    def _persist(self, write: Callable[[], None]) -> None:
        """Write something down, for as long as it takes."""
        while True:
            try:
                write()
            except RedisUnavailable as error:
                self._redis_is_away(error)
                select.select([self._signals], [], [], self._away.next_sleep())
                self._note_signals()
            else:
                self._redis_is_back()
                return


def unregister(resque: ResqueLike, worker_id: str) -> bool:
    """Take a worker out of the books by hand; its job, if it has one, becomes a failure (core.md 12.2)."""
    pruner = Pruner(resque.space, resque.registry, resque.failure_backend, resque.failure_ids)
    return workers.is_registered(resque.space, worker_id) and pruner.retire(worker_id, DirtyExit(STILL_PROCESSED))


__all__ = ["Worker", "unregister"]
