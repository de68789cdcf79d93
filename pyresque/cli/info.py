"""`pyresque info` and `pyresque peek`."""

from __future__ import annotations

from typing import Any

import click

from pyresque.cli.common_options import Settings, common, json_option, pass_settings
from pyresque.cli.json_output import job_document, json_line
from pyresque.cli.output import compact, job_of, pairs, safe, table


@click.command()
@json_option
@common
@pass_settings
def info(settings: Settings, as_json: bool) -> None:
    """Show how many jobs, workers and failures there are."""
    numbers = settings.reading().info()
    if as_json:
        json_line(numbers)
    else:
        pairs(_spelled(numbers).items())


def _spelled(numbers: dict[str, Any]) -> dict[str, Any]:
    return {**numbers, "servers": ", ".join(numbers["servers"])}


@click.command()
@click.argument("queue")
@click.argument("start", type=click.IntRange(0), default=0)
@click.argument("count", type=click.IntRange(1), default=10)
@json_option
@common
@pass_settings
def peek(settings: Settings, queue: str, start: int, count: int, as_json: bool) -> None:
    """Look at jobs of a QUEUE. COUNT of them (default 10) from index START (default 0); none is removed."""
    jobs = settings.reading().peek(queue, start, count)
    if as_json:
        for n, job in enumerate(jobs, start):
            text = None if isinstance(job, dict) else str(job)
            json_line({"queue": queue, "index": n, **job_document(job), "text": text})
    elif jobs:
        rows = ((start + n, *_cells(job)) for n, job in enumerate(jobs))
        table(("#", "CLASS", "ARGS"), rows)
    else:
        click.echo(f"queue {safe(queue)} has no jobs" + (f" from index {start} on" if start else ""))


def _cells(job: Any) -> tuple[str, str]:
    if isinstance(job, dict):
        name, args = job_of(job)
        return str(name or job.get("class", "")), compact(args)
    return "(no job)", str(job)
