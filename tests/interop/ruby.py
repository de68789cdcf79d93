"""Real Ruby Resque for the live tests, and workers of both languages as processes.

Ruby .......... Resque's own API (interop/ruby/enqueue.rb), its workers, its dashboard, its command
Python ........ our workers, with the jobs of live_jobs.py
Worker ........ one worker process of either language
eventually .... wait for something, up to a deadline
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redis

from tests.interop.choice import ROOT, Found

DEADLINE = 60.0
OTHER_HOST = "another-host"

# What a developer's shell may hold and a worker would obey.
OBEYED = {
    "BACKGROUND", "BACKOFF_INTERVAL", "COUNT", "FAILURE_BACKEND", "FORK_PER_JOB", "GRACEFUL_TERM", "INTERVAL",
    "LOGGING", "MAX_INTERVAL", "MIN_INTERVAL", "PIDFILE", "QUEUE", "QUEUES", "RACK_ENV", "RAILS_ENV",
    "RESQUE_NAMESPACE", "RESQUE_PRE_SHUTDOWN_TIMEOUT", "RESQUE_PROCLINE_PREFIX", "RESQUE_TERM_TIMEOUT",
    "RUN_AT_EXIT_HOOKS", "TERM_CHILD", "VERBOSE", "VVERBOSE",
}  # fmt: skip

# `resque list` by Resque's own program where it can be found, else what that program does.
LIST = """
require "resque"
folders = $LOADED_FEATURES.grep(%r{/resque\\.rb\\z}).map { |file| File.dirname(file) }
places = folders.map { |folder| File.expand_path("../bin/resque", folder) }
begin
  places.unshift(Gem.bin_path("resque", "resque"))
rescue LoadError, StandardError
end
program = places.find { |path| File.file?(path) }
if program
  ARGV.replace(["-r", ENV.fetch("REDIS_URL"), "list"])
  load program
else
  Resque.redis = ENV.fetch("REDIS_URL")
  Resque.workers.each { |worker| puts "#{worker} (#{worker.state})" }
  puts "None" if Resque.workers.empty?
end
"""

# A Ruby that believes to be on another host, where nobody may change the real host name.
STUB = f'require "socket"; Socket.define_singleton_method(:gethostname) {{ "{OTHER_HOST}" }}; load ARGV.shift'


class RubyError(Exception):
    """What Ruby answered with an exception."""


def eventually(condition: Callable[[], Any], what: str, seconds: float = DEADLINE) -> Any:
    """Wait until the condition holds, and return what it answered."""
    until = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < until, f"waited {seconds} s in vain for: {what}"
        time.sleep(0.01)


class Worker:
    """A worker process that has registered, of either language."""

    def __init__(self, language: Language, process: subprocess.Popen[bytes], log: Path) -> None:
        self._language = language
        self._process = process
        self._log = log
        self.id = self._ready()
        self.pid = int(self.id.split(":")[1])

    @property
    def output(self) -> str:
        """Everything that it has printed."""
        return self._log.read_text("utf-8", "replace")

    @property
    def title(self) -> str:
        """Its process title, as `ps` shows it."""
        return self._language.title(self.pid)

    def signal(self, name: str) -> None:
        """Send it a signal: QUIT, TERM, KILL ..."""
        self._language.kill(self.pid, name)

    def stop(self, name: str = "QUIT") -> None:
        """Tell it to leave and wait until it has."""
        if self._process.poll() is None:
            self.signal(name)
        self.wait()

    def wait(self) -> int:
        """Wait for its end; returns the exit status."""
        try:
            return self._process.wait(DEADLINE * 2)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.id} does not leave:\n{self.output}") from None

    def end(self) -> None:
        """Make sure that it is gone, with its child."""
        if self._process.poll() is None:
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                self.signal("TERM")
                self._process.wait(10)
        if self._process.poll() is None:
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                self.signal("KILL")
            self._process.kill()
            self._process.wait()

    def _ready(self) -> str:
        def told() -> str | None:
            ended = self._process.poll() is not None
            lines = [line for line in self.output.splitlines() if line.startswith("READY ")]
            assert lines or not ended, f"the worker did not start:\n{self.output}"
            return lines[0].removeprefix("READY ") if lines else None

        try:
            return str(eventually(told, "a worker that is ready"))
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise


class Language:
    """How to start the workers of a language on a server."""

    name = ""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.redis = redis.Redis.from_url(url)

    def close(self) -> None:
        """Close what is open."""
        self.redis.close()

    def start(self, env: dict[str, str], other_host: bool = False) -> list[str]:
        """The command that starts a worker."""
        raise NotImplementedError

    def environment(self, env: dict[str, str]) -> dict[str, str]:
        """The whole environment of a process of this language."""
        own = {name: value for name, value in os.environ.items() if name not in OBEYED}
        return {**own, "REDIS_URL": self.url, "MULTI_JSON": "json_gem", **env}

    @contextlib.contextmanager
    def worker(self, queues: str, *, other_host: bool = False, **env: str) -> Iterator[Worker]:
        """A worker on these queues that has registered; it is ended with the block."""
        settings = {"QUEUES": queues, "INTERVAL": "0.1", **env}
        descriptor, path = tempfile.mkstemp(prefix=f"{self.name}-", suffix=".log", dir=self.folder)
        with os.fdopen(descriptor, "wb") as out:
            process = subprocess.Popen(
                self.start(settings, other_host),
                env=self.environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=ROOT,
            )
        worker = Worker(self, process, Path(path))
        try:
            if settings["INTERVAL"] != "0":
                member = lambda: self.redis.sismember("resque:workers", worker.id)  # noqa: E731
                eventually(member, f"the registration of {worker.id}; it said: {worker.output}")
            yield worker
        finally:
            worker.end()

    def work_off(self, queues: str, *, other_host: bool = False, **env: str) -> str:
        """Let a worker work until these queues are empty; returns its id."""
        self.redis.delete("resque:pruning_dead_workers_in_progress")  # every start shall prune
        with self.worker(queues, other_host=other_host, INTERVAL="0", **env) as worker:
            assert worker.wait() == 0, worker.output
            return worker.id

    def title(self, pid: int) -> str:
        """The title of a process."""
        shown = subprocess.run(
            ["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return shown.stdout.strip()

    def kill(self, pid: int, name: str) -> None:
        """Send a signal to a process, if it is there."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.Signals[f"SIG{name}"])


class Python(Language):
    """Our workers."""

    name = "python"

    def start(self, env: dict[str, str], other_host: bool = False) -> list[str]:
        """The command that starts a worker of ours with the jobs of live_jobs.py."""
        assert not other_host
        return [sys.executable, "-c", "from tests.interop import live_jobs; live_jobs.main()"]


class Ruby(Language):
    """Real Ruby Resque on a server."""

    name = "ruby"

    def __init__(self, found: Found, url: str, folder: Path) -> None:
        super().__init__(url, folder)
        self.found = found
        self._clients: dict[tuple[tuple[str, str], ...], _Client] = {}

    @property
    def versions(self) -> dict[str, str]:
        """Version texts of `ruby`, `resque`, `redis_rb`, `json`; `multi_json` names its adapter."""
        return self.found.versions  # type: ignore[return-value]

    @property
    def resque(self) -> tuple[int, ...]:
        """The version of Resque."""
        return _numbers(self.versions["resque"])

    @property
    def json_style(self) -> Any:
        """The `json_style` in which this Ruby writes (docs/protocol/json.md#styles)."""
        return "ruby" if self._json >= (2, 11) else "ruby-json2.10"

    @property
    def has_named_style(self) -> bool:
        """Whether one of our styles is what this Ruby writes: json 2.11 to 2.14 have floats of their own."""
        return not (2, 11) <= self._json < (2, 15)

    @property
    def sees_our_processes(self) -> bool:
        """Whether Ruby is on our host, by name and by process ids."""
        host, *pids = self.run("-e", 'require "socket"; puts Socket.gethostname, `ps -A -o pid=`').split()
        return host == socket.gethostname() and str(os.getpid()) in pids

    def close(self) -> None:
        """End the long-lived processes."""
        for client in self._clients.values():
            client.close()
        super().close()

    def call(self, op: str, env: dict[str, str] | None = None, /, **request: Any) -> Any:
        """One request to Resque's own API: see OPS in interop/ruby/enqueue.rb.

        Raises:
            RubyError: what Ruby raised.
        """
        key = tuple(sorted((env or {}).items()))
        if key not in self._clients:
            full = {"MULTI_JSON": "json_gem", **(env or {})}
            command = self.command(f"{self.found.scripts}/enqueue.rb", env=full)
            self._clients[key] = _Client(command, self.environment(full))
        return self._clients[key].ask({"op": op, **request})

    def enqueue(self, class_name: str, *args: Any, queue: str = "jobs") -> None:
        """Enqueue as Ruby does, whether or not Ruby knows the class; no hooks run."""
        assert self.call("enqueue", define=True, queue=queue, args=args, **{"class": class_name}) is True

    def pages(self, *requests: dict[str, Any], **env: str) -> list[dict[str, Any]]:
        """Every page of resque-web, or just these requests; `body` is the whole page."""
        words = [json.dumps(request) for request in requests]
        answer = self.run(f"{self.found.scripts}/web_pages.rb", "--full", *words, **env)
        pages: list[dict[str, Any]] = json.loads(answer)["pages"]
        return pages

    def has(self, library: str) -> bool:
        """Whether it has a library."""
        code = f"begin; require '{library}'; print 'yes'; rescue LoadError; print 'no'; end"
        return self.run("-W0", "-e", code) == "yes"

    def listed(self) -> list[str]:
        """What `resque list` prints."""
        return self.run("-e", LIST).splitlines()

    def run(self, *words: str, **env: str) -> str:
        """Run Ruby to its end; returns what it printed."""
        full = {"MULTI_JSON": "json_gem", **env}
        done = subprocess.run(
            self.command(*words, env=full),
            env=self.environment(full),
            capture_output=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=ROOT,
        )
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return done.stdout.decode()

    def command(self, *words: str, env: dict[str, str]) -> list[str]:
        """The command line of a Ruby process."""
        return self.found.line(words, {**env, "REDIS_URL": self.url})

    def start(self, env: dict[str, str], other_host: bool = False) -> list[str]:
        """The command that starts a Ruby worker."""
        script = f"{self.found.scripts}/worker.rb"
        if not other_host:
            return self.command(script, env=env)
        if not self.found.container and _may_rename():
            return [*_RENAMED, *self.command(script, env=env)]
        return self.command("-e", STUB, script, env=env)

    def title(self, pid: int) -> str:
        """The title of a process."""
        if self.found.shares_processes:
            return super().title(pid)
        return self.run("-e", f"print `ps -o args= -p {pid}`").strip()

    def kill(self, pid: int, name: str) -> None:
        """Send a signal to a process, if it is there."""
        if self.found.shares_processes:
            with contextlib.suppress(PermissionError):  # those of a container may be root's
                super().kill(pid, name)
                return
        self.run("-e", f'begin; Process.kill("{name}", {pid}); rescue Errno::ESRCH; end')

    @property
    def _json(self) -> tuple[int, ...]:
        return _numbers(self.versions["json"])


class _Client:
    """One long-lived enqueue.rb."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed in close)
        self._process = subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, cwd=ROOT
        )

    def ask(self, request: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise RubyError("enqueue.rb ended: " + self._errors.read().decode("utf-8", "replace")[-1000:])
        answer = json.loads(line)
        if "error" in answer:
            raise RubyError(answer["error"])
        return answer["ok"]

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()


_RENAMED = ["unshare", "--uts", "sh", "-c", f'hostname {OTHER_HOST} && exec "$@"', "sh"]


def _may_rename() -> bool:
    """Whether a process may have a host name of its own here."""
    if not (shutil.which("unshare") and shutil.which("hostname")):
        return False
    return subprocess.run([*_RENAMED, "true"], capture_output=True, check=False).returncode == 0


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
