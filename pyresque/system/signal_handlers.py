"""Signal handlers of ours, and that nothing which the application starts inherits them.

A program that is executed loses handlers by itself. A process that is only forked (by `os.fork`, by
multiprocessing) would keep ours, and so would not end when it is asked to: it gets the system's defaults. No
signal that comes about such a fork is lost: it waits until the defaults are there.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

Function = Callable[[int, FrameType | None], object]


class Handler:
    """A signal handler of ours."""

    __slots__ = ("_function",)

    def __init__(self, function: Function) -> None:
        self._function = function

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Act on a signal."""
        self._function(number, frame)


# gevent replaces what `signal` has for SIGCHLD, and then tells of no processes but its own.
_native_signal: Any = sys.modules["_signal"]
set_handler: Callable[[int, Any], Any] = _native_signal.signal
handler_of: Callable[[int], Any] = _native_signal.getsignal
_fork = os.fork  # a job may put something else in its place
_used: set[int] = set()
wakeup = -1
"""The descriptor of ours that signals write into; -1: none."""
_native: set[int] = set()
_masks = threading.local()
_forking = 0
"""The thread that forks a process of ours."""


def handle(number: int, handler: Handler) -> Any:
    """Let a signal call a handler of ours; returns what it called before (None: that is not Python's)."""
    _used.add(number)
    before = signal.getsignal(number)
    set_handler(number, handler)
    return before


def own_signal(offset: int, instead: int) -> int:
    """A signal that nobody else uses: a real-time one or, where the system has none (macOS), `instead`."""
    first: int | None = getattr(signal, "SIGRTMIN", None)
    return instead if first is None else first + offset


def note_native(number: int) -> None:
    """A signal has got a handler of ours of which Python does not know."""
    _native.add(number)


def fork() -> int:
    """Fork a process of ours: it keeps the handlers until it sets its own."""
    global _forking
    _forking = threading.get_ident()
    try:
        return _fork()
    finally:
        _forking = 0


def _before() -> None:
    _masks.before = None
    if _used and _forking != threading.get_ident():
        _masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, _used)


def _in_parent() -> None:
    if _masks.before is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, _masks.before)


def _in_copy() -> None:
    if _masks.before is None:
        return
    for number in _used:
        if isinstance(handler_of(number), Handler):
            default = signal.default_int_handler if number == signal.SIGINT else int(signal.SIG_DFL)
            set_handler(number, default)
    for number in _native:
        signal.signal(number, signal.SIG_DFL)
    before = signal.set_wakeup_fd(-1)
    if before not in (-1, wakeup):
        signal.set_wakeup_fd(before)
    _used.clear()
    _native.clear()
    signal.pthread_sigmask(signal.SIG_SETMASK, _masks.before)


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_copy)
