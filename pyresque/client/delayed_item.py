"""How a delayed job or an entry of the schedule becomes a job on its queue.

See docs/protocol/scheduler.md#from-an-item-to-a-job.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from pyresque.client.enqueueing import OutgoingJob
from pyresque.errors import MalformedPayload, NoQueueError
from pyresque.hooks import call
from pyresque.keys import second_of_list
from pyresque.log import Log
from pyresque.model.enqueue_options import EnqueueOptions, options_of
from pyresque.model.job_class import JobClass
from pyresque.model.registry import Registry
from pyresque.store import locks
from pyresque.store.delayed import Element, Move
from pyresque.store.locks import Guard
from pyresque.store.space import Space
from pyresque.wire.encoding import Style, encode
from pyresque.wire.extra_keys import EXPIRES, UNIQUE, unique_seconds
from pyresque.wire.records import Payload, shown, spread

logger = Log("pyresque.scheduler")

PLAIN = "Resque::Job"
"""The `custom_job_class` that changes nothing."""

HOOKS = ("before_delayed_enqueue", "before_enqueue", "after_enqueue")
"""The hooks that run about the push of a delayed job."""

_MEMBERS: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True)
class DelayedItem:
    """A delayed job: when it is due (seconds since the epoch), what it is, and its exact bytes.

    Of an item that is not a job, `class_name` is empty. `queue` is None where the item names none.
    """

    at: int
    class_name: str
    args: list[Any]
    queue: str | None
    raw: bytes
    element: Element

    @classmethod
    def read(cls, element: Element) -> DelayedItem:
        """Read an item, whoever wrote it; never raises."""
        at = second_of_list(element[0])
        try:
            value = Payload.parse(element[1]).value
        except MalformedPayload:
            return cls(at, "", [], None, element[1], element)
        name, queue = value.get("class"), value.get("queue")
        return cls(
            at,
            name if isinstance(name, str) else "",
            spread(value.get("args")),
            queue if isinstance(queue, str) else None,
            element[1],
            element,
        )

    @property
    def id(self) -> str:
        """The digest of its second and its bytes: equal jobs of one second have the same."""
        return hashlib.sha1(b"%b %b" % self.element).hexdigest()[:16]  # noqa: S324 (no secret)

    @property
    def job_class(self) -> str:
        """The class as people know it: of an Active Job its own; empty if this is not a job."""
        return shown({"class": self.class_name, "args": self.args})[0]

    @property
    def job_args(self) -> Any:
        """The arguments as people know them: of an Active Job its own."""
        return shown({"class": self.class_name, "args": self.args})[1]

    def payload(self, style: Style) -> bytes:
        """The job without its queue, as a failure shows it; empty if it is not a job."""
        if not self.class_name:
            return b""
        value = Payload.parse(self.raw).value
        others = {key: item for key, item in value.items() if key not in ("class", "args", "queue")}
        return encode({"class": self.class_name, "args": self.args, **others}, style)


def attempt_of(element: Element) -> str:
    """What the push of a delayed job is known by, to whoever tries it again: this process or another."""
    return f"{element[0].decode('utf-8', 'replace')} {hashlib.sha1(element[1]).hexdigest()}"  # noqa: S324 (no secret)


@dataclass(frozen=True)
class ScheduledJob(OutgoingJob):
    """A job on its way to a queue that was delayed, or that an entry of the schedule describes.

    `sources` are objects with a method `scheduled`, which may put a job on a queue itself; `scheduled` is the
    one that does, once `decided`.
    """

    sources: tuple[Any, ...] = ()
    scheduled: Callable[..., Any] | None = None

    @property
    def has_code(self) -> bool:
        """Whether code of the application runs about its push, or instead of it."""
        is_guarded = self.job is not None and bool(self.job.guarding)
        is_guarded = is_guarded or (self.options is not None and self.options.unique > 0)
        return bool(self.sources) or is_guarded or any(map(self.has_hooks, HOOKS))

    def decided(self) -> ScheduledJob:
        """The same, once the job's class and plugins were asked whether they put it on a queue themselves."""
        return replace(self, scheduled=_scheduled_of(self.sources, self.args))

    def move(self, element: Element, space: Space) -> Move:
        """Run the hooks before its push; returns what is to become of the delayed job at this place."""
        self.run_hooks("before_delayed_enqueue")
        guards = None
        if not self.run_scheduled() and self.run_hooks("before_enqueue"):
            guards = self.guards_at(space, attempt_of(element))
        if guards is None:
            return Move(element, copies=1)
        return Move(element, self.queue, self.payload, copies=1, guards=guards)

    def guards_at(self, space: Space, attempt: str = "") -> list[Guard] | None:
        """The locks that its push at `space` takes with it; None if one of them is held.

        Args:
            attempt: what the push is known by when it is tried again.
        """
        return locks.taken_with(space, self.guards(space), attempt)

    def keep_guards(self, space: Space, attempt: str) -> None:
        """The push was made: another one, of an equal job, does not find the locks for its own."""
        if self.job is not None and self.job.guarding:
            locks.keep(space, self.guards(space), attempt)

    def run_hooks_after(self, kind: str, caught: type[BaseException] = Exception) -> None:
        """Run the hooks that come after the push; what one raises is logged, for the job is on its queue."""
        try:
            self.run_hooks(kind)
        except caught:
            logger.exception("a hook %s of %s failed; the job is on its queue", kind, self.class_name)

    def run_scheduled(self) -> bool:
        """Let the class put the job on a queue itself, if it wants to; whether it did."""
        if self.scheduled is None:
            return False
        call(self.scheduled, self.queue, self.class_name, *self.args)
        return True


def ready_item(raw: bytes, registry: Registry, style: Style = "ruby") -> ScheduledJob:
    """A delayed job as it goes to its queue: every value keeps its bytes, `queue` is left out.

    Keys of the writer's own go along (Ruby drops them). A class that is registered gets the name that it has
    there: `send-email` may stand for `SendEmail`.

    Raises:
        MalformedPayload: it is not a job.
        NoQueueError: no queue is named, here or there.
    """
    value = Payload.parse(raw).value
    members = {name: bytes(member) for name, member in _MEMBERS.decode(raw).items()}
    return _ready(value, members, registry, style)


def ready_entry(value: dict[str, Any], registry: Registry, style: Style) -> ScheduledJob:
    """A job as an entry of the schedule describes it: `class`, `args`, `queue`, `custom_job_class`.

    With `active_job: true` it is one of a class that only Rails knows.

    Raises:
        MalformedPayload: it has no class.
        NoQueueError: no queue is named, here or there.
        Unencodable: the arguments hold something that JSON cannot.
    """
    names = ("class", "args", "queue", "custom_job_class")
    members = {name: value[name] for name in names if name in value}
    if value.get("active_job") is True:
        members["active_job"] = True
    return _ready(members, {name: encode(item, style) for name, item in members.items()}, registry, style)


def scheduled_of(job: JobClass | None, args: Sequence[Any]) -> Callable[..., Any] | None:
    """The `scheduled` with which a job's class, or a plugin, puts a scheduled job on a queue itself.

    A plugin that has `is_scheduled` is asked whether it is meant: a retry comes the same way.
    """
    return _scheduled_of(_with_scheduled(job), args)


def _scheduled_of(sources: Iterable[Any], args: Sequence[Any]) -> Callable[..., Any] | None:
    for source in sources:
        is_scheduled = getattr(source, "is_scheduled", None)
        if is_scheduled is None or is_scheduled(args):
            scheduled: Callable[..., Any] = source.scheduled
            return scheduled
    return None


def _with_scheduled(job: JobClass | None) -> tuple[Any, ...]:
    sources = () if job is None else (job.target, *job.plugins)
    return tuple(source for source in sources if callable(getattr(source, "scheduled", None)))


def _ready(
    value: dict[str, Any], members: dict[str, bytes], registry: Registry, style: Style
) -> ScheduledJob:
    name = _class_of(value)
    job = registry.find(name)
    wrapped = None if job is not None else _wrapped(value, name, registry)
    if wrapped is not None:
        return ScheduledJob(name, wrapped[0], spread(value.get("args")), encode(wrapped[1], style), None)
    queue = _queue(value.get("queue"), job, name)
    custom_name = value.get("custom_job_class")
    args = spread(value.get("args"))
    sources = _with_scheduled(job)
    if isinstance(custom_name, str) and custom_name not in ("", PLAIN):
        job, sources = None, _with_scheduled(registry.find(custom_name))
        wire_name = custom_name
    else:
        wire_name = name if job is None else job.name
        name = wire_name
    parts = [b'"class":' + encode(wire_name, style), b'"args":' + _spread(members.get("args", b"null"))]
    for key, member in members.items():
        if key not in ("class", "args", "queue", "custom_job_class"):
            parts.append(encode(key, style) + b":" + member)
    options, further = _asked(value, job)
    parts += further
    return ScheduledJob(name, queue, args, b"{" + b",".join(parts) + b"}", job, options, sources=sources)


def _asked(value: dict[str, Any], job: JobClass | None) -> tuple[EnqueueOptions | None, list[bytes]]:
    """What is asked of its push: that no equal one waits; and the keys of its class that it lacks."""
    seconds = unique_seconds(value)
    options = options_of(job, {})[0] if job is not None and job.options else None
    if options is None:
        return EnqueueOptions(unique=seconds) if seconds else None, []
    missing = []
    if options.unique and not seconds:
        seconds = options.unique
        missing.append(b'"%b":%d' % (UNIQUE.encode(), seconds))
    if options.ttl is not None and EXPIRES not in value:
        missing.append(b'"%b":%d' % (EXPIRES.encode(), math.ceil(time.time() + options.ttl)))
    return EnqueueOptions(unique=seconds) if seconds else None, missing


def _wrapped(value: dict[str, Any], name: str, registry: Registry) -> tuple[str, dict[str, Any]] | None:
    """Queue and payload of a job that names an Active Job's class.

    See docs/protocol/scheduler.md#rules-for-a-scheduler.

    It is one if it is registered here as such, or is marked with `active_job: true`.
    """
    named = value.get("queue") is not None and value.get("queue") is not False
    queue = _queue(value.get("queue"), None, name) if named else None
    payload = registry.wrapped(name, value.get("args"), queue)
    if payload is None and value.get("active_job") is True:
        from pyresque.active_job.directory import directory_of  # only who has such entries waits for it

        payload = directory_of(registry).wrapper(name, value.get("args"), _queue(queue, None, name))
    return None if payload is None else (str(payload["args"][0]["queue_name"]), payload)


def _class_of(value: dict[str, Any]) -> str:
    name = value.get("class")
    if not isinstance(name, str) or not name:
        raise MalformedPayload("it has no class")
    return name


def _queue(queue: Any, job: JobClass | None, name: str) -> str:
    if isinstance(queue, str):
        return queue
    if queue is not None and queue is not False:
        if isinstance(queue, int) and queue is not True:
            return str(queue)
        raise MalformedPayload("its queue is not a name")
    if job is None or job.queue is None:
        raise NoQueueError(f"no queue is known for {name}: register it here, or give it a queue")
    return job.queue


def _spread(raw: bytes) -> bytes:
    if raw in (b"null", b"false"):
        return b"[]"
    return raw if raw.startswith(b"[") else b"[" + raw + b"]"


def names_to_show(registry: Registry) -> list[str]:
    """The classes whose jobs Python must see: they have hooks, a way of their own, or need a wrapper."""
    wrapped = [job.name for job in registry.wrapped_jobs()]
    return wrapped + [job.name for job in registry.jobs() if _may_have_code(job)]


def _may_have_code(job: JobClass) -> bool:
    try:
        is_special = job.guarding or not {"unique", "ttl"}.isdisjoint(job.options)
        return bool(_with_scheduled(job) or is_special or any(map(job.hooks, HOOKS)))
    except BaseException:
        return True  # a class that cannot be asked: each of its jobs tells what is wrong with it
