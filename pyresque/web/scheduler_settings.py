"""What the dashboard knows of the schedulers: their options, and the entries of their schedule file."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from flask import current_app, g

from pyresque.client.schedule_entries import Entries
from pyresque.config.options import SchedulerOptions
from pyresque.errors import ConfigError
from pyresque.schedule.schedule_file import FileEntry, read_file


@dataclass(frozen=True)
class Schedulers:
    """How the schedulers are started that work beside this dashboard.

    Attributes:
        options: their environment, the name of their lock, how long it lasts.
        file: the YAML file of their schedule, whose entries are not in Redis.
    """

    options: SchedulerOptions = field(default_factory=SchedulerOptions)
    file: str | None = None


UNKNOWN = Schedulers()
"""Where nobody has told: entries of every environment count, and those of a file are not known."""


def options() -> SchedulerOptions:
    """The options of the schedulers."""
    return _given().options


def _given() -> Schedulers:
    found: Schedulers = current_app.extensions["pyresque_schedulers"]
    return found


def schedule_file() -> tuple[Mapping[str, FileEntry], str]:
    """The entries of the schedule file, and why it cannot be read; nothing of both without a file."""
    path = _given().file
    if path is None:
        return {}, ""
    try:
        told = os.stat(path)
        return _read(str(path), told.st_mtime_ns, told.st_size), ""
    except (ConfigError, OSError) as error:
        return {}, str(error)


def entries(file: Mapping[str, Any] | None = None) -> Entries:
    """The entries of the schedule as they are now."""
    found = schedule_file()[0] if file is None else file
    return Entries(g.resque, time.time(), found, options().environment)


@lru_cache(maxsize=8)
def _read(path: str, _changed: int, _size: int) -> Mapping[str, FileEntry]:
    """The file; kept until it changes."""
    return read_file(path)
