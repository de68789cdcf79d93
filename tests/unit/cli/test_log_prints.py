"""Prints as log lines."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import threading
from typing import Any

import pytest

from pyresque.cli.log_format import set_up
from pyresque.cli.log_prints import LONGEST, Prints


class Kept(logging.Handler):
    """Keeps what it is given; it may raise."""

    def __init__(self, error: BaseException | None = None) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.error = error

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(record.getMessage())
        if self.error is not None:
            raise self.error


@pytest.fixture
def kept() -> Kept:
    return Kept()


def prints(kept: logging.Handler, stream: Any = None) -> Prints:
    return Prints(stream or sys.__stdout__, kept, "stdout", logging.INFO)


def test_each_line_is_a_record(kept: Kept) -> None:
    """Whatever its pieces; one without an end is written when the stream is flushed."""
    out = prints(kept)
    print("one", 1, file=out)
    print("two", end="", file=out)
    print("\nthree\r\n\n%s %d", file=out, end="")
    assert kept.lines == ["one 1", "two", "three", ""]
    out.flush()
    out.flush()
    assert kept.lines[4:] == ["%s %d"]


def test_a_line_has_an_end(kept: Kept) -> None:
    """One that never ends does not fill the memory."""
    out = prints(kept)
    for _ in range(30):
        out.write("x" * (LONGEST // 10))
    assert len(kept.lines) == 2
    assert max(map(len, kept.lines)) <= 2 * LONGEST


def test_threads_do_not_mix_their_lines(kept: Kept) -> None:
    """Each has its own."""
    out = prints(kept)
    out.write("main ")
    thread = threading.Thread(target=print, args=("other",), kwargs={"file": out})
    thread.start()
    thread.join()
    out.write("line\n")
    assert kept.lines == ["other", "main line"]


def test_it_is_a_stream(kept: Kept) -> None:
    """With the descriptor, the encoding and the bytes of the one behind it."""
    read, write = os.pipe()
    with os.fdopen(read, encoding="utf-8") as end, os.fdopen(write, "w", encoding="utf-8") as stream:
        out = prints(kept, stream)
        assert (out.encoding, out.isatty(), out.writable(), out.fileno()) == ("utf-8", False, True, write)
        subprocess.run([sys.executable, "-c", "print('child')"], stdout=out, check=True)
        out.buffer.write(b"bytes\n")
        out.buffer.flush()
        assert [end.readline(), end.readline()] == ["child\n", "bytes\n"]
    with pytest.raises(TypeError):
        out.write(b"x")  # type: ignore[arg-type]
    out.close()
    with pytest.raises(ValueError, match="closed file"):
        out.write("x")


def test_in_json(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed, warnings of Python included, has the form of log lines; elsewhere it stays."""
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    set_up(0, str(tmp_path / "log"), "json", "error")
    print("out")
    print("err", file=sys.stderr)
    found = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [(one["logger"], one["severity"], one["message"]) for one in found] == [
        ("stdout", "INFO", "out"),
        ("stderr", "WARNING", "err"),
    ]
    set_up(0)
    assert type(sys.stdout) is io.StringIO
