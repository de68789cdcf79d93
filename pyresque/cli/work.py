"""`pyresque work`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.options import Settings, common, pass_settings, style_option
from pyresque.config import Unknown, WorkerOptions, split_queues
from pyresque.errors import ConfigError

if TYPE_CHECKING:
    from pyresque.client import Resque
    from pyresque.wire.encoding import Style

logger = logging.getLogger("pyresque.cli")

_EXAMPLES = "for example -q critical,default, or -q '*' for all"


def _seconds(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ConfigError(f"--interval {value} is no number of seconds: write for example --interval 5")
    return seconds


def _unknown(ctx: click.Context, param: click.Parameter, value: str | None) -> Unknown | None:
    return None if value is None else Unknown.parse(value)


def _no_words(ctx: click.Context, param: click.Parameter, words: tuple[str, ...]) -> None:
    if not words:
        return
    shown = " ".join(words[:3]) + (" ..." if len(words) > 3 else "")
    raise ConfigError(
        f"unexpected words after the options ({shown}): did the shell expand *? write -q '*' "
        "(several queues are written with commas: -q high,low)"
    )


@dataclass(frozen=True)
class Flags:
    """The options of `work`, as given."""

    queue: tuple[str, ...]
    interval: float | None
    burst: bool
    unknown: Unknown | None
    no_fork: bool
    concurrency: int | None
    failure_backend: str | None
    json_style: Style
    verbose: int
    pidfile: str | None

    def queues(self, settings: Settings) -> list[str]:
        """The queue list, from the options, else from QUEUES or QUEUE.

        Raises:
            ConfigError: it names no queue.
        """
        if self.queue:
            names = [name for text in self.queue for name in split_queues(text)]
        elif settings.config.queues is None:
            raise ConfigError(f"which queues? name them with -q (or QUEUE=...): {_EXAMPLES}")
        else:
            names = list(settings.config.queues)
        if not any(name and not name.startswith("!") for name in names):
            given = ",".join(names)
            raise ConfigError(f"the queue list {given!r} names no queue to work on: write {_EXAMPLES}")
        return names

    def options(self, settings: Settings) -> WorkerOptions:
        """How the worker is to work: the options over what the environment says."""
        options = settings.config.worker
        if self.burst:
            # 0 is "leave when idle" only if nothing says how long to wait at most.
            polling = replace(options.polling, interval=0.0, max_interval=None, min_interval=None)
            options = replace(options, polling=polling)
        else:
            options = options.with_interval(self.interval)
        if self.no_fork:
            options = replace(options, fork_per_job=False)
        return options if self.unknown is None else replace(options, unknown=self.unknown)


@click.command()
@click.argument("words", nargs=-1, type=click.UNPROCESSED, expose_value=False, callback=_no_words, metavar="")
@click.option(
    "-q",
    "--queue",
    "--queues",
    multiple=True,
    metavar="LIST",
    help="Queues in order of preference, with commas: critical,'*','!slow'. Else QUEUES or QUEUE.",
)
@click.option(
    "--interval",
    metavar="SECONDS",
    callback=_seconds,
    help="How long to sleep when there is no job. Else INTERVAL, else 5.",
)
@click.option("--burst", is_flag=True, help="Work until nothing is left, then exit.")
@click.option(
    "--unknown",
    metavar="POLICY",
    callback=_unknown,
    help="Jobs of classes that are not registered here: leave (default) them to others, fail them as Ruby "
    "does, or move them to a queue with park=QUEUE.",
)
@click.option(
    "--no-fork", is_flag=True, help="Run jobs in the worker's own process. Else FORK_PER_JOB=false."
)
@click.option(
    "-c",
    "--concurrency",
    type=click.IntRange(1),
    metavar="N",
    help="Run N worker processes. Else COUNT, else 1.",
)
@click.option(
    "--failure-backend",
    type=click.Choice(["redis", "redis_multi_queue"]),
    help="Where failures go: one list, or one for each queue. Else FAILURE_BACKEND, else redis.",
)
@style_option
@click.option("-v", "--verbose", count=True, help="Say what is done (VERBOSE); -vv for more (VVERBOSE).")
@click.option("--pidfile", metavar="FILE", help="Write the process id to this file. Else PIDFILE.")
@common
@pass_settings
def work(settings: Settings, /, **flags: Any) -> None:
    """Work on jobs.

    Ruby's environment variables mean what they mean there: QUEUE, INTERVAL, COUNT, TERM_CHILD, BACKGROUND
    and so on. TERM ends the job and the worker, QUIT lets the job finish first, USR2 pauses, CONT goes on.
    """
    click.get_current_context().exit(run(settings, Flags(**flags)))


def run(settings: Settings, flags: Flags) -> int:
    """Run the worker, or several, until they leave; returns the exit status."""
    from pyresque.cli.logs import set_up

    config = settings.config
    queues, options = flags.queues(settings), flags.options(settings)
    resque = settings.resque(flags.failure_backend, flags.json_style)
    set_up(max(config.verbosity, flags.verbose))
    settings.import_jobs()
    _check(resque, options)
    if config.background:
        from pyresque.cli.daemon import go_to_background

        go_to_background()
    if flags.pidfile or config.pidfile:
        from pyresque.cli.daemon import write_pidfile

        write_pidfile(flags.pidfile or config.pidfile or "")
    return _run(flags.concurrency or config.count or 1, lambda: _work(resque, queues, options))


def _check(resque: Resque, options: WorkerOptions) -> None:
    from pyresque.store.server import check

    for warning in check(resque.link):
        logger.warning("%s", warning)
    resque.close()  # no connection goes through a fork
    if not resque.registry.names() and options.unknown.policy == "leave":
        logger.warning(
            "no job is registered, so none will be taken: import your jobs with -r, as in -r app.jobs"
        )


def _work(resque: Resque, queues: list[str], options: WorkerOptions) -> int:
    from pyresque.worker import Worker

    Worker(resque, queues, options).work()
    return 0


def _run(count: int, start: Callable[[], int]) -> int:
    if count == 1:
        return start()
    from pyresque.worker.pool import run_pool

    return run_pool(count, start)
