"""The life of a worker: start, take a job, run it, settle it, wait; leave in good order.

See docs/protocol/core.md#the-work-loop.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence

from pyresque._version import __version__
from pyresque.config.options import Recover, WorkerOptions
from pyresque.errors import DirtyExit, JobTimeout
from pyresque.failure import Recorder
from pyresque.log import Log
from pyresque.model.job_tags import tell_running
from pyresque.model.resque_like import ResqueLike
from pyresque.store import workers
from pyresque.store.connection.link import LEAVE_SECONDS
from pyresque.store.connection.wakeup import Wakeup
from pyresque.store.reservation import Answer
from pyresque.store.space import Space
from pyresque.store.workers import Registration
from pyresque.system import memory
from pyresque.system.processes import drop_word, process_space, take_word
from pyresque.system.titles import Titles
from pyresque.usercode.guards import exit_now
from pyresque.usercode.safely import is_a, tried
from pyresque.worker.job_checks import check_jobs
from pyresque.worker.lazy_job_loop import LazyJobLoop
from pyresque.worker.limits import Limits
from pyresque.worker.membership import Membership
from pyresque.worker.polling import SURE_TURNS, Poller
from pyresque.worker.pool.lifeline import tell_ready
from pyresque.worker.pruner import STILL_PROCESSED, Pruner
from pyresque.worker.queue_list import QueueList
from pyresque.worker.runner import Runner
from pyresque.worker.time_limit import Watchdog
from pyresque.worker.unknown_jobs import UnknownJobs

logger = Log("pyresque.worker")


class Worker:
    """A worker on some queues: `Worker(resque, ["critical", "*", "!slow"]).work()`.

    Args:
        resque: whose jobs it works on.
        queues: names, patterns and exclusions, in order of preference (docs/protocol/core.md#queue-lists).
        options: how it works; what the environment says, with `pyresque work`.

    Raises:
        NoQueueError: the list names no queue.
    """

    def __init__(
        self, resque: ResqueLike, queues: Sequence[str], options: WorkerOptions | None = None
    ) -> None:
        self.queue_list = QueueList(queues)
        self.options = options or WorkerOptions()
        self._resque = resque
        self._hooks = resque.registry.worker_hooks
        self.was_idle = False
        """Whether, having left by itself, it did so because there was nothing left to do."""
        self._who = Registration(socket.gethostname(), self._tail)

    @property
    def id(self) -> str:
        """Who this worker is in Redis: `host:pid:queues`, the host with an ending if that was another's."""
        is_own = self._who.tail == self._tail  # and not that of the process that made this object
        return self._who.id if is_own else f"{socket.gethostname()}:{self._tail}"

    @property
    def _tail(self) -> str:
        return f"{os.getpid()}:{self.queue_list}"

    def work(self, interval: float | None = None) -> None:
        """Work until a signal says stop or, with an interval of 0, until nothing is left to do.

        Args:
            interval: seconds between two looks at empty queues, instead of the option's.
        """
        check_jobs(self._resque.registry, is_async=False)
        mark = workers.mark_of(process_space(), take_word())
        self._who = Registration(socket.gethostname(), self._tail, mark)
        loop = _Loop(self, self._resque, self._who, self.options.with_interval(interval))
        loop.signals.install()
        _, error = tried(loop.live)
        loop.signals.restore()
        self.was_idle = loop.leaves_when_idle
        self._resque.registry.worker_hooks.leave(error)


class _Loop:
    """What a worker is made of while it works."""

    def __init__(self, worker: Worker, resque: ResqueLike, who: Registration, options: WorkerOptions) -> None:
        self._resque, self._who, self._stopping = resque, who, options.stopping
        self._in_children = options.fork_per_job
        self._membership = membership = Membership(
            resque, [who], worker.queue_list, options, resque.registry, UnknownJobs(), worker,
            is_beating=self._in_children,
        )  # fmt: skip
        self._listener, self._shutdown = membership.listener, membership.listener.shutdown
        self.signals = membership.listener.signals
        [self._member] = membership.members
        current = self._member.current
        tell_running(lambda: current.begun)
        self._poller, self._limits = Poller(options.polling), Limits(options)
        self._wakeup = Wakeup(resque.link)
        self._titles = Titles(__version__, options.procline_prefix)
        self._watchdog = Watchdog(self._end_with_job)
        self._runner = Runner(
            self._member, membership, resque.registry, self._titles, options, self._limits, self._watchdog
        )

    @property
    def leaves_when_idle(self) -> bool:
        """Whether it leaves now that there is nothing to do."""
        return self._poller.leaves_when_idle or self._limits.idle_left() <= 0

    def live(self) -> None:
        """Begin, work, and leave in good order."""
        try:
            if self._begin():
                self._loop()
        finally:
            self._end()
            drop_word()

    def _begin(self) -> bool:
        self._titles.show("Starting")
        if not self._membership.enter():
            return False
        if self._in_children:
            for job in self._resque.registry.jobs():
                tried(job.warm_up)  # what the user's code raises here it raises when the job runs
            LazyJobLoop.preload()
            memory.settle()
        else:
            self._membership.heartbeat.start_thread()
            self._watchdog.start()
        logger.info("Worker %s is ready", self._who.id)
        tell_ready()
        return True

    def _end_with_job(self, death: DirtyExit) -> None:
        """The job that runs in this process cannot be ended alone: record what became of it, and end."""
        logger.error("Worker %s ends with its job: %s", self._who.id, death)
        try:
            link = self._resque.link.fresh().adopt()  # the other one is the main thread's
            link.deadline = time.monotonic() + LEAVE_SECONDS
            space = Space(link, self._resque.space.keys, self._resque.space.style)
            recorder = Recorder(space, self._resque.failure_backend, self._resque.failure_ids)
            goes_back = self._stopping.requeue and not is_a(death, JobTimeout)
            pruner = Pruner(
                space, self._resque.registry, recorder, Recover("requeue") if goes_back else Recover()
            )
            _, error = tried(pruner.retire, self._who.id, death)
            if error is not None:
                logger.error("what became of its job is found by whoever prunes %s: %s", self._who.id, error)
        finally:
            exit_now(1)

    def _end(self) -> None:
        try:
            self._wakeup.close()
            self._membership.heartbeat.stop_thread(seconds=1.0)
            self._runner.end()
        finally:
            self._membership.leave()

    def _loop(self) -> None:
        """Reserve a job, run it, settle it; the next one comes with the answer to that."""
        listener, shutdown, reserver = self._listener, self._shutdown, self._member.reserver
        runner, limits = self._runner, self._limits
        answer: Answer | None = None
        while not shutdown.asked:
            if not self._in_children and time.monotonic() >= self._membership.prune_at:
                self._membership.prune()  # where jobs have processes of their own, this comes with a beat
            job, answer = runner.reserve(answer), None
            if job is not None:
                answer = runner.work_off(job)
            elif reserver.unfinished and not listener.paused:
                listener.wait(0)  # a beat may be due; then the look goes on
                continue
            elif self._poller.leaves_when_idle and not self._waits_for_redis:
                self._became_idle()
                return
            else:
                self._idle()
            if answer is None and limits.are_set and limits.reached():
                logger.info("Worker %s has reached its limit", self._who.id)
                return

    @property
    def _waits_for_redis(self) -> bool:
        """Whether it would ask Redis if it were there; a paused worker does not."""
        return self._membership.outage.lasts and not self._listener.paused

    def _idle(self) -> None:
        if self._waits_for_redis:
            self._sleep(self._membership.outage.seconds_left)
            return
        self._became_idle()
        reserver, poller = self._member.reserver, self._poller
        paused = self._listener.paused or reserver.all_paused
        self._titles.show("Paused" if paused else "Waiting for " + ",".join(reserver.order.queues))
        self._runner.prepare()
        deaf = poller.deaf_seconds()
        if not deaf and self._wakeup.arm(reserver.search().watched):
            # What came before it was armed is found by one more look. That look also touches, now and
            # not when a job waits, the memory that is to be copied since the fork of the waiting child.
            return
        waiting = reserver.seconds_to_wait
        for turn in range(1, SURE_TURNS + 1):
            seconds = min(poller.next_sleep(), self._limits.idle_left(), waiting)
            if deaf:
                self._sleep(min(seconds, deaf))  # then to be armed again, and for what has come meanwhile
                return
            if not self._sleep(seconds, self._wakeup) or self._limits.reached() or waiting < float("inf"):
                return
            if turn == SURE_TURNS or not self._wakeup.is_sure():
                return

    def _sleep(self, seconds: float, *wakeups: Wakeup) -> bool:
        """Wait so long; False if something has come before."""
        until = time.monotonic() + seconds
        # What `look` has noticed since the last wait is not noticed again by `wait`.
        while not self._shutdown.asked and (left := until - time.monotonic()) > 0:
            if self._listener.wait(left, *wakeups):
                return False
            self._runner.reap()  # perhaps it was SIGCHLD that has woken us
            if any(wakeup.woken() for wakeup in wakeups):
                self._poller.woken()
                return False
        return not self._shutdown.asked

    def _became_idle(self) -> None:
        self._membership.notices.look()
        if self._runner.has_worked:
            self._runner.has_worked = False
            self._poller.worked()
            self._listener.run_hooks("queue_empty")


def unregister(resque: ResqueLike, worker_id: str, beat: str = workers.ANY_BEAT) -> bool:
    """Unregister a worker by hand; its job, if it has one, becomes a failure.

    See docs/protocol/core.md#the-resque-command.

    It is not asked whether the worker lives (see worker/liveness.py): a job that still runs then counts as
    failed.

    Args:
        beat: only if this is still its last heartbeat, as `workers.retire` takes it.
    """
    recorder = Recorder(resque.space, resque.failure_backend, resque.failure_ids)
    pruner = Pruner(resque.space, resque.registry, recorder)
    return workers.is_registered(resque.space, worker_id) and pruner.retire(
        worker_id, DirtyExit(STILL_PROCESSED), beat
    )


__all__ = ["Worker", "unregister"]
