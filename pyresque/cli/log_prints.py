"""What the application prints, as log lines: where those have named fields, prints have them too."""

from __future__ import annotations

import io
import logging
import sys
import threading
from typing import Any, TextIO

LONGEST = 100_000
"""Characters of a line that are kept until its end comes; what comes then is a line of its own."""


class Prints(io.TextIOBase):
    """A stream that makes a record of each line. It has no lock: each thread has a line of its own.

    Args:
        stream: the stream in whose place it is; whoever asks for its descriptor gets that of this one.
        handler: what writes the records.
    """

    def __init__(self, stream: TextIO, handler: logging.Handler, name: str, level: int) -> None:
        self.stream = stream
        self._handler = handler
        self._name, self._level = name, level
        self._begun = threading.local()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["stream"], name)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # nobody sets it
        """That of the stream behind it."""
        return self.stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]  # nobody sets it
        """The same."""
        return self.stream.errors

    def fileno(self) -> int:
        """The descriptor of the stream behind it: what is written there is no record."""
        return self.stream.fileno()

    def isatty(self) -> bool:
        """Whether a terminal is behind it."""
        return self.stream.isatty()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Take a text; each line that is complete is written.

        Raises:
            ValueError: it was closed.
            TypeError: it is not a text.
        """
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        *lines, rest = (getattr(self._begun, "text", "") + text).split("\n")
        self._begun.text = rest if len(rest) <= LONGEST else ""
        for line in lines:
            self._tell(line)
        if len(rest) > LONGEST:
            self._tell(rest)
        return len(text)

    def flush(self) -> None:
        """Write what has no end of line yet, too."""
        begun = getattr(self._begun, "text", "")
        self._begun.text = ""
        if begun:
            self._tell(begun)

    def _tell(self, line: str) -> None:
        record = logging.LogRecord(self._name, self._level, "", 0, line.removesuffix("\r"), None, None)
        self._handler.handle(record)


def take(out: logging.Handler, err: logging.Handler) -> None:
    """From now on what is printed goes to these handlers."""
    give_back()
    sys.stdout = Prints(sys.stdout, out, "stdout", logging.INFO)
    sys.stderr = Prints(sys.stderr, err, "stderr", logging.WARNING)


def give_back() -> None:
    """What is printed goes to the streams again."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if type(stream) is Prints:
            stream.flush()
            setattr(sys, name, stream.stream)
