"""How far a long work is: a line on stderr, where that is a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType

import click

from pyresque.cli.output import is_terminal

_EVERY = 0.1
"""Seconds between two changes of the line."""
_AFTER = 0.3
"""Seconds before anything is shown: what is done at once needs no line."""


class Progress:
    """Tells how many elements were dealt with; calls of it say so. Its line is gone at the end.

    Args:
        what: what is done, as in `removing 1200 of 8000 failures`.
        noun: of what.
        total: how many there are; None where nobody knows.
    """

    def __init__(self, what: str, noun: str, total: int | None = None) -> None:
        self._what, self._noun, self._total = what, noun, total
        self._is_shown = is_terminal(sys.stderr)
        self._due = time.monotonic() + _AFTER
        self._length = 0

    def __call__(self, done: int) -> None:
        """So many were dealt with until now."""
        now = time.monotonic()
        if not self._is_shown or now < self._due:
            return
        self._due = now + _EVERY
        of = "" if self._total is None else f" of {max(self._total, done)}"
        self._write(f"{self._what} {done}{of} {self._noun}")

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._length:
            self._write("")
            click.echo("\r", nl=False, err=True)

    def _write(self, line: str) -> None:
        click.echo("\r" + line.ljust(self._length), nl=False, err=True)
        self._length = len(line)
