"""`pyresque dev`: worker, scheduler and dashboard in one terminal, started anew when code changes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyresque import Resque
from pyresque.errors import RedisUnavailable
from pyresque.store.master import holder
from pyresque.testing.redis_server import DevRedis
from tests.unit.cli.program import Program, until

JOBS = """
from pyresque import job

@job(queue="default", name="Greet")
def greet(name):
    print("{word},", name)
"""
SETTINGS = 'require = ["shop.jobs"]\nburst = true\n[scheduler]\nschedule = "schedule.yml"\ninterval = 0.2\n'
SCHEDULE = "often: {every: 1h, class: Greet, queue: default, args: [clock]}\n"


class Session:
    """A `pyresque dev` that runs, and the lines that it has printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line.rstrip("\n"))

    def until(self, text: str) -> None:
        """Wait for a line with this text."""
        until(lambda: self.process.poll() is not None or any(text in line for line in self.lines))
        assert any(text in line for line in self.lines), self.end()

    def end(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """End it with a signal; its exit status, and what it printed to its errors."""
        self.process.send_signal(number)
        status = self.process.wait(timeout=60)
        self._reader.join()
        return status, (self.process.stderr or open(os.devnull)).read()


@pytest.fixture
def project(tmp_path: Path) -> Program:
    """A project with a job, a schedule and settings."""
    program = Program(tmp_path)
    program.jobs(JOBS.replace("{word}", "Hello"), "shop/jobs.py")
    (tmp_path / "pyresque.toml").write_text(SETTINGS)
    (tmp_path / "schedule.yml").write_text(SCHEDULE)
    return program


@pytest.fixture
def dev(project: Program) -> Iterator[Callable[..., Session]]:
    """Starts it; what is left at the end is killed."""
    sessions: list[Session] = []

    def started(*words: str, **env: str) -> Session:
        sessions.append(Session(project.start("dev", *words, **{"PYRESQUE_WEB_PORT": "0", **env})))
        return sessions[-1]

    yield started
    for one in sessions:
        one.process.kill()
        one.process.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pids(resque: Resque) -> list[int]:
    """The processes of the workers that are registered."""
    return [int(one.id.split(":")[1]) for one in resque.workers()]


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_from_the_first_line_to_the_last(project: Program, dev: Callable[..., Session]) -> None:
    """A Redis where the settings say; code that changes, that is broken, that is mended; a clean end."""
    server = f"127.0.0.1:{free_port()}"
    session = dev(PYRESQUE_REDIS=server, BACKGROUND="1")
    session.until(f"dev       | started a Redis on {server}")
    session.until("often: every 1h")
    resque = Resque(server)
    until(lambda: resque.workers())
    [first] = pids(resque)
    resque.enqueue("Greet", "Ada", queue="default")
    session.until("worker    | Hello, Ada")
    session.until("dashboard | The dashboard is at http://127.0.0.1:")

    project.jobs("def broken(:", "shop/jobs.py")
    session.until(f"dev       | {Path('shop/jobs.py')} changed: starting anew")
    session.until("worker    | Error: cannot import shop.jobs: SyntaxError")
    session.until("dev       | the worker has ended with 3; it starts again when a file changes")
    assert not lives(first)
    project.jobs(JOBS.replace("{word}", "Good night"), "shop/jobs.py")
    resque.enqueue("Greet", "Cleo", queue="default")
    session.until("worker    | Good night, Cleo")
    [last] = pids(resque)
    assert session.end() == (0, "")
    assert not lives(last)
    with pytest.raises(RedisUnavailable):
        resque.queues()


def test_on_a_redis_that_is_there(resque: Resque, server: DevRedis, dev: Callable[..., Session]) -> None:
    """It is used, and stays; TERM ends all as Ctrl-C does, with the job that runs."""
    session = dev("-q", "default,other", REDIS_URL=server.url)
    until(lambda: resque.workers())
    assert resque.workers()[0].queues == ["default", "other"]
    session.until("often: every 1h")
    assert session.end(signal.SIGTERM) == (0, "")
    assert (resque.workers(), resque.queues()) == ([], [])
    assert "started a Redis" not in "".join(session.lines)


@pytest.mark.parametrize(
    ("words", "env", "status", "told"),
    [
        (("--redis", "redis://db.invalid:6379"), {}, 4, "cannot be reached"),
        (("--redis", "rediss://localhost:1"), {}, 4, "cannot be reached"),
        ((), {"PYRESQUE_SETTINGS": os.devnull}, 2, "which jobs? name their modules with -r"),
    ],
)
def test_what_it_cannot_do(
    project: Program, words: tuple[str, ...], env: dict[str, str], status: int, told: str
) -> None:
    """A Redis elsewhere is not ours to start; without jobs there is nothing to develop."""
    done = project.run("dev", *words, **env)
    assert (done.returncode, done.stdout) == (status, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_the_second_ctrl_c_does_not_wait_for_a_job(
    resque: Resque, server: DevRedis, project: Program, dev: Callable[..., Session]
) -> None:
    """The first lets it finish."""
    project.jobs(
        'import time\nfrom pyresque import job\n\n@job(queue="default", name="Long")\ndef long():\n'
        '    print("it runs")\n    time.sleep(1000)\n',
        "shop/jobs.py",
    )
    session = dev(REDIS_URL=server.url)
    session.until("often: every 1h")
    resque.enqueue("Long", queue="default")
    session.until("it runs")
    session.process.send_signal(signal.SIGINT)
    session.until("dev       | waiting for the jobs that run")
    until(lambda: holder(resque.space, resque.space.keys.master_lock("")) is None)
    assert session.end() == (0, "")
    assert resque.failures.count() == 1
