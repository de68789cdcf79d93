"""What a failure record says of an exception: its class name, its text, its backtrace (core.md 11, 14.1).

Nothing here raises, whatever an exception does when it is asked: that is told instead.
"""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from types import CodeType
from typing import Any

from pyresque.errors import DontPerform, HookError, ResqueError
from pyresque.failure.backend import LINES
from pyresque.safely import cause_of, cut, frames_of, full_name_of, is_a, is_by_signal, text_of

_LIBRARY = str(Path(__file__).parents[1]) + os.sep
_ARGS: Any = BaseException.__dict__["args"]


def error_name(error: BaseException) -> str:
    """The class name that a record shows: Ruby's for what Ruby knows, else the Python name."""
    kind = type(error)
    name = _ruby_name(error) if issubclass(kind, ResqueError) else None
    return name or ("Interrupt" if kind is KeyboardInterrupt else full_name_of(kind))


def _ruby_name(error: BaseException) -> str | None:
    try:
        name = error.ruby_name  # type: ignore[attr-defined]
    except BaseException as raised:
        if is_by_signal(raised):
            raise
        return None
    return str.__str__(name) if issubclass(type(name), str) else None


def error_message(error: BaseException) -> str:
    """The text that a record shows; as in Ruby it is the class where the error was raised without one."""
    args: tuple[Any, ...] = _ARGS.__get__(error)
    if is_a(error, SystemExit):
        return "exit"
    if is_a(error, KeyError) and len(args) == 1:
        return text_of(args[0])  # str() of a KeyError is the repr of its key
    text = text_of(error)
    if text or (args and not is_a(error, DontPerform)) or is_by_signal(error):
        return text
    return error_name(error)


def backtrace_lines(error: BaseException) -> list[str]:
    """The backtrace as Ruby lists it: innermost first, `file:line:in `function'`, without our own frames."""
    if is_a(error, HookError):
        return []
    cause = cause_of(error)
    if cause is None:
        return _lines(error, LINES)
    half = LINES // 2
    told = f"caused by {error_name(cause)}: {error_message(cause)}"
    return [*_lines(error, half), told, *_lines(cause, half - 1)]


def _lines(error: BaseException, most: int) -> list[str]:
    """The lines of one traceback; of more than so many, some in the middle are left out."""
    before, behind = _Frames(most), _Frames(most)
    found = before
    for code, line in frames_of(error):
        if code.co_filename.startswith(_LIBRARY):
            found = behind  # what stands before us has called us, and is none of the job's
        else:
            found.add((code, line))
    return (behind if behind.count else before).lines()


class _Frames:
    """Frames as they come, outermost first, of which only both ends are kept."""

    def __init__(self, most: int) -> None:
        self.count = 0
        self._room = most // 4
        self._outer: list[tuple[CodeType, int]] = []
        self._inner: deque[tuple[CodeType, int]] = deque(maxlen=most - 1 - self._room)

    def add(self, frame: tuple[CodeType, int]) -> None:
        """One more."""
        self.count += 1
        (self._outer if len(self._outer) < self._room else self._inner).append(frame)

    def lines(self) -> list[str]:
        """What was kept, innermost first."""
        left_out = self.count - len(self._outer) - len(self._inner)
        told = [f"... {left_out:,} lines are left out ..."] if left_out else []
        return [*map(_line, reversed(self._inner)), *told, *map(_line, reversed(self._outer))]


def _line(frame: tuple[CodeType, int]) -> str:
    code, number = frame
    return f"{cut(code.co_filename, 4_000)}:{number}:in `{cut(code.co_name, 1_000)}'"
