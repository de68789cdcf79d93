"""The options that say what is logged, where and how; the same for `work` and `scheduler`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from pyresque.config.options import LOG_FORMATS, LOG_LEVELS

F = TypeVar("F", bound=Callable[..., Any])


def log_options(default_level: str, *, rubys: bool) -> Callable[[F], F]:
    """Give a command `--log-level`, `--log-format` and `--log-file`.

    Args:
        default_level: the level where none is given.
        rubys: whether Ruby's LOGFILE and LOGFORMAT count.
    """
    file, form = (" Else LOGFILE.", " Else LOGFORMAT, else text.") if rubys else ("", " Else text.")
    options = [
        click.option(
            "--log-level",
            type=click.Choice(LOG_LEVELS, case_sensitive=False),
            help=f"The least level that is logged; each line has its time and level. Else {default_level}.",
        ),
        click.option(
            "-F",
            "--log-format",
            "--logformat",
            "log_format",
            type=click.Choice(LOG_FORMATS),
            help=f"How a log line looks.{form}",
        ),
        click.option(
            "-l",
            "--log-file",
            "--logfile",
            "log_file",
            metavar="FILE",
            help=f"Write all log lines there, not to stdout and stderr.{file}",
        ),
    ]

    def with_options(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return with_options
