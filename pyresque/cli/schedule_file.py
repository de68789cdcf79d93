"""How commands that only look find out what the schedulers know: their schedule file and their options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pyresque.cli.common_options import Settings
from pyresque.errors import ConfigError

if TYPE_CHECKING:
    from pyresque.config.options import SchedulerOptions

F = TypeVar("F", bound=Callable[..., Any])


def schedule_file_option(command: F) -> F:
    """Give a command `--schedule`."""
    return click.option(
        "-f",
        "--schedule",
        "file",
        metavar="FILE",
        help="The YAML file of the schedulers, whose entries are not in Redis. Else the settings name it.",
    )(command)


def file_name(settings: Settings, file: str | None) -> str | None:
    """The file that is meant: that of the option, else the one of the settings; None without either."""
    stored: str | None = settings.stored.find("scheduler", "schedule").value
    return stored if file is None else file


def entries_of(settings: Settings, file: str | None, *, needed: bool = False) -> Mapping[str, Any]:
    """The entries of the file that is meant, by name; none without one.

    Raises:
        ConfigError: it cannot be used, or there is none though it is `needed`.
    """
    from pyresque.schedule.schedule_file import read_file

    path = file_name(settings, file)
    if path is None:
        if needed:
            raise ConfigError(
                "which schedule file? name it, or write schedule = FILE under [scheduler] into the settings"
            )
        return {}
    return read_file(path)


def scheduler_options(settings: Settings) -> SchedulerOptions:
    """How schedulers work that are started with these settings.

    Raises:
        ConfigError: they cannot be used.
    """
    environment, lock_timeout = (
        settings.stored.find("scheduler", name).value for name in ("environment", "lock-timeout")
    )
    return replace(settings.config.scheduler, environment=environment, lock_timeout=lock_timeout)
