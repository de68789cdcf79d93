"""`pyresque status`: what became of a job that is tracked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.common_options import Settings, common, json_option, pass_settings
from pyresque.cli.json_output import json_line
from pyresque.cli.moments import LengthOfTime
from pyresque.cli.output import compact, pairs, safe
from pyresque.errors import ResqueError

if TYPE_CHECKING:
    from pyresque.client.job_handle import JobHandle


@click.command()
@click.argument("job_id", metavar="ID")
@click.option("--wait", metavar="TIME", type=LengthOfTime(), help="Wait until it is over, so long at most.")
@click.option("--cancel", is_flag=True, help="Let it end: see docs/tracking.md.")
@json_option
@common
@pass_settings
def status(settings: Settings, job_id: str, wait: timedelta | None, cancel: bool, as_json: bool) -> None:
    """Show what became of a job with --track (track=True).

    The exit code is 0 if it is completed, waits or works; else 1.
    """
    handle = settings.reading().handle(job_id)
    if cancel and not handle.cancel():
        raise click.ClickException(f"{safe(job_id)} is over already, or nothing is known of it")
    if wait is not None:
        handle.wait(wait.total_seconds())
    found = document(handle)
    if as_json:
        json_line(found)
    else:
        _show(found)
    click.get_current_context().exit(0 if found["status"] in ("queued", "working", "completed") else 1)


def document(handle: JobHandle) -> dict[str, Any]:
    """A tracked job as JSON has it."""
    state, progress = handle.status, handle.progress
    result, reason = None, None
    if state == "completed":
        try:
            result = handle.result(timeout=0)
        except ResqueError as error:
            reason = str(error)
    elif state in ("failed", "killed", "expired"):
        reason = progress.message
    return {
        "id": handle.id,
        "status": state,
        "num": progress.num,
        "total": progress.total,
        "message": progress.message,
        "result": result,
        "reason": reason,
    }


def _show(found: dict[str, Any]) -> None:
    rows = [("id", found["id"]), ("status", found["status"])]
    if found["num"] is not None:
        rows.append(("progress", f"{found['num']:g} of {found['total'] or '?'}"))
    if found["message"] and found["message"] != found["reason"]:
        rows.append(("message", found["message"]))
    if found["reason"]:
        rows.append(("reason", found["reason"]))
    elif found["status"] == "completed":
        rows.append(("result", compact(found["result"])))
    pairs(rows)
