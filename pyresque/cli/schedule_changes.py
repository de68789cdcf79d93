"""`pyresque schedule set`, `remove`, `disable` and `enable`."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.common_options import Settings, common, pass_settings, style_option
from pyresque.cli.confirm import confirmed, dry_run_option, yes_option
from pyresque.cli.output import compact, counted, moment, safe
from pyresque.errors import InvalidSchedule

if TYPE_CHECKING:
    from pyresque.schedule.entry import Entry
    from pyresque.wire.encoding import Style


@click.command("set")
@click.argument("name")
@click.argument("entry", metavar="JSON")
@style_option
@yes_option
@dry_run_option
@common
@pass_settings
def set_(settings: Settings, name: str, entry: str, json_style: Style, yes: bool, dry_run: bool) -> None:
    """Write an entry of the schedule.

    Example of JSON: {"class": "Report", "cron": "0 3 * * *", "queue": "reports", "args": [1]}.

    Where there is one of this name already, both are shown, and it is asked before the old one is replaced.
    """
    from pyresque.client.scheduling import stored_value
    from pyresque.schedule.entry import shareable

    try:
        value = json.loads(entry)
    except (ValueError, RecursionError) as error:
        raise InvalidSchedule(f"the entry is not JSON: {error}") from None
    resque = settings.connected(json_style)
    checked = resque.check_schedule(name, value)
    for doubt in checked.doubts:
        click.echo(f"Note: {safe(doubt)}", err=True)
    old = resque.stored_schedule()
    new = stored_value(shareable(checked, resque.space.style))
    following = ", ".join(_runs(checked)) or "never"
    if name in old and old[name] == new:
        click.echo(f"{safe(name)} is like that already; next {following}")
        return
    if name in old:
        click.echo(f"old  {_shown(old[name])}\nnew  {_shown(new)}")
    what = f"replace the entry {name}" if name in old else f"set the entry {name}"
    if confirmed(f"{what}, next {following}", yes=yes or name not in old, dry_run=dry_run):
        resque.write_schedule(name, value)
        click.echo(f"set {safe(name)}; next {following}")


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@yes_option
@dry_run_option
@common
@pass_settings
def remove(settings: Settings, names: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """Remove entries. Schedulers follow within one interval."""
    resque = settings.connected()
    stored = resque.stored_schedule()
    stored_names = list(dict.fromkeys(name for name in names if name in stored))
    missing = [name for name in names if name not in stored]
    for name in missing:
        text = f"there is no entry {safe(name)} in Redis; `pyresque schedule list` lists them"
        click.echo(f"Error: {text}", err=True)
    if stored_names:
        for name in stored_names:
            click.echo(f"{safe(name)}  {_shown(stored[name])}")
        entries = counted(len(stored_names), "entry", "entries")
        what = f"remove {entries} of the schedule ({', '.join(stored_names)})"
        if confirmed(what, yes=yes, dry_run=dry_run):
            for name in stored_names:
                resque.remove_schedule(name)
                click.echo(f"removed {safe(name)}")
    click.get_current_context().exit(1 if missing else 0)


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@common
@pass_settings
def disable(settings: Settings, names: tuple[str, ...]) -> None:
    """Switch entries off, until `enable`. Schedulers of both languages pass them over then."""
    resque = settings.connected()
    for name in names:
        done = resque.disable_schedule(name)
        click.echo(f"switched off {safe(name)}" if done else f"{safe(name)} is off already")


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@common
@pass_settings
def enable(settings: Settings, names: tuple[str, ...]) -> None:
    """Switch entries on again that `disable` switched off."""
    resque = settings.connected()
    for name in names:
        done = resque.enable_schedule(name)
        click.echo(f"switched on {safe(name)}" if done else f"{safe(name)} is on already")


def _shown(value: Any) -> str:
    return safe(value if isinstance(value, str) else compact(value))


def _runs(entry: Entry) -> list[str]:
    from pyresque.schedule.next_runs import Running

    now = time.time()
    return [moment(at) for at in Running(entry, now).next_runs(5, now)]
