"""Log lines on a terminal or in a pipe. Where nobody reads them they are left out: no worker waits."""

from __future__ import annotations

import logging
import os
import select
import stat
from collections.abc import Iterator
from typing import TextIO

from pyresque.cli.log_lines import Silent

_PIECE = 4096
"""Bytes that a pipe takes at once where it says that it can be written to (PIPE_BUF)."""
_LARGEST = 10
"""Bytes that one character takes at most: as an escape, where the encoding does not have it."""


class StreamHandler(Silent, logging.StreamHandler[TextIO]):
    """Writes to a stream. A reader that is there and does not read is waited for once, and not again."""

    patience = 5.0
    """Seconds for which a line waits for its reader."""
    left_out = 0
    """Lines that nobody has read, since the last one that was."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, and before it how many were left out."""
        try:
            if not self._takes(0.0 if self.left_out else self.patience):
                self.left_out += 1
                return
            lines = [record]
            if self.left_out:
                text = "%d lines of the log were left out here: nobody was reading them"
                args = (self.left_out,)
                lines.insert(0, logging.LogRecord("pyresque.cli", logging.WARNING, "", 0, text, args, None))
                self.left_out = 0
            for line in lines:
                self._write(self.format(line) + self.terminator)
        except Exception:
            self.handleError(record)

    def _write(self, text: str) -> None:
        for piece in self._pieces(text):
            if not self._takes(self.patience):
                self.left_out += 1
                return
            self.stream.write(piece)
            self.flush()

    def _pieces(self, text: str) -> Iterator[str]:
        """The text in parts that do not block a stream which takes something at all."""
        if len(text) <= _PIECE // _LARGEST or self._is_file():
            yield text
            return
        step = _PIECE if text.isascii() else _PIECE // _LARGEST
        yield from (text[begin : begin + step] for begin in range(0, len(text), step))

    def _is_file(self) -> bool:
        number = self._number()
        return number is None or stat.S_ISREG(os.fstat(number).st_mode)

    def _takes(self, seconds: float) -> bool:
        """Whether something can be written now, or after so many seconds."""
        number = self._number()
        if number is None:
            return True
        poll = select.poll()
        poll.register(number, select.POLLOUT)
        return bool(poll.poll(seconds * 1000))

    def _number(self) -> int | None:
        try:
            return self.stream.fileno()
        except (OSError, ValueError, AttributeError):  # it is no file of the system, or it is closed
            return None
