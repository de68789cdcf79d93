"""At the start of a worker or a scheduler: what is waited for, for how long, and what is told at once."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen, run

import pytest

from pyresque import Resque
from pyresque.testing.redis_server import DevRedis, running
from tests import errortexts
from tests.faultproxy import Fault, FaultProxy, Words
from tests.unit.cli.program import JOBS, ROOT, Program, beyond_start, one_line, until

WAITS = "Waiting for it, up to"
KINDS: dict[str, list[str]] = {
    "worker": ["work", "-q", "*", "-r", "jobs", "--burst"],
    "no fork": ["work", "-q", "*", "-r", "jobs", "--burst", "--no-fork"],
    "pool": ["work", "-q", "*", "-r", "jobs", "--burst", "-n", "2"],
    "async": ["work", "-q", "*", "-r", "jobs", "--burst", "--async-concurrency", "2"],
}
JOBS_OF_ALL_KINDS = (
    JOBS
    + """
@job(queue="images", name="AsyncJob")
async def asynchronous(): ...
"""
)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The command, with jobs; where Redis is, each test says."""
    program = Program(tmp_path)
    program.jobs(JOBS_OF_ALL_KINDS)
    return program


class _Told:
    """What a running program writes to stderr, as it comes."""

    def __init__(self, process: Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.lines.extend(self.process.stderr)

    def wait_for(self, text: str) -> None:
        """Wait until it has said this."""
        until(lambda: any(text in line for line in self.lines))

    def end(self) -> int:
        """Its exit code."""
        code = self.process.wait(timeout=60)
        self._reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code


@contextmanager
def away(server: DevRedis) -> Iterator[Callable[[], None]]:
    """A server that is not there until it is said to come back."""
    server.kill()
    try:
        yield server.start
    finally:
        if server.process.poll() is not None:
            server.start()


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_may_start_before_redis(kind: str, program: Program) -> None:
    """Containers start in any order. One line says what it waits for, one that it is there."""
    with running() as server:
        with away(server) as come_back:
            told = _Told(program.start(*KINDS[kind], REDIS_URL=server.url))
            told.wait_for(WAITS)
            come_back()
            assert told.end() == 0
        # An async worker also says which jobs it leaves to others.
        lines = [line for line in beyond_start(told.lines) if "left to workers" not in line]
        assert [WAITS in line for line in lines] == [True, False]
        assert "Redis answers again" in lines[1]
        assert "up to 60 seconds (--start-timeout)" in lines[0]


def test_a_scheduler_may_start_before_redis(program: Program) -> None:
    """The same; it is master as soon as Redis is there."""
    with running() as server:
        with away(server) as come_back:
            told = _Told(program.start("scheduler", REDIS_URL=server.url))
            told.wait_for(WAITS)
            come_back()
            resque = Resque(server.url)
            until(lambda: resque.space.link.execute("KEYS", "*resque_scheduler_master_lock"))
            resque.close()
            told.process.terminate()
            assert told.end() == 0
        assert sum(WAITS in line for line in told.lines) == 1


class _Not:
    """Answers everything with an error, until it is enough."""

    def __init__(self, text: str) -> None:
        self.text, self.on = text, True

    def __call__(self, words: Words) -> Fault | None:
        return Fault("answer", raw=errortexts.raw(self.text)) if self.on else None


@pytest.mark.parametrize(
    "text",
    [
        "LOADING Redis is loading the dataset in memory",
        "ERR max number of clients reached",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "no upstream host",
        "",
    ],
)
def test_a_server_that_is_not_ready_is_waited_for(
    text: str, program: Program, resque: Resque, proxy: FaultProxy
) -> None:
    """Whatever it says in the meantime."""
    resque.enqueue("ConvertJob", 1, queue="images")
    proxy.choose = busy = _Not(text)
    told = _Told(program.start(*KINDS["worker"], REDIS_URL=proxy.url))
    told.wait_for(WAITS)
    assert text in told.lines[0]
    busy.on = False
    assert told.end() == 0
    assert resque.stat("processed") == 1
    assert len(beyond_start(told.lines)) == 2


@pytest.mark.parametrize("kind", [one for one in KINDS if one != "pool"])
def test_a_redis_that_is_full_at_the_start_is_waited_for(kind: str, program: Program) -> None:
    """It answers, but takes no writes: the worker cannot even register."""
    with running("--maxmemory", "1") as server:
        resque = Resque(server.url)
        told = _Told(program.start(*KINDS[kind], REDIS_URL=server.url))
        told.wait_for("The worker waits for it, up to 60 seconds")
        assert any("OOM" in line for line in told.lines)
        resque.link.execute("CONFIG", "SET", "maxmemory", "0")
        resque.enqueue("AsyncJob" if kind == "async" else "ConvertJob", queue="images")
        until(lambda: resque.workers() or resque.stat("processed"))
        assert told.end() == 0
        resque.close()


def test_told_to_leave_while_it_registers(program: Program) -> None:
    """It has not begun, so nothing is left undone: every worker, and so the pool, ends with exit code 0."""
    with running("--maxmemory", "1") as server:
        for kind in KINDS:
            told = _Told(program.start(*KINDS[kind], REDIS_URL=server.url))
            told.wait_for("OOM")
            told.process.terminate()
            assert told.end() == 0


@pytest.mark.parametrize("words", [[*KINDS["worker"]], [*KINDS["pool"]], ["scheduler"]])
@pytest.mark.parametrize("seconds", ["0", "0.3"])
def test_waiting_has_an_end(words: list[str], seconds: str, program: Program) -> None:
    """After it, or at once, with exit code 4 and the reason."""
    done = program.run(*words, "--start-timeout", seconds, REDIS_URL="redis://localhost:1")
    assert done.returncode == 4
    assert "localhost:1 cannot be reached" in done.stderr.splitlines()[-1]
    assert done.stderr.count("\n") == (1 if seconds == "0" else 2)


def test_a_pool_that_cannot_register_does_not_wait_for_ever(program: Program) -> None:
    """Its workers leave after the time; the supervisor lives and starts others."""
    with running("--maxmemory", "1") as server:
        words = ["work", "-q", "*", "-r", "jobs", "-n", "2", "--start-timeout", "0.2"]
        told = _Told(program.start(*words, REDIS_URL=server.url))
        told.wait_for("died (exit status 1); another is started in")
        assert told.process.poll() is None
        told.process.terminate()
        told.end()


@pytest.mark.parametrize("words", [[*KINDS["worker"]], ["scheduler"]])
@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("redis://ann:wrong@{place}/0", "refuses the login"),
        ("redis://{place}/0", "NOAUTH"),
        ("redis://:{password}@{place}/99", "has no database 99"),
    ],
)
def test_what_waiting_cannot_mend_is_told_at_once(
    words: list[str], what: str, reason: str, program: Program, server: DevRedis
) -> None:
    """A wrong password, none, a database that is not there."""
    url = what.format(place=server.address, password=server.password)
    done = program.run(*words, REDIS_URL=url)
    assert (done.returncode, one_line(done.stderr)) == (4, True), done.stderr
    assert reason in done.stderr


@pytest.mark.parametrize("words", [[*KINDS["worker"]], ["scheduler"]])
def test_what_is_no_redis_is_told_at_once(words: list[str], program: Program) -> None:
    """A web server on that port."""
    with socket.create_server(("127.0.0.1", 0)) as web:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    with web.accept()[0] as client:
                        client.recv(1000)
                        client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        done = program.run(*words, REDIS_URL=f"redis://127.0.0.1:{web.getsockname()[1]}")
        web.shutdown(socket.SHUT_RDWR)
    assert (done.returncode, one_line(done.stderr)) == (4, True), done.stderr
    assert "does not speak Redis's protocol" in done.stderr


@pytest.mark.parametrize("text", errortexts.REFUSED[::2])
def test_one_odd_refusal_is_not_believed(
    text: str, program: Program, resque: Resque, proxy: FaultProxy
) -> None:
    """A login that is changed just now, a proxy that restarts."""
    fault = proxy.arm("answer", match=lambda words: words[0] == b"PING", raw=errortexts.raw(text))
    assert program.run(*KINDS["worker"], REDIS_URL=proxy.url).returncode == 0
    assert fault.hits


@pytest.mark.parametrize(
    "command", [["work", "-q", "q", "-r", "jobs"], ["scheduler"]], ids=lambda one: one[0]
)
def test_process_one_of_a_container_hears_that_it_is_to_end(program: Program, command: list[str]) -> None:
    """A signal without a handler does nothing there, and docker would wait and kill."""
    space = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if run([*space, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this user may not make a process space of its own (unshare --pid)")
    words = [*space, sys.executable, "-m", "pyresque", "--redis", "redis://127.0.0.1:1/0", *command]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    told = _Told(Popen(words, cwd=program.folder, env=env, stdout=PIPE, stderr=PIPE, encoding="utf-8"))
    told.wait_for(WAITS)
    pid = told.process.pid
    os.kill(int(Path(f"/proc/{pid}/task/{pid}/children").read_text()), signal.SIGTERM)
    assert told.end() == 128 + signal.SIGTERM
