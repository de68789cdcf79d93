"""Being a daemon, as BACKGROUND and PIDFILE ask for it (docs/protocol/core.md#environment-variables)."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pyresque.cli.folders import here
from pyresque.errors import ConfigError
from pyresque.usercode.safely import flush_output
from pyresque.worker.pool.new_code import Heritage

HERITAGE = "PYRESQUE_POOL"
"""The variable by which a pool tells the program that takes its place what there is."""


def go_to_background() -> None:
    """Leave the terminal: a new session, no terminal, stdio on /dev/null; the directory stays."""
    flush_output()
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    if null > 2:
        os.close(null)


def write_pidfile(path: str) -> None:
    """Write the pid, in decimal without a newline, as Ruby does. It is not removed at the end.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        Path(path).write_text(str(os.getpid()))
    except OSError as error:
        raise ConfigError(
            f"cannot write the pidfile {path}: {error.strerror}; name another with --pidfile"
        ) from None


@dataclass(frozen=True)
class Program:
    """This program as it was started: where, with which variables; its words Python knows.

    Attributes:
        folder: the directory, by the name that the user has for it; a deploy may change where that leads.
        environment: the variables, without what the application will set when it is imported.
    """

    folder: str
    environment: dict[str, str]

    @classmethod
    def now(cls) -> Program:
        """The program as it is now, before anything of the application has been imported."""
        named = os.environ.get("PWD", "")
        same = bool(named) and os.path.exists(named) and os.path.samefile(named, ".")
        return cls(named if same else str(here()), dict(os.environ))

    def try_out(self, tell: int) -> subprocess.Popen[bytes]:
        """Start the program that is on disk now beside this one; see `worker.trial`.

        Raises:
            OSError: it cannot be started.
        """
        return subprocess.Popen(
            [*_words(), "--trial", str(tell)],
            cwd=self.folder,
            env=self.environment,
            pass_fds=[tell],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # what it prints when it is imported comes once more
            process_group=0,
        )

    def replace(self, heritage: str) -> NoReturn:
        """Put the program, as it is on disk now, in the place of this process: same pid, same command line.

        Args:
            heritage: what it is to find with `inherited`.

        Raises:
            OSError: it cannot be started.
        """
        flush_output()
        here = os.open(".", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.chdir(self.folder)
            # It is in the background already; once more would change the pid.
            environment = {key: value for key, value in self.environment.items() if key != "BACKGROUND"}
            os.execve(sys.executable, _words(), {**environment, HERITAGE: heritage})  # noqa: S606 (our own words)
        finally:
            os.fchdir(here)
            os.close(here)


def _words() -> list[str]:
    return [sys.executable, *sys.orig_argv[1:]]


def inherited() -> Heritage | None:
    """What the program that was here before has left, as `Program.replace` was given it."""
    text = os.environ.pop(HERITAGE, None)
    return Heritage.read(text) if text else None
