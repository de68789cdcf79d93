"""The only reader of environment variables. What comes out is frozen.

The variables are Ruby's (core.md section 12.1) and mean the same. Where Ruby takes any value, even
an empty one, as "set" (TERM_CHILD=0 is set), so do we.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import parse_qs

from pyresque.errors import ConfigError
from pyresque.safely import plain_name
from pyresque.settings import START_TIMEOUT, SchedulerOptions, local_zone, scheduler_options, seconds

DEFAULT_SERVER = "localhost:6379"

DRAIN = 25.0
"""Seconds that a job may still take when its worker is told to leave."""

GRACE = 5.0
"""Seconds that a job may take to clean up when it is told to end; then it is killed."""

RUBYS_ENDING = ("TERM_CHILD", "GRACEFUL_TERM", "RESQUE_TERM_TIMEOUT", "RESQUE_PRE_SHUTDOWN_TIMEOUT")
"""The variables that say how Ruby's worker ends a job. Who sets one of them wants that."""


@dataclass(frozen=True)
class Server:
    """Where Redis is: a URL that redis-py understands, and the namespace the setting asked for, if any."""

    url: str
    namespace: str | None = None


def parse_server(text: str) -> Server:
    """Read a server setting in any form that Ruby Resque takes (core.md section 1.1).

    Forms: `host`, `host:port`, `host:port:db`, each with `/namespace` behind it, and `redis://`,
    `rediss://` and (ours) `unix://` URLs.

    Raises:
        ConfigError: the text is none of these.
    """
    text = text.strip()
    if "://" in text:
        return Server(_checked_url(text))
    address, slash, namespace = text.partition("/")
    host, colon, rest = address.partition(":")
    port, _, db = rest.partition(":")
    if not host or not re.fullmatch(r"[^\s:/@\[\]]+", host):
        raise ConfigError(_how_to_say(text))
    if not _is_port(port if colon else "6379") or (db and not db.isdecimal()) or "@" in namespace:
        raise ConfigError(_how_to_say(text))
    return Server(f"redis://{host}:{port or 6379}/{db or 0}", namespace if slash else None)


def _checked_url(url: str) -> str:
    scheme, rest = url.split("://", 1)
    if scheme not in ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel"):
        raise ConfigError(_how_to_say(url))
    if scheme == "unix":
        return url
    location = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in rest[len(location) :]:
        raise ConfigError(
            f"the user name or password of {without_login(url)!r} holds one of the characters / ? #: write "
            "it percent-encoded, as %2F %3F %23"
        )
    if scheme not in ("redis", "rediss"):
        return url
    match = re.fullmatch(r"([^:\[\]]*|\[[^\[\]]+\])(?::(.*))?", location.rpartition("@")[2])
    if match is None or (match[2] and not _is_port(match[2])):
        raise ConfigError(_how_to_say(url))
    return _with_database(url, scheme, location, rest[len(location) :].partition("#")[0])


def _with_database(url: str, scheme: str, location: str, rest: str) -> str:
    """A redis:// URL that means the same database to every Ruby, without a slash at the end."""
    path, mark, query = rest.partition("?")
    database = path.strip("/") if path.count("/") <= 2 and not path.startswith("//") else path
    if database and not re.fullmatch(r"[0-9]{1,9}", database):
        raise ConfigError(
            f"the path of {without_login(url)!r} must be a database number such as /0; set a namespace with "
            "--namespace"
        )
    for named in parse_qs(query).get("db", ()):
        if not named.isdecimal() or int(named) != int(database or -1):
            wanted = f"/{int(named)}" if re.fullmatch(r"[0-9]{1,9}", named) else "/3"
            raise ConfigError(
                f"{without_login(url)!r}?db=... means another database to some Rubies than to others: write "
                f"the number as the path, {scheme}://host:port{wanted}"
            )
    return f"{scheme}://{location}{'/' if database else ''}{database}{mark}{query}"


def _is_port(text: str) -> bool:
    return text.isdecimal() and len(text) <= 5 and 0 < int(text) < 65536


def without_login(url: str) -> str:
    """A server setting as errors show it: they go to logs, and no part of a password may.

    A password may hold any character and stand in the query, too. So what comes before the last "@" and
    behind a "?" or "#" is left out, and the rest is shown only where it cannot be a login without its "@".
    """
    scheme = (re.match(r"(?:[A-Za-z][A-Za-z0-9+.-]{0,20})?://", url) or [""])[0]
    shown = re.split(r"[?#]", url[len(scheme) :].rpartition("@")[2], maxsplit=1)[0]
    host = shown.partition("/")[0]
    is_place = host.count(":") <= 1 or host.startswith("[") or scheme == ""
    return scheme + (shown if is_place and not host.startswith(":") else "...")


def _how_to_say(text: str) -> str:
    return (
        f"cannot read {without_login(text)!r} as a Redis server: write redis://[user:password@]host:port/db, "
        "rediss://..., unix:///path/to.sock, or host:port[:db][/namespace]"
    )


@dataclass(frozen=True)
class Polling:
    """How long an idle worker sleeps, in seconds (core.md section 8.2)."""

    interval: float = 5.0
    max_interval: float | None = None
    min_interval: float | None = None
    backoff_interval: float = 0.1


@dataclass(frozen=True)
class Stopping:
    """What a worker does with its job when it is told to stop (core.md section 10).

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
        raise ConfigError(f"{text!r} is no way to treat unknown jobs: write leave, fail or park=QUEUE")


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
        raise ConfigError(f"{text!r} is no way to recover jobs: write fail, requeue or requeue=TIMES")


@dataclass(frozen=True)
class WorkerOptions:
    """How a worker works.

    `fork_per_job`: each job in a process of its own; `jobs_per_fork`: so many jobs in one process, one
    after the other. `timeout`: seconds that a job may take which has no timeout of its own; it is killed
    `timeout_grace` seconds after JobTimeout was raised in it.
    `heartbeat_interval`: seconds between two beats. `procline_prefix` stands before the process title.
    The worker leaves after `max_jobs` jobs, after `max_idle` seconds without one, or when it has grown
    beyond `max_rss` megabytes. `start_timeout`: seconds for which Redis may be away when the worker starts.
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

    def with_interval(self, interval: float | None) -> WorkerOptions:
        """The same with another polling interval, where one is given."""
        return self if interval is None else replace(self, polling=replace(self.polling, interval=interval))


@dataclass(frozen=True)
class Config:
    """Everything that the environment says."""

    server: str = DEFAULT_SERVER
    namespace: str | None = None
    queues: tuple[str, ...] | None = None
    worker: WorkerOptions = WorkerOptions()
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
            server=env.get("REDIS_URL") or env.get("RESQUE_REDIS_URL") or DEFAULT_SERVER,
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
            failure_backend=_failure_backend(env),
            environment=environment(env),
        )


def environment(env: Mapping[str, str] = os.environ) -> str:
    """The name of the environment that `info` shows: RAILS_ENV, else RACK_ENV, else development."""
    return env.get("RAILS_ENV") or env.get("RACK_ENV") or "development"


def home_zone(env: Mapping[str, str] = os.environ) -> str:
    """The name of this process's time zone, `Europe/Berlin`; UTC where none can be told."""
    return local_zone(env)


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
        raise ConfigError(f"COUNT={text!r} is no number of workers: write for example COUNT=2")
    return int(text)


def _failure_backend(env: Mapping[str, str]) -> str:
    name = env.get("FAILURE_BACKEND") or "redis"
    if name not in ("redis", "redis_multi_queue"):
        raise ConfigError(f"FAILURE_BACKEND={name!r} is unknown: use redis or redis_multi_queue")
    return name
