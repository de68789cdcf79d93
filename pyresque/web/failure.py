"""One failed job: everything its record holds, whoever wrote it, and what can be done with it."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from flask import Response, g, render_template, request

from pyresque.client.failure_lists import failed_at
from pyresque.client.health_problems import typed
from pyresque.client.next_retry import NextAttempt
from pyresque.errors import InvalidSelection
from pyresque.web.acting import Form, Outcome, action
from pyresque.web.failed import clock, list_of, pages, row_of, selected, text_of
from pyresque.web.filters import hidden, pretty, secrets
from pyresque.web.names import handle
from pyresque.wire.records import FailureRecord, shown, wrapped_job

__all__ = ["pages"]

LONGEST = 20_000
"""Characters of arguments, payload or record that a page shows; the rest is a download."""
LINES = 200
"""Lines of a backtrace that a page shows at all."""
OTHERS = re.compile(
    r"/gems/|/site-packages/|/dist-packages/|/lib/ruby/|/lib/python3|/bundle/|<frozen |<internal:"
)
"""What the lines of a backtrace hold that are not the application's."""


@pages.get("/failed/<path:name>")
def show(name: str) -> str | Response | tuple[str, int]:
    """One failure; with `download`, its whole record as text."""
    record = _found(name)
    if record is None:
        return render_template("failure_gone.html", name=name), 404
    if "download" in request.args:
        return _download(record)
    args = shown(record.payload)[1]
    trace = hidden(record.backtrace[:LINES])
    return render_template(
        "failure.html",
        handle=handle,
        record=record,
        args=_cut(pretty(args)) if record.payload else None,
        editable=_editable(record),
        command=_command(record),
        is_wrapped=wrapped_job(record.payload) is not None,
        trace=[(line, OTHERS.search(line) is None) for line in trace],
        more_lines=max(0, len(record.backtrace) - LINES),
        raw=_cut(_whole(record)),
        attempt=_attempt(record),
        row=row_of(record),
        at=failed_at(record),
        clock=clock,
        aside=record.aside_text,
    )


def _download(record: FailureRecord) -> Response:
    """The whole record as text, without secrets."""
    answer = Response(_whole(record), mimetype="text/plain")
    answer.headers["Content-Disposition"] = 'attachment; filename="failure.txt"'
    return answer


def _found(name: str) -> FailureRecord | None:
    """The failure with this id: where the address says that it stood, else among the newest, or anywhere."""
    at, list_name = request.args.get("at", ""), list_of(request.args) or "failed"
    place = (list_name, int(at)) if at.isascii() and at.isdigit() and len(at) < 12 else None
    found: list[FailureRecord] = g.resque.failures.these([(name, place)]).look(1, 1).items
    record: FailureRecord | None = found[0] if found else None
    if record is None and request.args.get("everywhere"):
        record = g.resque.failures.find(name)
    return record


def _whole(record: FailureRecord) -> str:
    return pretty(record.value) if record.value else hidden(text_of(record, len(record.raw)))


def _cut(text: str) -> tuple[str, bool]:
    """As much of a text as a page shows, and whether there is more."""
    return text[:LONGEST], len(text) > LONGEST


def _attempt(record: FailureRecord) -> NextAttempt | None:
    attempt: NextAttempt | None = g.resque.failures.next_attempts([record], thorough=False)[0]
    return attempt


def _editable(record: FailureRecord) -> str | None:
    """The arguments as they can be edited; None where there are none, or they are too large for that."""
    if not record.class_name or not record.text("queue"):
        return None
    text = pretty(shown(record.payload)[1])
    return text if len(text) <= LONGEST else None


def _command(record: FailureRecord) -> str:
    """What enqueues such a job from a shell; empty where that cannot be written down."""
    args = record.payload.get("args")
    if not record.class_name or wrapped_job(record.payload) is not None or not isinstance(args, list):
        return ""
    if hidden(args) != args or len(record.raw) > LONGEST:
        return ""
    words = [shlex.quote(json.dumps(value, ensure_ascii=False)) for value in args]
    queue = record.text("queue")
    head = ["pyresque enqueue", *(["-q", typed(queue)] if queue else []), "--", typed(record.class_name)]
    return " ".join([*head, *words])


@action("failed.retry_with", "Retry with these arguments")
def retry_with(form: Form) -> Outcome:
    """Put a job like that of a failure back, with other arguments."""
    found = selected(form).look(1, 1).items if form.getlist("row") else []
    if not found:
        raise InvalidSelection("This failure is not there any more.")
    record = found[0]
    try:
        args: Any = json.loads(form.get("args", ""))
    except (ValueError, RecursionError) as error:
        raise InvalidSelection(f"The arguments are not JSON: {error}. Go back and correct them.") from None
    args = secrets().restored(args, shown(record.payload)[1])
    done = g.resque.failures.retry_with(record, args, queue=form.get("queue") or None)
    return Outcome("Put back with these arguments." if done else "It is not there any more.", int(done))
