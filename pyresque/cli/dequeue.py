"""`pyresque dequeue`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.common_options import Settings, common, pass_settings
from pyresque.cli.confirm import confirmed, dry_run_option, yes_option
from pyresque.cli.named_job import NamedJob, NumbersAreNoOptions, active_job_option, argument
from pyresque.cli.output import compact, counted, safe

if TYPE_CHECKING:
    from pyresque import Resque
    from pyresque.client.queued_jobs import QueuedJob

_NOTES = ("_aj_symbol_keys", "_aj_ruby2_keywords", "_aj_hash_with_indifferent_access")
"""What Active Job notes about the keys of a hash."""


@click.command(cls=NumbersAreNoOptions)
@click.option("-q", "--queue", metavar="QUEUE", help="The queue; a job that -r imports may have its own.")
@active_job_option
@yes_option
@dry_run_option
@click.argument("class_name", metavar="CLASS")
@click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
@common
@pass_settings
def dequeue(
    settings: Settings,
    queue: str | None,
    active_job: bool,
    yes: bool,
    dry_run: bool,
    class_name: str,
    args: tuple[str, ...],
) -> None:
    """Remove jobs of a class from a queue. With ARGS only those with just these arguments.

    Arguments are written as for `enqueue`. What is delayed stays: `pyresque delayed remove`.
    """
    resque = settings.connected()
    job = NamedJob.find(resque.registry, class_name, queue, active_job)
    values = [argument(word) for word in args]
    ids = waiting(resque, job, values)
    where = f"of queue {job.queue}"
    named = f"{job.name} {compact(values)}" if values else job.name
    if not ids:
        click.echo(f"no job {safe(named)} waits on queue {safe(job.queue)}")
    elif confirmed(f"remove {counted(len(ids), 'job')} {named} {where}", yes=yes, dry_run=dry_run):
        removed = removed_from(resque, job, ids, values)
        if removed is None:
            raise click.ClickException(f"not removed: a before_dequeue hook of {safe(class_name)} refused it")
        click.echo(f"removed {counted(removed, 'job')} {safe(where)}")


def waiting(resque: Resque, job: NamedJob, values: Sequence[Any]) -> list[str]:
    """The IDs of those that wait on the queue: with just these arguments, if any are given."""
    return [queued.id for queued in resque.jobs(job.queue).select() if _is_meant(queued, job, values)]


def removed_from(resque: Resque, job: NamedJob, ids: Sequence[str], values: Sequence[Any]) -> int | None:
    """Remove them, with the hooks that the job has here; None if a hook refused it."""
    if job.wrapped:
        return resque.jobs(job.queue).select(ids=set(ids)).remove().done
    return resque.dequeue(job.job.target if job.job else job.name, *values, queue=job.queue)


def _is_meant(queued: QueuedJob, job: NamedJob, values: Sequence[Any]) -> bool:
    from pyresque.wire.encoding import same
    from pyresque.wire.records import Payload, is_wrapper

    if queued.payload is None:
        return False
    payload = Payload(queued.raw, queued.payload)
    if is_wrapper(payload.class_name) != job.wrapped:
        return False
    if queued.class_name.removeprefix("::") != job.name.removeprefix("::"):
        return False
    args = _without_notes(queued.args) if job.wrapped else payload.args
    return not values or same(args, list(values))


def _without_notes(value: Any) -> Any:
    """Arguments as they were typed: without what Active Job notes about the keys of hashes."""
    if isinstance(value, list):
        return [_without_notes(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_notes(item) for key, item in value.items() if key not in _NOTES}
    return value
