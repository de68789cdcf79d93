"""Writing an entry of the schedule: a new one, or one that is in Redis. Errors stand at their fields."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import Response, current_app, g, make_response, redirect, render_template, request, url_for

from pyresque.client.scheduling import stored_value
from pyresque.errors import InvalidSchedule, InvalidSelection, NotAJob
from pyresque.schedule.entry import shareable
from pyresque.store import schedules
from pyresque.web import audit
from pyresque.web.filters import hidden
from pyresque.web.names import handle, shown
from pyresque.web.schedule import digest, found_entry
from pyresque.web.schedule import pages as pages

TEXTS = ("class", "queue", "cron", "every", "description", "rails_env")
"""Fields that stand in an entry as they are typed."""
PLACES = (
    (r"\bcron\b", "cron"),
    (r"\bevery\b", "every"),
    (r"has no class|its class", "class"),
    (r"queue", "queue"),
    (r"rails_env", "rails_env"),
    (r"first|last|times", "options"),
    (r"args", "args"),
)
"""At which field an error is shown: the first whose pattern is in its text."""

Fields = dict[str, str]


@pages.get("/new-entry")
def new() -> str:
    """The empty form."""
    return _form({"args": "[]"}, {}, "")


@pages.post("/new-entry")
def add() -> Response:
    """Write a new entry."""
    return _write(None)


@pages.get("/edit-entry/<path:name>")
def edit(name: str) -> str:
    """The form of an entry that is in Redis."""
    one, every = found_entry(name)
    raw = every.raw(one.name)
    if raw is None:
        raise InvalidSchedule(f"{shown(one.name)} is an entry of the schedule file: change it there")
    value = stored_value(raw)
    shown_value = hidden(value) if isinstance(value, dict) else {}
    return _form({**_fields(shown_value), "was": digest(raw)}, {}, one.name)


@pages.post("/edit-entry/<path:name>")
def save(name: str) -> Response:
    """Write an entry in the place of the one that the form has shown."""
    return _write(found_entry(name)[0].name)


def _write(name: str | None) -> Response:
    fields = {key: text for key, text in request.form.items() if key != "token"}
    errors: dict[str, str] = {}
    value = _with_secrets(_value(fields, errors), name, errors)
    known = name if name is not None else fields.get("name", "").strip()
    if not errors:
        errors = _refused(known, value, fields, is_new=name is None)
    if errors:
        return make_response(_form(fields, errors, name or ""), 422)
    with audit.recorded("schedule.add" if name is None else "schedule.edit", f"name={shown(known)}") as entry:
        g.resque.write_schedule(known, value)
        entry.count = 1
    return redirect(url_for("schedule.entry", name=handle(known)), 303)  # type: ignore[return-value]  # werkzeug's


def _refused(name: str, value: dict[str, Any], fields: Fields, *, is_new: bool) -> dict[str, str]:
    """Why an entry cannot be written, by field; empty where it can."""
    if not name and is_new:
        return {"name": "An entry needs a name."}
    stored = schedules.entries(g.resque.space).get(name)
    if is_new and stored is not None:
        return {"name": "There is an entry of this name: edit that one, or choose another name."}
    if not is_new and digest(stored) != fields.get("was", ""):
        return {"": "Somebody has changed this entry meanwhile. Go back to it, and look what it is now."}
    try:
        checked = g.resque.check_schedule(name, value)
        shareable(checked, g.resque.space.style)
    except (InvalidSchedule, NotAJob) as error:
        text = str(error).removeprefix(f"{name}: ")
        return {_place(text): text}
    return {}


def _with_secrets(value: dict[str, Any], name: str | None, errors: dict[str, str]) -> dict[str, Any]:
    """The entry with its secrets where the form has shown [hidden]."""
    raw = None if name is None else schedules.entries(g.resque.space).get(name)
    old = None if raw is None else stored_value(raw)
    try:
        found: dict[str, Any] = current_app.extensions["pyresque_secrets"].restored(value, old)
    except InvalidSelection as error:
        errors[""] = f"{error}."
        return value
    return found


def _place(text: str) -> str:
    return next((field for pattern, field in PLACES if re.search(pattern, text)), "")


def _value(fields: Fields, errors: dict[str, str]) -> dict[str, Any]:
    """The entry that the fields describe; what cannot be read goes into `errors`."""
    others, options = _json(fields, "others", dict, errors), _json(fields, "options", dict, errors)
    args = _json(fields, "args", (list, dict), errors)
    value: dict[str, Any] = {**(others or {})}
    for key in TEXTS:
        if text := fields.get(key, "").strip():
            value[key] = text
    if args is not None:
        value["args"] = args
    for key in ("cron", "every"):
        if options and key in value:
            value[key] = [value[key], options]
            break
    return value


def _json(fields: Fields, key: str, kinds: Any, errors: dict[str, str]) -> Any:
    text = fields.get(key, "").strip()
    if not text:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        errors[key] = f"This is not JSON: {error}."
        return None
    if not isinstance(value, kinds):
        example = 'a list such as [1, "a"]' if key == "args" else 'an object such as {"a": 1}'
        errors[key] = f"Write {example}."
        return None
    return value


def _fields(value: dict[str, Any]) -> Fields:
    """The texts of the fields for an entry."""
    fields, others = {}, {key: item for key, item in value.items() if key not in (*TEXTS, "args")}
    for key in TEXTS:
        item = value.get(key)
        if (
            key in ("cron", "every")
            and isinstance(item, list)
            and len(item) == 2
            and isinstance(item[1], dict)
        ):
            item, fields["options"] = item[0], _written(item[1])
        if isinstance(item, str | int | float) and not isinstance(item, bool):
            fields[key] = str(item)
    if "args" in value:
        fields["args"] = _written(value["args"])
    if others:
        fields["others"] = _written(others)
    return fields


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _form(fields: Fields, errors: dict[str, str], name: str) -> str:
    return render_template(
        "schedule_form.html", fields=fields, errors=errors, name=name, handle=handle, shown=shown
    )
