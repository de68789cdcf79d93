"""The options of a worker and of a scheduler, wherever they come from: frozen, with their defaults."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from pyresque.errors import ConfigError
from pyresque.usercode.safely import plain_name

DRAIN = 25.0
"""Seconds that a job may still take when its worker is told to leave."""

GRACE = 5.0
"""Seconds that a job may take to clean up when it is told to end; then it is killed."""

START_TIMEOUT = 60.0
"""Seconds for which Redis may be away when a worker or a scheduler starts: they start in any order."""


LOG_FORMATS = ("text", "json", "logfmt")
"""The forms of a log line that resque-scheduler knows."""

LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
"""The least level that is logged, from the one that shows everything on."""

FAILURE_BACKENDS = ("redis", "redis_multi_queue")
"""Where failures go: one list, or one for each queue."""

STYLES = ("ruby", "ruby-json2.10", "rails", "rails-json2.10")
"""How a Ruby side writes JSON (docs/json-styles.md)."""


@dataclass(frozen=True)
class Polling:
    """How long an idle worker sleeps, in seconds (docs/protocol/core.md#sleeping)."""

    interval: float = 5.0
    max_interval: float | None = None
    min_interval: float | None = None
    backoff_interval: float = 0.1


@dataclass(frozen=True)
class Stopping:
    """What a worker does with its job when it is told to stop (docs/protocol/core.md#signals).

    `drain`: seconds that a job may still take; then TermException is raised in it. 0: as Ruby does, by the
    other settings. None: 25, unless one of Ruby's is set. `term_timeout`: seconds from that exception to
    KILL (None: Ruby's 4, with a drain 5). `requeue`: a job that is ended because the worker leaves goes back
    to the head of its queue instead of failing.
    """

    term_child: bool = False
    graceful_term: bool = False
    term_timeout: float | None = None
    pre_shutdown_timeout: float = 0.0
    run_at_exit_hooks: bool = False
    drain: float | None = None
    requeue: bool = False

    @property
    def patience(self) -> float:
        """Seconds that a job may still take when TERM or INT comes; 0: what comes of it is as in Ruby."""
        if self.drain is not None:
            return self.drain
        rubys = (
            self.term_child,
            self.graceful_term,
            self.pre_shutdown_timeout,
            self.term_timeout is not None,
        )
        return 0.0 if any(rubys) else DRAIN

    @property
    def grace(self) -> float:
        """Seconds that a job may take to end once TermException was raised in it."""
        if self.term_timeout is not None:
            return self.term_timeout
        return GRACE if self.patience else 4.0


@dataclass(frozen=True)
class Unknown:
    """What becomes of a job whose class a worker does not know: `leave`, `fail`, or `park` it on a queue."""

    policy: Literal["leave", "fail", "park"] = "leave"
    queue: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "queue", plain_name(self.queue))

    @classmethod
    def parse(cls, text: str) -> Unknown:
        """Read `leave`, `fail` or `park=QUEUE`.

        Raises:
            ConfigError: the text is none of these.
        """
        if text in ("leave", "fail"):
            return cls("leave" if text == "leave" else "fail")
        policy, _, queue = text.partition("=")
        if policy == "park" and queue:
            return cls("park", queue)
        raise ConfigError(f"{text!r} is not a way to treat unknown jobs: write leave, fail or park=QUEUE")


@dataclass(frozen=True)
class Recover:
    """What becomes of a dead pyresque worker's job: `fail`, as in Ruby, or `requeue`, up to `limit` times."""

    policy: Literal["fail", "requeue"] = "fail"
    limit: int = 3

    @classmethod
    def parse(cls, text: str) -> Recover:
        """Read `fail`, `requeue` or `requeue=TIMES`.

        Raises:
            ConfigError: the text is none of these.
        """
        policy, equals, limit = text.partition("=")
        if text == "fail":
            return cls()
        if policy == "requeue" and (not equals or limit.isdecimal()):
            return cls("requeue", int(limit) if equals else cls.limit)
        raise ConfigError(f"{text!r} is not a way to recover jobs: write fail, requeue or requeue=TIMES")


@dataclass(frozen=True)
class WorkerOptions:
    """How a worker works.

    `fork_per_job`: each job in a process of its own; `jobs_per_fork`: so many jobs in one process, one
    after the other. `timeout`: seconds that a job may take which has no timeout of its own; it is killed
    `timeout_grace` seconds after JobTimeout was raised in it.
    `heartbeat_interval`: seconds between two beats. `procline_prefix` stands before the process title.
    The worker leaves after `max_jobs` jobs, after `max_idle` seconds without one, or when it has grown
    beyond `max_rss` megabytes. `start_timeout`: seconds for which Redis may be away when the worker starts.
    `notices`: whether it looks once a minute for jobs that nobody here knows, or nobody moves, and warns.
    `history`: whether it counts its jobs by class and day, and keeps the history of all workers.
    """

    polling: Polling = Polling()
    stopping: Stopping = Stopping()
    unknown: Unknown = Unknown()
    recover: Recover = Recover()
    fork_per_job: bool = True
    jobs_per_fork: int = 1
    timeout: float | None = None
    timeout_grace: float = GRACE
    max_jobs: int | None = None
    max_idle: float | None = None
    max_rss: int | None = None
    heartbeat_interval: float = 60.0
    start_timeout: float = START_TIMEOUT
    procline_prefix: str = ""
    notices: bool = False
    history: bool = True

    def with_interval(self, interval: float | None) -> WorkerOptions:
        """The same with another polling interval, where one is given."""
        return self if interval is None else replace(self, polling=replace(self.polling, interval=interval))


@dataclass(frozen=True)
class SchedulerOptions:
    """How a scheduler works (docs/protocol/scheduler.md#settings).

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
