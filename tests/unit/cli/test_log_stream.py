"""Log lines in a pipe, whether anybody reads it or not."""

from __future__ import annotations

import contextlib
import io
import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyresque.cli.log_stream import StreamHandler


def line(text: str) -> logging.LogRecord:
    return logging.LogRecord("app", logging.INFO, "", 0, text, None, None)


@pytest.fixture
def pipe() -> Iterator[tuple[int, StreamHandler]]:
    """The end of a pipe that is read, and a handler that writes to the other."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    with os.fdopen(write, "w", encoding="ascii", errors="backslashreplace") as stream:
        handler = StreamHandler(stream)
        handler.patience = 0.01
        yield read, handler
        while drained(read):
            pass
    os.close(read)


def drained(read: int) -> bytes:
    """What is in the pipe."""
    parts = []
    with contextlib.suppress(BlockingIOError):
        while part := os.read(read, 1 << 16):
            parts.append(part)
    return b"".join(parts)


def test_a_pipe_that_nobody_reads(pipe: tuple[int, StreamHandler]) -> None:
    """Nobody waits; when it is read again, a line says how many were left out."""
    read, handler = pipe
    for number in range(300):
        handler.emit(line(f"{number} {'x' * 1000}"))
    assert handler.left_out > 200
    left_out = handler.left_out
    whole = drained(read).decode().splitlines()
    assert len(whole) == 300 - left_out
    assert whole[0].startswith("0 xxx")
    handler.emit(line("again"))
    assert drained(read).decode().splitlines() == [
        f"{left_out} lines of the log were left out here: nobody was reading them", "again",
    ]  # fmt: skip
    assert handler.left_out == 0


@pytest.mark.parametrize("text", ["x" * 1_000_000, "\U0001f600" * 100_000])
def test_a_line_that_is_larger_than_the_pipe(pipe: tuple[int, StreamHandler], text: str) -> None:
    """What fits is written, the rest is left out."""
    read, handler = pipe
    handler.emit(line(text))
    assert handler.left_out == 1
    assert len(drained(read)) > 50_000
    handler.emit(line("well"))
    assert drained(read).endswith(b"well\n")


@given(st.text(max_size=3000))
def test_the_pieces_are_the_text(text: str) -> None:
    """However it is cut, and none is too large for a pipe that takes something."""
    read, write = os.pipe()
    with os.fdopen(write, "w", encoding="ascii", errors="backslashreplace") as stream:
        pieces = list(StreamHandler(stream)._pieces(text))
    os.close(read)
    assert "".join(pieces) == text
    assert all(len(piece.encode("ascii", "backslashreplace")) <= 4096 for piece in pieces)


def test_a_stream_that_is_no_file() -> None:
    """As in tests, and where somebody has put another in its place."""
    stream = io.StringIO()
    StreamHandler(stream).emit(line("x" * 10_000))
    assert stream.getvalue() == "x" * 10_000 + "\n"


def test_a_reader_that_is_gone() -> None:
    """It is nobody's trouble."""
    read, write = os.pipe()
    os.close(read)
    with contextlib.suppress(BrokenPipeError), os.fdopen(write, "w", encoding="utf-8") as stream:
        StreamHandler(stream).emit(line("text"))
