"""A screen of a terminal that is drawn again and again, until a key or a signal ends it.

The terminal is given back as it was, whatever ends the program (`q`, Ctrl-C, TERM, an error) or stops it
(Ctrl-Z).
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import select
import shutil
import signal
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from pyresque.cli.output import columns, is_terminal
from pyresque.system.signal_handlers import Handler, handle

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"
"""The other screen, no cursor, and no new line where one is too long."""
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"
_PIECES = re.compile("\x1b\\[[0-9;]*m|.", re.DOTALL)
"""A colour, or a character."""
_ENDING: tuple[int, ...] = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class _Frame(io.StringIO):
    """What is printed for the terminal; it is colourful if that is."""

    def isatty(self) -> bool:
        return True


class LiveScreen:
    """The terminal of this process while something is shown on it."""

    def __init__(self) -> None:
        self._keys = sys.stdin.fileno() if is_terminal(sys.stdin) else -1
        self._before: list[Any] | None = None
        self._handlers: dict[int, Any] = {}

    def show(self, draw: Callable[[], object], interval: float) -> None:
        """Draw once in each interval what `draw` prints, until `q` or Ctrl-C is typed.

        What takes long to draw is drawn less often: half of the time is left to others.
        """
        with self._taken(), contextlib.suppress(KeyboardInterrupt):
            while True:
                began = time.monotonic()
                self._paint(_printed(draw))
                spent = time.monotonic() - began
                if self._ends_within(max(interval - spent, spent)):
                    return

    @contextlib.contextmanager
    def _taken(self) -> Iterator[None]:
        try:
            for number in _ENDING:
                self._handlers[number] = handle(number, Handler(self._end))
            self._handlers[signal.SIGTSTP] = handle(signal.SIGTSTP, Handler(self._pause))
            self._enter()
            yield
        finally:
            self._leave()
            for number, before in self._handlers.items():
                signal.signal(number, signal.SIG_DFL if before is None else before)

    def _enter(self) -> None:
        if self._keys >= 0:
            self._before = termios.tcgetattr(self._keys)
            tty.setcbreak(self._keys, termios.TCSANOW)
        _write(_ENTER)

    def _leave(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # the terminal is gone
            _write(_LEAVE)
        if self._before is not None:
            with contextlib.suppress(OSError, termios.error):
                termios.tcsetattr(self._keys, termios.TCSADRAIN, self._before)
            self._before = None

    def _pause(self, number: int, _frame: FrameType | None) -> None:
        """Ctrl-Z: the shell gets its terminal back, until we go on."""
        self._leave()
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)  # here it stops, and goes on with CONT
        handle(number, Handler(self._pause))
        self._enter()

    def _end(self, number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    def _paint(self, text: str) -> None:
        size = shutil.get_terminal_size()
        rows = max(2, size.lines) - 1
        lines = [part for line in text.splitlines() for part in folded(line, size.columns)]
        if len(lines) > rows:
            lines[rows - 1 :] = [f"... {len(lines) - rows + 1} more lines"]
        _write(_HOME + "".join(f"{_REST_OF_LINE}{line}\n" for line in lines) + _REST_OF_SCREEN)

    def _ends_within(self, seconds: float) -> bool:
        """Wait so long; whether `q` was typed."""
        until = time.monotonic() + seconds
        while True:
            left = max(0.0, until - time.monotonic())
            if self._keys < 0:
                time.sleep(left)
                return False
            if not select.select([self._keys], [], [], left)[0]:
                return False
            typed = os.read(self._keys, 1024)
            if not typed or b"q" in typed.lower():
                return True


def folded(line: str, most: int) -> list[str]:
    """A line in pieces that fit the terminal; colours take no column, and go on in the next piece."""
    parts, room = [""], most
    for piece in _PIECES.findall(line):
        wide = 0 if piece[0] == "\x1b" else columns(piece)
        if wide > room and parts[-1]:
            parts.append("")
            room = most
        parts[-1] += piece
        room -= wide
    return parts


def _printed(draw: Callable[[], object]) -> str:
    frame = _Frame()
    with contextlib.redirect_stdout(frame):
        draw()
    return frame.getvalue()


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
