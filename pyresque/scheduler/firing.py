"""Firing an entry of the schedule (docs/protocol/scheduler.md#firing)."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pyresque.client.delayed_item import ScheduledJob, ready_entry
from pyresque.errors import MalformedPayload
from pyresque.log import Log
from pyresque.model.registry import Registry
from pyresque.schedule.entry import Entry
from pyresque.schedule.next_runs import Running
from pyresque.scheduler.hook_tries import HookTries
from pyresque.store import queues, schedules, workers
from pyresque.store.delayed import NO_LEASE, Lease
from pyresque.store.locks import Guard
from pyresque.store.schedules import Firing
from pyresque.store.space import Space
from pyresque.wire import times
from pyresque.wire.encoding import same
from pyresque.wire.records import Payload, WorkingOn

logger = Log("pyresque.scheduler")

Outcome = Literal["fired", "skipped", "taken", "lost"]
"""`skipped`: a hook, an overlap or an error kept the job away; `taken`: somebody else has fired meanwhile."""


class Firer:
    """Fires entries: hooks, the job and the note in `delayed:last_enqueued_at`, the last two in one step."""

    def __init__(self, space: Space, registry: Registry) -> None:
        self._space = space
        self._registry = registry
        self._tries = HookTries()

    def fire(self, running: Running, lease: Lease = NO_LEASE) -> Outcome:
        """Fire an entry for the run that is due.

        The run is noted even if the job was refused or failed, as in Ruby. One that somebody else noted
        meanwhile is not fired: the note is compared and written in the same step as the push.

        Raises:
            RedisError: Redis cannot be reached or refuses: the run is still due.
        """
        due = running.due or 0.0
        note = times.started(due)
        ready, guards = self._ready(running.entry, note) or (None, [])
        firing = Firing(running.entry.name, running.noted, note)
        if ready is not None and ready.scheduled is None:
            firing = replace(firing, queue=ready.queue, payload=ready.payload, guards=guards)
        done, troubles = schedules.fire(self._space, firing, lease)
        for trouble in troubles:
            logger.error("%s", trouble)
        if done < 1:
            return "lost" if done < 0 else "taken"
        running.advance(note)
        if ready is None or done == 2:
            return "skipped"
        self._afterwards(ready)
        logger.info("queueing %s in %s (%s)", ready.class_name, ready.queue, running.entry.name)
        return "fired"

    def _afterwards(self, ready: ScheduledJob) -> None:
        if ready.scheduled is not None:
            try:
                ready.run_scheduled()
            except BaseException:  # whatever it raises, the scheduler goes on
                logger.exception("`scheduled` of %s failed", ready.class_name)
                return
        else:
            ready.run_hooks_after("after_enqueue", BaseException)
        ready.run_hooks_after("after_recurring", BaseException)

    def _ready(self, entry: Entry, run: str) -> tuple[ScheduledJob, list[Guard]] | None:
        """The job of an entry and the locks that its push takes, if it is to run now.

        Raises:
            RedisError: Redis cannot be reached or refuses; its hooks too may hear that a few times.
        """
        try:
            ready = ready_entry(entry.value, self._registry, self._space.style)
        except BaseException:
            logger.exception("the entry %s of the schedule cannot be queued", entry.name)
            return None
        # Asked before its hooks, which may lock something for the job.
        if entry.skips_overlap and is_busy(self._space, ready):
            logger.info("%s is left out: its last run is still waiting or working", entry.name)
            return None
        try:
            ready = ready.decided()
            allowed = ready.run_hooks("before_recurring")
            if allowed and ready.scheduled is not None:
                return ready, []
            runs = allowed and ready.run_hooks("before_enqueue")
            guards = ready.guards_at(self._space, f"{entry.name} {run}") if runs else None
        except BaseException as error:
            if self._tries.another((entry.name, run), error):
                raise
            logger.exception("the entry %s of the schedule cannot be queued", entry.name)
            return None
        return None if guards is None else (ready, guards)


def is_busy(space: Space, ready: ScheduledJob) -> bool:
    """Whether a job of the same class with the same arguments waits on this queue, or is worked on.

    The queue is looked at first: a job that leaves it in between is found with its worker.
    """
    hint = ready.class_name.encode()
    for start in range(0, queues.size(space, ready.queue), 1000):
        for raw in queues.elements(space, ready.queue, start, 1000):
            if (hint in raw or b"\\" in raw) and _is_same(raw, ready):
                return True
    for raw in workers.working_on(space, workers.ids(space)):
        payload = WorkingOn.parse(raw).payload
        if payload and payload.get("class") == ready.class_name and same(payload.get("args"), ready.args):
            return True
    return False


def _is_same(raw: bytes, ready: ScheduledJob) -> bool:
    try:
        payload = Payload.parse(raw)
    except MalformedPayload:
        return False
    return payload.class_name == ready.class_name and same(payload.args, ready.args)
