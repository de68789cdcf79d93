"""Queues: all of them, one with its jobs, and what can be done with both."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, abort, g, render_template, request
from werkzeug.datastructures import MultiDict

from pyresque.client import queue_rows
from pyresque.client.queued_jobs import JobSelection, QueuedJob
from pyresque.errors import InvalidSelection, RedisReplied
from pyresque.web import paging
from pyresque.web.acting import Form, Outcome, Question, action
from pyresque.web.filters import hidden, pretty
from pyresque.web.names import handle, raw_name, shown
from pyresque.web.rounds import COUNTED, in_rounds, question

pages = Blueprint("queues", __name__)

FILTERS = ("class_name", "text")
LONGEST = 20_000
"""Characters of a job that a page shows."""


@pages.get("/queues")
def listing() -> str:
    """The queues, a page at a time."""
    text, by_size = request.args.get("name", ""), request.args.get("order") == "size"
    sizes = queue_rows.sizes(g.resque, text)
    names = sorted(sizes, key=lambda name: -sizes[name]) if by_size else list(sizes)
    page = paging.asked()
    some = names[page.first - 1 : page.first - 1 + page.size]
    page = replace(page, total=len(names), more=page.first + page.size <= len(names))
    return render_template(
        "queues.html",
        rows=queue_rows.rows(g.resque, {name: sizes[name] for name in some}),
        page=page,
        jobs=sum(sizes.values()),
        paused=g.resque.paused(),
        asked={"name": text, "order": request.args.get("order", "")},
        shown=shown,
        handle=handle,
    )


@pages.get("/queues/<path:queue>")
def show(queue: str) -> str:
    """One queue and its jobs."""
    resque, asked, page = g.resque, _asked_for(request.args), paging.asked()
    if not queue_rows.is_there(resque, queue):
        abort(404, "There is no such queue: it comes with its first job.")
    try:
        after = request.args.get("after") or None
        found = _selected(queue, asked).look(page.number, page.size, after=after)
        classes, trouble = resque.jobs(queue).groups(most=5000), ""
    except RedisReplied as error:
        found, classes, after, trouble = None, [], None, str(error)
    if found is not None:
        page = replace(page, total=None if after else found.total, more=found.more)
    size = 0 if trouble else resque.size(queue)
    [row] = queue_rows.rows(resque, {queue: size})
    return render_template(
        "queue.html",
        queue=queue,
        row=row,
        found=found,
        classes=classes,
        trouble=trouble,
        asked=asked,
        page=page,
        paused=resque.paused(),
        next_page=None
        if found is None or found.next is None or page.total is not None
        else {**asked, "after": found.next, "page": page.number + 1},
        shown=shown,
        handle=handle,
        job_row=lambda job: f"{job.index} {job.id}",
        whole=_whole,
    )


def _whole(job: QueuedJob) -> str:
    """A job as a page shows it when it is opened."""
    text = hidden(shown(job.raw)) if job.payload is None else pretty(job.payload)
    return text if len(text) <= LONGEST else text[:LONGEST] + "\N{HORIZONTAL ELLIPSIS}"


def _asked_for(form: Form) -> Form:
    return MultiDict((name, form[name]) for name in FILTERS if form.get(name))


# --- which jobs are meant ---------------------------------------------------------------------------------


def _selected(queue: str, form: Form) -> JobSelection:
    """The jobs of a queue that a form means: those of rows, or by filters.

    Raises:
        InvalidSelection: one of them cannot be understood.
    """
    jobs = g.resque.jobs(queue)
    rows = form.getlist("row")
    if not rows and form.get("only"):
        raise InvalidSelection("No job is selected: tick those that are meant.")
    if rows:
        selection: JobSelection = jobs.these([_place(row) for row in rows])
        return selection
    found: JobSelection = jobs.select(**{name: form[name] for name in FILTERS if form.get(name)})
    return found


def _place(row: str) -> tuple[str, int]:
    index, _, digest = row.partition(" ")
    if not (index.isascii() and index.isdigit() and len(index) < 12):
        raise InvalidSelection(f"{row[:80]} stands for no job")
    return digest, int(index)


def _queue(form: Form) -> str:
    """The queue that a form names.

    Raises:
        InvalidSelection: it names none.
    """
    if "queue" not in form:
        raise InvalidSelection("The form names no queue.")
    return raw_name(form["queue"]).decode("utf-8", "surrogateescape")


def _asked(form: Form, note: str = "") -> Question:
    selection = _selected(_queue(form), form)
    groups = selection.groups(most=COUNTED)
    total = None if groups.is_whole else selection.look(1, 1, budget=1).total
    return question(groups, total, note)


# --- what can be done with jobs --------------------------------------------------------------------------


@action("queue.remove_jobs", "Remove", ask=lambda form: _asked(form, "They will not run."), is_dangerous=True)
def remove_jobs(form: Form) -> Outcome:
    """Remove jobs of a queue."""
    selection = _selected(_queue(form), form)
    return in_rounds(form, lambda most, after: selection.remove(most=most, after=after), "removed")


def _about_to_move(form: Form) -> Question:
    return _asked(form, f"They go to the end of {_target(form)}, in their order.")


def _target(form: Form) -> str:
    target = form.get("target", "").strip()
    if not target:
        raise InvalidSelection("To which queue? Write its name beside the button.")
    return target


@action("queue.move_jobs", "Move", ask=_about_to_move)
def move_jobs(form: Form) -> Outcome:
    """Move jobs to the end of another queue."""
    selection, target = _selected(_queue(form), form), _target(form)
    return in_rounds(
        form, lambda most, after: selection.move_to(target, most=most, after=after), f"moved to {target}"
    )


def _about_to_put_first(form: Form) -> Question | None:
    return None if len(form.getlist("row")) == 1 else _asked(form, "They run before all others of the queue.")


@action("queue.jobs_first", "To the front", ask=_about_to_put_first, verb="Put first")
def jobs_first(form: Form) -> Outcome:
    """Move jobs to the front of their queue."""
    selection = _selected(_queue(form), form)
    return in_rounds(
        form, lambda most, after: selection.to_front(most=most, after=after), "moved to the front"
    )


# --- what can be done with queues ------------------------------------------------------------------------


@action("queue.pause", "Pause")
def pause(form: Form) -> Outcome:
    """Let nobody take jobs from a queue."""
    queue = _queue(form)
    g.resque.pause(queue)
    return Outcome(f"{shown(queue)} is paused: nobody takes jobs from it.", 1)


@action("queue.resume", "Resume")
def resume(form: Form) -> Outcome:
    """End the pause of a queue."""
    queue = _queue(form)
    was_paused = g.resque.resume(queue)
    return Outcome(f"{shown(queue)} {'goes on' if was_paused else 'was not paused'}.", int(was_paused))


@action(
    "queues.pause_all",
    "Pause all queues",
    ask=lambda _: Question(None, note="No worker takes any job until all queues are resumed."),
)
def pause_all(_form: Form) -> Outcome:
    """Let nobody take any job."""
    g.resque.pause_all()
    return Outcome("All queues are paused.", 1)


@action("queues.resume_all", "Resume all queues")
def resume_all(_form: Form) -> Outcome:
    """End the pause of all queues."""
    g.resque.resume_all()
    return Outcome("The pause of all queues has ended. Those that were paused by name stay so.", 1)


def _about_to_empty(form: Form) -> Question:
    queue = _queue(form)
    note = f"The jobs of {shown(queue)} will not run. The queue stays known."
    return Question(g.resque.size(queue), note=note)


@action("queue.empty", "Remove all jobs", ask=_about_to_empty, is_dangerous=True, verb="Remove")
def empty(form: Form) -> Outcome:
    """Remove every job of a queue."""
    count = g.resque.empty(_queue(form))
    return Outcome(f"{count:,} removed.", count)


def _about_to_forget(form: Form) -> Question:
    queue = _queue(form)
    count = g.resque.size(queue)
    jobs = f" Its {count:,} jobs will not run." if count else ""
    return Question(None, note=f"The queue {shown(queue)} is forgotten until a job is enqueued to it.{jobs}")


@action("queue.remove", "Remove the queue", ask=_about_to_forget, is_dangerous=True)
def remove(form: Form) -> Outcome:
    """Forget a queue and its jobs."""
    queue = _queue(form)
    g.resque.remove_queue(queue)
    return Outcome(f"{shown(queue)} is forgotten.", 1)
