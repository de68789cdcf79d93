"""Help for the tests of applications that use pyresque.

inline(resque) ............ jobs run at once, in the caller, through the same JSON
enqueued(resque, job) ..... the argument lists of the jobs that wait
drain(resque, queue) ...... run what waits, without processes; what a job raises is raised
resque_redis .............. a pytest fixture: the URL of an empty, private, real Redis
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyresque.client.resque import Resque
from pyresque.errors import Handled, MalformedPayload, NotAJob, UnknownJobClass
from pyresque.failure.describe import error_name, whole_message
from pyresque.model.job_types import AnyJob
from pyresque.model.perform import ReservedJob
from pyresque.store import effects, queues
from pyresque.usercode.safely import is_a, plain_name
from pyresque.wire.records import Payload, is_wrapper, shown
from pyresque.worker.report import Report
from pyresque.worker.tracking import at_end, tracked_job


@contextmanager
def inline(resque: Resque) -> Iterator[Resque]:
    """Within the block a job runs where it is enqueued; nothing is pushed, and what it raises is raised.

    It holds for what is enqueued through this object: give it to the code under test.

    As with `Resque.inline` of Ruby: enqueue hooks get the arguments as given, `perform` gets them after
    the way through JSON, and a failure is not recorded. A class that is not registered cannot run:
    UnknownJobClass.
    """
    with resque.pushing_to(lambda _queue, raw: _run(resque, "inline", raw)):
        yield resque


def enqueued(resque: Resque, job: AnyJob, queue: str | None = None) -> list[list[Any]]:
    """The arguments of each job of this class that waits, in order.

    Args:
        job: a registered function or class, or a class name (then `queue` is needed).
        queue: where to look, instead of the job's own queue.
    """
    job, queue = plain_name(job), plain_name(queue)
    registered = None if isinstance(job, str) else resque.registry.of(job)
    if registered is None and not isinstance(job, str):
        raise NotAJob(f"{job!r} is not a job: register it with @job")
    name = registered.name if registered else str(job)
    queue = queue or (registered.queue if registered else None)
    if queue is None:
        raise NotAJob(f"no queue is known for {name}: give one with queue=")
    jobs = []
    for raw in queues.elements(resque.space, queue):
        try:
            payload = Payload.parse(raw)
        except MalformedPayload:
            continue
        if payload.job_class == name:
            jobs.append(shown(payload.value)[1] if is_wrapper(payload.class_name) else payload.args)
    return jobs


def drain(resque: Resque, queue: str | None = None) -> int:
    """Run the jobs that wait, those that they enqueue too, in this process; returns how many ran.

    Args:
        queue: one queue; every queue if none is named.

    Raises:
        Exception: what a job raised; that job is off its queue, and is not recorded as failed.
        UnknownJobClass: a job of a class that is not registered here; it stays on its queue.
    """
    queue, ran = plain_name(queue), 0
    while True:
        for name in [queue] if queue is not None else resque.queues():
            raw = queues.first(resque.space, name)
            if raw is not None:
                _known(resque, raw)
                resque.pop(name)
                _run(resque, name, raw)
                ran += 1
                break
        else:
            return ran


def _known(resque: Resque, raw: bytes) -> None:
    payload = Payload.parse(raw)
    if resque.registry.find_for(payload) is None:
        name = payload.job_class
        raise UnknownJobClass(f"{name} waits in the queue, but no @job with this name is registered")


def _error_of(resque: Resque, job: ReservedJob) -> BaseException | None:
    """Run a job, and write its status where it is tracked."""
    tracked = tracked_job(resque.space, job)
    if tracked is None:
        return job.run()
    tracked.begin()
    error = tracked.job.run()
    tracked.leave()
    report = Report() if error is None else Report(error_name(error), whole_message(error))
    effects.carry_out(resque.space, at_end(resque.space, job, tracked.told(report), goes_on=False))
    return error


def _run(resque: Resque, queue: str, raw: bytes) -> None:
    error = _error_of(resque, ReservedJob.of(queue, Payload.parse(raw), resque.registry))
    if is_a(error, Handled):
        # The next attempt of an Active Job; nobody waits for it in a test.
        for name, payload, _ in error.again:
            resque.push(name, payload.value)
    elif error is not None:
        raise error
