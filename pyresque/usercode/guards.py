"""What holds wherever code of the application runs: jobs, hooks, failure backends.

    with application_code():
        hook(*args)

A process that the code has forked, and that comes out of the block, has no business behind it: it would
speak for the job, or become a second worker. It ends there, as Python ends a process, and nothing of ours
runs in it. Exceptions that signals raise come up inside such blocks only: raised a moment later, in our own
code, one of them would cut off the telling of what the job has come to.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, TypeVar

E = TypeVar("E", bound=BaseException)

MARK = "pyresque_signal"
"""The attribute of an error that a signal handler has raised, and not the code that ran."""

getpid, exit_now = os.getpid, os._exit
"""As Python made them: a job may put something else in their place."""

_depth = 0
_deliver: Callable[[BaseException], bool] | None = None
_due: BaseException | None = None


class one_process:  # noqa: N801 (it is used as a function)
    """A block that only the process comes out of that went in."""

    __slots__ = ("_pid",)

    def __enter__(self) -> None:
        self._pid = getpid()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        # A coroutine that another process throws away is closed there, and has not come out by itself.
        if getpid() != self._pid and kind is not GeneratorExit:
            end_copy(error)


class application_code(one_process):  # noqa: N801 (it is used as a function)
    """The same, in which code of the application runs, in the main thread."""

    __slots__ = ()

    def __enter__(self) -> None:
        global _depth, _due
        if _due is not None:
            error, _due = _due, None
            raise error
        self._pid = getpid()
        _depth += 1

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        global _depth
        _depth -= 1
        if getpid() != self._pid:
            end_copy(error)


def raise_in_application(error: BaseException) -> None:
    """For a signal handler: raise this where code of the application runs, now or as soon as it does."""
    global _due
    by_signal(error)
    if not _depth:
        _due = error
        return
    if _deliver is None or not _deliver(error):
        raise error


@contextmanager
def delivered_by(deliver: Callable[[BaseException], bool]) -> Iterator[None]:
    """While an event loop runs a coroutine of the application: raised in the loop, an error would stop that.

    Args:
        deliver: brings an error to the coroutine; whether it need not be raised as well.
    """
    global _deliver
    before = _deliver
    if threading.current_thread() is threading.main_thread():
        _deliver = deliver
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            _deliver = before


def by_signal(error: E) -> E:
    """Mark an error that a signal handler is about to raise."""
    vars(error)[MARK] = True
    return error


def unless_no(question: Callable[..., object], *args: object) -> bool:
    """Ask code that the user may have changed for yes or no, where both do no harm: yes if it raises.

    It is asked outside of `application_code`, where signals raise nothing.
    """
    try:
        return bool(question(*args))
    except BaseException:
        return True


def forget_due() -> None:
    """A job begins, or is over: what was due in the last one is not for the next."""
    global _due
    _due = None


def end_copy(error: BaseException | None = None) -> NoReturn:
    """End this process, which a job has forked, as Python ends one; but nothing of ours runs.

    Args:
        error: what it ends with; where that is not SystemExit, stderr tells of it.
    """
    status = 1
    try:
        status = _status(error)
        threading._shutdown()  # type: ignore[attr-defined]  # its own threads may finish
        for name in ("stdout", "stderr"):
            getattr(sys, name).flush()
    finally:
        exit_now(status)


def _status(error: BaseException | None) -> int:
    if error is None:
        return 0
    if not isinstance(error, SystemExit):
        sys.excepthook(type(error), error, error.__traceback__)
        return 1
    if error.code is None or isinstance(error.code, int):
        return (error.code or 0) & 0xFF
    sys.stderr.write(f"{error.code}\n")
    return 1
