"""The verbs for delayed jobs: part of `Resque`, under the names that resque-scheduler gives them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from pyresque.client.delayed_item import DelayedItem, attempt_of, ready_item, scheduled_of
from pyresque.client.enqueueing import Enqueueing, OutgoingJob
from pyresque.client.move_delayed import DelayedMover, not_in_hand, remove_items, with_job_in_hand
from pyresque.errors import NotAJob, RedisError
from pyresque.hooks import call
from pyresque.keys import delayed_list, second_of_list
from pyresque.model.job_types import Answer, AnyJob, enqueues_at, enqueues_to_at, finds, finds_at, moves_to
from pyresque.model.moments import Moment, second_after, second_of
from pyresque.store import delayed, locks, statuses
from pyresque.store.delayed import Element, Move
from pyresque.usercode.safely import plain_name
from pyresque.wire.encoding import encode, same
from pyresque.wire.extra_keys import EXPIRES, expires_at, has_extra_keys
from pyresque.wire.records import Payload, with_queue

if TYPE_CHECKING:
    from pyresque.client.job_handle import JobHandle

Delayed: TypeAlias = "Answer[bool | None, JobHandle | None]"
"""What the verbs answer that delay a job."""
ArgsTest = Callable[[list[Any]], object]
"""A question about the arguments of a job."""


class Delaying(Enqueueing):
    """What `Resque` can do with delayed jobs.

    Jobs are found by what they say, not by their bytes: those that Rails, Oj or another language wrote, too.
    For that every delayed job is read. A class registered here is looked for on its own queue, or the one
    given with `queue=`; a class name without `queue=` on any.
    """

    @enqueues_at
    def enqueue_at(self, moment: Moment, job: Any, /, *args: Any, **kwargs: Any) -> Delayed:
        """Put a job on its queue at this moment; at once if that is now or past.

        Args:
            moment: seconds since the epoch, or a datetime with a zone.
            job: as for `enqueue`; `queue=` names another queue than the job's own, `track=True` gives it
                an id.

        Returns:
            True, or a JobHandle if the job is tracked; None if a before_schedule (now: before_enqueue) hook
            refused; False if an after_schedule hook said so, though the job is delayed. Now, for a class with
            its own `scheduled`: its answer.

        Raises:
            InvalidTime: the moment is none, or a datetime without a zone.
            NotAJob: it cannot be enqueued.
        """
        second = second_of(moment)
        return self._delay(second, self._outgoing(job, args, kwargs, due=second))

    @enqueues_at
    def enqueue_in(self, delay: float | timedelta, job: Any, /, *args: Any, **kwargs: Any) -> Delayed:
        """Put a job on its queue after so many seconds, or a timedelta; see `enqueue_at`."""
        second = second_after(delay)
        return self._delay(second, self._outgoing(job, args, kwargs, due=second))

    @enqueues_to_at
    def enqueue_at_with_queue(
        self, queue: str, moment: Moment, job: Any, /, *args: Any, **kwargs: Any
    ) -> Delayed:
        """Like `enqueue_at`, on a queue of your choice."""
        second = second_of(moment)
        return self._delay(second, self._outgoing(job, args, kwargs, queue, due=second))

    @enqueues_to_at
    def enqueue_in_with_queue(
        self, queue: str, delay: float | timedelta, job: Any, /, *args: Any, **kwargs: Any
    ) -> Delayed:
        """Like `enqueue_in`, on a queue of your choice."""
        second = second_after(delay)
        return self._delay(second, self._outgoing(job, args, kwargs, queue, due=second))

    @moves_to
    def delay_or_enqueue_at(self, moment: Moment, job: Any, /, *args: Any, **kwargs: Any) -> int:
        """Move what is delayed of this job to this moment; if nothing is, delay it.

        All in one step, unless the job has hooks, or a `scheduled` of its own: then one after the other, and
        what a hook refuses, or an error, stays as it was.

        Returns:
            How many jobs are delayed (or, if the moment is past, on the queue) by this.
        """
        second = second_of(moment)
        return self._delay_again(second, self._outgoing(job, args, kwargs, due=second))

    @moves_to
    def delay_or_enqueue_in(self, delay: float | timedelta, job: Any, /, *args: Any, **kwargs: Any) -> int:
        """Like `delay_or_enqueue_at`, after so many seconds, or a timedelta."""
        second = second_after(delay)
        return self._delay_again(second, self._outgoing(job, args, kwargs, due=second))

    @finds
    def remove_delayed(self, job: Any, /, *args: Any, **kwargs: Any) -> int:
        """Remove a delayed job with exactly these arguments, at any moment; returns how many were removed."""
        return self._remove(self._items_of(job, args, kwargs))

    def remove_delayed_selection(self, wanted: ArgsTest, job: AnyJob | None = None) -> int:
        """Remove the delayed jobs for which `wanted(args)` is true, of one class if one is given."""
        return self._remove(self.find_delayed(wanted, job))

    @finds_at
    def remove_delayed_job_from_timestamp(
        self, moment: Moment, job: Any, /, *args: Any, **kwargs: Any
    ) -> int:
        """Like `remove_delayed`, of one second only; a second without jobs is forgotten, as in Ruby."""
        second = second_of(moment)
        items = [item for item in self._items_of(job, args, kwargs) if item.at == second]
        removed = self._remove(items, tidy=True)
        if not removed:
            delayed.forget_if_empty(self.space, second)
        return removed

    @finds
    def enqueue_delayed(self, job: Any, /, *args: Any, **kwargs: Any) -> int:
        """Put a delayed job on its queue now, with the hooks of a drain; returns how many went."""
        return self.enqueue_found(self._items_of(job, args, kwargs), tidy=False)

    def enqueue_delayed_selection(self, wanted: ArgsTest, job: AnyJob | None = None) -> int:
        """The same with the delayed jobs for which `wanted(args)` is true; equal ones one after the other."""
        items = self.find_delayed(wanted, job)
        first: dict[bytes, int] = {}
        for index, item in enumerate(items):
            first.setdefault(item.raw, index)
        return self.enqueue_found(sorted(items, key=lambda item: first[item.raw]), tidy=False)

    def find_delayed(self, wanted: ArgsTest | None = None, job: AnyJob | None = None) -> list[DelayedItem]:
        """The delayed jobs by time: all, or those for which `wanted(args)` is true; of one class if given."""
        name = plain_name(job)
        if name is not None and not isinstance(name, str):
            name = self.registry.job_of(name).name
        return [
            item
            for item in self.each_delayed()
            if (name is None or item.class_name == name)
            and (wanted is None or (item.class_name and wanted(item.args)))
        ]

    def each_delayed(self) -> Iterator[DelayedItem]:
        """Every delayed job, by time, read piece by piece; items that are not jobs, too.

        In a hook or `scheduled` of a job that is being enqueued that job is left out, here and in all that
        looks for jobs.
        """
        return map(DelayedItem.read, filter(not_in_hand, delayed.each(self.space)))

    @finds
    def scheduled_at(self, job: Any, /, *args: Any, **kwargs: Any) -> list[int]:
        """The seconds at which this job is due, in order."""
        return sorted({item.at for item in self._items_of(job, args, kwargs)})

    @finds
    def is_delayed(self, job: Any, /, *args: Any, **kwargs: Any) -> bool:
        """Whether this job is delayed (Ruby: `delayed?`)."""
        return bool(self._items_of(job, args, kwargs))

    def delayed_queue_peek(self, start: int = 0, count: int = 1) -> list[int]:
        """Seconds for which jobs are delayed, in order."""
        names = delayed.seconds(self.space, start, count)
        return [int(name) for name in names if name.isdigit()]

    def delayed_queue_schedule_size(self) -> int:
        """How many seconds are in the index of delayed jobs, those of emptied lists too."""
        return delayed.seconds_known(self.space)

    def delayed_timestamp_size(self, moment: Moment) -> int:
        """How many jobs are delayed until this second."""
        return delayed.sizes(self.space, [b"%d" % second_of(moment)])[0]

    def delayed_timestamp_peek(self, moment: Moment, start: int = 0, count: int = 1) -> list[DelayedItem]:
        """Jobs that are delayed until this second, in order."""
        second = second_of(moment)
        name = delayed_list(second)
        return [DelayedItem.read((name, raw)) for raw in delayed.items(self.space, second, start, count)]

    def count_all_scheduled_jobs(self) -> int:
        """How many jobs are delayed."""
        return sum(delayed.sizes(self.space, delayed.all_seconds(self.space)))

    def next_delayed_timestamp(self, moment: Moment | None = None) -> int | None:
        """The first second with delayed jobs that is not after this moment, or now; else None."""
        name = delayed.first_second(self.space, second_of(time.time() if moment is None else moment))
        return int(name) if name is not None and name.isdigit() else None

    def reset_delayed_queue(self) -> int:
        """Forget every delayed job; returns how many there were."""
        from pyresque.store import delayed_seconds  # few reset

        return delayed_seconds.reset(self.space)[0]

    def remove_found(self, found: Sequence[DelayedItem]) -> int:
        """Remove delayed jobs that `find_delayed` gave; returns how many were still there."""
        return self._remove(found, tidy=True)

    def enqueue_found(self, found: Sequence[DelayedItem], *, tidy: bool = True) -> int:
        """Put delayed jobs that `find_delayed` gave on their queues now; returns how many were still there.

        They go in order. An error, of a hook for example, leaves its job and all behind it delayed.

        Args:
            tidy: forget seconds that have become empty, as Ruby's web page does (its verbs do not).

        Raises:
            MalformedPayload: one of them is not a job.
            NoQueueError: no queue is named for one of them.
        """
        mover = DelayedMover(self.space, self.registry, tidy=tidy)
        mover.take(item.element for item in found)
        return mover.taken

    def _delay(self, second: int, job: OutgoingJob) -> Answer[Any, Any]:
        _check_end(job)
        if second <= int(time.time()) or self._receiver is not None:
            scheduled = scheduled_of(job.job, job.args) if self._receiver is None else None
            if scheduled is None:
                return self._enqueue(job)
            return cast("Answer[Any, Any]", _call_scheduled(job, scheduled))
        if not job.run_hooks("before_schedule"):
            return cast("Answer[Any, Any]", None)
        with self._status_of(job):
            delayed.delay(self.space, second, self._forms(job))
        answer: Any = job.run_hooks("after_schedule")
        return cast("Answer[Any, Any]", answer if job.status is None else self.handle(job.status.uuid))

    @contextmanager
    def _status_of(self, job: OutgoingJob) -> Iterator[None]:
        """Write its status, if it is tracked; where it was certainly not delayed then, that goes again."""
        if job.status is None:
            yield
            return
        locks.offer(self.space, [job.offer((), to_redis=False)])
        try:
            yield
        except RedisError as error:
            if not error.maybe_done:
                with suppress(RedisError):
                    statuses.remove(self.space, job.status.uuid)
            raise

    def _forms(self, job: OutgoingJob) -> delayed.Job:
        return delayed.Job(with_queue(job.payload, job.queue, self.space.style), job.queue, job.payload)

    def _delay_again(self, second: int, job: OutgoingJob) -> int:
        if self._receiver is not None:
            return int(self._enqueue(job) is not None)
        is_due = second <= int(time.time())
        _check_end(job)
        elements = [item.element for item in self._equal(job)]
        scheduled = scheduled_of(job.job, job.args) if is_due else None
        if scheduled is not None:
            return self._schedule_each(elements, job, scheduled)
        hooks = ("before_enqueue", "after_enqueue") if is_due else ("before_schedule", "after_schedule")
        epoch = None if is_due else second
        has_more = job.options is not None or any(has_extra_keys(raw) for _, raw in elements)
        if (
            has_more
            or any(map(job.has_hooks, hooks))
            or (is_due and job.job is not None and job.job.guarding)
        ):
            return self._delay_each(elements, job, epoch, hooks)
        return delayed.delay(self.space, epoch, self._forms(job), list(dict.fromkeys(elements)))

    def _schedule_each(
        self, elements: Sequence[Element], job: OutgoingJob, scheduled: Callable[..., Any]
    ) -> int:
        """Let the class put each of these on a queue itself, then take it; if none is there, let it once."""
        count = 0
        for element in elements:
            if delayed.stands(self.space, element):
                with_job_in_hand(element, _call_scheduled, job, scheduled)
                delayed.take(self.space, [Move(element, copies=1)])
                count += 1
        if not count:
            _call_scheduled(job, scheduled)
        return max(1, count)

    def _delay_each(
        self, elements: Sequence[Element], job: OutgoingJob, epoch: int | None, hooks: tuple[str, str]
    ) -> int:
        """Move each of these with the hooks about it; if none is there, delay one."""
        written = 0
        for number, element in enumerate(elements or [None], 1):
            needed = int(number >= len(elements) and not written)
            is_there = element is not None and delayed.stands(self.space, element)
            if (is_there or needed) and with_job_in_hand(element, job.run_hooks, hooks[0]):
                count = self._move(element if is_there else None, job, epoch, needed)
                written += count
                if count:
                    job.run_hooks(hooks[1])
        return written

    def _move(self, element: Element | None, job: OutgoingJob, epoch: int | None, least: int) -> int:
        """Delay a job anew, or enqueue it where no second is given; returns how often that was done."""
        if element is not None:
            job = self._kept(element, job, epoch)
        if epoch is not None:
            instead = [] if element is None else [element]
            with self._status_of(job):
                return delayed.delay(self.space, epoch, self._forms(job), instead, copies=1, least=least)
        if element is None:
            return len(self._pushed([job]))
        attempt = attempt_of(element)
        guards = locks.taken_with(self.space, job.guards(self.space), attempt)
        if guards is None:
            return 0
        move = Move(element, job.queue, job.payload, copies=1, guards=guards, keep=True)
        answer = delayed.take(self.space, [move])
        if answer is None or not answer.counts[0]:
            return 0
        locks.keep(self.space, job.guards(self.space), attempt)
        return 1

    def _kept(self, element: Element, job: OutgoingJob, epoch: int | None) -> OutgoingJob:
        """The same job as it was delayed: with its own id and whatever else; it expires as much later."""
        if job.options is None and not has_extra_keys(element[1]):
            return job
        value = Payload.parse(element[1]).value
        until = expires_at(value)
        if until is not None:
            moved = (int(time.time()) if epoch is None else epoch) - second_of_list(element[0])
            value[EXPIRES] = until + moved
        own = ready_item(encode(value, self.space.style), self.registry, self.space.style)
        if epoch is not None:  # what its class asks for comes with its push
            del value["queue"]
            own = replace(own, payload=encode(value, self.space.style))
        return replace(job, payload=own.payload, options=own.options, status=None)

    def _remove(self, items: Sequence[DelayedItem], tidy: bool = False) -> int:
        return remove_items(self.space, [item.element for item in items], tidy=tidy)

    def _items_of(self, job: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> list[DelayedItem]:
        """The delayed items that a call with these arguments means."""
        if isinstance(plain_name(job), str) and kwargs.get("queue") is None:
            return self._equal(self._outgoing(job, args, {**kwargs, "queue": ""}), any_queue=True)
        return self._equal(self._outgoing(job, args, kwargs, is_checked=False))

    def _equal(self, job: OutgoingJob, any_queue: bool = False) -> list[DelayedItem]:
        """Every delayed item that delaying this job would write: same class, arguments and queue."""
        args = Payload.parse(job.payload).args
        own_queue = job.job.queue if job.job else None
        hint = job.class_name.encode()
        items = []
        for element in filter(not_in_hand, delayed.each(self.space)):
            if hint not in element[1] and b"\\" not in element[1]:
                continue  # an escape may hide the name; without one it would be there
            item = DelayedItem.read(element)
            if (
                item.class_name == job.class_name
                and (any_queue or (own_queue if item.queue is None else item.queue) == job.queue)
                and same(item.args, args)
            ):
                items.append(item)
        return items


def _check_end(job: OutgoingJob) -> None:
    if job.options is not None and job.options.at_front:
        raise NotAJob("at_front=True is for a job that goes to its queue now; a delayed one goes to the end")


def _call_scheduled(job: OutgoingJob, scheduled: Callable[..., Any]) -> Any:
    """Let the class put its job on a queue itself; returns what it answers."""
    return call(scheduled, job.queue, job.job and job.job.name, *job.args)
