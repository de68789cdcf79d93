"""What all commands share: where options go, broken streams, exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pyresque import Resque
from tests.unit.cli.program import ROOT, Program, until

BROKEN = [">/dev/full", "2>/dev/full", ">/dev/full 2>&1", "| true", "2>&1 | true", ">&-", "2>&-", ">&- 2>&-"]
"""A full disk, a pipe that nobody reads any more, a stream that was never there."""


def shell(program: Program, command: str) -> subprocess.Popen[bytes]:
    """`pyresque` with such streams; the exit code is its own, also before a pipe."""
    line = f"{sys.executable} -m pyresque {command}"
    return subprocess.Popen(
        ["bash", "-o", "pipefail", "-c", line], cwd=program.folder, stdin=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "REDIS_URL": str(program.url)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_a_closed_pipe(program: Program, resque: Resque) -> None:
    """When whoever reads the output goes away there is no traceback."""
    resque.enqueue_many([("SomeJob", "x" * 1000)] * 1000, queue="x")
    with program.start("peek", "x", "0", "1000", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.parametrize("words", [("info",), ("peek", "x", "0", "1000", "--json"), ("--help",)])
def test_a_full_disk(program: Program, resque: Resque, words: tuple[str, ...]) -> None:
    """What cannot be written is told in one line."""
    resque.enqueue_many([("SomeJob", "x" * 1000)] * 100, queue="x")
    command = [sys.executable, "-m", "pyresque", *words]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "REDIS_URL": str(program.url)},
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "Error: cannot write: No space left on device\n")


@pytest.mark.parametrize("words", [*(f"-vv {streams}" for streams in BROKEN), "-vv --logfile /dev/full"])
def test_a_scheduler_does_its_work_whatever_its_streams_are(
    program: Program, resque: Resque, words: str
) -> None:
    """It fires, and ends with 0 when it is asked to."""
    resque.set_schedule("tick", every="1s", job="Tick", queue="q")
    with shell(program, f"scheduler --pidfile pid {words}") as process:
        until(lambda: resque.size("q") > 0)
        os.kill(int((program.folder / "pid").read_text()), signal.SIGTERM)
        _, told = process.communicate(timeout=60)
    assert (process.returncode, b"Traceback" in told) == (0, False)


@pytest.mark.parametrize("streams", ["2>/dev/full", ">/dev/full 2>&1", "2>&1 | true", ">&- 2>&-"])
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("info --redis redis://127.0.0.1:1/0", 4), ("info --nosuch", 2), ("work -q q -r nosuch", 3),
        ("scheduler --schedule nosuch.yml", 2), ("failed show nosuch", 1),
    ],
)  # fmt: skip
def test_an_error_that_cannot_be_told_has_its_exit_code(
    program: Program, command: str, code: int, streams: str
) -> None:
    """The one that it has on a terminal, and no traceback."""
    with shell(program, f"{command} {streams}") as process:
        told = process.communicate(timeout=60)
    assert (process.returncode, told) == (code, (b"", b""))


def test_a_terminal_without_letters(program: Program, resque: Resque) -> None:
    """An encoding that lacks a letter costs the letter, not the output."""
    resque.enqueue("SomeJob", queue="日本")
    assert "\\u65e5\\u672c" in program.run("queues", PYTHONIOENCODING="iso-8859-1").stdout


def test_python_m_pyresque_is_the_program() -> None:
    """`python -m pyresque` works."""
    done = subprocess.run(
        [sys.executable, "-m", "pyresque", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("pyresque ")
