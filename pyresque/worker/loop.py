"""The life of a worker: start, take a job, run it, settle it, wait; leave in good order.

See docs/protocol/core.md#the-work-loop.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from typing import Protocol

from pyresque._version import __version__
from pyresque.config.options import Recover, WorkerOptions
from pyresque.errors import DirtyExit, JobTimeout, RedisError
from pyresque.failure import Backend, Recorder
from pyresque.log import Log
from pyresque.model.registry import Registry
from pyresque.store import workers
from pyresque.store.connection.link import LEAVE_SECONDS, DirectLink, OneProcessLink
from pyresque.store.connection.wakeup import Wakeup
from pyresque.store.reservation import Answer, Search
from pyresque.store.space import Space
from pyresque.store.workers import Registration
from pyresque.system import memory
from pyresque.system.processes import drop_word, process_space, take_word
from pyresque.system.titles import Titles
from pyresque.system.waiting import Away
from pyresque.usercode.guards import exit_now
from pyresque.usercode.safely import is_a, tried
from pyresque.worker.current_job import Hand, Run
from pyresque.worker.heartbeat import Heartbeat
from pyresque.worker.job_checks import check_jobs
from pyresque.worker.lazy_job_loop import Lazy
from pyresque.worker.limits import Limits
from pyresque.worker.listener import Attention
from pyresque.worker.member import Membership
from pyresque.worker.outages import Patience
from pyresque.worker.polling import SURE_TURNS, Calm, Pace
from pyresque.worker.pool.lifeline import tell_ready
from pyresque.worker.pruner import STILL_PROCESSED, Pruner
from pyresque.worker.queue_list import QueueList
from pyresque.worker.reserver import Reserver
from pyresque.worker.runner import Runner
from pyresque.worker.settlement import Books
from pyresque.worker.shutdown import Ending
from pyresque.worker.slot import Slot
from pyresque.worker.time_limit import Watch
from pyresque.worker.unknown_jobs import Foreign

logger = Log("pyresque.worker")


class ResqueLike(Protocol):
    """What a worker needs of a Resque."""

    link: DirectLink
    space: Space
    registry: Registry
    failure_backend: Backend
    failure_ids: bool


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
        self._assemble(self.options.with_interval(interval))
        self._attention.signals.install()
        _, error = tried(self._live)
        self._attention.signals.restore()
        self.was_idle = self._pace.leaves_when_idle or self._limits.idle_left() <= 0
        self._hooks.leave(error)

    def _live(self) -> None:
        try:
            self._begin()
            self._loop()
        finally:
            self._end()
            drop_word()

    def _assemble(self, options: WorkerOptions) -> None:
        resque, mark = self._resque, workers.mark_of(process_space(), take_word())
        self._who = who = Registration(socket.gethostname(), self._tail, mark)
        registry = resque.registry
        # The worker's own link does not repeat anything: the loop decides what to do after a lost reply.
        self._link = OneProcessLink(resque.link.fresh())
        self._space = Space(self._link, resque.space.keys, resque.space.style)
        recorder = Recorder(self._space, resque.failure_backend, resque.failure_ids)
        self._forks = options.fork_per_job
        self._pace, self._calm = Pace(options.polling), Calm(options.polling.interval)
        self._away = Away(logger, "%s. The worker waits for it")
        self._wakeup = Wakeup(resque.link)
        self._limits = Limits(options)
        self._was_working = self._all_paused = self._unfinished = False
        self._titles = Titles(__version__, options.procline_prefix)
        self._lock_seconds = max(1, int(options.heartbeat_interval))
        self._heartbeat = Heartbeat(self._space, [who], options.heartbeat_interval)
        ending = Ending(options.stopping)
        prune = self._prune if self._forks else None
        self._attention = Attention(ending, self._heartbeat, self._hooks, prune, self)
        self._patience = Patience(self._link, self._attention, options.start_timeout)
        self._patient = self._patience.space(resque.space)
        self._pruner = Pruner(self._patient, registry, recorder, options.recover)
        self._membership = Membership(self._patient, self._pruner, [who])
        hand = Hand(who)
        entering, foreign = self._membership, Foreign()
        self._reserver = Reserver(
            self._space, hand, self.queue_list, registry, options.unknown, recorder, entering, foreign
        )
        books = Books(self._space, hand, recorder)
        self._slot = Slot(hand, self._reserver, books)
        self._watch = Watch(self._end_with_job)
        self._runner = Runner(
            self._attention, books, registry, self._titles, options, self._look_ahead, self._patience,
            self._watch,
        )  # fmt: skip

    def _begin(self) -> None:
        self._titles.show("Starting")
        self._patience.begin(self._membership.claim)
        self._heartbeat.beat()
        self._prune(starting=True)
        self._attention.run_hooks("before_first_fork")
        self._patience.begin(self._membership.enter)
        self._heartbeat.registered = True
        if self._forks:
            for job in self._resque.registry.jobs():
                tried(job.warm_up)  # what the user's code raises here it raises when the job runs
            Lazy.preload()
            memory.settle()
        else:
            self._heartbeat.start_thread()
            self._watch.start()
        logger.info("Worker %s is ready", self.id)
        tell_ready()

    def _prune(self, starting: bool = False) -> None:
        self._looked_at = time.monotonic()
        if self._away.now:
            return
        try:
            self._pruner.prune(self.id, self.queue_list.listed, self._lock_seconds, starting=starting)
        except RedisError as error:
            logger.warning("cannot prune dead workers now: %s", error)
        except Exception:  # code of the application runs there: hooks, failure backends
            logger.exception("cannot prune dead workers now")

    def _end_with_job(self, death: DirtyExit) -> None:
        """The job that runs in this process cannot be ended alone: tell what became of it, and go with it."""
        stopping = self.options.stopping
        logger.error("Worker %s ends with its job: %s", self.id, death)
        try:
            link = OneProcessLink(self._resque.link.fresh())  # the other one is the main thread's
            link.deadline = time.monotonic() + LEAVE_SECONDS
            space = Space(link, self._space.keys, self._space.style)
            recorder = Recorder(space, self._resque.failure_backend, self._resque.failure_ids)
            recover = Recover("requeue") if stopping.requeue and not is_a(death, JobTimeout) else Recover()
            _, error = tried(
                Pruner(space, self._resque.registry, recorder, recover).retire, self._who.id, death
            )
            if error is not None:
                logger.error("what became of its job is found by whoever prunes %s: %s", self.id, error)
        finally:
            exit_now(1)

    def _end(self) -> None:
        try:
            self._wakeup.close()
            self._heartbeat.stop_thread(seconds=1.0)
            self._runner.end()
        finally:
            self._patience.hurry()
            try:
                if self._slot.leave(self._patient, self._patience):
                    logger.info("Worker %s has left", self.id)
            except RedisError as error:
                logger.error("cannot unregister %s: %s", self.id, error)
            self._link.close()

    def _loop(self) -> None:
        answer: Answer | None = None
        while not self._attention.ending.asked:
            if not self._forks and time.monotonic() - self._looked_at >= self._lock_seconds:
                self._prune()  # where jobs have processes of their own, this comes with the heartbeat
            run = self._take(answer)
            answer = None
            if run is not None:
                answer = self._work_off(run)
                self._limits.worked()
            elif self._unfinished:
                self._attention.wait(0)  # a beat may be due; then the look goes on
                continue
            elif self._pace.leaves_when_idle and not self._waits_for_redis:
                self._became_idle()
                return
            else:
                self._idle()
            if answer is None and self._limits.reached():
                logger.info("Worker %s has reached its limit", self.id)
                return

    def _take(self, answer: Answer | None) -> Run | None:
        self._attention.look()
        self._unfinished = False
        if self._attention.paused and answer is None:
            return None
        try:
            found = self._reserver.next(answer)
        except RedisError as error:
            self._away.failed(error)
            return None
        self._away.answered()
        self._all_paused, self._unfinished = found == "paused", found == "unfinished"
        return found if isinstance(found, Run) else None

    def _look_ahead(self) -> Search | None:
        self._attention.look()
        wanted = not self._attention.ending.asked and not self._attention.paused
        wanted = wanted and not self._limits.ends_with_this_job()
        return self._reserver.search() if wanted else None

    def _work_off(self, run: Run) -> Answer | None:
        self._attention.look()
        if self._attention.ending.asked or self._attention.paused:
            self._runner.put_back(run)
            return None
        self._attention.ending.nobody_to_kill()  # a USR1 that came while idle means no later job
        logger.info("got: %s", run)
        self._was_working = True
        self._pace.worked()
        self._calm.worked()
        return self._runner.run_in_child(run) if self._forks else self._runner.run_here(run)

    @property
    def _waits_for_redis(self) -> bool:
        """Whether it would ask Redis if it were there; a paused worker does not."""
        return self._away.now and not self._attention.paused

    def _idle(self) -> None:
        if self._waits_for_redis:
            self._sleep(self._away.seconds_left)
            return
        self._became_idle()
        paused = self._attention.paused or self._all_paused
        self._titles.show("Paused" if paused else "Waiting for " + ",".join(self._reserver.order.queues))
        self._runner.rest()
        deaf = self._calm.seconds_left()
        if not deaf and self._wakeup.arm(self._reserver.search().watched):
            # What came before it was armed is found by one more look. That look also touches, now and
            # not when a job waits, the memory that is to be copied since the fork of the waiting child.
            return
        for turn in range(1, SURE_TURNS + 1):
            seconds = min(self._pace.next_sleep(), self._limits.idle_left())
            if deaf:
                self._sleep(min(seconds, deaf))  # then to be armed again, and for what has come meanwhile
                return
            if not self._sleep(seconds, self._wakeup) or self._limits.reached():
                return
            if turn == SURE_TURNS or not self._wakeup.is_sure():
                return

    def _sleep(self, seconds: float, *wakeups: Wakeup) -> bool:
        """Wait so long; False if something has come before."""
        until = time.monotonic() + seconds
        # What `look` has noticed since the last wait is not noticed again by `wait`.
        while not self._attention.ending.asked and (left := until - time.monotonic()) > 0:
            if self._attention.wait(left, *wakeups):
                return False
            self._runner.bury()  # perhaps it was SIGCHLD that has woken us
            if any(one.woken() for one in wakeups):
                self._calm.woken()
                return False
        return not self._attention.ending.asked

    def _became_idle(self) -> None:
        if self._was_working:
            self._was_working = False
            self._attention.run_hooks("queue_empty")


def unregister(resque: ResqueLike, worker_id: str, beat: str = workers.ANY_BEAT) -> bool:
    """Take a worker out of the books by hand; its job, if it has one, becomes a failure.

    See docs/protocol/core.md#the-resque-command.

    It is not asked whether the worker lives (see `living`): a job that still runs then counts as failed.

    Args:
        beat: only if this is still its last heartbeat, as `workers.retire` takes it.
    """
    recorder = Recorder(resque.space, resque.failure_backend, resque.failure_ids)
    pruner = Pruner(resque.space, resque.registry, recorder)
    return workers.is_registered(resque.space, worker_id) and pruner.retire(
        worker_id, DirtyExit(STILL_PROCESSED), beat
    )


__all__ = ["Worker", "unregister"]
