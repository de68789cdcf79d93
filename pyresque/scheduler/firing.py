"""Firing an entry of the schedule (scheduler.md 6, 7 and 9.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from pyresque.due import Ready, ready_entry
from pyresque.errors import InvalidSchedule, MalformedPayload
from pyresque.log import Log
from pyresque.registry import Registry
from pyresque.scheduler.entry import Entry
from pyresque.scheduler.timing import Running
from pyresque.scheduler.tries import Tries
from pyresque.store import locks, queues, schedules, workers
from pyresque.store.delayed import NOBODY, Claim
from pyresque.store.locks import Guard, Offer
from pyresque.store.schedules import Firing
from pyresque.store.space import Space
from pyresque.wire import times
from pyresque.wire.encoding import same
from pyresque.wire.inspecting import inspect
from pyresque.wire.records import Payload, WorkingOn

logger = Log("pyresque.scheduler")

Outcome = Literal["fired", "skipped", "taken", "lost"]
"""`skipped`: a hook, an overlap or an error kept the job away; `taken`: somebody else has fired meanwhile."""


class Firer:
    """Fires entries: hooks, the job and the note in `delayed:last_enqueued_at`, the last two in one step."""

    def __init__(self, space: Space, registry: Registry) -> None:
        self._space = space
        self._registry = registry
        self._tries = Tries()

    def fire(self, running: Running, claim: Claim = NOBODY) -> Outcome:
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
        if ready is not None and ready.custom is None:
            firing = replace(firing, queue=ready.queue, payload=ready.payload, guards=guards)
        done, troubles = schedules.fire(self._space, firing, claim)
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

    def _afterwards(self, ready: Ready) -> None:
        if ready.custom is not None:
            try:
                ready.run_custom()
            except BaseException:  # whatever it raises, the scheduler goes on
                logger.exception("`scheduled` of %s failed", ready.class_name)
                return
        else:
            ready.after("after_enqueue", BaseException)
        ready.after("after_recurring", BaseException)

    def _ready(self, entry: Entry, run: str) -> tuple[Ready, list[Guard]] | None:
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
            allowed = ready.allowed("before_recurring")
            if allowed and ready.custom is not None:
                return ready, []
            wanted = allowed and ready.allowed("before_enqueue")
            guards = ready.guards(self._space, f"{entry.name} {run}") if wanted else None
        except BaseException as error:
            if self._tries.another((entry.name, run), error):
                raise
            logger.exception("the entry %s of the schedule cannot be queued", entry.name)
            return None
        return None if guards is None else (ready, guards)


def run_now(
    space: Space, registry: Registry, entry: Entry, parameters: Mapping[str, Any] | None = None
) -> bool:
    """Put the job of an entry on its queue at once, with its hooks, as the web page's button does.

    Args:
        parameters: what the form of the page asks for where the entry has `parameters`; None: it is run as
            the scheduler runs it.

    Returns:
        Whether it was (a hook or a lock may refuse).

    Raises:
        NotAJob, MalformedPayload: it cannot be queued.
        InvalidSchedule: the parameters are none of this entry, or some are missing.
    """
    value = entry.value if parameters is None else _with_parameters(entry, parameters)
    ready = ready_entry(value, registry, space.style).decided()
    if not ready.allowed("before_recurring"):
        return False
    if not ready.run_custom():
        guards = ready.guards(space) if ready.allowed("before_enqueue") else None
        if guards is None or not locks.offer(space, [Offer(ready.queue, ready.payload, guards)])[0]:
            return False
        ready.after("after_enqueue")
    ready.after("after_recurring")
    return True


def _with_parameters(entry: Entry, given: Mapping[str, Any]) -> dict[str, Any]:
    """The entry with parameters in its args; one that is not given has its default, as in the form."""
    declared, args = entry.value.get("parameters") or {}, entry.value.get("args")
    if not isinstance(declared, dict) or not declared:
        if given:
            raise InvalidSchedule(f"{entry.name} takes no parameters: it has none in its entry")
        return entry.value
    args = {} if args is None or args is False else args
    if not isinstance(args, dict):
        raise InvalidSchedule(f"{entry.name}: its args must be one mapping, or parameters cannot go into it")
    unknown = ", ".join(key for key in given if key not in declared)
    if unknown:
        raise InvalidSchedule(f"{entry.name} has no parameter {unknown}; it has {', '.join(declared)}")
    told = {key: spec if isinstance(spec, dict) else {} for key, spec in declared.items()}
    defaults = {key: _as_text(spec["default"]) for key, spec in told.items() if "default" in spec}
    missing = ", ".join(key for key in declared if key not in given and key not in defaults)
    if missing:
        raise InvalidSchedule(f"{entry.name} needs {missing}: give each as NAME=VALUE")
    merged = {key: given[key] if key in given else defaults[key] for key in declared}
    return {**entry.value, "args": {**args, **merged}}


def _as_text(default: Any) -> str:
    """A default as it stands in the form, whose fields are texts."""
    if default is None or default is False:
        return ""
    return default if isinstance(default, str) else inspect(default)


def is_busy(space: Space, ready: Ready) -> bool:
    """Whether a job of the same class with the same arguments waits on this queue, or is worked on.

    The queue is looked at first: a job that leaves it in between is found with its worker.
    """
    hint = ready.class_name.encode()
    for place in range(0, queues.size(space, ready.queue), 1000):
        for raw in queues.elements(space, ready.queue, place, 1000):
            if (hint in raw or b"\\" in raw) and _is_same(raw, ready):
                return True
    for raw in workers.working_on(space, workers.ids(space)):
        payload = WorkingOn.parse(raw).payload
        if payload and payload.get("class") == ready.class_name and same(payload.get("args"), ready.args):
            return True
    return False


def _is_same(raw: bytes, ready: Ready) -> bool:
    try:
        payload = Payload.parse(raw)
    except MalformedPayload:
        return False
    return payload.class_name == ready.class_name and same(payload.args, ready.args)
