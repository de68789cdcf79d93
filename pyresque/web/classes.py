"""Classes: who knows each of them, where its jobs are, and what was done of it in the last 14 days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from flask import Blueprint, abort, g, render_template, request

from pyresque.client.classes import ClassSeen
from pyresque.client.history import ClassCounts, Ledger
from pyresque.web import paging
from pyresque.web.charts import Chart, Counted, chart
from pyresque.web.filters import number

pages = Blueprint("classes", __name__)

WHO = (
    ("", "all"),
    ("here", "registered here"),
    ("unknown", "not registered here"),
    ("python", "run by Python"),
    ("ruby", "run by Ruby"),
    ("both", "run by both"),
    ("nobody", "seen run by nobody"),
)
"""Which classes are shown: the word in the URL, and what it is called."""


@dataclass(frozen=True)
class Day:
    """What was counted on one day."""

    at: int
    processed: int
    failed: int


@pages.get("/classes")
def listing() -> str:
    """All classes, those with the most jobs first."""
    found = g.resque.classes()
    text, who = request.args.get("text", ""), request.args.get("who", "")
    rows = [one for one in found.seen if text.lower() in one.name.lower() and _is_one_of(one, who)]
    page = paging.asked()
    first = page.first - 1
    shown = rows[first : first + page.size]
    page = replace(page, total=len(rows), more=first + page.size < len(rows))
    return render_template(
        "classes.html",
        found=found,
        rows=shown,
        page=page,
        asked={"text": text, "who": who},
        who=WHO,
        knows_any=bool(g.resque.registry.jobs()),
    )


def _is_one_of(one: ClassSeen, who: str) -> bool:
    if who in ("here", "unknown"):
        return one.known_here == (who == "here")
    if who in ("both", "nobody"):
        return len(one.languages) == (2 if who == "both" else 0)
    return who not in ("python", "ruby") or who in one.languages


@pages.get("/classes/<path:name>")
def one_class(name: str) -> str:
    """One class: its numbers by day, and where its jobs are."""
    found = g.resque.classes()
    one = found.find(name)
    if one is None:
        abort(404, "No job of this class is anywhere, and none was counted in the last 14 days.")
    ledger = found.ledger
    counted = [row for row in ledger.classes if row.class_name == name]
    return render_template(
        "class.html",
        one=one,
        charts_of=[(row, _chart(row, ledger)) for row in sorted(counted, key=lambda row: row.language)],
        ledger=ledger,
        knows_any=bool(g.resque.registry.jobs()),
    )


def _days(ledger: Ledger) -> list[tuple[str, int]]:
    """The dates of the ledger with their first seconds, oldest first."""
    today = ledger.now // 86_400
    seconds = [(today - ago) * 86_400 for ago in reversed(range(ledger.days))]
    return [(f"{_moment(second):%Y-%m-%d}", second) for second in seconds]


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def _chart(row: ClassCounts, ledger: Ledger) -> Chart:
    days = [Day(second, *row.by_day.get(date, (0, 0))) for date, second in _days(ledger)]
    label = f"{row.class_name} in {row.language.title()}, by day: {number(row.processed)} "
    label += f"{'seen' if row.is_least else 'processed'}, {number(row.failed)} failed"

    def title(one: Counted) -> str:
        return f"{_moment(one.at):%Y-%m-%d}: {number(one.processed)} processed, {number(one.failed)} failed"

    return chart(days, label, title, lambda at: f"{at:%d %b}")
