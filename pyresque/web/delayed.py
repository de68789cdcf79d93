"""Delayed jobs: second by second, one second, all of them with filters; run now and remove."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, g, render_template

from pyresque.client import delayed_seconds
from pyresque.client.delayed_item import DelayedItem
from pyresque.client.delayed_seconds import GivenJobs, Place
from pyresque.client.delayed_selection import DelayedSelection
from pyresque.client.selection import ActionResult
from pyresque.errors import InvalidSelection, RedisReplied
from pyresque.store import delayed
from pyresque.store import delayed_seconds as store
from pyresque.web import paging
from pyresque.web.acting import ROUND, Form, Outcome, Question, action
from pyresque.web.names import MARK, raw_name, shown
from pyresque.web.rounds import COUNTED, in_rounds, question, told
from pyresque.wire import times
from pyresque.wire.times import rfc3339

pages = Blueprint("delayed", __name__)

LATE = 5.0
"""Seconds after which a job that is due counts as overdue here: a scheduler looks every five seconds."""
STEP, SECONDS = 500, 1.0
"""Jobs that are acted on at a time; no more of them are begun after so many seconds."""
TEXTS = ("class_name", "queue", "text")
"""The filters of delayed jobs that are texts."""
FEW = 1000
"""Seconds of which it is asked how many jobs they have, before all are removed."""


@pages.get("/delayed")
def seconds() -> str:
    """The seconds with delayed jobs, the overdue ones on top."""
    page, now, trouble = paging.asked(), time.time(), ""
    found = delayed_seconds.Seconds([], 0, 0)
    try:
        found = delayed_seconds.seconds(g.resque.space, page.number, page.size)
    except RedisReplied as error:
        trouble = str(error)
    page = replace(page, total=found.total, more=page.first + page.size <= found.total)
    by_hour = None if trouble or not found.total else delayed_seconds.due_by_hour(g.resque.space, now)
    return render_template(
        "delayed.html",
        found=found,
        page=page,
        trouble=trouble,
        by_hour=by_hour,
        oldest=found.items[0] if page.number == 1 and found.items else None,
        **words(now),
    )


@pages.get("/delayed/<path:name>")
def second(name: str) -> str:
    """One second and its jobs."""
    raw = raw_name(name)
    found = delayed_seconds.second(g.resque.space, raw)
    if found is None:
        abort(404, "No job is delayed until then: it has run meanwhile, or was removed.")
    page = paging.asked()
    items = delayed_seconds.jobs_of(g.resque.space, raw, page.first - 1, page.size)
    total = found.jobs or 0
    page = replace(page, total=total, more=page.first + page.size <= total)
    return render_template(
        "delayed_second.html",
        second=found,
        rows=[(item, place_of(item, index)) for index, item in enumerate(items, page.first - 1)],
        page=page,
        **words(time.time()),
    )


def handle(name: bytes) -> str:
    """What stands for a second in a URL: other pages are beside those of the seconds."""
    return name.decode("ascii") if name.isdigit() else MARK + name.hex()


def place_of(item: DelayedItem, index: int) -> str:
    """What stands for a delayed job in a form: where it was seen, and the digest of its bytes."""
    return f"{handle(_second_of(item))} {index} {item.id}"


def _second_of(item: DelayedItem) -> bytes:
    return item.element[0].partition(b":")[2]


def words(now: float) -> dict[str, Any]:
    """What the templates of delayed jobs need."""
    return {
        "late": now - LATE,
        "handle": handle,
        "second_of": _second_of,
        "shown": shown,
        "queue_of": g.resque.delayed.queue_of,
        "clock": clock,
    }


def clock(at: float | None) -> str:
    """A moment as a clock in UTC shows it; empty where there is none."""
    text = rfc3339(at)
    return "" if text is None else text.replace("T", " ").rstrip("Z")


def places_in(form: Form) -> list[Place]:
    """The places of the jobs that a form or an address names.

    Raises:
        InvalidSelection: one of them is none.
    """
    places = []
    for text in form.getlist("id"):
        name, _, rest = text.rpartition(" ")[0].rpartition(" ")
        if not rest.isdecimal() or len(rest) > 12:
            raise InvalidSelection(f"{text[:80]} stands for no delayed job")
        places.append((raw_name(name), int(rest), text.rpartition(" ")[2]))
    return places


def _selected(form: Form) -> GivenJobs:
    """The jobs whose rows were selected.

    Raises:
        InvalidSelection: none was.
    """
    if not form.get("id"):
        raise InvalidSelection("No job is selected: tick the jobs that are meant.")
    return delayed_seconds.at_places(g.resque, places_in(form))


def _matching(form: Form) -> DelayedSelection | None:
    """All that match the filters of a form; None where it means something else.

    Raises:
        InvalidSelection: a filter cannot be understood.
    """
    return selected(form) if form.get("all") else None


def selected(form: Form) -> DelayedSelection:
    """The delayed jobs that the filters of a form or a URL mean.

    Raises:
        InvalidSelection: one of them cannot be understood.
    """
    given: dict[str, Any] = {name: form[name] for name in TEXTS if form.get(name)}
    given |= {name: _moment(form[name]) for name in ("since", "until") if form.get(name)}
    if hours := form.get("hours", ""):
        if not (hours.isascii() and hours.isdigit() and len(hours) < 9):
            raise InvalidSelection(f"hours={hours[:80]} is not a number of hours")
        given["until"] = timedelta(hours=int(hours))
    chosen: DelayedSelection = g.resque.delayed.select(**given)
    return chosen


def _moment(text: str) -> float:
    at = times.parse(text if text[-1:] == "Z" or "+" in text else f"{text}Z")
    if at is None:
        raise InvalidSelection(f"{text[:80]} is not a moment such as 2026-11-30T17:00")
    return at


def _asked(form: Form) -> Question:
    """How many jobs an action would meet, and of which classes."""
    if (matching := _matching(form)) is not None:
        return question(matching.groups("class", most=COUNTED), None)
    if name := form.get("second"):
        raw = raw_name(name)
        found = delayed_seconds.second(g.resque.space, raw)
        items = GivenJobs(g.resque, delayed_seconds.jobs_of(g.resque.space, raw, 0, ROUND))
        total = 0 if found is None else found.jobs or 0
        note = f"The classes are those of the first {ROUND:,}." if total > ROUND else ""
        return Question(total, items.by_class(), note)
    kinds = _selected(form).by_class()
    return Question(sum(kinds.values()), kinds)


def _asked_to_remove(form: Form) -> Question:
    question = _asked(form)
    note = "They will not run then. If one is the next attempt at a job that failed, its retries end with it."
    return replace(question, note=f"{question.note} {note}".strip())


@action("delayed.run", "Run now", ask=_asked)
def run(form: Form) -> Outcome:
    """Put delayed jobs on their queues now."""
    return _act(form, lambda selection, **most: selection.run_now(**most), "put on their queues")


@action("delayed.remove", "Remove", ask=_asked_to_remove, is_dangerous=True)
def remove(form: Form) -> Outcome:
    """Remove delayed jobs."""
    return _act(form, lambda selection, **most: selection.remove(**most), "removed")


def _act(form: Form, verb: Callable[..., ActionResult], done: str) -> Outcome:
    if (matching := _matching(form)) is not None:
        return in_rounds(form, lambda most, after: verb(matching, most=most, after=after), done)
    if name := form.get("second"):
        return _act_on_second(raw_name(name), form, verb, done)
    return _told(verb(_selected(form)), done)


def _act_on_second(name: bytes, form: Form, verb: Callable[..., ActionResult], done: str) -> Outcome:
    """One round with the jobs of a second; what was left alone there is passed over in the next."""
    space, until = g.resque.space, time.monotonic() + SECONDS
    place, count, skipped = _whole(form.get("after", "")), 0, dict[str, int]()
    while True:
        before = _size(name)
        items = delayed_seconds.jobs_of(space, name, place, STEP)
        if not items:
            return _told(ActionResult(count, skipped), done)
        result = verb(GivenJobs(g.resque, items))
        count += result.done
        for reason, number in result.skipped.items():
            skipped[reason] = skipped.get(reason, 0) + number
        place = max(0, place + len(items) - max(0, before - _size(name)))
        if time.monotonic() > until or count >= ROUND:
            told = _told(ActionResult(count, skipped), done)
            return replace(told, more=place < _size(name), after=str(place))


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def _size(name: bytes) -> int:
    [stored] = store.with_jobs(g.resque.space, [(name, 0.0)])
    return stored.jobs or 0


def _told(result: ActionResult, done: str) -> Outcome:
    return Outcome(told(result.done, result.skipped, done), result.done)


def _about_to_clear(_form: Form) -> Question:
    jobs, is_long = delayed.jobs_until(g.resque.space, None, FEW)
    known = delayed.seconds_known(g.resque.space)
    if is_long:
        return Question(
            None, note=f"Every delayed job, in {known:,} seconds: at least {jobs:,}. None will run."
        )
    return Question(
        jobs, note=f"Every delayed job, in {known:,} seconds. None of them will run." if jobs else ""
    )


@action(
    "delayed.clear",
    "Remove all delayed jobs",
    ask=_about_to_clear,
    is_dangerous=True,
    verb="Remove all",
    noun="delayed job",
)
def clear(_form: Form) -> Outcome:
    """Forget every delayed job."""
    jobs, more = store.reset(g.resque.space, SECONDS)
    return Outcome(f"{jobs} removed.", jobs, more)


@action("delayed.forget", "Forget this second")
def forget(form: Form) -> Outcome:
    """Take a second without jobs out of the index."""
    name = raw_name(form.get("second", ""))
    gone = delayed.forget_if_empty(g.resque.space, name)
    why = "It was left alone: something is under its key, or it is gone already."
    return Outcome("It is no longer in the index." if gone else why, int(gone))
