"""Run what waits, and what is delayed, in the process of a test; time passes as fast as the jobs run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from pyresque.client.resque import Resque
from pyresque.errors import Handled, UnknownJobClass
from pyresque.failure import Failure
from pyresque.failure.describe import error_name, whole_message
from pyresque.model.moments import Moment, second_after, second_of
from pyresque.model.perform import ReservedJob
from pyresque.store import delayed, effects, locks, queues
from pyresque.store.connection.link import Command
from pyresque.usercode.safely import is_a, plain_name
from pyresque.wire.records import Payload
from pyresque.worker.beginning import at_expiry, freed_key, is_expired
from pyresque.worker.report import Report
from pyresque.worker.retries import Attempt, attempt_at, following_of, requeue
from pyresque.worker.tracking import at_end, expired_status, tracked_job


def drain(resque: Resque, queue: str | None = None, *, until: Moment | timedelta | None = None) -> int:
    """Run the jobs that wait, those that they enqueue too, in this process; returns how many ran.

    With `until` time passes up to that moment: what is delayed until then comes when it is due, in order,
    and a job that fails and has a `Retry` is tried again. Meanwhile `time.time()` is the moment that has
    been reached.

    Args:
        queue: one queue; every queue if none is named.
        until: the moment (seconds since the epoch, or a datetime with a zone), or how long from now.

    Raises:
        Exception: what a job raised, with `until` at its last attempt; that job is off its queue, and is not
            recorded as failed.
        UnknownJobClass: a job of a class that is not registered here; it stays on its queue.
    """
    queue = plain_name(queue)
    if until is None:
        return _work_off(resque, queue, retries=False)
    end = second_after(until) if isinstance(until, timedelta) else second_of(until)
    with _travelling() as clock:
        ran = _work_off(resque, queue, retries=True)
        while (second := resque.next_delayed_timestamp(end)) is not None:
            clock.go_to(second)
            due = resque.delayed_timestamp_peek(second, 0, resque.delayed_timestamp_size(second))
            if not due:
                delayed.forget_if_empty(resque.space, second)
            resque.enqueue_found(due)
            ran += _work_off(resque, queue, retries=True)
        clock.go_to(end)
    return ran


@dataclass
class _Clock:
    """A clock that is ahead of the real one by as much as has been skipped."""

    ahead: float = 0.0

    def go_to(self, second: float) -> None:
        """Skip what is missing to this moment."""
        self.ahead += max(0.0, second - time.time())


@contextmanager
def _travelling() -> Iterator[_Clock]:
    clock, real = _Clock(), time.time
    vars(time)["time"] = lambda: real() + clock.ahead
    try:
        yield clock
    finally:
        vars(time)["time"] = real


def _work_off(resque: Resque, queue: str | None, *, retries: bool) -> int:
    ran = 0
    while True:
        for name in [queue] if queue is not None else resque.queues():
            raw = queues.first(resque.space, name)
            if raw is not None:
                _check_known(resque, raw)
                resque.pop(name)
                run_job(resque, name, raw, retries=retries)
                ran += 1
                break
        else:
            return ran


def _check_known(resque: Resque, raw: bytes) -> None:
    payload = Payload.parse(raw)
    if resque.registry.find_for(payload) is None:
        name = payload.job_class
        raise UnknownJobClass(f"{name} waits in the queue, but no @job with this name is registered")


def run_job(resque: Resque, queue: str, raw: bytes, *, retries: bool = False) -> None:
    """Run a job here.

    Args:
        retries: whether a job that fails is tried again as its class says; else what it raises is raised.
    """
    space = resque.space
    job = ReservedJob.of(queue, Payload.parse(raw), resque.registry)
    if is_expired(job):
        effects.carry_out(space, [*at_expiry(space, job), *expired_status(space, job)])
        return
    key = freed_key(space, job)
    if key is not None:
        locks.forget(space, key)
    attempt = attempt_at(space, job) if retries else None
    tracked = tracked_job(space, job)
    if tracked is not None:
        tracked.begin()
    error = (job if tracked is None else tracked.job).run()
    report = Report() if error is None else Report(error_name(error), whole_message(error))
    if tracked is not None:
        tracked.leave()
        report = tracked.told(report)
    following, goes_on = _following(resque, job, error, attempt, retries=retries)
    effects.carry_out(space, [*following, *at_end(space, job, report, goes_on)])
    if error is not None and not goes_on and not is_a(error, Handled):
        raise error


def _following(
    resque: Resque, job: ReservedJob, error: BaseException | None, attempt: Attempt | None, *, retries: bool
) -> tuple[list[Command], bool]:
    """What follows from the end of a job, and whether another attempt does."""
    space = resque.space
    if is_a(error, Handled) and not retries:  # an Active Job, and nobody waits for its next attempt
        for name, payload, _ in error.again:
            resque.push(name, payload.value)
        return [], bool(error.again)
    if is_a(error, Handled):
        nexts = [
            requeue(space, name, payload.as_written(space.style), due) for name, payload, due in error.again
        ]
        return [command for commands in nexts for command in commands], bool(error.again)
    if attempt is None:
        return [], False
    if error is None:
        return attempt.done(), False
    failure = Failure(job.payload.raw, error_name(error), whole_message(error), [], "drain", job.queue)
    following = following_of(job.untouched(), error, space.style)
    delay = attempt.delay(job, following)
    return attempt.failed(job.untouched(), failure, following, lambda _failure: [], delay), delay is not None
