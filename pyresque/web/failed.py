"""Failed jobs: the list with its filters, and what can be done with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import Blueprint, g, render_template, request

from pyresque.client.failure_lists import failed_at
from pyresque.client.failure_selection import FailureSelection
from pyresque.client.selection import ActionResult
from pyresque.web import paging
from pyresque.web.acting import Form, Outcome, Question, action

pages = Blueprint("failed", __name__)

FILTERS = ("class_name", "exception", "queue", "text")


@pages.get("/failed")
def listing() -> str:
    """Failed jobs, the newest first."""
    selection = selected(request.args)
    page = paging.asked()
    records = selection.page(page.number, page.size + 1)
    page = replace(page, more=len(records) > page.size)
    return render_template(
        "failed.html", records=records[: page.size], page=page, failed_at=failed_at, asked=request.args
    )


def selected(form: Form) -> FailureSelection:
    """The failures that a form or a query means: by ids, or by filters."""
    given: dict[str, Any] = {name: form[name] for name in FILTERS if form.get(name)}
    if ids := form.getlist("id"):
        given["ids"] = ids
    if form.get("retried") in ("yes", "no"):
        given["retried"] = form["retried"] == "yes"
    if hours := form.get("hours", ""):
        given["since"] = timedelta(hours=int(hours)) if hours.isdecimal() else None
    selection: FailureSelection = g.resque.failures.select(**given)
    return selection


def _about_to_retry(form: Form) -> Question:
    plan = selected(form).plan()
    return Question(plan.done, plan.by_class, _left_alone(plan))


@action("failed.retry", "Retry", ask=_about_to_retry)
def retry(form: Form) -> Outcome:
    """Put the jobs of failures back on their queues."""
    result = selected(form).retry()
    return Outcome(f"{result.done} put back on their queues. {_left_alone(result)}".strip(), result.done)


def _about_to_remove(form: Form) -> Question:
    selection = selected(form)
    classes = selection.by_class()
    return Question(sum(classes.values()), classes, "Their jobs are gone then.")


@action("failed.remove", "Remove", ask=_about_to_remove, is_dangerous=True)
def remove(form: Form) -> Outcome:
    """Remove failures."""
    result = selected(form).remove()
    return Outcome(f"{result.done} removed.", result.done)


def _left_alone(result: ActionResult) -> str:
    reasons = [f"{count} {reason}" for reason, count in result.skipped.items()]
    return f"Left alone: {', '.join(reasons)}." if reasons else ""
