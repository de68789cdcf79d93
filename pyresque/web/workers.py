"""Workers of both languages: the list with its filters, the hosts, one worker; stop them, remove the dead."""

from __future__ import annotations

import signal
from collections import Counter
from dataclasses import replace

from flask import Blueprint, abort, g, render_template, request

from pyresque.client.worker_list import STATES, WorkerList
from pyresque.store import workers as store
from pyresque.system.processes import process_title
from pyresque.web import paging
from pyresque.web.acting import Form, Outcome, Question, action
from pyresque.web.names import raw_name, shown
from pyresque.web.worker_words import WORDS
from pyresque.worker import by_hand
from pyresque.worker.liveness import process_of, signs_of_life
from pyresque.worker.loop import unregister

pages = Blueprint("workers", __name__)

FILTERS = ("host", "queue", "language", "state")
MOST_PRUNED = 200
"""Dead workers that are removed in one request: each takes several questions to Redis."""
SIGNALS = {"quit": signal.SIGQUIT, "term": signal.SIGTERM}


@pages.context_processor
def _words() -> dict[str, object]:
    return WORDS


@pages.get("/workers")
def listing() -> str:
    """The workers, a page at a time; with `by=host`, the hosts that have some."""
    known = WorkerList(g.resque.space)
    if request.args.get("by") == "host":
        return render_template("worker_hosts.html", known=known, hosts=known.hosts())
    return _listed(known, {name: request.args.get(name, "") for name in FILTERS})


@pages.get("/workers/<path:name>")
def show(name: str) -> str:
    """One worker; as in resque-web also the workers of one host, and `all` of them."""
    if store.is_registered(g.resque.space, name):
        return _one(name)
    known = WorkerList(g.resque.space)
    if name == "all":
        return _listed(known, {})
    if not any(worker.host == name for worker in known.workers):
        abort(404, "There is no such worker: it has left, or was removed.")
    return _listed(known, {"host": name})


def _listed(known: WorkerList, wanted: dict[str, str]) -> str:
    found = known.select(**wanted)
    page = paging.asked()
    page = replace(page, total=len(found), more=page.first + page.size <= len(found))
    some = known.shown(found[page.first - 1 : page.first - 1 + page.size])
    return render_template(
        "workers.html",
        known=known,
        page=page,
        workers=some,
        states=known.states(some),
        wanted=wanted,
        all_states=STATES,
    )


def _one(worker_id: str) -> str:
    known = WorkerList(g.resque.space, [worker_id])
    worker = known.shown(known.workers)[0]
    process, signs = process_of(g.resque.space, worker_id), signs_of_life(g.resque.space, worker_id)
    return render_template(
        "worker.html",
        worker=worker,
        state=known.states([worker])[worker_id],
        process=process,
        signs=signs,
        title_of_process=process_title(process.pid) if process.lives else "",
        pool=by_hand.pool_of(process) if process.lives else 0,
        out_of_reach=by_hand.out_of_reach(process, signal.SIGQUIT),
        raw=shown(worker.working.raw) if worker.working else "",
    )


# --- what can be done with them ---------------------------------------------------------------------------


def _ids(form: Form) -> list[str]:
    """The workers that a form means, as far as they are registered."""
    asked = [raw_name(given).decode("utf-8", "surrogateescape") for given in form.getlist("id")]
    return [name for name in dict.fromkeys(asked) if store.is_registered(g.resque.space, name)]


def _becomes_of(jobs: dict[str, str]) -> str:
    if not jobs:
        return "None of them has a job."
    return "The job that one has becomes a failure, which can be retried."


def _about_to_remove(form: Form) -> Question:
    signs = {worker_id: signs_of_life(g.resque.space, worker_id).seen for worker_id in _ids(form)}
    dead = [worker_id for worker_id, seen in signs.items() if not seen]
    jobs = by_hand.jobs_of(g.resque, dead)
    living = [
        f"{shown(worker_id)} lives: {shown(seen)}. Stop it first."
        for worker_id, seen in signs.items()
        if seen
    ]
    note = " ".join([*living[:5], _becomes_of(jobs) if dead else ""])
    return Question(len(dead), Counter(jobs.values()), note.strip())


@action("worker.remove", "Remove", ask=_about_to_remove, is_dangerous=True, noun="worker")
def remove(form: Form) -> Outcome:
    """Remove dead workers; a job that one had becomes a failure."""
    removed, left = 0, 0
    for worker_id in _ids(form):
        signs = signs_of_life(g.resque.space, worker_id)
        done = not signs.seen and unregister(g.resque, worker_id, signs.beat)
        removed, left = removed + done, left + (not done)
    text = f"{removed} removed."
    if left:
        text += f" {left} left alone: it lives, did something meanwhile, or nobody can read what it works on."
    return Outcome(text, removed)


def _about_to_prune(_: Form) -> Question:
    dead = [worker.id for worker in by_hand.dead_workers(g.resque)]
    jobs = by_hand.jobs_of(g.resque, dead)
    note = (
        _becomes_of(jobs) if dead else "Each has a process on this host, or a heartbeat of the last minutes."
    )
    return Question(len(dead), Counter(jobs.values()), note)


@action(
    "worker.prune",
    "Remove dead workers",
    ask=_about_to_prune,
    is_dangerous=True,
    verb="Remove",
    noun="dead worker",
)
def prune(_: Form) -> Outcome:
    """Remove every worker that is certainly dead, so many in a round."""
    pruned = by_hand.prune(g.resque, most=MOST_PRUNED)
    return Outcome(_pruned(len(pruned)), len(pruned), more=len(pruned) == MOST_PRUNED)


def _pruned(count: int) -> str:
    if count:
        return f"{count} dead {'worker' if count == 1 else 'workers'} removed."
    return "None removed: they did something meanwhile, or another worker prunes just now."


def _about_to_stop(form: Form) -> Question | None:
    number = _signal(form)
    whys = {
        worker_id: by_hand.out_of_reach(process_of(g.resque.space, worker_id), number)
        for worker_id in _ids(form)
    }
    reached = [worker_id for worker_id, why in whys.items() if not why]
    beyond = [f"{shown(worker_id)} {shown(why)}." for worker_id, why in whys.items() if why]
    held = by_hand.jobs_of(g.resque, reached)
    ends = "Its job may be ended." if number == signal.SIGTERM else "It finishes its job first."
    note = " ".join([*beyond[:5], ends if held else "It has no job." if reached else ""])
    return Question(len(reached), Counter(held.values()), note.strip())


@action("worker.stop", "Stop", ask=_about_to_stop, is_dangerous=True, noun="worker")
def stop(form: Form) -> Outcome:
    """Tell workers of this host to leave: with QUIT after their job, with TERM soon."""
    number = _signal(form)
    processes = {one: process_of(g.resque.space, one) for one in _ids(form)}
    reached = {
        one: process for one, process in processes.items() if not by_hand.out_of_reach(process, number)
    }
    stopped = by_hand.stop(reached, number)
    told = [worker for worker in stopped if not worker.trouble]
    text = f"{len(told)} told to leave ({number.name.removeprefix('SIG')})."
    troubles = [f"{shown(worker.worker_id)}: {worker.trouble}." for worker in stopped if worker.trouble]
    pools = [
        f"A pool starts another one: stop it with kill -QUIT {worker.pool}." for worker in told if worker.pool
    ]
    missed = len(processes) - len(reached)
    beyond = [f"{missed} cannot be reached from here."] if missed else []
    return Outcome(" ".join([text, *troubles[:3], *pools[:1], *beyond]), len(told))


def _signal(form: Form) -> signal.Signals:
    return SIGNALS.get(form.get("signal", ""), signal.SIGQUIT)
