"""`pyresque queue`, and its older name `queues`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from pyresque.cli.common_options import Settings, common, json_option, pass_settings
from pyresque.cli.json_output import json_line
from pyresque.cli.output import echo, safe, table, tinted

if TYPE_CHECKING:
    from pyresque import Resque


@click.group(invoke_without_command=True)
@json_option
@common
@pass_settings
@click.pass_context
def queue(ctx: click.Context, settings: Settings, as_json: bool) -> None:
    """Look at queues and the jobs that wait in them; pause and resume them."""
    if ctx.invoked_subcommand is None:
        _list(settings.connected(), as_json)


@queue.command("list")
@json_option
@common
@pass_settings
def list_(settings: Settings, as_json: bool) -> None:
    """List the queues: how many jobs wait in each, and whether it is paused."""
    _list(settings.connected(), as_json)


@click.command()
@json_option
@common
@pass_settings
def queues(settings: Settings, as_json: bool) -> None:
    """List the queues (as `pyresque queue list` does)."""
    _list(settings.connected(), as_json)


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
    paused = resque.paused()
    rows = [(name, size, paused.holds(name)) for name, size in resque.queue_sizes().items()]
    if as_json:
        for name, size, is_paused in rows:
            json_line({"queue": name, "size": size, "paused": is_paused})
        return
    if paused.all or paused.workers:
        echo(tinted("all queues are paused", "yellow"))
    elif unknown := sorted(set(paused.queues) - {name for name, *_ in rows}):
        echo(tinted(f"paused, without a job until now: {', '.join(unknown)}", "yellow"))
    if not rows:
        click.echo("no queues")
        return
    shown = ((name, size, tinted("paused", "yellow") if held else "") for name, size, held in rows)
    table(("QUEUE", "JOBS", ""), shown, whole=("QUEUE",), numbers=("JOBS",))


def _check(names: Sequence[str], everything: bool) -> None:
    if bool(names) == everything:
        raise click.UsageError("say which: one or more queues, or --all")
