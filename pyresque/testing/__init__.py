"""Help for the tests of applications that use pyresque.

inline(resque) ............ jobs run at once, in the caller, through the same JSON
enqueued(resque, job) ..... the argument lists of the jobs that wait
delayed(resque, job) ...... those of the jobs that are delayed, with the moments at which they are due
drain(resque, queue) ...... run what waits, without processes; what a job raises is raised
drain(resque, until=...) .. the same, and time passes: what is delayed, and retries, come when they are due
resque_redis .............. a pytest fixture: the URL of an empty, private, real Redis
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pyresque.client.resque import Resque
from pyresque.errors import MalformedPayload, NotAJob
from pyresque.model.job_class import JobClass
from pyresque.model.job_types import AnyJob
from pyresque.store import queues
from pyresque.testing.draining import drain as drain
from pyresque.testing.draining import run_job
from pyresque.usercode.safely import plain_name
from pyresque.wire.records import Payload, is_wrapper, shown


@contextmanager
def inline(resque: Resque) -> Iterator[Resque]:
    """Within the block a job runs where it is enqueued; nothing is pushed, and what it raises is raised.

    It holds for what is enqueued through this object: give it to the code under test.

    As with `Resque.inline` of Ruby: enqueue hooks get the arguments as given, `perform` gets them after
    the way through JSON, and a failure is not recorded. A class that is not registered cannot run:
    UnknownJobClass.
    """
    with resque.pushing_to(lambda _queue, raw: run_job(resque, "inline", raw)):
        yield resque


def enqueued(resque: Resque, job: AnyJob, queue: str | None = None) -> list[list[Any]]:
    """The arguments of each job of this class that waits, in order.

    Args:
        job: a registered function or class, or a class name (then `queue` is needed).
        queue: where to look, instead of the job's own queue.
    """
    job, queue = plain_name(job), plain_name(queue)
    registered = None if isinstance(job, str) else _registered(resque, job)
    name = registered.name if registered else str(job)
    queue = queue or (registered.queue if registered else None)
    if queue is None:
        raise NotAJob(f"no queue is known for {name}: give one with queue=")
    jobs = []
    for raw in queues.elements(resque.space, queue):
        args = _args_of(raw, name)
        if args is not None:
            jobs.append(args)
    return jobs


class DelayedCall(list[Any]):
    """The arguments of a delayed job: a list, and beside it when the job is due, and its queue."""

    def __init__(self, args: Sequence[Any], second: int, queue: str | None) -> None:
        super().__init__(args)
        self.second = second
        """When it is due, in seconds since the epoch."""
        self.queue = queue
        """Where it goes; None: to the queue of its class."""

    @property
    def at(self) -> datetime:
        """When it is due."""
        return datetime.fromtimestamp(self.second, UTC)


def delayed(resque: Resque, job: AnyJob) -> list[DelayedCall]:
    """The arguments of each delayed job of this class, by time: `delayed(resque, mail)[0].at` is a datetime.

    Args:
        job: a registered function or class, an Active Job too, or a class name.
    """
    job = plain_name(job)
    name = job if isinstance(job, str) else _registered(resque, job).name
    calls = []
    for item in resque.each_delayed():
        args = _args_of(item.raw, name)
        if args is not None:
            calls.append(DelayedCall(args, item.at, item.queue))
    return calls


def _args_of(raw: bytes, name: str) -> list[Any] | None:
    """The arguments of a job of this class, of an Active Job its own; None of any other element."""
    try:
        payload = Payload.parse(raw)
    except MalformedPayload:
        return None
    if payload.job_class != name:
        return None
    return (shown(payload.value)[1] or []) if is_wrapper(payload.class_name) else payload.args


def _registered(resque: Resque, job: object) -> JobClass:
    """What a function or class was registered as; an Active Job, too."""
    job_class = resque.registry.of(job)
    if job_class is None:
        job_class = next(
            (wrapped_job for wrapped_job in resque.registry.wrapped_jobs() if wrapped_job.target is job), None
        )
    if job_class is None:
        raise NotAJob(f"{job!r} is not a job: register it with @job")
    return job_class
