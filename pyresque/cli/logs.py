"""Log lines as Ruby's worker writes them (core.md section 12.1)."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

from pyresque.cli.show import safe


def set_up(verbosity: int) -> None:
    """Send pyresque's own log lines to the terminal.

    Args:
        verbosity: 0 warnings only; 1 (VERBOSE) lines `*** text`; 2 (VVERBOSE) everything, with time and
            pid. Warnings and errors go to stderr, the rest to stdout.
    """
    logger = logging.getLogger("pyresque")
    logger.setLevel({0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG))
    logger.propagate = False
    formatter = _Formatter(verbosity)
    quiet, loud = _Handler(sys.stdout), _Handler(sys.stderr)
    quiet.addFilter(lambda record: record.levelno < logging.WARNING)
    loud.setLevel(logging.WARNING)
    for handler in (quiet, loud):
        handler.setFormatter(formatter)
    logger.handlers[:] = [quiet, loud]


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging calls it so)
        """Say nothing: a worker works on when whoever read its log lines is gone."""


class _Formatter(logging.Formatter):
    def __init__(self, verbosity: int) -> None:
        very = "** [%(asctime)s] %(process)d: %(message)s"
        super().__init__(very if verbosity > 1 else "*** %(message)s", "%H:%M:%S %Y-%m-%d")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging calls it so)
        return safe(super().formatMessage(record))
