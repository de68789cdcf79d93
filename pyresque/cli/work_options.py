"""The options of `pyresque work`: how each is written, and what they mean together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pyresque.cli.common_options import Settings
from pyresque.cli.configurable import ConfigurableCommand
from pyresque.config.env import split_queues
from pyresque.config.options import Recover, Unknown, WorkerOptions
from pyresque.errors import ConfigError

if TYPE_CHECKING:
    from pyresque.wire.encoding import Style

F = TypeVar("F", bound=Callable[..., Any])

_EXAMPLES = "for example -q critical,default, or -q '*' for all"


@dataclass(frozen=True)
class Flags:
    """The options of `work`, as given."""

    queue: tuple[str, ...]
    interval: float | None
    burst: bool
    unknown: Unknown | None
    recover: Recover | None
    start_timeout: float | None
    failure_backend: str | None
    concurrency: int | None
    pool_file: str | None
    async_concurrency: int | None
    no_fork: bool
    jobs_per_fork: int | None
    timeout: float | None
    timeout_grace: float | None
    drain: float | None
    requeue_on_shutdown: bool
    max_jobs: int | None
    max_idle: float | None
    max_rss: int | None
    history: bool | None
    json_style: Style
    verbose: int
    log_level: str | None
    log_format: str | None
    log_file: str | None
    pidfile: str | None
    trial: int | None

    def queues(self, settings: Settings) -> list[str]:
        """The queue list, from the options, else from QUEUES or QUEUE.

        Raises:
            ConfigError: it names no queue.
        """
        if self.queue:
            return checked_queues([name for text in self.queue for name in split_queues(text)])
        if settings.config.queues is None:
            raise ConfigError(f"which queues? name them with -q (or QUEUE=...): {_EXAMPLES}")
        return checked_queues(settings.config.queues)

    def groups(self, settings: Settings) -> list[tuple[list[str], int]]:
        """The queue lists to work on, and by how many workers each.

        Raises:
            ConfigError: the pool file cannot be used, or there is no queue.
        """
        config = settings.config
        given = bool(self.queue) or self.concurrency is not None
        path = self.pool_file or (None if given or config.queues is not None else config.pool_file)
        if path is None:
            return [(self.queues(settings), self.concurrency or config.count or 1)]
        if given:
            raise ConfigError("the pool file names the queues and counts: leave -q and --concurrency away")
        from pyresque.worker.pool.pool_file import read_pool_file

        return read_pool_file(path, config.pool_environment)

    def options(self, settings: Settings) -> WorkerOptions:
        """How the worker is to work: the options over what the environment says.

        Raises:
            ConfigError: some of them contradict each other.
        """
        options = settings.config.worker
        if self.burst:
            # 0 is "leave when idle" only if nothing says how long to wait at most.
            polling = replace(options.polling, interval=0.0, max_interval=None, min_interval=None)
            options = replace(options, polling=polling)
        else:
            options = options.with_interval(self.interval)
        if self.no_fork or self.async_concurrency:
            options = replace(options, fork_per_job=False)
        named = (
            "unknown", "recover", "jobs_per_fork", "timeout", "max_jobs", "max_idle", "max_rss",
            "start_timeout", "timeout_grace", "history",
        )  # fmt: skip
        given = {name: getattr(self, name) for name in named if getattr(self, name) is not None}
        drain = options.stopping.drain if self.drain is None else self.drain
        stopping = replace(options.stopping, drain=drain, requeue=self.requeue_on_shutdown)
        self._check(options)
        return replace(options, stopping=stopping, **given)

    def _check(self, options: WorkerOptions) -> None:
        if self.async_concurrency:
            for name in ("no_fork", "jobs_per_fork"):
                if getattr(self, name):
                    raise ConfigError(
                        f"{_flag(name)} says how a job gets its process; with --async-concurrency it has none"
                    )
            if self.unknown is not None and self.unknown.policy != "leave":
                raise ConfigError(
                    "--async-concurrency leaves all other jobs to other workers: remove --unknown"
                )
        elif not options.fork_per_job and self.jobs_per_fork is not None:
            raise ConfigError("--jobs-per-fork needs processes for jobs: leave --no-fork (FORK_PER_JOB) away")


def checked_queues(names: Sequence[str]) -> list[str]:
    """The queue list, if it names a queue.

    Raises:
        ConfigError: it does not.
    """
    if not any(name and not name.startswith("!") for name in names):
        raise ConfigError(f"the queue list {','.join(names)!r} names no queue to work on: write {_EXAMPLES}")
    return list(names)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _number(param: click.Parameter, value: str | None, kind: type[float], least: float) -> Any:
    if value is None:
        return None
    try:
        number = kind(value)
    except ValueError:
        number = kind(-1)
    if not least <= number < float("inf"):
        meant = "number above 0" if kind is int else "number of seconds"
        raise ConfigError(f"{param.opts[-1]} {value} is not a {meant}: write for example {param.opts[-1]} 5")
    return number


def _seconds(_ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
    return _number(param, value, float, 0)


def _count(_ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
    return _number(param, value, int, 1)


def _unknown(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Unknown | None:
    return None if value is None else Unknown.parse(value)


def _recover(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Recover | None:
    return None if value is None else Recover.parse(value)


def _option(*names: str, help: str, **more: Any) -> Callable[[F], F]:
    return click.option(*names, help=help, **more)


def _seconds_option(name: str, help: str) -> Callable[[F], F]:
    return _option(name, metavar="SECONDS", callback=_seconds, help=help)


def _count_option(*names: str, help: str, metavar: str = "N") -> Callable[[F], F]:
    return _option(*names, metavar=metavar, callback=_count, help=help)


GROUPS: dict[str, tuple[Callable[[Any], Any], ...]] = {
    "Which jobs": (
        _option(
            "-q",
            "--queue",
            "--queues",
            multiple=True,
            metavar="LIST",
            help="Queues in order of preference, with commas: critical,'*','!slow'. Else QUEUES or QUEUE.",
        ),
        _option(
            "--unknown",
            metavar="POLICY",
            callback=_unknown,
            help="Jobs of classes that are not registered here: leave (default) them to others, fail them as "
            "Ruby does, or move them to a queue with park=QUEUE.",
        ),
        _seconds_option("--interval", "How long to sleep when there is no job. Else INTERVAL, else 5."),
    ),
    "How many at once": (
        _count_option(
            "-n", "--concurrency", help="Run N worker processes and keep them running. Else COUNT, else 1."
        ),
        _option(
            "-c",
            "--config",
            "--pool-file",
            "pool_file",
            metavar="FILE",
            help="Run the workers that this file lists, as resque-pool does: queue list, and how many "
            "workers. Else RESQUE_POOL_CONFIG, where no queue is named.",
        ),
        _count_option(
            "--async-concurrency",
            help="Run N jobs at a time on one event loop in each worker process. Only `async def` jobs are "
            "taken; others are left to other workers.",
        ),
    ),
    "One job": (
        _option(
            "--no-fork", is_flag=True, help="Run jobs in the worker's own process. Else FORK_PER_JOB=false."
        ),
        _count_option("--jobs-per-fork", metavar="K", help="Run K jobs, one after the other, in a process."),
        _seconds_option(
            "--timeout", "Raise JobTimeout in a job that takes longer and has no timeout of its own."
        ),
        _seconds_option("--timeout-grace", "Kill the job so long after that, if it has not ended. Else 5."),
        _option(
            "--failure-backend",
            type=click.Choice(["redis", "redis_multi_queue"]),
            help="Where failures go: one list, or one for each queue. Else FAILURE_BACKEND, else redis.",
        ),
    ),
    "When the worker leaves": (
        _option("--burst", is_flag=True, help="Work until nothing is left, then exit."),
        _count_option("--max-jobs", help="Leave after N jobs. A pool starts a new worker instead."),
        _seconds_option("--max-idle", "Leave after so long without a job."),
        _count_option(
            "--max-rss",
            metavar="MB",
            help="Leave, between jobs, when the worker has grown beyond this. A pool starts a new one.",
        ),
        _seconds_option(
            "--start-timeout",
            "Leave if Redis is not there, or not ready, for so long at the start. Else 60; 0 is at once.",
        ),
        _seconds_option(
            "--drain",
            "On TERM and INT, how long the job that runs may still take; then TermException is raised in it, "
            "and 5 seconds later it is killed. A second signal does it at once. Else 25. 0 is as in Ruby, as "
            "is each of TERM_CHILD, GRACEFUL_TERM, RESQUE_PRE_SHUTDOWN_TIMEOUT and RESQUE_TERM_TIMEOUT.",
        ),
        _option(
            "--requeue-on-shutdown",
            is_flag=True,
            help="Put a job that is ended because the worker leaves back on its queue instead of failing it.",
        ),
        _option(
            "--recover",
            metavar="POLICY",
            callback=_recover,
            help="The job of a dead pyresque worker: fail (default), or requeue it, at most 3 times or "
            "requeue=TIMES.",
        ),
    ),
    "What it tells": (
        _option(
            "--history/--no-history",
            default=None,
            help="Whether to count jobs by class and day, and how many all workers do, for `pyresque ledger` "
            "and the dashboard. Else yes.",
        ),
    ),
}
"""The options of `work` under the headings of its help."""


def work_options(command: F) -> F:
    """Give a command the options of all groups."""
    for group in reversed(GROUPS.values()):
        for option in reversed(group):
            command = option(command)
    return command


class GroupedCommand(ConfigurableCommand):
    """A command whose help has a heading for each group of options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under their headings."""
        shown: list[click.Parameter] = [
            param for param in self.get_params(ctx) if isinstance(param, click.Option)
        ]
        for title, group in GROUPS.items():
            self._section(formatter, ctx, title, shown[: len(group)])
            shown = shown[len(group) :]
        self._section(formatter, ctx, "Other options", shown)

    @staticmethod
    def _section(
        formatter: click.HelpFormatter, ctx: click.Context, title: str, params: Sequence[click.Parameter]
    ) -> None:
        with formatter.section(title):
            formatter.write_dl([record for param in params if (record := param.get_help_record(ctx))])
