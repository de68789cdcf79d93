"""What a failure record says of an exception: its class name, its text, its backtrace (core.md 11, 14.1)."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType

from pyresque.errors import DontPerform, HookError, ResqueError

_LIBRARY = str(Path(__file__).parent.parent)


def error_name(error: BaseException) -> str:
    """The class name that a record shows: Ruby's for what Ruby knows, else the Python name."""
    if isinstance(error, ResqueError) and error.ruby_name:
        return error.ruby_name
    kind = type(error)
    if kind is KeyboardInterrupt:
        return "Interrupt"
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def error_message(error: BaseException) -> str:
    """The text that a record shows; never raises, whatever `__str__` does."""
    try:
        if isinstance(error, SystemExit):
            return "exit"
        if isinstance(error, KeyError) and len(error.args) == 1:
            return str(error.args[0])  # str() of a KeyError is the repr of its key
        text = str(error)
    except Exception:
        return f"({type(error).__name__} without readable text)"
    return text or (error_name(error) if isinstance(error, DontPerform) else "")


def backtrace_lines(error: BaseException) -> list[str]:
    """The backtrace as Ruby lists it: innermost first, `file:line:in `function'`, without our own frames."""
    if isinstance(error, HookError):
        return []
    lines = _lines(error.__traceback__)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and lines:
        lines.append(f"caused by {error_name(cause)}: {error_message(cause)}")
        lines += _lines(cause.__traceback__)
    return lines


def _lines(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)
    own = [place for place, frame in enumerate(frames) if frame.filename.startswith(_LIBRARY)]
    outer = own[0] if own else -1
    theirs = [f for place, f in enumerate(frames) if place > outer and not f.filename.startswith(_LIBRARY)]
    return [f"{frame.filename}:{frame.lineno}:in `{frame.name}'" for frame in reversed(theirs)]
