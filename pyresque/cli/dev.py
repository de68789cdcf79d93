"""`pyresque dev`."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import click

from pyresque.cli.common_options import Settings, common, pass_settings
from pyresque.cli.folders import here
from pyresque.cli.output import is_colourful, safe
from pyresque.config.server_setting import parse_server
from pyresque.config.settings import Rank
from pyresque.errors import ConfigError, RedisUnavailable
from pyresque.system.signal_handlers import Handler, handle

if TYPE_CHECKING:
    from pyresque.cli.watched_files import WatchedFiles
    from pyresque.testing.redis_server import DevRedis

_LOOK = 1.0
"""Seconds between two looks at the files."""
_GLANCE = 0.05
"""The same between two looks at processes that are to end."""
_PATIENCE = 2.0
"""Seconds after which it is told what is waited for."""
_COLOURS = {"worker": "cyan", "scheduler": "magenta", "dashboard": "green", "dev": "yellow"}
_LOCAL = ("localhost", "127.0.0.1", "::1")
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_NOT_HERE = ("BACKGROUND", "PIDFILE", "LOGFILE")
"""Variables of Ruby's by which a process would leave this terminal."""


@click.command()
@click.option(
    "-q", "--queue", "--queues", "queues", metavar="LIST", help="As of work. Else the settings, else all."
)
@click.option("--schedule", metavar="FILE", help="As of scheduler. Else the settings.")
@common
@pass_settings
def dev(settings: Settings, queues: str | None, schedule: str | None) -> None:
    """Run worker, scheduler and dashboard in this terminal.

    When a Python file of the project changes, a settings file or the schedule, all are started anew. If
    there is no Redis where the settings say, and that is on this machine, one is started there: it is empty,
    and gone at the end. Ctrl-C ends all, when the jobs that run are done; twice ends them at once.
    """
    if not (settings.modules or settings.value("require")):
        raise ConfigError("which jobs? name their modules with -r, or as `require` in the settings")
    session = _Session(settings, queues, schedule)
    with session.signals(), _redis(settings, session):
        session.run()


class _Session:
    """What runs in the terminal."""

    def __init__(self, settings: Settings, queues: str | None, schedule: str | None) -> None:
        from pyresque.cli.dev_processes import Processes

        self._told = 0
        self._writing = threading.Lock()
        self._colourful = is_colourful()
        worker, scheduler = _words(settings, queues, schedule)
        commands = {"worker": worker, "scheduler": scheduler}
        if _has_dashboard():
            commands["dashboard"] = ["web", *(word for name in settings.modules for word in ("-r", name))]
        self.processes = Processes(commands, _environment(settings), self.tell)
        self._files = _files(settings, schedule)

    def tell(self, name: str, line: str) -> None:
        """Print a line of a process."""
        head = click.style(f"{name:<9} |", fg=_COLOURS[name]) if self._colourful else f"{name:<9} |"
        try:
            with self._writing:
                click.echo(f"{head} {line}", color=self._colourful)
        except OSError:  # nobody reads any more: that is the end, too
            self._note()

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Within the block, what would end us ends the processes first."""
        before = {number: handle(number, Handler(self._note)) for number in _ENDING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, *_: object) -> None:
        self._told += 1
        self.processes.wake()

    def run(self) -> None:
        """Keep the processes going until somebody ends us."""
        try:
            while not self._told:
                self.processes.start()
                self._until_something_changes()
                self._end()
        finally:
            self.processes.send(signal.SIGKILL)  # nothing is left to kill unless something went wrong
            self.processes.finish()

    def _until_something_changes(self) -> None:
        while not self._told:
            self.processes.wait(_LOOK)
            for child in self.processes.ended():
                status = child.process.returncode if child.process else 0
                self.tell(
                    "dev", f"the {child.name} has ended with {status}; it starts again when a file changes"
                )
            if changed := self._files.changed():
                more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
                self.tell("dev", f"{safe(os.path.relpath(changed[0]))}{more} changed: starting anew")
                return

    def _end(self) -> None:
        """End the processes: as work does, when their jobs are done; whoever cannot wait tells us again."""
        told = self._told
        self.processes.send(signal.SIGTERM)
        since, is_told = time.monotonic(), False
        while self.processes.run:
            self.processes.wait(_GLANCE)
            if not is_told and self.processes.run and time.monotonic() > since + _PATIENCE:
                is_told = True
                self.tell("dev", "waiting for the jobs that run (drain); Ctrl-C twice ends them at once")
            if self._told > max(1, told):
                told = self._told
                self.processes.send(signal.SIGTERM if told < 3 else signal.SIGKILL)
        self.processes.finish()


def _words(settings: Settings, queues: str | None, schedule: str | None) -> tuple[list[str], list[str]]:
    """The command lines of worker and scheduler."""
    stored = settings.stored
    common_words = [word for name in settings.modules for word in ("-r", name)]
    worker, scheduler = ["work", *common_words], ["scheduler", *common_words]
    if queues is not None:
        worker += ["-q", queues]
    elif not stored.find("work", "queues").value and not stored.find("work", "pool-file").value:
        worker += ["-q", "*"]
    if all(stored.find("work", name).rank == Rank.DEFAULT for name in ("verbose", "log-level")):
        worker += ["--log-level", "info"]
    if schedule is not None:
        scheduler += ["--schedule", schedule]
    return worker, scheduler


def _has_dashboard() -> bool:
    """Whether what the dashboard needs is installed."""
    from importlib.util import find_spec

    return all(find_spec(name) is not None for name in ("flask", "waitress"))


def _environment(settings: Settings) -> dict[str, str]:
    """What the processes get: what we have, and what our own options say."""
    env = {name: value for name, value in os.environ.items() if name not in _NOT_HERE}
    env |= {"PYRESQUE_WORK_BURST": "0", "PYTHONUNBUFFERED": "1"}
    # In the environment, for a command line is seen by everybody.
    if settings.redis:
        env["PYRESQUE_REDIS"] = settings.redis
        env.pop("PYRESQUE_REDIS_URL", None)
    if settings.namespace:
        env["PYRESQUE_NAMESPACE"] = settings.namespace
    return env


def _files(settings: Settings, schedule: str | None) -> WatchedFiles:
    from pyresque.cli.watched_files import WatchedFiles, folders_of

    stored = settings.stored
    project = stored.file.path.parent if stored.file else here()
    modules = settings.modules or [
        name for command in ("work", "scheduler") for name in stored.find(command, "require").value
    ]
    files = [stored.file.path] if stored.file else []
    named = schedule or stored.find("scheduler", "schedule").value
    return WatchedFiles(folders_of(modules, project), [*files, *([Path(named)] if named else [])])


@contextmanager
def _redis(settings: Settings, session: _Session) -> Iterator[None]:
    """A Redis where the settings say; one of our own if there is none, and it may be on this machine."""
    from pyresque.store.connection.server import check

    resque = settings.resque()
    try:
        check(resque.link)
    except RedisUnavailable as error:
        server = _start(parse_server(settings.server).url, error)
        session.tell("dev", f"started a Redis on {server.address}: empty, and gone at the end")
        try:
            yield
        finally:
            server.stop()
        return
    finally:
        resque.close()
    yield


def _start(url: str, error: RedisUnavailable) -> DevRedis:
    from pyresque.testing.redis_server import HOW_TO_GET_ONE, DevRedis, locate

    parts = urlsplit(url)
    if parts.scheme != "redis" or parts.hostname not in _LOCAL or parts.username not in (None, "", "default"):
        raise error
    if locate() is None:
        raise RedisUnavailable(f"{error}\n{HOW_TO_GET_ONE}", maybe_done=False)
    return DevRedis(password=unquote(parts.password or ""), port=parts.port or 6379, apart=True)
