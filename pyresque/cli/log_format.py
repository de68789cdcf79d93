"""Log lines as Ruby's worker writes them (docs/protocol/core.md#environment-variables)."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

from pyresque.cli.output import safe
from pyresque.errors import ConfigError


def set_up(verbosity: int, file: str = "", form: str = "text") -> None:
    """Send pyresque's own log lines to the terminal, or to a file.

    Args:
        verbosity: 0 warnings only; 1 (VERBOSE) lines `*** text`; 2 (VVERBOSE) everything, with time and
            pid. On the terminal warnings and errors go to stderr, the rest to stdout.
        file: where all of them go instead (LOGFILE).
        form: `text`, or one object (`json`) or words with names (`logfmt`) for each line (LOGFORMAT).

    Raises:
        ConfigError: the file cannot be written.
    """
    global _level
    _level = {0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG)
    _handlers[:] = [_to_file(file)] if file else _to_terminal()
    for handler in _handlers:
        handler.setFormatter(_Formatter(verbosity) if form == "text" else _Fields(form))
    _install()


_handlers: list[logging.Handler] = []
_level = logging.WARNING


def _install() -> None:
    logger = logging.getLogger("pyresque")
    logger.setLevel(_level)
    logger.propagate = False
    logger.handlers[:] = _handlers


def restore() -> None:
    """Take back what the application's own set-up of logging has done to our lines without meaning them.

    `logging.config` disables every logger that is there already, unless it is told not to. An application
    that gives the logger `pyresque` handlers of its own means it, and has its way.
    """
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.partition(".")[0] == "pyresque" and isinstance(logger, logging.Logger):
            logger.disabled = False
    if all(handler in _handlers for handler in logging.getLogger("pyresque").handlers):
        _install()


@contextmanager
def heard() -> Iterator[None]:
    """Within the block `logging.disable` of the application silences nobody: a worker says how it starts."""
    before = logging.root.manager.disable
    logging.disable(logging.NOTSET)
    try:
        yield
    finally:
        logging.disable(before)


def _to_file(file: str) -> logging.Handler:
    try:
        return _FileHandler(file, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write the log file {file}: {error.strerror}") from None


def _to_terminal() -> list[logging.Handler]:
    quiet, loud = _Handler(sys.stdout), _Handler(sys.stderr)
    quiet.addFilter(lambda record: record.levelno < logging.WARNING)
    loud.setLevel(logging.WARNING)
    return [quiet, loud]


class _Silent(logging.Handler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging calls it so)
        """Say nothing: a worker works on when whoever read its log lines is gone, or the disk is full."""


class _Handler(_Silent, logging.StreamHandler[TextIO]):
    """To a terminal or a pipe."""


class _FileHandler(_Silent, logging.FileHandler):
    """To a file."""


class _Formatter(logging.Formatter):
    def __init__(self, verbosity: int) -> None:
        very = "** [%(asctime)s] %(process)d: %(message)s"
        super().__init__(very if verbosity > 1 else "*** %(message)s", "%H:%M:%S %Y-%m-%d")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging calls it so)
        return safe(super().formatMessage(record))


class _Fields(logging.Formatter):
    """One line of named fields: when, how grave, who, what."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        fields = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="seconds"),
            "severity": record.levelname,
            "progname": "pyresque",
            "pid": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["exception"] = record.exc_text or self.formatException(record.exc_info)
        if self._form == "json":
            return json.dumps(fields, ensure_ascii=False)
        return " ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in fields.items())
