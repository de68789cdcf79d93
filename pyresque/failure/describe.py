"""What a failure record says of an exception: its class name, its text, its backtrace.

See docs/protocol/core.md#the-failure-record.

Nothing here raises, whatever an exception does when it is asked: the record says so instead.
"""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from types import CodeType
from typing import Any

from pyresque.errors import DontPerform, HookError, ResqueError
from pyresque.failure.shortening import LINES
from pyresque.usercode.safely import (
    cause_of,
    cut,
    frames_of,
    full_name_of,
    is_a,
    is_by_signal,
    members_of,
    notes_of,
    text_of,
)  # fmt: skip

_CAUSE, _INSIDE = "caused by ", "inside: "
_RELATED = 10_000
"""Errors that are looked at, of all that have led to one."""
_SECTIONS = 40
"""Errors whose lines a backtrace shows."""
_MEMBERS = 20
"""Exceptions of a group that a text shows."""
_LIBRARY = str(Path(__file__).parents[1]) + os.sep
_ARGS: Any = BaseException.__dict__["args"]


def error_name(error: BaseException) -> str:
    """The class name that a record shows: Ruby's for what Ruby knows, else the Python name."""
    kind = type(error)
    name = _ruby_name(error) if issubclass(kind, ResqueError) else None
    return name or ("Interrupt" if kind is KeyboardInterrupt else full_name_of(kind))


def _ruby_name(error: BaseException) -> str | None:
    try:
        name = error.ruby_name  # type: ignore[attr-defined]  # some have one
    except BaseException as raised:
        if is_by_signal(raised):
            raise
        return None
    return str.__str__(name) if issubclass(type(name), str) else None


def error_message(error: BaseException) -> str:
    """The text that a record shows; as in Ruby it is the class where the error was raised without one."""
    args: tuple[Any, ...] = _ARGS.__get__(error)
    if is_a(error, SystemExit):
        # Ruby's `abort("text")` has the text, its `exit 3` only this. Python shows whatever is not a number.
        code = args[0] if len(args) == 1 else args or None
        return "exit" if code is None or issubclass(type(code), int) else text_of(code)
    if is_a(error, KeyError) and len(args) == 1:
        return text_of(args[0])  # str() of a KeyError is the repr of its key
    text = text_of(error)
    if text or (args and not is_a(error, DontPerform)) or is_by_signal(error):
        return text
    return error_name(error)


def whole_message(error: BaseException) -> str:
    """The text with its notes and, of an exception group, what is in it, each with its place."""
    lines = [error_message(error), *notes_of(error)]
    inside = [member for how, member in related(error) if how == _INSIDE] if members_of(error) else []
    for member in inside[:_MEMBERS]:
        at = next((f" ({line.partition(':in `')[0]})" for line in _lines(member, 8)), "")
        lines += [f"{error_name(member)}: {error_message(member)}{at}", *notes_of(member)]
    if len(inside) > _MEMBERS:
        lines.append(f"... {len(inside) - _MEMBERS:,} more are left out ...")
    return "\n".join(lines)


def related(error: BaseException) -> list[tuple[str, BaseException]]:
    """All that has led to an error, and how: the exceptions in a group, and the whole chain of causes."""
    chain: list[tuple[str, BaseException]] = []
    seen, waiting = {id(error)}, [("", error)]
    while waiting and len(chain) < _RELATED:
        how, current = waiting.pop()
        if how:
            chain.append((how, current))
        cause = cause_of(current)
        further = [] if cause is None else [(_CAUSE, cause)]
        further += [(_INSIDE, member) for member in reversed(members_of(current))]
        for pair in further:
            if id(pair[1]) not in seen:
                seen.add(id(pair[1]))
                waiting.append(pair)
    return chain


def backtrace_lines(error: BaseException) -> list[str]:
    """The backtrace as Ruby lists it: innermost first, `file:line:in `function'`, without our own frames.

    Below stand what is in an exception group and the causes, with their own lines.
    """
    if is_a(error, HookError):
        return []
    others = related(error)
    if not others:
        return _lines(error, LINES)
    half = LINES // 2
    lines = _lines(error, half)
    # The first are next to the error, and the last is the root of it.
    left_out = range(_SECTIONS // 2, len(others) - _SECTIONS // 2)
    room = (half - 1) // min(len(others), _SECTIONS)
    for number, (how, related_error) in enumerate(others):
        if number not in left_out:
            text = "\n".join([error_message(related_error), *notes_of(related_error)])
            lines += [f"{how}{error_name(related_error)}: {text}", *_lines(related_error, room - 1)]
        elif number == left_out[0]:
            lines.append(f"... {len(left_out):,} errors between them are left out ...")
    return lines


def _lines(error: BaseException, most: int) -> list[str]:
    """The lines of one traceback; of more than so many, some in the middle are left out."""
    before, behind = _Frames(most), _Frames(most)
    frames = before
    for code, line in frames_of(error):
        if code.co_filename.startswith(_LIBRARY):
            frames = behind  # what stands before us has called us, and is none of the job's
        else:
            frames.add((code, line))
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
        note = [f"... {left_out:,} lines are left out ..."] if left_out else []
        return [*map(_line, reversed(self._inner)), *note, *map(_line, reversed(self._outer))]


def _line(frame: tuple[CodeType, int]) -> str:
    code, number = frame
    return f"{cut(code.co_filename, 4_000)}:{number}:in `{cut(code.co_name, 1_000)}'"
