"""A worker on a terminal: in the foreground and alone it lends that to a job which asks for it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyresque import Resque
from pyresque.testing.redis_server import DevRedis
from tests.unit.cli.program import until
from tests.unit.cli.terminal_session import Session

JOBS = """
import getpass, os, subprocess, time
from pyresque import job

@job(queue="q", name="Asks")
def asks():
    print("GOT", input("name? "), flush=True)

@job(queue="q", name="Breaks")
def breaks():
    value = 41
    breakpoint()
    print("AFTER", value + 1, flush=True)

@job(queue="q", name="Secret")
def secret():
    print("GOT", len(getpass.getpass("secret? ")), flush=True)

@job(queue="q", name="Sets")
def sets():
    subprocess.run(["stty", "sane"], check=True)
    print("SET", flush=True)

@job(queue="q", name="Waits")
def waits():
    input("begun? ")
    print("WAITING", flush=True)
    time.sleep(1)
    print("WAITED", flush=True)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="terminals of other systems differ in detail")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "jobs.py").write_text(JOBS)
    return tmp_path


@pytest.fixture
def start(resque: Resque, server: DevRedis, folder: Path) -> Iterator[object]:
    sessions: list[Session] = []

    def started(*words: str) -> Session:
        sessions.append(Session(folder, server.url, ["work", "-q", "q", "-r", "jobs", "-v", *words]))
        return sessions[-1]

    yield started
    for one in sessions:
        one.close()


TALKS = [
    ("Asks", "name? ", "bob\n", "GOT bob"),
    ("Breaks", "(Pdb) ", "c\n", "AFTER 42"),
    ("Secret", "secret? ", "hidden\n", "GOT 6"),
    ("Sets", "", "", "SET"),
]


@pytest.mark.parametrize("words", [[], ["--jobs-per-fork", "10"], ["--no-fork"]])
def test_a_job_may_talk_on_the_terminal(words: list[str], start, resque: Resque) -> None:
    """Each as in a program of its own; the next job, and the worker, have the terminal after it."""
    session = start(*words)
    for name, prompt, typed, answer in [*TALKS, *TALKS]:
        session.shown = ""
        resque.enqueue(name, queue="q")
        until(lambda text=prompt: session.shows(text))
        session.type(typed)
        until(lambda text=answer: session.shows(text))
    until(lambda: resque.stat("processed") == 2 * len(TALKS))
    assert resque.failures.list() == []
    session.type("\x03")
    assert session.ended() == 0
    assert "hidden" not in session.shown


def test_ctrl_c_while_a_job_has_the_terminal_is_for_the_worker(start, resque: Resque) -> None:
    """It comes to the job's group only, and the worker hears of it: the job ends first."""
    session = start()
    resque.enqueue("Waits", queue="q")
    until(lambda: session.shows("begun? "))
    session.type("yes\n")
    until(lambda: session.shows("WAITING"))
    session.type("\x03")
    assert session.ended() == 0
    assert "WAITED" in session.shown
    assert (resque.stat("processed"), resque.failures.list()) == (1, [])


def test_a_job_that_cannot_have_the_terminal_is_told_of(start, resque: Resque) -> None:
    """In a pool nobody is in the foreground but the supervisor."""
    session = start("-n", "2", "--drain", "0")
    resque.enqueue("Asks", queue="q")
    until(lambda: session.shows("is stopped (SIGTTIN)"))
    os.kill(session.pid, signal.SIGTERM)
    assert session.ended() == 0


def test_a_worker_that_cannot_have_the_terminal_is_told_of(start, resque: Resque) -> None:
    """Without a process for each job it is the worker that stands still: the supervisor says so, once each.

    It can be asked to leave all the same: its job fails when the drain is over.
    """
    session = start("-n", "2", "--no-fork", "--drain", "0.1")
    for name in ("Asks", "Sets"):
        resque.enqueue(name, queue="q")
    until(lambda: session.shows("is stopped (SIGTTIN)") and session.shows("is stopped (SIGTTOU)"))
    os.kill(session.pid, signal.SIGTERM)
    assert session.ended() == 0
    assert session.shown.count("is stopped (SIG") == 2
    assert {one.text("exception") for one in resque.failures.list()} == {"Resque::TermException"}
