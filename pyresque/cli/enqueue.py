"""`pyresque enqueue`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.common_options import Settings, common, pass_settings, style_option
from pyresque.cli.moments import LengthOfTime, MomentInTime
from pyresque.cli.named_job import NamedJob, NumbersAreNoOptions, active_job_option, argument
from pyresque.cli.output import ago, compact, moment, safe
from pyresque.cli.selecting import gathered

if TYPE_CHECKING:
    from pyresque.wire.encoding import Style


@dataclass(frozen=True)
class Due:
    """When a job is to be put on its queue; now where nothing was said."""

    wait: timedelta | None
    at: float | None

    def __post_init__(self) -> None:
        if self.wait is not None and self.at is not None:
            raise click.UsageError("--in and --at contradict each other")

    @property
    def moment(self) -> float | None:
        """The moment, in seconds since the epoch; None for now."""
        return self.at if self.wait is None else time.time() + self.wait.total_seconds()


_DUE = {
    "wait": click.option("--in", "wait", metavar="TIME", type=LengthOfTime(), help="So much later: 90, 10m."),
    "at": click.option(
        "--at", "at", metavar="TIME", type=MomentInTime(), help="At this moment: 17:45, 2026-11-30 17:45."
    ),
}


def _keywords(ctx: click.Context, param: click.Parameter, text: str | None) -> Mapping[str, Any]:
    """The value of `--kwargs`."""
    if text is None:
        return {}
    value = argument(text)
    if not isinstance(value, dict):
        raise click.BadParameter('it is not a JSON object such as \'{"format": "webp"}\'', ctx, param)
    return value


@click.command(cls=NumbersAreNoOptions)
@click.option("-q", "--queue", metavar="QUEUE", help="The queue; a job that -r imports may have its own.")
@click.option(
    "--kwargs", "keywords", metavar="JSON", callback=_keywords, help="Keyword arguments, as a JSON object."
)
@gathered("due", Due, _DUE)
@active_job_option
@click.argument("class_name", metavar="CLASS")
@click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
@style_option
@common
@pass_settings
def enqueue(
    settings: Settings,
    queue: str | None,
    keywords: Mapping[str, Any],
    due: Due,
    active_job: bool,
    class_name: str,
    args: tuple[str, ...],
    json_style: Style,
) -> None:
    """Put a job on a queue, for a worker of either language. With --in or --at it goes there later.

    Each argument is JSON (42, true, '{"a": [1]}', '"42"'), else text.

    Example:  pyresque enqueue -q reports Reports::Monthly 2026 11
    """
    resque = settings.connected(json_style)
    job = NamedJob.find(resque.registry, class_name, queue, active_job)
    values, at = [argument(word) for word in args], due.moment
    if job.enqueue(resque, at, values, keywords) is None:
        raise click.ClickException(
            f"not enqueued: a before_enqueue hook of {safe(class_name)} refused it, or it is unique and an "
            "equal job waits already"
        )
    what = f"{safe(job.name)} {safe(compact(_all(values, keywords)))}"
    if at is not None and at > time.time():
        click.echo(f"delayed {what} until {moment(at)} ({ago(at)}), for queue {safe(job.queue)}")
    else:
        click.echo(f"enqueued {what} on queue {safe(job.queue)}")


def _all(values: Sequence[Any], keywords: Mapping[str, Any]) -> list[Any]:
    return [*values, *([dict(keywords)] if keywords else [])]
