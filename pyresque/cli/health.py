"""`pyresque health` and `top`."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from pyresque.cli.common_options import Settings, common, json_option, pass_settings
from pyresque.cli.configurable import ConfigurableCommand
from pyresque.cli.json_output import json_line
from pyresque.cli.moments import LengthOfTime
from pyresque.cli.output import echo, is_terminal, tinted
from pyresque.cli.schedule_file import entries_of, schedule_file_option, scheduler_options
from pyresque.errors import RedisError

if TYPE_CHECKING:
    from pyresque import Resque
    from pyresque.client.health import Health

_MAX_AGE = click.option(
    "--max-age",
    type=LengthOfTime(),
    metavar="TIME",
    help="A job that waits longer needs a person. Without it jobs may wait as long as they do.",
)


_MAX_RUN = click.option(
    "--max-run",
    type=LengthOfTime(),
    metavar="TIME",
    default="1h",
    show_default=True,
    help="A worker that is longer at one job needs a person.",
)


@click.command(cls=ConfigurableCommand)
@_MAX_AGE
@_MAX_RUN
@schedule_file_option
@json_option
@common
@pass_settings
def health(
    settings: Settings, max_age: timedelta | None, max_run: timedelta, file: str | None, as_json: bool
) -> None:
    """Show on one screen how everything is. The exit code is 1 if something needs a person.

    Queues and how long their jobs have waited, failures, delayed jobs, the schedule, schedulers, workers,
    paused queues, what was put aside, classes that nobody here knows (-r), and the memory of Redis.
    """
    resque = settings.reading(jobs=True)
    seen = _look(settings, resque, max_age, max_run, file)
    if as_json:
        json_line(seen.as_dict())
    else:
        _show(settings, resque, seen)
    click.get_current_context().exit(0 if seen.ok else 1)


@click.command(cls=ConfigurableCommand)
@click.option(
    "-i",
    "--interval",
    type=LengthOfTime(),
    metavar="TIME",
    default="1",
    show_default=True,
    help="How long to wait between two looks.",
)
@_MAX_AGE
@_MAX_RUN
@schedule_file_option
@common
@pass_settings
def top(
    settings: Settings, interval: timedelta, max_age: timedelta | None, max_run: timedelta, file: str | None
) -> None:
    """Show what `health` shows, live. `q` or Ctrl-C ends it; without a terminal it is printed once."""
    from pyresque.cli.live_screen import LiveScreen

    resque = settings.reading(jobs=True)
    if not is_terminal(sys.stdout):
        seen = _look(settings, resque, max_age, max_run, file)
        _show(settings, resque, seen)
        click.get_current_context().exit(0 if seen.ok else 1)

    def draw() -> None:
        echo(f"pyresque top  {resque.link.address}  {time.strftime('%H:%M:%S')}  q ends it")
        click.echo()
        try:
            _show(settings, resque, _look(settings, resque, max_age, max_run, file))
        except RedisError as error:  # it may come back
            echo(tinted(error, "red"))

    LiveScreen().show(draw, interval.total_seconds())


def _look(
    settings: Settings, resque: Resque, max_age: timedelta | None, max_run: timedelta, file: str | None
) -> Health:
    return resque.health(
        options=scheduler_options(settings),
        file=entries_of(settings, file),
        max_age=None if max_age is None else max_age.total_seconds(),
        max_run=max_run.total_seconds(),
    )


def _show(settings: Settings, resque: Resque, seen: Health) -> None:
    from pyresque.cli.health_text import show

    show(seen, knows_jobs=bool(resque.registry.jobs()), given=settings.given)
