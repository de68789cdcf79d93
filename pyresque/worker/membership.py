"""The workers of one process, as Redis sees them: they enter, beat, prune and leave together."""

from __future__ import annotations

import time
from collections.abc import Sequence

from pyresque.config.options import WorkerOptions
from pyresque.errors import RedisError
from pyresque.failure import Recorder
from pyresque.log import Log
from pyresque.model.registry import Registry
from pyresque.model.resque_like import ResqueLike
from pyresque.store.connection.link import PatientLink
from pyresque.store.space import Space
from pyresque.store.workers import Registration
from pyresque.system.waiting import Outage
from pyresque.worker.current_job import CurrentJob
from pyresque.worker.heartbeat import Heartbeat
from pyresque.worker.listener import Listener
from pyresque.worker.member import Member
from pyresque.worker.notices import Notices
from pyresque.worker.outages import Outages
from pyresque.worker.pruner import Pruner
from pyresque.worker.queue_list import QueueList
from pyresque.worker.registrar import Registrar
from pyresque.worker.reserver import Reserver
from pyresque.worker.settlement import Settler
from pyresque.worker.shutdown import Shutdown
from pyresque.worker.tally import Tally
from pyresque.worker.unknown_jobs import UnknownJobs

logger = Log("pyresque.worker")


class Membership:
    """One member, or one for each job that an async worker runs at a time.

    Args:
        whos: who they are.
        registry: the jobs that they run.
        unknown_jobs: what they leave to others.
        worker: what hooks are given.
        is_beating: whether waiting for jobs keeps the heartbeat, and prunes; else a thread beats.
    """

    def __init__(
        self,
        resque: ResqueLike,
        whos: Sequence[Registration],
        queue_list: QueueList,
        options: WorkerOptions,
        registry: Registry,
        unknown_jobs: UnknownJobs,
        worker: object,
        is_beating: bool,
    ) -> None:
        self._listed = queue_list.listed
        # The worker's own link does not repeat anything: the loop decides what to do after a lost reply.
        self.link = resque.link.fresh().adopt()
        self.space = Space(self.link, resque.space.keys, resque.space.style)
        self.for_jobs = Space(PatientLink(resque.link.fresh()), resque.space.keys, resque.space.style)
        """For what is told of a job where it runs: in the process of the job, if it has one."""
        recorder = Recorder(self.space, resque.failure_backend, resque.failure_ids)
        self.heartbeat = Heartbeat(self.space, whos, options.heartbeat_interval)
        self.prune_seconds = max(1, int(options.heartbeat_interval))
        self.prune_at = 0.0
        """When it is to prune again, by the monotonic clock."""
        self.outage = Outage(logger, "%s. The worker waits for it")
        hooks = resque.registry.worker_hooks
        self._has_thread = not is_beating
        after_beat = self.prune if is_beating else None
        self.listener = Listener(Shutdown(options.stopping), self.heartbeat, hooks, after_beat, worker)
        self.outages = Outages(self.link, self.listener, options.start_timeout)
        self._patient = self.outages.space(resque.space)
        self._pruner = Pruner(self._patient, resque.registry, recorder, options.recover)
        self._registrar = Registrar(self._patient, self._pruner, whos)
        self.notices = Notices(self._patient, resque.registry, queue_list, options)
        self.tally = Tally(self._patient, options.history)
        self.members: list[Member] = []
        for current in map(CurrentJob, whos):
            reserver = Reserver(
                self.space, current, queue_list, registry, options.unknown, recorder, self._registrar,
                unknown_jobs,
            )  # fmt: skip
            settler = Settler(self.space, current, recorder, self.tally.ended)
            self.members.append(Member(current, reserver, settler))

    @property
    def id(self) -> str:
        """Who the first one is in Redis."""
        return self.members[0].id

    def enter(self) -> bool:
        """Find ids that nobody else has, and register; False if it is to leave before that."""
        if not self.outages.begin(self._registrar.claim):
            return False
        self.heartbeat.beat()
        self.prune(starting=True)
        self.listener.run_hooks("before_first_fork")
        if not self.outages.begin(self._registrar.enter):
            return False
        self.heartbeat.registered = True
        return True

    def prune(self, starting: bool = False) -> None:
        """Prune dead workers, on behalf of the first member."""
        self.prune_at = time.monotonic() + self.prune_seconds
        if self.outage.lasts:
            return
        if self._has_thread and self.heartbeat.registered:
            self.heartbeat.start_thread()  # where the system had none for us before
        try:
            self._pruner.prune(self.id, self._listed, self.prune_seconds, starting=starting)
        except RedisError as error:
            logger.warning("cannot prune dead workers now: %s", error)
        except Exception:  # code of the application runs there: hooks, failure backends
            logger.exception("cannot prune dead workers now")
        if not starting:
            self.tally.tell()
            self.notices.look()

    def leave(self) -> None:
        """Unregister all, with what they have."""
        self.outages.hurry()
        left = [self._has_left(member) for member in self.members]
        if all(left):
            self.tally.tell(is_leaving=True)
            logger.info("Worker %s has left", self.id)
        self.link.close()

    def _has_left(self, member: Member) -> bool:
        try:
            return member.leave(self._patient, self.outages)
        except RedisError as error:
            logger.error("cannot unregister %s: %s", member.id, error)
            return False
