"""`pyresque scheduler`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.common_options import Settings, common, pass_settings, style_option
from pyresque.cli.configurable import ConfigurableGroup
from pyresque.cli.folders import absolute
from pyresque.cli.log_options import log_options
from pyresque.cli.scheduler_status import release, status
from pyresque.errors import ConfigError
from pyresque.log import Log

if TYPE_CHECKING:
    from pyresque.config.options import SchedulerOptions

logger = Log("pyresque.cli")


class _Seconds(click.FloatRange):
    """A number of seconds that a clock can wait for; click's own type lets NaN and infinity through."""

    def __init__(self, min_open: bool = True) -> None:
        super().__init__(0, 1e9, min_open=min_open)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; a usage error where it is none."""
        number = super().convert(value, param, ctx)
        return self.fail(f"{value} is not a number.", param, ctx) if number != number else number


@dataclass(frozen=True)
class _Flags:
    schedule: str | None
    catch_up: str | None
    interval: float | None
    lock_timeout: float | None
    environment: str | None
    app_name: str | None
    batch: int | None
    start_timeout: float | None
    json_style: Any
    verbose: int
    quiet: bool
    log_level: str | None
    log_format: str | None
    log_file: str | None
    pidfile: str | None

    def options(self, settings: Settings) -> SchedulerOptions:
        """What the flags say, over what the environment says."""
        named = ("catch_up", "interval", "lock_timeout", "environment", "app_name", "batch", "start_timeout")
        flags = {name: getattr(self, name) for name in named if getattr(self, name) is not None}
        return replace(settings.config.scheduler, **flags)


@click.group(cls=ConfigurableGroup, invoke_without_command=True)
@click.option(
    "--schedule", metavar="FILE", help="A schedule in resque-scheduler's YAML. USR2 reads it again."
)
@click.option(
    "--catch-up",
    type=click.Choice(["none", "last", "all"]),
    help="Runs that were missed while no scheduler ran: let them go (none, as Ruby does), make up for the "
    "last, or for all. An entry may say so itself (catch_up).",
)
@click.option(
    "-i",
    "--interval",
    type=_Seconds(),
    metavar="SECONDS",
    help="How often to look where Redis does not wake us. Else RESQUE_SCHEDULER_INTERVAL, else 5.",
)
@click.option(
    "--lock-timeout",
    type=_Seconds(),
    metavar="SECONDS",
    help="How long a dead scheduler stays master. Else LOCK_TIMEOUT, else 180, as Ruby.",
)
@click.option("-E", "--environment", metavar="NAME", help="Which entries with rails_env run. Else RAILS_ENV.")
@click.option("-n", "--app-name", metavar="NAME", help="Shown in the process title. Else APP_NAME.")
@click.option(
    "--delayed-requeue-batch-size",
    "batch",
    type=click.IntRange(1),
    metavar="N",
    help="Delayed jobs moved in one step. Else DELAYED_REQUEUE_BATCH_SIZE, else 100.",
)
@click.option(
    "--start-timeout",
    type=_Seconds(min_open=False),
    metavar="SECONDS",
    help="Leave if Redis is not there, or not ready, for so long at the start. Else 60; 0 is at once.",
)
@click.option(
    "-D",
    "--dynamic",
    is_flag=True,
    expose_value=False,
    help="Accepted as in Ruby; schedulers of pyresque always follow changes.",
)
@style_option
@click.option("-v", "--verbose", count=True, help="Say more (VERBOSE).")
@click.option("-q", "--quiet", is_flag=True, help="Only warnings and errors (QUIET).")
@log_options("info", rubys=True)
@click.option("-P", "--pidfile", metavar="FILE", help="Write the process id to this file. Else PIDFILE.")
@common
@pass_settings
@click.pass_context
def scheduler(ctx: click.Context, settings: Settings, /, **flags: Any) -> None:
    """Move delayed jobs to their queues when due, fire the schedule.

    Any number may run, of either language: one of them is master. TERM gives the lock back, USR1 prints the
    schedule, USR2 reads it again. -r imports your jobs; without it their hooks do not run, and entries
    need a queue.
    """
    if ctx.invoked_subcommand is None:
        run(settings, _Flags(**flags))


scheduler.add_command(status)
scheduler.add_command(release)


def run(settings: Settings, flags: _Flags) -> None:
    """Run the scheduler until it is told to stop."""
    from pyresque.cli.daemon import go_to_background, write_pidfile
    from pyresque.cli.log_format import heard, restore, set_up
    from pyresque.scheduler import Scheduler
    from pyresque.store.connection.server import wait_for

    config = settings.config
    options = config.scheduler
    is_quiet = flags.quiet or options.quiet
    set_up(
        0 if is_quiet else max(config.verbosity, flags.verbose),
        flags.log_file or options.logfile,
        flags.log_format or options.logformat,
        flags.log_level,
        default="warning" if is_quiet else "info",
    )
    path = None if flags.schedule is None else str(absolute(Path(flags.schedule)))
    resque = settings.resque(json_style=flags.json_style)
    settings.import_jobs()
    restore()
    chosen = flags.options(settings)
    with heard():
        for warning in wait_for(resque.link, chosen.start_timeout):
            logger.warning("%s", warning)
    resque.close()
    if config.background:
        go_to_background()
    loop = Scheduler(resque, chosen, schedule_file=path)
    pidfile = flags.pidfile or config.pidfile
    if pidfile:
        write_pidfile(pidfile)
    try:
        loop.run()
    finally:
        if pidfile:
            _remove(pidfile)


def _remove(pidfile: str) -> None:
    try:
        Path(pidfile).unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot remove the pidfile {pidfile}: {error.strerror}") from None
