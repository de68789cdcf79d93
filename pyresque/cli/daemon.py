"""Being a daemon, as BACKGROUND and PIDFILE ask for it (core.md section 12.1)."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import NoReturn

from pyresque.errors import ConfigError
from pyresque.safely import flush_output


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


def start_folder() -> str:
    """The current directory by the name that the user has for it; a deploy may change where that leads."""
    named = os.environ.get("PWD", "")
    same = bool(named) and Path(named).exists() and Path(named).samefile(".")
    return named if same else str(Path.cwd())


def start_again(folder: str) -> NoReturn:
    """Put the program, as it is on disk now, in the place of this process: same pid, same command line.

    Args:
        folder: where it was started.
    """
    flush_output()
    with contextlib.suppress(OSError):
        os.chdir(folder)
    os.environ.pop("BACKGROUND", None)  # it is there already; once more would change the pid
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 (our own words again)
