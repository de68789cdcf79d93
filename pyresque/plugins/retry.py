"""Retry: run a failed job again, as resque-retry does and on its keys (docs/protocol/core.md#resque-retry).

This is the policy only. The worker keeps the counter and writes the next attempt down in the same step
as the failure (`worker/retries.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyresque.errors import InvalidJob
from pyresque.wire.joined_arguments import digest
from pyresque.wire.ruby_inspect import identity

Steps = float | Sequence[float]
Backoff = Steps | Callable[[int], float] | Mapping[type[BaseException], Steps]
Errors = type[BaseException] | tuple[type[BaseException], ...]

FOR_EVER = -1
_AS_LONG_AS_THE_BACKOFF: Any = object()


@dataclass(frozen=True)
class Retry:
    """When a job that failed is run again: `@job(retry=Retry(limit=3, backoff=[1, 10, 60]))`.

    Args:
        limit: how many attempts may follow the first; 0 is none, -1 or None no limit. Left out: 1, or as
            many as the backoff has steps.
        backoff: seconds before the next attempt: a number; a list, one for each attempt, of which the last
            counts on; or a function of the number of the failed attempt (the first is 0). With 0 the job
            goes to the end of its queue, else to the delayed jobs, which need a scheduler. A mapping has a
            number or a list for each exception, the nearest class counts, and `on` is what it names
            (`retry_exceptions` as a hash).
        on: the exceptions after which it is run again; all of them where nothing is said.
        give_up_on: the exceptions after which it is not; they count before `on`.
        quiet: record only the failure after which no attempt follows, in `failed` and with the failure
            backend (MultipleWithRetrySuppression of resque-retry).
        expire_after: forget the counter so many seconds after the next attempt was due
            (`expire_retry_key_after`).
        identify: makes a text of the arguments that tells the job from others of its class, if the
            digest of all arguments will not do (`retry_identifier`).
        queue: where the next attempt goes: a name, or a function of the error and the arguments that gives
            one (`retry_queue`). Else it is the queue of the class or, where that has none, the one from
            which the job came.
        args: gives the arguments of the next attempt from the error and the arguments (`retry_args`).
        may: asked with the error and the arguments where `on` and `give_up_on` would not have another
            attempt; what it says then counts (`retry_criteria_check`).
        ignore: the exceptions that do not count as attempts (`ignore_exceptions`).

    Raises:
        InvalidJob: a value that cannot be meant.
    """

    limit: int | None = _AS_LONG_AS_THE_BACKOFF
    backoff: Backoff = 0
    on: Errors = BaseException
    give_up_on: Errors = ()
    quiet: bool = False
    expire_after: int | None = None
    identify: Callable[[Sequence[Any]], str] | None = None
    queue: str | Callable[..., str | None] | None = None
    args: Callable[..., Sequence[Any]] | None = None
    may: Callable[..., bool] | None = None
    ignore: Errors = ()

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        if isinstance(self.backoff, Mapping):
            set_(self, "backoff", {kind: _steps(steps) for kind, steps in self.backoff.items()})
            named = _errors("backoff", tuple(self.backoff))
            set_(self, "on", named if self.on is BaseException else self.on)
        elif not callable(self.backoff):
            set_(self, "backoff", _steps(self.backoff))
        for name in ("on", "give_up_on", "ignore"):
            set_(self, name, _errors(name, getattr(self, name)))
        self._check_what_is_called()
        set_(self, "limit", self._checked_limit())
        after = self.expire_after
        if after is not None and (type(after) is not int or after < 0):
            raise InvalidJob(f"Retry: expire_after={after!r} is not a number of whole seconds")

    def _check_what_is_called(self) -> None:
        for name in ("identify", "args", "may"):
            if getattr(self, name) is not None and not callable(getattr(self, name)):
                raise InvalidJob(f"Retry: {name}={getattr(self, name)!r} must be a function")
        named = self.queue
        if named is not None and not callable(named) and not (isinstance(named, str) and named):
            raise InvalidJob(f"Retry: queue={named!r} must be a queue's name, or a function that gives it")

    def _checked_limit(self) -> int:
        limit = FOR_EVER if self.limit is None else self.limit
        if limit is _AS_LONG_AS_THE_BACKOFF:
            steps: Any = self.backoff
            if isinstance(steps, Mapping):
                return max((len(kinds) for kinds in steps.values()), default=1)
            return len(steps) if isinstance(steps, tuple) else 1
        if type(limit) is not int or limit < FOR_EVER:
            raise InvalidJob(
                f"Retry: limit={limit!r} is not a number of attempts (0: none, -1 or None: no limit)"
            )
        return limit

    def wants(self, error: BaseException) -> bool:
        """Whether this error may be followed by another attempt."""
        return issubclass(type(error), self.on) and not issubclass(type(error), self.give_up_on)

    def criterion(self, error: BaseException, args: Sequence[Any]) -> bool:
        """Whether another attempt may follow all the same."""
        return self.may is not None and bool(self.may(error, *args))

    def counts(self, error: BaseException) -> bool:
        """Whether an attempt that ended so counts."""
        return not issubclass(type(error), self.ignore)

    def steps(self, error: BaseException) -> Sequence[float]:
        """The pauses that go with this error; none where all errors have the same."""
        pauses: Any = self.backoff
        if not isinstance(pauses, Mapping):
            return ()
        return next((pauses[kind] for kind in type(error).__mro__ if kind in pauses), ())

    def queue_for(self, error: BaseException, args: Sequence[Any]) -> str | None:
        """Where the next attempt goes; None: where attempts of its class go."""
        return self.queue(error, *args) if callable(self.queue) else self.queue

    def args_for(self, error: BaseException, args: Sequence[Any]) -> Sequence[Any] | None:
        """The arguments of the next attempt; None: the same."""
        return None if self.args is None else self.args(error, *args)

    def delay(self, attempt: int) -> float | None:
        """Seconds to the next attempt after the one with this number (the first is 0); None: no more."""
        limit = self.limit
        if limit is not None and limit != FOR_EVER and attempt >= limit:
            return None
        return self._pause(attempt)

    def _pause(self, attempt: int) -> float:
        if callable(self.backoff):
            return _seconds(self.backoff(attempt))
        steps: Any = self.backoff
        return 0.0 if isinstance(steps, Mapping) else step_at(steps, attempt)

    def identifier(self, args: Sequence[Any]) -> str:
        """The part of the key that stands for the arguments; empty without arguments, as in Ruby."""
        return digest(args) if self.identify is None else identity(self.identify(args))

    def expiry(self, attempt: int) -> int | None:
        """Seconds after which the counter is forgotten; None: never."""
        if self.expire_after is None:
            return None
        # Which of several pauses it is, is not known here: the counter must outlive each.
        of_all: Any = self.backoff.values() if isinstance(self.backoff, Mapping) else ()
        pause = max((step_at(steps, attempt) for steps in of_all), default=self._pause(attempt))
        return max(1, math.ceil(pause) + self.expire_after)


def step_at(steps: Sequence[float], attempt: int) -> float:
    """The pause after the attempt with this number: the last one counts on."""
    return float(steps[min(attempt, len(steps) - 1)])


def _steps(value: Any) -> tuple[float, ...]:
    steps = value if isinstance(value, list | tuple) else (value,)
    if not steps:
        raise InvalidJob("Retry: backoff=[] has no step: give at least one number of seconds")
    return tuple(map(_seconds, steps))


def _seconds(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e10:
        return float(value)
    raise InvalidJob(f"Retry: backoff of {value!r}: it must be a number of seconds, 0 or more")


def _errors(name: str, value: Any) -> tuple[type[BaseException], ...]:
    kinds = tuple(value) if isinstance(value, list | tuple | set | frozenset) else (value,)
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise InvalidJob(f"Retry: {name}={value!r} must be exception classes, for example {name}=OSError")
    return kinds
