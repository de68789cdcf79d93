"""Every setting: its name, which is the long name of an option, what it holds, and Ruby's variables for it.

A setting belongs to all commands (COMMON) or to some (TABLES). docs/settings.md describes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pyresque.config.env import RUBYS_ENDING, Config
from pyresque.config.options import FAILURE_BACKENDS, LOG_FORMATS, LOG_LEVELS, STYLES, Recover, Unknown
from pyresque.config.setting_kinds import (
    Choice,
    File,
    LengthOfTime,
    Modules,
    Names,
    Number,
    Policy,
    Seconds,
    Switch,
    Text,
)


@dataclass(frozen=True)
class Setting:
    """One setting.

    `names`: the long names of its option, the one that is shown first. `result` tells its value where it is
    not set: what Ruby's variables say, else the default. `ruby`: those variables. `apart`: at the top of a
    settings file it would be unclear which command it is for.
    """

    names: tuple[str, ...]
    kind: Text
    result: Callable[[Config], Any]
    ruby: tuple[str, ...] = ()
    apart: bool = False

    @property
    def name(self) -> str:
        """The name that is shown."""
        return self.names[0]

    def said_by_ruby(self, env: Mapping[str, str]) -> str:
        """The variable of Ruby's that says it; empty if none does."""
        return next((name for name in self.ruby if env.get(name) or name in _SET_WHEN_EMPTY & set(env)), "")


_VERBOSE = ("VVERBOSE", "VERBOSE", "LOGGING")
_SET_WHEN_EMPTY = {*RUBYS_ENDING, *_VERBOSE, "QUEUE", "QUEUES", "DISABLE_DELAYED_REQUEUE_BATCHES"}


def _nothing(_: Config) -> None:
    return None


COMMON = (
    Setting(
        ("redis", "redis-url"),
        Text("a Redis URL", secret=True),
        lambda config: config.server,
        ("REDIS_URL", "RESQUE_REDIS_URL"),
    ),
    Setting(("namespace",), Text(), lambda config: config.namespace or "resque", ("RESQUE_NAMESPACE",)),
    Setting(("require",), Modules(), lambda _: []),
    Setting(("json-style",), Choice(words=STYLES), lambda _: STYLES[0]),
    Setting(
        ("failure-backend",),
        Choice(words=FAILURE_BACKENDS),
        lambda config: config.failure_backend,
        ("FAILURE_BACKEND",),
    ),
)

_VERBOSITY = Setting(
    ("verbose",), Number("a whole number", least=0), lambda config: config.verbosity, _VERBOSE
)
_PIDFILE = Setting(("pidfile",), File(), lambda config: config.pidfile, ("PIDFILE",), apart=True)
_LOG_LEVEL = Setting(("log-level",), Choice(words=LOG_LEVELS), _nothing)

WORK = (
    Setting(
        ("queues", "queue"),
        Names("a list of queues"),
        lambda config: config.queues and list(config.queues),
        ("QUEUES", "QUEUE", "RESQUE_POOL_CONFIG"),
    ),
    Setting(
        ("unknown",),
        Policy("leave, fail or park=QUEUE", grammar=Unknown.parse),
        lambda config: config.worker.unknown.policy,
    ),
    Setting(
        ("interval",), Seconds(), lambda config: config.worker.polling.interval, ("INTERVAL",), apart=True
    ),
    Setting(("concurrency",), Number(), lambda config: config.count or 1, ("COUNT", "RESQUE_POOL_CONFIG")),
    Setting(
        ("pool-file", "config"),
        File(),
        lambda config: config.pool_file,
        ("RESQUE_POOL_CONFIG", "QUEUES", "QUEUE"),
    ),
    Setting(("async-concurrency",), Number(), _nothing),
    Setting(("no-fork",), Switch(), lambda config: not config.worker.fork_per_job, ("FORK_PER_JOB",)),
    Setting(("jobs-per-fork",), Number(), lambda config: config.worker.jobs_per_fork),
    Setting(("timeout",), Seconds(), lambda config: config.worker.timeout),
    Setting(("timeout-grace",), Seconds(), lambda config: config.worker.timeout_grace),
    Setting(("burst",), Switch(), lambda _: False),
    Setting(("max-jobs",), Number(), lambda config: config.worker.max_jobs),
    Setting(("max-idle",), Seconds(), lambda config: config.worker.max_idle),
    Setting(("max-rss",), Number("a whole number of MB"), lambda config: config.worker.max_rss),
    Setting(("start-timeout",), Seconds(), lambda config: config.worker.start_timeout),
    Setting(("drain",), Seconds(), lambda config: config.worker.stopping.patience, RUBYS_ENDING),
    Setting(("requeue-on-shutdown",), Switch(), lambda config: config.worker.stopping.requeue),
    Setting(
        ("recover",),
        Policy("fail, requeue or requeue=TIMES", grammar=Recover.parse),
        lambda config: config.worker.recover.policy,
    ),
    Setting(("history",), Switch(), lambda config: config.worker.history),
    _VERBOSITY,
    _LOG_LEVEL,
    Setting(("log-format", "logformat"), Choice(words=LOG_FORMATS), lambda _: LOG_FORMATS[0]),
    Setting(("log-file", "logfile"), File(), _nothing),
    _PIDFILE,
)

_SCHEDULE = Setting(("schedule",), File(), _nothing)

SCHEDULER = (
    _SCHEDULE,
    Setting(("catch-up",), Choice(words=("none", "last", "all")), lambda config: config.scheduler.catch_up),
    Setting(
        ("interval",),
        Seconds(above=True),
        lambda config: config.scheduler.interval,
        ("RESQUE_SCHEDULER_INTERVAL",),
        apart=True,
    ),
    Setting(
        ("lock-timeout",),
        Seconds(above=True),
        lambda config: config.scheduler.lock_timeout,
        ("LOCK_TIMEOUT",),
    ),
    Setting(("environment",), Text(), lambda config: config.scheduler.environment, ("RAILS_ENV",)),
    Setting(("app-name",), Text(), lambda config: config.scheduler.app_name or None, ("APP_NAME",)),
    Setting(
        ("delayed-requeue-batch-size",),
        Number(),
        lambda config: config.scheduler.batch,
        ("DISABLE_DELAYED_REQUEUE_BATCHES", "DELAYED_REQUEUE_BATCH_SIZE"),
    ),
    Setting(("start-timeout",), Seconds(), lambda config: config.scheduler.start_timeout),
    _VERBOSITY,
    Setting(("quiet",), Switch(), lambda config: config.scheduler.quiet, ("QUIET",)),
    _LOG_LEVEL,
    Setting(("log-file", "logfile"), File(), lambda config: config.scheduler.logfile or None, ("LOGFILE",)),
    Setting(
        ("log-format", "logformat"),
        Choice(words=LOG_FORMATS),
        lambda config: config.scheduler.logformat,
        ("LOGFORMAT",),
    ),
    _PIDFILE,
)

_MAX_AGE = Setting(("max-age",), LengthOfTime(), _nothing)
_MAX_RUN = Setting(("max-run",), LengthOfTime(), lambda _: "1h")

HEALTH = (_MAX_AGE, _MAX_RUN, _SCHEDULE)
TOP = (Setting(("interval",), LengthOfTime(), lambda _: "1", apart=True), _MAX_AGE, _MAX_RUN, _SCHEDULE)

WEB = (
    Setting(("host",), Text(), lambda _: "127.0.0.1", apart=True),
    Setting(("port",), Number("a port, 0 to 65535", least=0), lambda _: 5678, apart=True),
    Setting(("unix-socket",), File(), _nothing),
    Setting(("password-file",), File(), _nothing),
    Setting(("auth-header",), Text(), _nothing),
    Setting(("insecure-no-auth",), Switch(), lambda _: False),
    Setting(("read-only",), Switch(), lambda _: False, apart=True),
    Setting(("allow-host",), Names("a list of host names"), lambda _: []),
    Setting(("trusted-origin",), Names("a list of addresses such as https://jobs.example.com"), lambda _: []),
    Setting(("behind-proxy",), Switch(), lambda _: False),
    Setting(("title",), Text(), _nothing, apart=True),
    Setting(("filter",), Names("a list of words"), lambda _: [], apart=True),
    Setting(("threads",), Number(), lambda _: 8, apart=True),
    _SCHEDULE,
    _LOG_LEVEL,
    Setting(("log-format", "logformat"), Choice(words=LOG_FORMATS), lambda _: LOG_FORMATS[0]),
    Setting(("log-file", "logfile"), File(), _nothing),
)

TABLES: dict[str, tuple[Setting, ...]] = {
    "work": WORK,
    "scheduler": SCHEDULER,
    "health": HEALTH,
    "top": TOP,
    "web": WEB,
}
"""The commands that have settings of their own."""

RIVALS = (
    ("log-level", "verbose"),
    ("log-level", "quiet"),
    ("queues", "pool-file"),
    ("concurrency", "pool-file"),
    ("async-concurrency", "no-fork"),
    ("async-concurrency", "jobs-per-fork"),
    ("async-concurrency", "unknown"),
    ("no-fork", "jobs-per-fork"),
    ("password-file", "auth-header"),
    ("password-file", "insecure-no-auth"),
    ("auth-header", "insecure-no-auth"),
    ("unix-socket", "host"),
    ("unix-socket", "port"),
)
"""Settings that exclude one another: what stands nearer to the command line wins."""


def settings_of(command: str) -> tuple[Setting, ...]:
    """The settings that a command has; "" for one without its own."""
    return (*COMMON, *TABLES.get(command, ()))
