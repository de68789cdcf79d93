"""What code of the user's gives or raises, taken so that nothing can come of it but a value.

An object of the user's may do anything when it is asked something: raise, also SystemExit, answer with an
object of its own, or with a text of a gigabyte. Whoever only wants to tell of it asks here.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from types import CodeType, TracebackType
from typing import Any, TypeGuard, TypeVar

from pyresque.errors import JobTimeout, SignalException, TermException
from pyresque.usercode.guards import MARK, one_process

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)

NOTES = 100
"""Notes of one error that are shown."""
DEEPEST = 5_000
"""Calls within each other that a `__str__` of the user's may take."""

_MARKED = (JobTimeout, TermException, SignalException, KeyboardInterrupt)
_OF_ERRORS: Any = BaseException.__dict__
_OF_GROUPS: Any = BaseExceptionGroup.__dict__
_OF_CLASSES: Any = type.__dict__


def tried(function: Callable[..., T], *args: Any) -> tuple[T | None, BaseException | None]:
    """Call code of the user's: what it returned, and what it raised instead, as a value.

    Whoever goes on with the error is in no `except` block then. So it does not become the context of what
    the user's code raises next. A process that the code has forked does not come back from here.
    """
    try:
        with one_process():
            return function(*args), None
    except BaseException as error:
        return None, error


def tried_in_job(function: Callable[..., T], *args: Any) -> tuple[T | None, BaseException | None]:
    """The same where a job asks: what a signal raises in it is not that code's, and goes on its way."""
    answer, error = tried(function, *args)
    if error is not None and is_by_signal(error):
        raise error
    return answer, error


def is_a(error: BaseException | None, kind: type[E]) -> TypeGuard[E]:
    """Whether an error is of a kind, whatever it says of its class itself."""
    return issubclass(type(error), kind)


def either(error: BaseException | None, other: BaseException) -> BaseException:
    """The first of two errors, if there is one. (It may raise when it is asked whether it is true.)"""
    return other if error is None else error


def is_by_signal(error: BaseException) -> bool:
    """Whether a signal has raised this, and not the code that ran: it must not be passed over."""
    kind = type(error)
    if kind is KeyboardInterrupt and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        return True
    # A class of the user's is not asked: that could run user code.
    return any(kind is marked for marked in _MARKED) and MARK in vars(error)


def text_of(value: object) -> str:
    """`str()` of anything, or what can be said of it where that fails."""
    if type(value) is str:
        return value
    limit = sys.getrecursionlimit()
    try:
        if limit > DEEPEST:  # a job has raised it, and one that recurses for ever would end the process
            sys.setrecursionlimit(DEEPEST)
        return str.__str__(str(value))  # a subclass of str may do what it likes when it is used
    except BaseException as error:
        if is_by_signal(error):
            raise
    finally:
        if limit > DEEPEST:
            sys.setrecursionlimit(limit)
    if issubclass(type(value), str):
        return str.__str__(value)
    return f"({name_of(type(value))} without readable text)"


def plain_name(name: Any) -> Any:
    """The name of a queue or class as plain text: the value of an Enum, and no subclass of str.

    Such a one says something else of itself (`Q.MAIL`) than what it is equal to. What is not text stays.
    """
    if type(name) is str:
        return name
    value = name.value if isinstance(name, Enum) else name
    return str.__str__(value) if isinstance(value, str) else name


def name_of(kind: type) -> str:
    """The name of a class, as it was made with: its metaclass may answer with anything."""
    name: str = _OF_CLASSES["__name__"].__get__(kind)
    return name


def full_name_of(kind: type) -> str:
    """The name with its module, unless that is Python's own."""
    name: str = _OF_CLASSES["__qualname__"].__get__(kind)
    module = _OF_CLASSES["__dict__"].__get__(kind).get("__module__")
    return name if type(module) is not str or module == "builtins" else f"{module}.{name}"


def class_has(value: object, name: str) -> bool:
    """Whether the class of an object has something under a name, as Python's own operators look for it."""
    kinds = _OF_CLASSES["__mro__"].__get__(type(value))
    return any(_OF_CLASSES["__dict__"].__get__(kind).get(name) is not None for kind in kinds)


def cut(text: str, most: int) -> str:
    """The text, with at most so many characters of it; how many there were is said behind them."""
    return text if len(text) <= most else f"{text[:most]}... ({len(text):,} characters)"


def context_of(error: BaseException) -> BaseException | None:
    """Its `__context__`, whatever its class has under that name."""
    context: BaseException | None = _OF_ERRORS["__context__"].__get__(error)
    return context


def set_context(error: BaseException, context: BaseException | None) -> None:
    """Set its `__context__`."""
    _OF_ERRORS["__context__"].__set__(error, context)


def cause_of(error: BaseException) -> BaseException | None:
    """What Python shows above an error: its cause, or what it came up in the handling of."""
    cause: BaseException | None = _OF_ERRORS["__cause__"].__get__(error)
    hidden = _OF_ERRORS["__suppress_context__"].__get__(error)
    shown = cause if cause is not None or hidden else context_of(error)
    return None if shown is error else shown


def members_of(error: BaseException) -> tuple[BaseException, ...]:
    """The exceptions in an exception group; none where it is not a group."""
    if not issubclass(type(error), BaseExceptionGroup):
        return ()
    members: tuple[BaseException, ...] = _OF_GROUPS["exceptions"].__get__(error)
    return members


def notes_of(error: BaseException) -> list[str]:
    """What `add_note` has added to it, as far as that can be told."""
    noted = _OF_ERRORS["__dict__"].__get__(error).get("__notes__")
    return [text_of(note) for note in noted[:NOTES]] if type(noted) is list else []


def trace_of(error: BaseException) -> TracebackType | None:
    """Its `__traceback__`."""
    trace: TracebackType | None = _OF_ERRORS["__traceback__"].__get__(error)
    return trace


def frames_of(error: BaseException) -> Iterator[tuple[CodeType, int]]:
    """The code and line of each frame in its traceback, outermost first."""
    trace = trace_of(error)
    while trace is not None:
        yield trace.tb_frame.f_code, trace.tb_lineno or 0
        trace = trace.tb_next


def flush_output() -> None:
    """Write out what the program has printed, as far as that can be done."""
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except BaseException as error:  # gone, None, closed, or what the user has put there
            if is_by_signal(error):
                raise
