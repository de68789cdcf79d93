"""Retry: run a failed job again, as resque-retry does and on its keys (core.md section 19.2).

This is the policy only. The worker keeps the counter and writes the next attempt down in the same step
as the failure (`worker/retries.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pyresque.errors import InvalidJob
from pyresque.wire.arguments import digest
from pyresque.wire.inspecting import identity

Backoff = float | Sequence[float] | Callable[[int], float]
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
            goes to the end of its queue, else to the delayed jobs, which need a scheduler.
        on: the exceptions after which it is run again; all of them where nothing is said.
        give_up_on: the exceptions after which it is not; they count before `on`.
        quiet: record only the failure after which no attempt follows, in `failed` and with the failure
            backend (MultipleWithRetrySuppression of resque-retry).
        expire_after: forget the counter so many seconds after the next attempt was due
            (`expire_retry_key_after`).
        identify: makes a text of the arguments that tells the job from others of its class, if the
            digest of all arguments will not do (`retry_identifier`).

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

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "on", _errors("on", self.on))
        set_(self, "give_up_on", _errors("give_up_on", self.give_up_on))
        if not callable(self.backoff):
            steps = self.backoff if isinstance(self.backoff, list | tuple) else (self.backoff,)
            set_(self, "backoff", tuple(map(_seconds, steps)))
            if not steps:
                raise InvalidJob("Retry: backoff=[] has no step: give at least one number of seconds")
        set_(self, "limit", self._checked_limit())
        after = self.expire_after
        if after is not None and (type(after) is not int or after < 0):
            raise InvalidJob(f"Retry: expire_after={after!r} is no number of whole seconds")

    def _checked_limit(self) -> int:
        limit = FOR_EVER if self.limit is None else self.limit
        if limit is _AS_LONG_AS_THE_BACKOFF:
            return len(self.backoff) if isinstance(self.backoff, tuple) else 1
        if type(limit) is not int or limit < FOR_EVER:
            raise InvalidJob(
                f"Retry: limit={limit!r} is no number of attempts (0: none, -1 or None: no limit)"
            )
        return limit

    def wants(self, error: BaseException) -> bool:
        """Whether this error may be followed by another attempt."""
        return issubclass(type(error), self.on) and not issubclass(type(error), self.give_up_on)

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
        return float(steps[min(attempt, len(steps) - 1)])

    def identifier(self, args: Sequence[Any]) -> str:
        """The part of the key that stands for the arguments; empty without arguments, as in Ruby."""
        return digest(args) if self.identify is None else identity(self.identify(args))

    def expiry(self, attempt: int) -> int | None:
        """Seconds after which the counter is forgotten; None: never."""
        if self.expire_after is None:
            return None
        return max(1, math.ceil(self._pause(attempt)) + self.expire_after)


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
