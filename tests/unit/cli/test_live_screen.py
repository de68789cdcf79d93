"""A screen that is drawn again and again, on a real terminal: whatever ends it, the terminal is as it was."""

from __future__ import annotations

import os
import re
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyresque.cli.live_screen import folded
from tests.unit.cli.program import until
from tests.unit.cli.terminal_session import Session

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="terminals of other systems differ in detail")

PROGRAM = """
import itertools, sys
from pyresque.cli.live_screen import LiveScreen

numbers = itertools.count()

def draw():
    number = next(numbers)
    print("frame", number)
    print("wide " * 100)
    for line in range(50):
        print("line", line)
    if len(sys.argv) > 1 and number == 2:
        raise ValueError("no more")

LiveScreen().show(draw, 0.05)
print("after it")
"""
ENTERED, LEFT = "\x1b[?1049h", "\x1b[?7h\x1b[?25h\x1b[?1049l"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Session]]:
    sessions: list[Session] = []

    def started(*words: str) -> Session:
        sessions.append(Session(tmp_path, "", words, ["-c", PROGRAM]))
        until(lambda: sessions[-1].shows("frame 2") or sessions[-1].shows(LEFT))
        return sessions[-1]

    yield started
    for one in sessions:
        one.close()


def modes(session: Session) -> list[object]:
    """How the terminal is set."""
    return termios.tcgetattr(session.fileno())


def test_it_is_drawn_until_a_key_is_typed(start: Callable[..., Session]) -> None:
    """Other keys do nothing; what does not fit is counted; then the screen of before is back."""
    session = start()
    during = modes(session)
    session.type("x\n")
    until(lambda: session.shows("frame 5"))
    session.type("q")
    assert session.ended() == 0
    shown, _, after = session.shown.partition(LEFT)
    assert shown.startswith(ENTERED)
    assert "more lines" in shown
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert max(map(len, plain.splitlines())) == 80  # a long line goes on in the next one
    assert "line 49" not in shown
    assert after.strip() == "after it"
    assert modes(session) != during


def test_a_long_line_is_folded() -> None:
    """At the width of the terminal, where wide letters take two columns and colours none."""
    assert folded("abcdef", 3) == ["abc", "def"]
    assert folded("abc", 3) == ["abc"]
    assert folded("", 3) == [""]
    assert folded("\x1b[31mabcd\x1b[0m", 3) == ["\x1b[31mabc", "d\x1b[0m"]
    assert folded("日本", 3) == ["日", "本"]
    assert folded("日本", 1) == ["日", "本"]


@pytest.mark.parametrize("typed", ["\x03", "\x1aq", "\x04q"], ids=["Ctrl-C", "Ctrl-Z", "Ctrl-D"])
def test_keys_that_send_signals(start: Callable[..., Session], typed: str) -> None:
    """Ctrl-C ends it in good order; Ctrl-Z gives the terminal back, and takes it again when it goes on."""
    session = start()
    session.type(typed[0])
    if typed[0] == "\x1a":
        until(lambda: session.shown.count(ENTERED) == 2 or session.shows("\0"))
    session.type(typed[1:])
    assert session.ended() == 0
    assert session.shown.rstrip().endswith("after it")
    assert session.shown.count(ENTERED) == session.shown.count(LEFT)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_ends_it_with_the_terminal_as_it_was(start: Callable[..., Session], number: int) -> None:
    """With the exit code of that signal."""
    session = start()
    during = modes(session)
    os.kill(session.pid, number)
    assert session.ended() == 128 + number
    assert session.shown.endswith(LEFT)
    assert modes(session) != during


def test_an_error_is_shown_on_the_screen_of_before(start: Callable[..., Session]) -> None:
    """Not on the one that has just gone."""
    session = start("fail")
    assert session.ended() == 1
    assert "ValueError: no more" in session.shown.partition(LEFT)[2]
