"""retry_on and discard_on: what an Active Job does about its errors.

See docs/protocol/active-job.md#errors-and-retries.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from pyresque.active_job.arguments.times import seconds_of
from pyresque.errors import InvalidJob, SignalException, TermException
from pyresque.usercode.safely import cause_of, is_a, name_of
from pyresque.wire.ruby_inspect import inspect

Wait = float | timedelta | Literal["polynomially_longer", "exponentially_longer"] | Callable[[int], float]
Named = type[BaseException] | str

JITTER = 0.15
"""What a new Rails application has."""

LONGER = ("polynomially_longer", "exponentially_longer")


@dataclass(frozen=True)
class Handler:
    """One declaration: its errors, and what follows one of them.

    `attempts` is None for any number; `what` is "retry" or "discard". `then` is called with the job and the
    error when a job is discarded, or has no attempts left: it counts as done then, as with a block in Rails.
    """

    what: Literal["retry", "discard"]
    errors: tuple[Named, ...]
    key: str
    wait: Wait = 3
    attempts: int | None = 5
    jitter: float = JITTER
    queue: str | None = None
    priority: int | None = None
    then: Callable[[Any, BaseException], Any] | None = None

    def matches(self, error: BaseException) -> bool:
        """Whether an error is one of this declaration's."""
        return any(_is_a(error, kind) for kind in self.errors)

    def delay(self, count: int) -> float:
        """Seconds until the next attempt, after so many errors of this declaration."""
        wait = self.wait
        if isinstance(wait, str):
            return count**4 + self._jitter(count**4) + 2
        if callable(wait):
            return seconds_of(wait(count))
        seconds = seconds_of(wait)
        return seconds + self._jitter(seconds)

    def _jitter(self, delay: float) -> float:
        return random.random() * delay * self.jitter  # noqa: S311 (no secret)


def _is_a(error: BaseException, named: Named) -> bool:
    if isinstance(named, str):
        return any(named in (name_of(kind), ruby_name(kind)) for kind in type(error).mro())
    if is_a(error, TermException) or is_a(error, SignalException):
        # In Ruby these are not StandardError: who catches everything does not mean them.
        return named in (TermException, SignalException) and is_a(error, named)
    return is_a(error, named)


def ruby_name(kind: type) -> str:
    """The class name that Ruby knows an error by: its `ruby_name`, else its own."""
    name = getattr(kind, "ruby_name", None)
    return name if isinstance(name, str) and name else name_of(kind)


def key_of(errors: Sequence[Named]) -> str:
    """The key in exception_executions: the list of classes in Ruby's notation, `[AppError, OtherError]`."""
    names = [inspect(error) if isinstance(error, str) else ruby_name(error) for error in errors]
    return f"[{', '.join(names)}]"


def flat_errors(errors: Sequence[Any]) -> tuple[Named, ...]:
    """The errors of a declaration, given one by one or as tuples.

    Raises:
        InvalidJob: one is neither an exception class nor a name.
    """
    kinds: list[Named] = []
    for kind in errors:
        kinds += flat_errors(kind) if isinstance(kind, (tuple, list)) else [kind]
    for kind in kinds:
        if not isinstance(kind, str) and not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise InvalidJob(f"{kind!r} is not an exception: write a class, or the name of one as text")
    if not kinds:
        raise InvalidJob("on which exceptions? Write for example @active_job.retry_on(TimeoutError)")
    return tuple(kinds)


def found_handler(
    handlers: Sequence[Handler], error: BaseException
) -> tuple[Handler, BaseException] | tuple[None, None]:
    """The first declaration for an error, or else for what caused it; and the error that it is for."""
    for cause in _with_causes(error):
        for handler in handlers:
            if handler.matches(cause):
                return handler, cause
    return None, None


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    seen: list[int] = []
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        yield cause
        seen.append(id(cause))
        cause = cause_of(cause)
