"""Settings of the scheduler, and how a number of seconds is read from a variable."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pyresque.errors import ConfigError

LOG_FORMATS = ("text", "json", "logfmt")
"""The forms of a log line that resque-scheduler knows."""


START_TIMEOUT = 60.0
"""Seconds for which Redis may be away when a worker or a scheduler starts: they start in any order."""


@dataclass(frozen=True)
class SchedulerOptions:
    """How a scheduler works (scheduler.md 11).

    `interval`: seconds between two looks at Redis where it cannot wake us. `lock_timeout`: seconds after
    which another scheduler takes over from one that has died. `batch`: delayed jobs moved in one step.
    `environment` chooses among the entries with `rails_env`. `catch_up`: what becomes of runs that were
    missed while no scheduler ran, for entries that do not say so themselves. `zone` is that of cron texts
    that name none (empty: this process's own). `logfile` takes the log lines (empty: the terminal), in the
    form `logformat`. `start_timeout`: seconds for which Redis may be away when it starts.
    """

    interval: float = 5.0
    lock_timeout: float = 180.0
    lock_prefix: str = ""
    batch: int = 100
    environment: str | None = None
    catch_up: Literal["none", "last", "all"] = "none"
    zone: str = ""
    app_name: str = ""
    quiet: bool = False
    logfile: str = ""
    logformat: str = "text"
    start_timeout: float = START_TIMEOUT


def scheduler_options(env: Mapping[str, str]) -> SchedulerOptions:
    """What the environment says about the scheduler (scheduler.md 11).

    Raises:
        ConfigError: a variable holds something that it cannot mean.
    """
    return SchedulerOptions(
        interval=seconds(env, "RESQUE_SCHEDULER_INTERVAL", 5.0),
        lock_timeout=seconds(env, "LOCK_TIMEOUT", 180.0) or 180.0,
        lock_prefix=env.get("RESQUE_SCHEDULER_MASTER_LOCK_PREFIX", ""),
        batch=1 if "DISABLE_DELAYED_REQUEUE_BATCHES" in env else _batch(env),
        environment=env.get("RAILS_ENV") or None,
        app_name=env.get("APP_NAME", ""),
        logfile=env.get("LOGFILE", ""),
        logformat=_logformat(env),
        quiet=env.get("QUIET") in ("1", "t", "T", "true", "TRUE", "on", "ON"),
    )


def _logformat(env: Mapping[str, str]) -> str:
    text = env.get("LOGFORMAT") or "text"
    if text not in LOG_FORMATS:
        raise ConfigError(f"LOGFORMAT={text!r} is unknown: use {', '.join(LOG_FORMATS)}")
    return text


def _batch(env: Mapping[str, str]) -> int:
    text = env.get("DELAYED_REQUEUE_BATCH_SIZE", "100")
    if not re.fullmatch(r"-?\d{1,9}", text):
        raise ConfigError(f"DELAYED_REQUEUE_BATCH_SIZE={text!r} is no number of jobs: write for example 100")
    return max(1, int(text))


def local_zone(env: Mapping[str, str]) -> str:
    """The name of this machine's time zone: TZ, else what /etc/localtime leads to, else UTC."""
    name = env.get("TZ", "").removeprefix(":")
    if not name:
        name = os.path.realpath("/etc/localtime").partition("/zoneinfo/")[2]
    name = name.removeprefix("posix/").removeprefix("right/")
    return name if re.fullmatch(r"[A-Za-z][A-Za-z0-9+_-]*(/[A-Za-z0-9+_-]+)*", name) else "UTC"


def seconds(env: Mapping[str, str], name: str, default: float, empty: float | None = None) -> float:
    """A variable that holds a number of seconds; `default` where it is not set, `empty` where it is blank.

    Raises:
        ConfigError: it holds something else.
    """
    text = env.get(name)
    if text is None:
        return default
    if not text.strip() and empty is not None:
        return empty
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ConfigError(f"{name}={text!r} is no number of seconds: write for example {name}={default or 5}")
    return value
