"""`pyresque enqueue`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.common_options import Settings, common, pass_settings, style_option
from pyresque.cli.moments import LengthOfTime, MomentInTime
from pyresque.cli.named_job import NamedJob, NumbersAreNoOptions, active_job_option, argument
from pyresque.cli.output import ago, compact, moment, safe
from pyresque.cli.selecting import gathered
from pyresque.errors import WrongArguments

if TYPE_CHECKING:
    from pyresque import Resque
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


@dataclass(frozen=True)
class Asked(Due):
    """When, and what else is asked for beside the arguments (docs/tracking.md, docs/limits.md)."""

    track: bool
    at_front: bool
    ttl: timedelta | None
    unique: bool

    @property
    def options(self) -> dict[str, Any]:
        """The keywords of `enqueue` that say so."""
        given = {"track": self.track, "at_front": self.at_front, "ttl": self.ttl, "unique": self.unique}
        return {name: value for name, value in given.items() if value not in (None, False)}


_ASKED = {
    "track": click.option("--track", is_flag=True, help="Give it an id: see `pyresque status ID`."),
    "at_front": click.option("--at-front", is_flag=True, help="Before all others of its queue."),
    "ttl": click.option(
        "--ttl", metavar="TIME", type=LengthOfTime(), help="It expires after so long a wait: 90, 10m."
    ),
    "unique": click.option("--unique", is_flag=True, help="Not if an equal unique job waits already."),
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
@gathered("asked", Asked, {**_DUE, **_ASKED})
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
    asked: Asked,
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
    values, at = [argument(word) for word in args], asked.moment
    for note in _doubts(resque, job, values):
        click.echo(f"Note: {safe(note)}", err=True)
    try:
        enqueued = job.enqueue(resque, at, values, keywords, asked.options)
    except WrongArguments as error:
        raise click.ClickException(f"{safe(str(error))}{_advice(job, values)}") from None
    if enqueued is None:
        raise click.ClickException(
            f"not enqueued: a before_enqueue hook of {safe(class_name)} refused it, or it is unique and an "
            "equal job waits already"
        )
    what = f"{safe(job.name)} {safe(compact(job.wire(values, keywords)))}"
    if at is not None and at > time.time():
        click.echo(f"delayed {what} until {moment(at)} ({ago(at)}), for queue {safe(job.queue)}")
    else:
        click.echo(f"enqueued {what} on queue {safe(job.queue)}")
    if job_id := getattr(enqueued, "id", None):
        click.echo(f"its id: {job_id}  (pyresque status {job_id})")


def _doubts(resque: Resque, job: NamedJob, values: Sequence[Any]) -> Iterator[str]:
    """What looks like a slip, though it may be meant."""
    from pyresque.client.unknown_classes import close_names

    jobs = [] if job.job or job.wrapped else resque.registry.jobs()
    if near := close_names(job.name.removeprefix("::"), [known_job.name for known_job in jobs]):
        yield f"no job is named {job.name} here: did you mean {' or '.join(near)}?"
    known = {*resque.queues(), *(known_job.queue for known_job in resque.registry.jobs() if known_job.queue)}
    if job.queue not in known and (near := close_names(job.queue, sorted(known))):
        yield f"the queue {job.queue} is new: did you mean {' or '.join(near)}?"
    for name in _keyword_like(job, values):
        yield f"{name}=... is a text here; keyword arguments are given with --kwargs '{{\"{name}\": ...}}'"


def _keyword_like(job: NamedJob, values: Sequence[Any]) -> list[str]:
    """The parameters that somebody may have wanted to name, as in `copy=true`."""
    names = job.job.parameters.names if job.job else frozenset()
    heads = [value.partition("=")[0] for value in values if isinstance(value, str) and "=" in value]
    return [head for head in heads if head in names]


def _advice(job: NamedJob, values: Sequence[Any]) -> str:
    """What to do about arguments that do not fit."""
    if _keyword_like(job, values):
        return ""  # a note has said it
    return ". Each argument is read as JSON (5, true, null, '\"5\"'), else it is a text"
