"""Log lines as Ruby's worker writes them (core.md section 12.1)."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from pyresque.cli.show import safe
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
    logger = logging.getLogger("pyresque")
    logger.setLevel({0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG))
    logger.propagate = False
    logger.handlers[:] = [_to_file(file)] if file else _to_terminal()
    for handler in logger.handlers:
        handler.setFormatter(_Formatter(verbosity) if form == "text" else _Fields(form))


def _to_file(file: str) -> logging.Handler:
    try:
        return logging.FileHandler(file, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write the log file {file}: {error.strerror}") from None


def _to_terminal() -> list[logging.Handler]:
    quiet, loud = _Handler(sys.stdout), _Handler(sys.stderr)
    quiet.addFilter(lambda record: record.levelno < logging.WARNING)
    loud.setLevel(logging.WARNING)
    return [quiet, loud]


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging calls it so)
        """Say nothing: a worker works on when whoever read its log lines is gone."""


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
