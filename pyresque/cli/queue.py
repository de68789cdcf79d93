"""`pyresque queue`, and its older name `queues`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.common_options import Settings, common, json_option, pass_settings
from pyresque.cli.confirm import confirmed, dry_run_option, yes_option
from pyresque.cli.json_output import job_document, json_line
from pyresque.cli.output import compact, counted, echo, of_classes, safe, span, table, tinted
from pyresque.cli.progress import Progress
from pyresque.cli.selecting import Page, Wanted, job_choice, job_filters, paged

if TYPE_CHECKING:
    from pyresque import Resque
    from pyresque.client.queued_jobs import JobSelection, QueuedJob


@click.group(invoke_without_command=True)
@json_option
@common
@pass_settings
@click.pass_context
def queue(ctx: click.Context, settings: Settings, as_json: bool) -> None:
    """Look at queues and their jobs; move, remove, empty, pause."""
    if ctx.invoked_subcommand is None:
        _list(settings.reading(), as_json)


@queue.command("list")
@json_option
@common
@pass_settings
def list_(settings: Settings, as_json: bool) -> None:
    """List the queues. How many jobs wait in each, since when, and whether it is paused."""
    _list(settings.reading(), as_json)


@click.command()
@json_option
@common
@pass_settings
def queues(settings: Settings, as_json: bool) -> None:
    """List the queues (as `pyresque queue list` does)."""
    _list(settings.reading(), as_json)


@queue.command()
@click.argument("name", metavar="QUEUE")
@job_filters
@paged("next")
@json_option
@common
@pass_settings
def show(settings: Settings, name: str, wanted: Wanted, page: Page, as_json: bool) -> None:
    """Show the jobs of a QUEUE, the next one first. Above them: how many there are of each class."""
    resque = settings.reading()
    jobs = resque.jobs(name).select(**wanted.filters)
    shown = jobs if page.is_whole(as_json) else jobs.page(page.number or 1, page.size)
    if as_json:
        for job in shown:
            json_line(_document(job))
        return
    if resque.paused().holds(name):
        echo(tinted(f"queue {name} is paused", "yellow"))
    kinds = _kinds(jobs)
    total = sum(kinds.values())
    if not total:
        click.echo(f"queue {safe(name)} has no jobs" + ("" if wanted.is_open else " like that"))
        return
    click.echo(of_classes("job", kinds))
    rows = [(job.index, job.id[:8], *_cells(job)) for job in shown]
    table(("#", "ID", "CLASS", "ARGS"), rows, numbers=("#",))
    if len(rows) < total and not page.is_whole(as_json):
        which = f"{page.first + 1} to {page.first + len(rows)}" if rows else "none"
        click.echo(f"{which} of {total}; --page goes on, --limit 0 lists all", err=True)


@queue.command()
@click.argument("names", metavar="QUEUE...", nargs=-1, required=True)
@yes_option
@dry_run_option
@common
@pass_settings
def empty(settings: Settings, names: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """Remove all jobs of queues. The queues stay known."""
    resque = settings.connected()
    for name in names:
        kinds = _kinds(resque.jobs(name))
        if not kinds:
            click.echo(f"queue {safe(name)} has no jobs")
        elif confirmed(f"remove {of_classes('job', kinds)} from queue {name}", yes=yes, dry_run=dry_run):
            click.echo(f"removed {counted(resque.empty(name), 'job')} from queue {safe(name)}")


@queue.command("remove-job")
@click.argument("name", metavar="QUEUE")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@job_choice
@yes_option
@dry_run_option
@common
@pass_settings
def remove_job(
    settings: Settings, name: str, ids: tuple[str, ...], wanted: Wanted, yes: bool, dry_run: bool
) -> None:
    """Remove jobs from a QUEUE. By ID (as `queue show` prints it), by filters, or --all."""
    jobs = settings.connected().jobs(name).select(**wanted.with_ids(ids))
    kinds = _kinds(jobs)
    if not kinds:
        _none_is_like_that(name, ids)
    elif confirmed(f"remove {of_classes('job', kinds)} from queue {name}", yes=yes, dry_run=dry_run):
        with Progress("removing", "jobs", sum(kinds.values())) as told:
            done = jobs.remove(progress=told).done
        click.echo(f"removed {counted(done, 'job')} from queue {safe(name)}")


@queue.command()
@click.argument("name", metavar="QUEUE")
@click.argument("target", metavar="[TO]", required=False)
@click.option("--front", is_flag=True, help="To the front of QUEUE itself: they are next.")
@click.option("--id", "ids", metavar="ID", multiple=True, help="This job, as `queue show` prints it.")
@job_choice
@yes_option
@dry_run_option
@common
@pass_settings
def move(
    settings: Settings,
    name: str,
    target: str | None,
    front: bool,
    ids: tuple[str, ...],
    wanted: Wanted,
    yes: bool,
    dry_run: bool,
) -> None:
    """Move jobs of a QUEUE to another, or to its own front.

    Which ones is said by --id, by filters, or --all."""
    if (target is None) != front:
        raise click.UsageError("say where: to another queue, or --front")
    jobs = settings.connected().jobs(name).select(**wanted.with_ids(ids))
    kinds = _kinds(jobs)
    where = f"to queue {target}" if target is not None else "to the front"
    if not kinds:
        _none_is_like_that(name, ids)
    elif confirmed(f"move {of_classes('job', kinds)} of queue {name} {where}", yes=yes, dry_run=dry_run):
        with Progress("moving", "jobs", sum(kinds.values())) as told:
            result = jobs.to_front(progress=told) if target is None else jobs.move_to(target, progress=told)
        click.echo(f"moved {counted(result.done, 'job')} of queue {safe(name)} {safe(where)}")


@queue.command()
@click.argument("names", metavar="[QUEUE]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All queues, those to come too.")
@common
@pass_settings
def pause(settings: Settings, names: tuple[str, ...], everything: bool) -> None:
    """Let no worker take jobs from queues, until `queue resume`. Jobs that run now go on."""
    _check(names, everything)
    resque = settings.connected()
    for name in names:
        known = resque.pause(name)
        click.echo(f"paused queue {safe(name)}{'' if known else ': no job was ever put on it'}")
    if everything:
        resque.pause_all()
        click.echo("paused all queues")


@queue.command()
@click.argument("names", metavar="[QUEUE]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="End the pause of all queues.")
@common
@pass_settings
def resume(settings: Settings, names: tuple[str, ...], everything: bool) -> None:
    """End the pause of queues. A queue that was paused by its name, and as all were, needs both."""
    _check(names, everything)
    resque = settings.connected()
    for name in names:
        done = resque.resume(name)
        click.echo(f"resumed queue {safe(name)}" if done else f"queue {safe(name)} was not paused")
    if everything:
        resque.resume_all()
        click.echo("resumed all queues")
    left = resque.paused()
    if left.all or left.workers:
        click.echo("all queues are still paused: `pyresque queue resume --all`", err=True)
    elif everything and left.queues:
        click.echo(f"paused by themselves are still: {safe(', '.join(left.queues))}", err=True)


def _list(resque: Resque, as_json: bool) -> None:
    from pyresque.client.queued_jobs import oldest_ages

    paused, sizes = resque.paused(), resque.queue_sizes()
    ages = oldest_ages(resque.space, [*sizes])
    rows = [(name, size, ages.get(name), paused.holds(name)) for name, size in sizes.items()]
    if as_json:
        for name, size, age, held in rows:
            json_line({"queue": name, "size": size, "oldest_age": age, "paused": held})
        return
    if paused.all or paused.workers:
        echo(tinted("all queues are paused", "yellow"))
    elif unknown := sorted(set(paused.queues) - {name for name, *_ in rows}):
        echo(tinted(f"paused, without a job until now: {', '.join(unknown)}", "yellow"))
    if not rows:
        click.echo("no queues")
        return
    shown = (
        (name, size, "" if age is None else span(age), tinted("paused", "yellow") if held else "")
        for name, size, age, held in rows
    )
    table(("QUEUE", "JOBS", "OLDEST", ""), shown, whole=("QUEUE",), numbers=("JOBS", "OLDEST"))


def _kinds(jobs: JobSelection) -> dict[str, int]:
    with Progress("reading", "jobs") as told:
        return jobs.by_class(progress=told)


def _none_is_like_that(name: str, ids: Sequence[str]) -> None:
    if ids:
        raise click.ClickException(
            f"no job of queue {safe(name)} has such an ID; `pyresque queue show {safe(name)}` lists them"
        )
    click.echo(f"queue {safe(name)} has no jobs like that")


def _cells(job: QueuedJob) -> tuple[str, str]:
    if job.payload is None:
        return "(no job)", job.raw.decode("utf-8", "backslashreplace")
    return job.class_name or "(no class)", compact(job.args)


def _document(job: QueuedJob) -> dict[str, Any]:
    text = None if job.payload is not None else job.raw.decode("utf-8", "backslashreplace")
    return {"id": job.id, "queue": job.queue, "index": job.index, **job_document(job.payload), "text": text}


def _check(names: Sequence[str], everything: bool) -> None:
    if bool(names) == everything:
        raise click.UsageError("say which: one or more queues, or --all")
