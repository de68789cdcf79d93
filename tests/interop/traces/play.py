"""The stage on which a trace is played: our client, our worker processes, an administrator."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from pyresque import Resque
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry
from pyresque.testing.redis_server import DevRedis
from tests.interop.traces import jobs
from tests.interop.traces.monitor import Monitor
from tests.interop.traces.trace import Keyspace, Normal, Trace, dump, put, written

ROOT = Path(__file__).parents[3]
BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
"""Europe/Berlin, where the traces were recorded, in a form that needs no time zone database."""
DEADLINE = 20.0


class Ruby:
    """Stands in a list of answers for one that our API does not give."""

    def __repr__(self) -> str:
        return "RUBY_ONLY"

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


RUBY_ONLY = Ruby()


def until(true: Callable[[], object], what: str) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < deadline, f"waited {DEADLINE} s in vain for: {what}"
        time.sleep(0.01)


class Process:
    """A worker process."""

    def __init__(self, env: dict[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._log, self._begun = Path(self._folder.name, "log"), Path(self._folder.name, "begun")
        command = [sys.executable, "-m", "tests.interop.traces.worker"]
        with self._log.open("wb") as log:
            self._popen = subprocess.Popen(
                command, cwd=ROOT, env={**env, "TRACE_BEGUN": str(self._begun)}, stderr=log
            )
        self.pid = self._popen.pid

    @property
    def log(self) -> str:
        """What it has logged till now."""
        return self._log.read_text("utf-8")

    @property
    def job_has_begun(self) -> bool:
        """Whether SleepQuiet is asleep."""
        return self._begun.exists()

    @property
    def title(self) -> str:
        """Its process title, as ps shows it."""
        path = Path(f"/proc/{self.pid}/cmdline")
        if path.exists():
            return path.read_text().strip("\0 ")
        return subprocess.check_output(["ps", "-o", "command=", "-p", str(self.pid)], text=True).strip()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._popen.send_signal(number)

    def wait(self) -> int:
        """Wait for its end; returns its exit status."""
        return self._popen.wait(DEADLINE)

    def close(self) -> None:
        """End it whatever it does."""
        if self._popen.poll() is None:
            self._popen.kill()
            self._popen.wait()
        self._folder.cleanup()


class Play:
    """One trace played on one server.

    `resque` is our client, `admin` somebody with redis-cli, whose commands the trace does not show.
    """

    def __init__(self, trace: Trace, server: DevRedis) -> None:
        self.trace, self.server = trace, server
        self.since = time.time()
        self.admin = redis.Redis.from_url(server.url, single_connection_client=True)
        server.empty()
        self.registry = Registry(WorkerHooks())
        jobs.register(self.registry)
        self.resque = Resque(server.url, registry=self.registry)
        self.exit_statuses: list[int] = []
        self.log = ""
        self._host = socket.gethostname()
        self._ids = {f"{self._host}:{os.getpid()}": "<HOST>:<PID2>", f"{self._host}:999999": "<HOST>:999999"}
        put(self.admin, trace.before, self.fill)
        self.before = Normal(trace, self.since, self._ids).keyspace(dump(self.admin))
        self._monitor = Monitor(server, self.admin)

    def fill(self, text: str) -> str:
        """A recorded text with this machine's host name."""
        return text.replace("<HOST>", self._host)

    def client(self, server: str | None = None, **settings: Any) -> Resque:
        """Another client than the default one, which it replaces."""
        self.resque.close()
        self.resque = Resque(server or self.server.url, registry=self.registry, **settings)
        return self.resque

    @contextmanager
    def worker(self, **env: str) -> Iterator[Process]:
        """A worker process for the length of a block; it must end by itself before the block ends."""
        settings = {"TRACE_REDIS": self.server.url, "TZ": BERLIN, "QUEUE": "jobs", "INTERVAL": "0.1", **env}
        process = Process({"PATH": os.environ["PATH"], **settings})
        try:
            self._ids[f"{self._host}:{process.pid}"] = "<HOST>:<PID>"
            yield process
            self.exit_statuses.append(process.wait())
            self.log = process.log
        finally:
            process.close()

    def work(self, **env: str) -> None:
        """Run a worker until it finds nothing to do (INTERVAL=0)."""
        with self.worker(INTERVAL="0", **env):
            pass

    def finish(self) -> None:
        """Take down what happened and what Redis holds at the end."""
        # Client and server are done with everything when they have answered this.
        self.resque.link.execute("PING")
        normal = Normal(self.trace, self.since, self._ids)
        self.after: Keyspace = normal.keyspace(dump(self.admin))
        commands = self._monitor.stop()
        self.written = written([[normal.text(word) for word in words] for words in commands], self.before)

    def close(self) -> None:
        """Close every connection."""
        self._monitor.close()
        self.resque.close()
        self.admin.close()


Scenario = Callable[[Play], "list[Any] | None"]
SCENARIOS: dict[str, Scenario] = {}
"""By name: that of the trace, and behind `__` what is special about a second way to play it."""


def scenario(function: Scenario) -> Scenario:
    """Register what our API does where Ruby did what the trace of this name tells.

    The docstring says it in a line; what the function returns is compared to `observed.returned`.
    """
    SCENARIOS[function.__name__] = function
    return function


def trace_of(name: str) -> str:
    """The trace that a scenario plays."""
    return name.partition("__")[0]
