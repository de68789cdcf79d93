"""Failed jobs: the list with its filters, groups, and what can be done with those that are meant."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

from flask import Blueprint, g, render_template, request
from werkzeug.datastructures import MultiDict

from pyresque.client.failure_lists import failed_at
from pyresque.client.failure_selection import FailureSelection
from pyresque.client.nearby_failures import Place
from pyresque.client.selection import Group
from pyresque.errors import InvalidSelection, RedisReplied
from pyresque.store import failures as store
from pyresque.web import filters, names, paging
from pyresque.web.acting import Form, Outcome, Question, action
from pyresque.web.rounds import COUNTED, SECONDS, in_rounds, question, told
from pyresque.web.secrets import HIDDEN
from pyresque.wire.records import FailureRecord, shown
from pyresque.wire.times import rfc3339

pages = Blueprint("failed", __name__)

FILTERS = ("class_name", "exception", "queue", "text")
ASKED = (*FILTERS, "hours", "since", "until", "retried", "list", "order", "size")
"""What an address or a form may ask for."""
MOST_HOURS, LATEST = 1_000_000, datetime(9999, 12, 31, tzinfo=UTC)
"""More hours than that, and later moments, mean these: dates have an end."""
MOST_LISTS = 100
"""Lists of failures that have a tab of their own."""
GROUPED = 5000
"""The newest failures that are read to be grouped."""
WAYS = ("class", "exception", "frame", "queue", "hour")


def readable(page: Callable[[], str]) -> Callable[[], str]:
    """A page that says so where the lists of failures hold something else than failures."""

    @wraps(page)
    def shown_page() -> str:
        try:
            return page()
        except RedisReplied as error:
            return render_template("failed_unreadable.html", trouble=str(error))

    return shown_page


@pages.get("/failed")
@readable
def listing() -> str:
    """Failed jobs, the newest first."""
    asked = asked_for(request.args)
    selection, page = selected(asked), paging.asked()
    after = request.args.get("after") or None
    found = selection.look(page.number, page.size, asked.get("order") != "oldest", after=after)
    page = replace(page, total=None if after else found.total, more=found.more)
    lists = g.resque.failures.lists()
    return render_template(
        "failed.html",
        found=found,
        page=page,
        asked=asked,
        is_filtered=any(name in asked for name in (*FILTERS, "hours", "since", "until", "retried")),
        meant=[(name, value) for name, value in asked.items() if name not in ("order", "size")],
        counts=store.counts(g.resque.space, lists[:MOST_LISTS]) if len(lists) > 1 else {},
        next_page=_next(asked, page, found.next),
        **words(),
    )


def _next(asked: Form, page: paging.Paging, after: str | None) -> dict[str, Any] | None:
    """The query of the page behind a filtered one, which goes on where it has ended; None: there is none."""
    if after is None or page.total is not None:
        return None
    return {**asked, "after": after, "page": page.number + 1}


@pages.get("/failed/groups")
@readable
def groups() -> str:
    """How many have failed of each class, exception, line, queue or hour."""
    asked = asked_for(request.args)
    by = request.args.get("by", "class")
    found = selected(asked).groups(by if by in WAYS else "class", most=GROUPED)
    return render_template(
        "failed_groups.html",
        groups=found,
        by=by if by in WAYS else "class",
        ways=WAYS,
        asked=asked,
        query_of=lambda group: _query_of(asked, by, group),
        **words(),
    )


def _query_of(asked: Form, by: str, group: Group[FailureRecord]) -> dict[str, Any] | None:
    """The query of the list that shows a group; None where none can."""
    if not group.key or group.key == "(others)":
        return None
    if by == "hour" and group.last is not None:
        begin = datetime.fromtimestamp(group.last // 3600 * 3600, UTC)
        hour = {"since": _minute(begin), "until": _minute(begin + timedelta(minutes=59)), "hours": None}
        return {**asked, **hour}
    if by == "frame":  # up to a secret in it: an address is kept in many places
        return {**asked, "text": str(filters.hidden(group.key)).partition(HIDDEN)[0]}
    return {**asked, {"class": "class_name"}.get(by, by): group.key}


def _minute(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")


def words() -> dict[str, Any]:
    """What the templates of failures need."""
    return {
        "failed_at": failed_at,
        "handle": names.handle,
        "row_of": row_of,
        "text_of": text_of,
        "shown_args": shown_args,
    }


def shown_args(record: FailureRecord) -> Any:
    """The arguments of a failed job, of an Active Job its own."""
    return shown(record.payload)[1]


def clock(at: float | None) -> str:
    """A moment as a clock in UTC shows it; empty where there is none."""
    text = rfc3339(at)
    return "" if text is None else text.replace("T", " ").rstrip("Z")


def text_of(record: FailureRecord, most: int = 2000) -> str:
    """The beginning of a record's bytes as text, for one that is not JSON."""
    return record.raw[:most].decode("utf-8", "backslashreplace")


# --- which are meant ---------------------------------------------------------------------------------------


def asked_for(form: Form) -> Form:
    """The filters that a form or an address asks for, without those that are empty."""
    return MultiDict((name, form[name]) for name in ASKED if form.get(name))


def row_of(record: FailureRecord) -> str:
    """What stands for a failure in a form: its id, and where it was seen."""
    return json.dumps([record.list_name, record.index, record.id])


def selected(form: Form) -> FailureSelection:
    """The failures that a form or an address means: those of rows, those with ids, or by filters.

    Raises:
        InvalidSelection: one of them cannot be understood.
    """
    if form.getlist("row"):
        return _these(form)
    given: dict[str, Any] = {name: form[name] for name in FILTERS if form.get(name)}
    if ids := form.getlist("id"):
        given["ids"] = ids
    if form.get("retried") in ("yes", "no"):
        given["retried"] = form["retried"] == "yes"
    if hours := form.get("hours", ""):
        given["since"] = timedelta(hours=min(_whole("hours", hours), MOST_HOURS))
    if since := form.get("since"):
        given["since"] = _moment("since", since)
    if until := form.get("until"):
        given["until"] = _moment("until", until) + timedelta(seconds=59)
    selection: FailureSelection = g.resque.failures.select(list_name=list_of(form), **given)
    return selection


def list_of(form: Form) -> str | None:
    """The list of failures that a form or an address names; None: all of them."""
    given = form.get("list")
    return names.raw_name(given).decode("utf-8", "surrogateescape") if given else None


def _these(form: Form) -> FailureSelection:
    seen: list[tuple[str, Place | None]] = []
    for row in form.getlist("row"):
        try:
            name, index, record_id = json.loads(row)
            str(name).encode("utf-8", "surrogateescape")  # else it is no name in Redis
            seen.append((str(record_id), (str(name), int(str(index)[:12]))))
        except (ValueError, TypeError, RecursionError):
            raise InvalidSelection(f"{row[:80]} stands for no failure") from None
    selection: FailureSelection = g.resque.failures.these(seen)
    return selection


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise InvalidSelection(f"{name}={text[:80]} is not a whole number")
    return int(text)


def _moment(name: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        at = (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
        return min(at, LATEST)
    except (ValueError, OverflowError):
        raise InvalidSelection(f"{name}={text[:80]} is not a moment such as 2026-11-30T17:00") from None


def _must_mean_some(form: Form) -> None:
    """A button for selected rows without any must not act on everything."""
    if form.get("only") and not (form.getlist("row") or form.getlist("id")):
        raise InvalidSelection("No failure is selected: tick those that are meant.")


# --- what can be done with them ---------------------------------------------------------------------------


def _options(form: Form) -> dict[str, Any]:
    return {"again": bool(form.get("again")), "pending": bool(form.get("pending"))}


def _asked(form: Form, note: str = "") -> Question:
    _must_mean_some(form)
    selection = selected(form)
    groups = selection.groups("class", most=COUNTED)
    total = None if groups.is_whole else selection.look(1, 1, budget=1).total
    return question(groups, total, note)


def _about_to_retry(form: Form) -> Question | None:
    found = _asked(form)
    if found.count is None or found.count > 1000:
        left = "Those that were put back before, or come again by themselves, are left alone."
        return replace(found, note=f"{found.note} {left}".strip())
    plan = selected(form).plan(most=1001, **_options(form))
    note = told(plan.done, plan.skipped, "").partition(".")[2].strip()
    return None if form.get("at_once") and plan.done else Question(plan.done, plan.by_class, note)


@action("failed.retry", "Retry", ask=_about_to_retry)
def retry(form: Form) -> Outcome:
    """Put the jobs of failures back on their queues."""
    _must_mean_some(form)
    selection, options = selected(form), _options(form)
    return in_rounds(
        form,
        lambda most, after: selection.retry(most=most, after=after, **options),
        "put back on their queues",
    )


def _about_to_remove(form: Form) -> Question:
    return _asked(form, "Their jobs are gone then.")


@action("failed.remove", "Remove", ask=_about_to_remove, is_dangerous=True, noun="failure")
def remove(form: Form) -> Outcome:
    """Remove failures."""
    _must_mean_some(form)
    selection = selected(form)
    return in_rounds(form, lambda most, after: selection.remove(most=most, after=after), "removed")


def _about_to_clear(form: Form) -> Question:
    name = list_of(form)
    count = g.resque.failures.count(list_name=name)
    where = "Every failure there is." if name is None else f"Every failure in the list {names.shown(name)}."
    return Question(count, {}, f"{where} Their jobs are gone then.")


@action("failed.clear", "Remove all", ask=_about_to_clear, is_dangerous=True, noun="failure")
def clear(form: Form) -> Outcome:
    """Remove every failure, of all lists or one; of one with the copies in others."""
    failures, name = g.resque.failures, list_of(form)
    counts = store.counts(g.resque.space, failures.lists())
    if name is not None and sum(1 for count in counts.values() if count) > 1:
        selection = failures.select(list_name=name)
        return in_rounds(form, lambda most, after: selection.remove(most=most, after=after), "removed")
    left = _left(form.get("after", "")) or (counts if name is None else {name: counts.get(name, 0)})
    count, rest = failures.clear_some(left, SECONDS)
    return Outcome(f"{count:,} removed.", count, any(rest.values()), json.dumps(rest))


def _left(after: str) -> dict[str, int]:
    try:
        found = json.loads(after or "{}")
        left = {str(name): _whole("after", str(count)) for name, count in found.items()}
        "".join(left).encode("utf-8", "surrogateescape")
        return left
    except (ValueError, TypeError, AttributeError, RecursionError, InvalidSelection):
        raise InvalidSelection(f"after={after[:80]} does not tell what is left") from None


def _about_to_clear_retried(form: Form) -> Question:
    return _asked(_retried(form), "They were put back; their records go.")


@action(
    "failed.clear_retried",
    "Remove the retried",
    ask=_about_to_clear_retried,
    is_dangerous=True,
    noun="failure",
)
def clear_retried(form: Form) -> Outcome:
    """Remove failures that were put back."""
    selection = selected(_retried(form))
    return in_rounds(form, lambda most, after: selection.remove(most=most, after=after), "removed")


def _retried(form: Form) -> Form:
    return MultiDict([("retried", "yes"), *((name, form[name]) for name in ("list",) if form.get(name))])
