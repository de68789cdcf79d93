"""The log lines of commands that set up no logging: those that look and act, and do not work."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from pyresque.cli.output import safe


class _Safe(logging.Formatter):
    """Nothing in a line can steer a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(map(safe, super().format(record).splitlines()))


def make_safe() -> None:
    """Let warnings that nobody else shows come to stderr with what is not printable escaped."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_Safe())


@contextmanager
def without_warnings(name: str) -> Iterator[None]:
    """Within the block a logger tells of errors only: the command prints the rest itself."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
