"""`pyresque scheduler status` and `release`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.common_options import Settings, common, json_option, pass_settings
from pyresque.cli.confirm import confirmed, dry_run_option, yes_option
from pyresque.cli.json_output import json_line, timestamp
from pyresque.cli.output import ago, counted, moment, pairs, safe, short, span
from pyresque.cli.schedule_file import entries_of, schedule_file_option, scheduler_options

if TYPE_CHECKING:
    from pyresque.client.scheduler_status import MasterSeen, SchedulerStatus


@click.command()
@schedule_file_option
@json_option
@common
@pass_settings
def status(settings: Settings, file: str | None, as_json: bool) -> None:
    """Show who is master and what is due or overdue.

    That is: whether the master lives, who stands by, what is due next, and what is overdue.
    """
    from pyresque.client.scheduler_status import look

    seen = look(settings.reading(jobs=True), scheduler_options(settings), entries_of(settings, file))
    if as_json:
        json_line(_document(seen))
    else:
        pairs(_lines(seen))


@click.command()
@click.option("--force", is_flag=True, help="Also while the master lives. It is master again soon.")
@yes_option
@dry_run_option
@common
@pass_settings
def release(settings: Settings, force: bool, yes: bool, dry_run: bool) -> None:
    """Free the lock of a dead master. Another scheduler goes on at once.

    Without this it goes on when the lock expires. A master that is seen to live is left alone.
    """
    from pyresque.client.scheduler_status import look
    from pyresque.store.master import free

    options, resque = scheduler_options(settings), settings.reading()
    master = look(resque, options).master
    if master is None:
        click.echo("no scheduler is master: there is nothing to release")
        return
    if master.alive and not force:
        raise click.ClickException(
            f"the master {safe(master.value)} lives: {safe(master.why)}. Stop it, and it gives the lock back "
            "by itself; --force frees it all the same"
        )
    if not confirmed(f"free the master lock of {_named(master)}, {_which(master)}", yes=yes, dry_run=dry_run):
        return
    if not free(resque.space, resque.space.keys.master_lock(options.lock_prefix), master.value):
        raise click.ClickException("the lock has changed meanwhile, so it was left alone")
    click.echo(f"released the lock of {safe(master.value)}")


def _lines(seen: SchedulerStatus) -> list[tuple[str, object]]:
    master, now = seen.master, seen.now
    if master is None:
        lines: list[tuple[str, object]] = [("master", "none: delayed jobs and the schedule wait")]
    else:
        began = "" if master.since is None else f", since {moment(master.since)} ({ago(master.since, now)})"
        lines = [("master", f"{_named(master)}{began}"), ("alive", _life(master)), ("lock", _lock(master))]
    others = seen.standing_by
    unknown = "cannot be told: Redis does not say who is connected"
    lines.append(
        ("standing by", unknown if others is None else ", ".join(others) or "none that is connected")
    )
    here = seen.here
    named = None if here is None else [f"{process.pid} {process.title}" for process in here]
    lines += _several("processes here", ["cannot be told"] if named is None else named or ["none"])
    lines += [("next job", _next_job(seen)), ("next entry", _next_entry(seen))]
    lines.append(("behind", span(seen.behind) if seen.behind else "no: nothing is overdue"))
    lines += _several(
        "refused",
        [f"{short(entry.name, 100)}: {short(entry.refused, 300)}" for entry in seen.refused] or ["no entry"],
    )
    return lines


def _several(name: str, texts: list[str]) -> list[tuple[str, object]]:
    return [(name if n == 0 else "", text) for n, text in enumerate(texts)]


def _named(master: MasterSeen) -> str:
    language = {"python": "Python", "ruby": "Ruby", None: "not the lock of a scheduler"}[master.language]
    return f"{safe(master.value)} ({language})"


def _life(master: MasterSeen) -> str:
    answer = {True: "yes", False: "no", None: "nobody can tell from here"}[master.alive]
    return f"{answer}: {master.why}"


def _which(master: MasterSeen) -> str:
    doubt = "of which nobody can tell from here whether it lives"
    life = {True: "which lives", False: "which is dead", None: doubt}[master.alive]
    return f"{life}: {master.why}"


def _lock(master: MasterSeen) -> str:
    renewed = "" if master.renewed_ago is None else f"renewed {span(master.renewed_ago)} ago, "
    if master.expires_in is None:
        return f"{renewed}never expires: nobody else will become master until it is released"
    return f"{renewed}expires in {span(master.expires_in)} if it is not renewed"


def _next_job(seen: SchedulerStatus) -> str:
    due = seen.next_delayed
    if due is None:
        return "no delayed jobs"
    return f"{counted(due.jobs, 'job')} at {moment(due.at)} ({ago(due.at, seen.now)})"


def _next_entry(seen: SchedulerStatus) -> str:
    entry = seen.next_entry
    if entry is None or entry.next is None:
        return "none"
    return f"{entry.name} at {moment(entry.next)} ({ago(entry.next, seen.now)})"


def _document(seen: SchedulerStatus) -> dict[str, Any]:
    due, entry = seen.next_delayed, seen.next_entry
    here = seen.here
    return {
        "master": None if seen.master is None else seen.master.as_dict(),
        "standing_by": seen.standing_by,
        "processes_here": None
        if here is None
        else [{"pid": process.pid, "title": process.title} for process in here],
        "next_delayed_at": None if due is None else timestamp(due.at),
        "next_entry": None if entry is None else {"name": entry.name, "at": timestamp(entry.next)},
        "behind_seconds": round(seen.behind, 1),
        "refused": [{"name": entry.name, "reason": entry.refused} for entry in seen.refused],
    }
