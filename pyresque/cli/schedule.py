"""`pyresque schedule`."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.common_options import Settings, common, json_option, pass_settings, style_option
from pyresque.cli.json_output import json_line, time_of, timestamp
from pyresque.cli.output import compact, moment, pairs, safe, table
from pyresque.errors import InvalidSchedule

if TYPE_CHECKING:
    from pyresque import Resque
    from pyresque.schedule.entry import Entry
    from pyresque.wire.encoding import Style


@click.group(invoke_without_command=True)
@json_option
@common
@pass_settings
@click.pass_context
def schedule(ctx: click.Context, settings: Settings, as_json: bool) -> None:
    """Look at the schedule in Redis, which both languages share, and change it."""
    if ctx.invoked_subcommand is None:
        _list(settings, as_json)


@schedule.command("list")
@click.option("--schedule", "file", metavar="FILE", help="Say which entries of this file Redis hides.")
@json_option
@common
@pass_settings
def list_(settings: Settings, file: str | None, as_json: bool) -> None:
    """List the entries, when each runs next and ran last, and who is master."""
    _list(settings, as_json)
    if file is not None:
        _tell_hidden(settings, file, as_json)


def _tell_hidden(settings: Settings, file: str, as_json: bool) -> None:
    from pyresque.schedule.schedule_file import hidden, read_file

    for name in hidden(read_file(file), _raws(settings.connected())):
        if as_json:
            json_line({"hidden": name, "file": file})
        else:
            click.echo(f"{safe(name)}: the entry in Redis counts, not the one of {safe(file)}")


@schedule.command()
@click.argument("name")
@json_option
@common
@pass_settings
def show(settings: Settings, name: str, as_json: bool) -> None:
    """Show one entry, whole."""
    resque = settings.connected()
    value = _value(resque.stored_schedule(), name)
    if as_json:
        last = time_of(resque.last_enqueued_at().get(name))
        json_line({"name": name, "entry": value, "last": last})
        return
    entry, why = _read(resque, name, _raws(resque))
    shown = value.items() if isinstance(value, dict) else [("text", value)]
    lines = [(str(key), item if isinstance(item, str) else compact(item)) for key, item in shown]
    lines.append(("last run", resque.last_enqueued_at().get(name, "never")))
    lines += [("next run" if n == 0 else "", at) for n, at in enumerate(_runs(entry, 5))] if entry else []
    pairs([("name", name), *lines, *([] if entry else [("refused", why)])])


@schedule.command("next")
@click.argument("name", required=False)
@click.option("-n", "--count", type=click.IntRange(1), default=5, show_default=True, help="How many runs.")
@json_option
@common
@pass_settings
def next_(settings: Settings, name: str | None, count: int, as_json: bool) -> None:
    """Print the next runs of an entry, or of each."""
    resque = settings.connected()
    raws = _raws(resque)
    for shown in [name] if name is not None else sorted(raws):
        _value(raws, shown)
        entry, why = _read(resque, shown, raws)
        if as_json:
            runs = [timestamp(at) for at in _moments(entry, count)]
            json_line({"name": shown, "next": runs, "refused": why or None})
        else:
            click.echo(f"{safe(shown)}: {', '.join(_runs(entry, count)) if entry else safe(why)}")


@schedule.command()
@click.argument("name")
@click.argument("parameters", metavar="[KEY=VALUE]...", nargs=-1)
@common
@pass_settings
def run(settings: Settings, name: str, parameters: tuple[str, ...]) -> None:
    """Put the job of an entry on its queue now, with the hooks that it has here (-r).

    Of an entry with `parameters` each KEY=VALUE goes into its args, as from the form of its web page; a
    parameter that is not given has its default.
    """
    values = dict(parameter.split("=", 1) for parameter in parameters if "=" in parameter)
    if wrong := [parameter for parameter in parameters if "=" not in parameter]:
        raise click.UsageError(f"{safe(wrong[0])} is not KEY=VALUE")
    done = settings.connected().run_schedule(name, values)
    click.echo(f"queued {safe(name)}" if done else f"{safe(name)}: a hook refused it")
    click.get_current_context().exit(0 if done else 1)


@schedule.command("set")
@click.argument("name")
@click.argument("entry", metavar="JSON")
@style_option
@common
@pass_settings
def set_(settings: Settings, name: str, entry: str, json_style: Style) -> None:
    """Write an entry: {"class": "Report", "cron": "0 3 * * *", "queue": "reports", "args": [1]}."""
    try:
        value = json.loads(entry)
    except (ValueError, RecursionError) as error:
        raise InvalidSchedule(f"the entry is not JSON: {error}") from None
    resque = settings.connected(json_style)
    resque.write_schedule(name, value)
    stored = resque.schedule_entry(name)
    click.echo(f"set {safe(name)}; next {', '.join(_runs(stored, 5)) if stored else 'never'}")


@schedule.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@common
@pass_settings
def remove(settings: Settings, names: tuple[str, ...]) -> None:
    """Remove entries. Schedulers follow within one interval."""
    resque = settings.connected()
    missed = 0
    for name in names:
        if resque.remove_schedule(name):
            click.echo(f"removed {safe(name)}")
        else:
            missed += 1
            said = f"there is no entry {safe(name)} in Redis; `pyresque schedule list` lists them"
            click.echo(f"Error: {said}", err=True)
    click.get_current_context().exit(1 if missed else 0)


@schedule.command()
@click.argument("file")
@json_option
@common
@pass_settings
def diff(settings: Settings, file: str, as_json: bool) -> None:
    """Compare a YAML file with what Redis holds. Exit status 1 if they differ or an entry is refused."""
    from pyresque.config.env import local_zone
    from pyresque.schedule.schedule_file import read, read_file, why_refused
    from pyresque.scheduler.loaded_schedule import check_queueable

    entries = read_file(file)
    resque = settings.connected()
    stored = resque.stored_schedule()
    differs = False
    for name in sorted({*entries, *stored}):
        verdict, why = _compared(name, entries, stored), ""
        if name in entries:
            try:
                entry = read(name, entries[name], local_zone())
                check_queueable(entry, resque.registry, resque.space.style)
            except InvalidSchedule as error:
                verdict, why = "refused", why_refused(entries[name], error)
        differs = differs or verdict != "same"
        if as_json:
            old, new = stored.get(name), entries.get(name)
            json_line({"name": name, "what": verdict, "why": why or None, "redis": old, "file": new})
        elif verdict != "same":
            click.echo(f"{verdict:<8} {safe(name)}{': ' + safe(why) if why else ''}")
    if not differs and not as_json:
        click.echo("no difference")
    click.get_current_context().exit(1 if differs else 0)


def _compared(name: str, entries: Mapping[str, Any], stored: Mapping[str, Any]) -> str:
    from pyresque.schedule.schedule_file import is_stored

    if name not in entries:
        return "redis"
    if name not in stored:
        return "file"
    return "same" if is_stored(name, entries[name], stored[name]) else "differs"


def _list(settings: Settings, as_json: bool) -> None:
    resque = settings.connected()
    last, raws = resque.last_enqueued_at(), _raws(resque)
    rows = []
    for name, value in resque.stored_schedule().items():
        entry, why = _read(resque, name, raws)
        following = next(iter(_moments(entry, 1)), None)
        if as_json:
            times = {"next": timestamp(following), "last": time_of(last.get(name))}
            json_line({"name": name, "entry": value, **times, "refused": why or None})
        timing = entry.timing if entry else f"refused: {why}"
        kind = str(value.get("class", "")) if isinstance(value, dict) else ""
        rows.append((name, kind, timing, "" if following is None else moment(following), last.get(name, "")))
    if as_json:
        master = _master(settings, resque)
        json_line({"master": master and {**master, "since": timestamp(master["since"])}})
        return
    if rows:
        table(("NAME", "CLASS", "WHEN", "NEXT", "LAST"), rows)
    else:
        click.echo("no entries in Redis (a scheduler may have entries of its own, from a file)")
    click.echo(_master_line(_master(settings, resque)))


def _master(settings: Settings, resque: Resque) -> dict[str, Any] | None:
    from pyresque.scheduler.master import since
    from pyresque.store.master import holder

    prefix = settings.config.scheduler.lock_prefix
    found = holder(resque.space, resque.space.keys.master_lock(prefix))
    if found is None:
        return None
    value, left = found
    return {"who": value, "since": since(value), "seconds_left": left if left != float("inf") else None}


def _master_line(master: dict[str, Any] | None) -> str:
    if master is None:
        return "no scheduler is master"
    since = f"since {moment(master['since'])}" if master["since"] else "a Ruby scheduler"
    left = master["seconds_left"]
    until = "" if left is None else f", for {left:.0f} s if it does not renew"
    return f"master: {safe(master['who'])} ({since}{until})"


def _raws(resque: Resque) -> dict[str, bytes]:
    """The entries as they are stored in Redis, read once however many are shown."""
    from pyresque.store import schedules

    return schedules.entries(resque.space)


def _value(entries: Mapping[str, Any], name: str) -> Any:
    if name not in entries:
        raise InvalidSchedule(f"there is no entry {name} in Redis; `pyresque schedule list` lists them")
    return entries[name]


def _read(resque: Resque, name: str, raws: Mapping[str, bytes]) -> tuple[Entry | None, str]:
    from pyresque.config.env import local_zone
    from pyresque.schedule.schedule_file import read
    from pyresque.scheduler.loaded_schedule import check_queueable

    try:
        entry = read(name, raws.get(name), local_zone())
        check_queueable(entry, resque.registry, resque.space.style)
        return entry, ""
    except InvalidSchedule as error:
        return None, str(error)


def _runs(entry: Entry | None, count: int) -> list[str]:
    return [moment(at) for at in _moments(entry, count)]


def _moments(entry: Entry | None, count: int) -> list[float]:
    from pyresque.schedule.next_runs import Running

    now = time.time()
    return [] if entry is None else list(Running(entry, now).next_runs(count, now))
