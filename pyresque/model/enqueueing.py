"""How a call of `enqueue` becomes an element of a queue."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyresque.errors import NoQueueError, NotAJob, RedisError
from pyresque.hooks import call
from pyresque.model.job_class import JobClass
from pyresque.model.registry import Registry
from pyresque.store import locks, queues
from pyresque.store.locks import Guard
from pyresque.store.space import Space
from pyresque.usercode.safely import plain_name
from pyresque.wire.encoding import Style
from pyresque.wire.records import job_bytes


@dataclass(frozen=True)
class Call:
    """A job about to be enqueued or dequeued; `job` is None where only its name is known here."""

    job: JobClass | None
    queue: str
    raw: bytes
    args: list[Any]

    @classmethod
    def of(
        cls,
        registry: Registry,
        style: Style,
        target: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        queue: str | None,
        is_checked: bool = True,
    ) -> Call:
        """Read a call: `target` is a registered function or class, or a class name.

        Among `kwargs`, `queue` names the queue, unless the job itself has a parameter of that name. Whoever
        looks for jobs (`is_checked=False`) may look for such as do not fit.

        Raises:
            NotAJob: it cannot be enqueued (no queue, an argument that Ruby could not read, ...).
            WrongArguments: the function could not be called so.
        """
        target = plain_name(target)
        job = None if isinstance(target, str) else registered_job(registry, target)
        if queue is None and not (job and "queue" in job.parameters.names):
            queue = kwargs.get("queue")
            kwargs = {name: value for name, value in kwargs.items() if name != "queue"}
        if job is None and kwargs:
            raise NotAJob(
                f"{target} is known by name only: give its arguments by position, not {', '.join(kwargs)}="
            )
        name = job.name if job else target
        positions = job.positions(args, kwargs, is_checked) if job else list(args)
        raw = job_bytes(name, positions, style)
        return cls(job, queue_for(job, name, queue), raw, positions)

    def allowed(self, kind: str) -> bool:
        """Run the hooks that may refuse; every one is called, even after one has said no.

        See docs/protocol/core.md#job-hooks.
        """
        answers = [call(hook, *self.args) for hook in (self.job.hooks(kind) if self.job else [])]
        return not any(answer is False for answer in answers)

    @property
    def guards(self) -> list[Guard]:
        """The locks that must be free for the job to be pushed, and that are taken with the push."""
        return self.job.guards(self.args) if self.job else []

    def after(self, kind: str) -> None:
        """Run the hooks that come after."""
        for hook in self.job.hooks(kind) if self.job else []:
            call(hook, *self.args)


def push_calls(
    space: Space, calls: Sequence[Call], receiver: Callable[[str, bytes], None] | None = None
) -> list[Call]:
    """Push jobs in order, each in one step with the locks that guard it.

    Args:
        receiver: takes the elements instead of Redis.

    Returns:
        Those that were: no lock kept them away.
    """
    attempt = uuid.uuid4().hex
    judged = [(one, one.guards, f"{attempt} {number}") for number, one in enumerate(calls)]
    try:
        free = [
            (one, here)
            for one, guards, name in judged
            if (here := locks.taken_with(space, guards, name)) is not None
        ]
        if any(here for _, here in free):
            offers = [locks.Offer("" if receiver else one.queue, one.raw, here) for one, here in free]
            said = locks.offer(space, offers)
            free = [pair for pair, yes in zip(free, said, strict=True) if yes]
        elif free and receiver is None:
            queues.push(space, _batches([one for one, _ in free]))
    except RedisError as error:
        for _, guards, name in [] if error.maybe_done else judged:
            locks.give_back(space, guards, name)
        raise
    found = [one for one, _ in free]
    if receiver is not None:
        for one in found:
            receiver(one.queue, one.raw)
    return found


def _batches(calls: Sequence[Call]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for one in calls:
        found.setdefault(one.queue, []).append(one.raw)
    return found


def queue_for(job: JobClass | None, name: str, queue: str | None) -> str:
    """The queue that is given, else the job's own.

    Raises:
        NoQueueError: there is neither, or what is given is no name.
    """
    queue = plain_name(queue)
    if queue is not None:
        if not isinstance(queue, str):
            raise NoQueueError(f"queue={queue!r} is no queue: give its name, for example queue='mail'")
        return queue
    if job is None or job.queue is None:
        raise NoQueueError(
            f"Jobs must be placed onto a queue. No queue could be inferred for class {name}: "
            "give one with queue=..."
        )
    return job.queue


def registered_job(registry: Registry, target: Any) -> JobClass:
    """The job that a function or class was registered as.

    Raises:
        NotAJob: it was not.
    """
    job = registry.of(target)
    if job is None:
        raise NotAJob(
            f"{target!r} is no job: register it with @job, or give a class name as text with queue="
        )
    return job
