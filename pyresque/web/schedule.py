"""The schedule: its entries with their runs, the schedulers, and what can be done with them."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, g, render_template, request

from pyresque.client.missed_runs import missed_runs
from pyresque.client.schedule_entries import Entries, Listed
from pyresque.client.scheduler_status import look
from pyresque.client.scheduling import default_text, run_now
from pyresque.errors import InvalidSchedule, InvalidSelection, RedisReplied
from pyresque.schedule.zones import find_zone
from pyresque.store import master
from pyresque.web import paging
from pyresque.web.acting import Form, Outcome, Question, action
from pyresque.web.filters import hidden
from pyresque.web.names import handle, raw_name, shown
from pyresque.web.scheduler_settings import entries, options, schedule_file
from pyresque.wire import times

pages = Blueprint("schedule", __name__)

RUNS = 5
"""Next runs that the page of an entry shows."""
PARAMETER = "p."
"""What the names of the fields begin with that are parameters of an entry."""

STATES: dict[str, tuple[str, Callable[[Entries, str], bool]]] = {
    "refused": ("refused", lambda every, name: bool(every.judged(name)[1])),
    "never": ("that never ran", lambda every, name: not every.last(name)),
    "off": ("that do not run here", lambda every, name: not every[name].runs_here),
    "redis": ("in Redis", lambda every, name: every.raw(name) is not None),
    "file": ("of the file", lambda every, name: every.raw(name) is None),
}
"""Which entries one may choose, in words."""


@pages.get("/schedule")
def listing() -> str:
    """The entries by name, and who fires them."""
    file, file_problem = schedule_file()
    trouble = ""
    try:
        every = entries(file)
    except RedisReplied as error:
        trouble, every = str(error), None
    found = [] if every is None else _matching(every)
    page = paging.asked()
    names = found[page.first - 1 : page.first - 1 + page.size]
    listed = [] if every is None else [every[name] for name in names]
    now = time.time()
    status = look(g.resque, options(), entries=listed)
    return render_template(
        "schedule.html",
        entries=listed,
        every=every,
        refused=0 if every is None else sum(1 for name in every if every.judged(name)[1]),
        missed=_missed(listed, now),
        page=replace(page, total=len(found), more=page.first + page.size <= len(found)),
        status=status,
        states=STATES,
        trouble=trouble,
        file_problem=file_problem,
        asked=request.args,
        **_words(),
    )


@pages.get("/schedule/<path:name>")
def entry(name: str) -> str:
    """One entry, whole."""
    one, every = found_entry(name)
    now = time.time()
    raw = every.raw(one.name)
    return render_template(
        "schedule_entry.html",
        one=one,
        runs=[_run(one, at) for at in one.runs(RUNS, now)],
        zone=_zone(one)[0],
        raw=json.dumps(one.value, ensure_ascii=False, default=str) if raw is None else shown(raw),
        missed=_missed([one], now),
        parameters=_parameters(one),
        doubts=[] if one.entry is None else one.entry.doubts,
        line=getattr(schedule_file()[0].get(one.name), "line", None),
        **_words(),
    )


def found_entry(name: str) -> tuple[Listed, Entries]:
    """The entry with this handle, and all of them; a page that says so where there is none."""
    every, known = entries(), raw_name(name).decode("utf-8", "surrogateescape")
    if known not in every:
        abort(404, "There is no such entry in the schedule; it may have been removed meanwhile.")
    return every[known], every


def digest(raw: bytes | None) -> str:
    """What tells whether an entry in Redis is still what a page has shown."""
    return "" if raw is None else hashlib.sha1(raw).hexdigest()[:16]  # noqa: S324 (no secret)


def _matching(every: Entries) -> list[str]:
    """The names of the entries that are asked for."""
    text, state = request.args.get("text", ""), request.args.get("show", "")
    names = [name for name in every if not text or text.lower() in _searched(every, name)]
    if state in STATES:
        names = [name for name in names if STATES[state][1](every, name)]
    return names


def _searched(every: Entries, name: str) -> str:
    raw = every.raw(name)
    told = str(every[name].value) if raw is None else raw.decode("utf-8", "replace")
    return f"{name} {told}".lower()


def _missed(listed: list[Listed], now: float) -> dict[str, float]:
    """When entries should have run and have not, by name."""
    found = missed_runs(g.resque.space, listed, now, options().environment)
    return {one.name: one.due for one in found}


def _words() -> dict[str, Any]:
    """What the templates of the schedule need."""
    return {
        "handle": handle,
        "shown": shown,
        "last_run": lambda text: times.parse(text) if text else None,
        "part": _part,
        "timing": _timing,
        "environment": options().environment,
        "server_time": datetime.now().astimezone(),
    }


def _part(one: Listed, key: str) -> Any:
    """What an entry has under a key; None where it is no mapping."""
    value = one.entry.value if one.entry is not None else one.value
    return value.get(key) if isinstance(value, dict) else None


def _timing(one: Listed) -> str:
    """When an entry runs, as it was written: `every 15m (first in 5m)`, as the tab of resque-web has it."""
    for key in ("cron", "every"):
        written = _part(one, key)
        if written in (None, ""):
            continue
        first, options_of = (
            (written, None)
            if not isinstance(written, list) or not written
            else (
                written[0],
                written[1] if len(written) > 1 else None,
            )
        )
        words = ", ".join(f"{key} {item}".replace("_", " ") for key, item in _items(options_of))
        return f"{key} {first}{f' ({words})' if words else ''}"
    return ""


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def _zone(one: Listed) -> tuple[str, Any]:
    """The zone of an entry whose cron has one."""
    if one.entry is None or one.entry.cron is None:
        return "", UTC
    return find_zone(one.entry.cron.zone)


def _run(one: Listed, at: float) -> tuple[float, str, str]:
    """A run: the moment, in UTC, and as the clocks of the entry's zone have it."""
    moment = datetime.fromtimestamp(at, UTC)
    own = moment.astimezone(_zone(one)[1])
    return at, f"{moment:%Y-%m-%d %H:%M:%S}", f"{own:%a %Y-%m-%d %H:%M:%S %Z}"


def _parameters(one: Listed) -> list[tuple[str, str, str, bool]]:
    """The parameters that an entry asks for before it is queued: name, description, default.

    Of a secret the default is not shown; whether it is one comes last.
    """
    declared = _part(one, "parameters")
    found = []
    for name, spec in _items(declared):
        told = spec if isinstance(spec, dict) else {}
        default = default_text(told.get("default"))
        is_secret = bool(default) and hidden({name: default})[name] != default
        found.append((name, str(told.get("description") or ""), "" if is_secret else default, is_secret))
    return found


def _named(form: Form) -> Listed:
    return found_entry(form.get("name", ""))[0]


def _about_to_run(form: Form) -> Question:
    one = _named(form)
    if one.entry is None:
        raise InvalidSchedule(f"{shown(one.name)} cannot be queued: {one.refused}")
    queue = one.entry.value.get("queue")
    return Question(1, {str(one.entry.value["class"]): 1}, f"Its queue: {queue}." if queue else "")


@action("schedule.run", "Queue now", ask=_about_to_run)
def run(form: Form) -> Outcome:
    """Put the job of an entry on its queue, with parameters or other arguments if they are given."""
    one = _named(form)
    if one.entry is None:
        raise InvalidSchedule(f"{shown(one.name)} cannot be queued: {one.refused}")
    given = {name.removeprefix(PARAMETER): text for name, text in form.items() if name.startswith(PARAMETER)}
    for name, _, _, is_secret in _parameters(one):
        if is_secret and not given.get(name):
            given.pop(name, None)  # its default is not shown, and counts
    args = _arguments(form.get("args", ""))
    done = run_now(g.resque.space, g.resque.registry, one.entry, given or None, args)
    name = shown(one.name)
    if not done:
        return Outcome(f"{name} was not queued: a hook or a lock refused it.", 0)
    return Outcome(f"{name} was queued.", 1)


def _arguments(text: str) -> Any:
    """Arguments as they were typed, decoded; None where none were.

    Raises:
        InvalidSelection: they are not JSON.
    """
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidSelection(
            f'The arguments are not JSON ({error}): write a list such as [1, "a"].'
        ) from None


def _about_to_remove(form: Form) -> Question:
    one = _stored(form)
    return Question(
        None, {}, f"The entry {shown(one.name)} goes out of Redis; its job does not run any more."
    )


def _stored(form: Form) -> Listed:
    """The entry that is meant, if it is in Redis.

    Raises:
        InvalidSchedule: it is not.
    """
    one = _named(form)
    if one.source == "file":
        raise InvalidSchedule(
            f"{shown(one.name)} is an entry of the schedule file, not of Redis: change it there, and "
            "schedulers follow when they read the file again"
        )
    return one


@action("schedule.remove", "Remove entry", ask=_about_to_remove, is_dangerous=True)
def remove(form: Form) -> Outcome:
    """Remove an entry from Redis."""
    one = _stored(form)
    gone = g.resque.remove_schedule(one.name)
    return Outcome(f"{shown(one.name)} was removed." if gone else "It was gone already.", int(gone))


@action("schedule.disable", "Switch off")
def disable(form: Form) -> Outcome:
    """Switch an entry off."""
    one = _stored(form)
    done = g.resque.disable_schedule(one.name)
    return Outcome(f"{shown(one.name)} is off: no scheduler of either language runs it.", int(done))


@action("schedule.enable", "Switch on")
def enable(form: Form) -> Outcome:
    """Switch an entry on again."""
    one = _stored(form)
    done = g.resque.enable_schedule(one.name)
    return Outcome(f"{shown(one.name)} is on.", int(done))


def _about_to_release(form: Form) -> Question:
    seen = look(g.resque, options(), entries=[]).master
    if seen is None or handle(seen.value) != form.get("value"):
        raise InvalidSelection("The lock has changed meanwhile, so it is left alone.")
    if seen.alive:
        raise InvalidSelection(
            f"The master {shown(seen.value)} lives: {seen.why}. Stop it, and it frees the lock itself."
        )
    doubt = "It is dead" if seen.alive is False else "Nobody can tell from here whether it lives"
    return Question(None, {}, f"{shown(seen.value)}. {doubt}: {seen.why}. Another scheduler goes on at once.")


@action("scheduler.release", "Release the lock", ask=_about_to_release, is_dangerous=True)
def release(form: Form) -> Outcome:
    """Free the lock of a dead master."""
    _about_to_release(form)
    key = g.resque.space.keys.master_lock(options().lock_prefix)
    gone = master.free(g.resque.space, key, raw_name(form["value"]).decode("utf-8", "surrogateescape"))
    return Outcome("The lock is free." if gone else "The lock has changed meanwhile.", int(gone))
