"""`pyresque enqueue`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.common_options import Settings, common, pass_settings, style_option
from pyresque.cli.output import compact, safe
from pyresque.errors import NoQueueError
from pyresque.usercode.safely import cut

if TYPE_CHECKING:
    from pyresque.model.job_class import JobClass
    from pyresque.model.registry import Registry
    from pyresque.wire.encoding import Style

_NEGATIVE = re.compile(r"-\d[\d.eE+-]*")
_MARK = "\0"


class _NumbersAreNoOptions(click.Command):
    """A command for which -5 is an argument, and an unknown -x still an error."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        marked = [_MARK + word if _NEGATIVE.fullmatch(word) else word for word in args[:end]]
        return super().parse_args(ctx, marked + args[end:])


def _read(text: str) -> Any:
    """An argument: what it says as JSON, else the text itself."""
    from pyresque.errors import MalformedPayload
    from pyresque.wire.encoding import decode

    text = text.removeprefix(_MARK)
    try:
        return decode(text.encode("utf-8", "surrogateescape"))
    except MalformedPayload:
        return text


def _no_queue(registry: Registry, class_name: str) -> str:
    """What to say where nobody knows the queue of a job."""
    names = sorted(job.name for job in registry.jobs())
    if not names:
        return f"on which queue? write -q QUEUE, or -r MODULE with the module that has the job {class_name}"
    if class_name in names:
        return f"on which queue? {class_name} has none of its own: write -q QUEUE"
    known = cut(", ".join(names), 500)
    return f"no job is named {class_name} here, but {known}. For one of others write its queue: -q QUEUE"


def _active_job(registry: Registry, class_name: str) -> JobClass | None:
    """The Active Job of a class that `find` does not know, if there is one: it goes on its queue wrapped."""
    return next((job for job in registry.jobs() if job.name == class_name), None)


@click.command(cls=_NumbersAreNoOptions)
@click.option("-q", "--queue", metavar="QUEUE", help="The queue; a job that -r imports may have its own.")
@click.argument("class_name", metavar="CLASS")
@click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
@style_option
@common
@pass_settings
def enqueue(
    settings: Settings, queue: str | None, class_name: str, args: tuple[str, ...], json_style: Style
) -> None:
    """Put a job on a queue, for a worker of either language.

    Each argument is JSON (42, true, '{"a": [1]}', '"42"'), else text.

    Example:  pyresque enqueue -q reports Reports::Monthly 2026 11
    """
    resque = settings.connected(json_style)
    job = resque.registry.find(class_name)
    wrapped = _active_job(resque.registry, class_name) if job is None else None
    known = job or wrapped
    values = [_read(word) for word in args]
    queue = queue if queue is not None else known.queue if known else None
    if not queue:
        raise NoQueueError(_no_queue(resque.registry, class_name))
    done: object
    if wrapped is not None:
        from pyresque.active_job import prepare

        done = prepare(wrapped.target, *values).set(queue=queue).enqueue(resque)
    else:
        done = resque.enqueue_to(queue, job.target if job else class_name, *values)
    if done is None:
        raise click.ClickException(f"not enqueued: a before_enqueue hook of {safe(class_name)} refused it")
    click.echo(f"enqueued {safe(class_name)} {safe(compact(values))} on queue {safe(queue)}")
