"""Everything that the environment says: each variable is read here, and what comes out is frozen.

The variables are Ruby's (docs/protocol/core.md#environment-variables) and mean the same. Where Ruby takes
any value, even an empty one, as "set" (TERM_CHILD=0 is set), so do we.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyresque.config.options import (
    FAILURE_BACKENDS,
    LOG_FORMATS,
    Polling,
    SchedulerOptions,
    Stopping,
    WorkerOptions,
)
from pyresque.config.server_setting import DEFAULT_SERVER
from pyresque.errors import ConfigError

RUBYS_ENDING = ("TERM_CHILD", "GRACEFUL_TERM", "RESQUE_TERM_TIMEOUT", "RESQUE_PRE_SHUTDOWN_TIMEOUT")
"""The variables that say how Ruby's worker ends a job. Who sets one of them wants that."""


@dataclass(frozen=True)
class Config:
    """Everything that the environment says."""

    server: str = DEFAULT_SERVER
    namespace: str | None = None
    queues: tuple[str, ...] | None = None
    worker: WorkerOptions = field(default_factory=WorkerOptions)
    scheduler: SchedulerOptions = field(default_factory=SchedulerOptions)
    count: int | None = None
    pool_file: str | None = None
    pool_environment: str | None = None
    pidfile: str | None = None
    background: bool = False
    verbosity: int = 0
    failure_backend: str = "redis"
    environment: str = "development"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Config:
        """Read the environment.

        Raises:
            ConfigError: a variable holds something that it cannot mean.
        """
        return cls(
            server=server(env),
            namespace=env.get("RESQUE_NAMESPACE"),
            queues=_queues(env),
            worker=_worker(env),
            scheduler=scheduler_options(env),
            count=_count(env),
            pool_file=env.get("RESQUE_POOL_CONFIG") or None,
            pool_environment=next(filter(None, map(env.get, ("RAILS_ENV", "RACK_ENV", "RESQUE_ENV"))), None),
            pidfile=env.get("PIDFILE") or None,
            background="BACKGROUND" in env,
            verbosity=2 if "VVERBOSE" in env else int("VERBOSE" in env or "LOGGING" in env),
            failure_backend=failure_backend(env),
            environment=environment(env),
        )


def environment(env: Mapping[str, str] = os.environ) -> str:
    """The name of the environment that `info` shows: RAILS_ENV, else RACK_ENV, else development."""
    return env.get("RAILS_ENV") or env.get("RACK_ENV") or "development"


def _worker(env: Mapping[str, str]) -> WorkerOptions:
    return WorkerOptions(
        polling=Polling(
            interval=seconds(env, "INTERVAL", 5.0),
            max_interval=_optional_seconds(env, "MAX_INTERVAL"),
            min_interval=_optional_seconds(env, "MIN_INTERVAL"),
            backoff_interval=seconds(env, "BACKOFF_INTERVAL", 0.1),
        ),
        stopping=Stopping(
            term_child="TERM_CHILD" in env,
            graceful_term="GRACEFUL_TERM" in env,
            term_timeout=_term_timeout(env),
            pre_shutdown_timeout=seconds(env, "RESQUE_PRE_SHUTDOWN_TIMEOUT", 0.0, empty=0.0),
            run_at_exit_hooks="RUN_AT_EXIT_HOOKS" in env,
            drain=0.0 if any(name in env for name in RUBYS_ENDING) else None,
        ),
        fork_per_job=env.get("FORK_PER_JOB") != "false",
        procline_prefix=env.get("RESQUE_PROCLINE_PREFIX", ""),
    )


def split_queues(text: str) -> tuple[str, ...]:
    """Split a queue list as Ruby does: at commas, each name trimmed, empty names at the end dropped."""
    names = [name.strip() for name in text.split(",")]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def _queues(env: Mapping[str, str]) -> tuple[str, ...] | None:
    text = env["QUEUES"] if "QUEUES" in env else env.get("QUEUE")
    return None if text is None else split_queues(text)


def _term_timeout(env: Mapping[str, str]) -> float | None:
    name = "RESQUE_TERM_TIMEOUT"
    return seconds(env, name, 4.0, empty=0.0) if name in env else None


def _optional_seconds(env: Mapping[str, str], name: str) -> float | None:
    return seconds(env, name, 5.0) if name in env else None


def _count(env: Mapping[str, str]) -> int | None:
    text = env.get("COUNT")
    if text is None:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ConfigError(f"COUNT={text!r} is not a number of workers: write for example COUNT=2")
    return int(text)


def server(env: Mapping[str, str]) -> str:
    """Where Redis is: REDIS_URL, else RESQUE_REDIS_URL."""
    return env.get("REDIS_URL") or env.get("RESQUE_REDIS_URL") or DEFAULT_SERVER


def failure_backend(env: Mapping[str, str]) -> str:
    """Where failures go: FAILURE_BACKEND.

    Raises:
        ConfigError: it names none.
    """
    name = env.get("FAILURE_BACKEND") or FAILURE_BACKENDS[0]
    if name not in FAILURE_BACKENDS:
        raise ConfigError(f"FAILURE_BACKEND={name!r} is unknown: use redis or redis_multi_queue")
    return name


def scheduler_options(env: Mapping[str, str]) -> SchedulerOptions:
    """What the environment says about the scheduler (docs/protocol/scheduler.md#settings).

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
        raise ConfigError(
            f"DELAYED_REQUEUE_BATCH_SIZE={text!r} is not a number of jobs: write for example 100"
        )
    return max(1, int(text))


def local_zone(env: Mapping[str, str] = os.environ) -> str:
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
        raise ConfigError(
            f"{name}={text!r} is not a number of seconds: write for example {name}={default or 5}"
        )
    return value
