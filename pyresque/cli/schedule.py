"""`pyresque schedule`: what only looks at the schedule, and runs an entry now."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.common_options import Settings, common, json_option, pass_settings
from pyresque.cli.json_output import json_line, time_of, timestamp
from pyresque.cli.output import compact, moment, pairs, safe, short, table, tinted
from pyresque.cli.schedule_changes import disable, enable, remove, set_
from pyresque.cli.schedule_file import entries_of, file_name, schedule_file_option, scheduler_options
from pyresque.errors import InvalidSchedule

if TYPE_CHECKING:
    from pyresque import Resque
    from pyresque.client.schedule_entries import Listed

LEGEND = {
    "differs": "the file and Redis hold different entries of this name; the one in Redis counts",
    "file": "only the file holds it: it runs where a scheduler has this file",
    "redis": "only Redis holds it: it runs on whatever scheduler is master",
    "refused": "the entry of the file cannot be used",
}
"""What the words of `diff` mean."""


@click.group(invoke_without_command=True)
@json_option
@common
@pass_settings
@click.pass_context
def schedule(ctx: click.Context, settings: Settings, as_json: bool) -> None:
    """Look at the schedule that both languages share; change it."""
    if ctx.invoked_subcommand is None:
        _list(settings, None, as_json)


@schedule.command("list")
@schedule_file_option
@json_option
@common
@pass_settings
def list_(settings: Settings, file: str | None, as_json: bool) -> None:
    """List the entries and their runs. Below: who is master.

    Of a schedule file the entries that are not in Redis are listed, too, and which of it Redis hides.
    """
    _list(settings, file, as_json)


@schedule.command()
@click.argument("name")
@schedule_file_option
@json_option
@common
@pass_settings
def show(settings: Settings, name: str, file: str | None, as_json: bool) -> None:
    """Show one entry, whole."""
    now = time.time()
    [entry] = _chosen(_entries(settings, settings.reading(jobs=True), file, now), name)
    if as_json:
        json_line({"name": name, "entry": entry.value, "last": time_of(entry.last)})
        return
    shown = entry.value.items() if isinstance(entry.value, dict) else [("text", entry.value)]
    lines = [(str(key), item if isinstance(item, str) else compact(item)) for key, item in shown]
    lines += [("from", entry.source), ("last run", entry.last or "never")]
    lines += [("next run" if n == 0 else "", moment(at)) for n, at in enumerate(entry.runs(5, now))]
    pairs([("name", name), *lines, *([("refused", entry.refused)] if entry.refused else [])])


@schedule.command("next")
@click.argument("name", required=False)
@click.option("-n", "--count", type=click.IntRange(1), default=5, show_default=True, help="How many runs.")
@schedule_file_option
@json_option
@common
@pass_settings
def next_(settings: Settings, name: str | None, count: int, file: str | None, as_json: bool) -> None:
    """Print the next runs of an entry, or of each."""
    now = time.time()
    entries = _chosen(_entries(settings, settings.reading(jobs=True), file, now), name)
    if not entries and not as_json:
        click.echo("no entries")
    for entry in entries:
        runs = entry.runs(count, now)
        if as_json:
            json_line(
                {"name": entry.name, "next": list(map(timestamp, runs)), "refused": entry.refused or None}
            )
        else:
            told = short(entry.refused, 500) or ", ".join(map(moment, runs)) or "never"
            click.echo(f"{short(entry.name, 500)}: {told}")


@schedule.command()
@click.argument("name")
@click.argument("parameters", metavar="[KEY=VALUE]...", nargs=-1)
@schedule_file_option
@common
@pass_settings
def run(settings: Settings, name: str, parameters: tuple[str, ...], file: str | None) -> None:
    """Put the job of an entry on its queue now. With the hooks that it has here (-r).

    Of an entry with `parameters` each KEY=VALUE goes into its args, as from the form of its web page; a
    parameter that is not given has its default.
    """
    values = dict(parameter.split("=", 1) for parameter in parameters if "=" in parameter)
    if wrong := [parameter for parameter in parameters if "=" not in parameter]:
        raise click.UsageError(f"{safe(wrong[0])} is not KEY=VALUE")
    resque = settings.connected()
    resque.local_schedule.update(entries_of(settings, file))
    done = resque.run_schedule(name, values)
    click.echo(f"queued {safe(name)}" if done else f"{safe(name)}: a hook refused it")
    click.get_current_context().exit(0 if done else 1)


@schedule.command()
@click.argument("file", required=False)
@json_option
@common
@pass_settings
def diff(settings: Settings, file: str | None, as_json: bool) -> None:
    """Compare a YAML file with what Redis holds. Exit status 1 if they differ or an entry is refused.

    Without FILE it is that of the settings.
    """
    from pyresque.client.schedule_entries import check_queueable
    from pyresque.config.env import local_zone
    from pyresque.schedule.schedule_file import read, why_refused

    entries = entries_of(settings, file, needed=True)
    resque = settings.reading(jobs=True)
    stored = resque.stored_schedule()
    told: set[str] = set()
    for name in sorted({*entries, *stored}):
        verdict, why = _compared(name, entries, stored), ""
        if name in entries:
            try:
                entry = read(name, entries[name], local_zone())
                check_queueable(entry, resque.registry, resque.space.style)
            except InvalidSchedule as error:
                verdict, why = "refused", why_refused(entries[name], error)
        told |= {verdict} - {"same"}
        if as_json:
            old, new = stored.get(name), entries.get(name)
            json_line({"name": name, "what": verdict, "why": why or None, "redis": old, "file": new})
        elif verdict != "same":
            click.echo(f"{verdict:<8} {safe(name)}{': ' + safe(why) if why else ''}")
    if not as_json:
        _explain(told)
    click.get_current_context().exit(1 if told else 0)


def _explain(told: set[str]) -> None:
    """Say what the words mean that `diff` has used."""
    if not told:
        click.echo("no difference")
        return
    click.echo(err=True)
    for word, meaning in LEGEND.items():
        if word in told:
            click.echo(f"{word:<8} {meaning}", err=True)


def _compared(name: str, entries: Mapping[str, Any], stored: Mapping[str, Any]) -> str:
    from pyresque.schedule.schedule_file import is_stored

    if name not in entries:
        return "redis"
    if name not in stored:
        return "file"
    return "same" if is_stored(name, entries[name], stored[name]) else "differs"


def _list(settings: Settings, file: str | None, as_json: bool) -> None:
    resque, now = settings.reading(jobs=True), time.time()
    entries = _entries(settings, resque, file, now)
    hidden = [entry.name for entry in entries if entry.hides]
    master = _master(settings, resque)
    if as_json:
        for entry in entries:
            json_line(_document(entry))
        json_line({"master": master and {**master, "since": timestamp(master["since"])}})
        for name in hidden:
            json_line({"hidden": name, "file": file_name(settings, file)})
        return
    if entries:
        table(("NAME", "FROM", "CLASS", "WHEN", "NEXT", "LAST"), map(_row, entries), whole=("NAME",))
    else:
        click.echo(
            "no entries in Redis (a scheduler may have entries of its own, from a file: name it with -f)"
        )
    click.echo(_master_line(master))
    for name in hidden:
        click.echo(
            f"{safe(name)}: the entry in Redis counts, not the one of {safe(file_name(settings, file))}"
        )


def _entries(settings: Settings, resque: Resque, file: str | None, now: float) -> list[Listed]:
    from pyresque.client.schedule_entries import listed

    return listed(resque, now, entries_of(settings, file), scheduler_options(settings).environment)


def _chosen(entries: Sequence[Listed], name: str | None) -> Sequence[Listed]:
    """The entry of this name; without one all of them."""
    chosen = [entry for entry in entries if name is None or entry.name == name]
    if name is not None and not chosen:
        raise InvalidSchedule(
            f"there is no entry {name} in Redis or in the schedule file; `pyresque schedule list` lists them"
        )
    return chosen


def _row(listed_entry: Listed) -> tuple[object, ...]:
    whole = listed_entry.entry.value if listed_entry.entry is not None else listed_entry.value
    kind = whole.get("class", "") if isinstance(whole, dict) else ""
    when: object = tinted(f"refused: {listed_entry.refused}", "yellow" if listed_entry.is_foreign else "red")
    if listed_entry.entry is not None:
        environments = listed_entry.entry.environments
        when = listed_entry.entry.timing + (f" (only {environments})" if environments is not None else "")
    following = "" if listed_entry.next is None else moment(listed_entry.next)
    return listed_entry.name, listed_entry.source, kind, when, following, listed_entry.last


def _document(listed_entry: Listed) -> dict[str, Any]:
    return {
        "name": listed_entry.name,
        "source": listed_entry.source,
        "entry": listed_entry.value,
        "next": timestamp(listed_entry.next),
        "last": time_of(listed_entry.last),
        "refused": listed_entry.refused or None,
        "runs_here": listed_entry.runs_here,
    }


def _master(settings: Settings, resque: Resque) -> dict[str, Any] | None:
    from pyresque.store.master import holder, since

    prefix = settings.config.scheduler.lock_prefix
    held = holder(resque.space, resque.space.keys.master_lock(prefix))
    if held is None:
        return None
    value, left = held
    return {"who": value, "since": since(value), "seconds_left": left if left != float("inf") else None}


def _master_line(master: dict[str, Any] | None) -> str:
    if master is None:
        return "no scheduler is master"
    since = f"since {moment(master['since'])}" if master["since"] else "a Ruby scheduler"
    left = master["seconds_left"]
    until = "" if left is None else f", for {left:.0f} s if it does not renew"
    return f"master: {safe(master['who'])} ({since}{until})"


schedule.add_command(set_)
schedule.add_command(remove)
schedule.add_command(disable)
schedule.add_command(enable)
