"""Unregistering dead workers (docs/protocol/core.md#pruning).

Both of Ruby's phases, under Ruby's own lock. What another program has written so that it cannot be
understood is told and left alone.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyresque.client.worker_signs import EXPIRED_AFTER
from pyresque.config.options import Recover
from pyresque.errors import DirtyExit, Handled, MalformedPayload, PruneDeadWorkerDirtyExit
from pyresque.failure import Failure, Recorder
from pyresque.log import Log
from pyresque.model.perform import ReservedJob
from pyresque.model.registry import Registry
from pyresque.store import effects, workers
from pyresque.store.connection.link import Command
from pyresque.store.space import Space
from pyresque.system.processes import process_lives, process_space
from pyresque.usercode.safely import is_a
from pyresque.wire import times
from pyresque.wire.encoding import decode, encode
from pyresque.wire.extra_keys import begun_before
from pyresque.wire.records import Payload, is_wrapper, shown
from pyresque.worker.pruning_lock import PruningLock
from pyresque.worker.report import Following, Report
from pyresque.worker.retries import attempt_at, following_of, requeue

logger = Log("pyresque.worker")

RECOVERY_MEMORY = 86400
"""Seconds for which it is remembered how often a job was put back."""

STILL_PROCESSED = "Job still being processed"

BEGUN_BEFORE = (
    "Redis came back older than it was: the job was begun before, and what became of it is not known any more"
)


@dataclass(frozen=True)
class Dead:
    """A worker that is taken for dead, and why.

    `beat` is what its heartbeat must still be when it is unregistered (empty: anything).
    """

    id: str
    why: str
    beat: str = workers.ANY_BEAT


@dataclass(frozen=True)
class _Snapshot:
    """Who is registered, the marks of ours, the heartbeats, and the time by the clock of Redis."""

    known: list[str]
    ours: dict[str, str]
    beats: dict[str, str]
    now: int

    @property
    def left_behind(self) -> list[str]:
        """Workers of ours that somebody else has unregistered: only their marks are left."""
        known = set(self.known)
        return [worker for worker in self.ours if worker not in known and worker not in self.beats]


class Pruner:
    """Prunes on behalf of one worker."""

    def __init__(
        self, space: Space, registry: Registry, recorder: Recorder, recover: Recover | None = None
    ) -> None:
        self._space = space
        self._registry = registry
        self._recorder = recorder
        self._recover = recover or Recover()

    def prune(
        self,
        worker_id: str,
        listed: Sequence[str],
        lock_seconds: int = 60,
        *,
        starting: bool = False,
        most: int | None = None,
    ) -> list[str]:
        """Prune unless somebody else does; returns the ids of the workers that were pruned.

        Args:
            listed: the queues of the worker that prunes, without exclusions.
            starting: whether that worker begins. Then it looks for dead workers of this host even if somebody
                has looked lately, and leaves the lock behind, as Ruby does. Later looks give it back, so that
                Ruby's workers can prune.
            most: so many at most.

        Raises:
            RedisError: Redis cannot be reached, or a key has a wrong type.
        """
        lock = PruningLock(self._space, worker_id, lock_seconds)
        if lock.take():
            try:
                seen = self._snapshot()
                pruned = self._take_out(self._all_dead(seen, worker_id, listed)[:most])
                workers.forget_ours(self._space, seen.left_behind)
            finally:
                if not starting:
                    lock.give_back()
        elif starting:
            known, ours = workers.ids(self._space), workers.ours(self._space)
            gone = _gone_here(known, ours, worker_id, listed) if lock.is_left_over(known, ours) else []
            pruned = self._take_out(gone[:most])
        else:
            return []
        for worker in pruned:
            logger.info("pruned dead worker %s", worker)
        return pruned

    def dead(self, worker_id: str, listed: Sequence[str]) -> list[Dead]:
        """Those whom `prune` would take for dead now; it only reads."""
        return self._all_dead(self._snapshot(), worker_id, listed)

    def _all_dead(self, seen: _Snapshot, worker_id: str, listed: Sequence[str]) -> list[Dead]:
        """Each of them once, with the first reason."""
        dead = [*_dead(seen, worker_id, listed), *self._never_beaten(seen, worker_id)]
        return list({worker.id: worker for worker in dead[::-1]}.values())[::-1]

    def _snapshot(self) -> _Snapshot:
        # In this order. A worker of ours writes its mark and its first beat in one step, and registers then:
        # of one that is registered the mark is known, and of one that is just about to, the beat.
        known, ours = workers.ids(self._space), workers.ours(self._space)
        return _Snapshot(known, ours, workers.heartbeats(self._space), workers.redis_time(self._space))

    def _never_beaten(self, seen: _Snapshot, worker_id: str) -> list[Dead]:
        """Workers of ours, without a heartbeat, that registered long ago.

        Ours beat before they register. So such a one has left, and its registration came late, behind that.
        """
        silent = [worker for worker in seen.known if worker in seen.ours and worker not in seen.beats]
        started = zip(silent, workers.started(self._space, silent), strict=True)
        began = {worker: times.parse(text) for worker, text in started}
        return [
            Dead(worker, "it has left, and was registered after that")
            for worker, at in began.items()
            if at is not None and seen.now - at > EXPIRED_AFTER and worker != worker_id
        ]

    def _take_out(self, dead: Sequence[Dead]) -> list[str]:
        return [worker.id for worker in dead if self._take_out_one(worker)]

    def _take_out_one(self, dead: Dead) -> bool:
        if dead.beat != workers.ANY_BEAT:
            return self._prune_expired(dead.id, dead.beat)
        return self.retire(dead.id, DirtyExit(STILL_PROCESSED))

    def _prune_expired(self, worker_id: str, beat: str) -> bool:
        raw = workers.working_on(self._space, [worker_id])[0]
        payload = _payload_in(raw)
        name = shown(payload)[0] if isinstance(payload, dict) else None
        text = f"Worker {worker_id} did not gracefully exit while processing {name or '<Unknown Job>'}"
        return self.retire(worker_id, PruneDeadWorkerDirtyExit(text), beat)

    def retire(
        self,
        worker_id: str,
        error: DirtyExit,
        beat: str = workers.ANY_BEAT,
        who: workers.Registration | None = None,
    ) -> bool:
        """Unregister one worker and record the job that it had, if any, as failed with `error`.

        Args:
            beat: what its heartbeat must still be.
            who: the worker itself, if it is its own end.

        Returns:
            False if it turned out to live (its keys changed meanwhile), or they cannot be read.
        """
        raw = workers.working_on(self._space, [worker_id])[0]
        payload = _payload_in(raw)
        if payload is _UNREADABLE:
            logger.warning(
                "worker:%s holds %r, which is not the record of a job: it is left alone", worker_id, raw[:200]
            )
            return False
        effects = [] if payload is None else self._failed(worker_id, raw, payload, error)
        return workers.retire(self._space, worker_id, raw, beat, effects, who)

    def _put_back(self, worker_id: str, queue: str, payload: object) -> list[Command]:
        """The job goes back to the head of its queue; nothing where it has been there too often."""
        if self._recover.policy == "fail" or not isinstance(payload, dict) or not queue:
            return []
        if worker_id not in workers.ours(self._space):
            return []
        keys, raw = self._space.keys, encode(begun_before(payload), self._space.style)
        digest = hashlib.sha1(queue.encode() + b"\0" + raw).hexdigest()  # noqa: S324 (no secret)
        if workers.times_recovered(self._space, digest) >= self._recover.limit:
            return []
        logger.warning("%s died; its job goes back to %s: %s", worker_id, queue, shown(payload)[0])
        recovery = effects.count_recovery(keys, digest, RECOVERY_MEMORY)
        back = [*recovery, *effects.push_first(keys, queue, raw)]
        if len(payload) > 2:
            from pyresque.worker.tracking import back_on_queue  # only who tracks jobs waits for it

            back += back_on_queue(self._space, ReservedJob(queue, Payload(raw, payload), None))
        return back

    def _failed(self, worker_id: str, raw: bytes, payload: object, error: BaseException) -> list[Command]:
        named = decode(raw).get("queue")
        queue = named if isinstance(named, str) else ""
        back = self._put_back(worker_id, queue, payload)
        if back:
            return back
        job = None
        if isinstance(payload, dict):
            taken = encode(payload, self._space.style)
            job = ReservedJob.of(queue, Payload(taken, payload), self._registry)
            handled = job.after_failure(error)
            if is_a(handled, Handled):
                return self._following(handled)
            error = handled
            if not is_wrapper(job.payload.class_name):
                job = job.untouched()
        raw = job.payload.normal(self._space.style) if job else encode(payload, self._space.style)
        failure = self._recorder.failure(error, raw, worker_id, named if isinstance(named, str) else None)
        attempt = attempt_at(self._space, job, begun=True) if job else None
        following, delay = Following(), None
        if job is not None and attempt is not None:
            following = following_of(job, error, self._space.style)
            delay = attempt.delay(job, following)
        logger.warning(
            "%s has died; its job has failed%s: %s",
            worker_id, "" if delay is None else f", and runs again in {delay:,.0f} s", job or failure.error,
        )  # fmt: skip
        if job is None:
            return self._recorded(failure)
        commands = (
            self._recorded(failure)
            if attempt is None
            else attempt.failed(job, failure, following, self._recorded, delay)
        )
        return [*commands, *self._status(job, failure, goes_on=delay is not None)]

    def _status(self, job: ReservedJob, failure: Failure, goes_on: bool) -> list[Command]:
        """What it means for what a job of ours has beside it: its status, the key of a unique one."""
        if len(job.payload.value) <= 2 and not (job.job and "unique" in job.job.options):
            return []
        from pyresque.worker.beginning import freed_key  # only who has such jobs waits for it
        from pyresque.worker.tracking import at_end

        key = freed_key(self._space, job)
        freed = [] if key is None else [effects.forget(key)]
        return [*freed, *at_end(self._space, job, Report(failure.exception, failure.error), goes_on)]

    def _following(self, handled: Handled) -> list[Command]:
        parts = [(queue, job.as_written(self._space.style), due) for queue, job, due in handled.again]
        return [command for part in parts for command in requeue(self._space, *part)]

    def _recorded(self, failure: Failure) -> list[Command]:
        return self._recorder.effects(failure, self._recorder.save(failure))


_UNREADABLE = object()


def _payload_in(raw: bytes) -> object:
    """The payload that `worker:ID` holds: an object or text; None for an idle one's.

    See docs/protocol/core.md#what-stops-ruby-readers.
    """
    if not raw.strip():
        return None
    try:
        value = decode(raw)
    except MalformedPayload:
        return _UNREADABLE
    if not value and not isinstance(value, (bool, int, float)):
        return None
    payload = value.get("payload") if isinstance(value, dict) else None
    return payload if isinstance(payload, (dict, str)) else _UNREADABLE


def _dead(seen: _Snapshot, worker_id: str, listed: Sequence[str]) -> list[Dead]:
    """Workers whose heartbeat has expired, or whose process is gone; but not the one that asks."""
    expired = [
        Dead(worker, "its heartbeat has expired", beat)
        for worker, beat in seen.beats.items()
        if worker != worker_id and _is_expired(worker, beat, seen.now)
    ]
    names = {worker.id for worker in expired}
    left = [worker for worker in seen.known if worker not in names]
    return expired + _gone_here(left, seen.ours, worker_id, listed)


def _gone_here(
    known: Sequence[str], ours: Mapping[str, str], worker_id: str, listed: Sequence[str]
) -> list[Dead]:
    return [
        Dead(worker, "its process is gone")
        for worker in known
        if worker != worker_id and _is_gone(worker, ours.get(worker), worker_id, listed)
    ]


def _is_expired(worker_id: str, beat: str, now: int) -> bool:
    at = times.parse(beat)
    if at is None:
        logger.warning("the heartbeat of %s is %r, which is not a time: it is left alone", worker_id, beat)
        return False
    if now - at <= EXPIRED_AFTER:
        return False
    if not _is_well_formed(worker_id):
        logger.warning("the worker id %r has not the form host:pid:queues: it is left alone", worker_id)
        return False
    return True


def _is_well_formed(worker_id: str) -> bool:
    parts = worker_id.split(":", 2)
    return len(parts) == 3 and bool(parts[2])


def _is_gone(worker_id: str, mark: str | None, own_id: str, listed: Sequence[str]) -> bool:
    """Whether a worker of this host has no process any more.

    See docs/protocol/core.md#dead-processes-of-the-same-host.

    A worker of ours tells in which system its pid is valid, and when its process began: containers may share
    a host name without seeing each other's processes, and a pid may be another's by now. Of a Ruby worker
    only the host name is known, to Ruby as well.
    """
    space = None if mark is None else workers.space_in(mark)
    if not _is_well_formed(worker_id) or (space is not None and space != process_space()):
        return False
    # Ruby splits at every colon here, and so do we, to hit exactly the workers that it would hit.
    host, pid, queues = [*worker_id.split(":"), "", ""][:3]
    is_here = bool(space) or host == socket.gethostname()  # one of ours may have an ending to its host name
    if not is_here or not pid.isdecimal() or int(pid) < 1:
        return False
    # The commas at the end (of the ids of an async worker) are not queues to Ruby.
    is_alike = mark is not None and _tail(worker_id) == _tail(own_id)
    if "*" not in listed and set(queues.rstrip(",").split(",")) != set(listed) and not is_alike:
        return False
    return not process_lives(int(pid), workers.birth_in(mark or ""))


def _tail(worker_id: str) -> str:
    """The queue list in a worker's id, without what tells the places of an async worker apart."""
    return worker_id.split(":", 2)[-1].rstrip(",")
