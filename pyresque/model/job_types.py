"""The types of jobs, and of the verbs that take one: a call is checked like one of the job's own function.

A verb is written once, as a plain method, and its decorator (`enqueues`, `finds`, ...) tells a type checker
how it may be called. When the program runs, the decorators return the method as it is.

A class name may be followed by any arguments. With `queue=`, or another keyword that is not the job's own,
the arguments of a registered job are not checked: Python's types cannot add a keyword to those of another
function.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from types import CodeType
from typing import Any, Concatenate, Generic, Literal, ParamSpec, Protocol, TypeAlias, TypeVar, cast, overload

P = ParamSpec("P")
A = TypeVar("A", contravariant=True)
R = TypeVar("R", covariant=True)
H = TypeVar("H", covariant=True)
V = TypeVar("V", covariant=True)
T = TypeVar("T")
U = TypeVar("U")
First = TypeVar("First")


class Performs(Protocol[P]):
    """What a job class makes: `perform` takes these arguments, be it static, a class method or neither."""

    def perform(self, *args: P.args, **kwargs: P.kwargs) -> object:
        """Run the job."""


class JobFunction(Protocol[P]):
    """A function that takes these arguments; the code tells it from a class, which can be called too."""

    __code__: CodeType

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> object:
        """Run the job."""


JobCode: TypeAlias = "type[Performs[P]] | JobFunction[P]"
AnyJob: TypeAlias = "JobCode[...] | partial[Any] | str"
"""A registered function or class, or a class name."""

JobCall: TypeAlias = "tuple[AnyJob, *tuple[Any, ...]] | list[Any]"
"""A job and its arguments by position, as `enqueue_many` takes them."""


Wait: TypeAlias = "float | timedelta | None"
"""How long a job may wait."""

Unique: TypeAlias = "bool | int"
"""Whether, or for how many seconds, equal jobs are kept away."""


class Verb(Protocol[V]):
    """A method that is called as `V` says."""

    def __get__(self, resque: object, kind: Any = None) -> V: ...


class Answer(Generic[R, H]):
    """What a method that is a verb answers, for a type checker only: `R`, or `H` if the job is tracked."""


class Enqueues(Protocol[R, H]):
    """`verb(job, ...)`; a class name needs `queue=`; with `track=True` it gives `H`."""

    @overload
    def __call__(
        self, job: str, /, *args: Any, queue: str, track: Literal[True], at_front: bool = False,
        ttl: Wait = None, unique: Unique = False,
    ) -> H: ...  # fmt: skip
    @overload
    def __call__(
        self, job: str, /, *args: Any, queue: str, track: Literal[False] = False, at_front: bool = False,
        ttl: Wait = None, unique: Unique = False,
    ) -> R: ...  # fmt: skip
    @overload
    def __call__(self, job: JobCode[P], /, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(
        self, job: JobCode[...], /, *args: Any, track: Literal[True], queue: str = ...,
        at_front: bool = False, ttl: Wait = None, unique: Unique = False, **kwargs: Any,
    ) -> H: ...  # fmt: skip
    @overload
    def __call__(
        self, job: JobCode[...], /, *args: Any, queue: str, track: Literal[False] = False,
        at_front: bool = False, ttl: Wait = None, unique: Unique = False, **kwargs: Any,
    ) -> R: ...  # fmt: skip
    @overload
    def __call__(
        self, job: JobCode[...], /, *args: Any, at_front: bool, track: Literal[False] = False,
        ttl: Wait = None, unique: Unique = False, **kwargs: Any,
    ) -> R: ...  # fmt: skip
    @overload
    def __call__(
        self, job: JobCode[...], /, *args: Any, ttl: Wait, track: Literal[False] = False,
        unique: Unique = False, **kwargs: Any,
    ) -> R: ...  # fmt: skip
    @overload
    def __call__(
        self, job: JobCode[...], /, *args: Any, unique: Unique, track: Literal[False] = False, **kwargs: Any
    ) -> R: ...
    @overload
    def __call__(self, job: partial[Any], /, *args: Any, track: Literal[True], **kwargs: Any) -> H: ...
    @overload
    def __call__(self, job: partial[Any], /, *args: Any, **kwargs: Any) -> R: ...


class EnqueuesAt(Protocol[A, R, H]):
    """`verb(moment, job, ...)`; a class name needs `queue=`; with `track=True` it gives `H`."""

    @overload
    def __call__(
        self, moment: A, job: str, /, *args: Any, queue: str, track: Literal[True], ttl: Wait = None,
        unique: Unique = False,
    ) -> H: ...  # fmt: skip
    @overload
    def __call__(
        self, moment: A, job: str, /, *args: Any, queue: str, track: Literal[False] = False, ttl: Wait = None,
        unique: Unique = False,
    ) -> R: ...  # fmt: skip
    @overload
    def __call__(self, moment: A, job: JobCode[P], /, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(
        self, moment: A, job: JobCode[...], /, *args: Any, track: Literal[True], queue: str = ...,
        ttl: Wait = None, unique: Unique = False, **kwargs: Any,
    ) -> H: ...  # fmt: skip
    @overload
    def __call__(
        self, moment: A, job: JobCode[...], /, *args: Any, queue: str, track: Literal[False] = False,
        ttl: Wait = None, unique: Unique = False, **kwargs: Any,
    ) -> R: ...  # fmt: skip
    @overload
    def __call__(
        self, moment: A, job: JobCode[...], /, *args: Any, ttl: Wait, track: Literal[False] = False,
        unique: Unique = False, **kwargs: Any,
    ) -> R: ...  # fmt: skip
    @overload
    def __call__(
        self, moment: A, job: JobCode[...], /, *args: Any, unique: Unique, track: Literal[False] = False,
        **kwargs: Any,
    ) -> R: ...  # fmt: skip
    @overload
    def __call__(
        self, moment: A, job: partial[Any], /, *args: Any, track: Literal[True], **kwargs: Any
    ) -> H: ...
    @overload
    def __call__(self, moment: A, job: partial[Any], /, *args: Any, **kwargs: Any) -> R: ...


class EnqueuesTo(Protocol[R, H]):
    """`verb(queue, job, ...)`."""

    @overload
    def __call__(
        self, queue: str, job: str, /, *args: Any, track: Literal[True], at_front: bool = False,
        ttl: Wait = None, unique: Unique = False,
    ) -> H: ...  # fmt: skip
    @overload
    def __call__(
        self, queue: str, job: str, /, *args: Any, track: Literal[False] = False, at_front: bool = False,
        ttl: Wait = None, unique: Unique = False,
    ) -> R: ...  # fmt: skip
    @overload
    def __call__(self, queue: str, job: JobCode[P], /, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(
        self, queue: str, job: JobCode[...], /, *args: Any, track: Literal[True], at_front: bool = False,
        ttl: Wait = None, unique: Unique = False, **kwargs: Any,
    ) -> H: ...  # fmt: skip
    @overload
    def __call__(
        self, queue: str, job: JobCode[...], /, *args: Any, at_front: bool, track: Literal[False] = False,
        ttl: Wait = None, unique: Unique = False, **kwargs: Any,
    ) -> R: ...  # fmt: skip
    @overload
    def __call__(
        self, queue: str, job: JobCode[...], /, *args: Any, ttl: Wait, track: Literal[False] = False,
        unique: Unique = False, **kwargs: Any,
    ) -> R: ...  # fmt: skip
    @overload
    def __call__(
        self, queue: str, job: JobCode[...], /, *args: Any, unique: Unique, track: Literal[False] = False,
        **kwargs: Any,
    ) -> R: ...  # fmt: skip
    @overload
    def __call__(
        self, queue: str, job: partial[Any], /, *args: Any, track: Literal[True], **kwargs: Any
    ) -> H: ...
    @overload
    def __call__(self, queue: str, job: partial[Any], /, *args: Any, **kwargs: Any) -> R: ...


class EnqueuesToAt(Protocol[A, R, H]):
    """`verb(queue, moment, job, ...)`."""

    @overload
    def __call__(
        self, queue: str, moment: A, job: str, /, *args: Any, track: Literal[True], ttl: Wait = None,
        unique: Unique = False,
    ) -> H: ...  # fmt: skip
    @overload
    def __call__(
        self, queue: str, moment: A, job: str, /, *args: Any, track: Literal[False] = False, ttl: Wait = None,
        unique: Unique = False,
    ) -> R: ...  # fmt: skip
    @overload
    def __call__(self, queue: str, moment: A, job: JobCode[P], /, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(
        self, queue: str, moment: A, job: JobCode[...], /, *args: Any, track: Literal[True], ttl: Wait = None,
        unique: Unique = False, **kwargs: Any,
    ) -> H: ...  # fmt: skip
    @overload
    def __call__(
        self, queue: str, moment: A, job: JobCode[...], /, *args: Any, ttl: Wait,
        track: Literal[False] = False, unique: Unique = False, **kwargs: Any,
    ) -> R: ...  # fmt: skip
    @overload
    def __call__(
        self, queue: str, moment: A, job: JobCode[...], /, *args: Any, unique: Unique,
        track: Literal[False] = False, **kwargs: Any,
    ) -> R: ...  # fmt: skip
    @overload
    def __call__(
        self, queue: str, moment: A, job: partial[Any], /, *args: Any, track: Literal[True], **kwargs: Any
    ) -> H: ...
    @overload
    def __call__(self, queue: str, moment: A, job: partial[Any], /, *args: Any, **kwargs: Any) -> R: ...


class MovesTo(Protocol[A, R]):
    """`verb(moment, job, ...)` of a job that may be there already; a class name needs `queue=`."""

    @overload
    def __call__(self, moment: A, job: str, /, *args: Any, queue: str) -> R: ...
    @overload
    def __call__(self, moment: A, job: JobCode[P], /, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(self, moment: A, job: JobCode[...], /, *args: Any, queue: str, **kwargs: Any) -> R: ...
    @overload
    def __call__(self, moment: A, job: partial[Any], /, *args: Any, **kwargs: Any) -> R: ...


class Finds(Protocol[R]):
    """`verb(job, ...)`; a class name may go without `queue=`."""

    @overload
    def __call__(self, job: str, /, *args: Any, queue: str | None = None) -> R: ...
    @overload
    def __call__(self, job: JobCode[P], /, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(self, job: JobCode[...], /, *args: Any, queue: str, **kwargs: Any) -> R: ...
    @overload
    def __call__(self, job: partial[Any], /, *args: Any, **kwargs: Any) -> R: ...


class FindsAt(Protocol[A, R]):
    """`verb(moment, job, ...)`; a class name may go without `queue=`."""

    @overload
    def __call__(self, moment: A, job: str, /, *args: Any, queue: str | None = None) -> R: ...
    @overload
    def __call__(self, moment: A, job: JobCode[P], /, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(self, moment: A, job: JobCode[...], /, *args: Any, queue: str, **kwargs: Any) -> R: ...
    @overload
    def __call__(self, moment: A, job: partial[Any], /, *args: Any, **kwargs: Any) -> R: ...


class Dequeues(Protocol[R]):
    """`verb(job, ...)`; a job alone means those with whatever arguments."""

    @overload
    def __call__(self, job: AnyJob, /, *, queue: str | None = None) -> R: ...
    @overload
    def __call__(self, job: str, /, *args: Any, queue: str | None = None) -> R: ...
    @overload
    def __call__(self, job: JobCode[P], /, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(self, job: JobCode[...], /, *args: Any, queue: str, **kwargs: Any) -> R: ...
    @overload
    def __call__(self, job: partial[Any], /, *args: Any, **kwargs: Any) -> R: ...


def enqueues(method: Callable[Concatenate[Any, Any, ...], Answer[T, U]]) -> Verb[Enqueues[T, U]]:
    """Type a verb that takes a job."""
    return cast("Verb[Enqueues[T, U]]", method)


def enqueues_at(
    method: Callable[Concatenate[Any, First, Any, ...], Answer[T, U]],
) -> Verb[EnqueuesAt[First, T, U]]:
    """Type a verb that takes a moment (or a delay) and a job."""
    return cast("Verb[EnqueuesAt[First, T, U]]", method)


def enqueues_to(method: Callable[Concatenate[Any, str, Any, ...], Answer[T, U]]) -> Verb[EnqueuesTo[T, U]]:
    """Type a verb that takes a queue and a job."""
    return cast("Verb[EnqueuesTo[T, U]]", method)


def enqueues_to_at(
    method: Callable[Concatenate[Any, str, First, Any, ...], Answer[T, U]],
) -> Verb[EnqueuesToAt[First, T, U]]:
    """Type a verb that takes a queue, a moment (or a delay) and a job."""
    return cast("Verb[EnqueuesToAt[First, T, U]]", method)


def moves_to(method: Callable[Concatenate[Any, First, Any, ...], T]) -> Verb[MovesTo[First, T]]:
    """Type a verb that moves a job to a moment."""
    return cast("Verb[MovesTo[First, T]]", method)


def finds(method: Callable[Concatenate[Any, Any, ...], T]) -> Verb[Finds[T]]:
    """Type a verb that looks for a job."""
    return cast("Verb[Finds[T]]", method)


def finds_at(method: Callable[Concatenate[Any, First, Any, ...], T]) -> Verb[FindsAt[First, T]]:
    """Type a verb that looks for a job at a moment."""
    return cast("Verb[FindsAt[First, T]]", method)


def dequeues(method: Callable[Concatenate[Any, Any, ...], T]) -> Verb[Dequeues[T]]:
    """Type a verb that takes jobs off their queue."""
    return cast("Verb[Dequeues[T]]", method)
