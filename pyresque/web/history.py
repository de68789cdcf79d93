"""The history: how many jobs all workers have processed, and how many failed, by minute, hour and day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, abort, g, render_template, request

from pyresque.client.history import Bucket
from pyresque.store.counts import HISTORIES, Resolution
from pyresque.web.charts import Counted, chart
from pyresque.web.filters import number
from pyresque.wire.times import rfc3339

pages = Blueprint("history", __name__)


@dataclass(frozen=True)
class View:
    """One way to look: its name, over how long, and when there is a word below a bar."""

    name: str
    span: str
    one: str
    tick: Callable[[datetime], str]


VIEWS: dict[Resolution, View] = {
    "minute": View("Minutes", "3 hours", "minute", lambda at: f"{at:%H:%M}" if at.minute % 30 == 0 else ""),
    "hour": View("Hours", "14 days", "hour", lambda at: f"{at:%d %b}" if at.hour == 0 else ""),
    "day": View("Days", "400 days", "day", lambda at: f"{at:%b}" if at.day == 1 else ""),
}


@pages.get("/history")
def history() -> str:
    """The chart of one resolution, with its numbers as a table."""
    by = next((one for one in HISTORIES if one == request.args.get("by", "minute")), None)
    if by is None:
        abort(404, "There is no such history: ask for minute, hour or day.")
    buckets: list[Bucket] = g.resque.history(by)
    view, known = VIEWS[by], [one for one in buckets if one.is_known]
    processed, failed = sum(one.processed for one in known), sum(one.failed for one in known)
    label = (
        f"Jobs by {view.one}, the last {view.span}: {number(processed)} processed, {number(failed)} failed"
    )
    return render_template(
        "history.html",
        by=by,
        views=VIEWS,
        view=view,
        chart=chart(buckets, label, _title, view.tick),
        processed=processed,
        failed=failed,
        rate=failed / processed if processed else None,
        since=known[0].at if known and len(known) < len(buckets) else None,
        rows=[one for one in reversed(known) if one.processed or one.failed],
        estimated=any(one.is_estimate for one in known),
        clock=clock,
        stat=g.resque.stat,
    )


def _title(one: Counted) -> str:
    if isinstance(one, Bucket) and not one.is_known:
        return f"{clock(one.at)}: nothing is known of that time"
    guess = ", shared evenly: nobody looked then" if isinstance(one, Bucket) and one.is_estimate else ""
    return f"{clock(one.at)}: {number(one.processed)} processed, {number(one.failed)} failed{guess}"


def clock(at: int | None) -> str:
    """A moment as a clock in UTC shows it, to the minute; empty for None."""
    return (rfc3339(at) or "")[:16].replace("T", " ")
