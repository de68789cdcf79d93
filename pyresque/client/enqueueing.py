"""The verbs that put a job on its queue, or take it off again, and the job on its way there."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from pyresque.errors import MalformedPayload, NoClassError, NotAJob, RedisError
from pyresque.hooks import call
from pyresque.model.enqueue_options import NAMES, EnqueueOptions, options_of
from pyresque.model.job_class import JobClass, queue_for
from pyresque.model.job_types import Answer, JobCall, dequeues, enqueues, enqueues_to
from pyresque.model.registry import Registry
from pyresque.store import locks, queues
from pyresque.store.locks import Guard, Offer
from pyresque.store.space import Space
from pyresque.store.statuses import NewStatus
from pyresque.usercode.safely import is_by_signal, plain_name
from pyresque.wire.encoding import Style, encode, same
from pyresque.wire.extra_keys import has_extra_keys
from pyresque.wire.records import MAX_PAYLOAD_DEPTH, Payload

if TYPE_CHECKING:
    from pyresque.client.job_handle import JobHandle


@dataclass(frozen=True)
class OutgoingJob:
    """A job on its way to a queue: its payload as bytes, and the class whose hooks run about its push.

    `job` is None where only its name is known here; `options` is None where nothing was asked for. `status`
    is written with it, if it is tracked.
    """

    class_name: str
    queue: str
    args: list[Any]
    payload: bytes
    job: JobClass | None
    options: EnqueueOptions | None = None
    status: NewStatus | None = None

    def run_hooks(self, kind: str) -> bool:
        """Run all hooks of one kind; False if one returned False (docs/protocol/core.md#job-hooks)."""
        if self.job is None:
            return True
        hooks = self.job.found_hooks.get(kind)
        answers = [call(hook, *self.args) for hook in (self.job.hooks(kind) if hooks is None else hooks)]
        return not any(answer is False for answer in answers)

    def has_hooks(self, kind: str) -> bool:
        """Whether it has hooks of this kind."""
        return self.job is not None and bool(self.job.hooks(kind))

    def guards(self, space: Space) -> list[Guard]:
        """The locks that must be free for it to be pushed, and that are taken with the push."""
        guards = self.job.guards(self.args) if self.job is not None and self.job.guarding else []
        if self.options is None or not self.options.unique:
            return guards
        from pyresque.model.unique import unique_guard  # only who asks for it waits for it

        own = unique_guard(space, self.class_name, self.args, self.options.unique)
        return guards if any(guard.lock == own.lock for guard in guards) else [*guards, own]

    def offer(self, guards: Sequence[Guard], to_redis: bool = True) -> Offer:
        """Its push with all that belongs to it; without the push itself if it goes elsewhere."""
        at_front = self.options is not None and self.options.at_front
        return Offer(self.queue if to_redis else "", self.payload, guards, at_front, self.status)


def job_bytes(class_name: str, args: Iterable[Any], style: Style) -> bytes:
    """The element that Ruby would push for this job: `{"class":"Name","args":[...]}`.

    Raises:
        NoClassError: the class name is empty.
        Unencodable: an argument that JSON, or a Ruby worker's reader, cannot hold.
    """
    if not class_name:
        raise NoClassError("Jobs must be given a class.")
    return encode({"class": class_name, "args": list(args)}, style, max_depth=MAX_PAYLOAD_DEPTH)


class Enqueueing:
    """What `Resque` can do with jobs on queues."""

    def __init__(self, space: Space, registry: Registry) -> None:
        self.space = space
        self.registry = registry
        self._receiver: Callable[[str, bytes], None] | None = None

    @enqueues
    def enqueue(self, job: Any, *args: Any, **kwargs: Any) -> Answer[Literal[True] | None, JobHandle | None]:
        """Put a job on its queue, with its enqueue hooks (docs/protocol/core.md#client-operations).

        `job` is a registered function or class, or the class name of a job that only Ruby knows; a name
        needs `queue=`. Keyword arguments of a registered job become positions, those that cannot be any a
        hash behind them. Arguments may be whatever the annotations say, such as a UUID or a dataclass.

        These keywords are not arguments, unless the job has a parameter of that name: `queue` names another
        queue; `at_front=True` puts the job at the head of it; `track=True` gives the job an id, under which
        its status and result are kept (docs/tracking.md). `ttl` is for how long it may wait, and
        `unique=True` keeps equal jobs away while it waits (docs/limits.md).

        Returns:
            True, or a JobHandle if the job is tracked; None if a before_enqueue hook returned False, or an
            equal job waits.

        Raises:
            NotAJob: it cannot be enqueued (no queue, an argument that Ruby could not read, ...).
            WrongArguments: the function could not be called so, or an argument does not fit its annotation.
            RedisUnavailable: Redis could not be reached; `maybe_done` tells if the job may be there.
        """
        return self._enqueue(self._outgoing(job, args, kwargs))

    @enqueues_to
    def enqueue_to(
        self, queue: str, job: Any, *args: Any, **kwargs: Any
    ) -> Answer[Literal[True] | None, JobHandle | None]:
        """Like `enqueue`, on a queue of your choice."""
        return self._enqueue(self._outgoing(job, args, kwargs, queue))

    def handle(self, job_id: str) -> JobHandle:
        """The handle of a job that was enqueued with `track=True`, by its id, whether it exists or not."""
        from pyresque.client.job_handle import JobHandle  # only who tracks jobs waits for it

        return JobHandle(self.space, job_id)

    def enqueue_many(self, jobs: Iterable[JobCall], queue: str | None = None) -> int:
        """Enqueue many jobs in one round trip.

        Args:
            jobs: for each job a sequence of the job (as for `enqueue`) and its arguments.
            queue: the queue for all of them, instead of their own; needed for class names.

        Returns:
            How many were put on their queues (a before_enqueue hook may refuse some).

        Raises:
            NotAJob: one of them cannot be enqueued; none is then.
        """
        outgoing = [self._outgoing(job, args, {}, queue) for job, *args in map(_listed, jobs)]
        pushed = self._pushed([job for job in outgoing if job.run_hooks("before_enqueue")])
        for job in pushed:
            job.run_hooks("after_enqueue")
        return len(pushed)

    def push(self, queue: str, item: dict[str, Any]) -> None:
        """Put an object on a queue as it is, without hooks.

        Raises:
            NotAJob: it is not an object with a class, or Ruby could not read it.
        """
        if not isinstance(item, dict) or not isinstance(item.get("class"), str):
            raise NotAJob('an element of a queue must be {"class": name, "args": [...]}')
        self._push({plain_name(queue): [encode(item, self.space.style, max_depth=MAX_PAYLOAD_DEPTH)]})

    @contextmanager
    def pushing_to(self, receiver: Callable[[str, bytes], None]) -> Iterator[None]:
        """Within the block every job goes to `receiver(queue, element)` instead of Redis (see testing)."""
        before, self._receiver = self._receiver, receiver
        try:
            yield
        finally:
            self._receiver = before

    @dequeues
    def dequeue(self, job: Any, *args: Any, queue: str | None = None, **kwargs: Any) -> int | None:
        """Remove a job from its queue: every element with this class, and these arguments if any are given.

        Compares decoded values, so elements written by Rails, Oj or another language are found too.

        Returns:
            How many were removed; None if a before_dequeue hook returned False.
        """
        job = plain_name(job)
        registered = None if isinstance(job, str) else self.registry.job_of(job)
        name = registered.name if registered else str(job)
        if registered and queue is not None and "queue" in registered.parameters.names:
            kwargs, queue = {**kwargs, "queue": queue}, None
        queue = queue_for(registered, name, queue)
        has_args = bool(args or kwargs)
        positions = registered.parameters.written(args, kwargs, False) if registered and has_args else args
        doomed = OutgoingJob(name, queue, list(positions), b"", registered)
        if not doomed.run_hooks("before_dequeue"):
            return None
        removed = self.destroy(queue, name, *positions) if has_args else self.destroy(queue, name)
        doomed.run_hooks("after_dequeue")
        return removed

    def destroy(self, queue: str, class_name: str, *args: Any) -> int:
        """Like `dequeue`, by names and without hooks; returns how many were removed."""
        class_name = plain_name(class_name)
        encoded_args = Payload.parse(job_bytes(class_name, args, self.space.style)).args if args else None

        def locks_of(raw: bytes) -> list[str] | None:
            try:
                payload = Payload.parse(raw)
            except MalformedPayload:
                return None
            if payload.class_name == class_name and (
                encoded_args is None or same(payload.args, encoded_args)
            ):
                return self._keys_of(payload)
            return None

        return queues.remove_if(self.space, queue, locks_of)

    def empty(self, queue: str) -> int:
        """Remove every job of a queue, which stays known; returns how many there were.

        The locks that they hold (`Loner`), and the statuses of tracked jobs, go with them.
        """
        queue = queue_for(None, "", queue)
        if not self._has_locks() and not any(map(has_extra_keys, queues.each(self.space, queue))):
            return queues.empty(self.space, queue)
        return queues.remove_if(self.space, queue, self._keys_held)

    def _keys_held(self, raw: bytes) -> list[str]:
        """The keys that go with an element of a queue: its locks and its status."""
        if not self._has_locks() and not has_extra_keys(raw):
            return []
        try:
            payload = Payload.parse(raw)
        except MalformedPayload:
            return []
        return self._keys_of(payload)

    def _has_locks(self) -> bool:
        """Whether any registered job holds locks while it waits."""
        return any(job.guarding or job.options.get("unique") for job in self.registry.jobs())

    def _keys_of(self, payload: Payload) -> list[str]:
        """The keys that go with a job that is removed from its queue: the locks that it holds, its status."""
        job = self.registry.find(payload.class_name)
        keys = list[str]()
        try:
            keys += [guard.lock for guard in job.guards(payload.args)] if job else []
        except Exception as error:  # arguments that its plugin cannot read: then it took no lock for them
            if is_by_signal(error):
                raise
        if len(payload.value) > 2 or (job is not None and job.options.get("unique")):
            from pyresque.model.unique import keys_with

            keys += keys_with(self.space, job, payload)
        return keys

    def pop(self, queue: str) -> dict[str, Any] | None:
        """Remove and return the first job of a queue; None if the queue is empty.

        Raises:
            MalformedPayload: the first element is not a job; it stays where it is.
        """
        while (raw := queues.first(self.space, queue)) is not None:
            payload = Payload.parse(raw)
            if queues.remove_first(self.space, queue, raw):
                return payload.value
        return None

    def _outgoing(
        self,
        target: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        queue: str | None = None,
        is_checked: bool = True,
        due: float | None = None,
    ) -> OutgoingJob:
        """Read a call of a verb: `target` is a registered function or class, or a class name.

        Among `kwargs`, `queue` names the queue, unless the job itself has a parameter of that name; so it is
        with the options. Whoever looks for jobs (`is_checked=False`) may look for such as do not fit.

        Args:
            due: when it is to go to its queue (seconds since the epoch); None: now.

        Raises:
            NotAJob: it cannot be enqueued (no queue, an argument that Ruby could not read, ...).
            WrongArguments: the function could not be called so.
        """
        job = self.registry.of(target)
        if job is None and not isinstance(target := plain_name(target), str):
            job = self.registry.job_of(target)
        if queue is None and "queue" in kwargs and not (job and "queue" in job.parameters.names):
            queue = kwargs["queue"]
            kwargs = {name: value for name, value in kwargs.items() if name != "queue"}
        options: EnqueueOptions | None = None
        if (job is not None and job.options) or (kwargs and not NAMES.isdisjoint(kwargs)):
            options, kwargs = options_of(job, kwargs)
        if job is not None:
            name, positions = job.name, job.parameters.written(args, kwargs, is_checked)
        elif kwargs:
            raise NotAJob(
                f"{target} is known by name only: give its arguments by position, not {', '.join(kwargs)}="
            )
        else:
            name, positions = target, list(args)
        payload = job_bytes(name, positions, self.space.style)
        own_queue = job.queue if job is not None and queue is None else None
        status = None
        if options is not None:
            from pyresque.model.tracking import with_options  # only who asks for something waits for it

            payload, status = with_options(payload, options, (name, positions), self.space.style, due)
        own_queue = own_queue or queue_for(job, name, queue)
        return OutgoingJob(name, own_queue, positions, payload, job, options, status)

    def _enqueue(self, job: OutgoingJob) -> Answer[Any, Any]:
        answer: Any = None
        if job.run_hooks("before_enqueue") and self._pushed([job]):
            job.run_hooks("after_enqueue")
            answer = True if job.status is None else self.handle(job.status.uuid)
        return cast("Answer[Any, Any]", answer)

    def _pushed(self, jobs: Sequence[OutgoingJob]) -> Sequence[OutgoingJob]:
        """Push jobs in order, each with what belongs to it; returns those that no lock kept away."""
        if any(job.options is not None or (job.job is not None and job.job.guarding) for job in jobs):
            jobs = self._pushed_with_more(jobs)
        elif self._receiver is None and jobs:
            batches: dict[str, list[bytes]] = {}
            for job in jobs:
                batches.setdefault(job.queue, []).append(job.payload)
            queues.push(self.space, batches)
        if self._receiver is not None:
            for job in jobs:
                self._receiver(job.queue, job.payload)
        return jobs

    def _pushed_with_more(self, jobs: Sequence[OutgoingJob]) -> Sequence[OutgoingJob]:
        """The same where there are locks, options or statuses; with a receiver no job goes to a queue."""
        token = uuid.uuid4().hex
        judged = [(job, job.guards(self.space), f"{token} {number}") for number, job in enumerate(jobs)]
        try:
            free = [
                (job, here)
                for job, guards, attempt in judged
                if (here := locks.taken_with(self.space, guards, attempt)) is not None
            ]
            to_redis = self._receiver is None
            if any(here or job.status for job, here in free) or (free and to_redis):
                offers = [job.offer(here, to_redis) for job, here in free]
                answers = locks.offer(self.space, offers)
                free = [pair for pair, is_pushed in zip(free, answers, strict=True) if is_pushed]
        except RedisError as error:
            for _, guards, attempt in [] if error.maybe_done else judged:
                locks.give_back(self.space, guards, attempt)
            raise
        return [job for job, _ in free]

    def _push(self, batches: dict[str, list[bytes]]) -> int:
        """Push elements as they are; returns how many there were."""
        if self._receiver is None:
            return queues.push(self.space, batches)
        for queue, items in batches.items():
            for item in items:
                self._receiver(queue, item)
        return sum(map(len, batches.values()))


def _listed(call: Any) -> Sequence[Any]:
    if not isinstance(call, Sequence) or isinstance(call, str) or not call:
        raise NotAJob(f"enqueue_many takes a sequence for each job, (job, argument, ...), not {call!r}")
    return call
