"""Log lines that do no harm.

What is logged comes from Redis, from users and from exceptions, and what logs it (filters, handlers, record
factories) may be the application's own. No line ends or doubles a worker, or changes what becomes of a job,
and none is longer than some thousand characters.
"""

from __future__ import annotations

import linecache
import logging
import os
import stat
import sys
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from types import CodeType
from typing import cast

from pyresque.errors import ResqueError
from pyresque.usercode.guards import one_process, unless_no
from pyresque.usercode.safely import (
    cause_of,
    cut,
    frames_of,
    full_name_of,
    is_by_signal,
    members_of,
    name_of,
    notes_of,
    text_of,
    trace_of,
)

FIELDS = "pyresque_fields"
"""The attribute of a record of ours that holds its named fields."""
VALUE = 2_000
"""Characters that are shown of one value."""
FRAMES = 20
"""Frames that are shown of the outer end of a traceback, and of its inner one."""
CAUSES = 5
"""Exceptions that are shown of a chain."""

Told = bool | BaseException | str | None
"""Whether the exception that is handled now is shown, or which one; or its traceback, as text."""

_LIBRARY = os.path.dirname(__file__) + os.sep
_LARGEST_SOURCE = 5_000_000
"""Bytes of a file in which the line of a traceback is looked up."""


class Log:
    """The logger of this name. Its methods are those of `logging.Logger`, and raise nothing."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)
        self._complained = False
        # Python's own raises, too: where a job has set `logger.level = "DEBUG"`.
        self.wants_info: Callable[[], bool] = partial(unless_no, self._logger.isEnabledFor, logging.INFO)
        """Whether anybody hears `info`: to be asked before what a line shows is made. It raises nothing."""
        if type(self._logger) is not logging.Logger:
            self.wants_info = _yes  # that of the application may do anything when it is asked

    def debug(self, text: str, *values: object, exc_info: Told = False) -> None:
        """Say what helps to find a mistake."""
        self._say(logging.DEBUG, text, values, exc_info)

    def info(self, text: str, *values: object, exc_info: Told = False, **fields: object) -> None:
        """Say what is done."""
        self._say(logging.INFO, text, values, exc_info, fields)

    def warning(self, text: str, *values: object, exc_info: Told = False, **fields: object) -> None:
        """Say what somebody should know of.

        Args:
            fields: what lines with named fields show beside the text; `job` is a ReservedJob.
        """
        self._say(logging.WARNING, text, values, exc_info, fields)

    def error(self, text: str, *values: object, exc_info: Told = False, **fields: object) -> None:
        """Say what has gone wrong."""
        self._say(logging.ERROR, text, values, exc_info, fields)

    def exception(self, text: str, *values: object, exc_info: Told = True) -> None:
        """The same with the traceback of the exception that is handled, or of the one that is given."""
        self._say(logging.ERROR, text, values, exc_info)

    def _say(
        self,
        level: int,
        text: str,
        values: tuple[object, ...],
        told: Told,
        fields: dict[str, object] | None = None,
    ) -> None:
        try:
            with one_process():
                if self._logger.isEnabledFor(level):
                    told = sys.exc_info()[1] if told is True else told
                    extra: dict[str, object] | None = {FIELDS: fields} if fields else None
                    self._log(level, text, tuple(map(_shown, values)), told, extra)
        except BaseException as error:
            if is_by_signal(error):
                raise
            self._complain(error)

    def _log(
        self, level: int, text: str, values: tuple[object, ...], told: Told, extra: dict[str, object] | None
    ) -> None:
        trace = told if type(told) is str else ""
        if not trace and not issubclass(type(told), BaseException):
            self._logger.log(level, text, *values, stacklevel=4, extra=extra)
            return
        logger, error = self._logger, cast(BaseException, told)  # not asked what it is: it may raise
        info = None if trace else (type(error), error, trace_of(error))
        file, line, function, _ = logger.findCaller(stacklevel=4)
        record = logger.makeRecord(logger.name, level, file, line, text, values, info, function, extra)
        record.exc_text = trace or traceback_text(error)  # formatters take it where it is there
        logger.handle(record)

    def _complain(self, error: BaseException) -> None:
        """Say on stderr that lines are lost: once, for it will be so with each of them."""
        if self._complained:
            return
        self._complained = True
        try:
            sys.stderr.write(f"pyresque: its log lines are lost:\n{traceback_text(error)}\n")
        except BaseException as raised:
            if is_by_signal(raised):
                raise


def _yes() -> bool:
    return True


def traceback_text(error: BaseException, *, of_job: bool = False) -> str:
    """The traceback as Python shows it, at most some hundred lines of it.

    Args:
        of_job: whether it begins with the job's own code, and not with ours, which has called that.
    """
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and len(chain) < CAUSES and not any(cause is seen for seen in chain):
        chain.append(cause)
        cause = cause_of(cause)
    return _writable(
        "\n\nwhich led to this one:\n\n".join("\n".join(_lines(cause, of_job)) for cause in reversed(chain))
    )


def _lines(error: BaseException, of_job: bool) -> Iterator[str]:
    frames = _frames_of_job(error) if of_job else frames_of(error)
    outer = list(islice(frames, FRAMES))
    inner = deque(enumerate(frames, 1), maxlen=FRAMES)
    if outer:
        yield "Traceback (most recent call last):"
    for code, line in outer:
        yield _place(code.co_filename, line, code.co_name)
    left_out = inner[0][0] - 1 if inner else 0
    if left_out:
        yield f"  ... {left_out:,} frames ..."
    for _, (code, line) in inner:
        yield _place(code.co_filename, line, code.co_name)
    yield _named(error)
    yield from (cut(note, VALUE) for note in notes_of(error)[:CAUSES])
    for member in members_of(error)[:CAUSES]:
        yield f"  inside: {_named(member)}{_innermost(member)}"


def _frames_of_job(error: BaseException) -> Iterator[tuple[CodeType, int]]:
    """The frames from the job's own code on: ours before it have called that, ours behind it were called.

    Where we refuse a job before its code begins, none is: the error says it all.
    """
    ours = [code.co_filename.startswith(_LIBRARY) for code, _ in frames_of(error)]
    end = len(ours)
    while end and ours[end - 1]:
        end -= 1
    if not end and issubclass(type(error), ResqueError):
        return iter(())
    start = next((number for number in range(end, 0, -1) if ours[number - 1]), 0)
    return islice(frames_of(error), start, None)


def _named(error: BaseException) -> str:
    return f"{cut(full_name_of(type(error)), VALUE)}: {cut(text_of(error), VALUE)}".removesuffix(": ")


def _innermost(error: BaseException) -> str:
    last = deque(frames_of(error), maxlen=1)
    return f" ({cut(last[0][0].co_filename, 500)}:{last[0][1]})" if last else ""


def _place(file: str, line: int, function: str) -> str:
    source = cut(linecache.getline(file, line).strip(), 200) if _is_source(file) else ""
    location = f'  File "{cut(file, 500)}", line {line}, in {cut(function, 200)}'
    return f"{location}\n    {source}" if source else location


def _is_source(file: str) -> bool:
    """Whether it is a file that may be read: code may be compiled under the name of a device or a pipe."""
    try:
        status = os.stat(file)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size <= _LARGEST_SOURCE


def _shown(value: object) -> object:
    kind = type(value)
    if kind is float or (kind is int and value.bit_length() < 64):  # type: ignore[attr-defined]  # an int
        return value  # for `%d` and `%.1f`
    if kind is bytes:
        return value[:VALUE]  # type: ignore[index]  # bytes
    text = text_of(value)
    return _writable(cut(text, VALUE) if text or not issubclass(kind, BaseException) else name_of(kind))


def _writable(text: str) -> str:
    """The text without what no stream takes: halves of characters, which Python's texts may hold."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
