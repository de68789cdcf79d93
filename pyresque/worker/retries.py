"""The next attempt of a failed job, on the keys of resque-retry (docs/protocol/core.md#resque-retry).

The counter holds the number of the attempt that runs or ran last, the first is 0; without a counter it is
the first. Ruby writes it when an attempt begins, in two commands of the child. We write it when an attempt
begins only if it is there already, and else when the attempt has failed, in the step that settles the job,
together with the job's way back. Whoever comes next, of either language, reads the same:

    moment                              | Ruby left      | we leave        | so an attempt that begins now is
    ------------------------------------|----------------|-----------------|---------------------------------
    never ran, done, given up           | no key         | no key          | 0
    attempt N failed, to be retried     | N              | N               | N+1
    attempt 0 runs, its worker dies     | 0              | no key          | (the pruner takes both for 0)
    attempt N > 0 runs, its worker dies | N              | N               | (the pruner takes it for N)
    a worker pruned by Ruby (SETNX)     | N, or -1       | N, or -1        | N+1, or 0

The number is read once, before the attempt, and written as such: a command that is sent again after a
lost reply counts nothing twice.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pyresque.errors import InvalidJob
from pyresque.failure import Failure
from pyresque.failure.describe import error_message
from pyresque.log import Log
from pyresque.model.job_class import RetryPolicy
from pyresque.model.perform import ReservedJob
from pyresque.store import effects, retries
from pyresque.store.connection.link import Command
from pyresque.store.reservation import printable
from pyresque.store.space import Space
from pyresque.store.workers import Registration
from pyresque.usercode.safely import tried
from pyresque.wire import times
from pyresque.wire.encoding import Style, encode
from pyresque.wire.extra_keys import begun_before
from pyresque.wire.records import MAX_PAYLOAD_DEPTH, Payload, with_queue
from pyresque.wire.ruby_inspect import identity, inspect
from pyresque.worker.report import Following

logger = Log("pyresque.worker")

MOST_SECONDS = 10**10
"""What a retry waits at most, and what its counter lives: some three centuries."""

T = TypeVar("T")


def policy_of(job: ReservedJob) -> RetryPolicy | None:
    """The `retry=` of a job; None where it has none."""
    return job.job.options.get("retry") if job.job else None


@dataclass(frozen=True)
class Attempt:
    """An attempt at a job that may be retried; `counted` is what the counter held, None: nothing.

    `number` is None where the counter holds something else than a number: then nothing is retried.
    """

    space: Space
    policy: RetryPolicy
    key: str
    counted: int | None
    number: int | None

    def begin(self, who: Registration, record: bytes) -> None:
        """Let the counter say that this attempt runs, for whoever may have to prune us.

        Args:
            record: what `worker:ID` holds.
        """
        if self.number is not None and self.counted is not None:
            retries.begin(self.space, who, record, self._count(self.number))

    def undone(self) -> list[Command]:
        """It was not made: the job goes back to its queue untouched."""
        return [] if self.counted is None or self.number is None else [self._count(self.counted)]

    def done(self) -> list[Command]:
        """The job is done: nothing to count any more."""
        return [] if self.counted is None else [effects.forget(self.key)]

    def failed(
        self,
        job: ReservedJob,
        failure: Failure,
        following: Following,
        record: Callable[[Failure], list[Command]],
        delay: float | None,
    ) -> list[Command]:
        """Everything that its failure means: the record and, where one follows, the next attempt.

        Args:
            following: what the policy makes of the error.
            record: gives the commands that record a failure.
            delay: what `delay` has said.
        """
        if following.wanted and self.number is None:
            reason = f"not retried, for {self.key} does not hold a number of attempts"
            failure = replace(failure, error=f"{failure.error} ({reason})")
        if delay is None or self.number is None:
            recorded = [*([effects.forget(self._suppressed)] if self.quiet else []), *record(failure)]
            return [*recorded, *([] if self.number is None else [effects.forget(self.key)])]
        recorded = self._suppress(failure, delay) if self.quiet else record(failure)
        payload = Payload.parse(following.payload) if following.payload else job.payload
        way = again(self.space, _queue(job, following), payload, time.time() + delay)
        return [*recorded, *self._counted_on(job, payload, following), *way]

    def _counted_on(self, job: ReservedJob, payload: Payload, following: Following) -> list[Command]:
        """The counter of the next attempt; with other arguments it has another name."""
        number = (self.number or 0) - (not following.counts)
        identifier = _guarded(lambda: identity(self.policy.identifier(payload.args)))
        if not following.payload or job.job is None or identifier is None:
            return [self._count(number)]
        key = self.space.keys.retry(job.job.name, identifier)
        return [
            *([] if key == self.key else [effects.forget(self.key)]),
            replace(self, key=key)._count(number),
        ]

    @property
    def quiet(self) -> bool:
        """Whether only the last of several failures is recorded."""
        return is_quiet(self.policy)

    @property
    def _suppressed(self) -> str:
        return self.space.keys.suppressed_failure(self.key)

    def _count(self, number: int) -> Command:
        seconds = _guarded(lambda: _seconds(self.policy.expiry(max(number, 0))))
        return effects.set_attempt(self.key, number, None if seconds is None else _expiry(seconds))

    def delay(self, job: ReservedJob, following: Following) -> float | None:
        """Seconds to the next attempt; None where none follows."""
        if not following.wanted or self.number is None or not _queue(job, following):
            return None
        number = max(self.number - (not following.counts), 0)
        delay = _guarded(lambda: _seconds(self.policy.delay(number)))
        steps = following.steps
        return steps[min(number, len(steps) - 1)] if delay is not None and steps else delay

    def _suppress(self, failure: Failure, delay: float) -> list[Command]:
        """Keep the failure for a while instead of recording it (as in Ruby only where a delay follows)."""
        if delay <= 0:
            return []
        style = self.space.style
        record = replace(failure, failure_id=None).record(style)
        with_zone = encode({"failed_at": times.failed_at(failure.failed_at)}, style)[:-1]
        without = encode({"failed_at": times.retried_at_without_zone(failure.failed_at)}, style)[:-1]
        kept = without + record.removeprefix(with_zone)
        return [effects.keep_failure(self._suppressed, kept, _expiry(2 * delay))]


def attempt_at(space: Space, job: ReservedJob, begun: bool = False) -> Attempt | None:
    """The attempt at a job that is about to begin; None where the job has no `retry=` that can tell.

    Args:
        begun: it has begun already, in a worker that died.
    """
    policy = policy_of(job)
    if policy is None or job.job is None:
        return None
    # Read anew: `identify` may do to the arguments what it likes, and the job gets them as they are.
    identifier = _guarded(lambda: identity(policy.identifier(Payload.parse(job.payload.raw).args)))
    if identifier is None:
        return None
    key = space.keys.retry(job.job.name, identifier)
    raw = retries.count(space, key)
    if raw is None:
        return Attempt(space, policy, key, None, 0)
    if not re.fullmatch(rb"-?\d{1,9}", raw):
        logger.warning("%s does not hold a number of attempts: %s is not retried", key, job)
        return Attempt(space, policy, key, None, None)
    counted = int(raw)
    return Attempt(space, policy, key, counted, max(counted, 0) if begun else counted + 1)


def _queue(job: ReservedJob, following: Following) -> str:
    return following.queue or (job.job.queue if job.job else None) or job.queue


def requeue(space: Space, queue: str, payload: bytes, moment: float) -> list[Command]:
    """Put an Active Job that was written anew on its queue: at once, or through the delayed jobs."""
    due = int(moment)
    if due <= int(time.time()):
        return effects.push(space.keys, queue, payload)
    return effects.delay(space.keys, due, with_queue(payload, queue, space.style))


def again(space: Space, queue: str, payload: Payload, moment: float) -> list[Command]:
    """A job's way back to its queue: at once, or through the delayed jobs of resque-scheduler."""
    due, value = int(moment), payload.value
    if len(value) > 2:
        value = begun_before(value)
        if len(value) < len(payload.value):
            payload = Payload(encode(value, space.style), value)
    if due <= int(time.time()):
        return effects.push(space.keys, queue, payload.raw or payload.normal(space.style))
    known = {"class": value.get("class"), "args": payload.args, "queue": printable(queue)}
    item = encode({**known, **{key: value[key] for key in value if key not in known}}, space.style)
    return effects.delay(space.keys, due, item)


def _expiry(seconds: float) -> int:
    """Seconds that Redis takes for an expiry: not 0, and not beyond its calendar."""
    return int(min(max(seconds, 1), MOST_SECONDS))


def following_of(job: ReservedJob, error: BaseException, style: Style) -> Following:
    """What the policy of a job makes of this error: no other attempt if it cannot tell."""
    policy = policy_of(job)
    following = None if policy is None else _guarded(lambda: _asked(policy, job.payload, error, style))
    return following or Following()


def _asked(policy: RetryPolicy, payload: Payload, error: BaseException, style: Style) -> Following:
    """Ask for everything that depends on the error; what a policy has no method for, it does not change."""

    def ask(name: str, default: Any, *args: Any) -> Any:
        method = getattr(policy, name, None)
        return default if method is None else method(error, *args)

    if not (policy.wants(error) or ask("criterion", False, payload.args)):
        return Following()
    queue, args = ask("queue_for", None, payload.args), ask("args_for", None, payload.args)
    if queue is not None and not (issubclass(type(queue), str) and queue):
        raise InvalidJob(f"{inspect(queue, 200)} is not the name of a queue")
    return Following(
        wanted=True,
        counts=bool(ask("counts", True)),
        steps=[_seconds(step) or 0.0 for step in ask("steps", ())],
        queue="" if queue is None else str.__str__(queue),
        payload=b"" if args is None else _with_args(payload, args, style),
    )


def _with_args(payload: Payload, args: Any, style: Style) -> bytes:
    if not issubclass(type(args), list | tuple):
        raise InvalidJob(f"{inspect(args, 200)} is not a list of arguments")
    return encode({**payload.value, "args": list(args)}, style, max_depth=MAX_PAYLOAD_DEPTH)


def is_quiet(policy: RetryPolicy | None) -> bool:
    """Whether the user's policy wants only the last of several failures recorded."""
    return policy is not None and bool(_guarded(lambda: bool(policy.quiet)))


def _seconds(value: object) -> float | None:
    """Seconds that the user's policy gave; None where it gave None.

    Raises:
        InvalidJob: they are not seconds.
    """
    if value is None:
        return None
    kind = type(value)
    number: Any = value
    whole = issubclass(kind, int) and kind is not bool
    if not whole and not (issubclass(kind, float) and math.isfinite(number)):
        raise InvalidJob(f"{inspect(value, 200)} is not a number of seconds")
    return float(min(max(number, -MOST_SECONDS), MOST_SECONDS))


def _guarded(ask: Callable[[], T]) -> T | None:
    """What the user's policy answers; None if it fails, for the worker must not end with it."""
    answer, error = tried(ask)
    if error is not None:
        logger.exception("a Retry cannot tell what to do: %s", error_message(error), exc_info=error)
    return answer
