"""Being a daemon, as BACKGROUND and PIDFILE ask for it (core.md section 12.1)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pyresque.errors import ConfigError


def go_to_background() -> None:
    """Leave the terminal: a new session, no terminal, stdio on /dev/null; the directory stays."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
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
