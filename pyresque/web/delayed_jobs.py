"""Delayed jobs one by one: all of them with filters, and every schedule of one class with its arguments."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

from flask import abort, g, render_template, request

from pyresque.client import delayed_seconds
from pyresque.errors import InvalidSelection
from pyresque.web import paging
from pyresque.web.delayed import pages as pages
from pyresque.web.delayed import place_of, places_in, selected, words

FILTERS = ("class_name", "queue", "text", "hours", "since", "until")


@pages.get("/delayed/jobs")
def jobs() -> str:
    """Delayed jobs, those that are due first at the beginning."""
    asked = {name: request.args[name] for name in FILTERS if request.args.get(name)}
    selection, page = selected(request.args), paging.asked()
    after = request.args.get("after") or None
    found = selection.look(page.number, page.size, after=after)
    onward = None if found.next is None else {**asked, "page": page.number + 1, "after": found.next}
    return render_template(
        "delayed_jobs.html",
        found=found,
        rows=[(item, place_of(item, 0)) for item in found.items],
        page=replace(page, total=None if after else found.total, more=found.more),
        asked=asked,
        onward=onward,
        **words(time.time()),
    )


@pages.get("/delayed/outside")
def outside() -> str:
    """Lists of delayed jobs that the index lacks; they are looked for among all keys, a part at a time."""
    given = request.args.get("cursor", "")
    cursor = int(given) if given.isascii() and given.isdigit() and len(given) < 20 else 0
    found, after = delayed_seconds.seconds_outside(g.resque.space, cursor)
    return render_template(
        "delayed_outside.html", found=found, cursor=cursor, after=after, **words(time.time())
    )


@pages.get("/delayed/same")
def same() -> str:
    """Every delayed job of one class with the same arguments: that of a row, or as the address names them."""
    class_name, args, queue = _meant()
    found, is_whole = delayed_seconds.schedules_of(g.resque, class_name, args, queue)
    return render_template(
        "delayed_same.html",
        class_name=class_name,
        args=args,
        rows=[(item, place_of(item, index)) for item, index in found],
        is_whole=is_whole,
        most=delayed_seconds.LOOK,
        **words(time.time()),
    )


def _meant() -> tuple[str, Any, str | None]:
    """Class, arguments and queue of the jobs that the address means."""
    if request.args.get("id"):
        items = list(delayed_seconds.at_places(g.resque, places_in(request.args)))
        if not items:
            abort(404, "This job is not delayed any more: it has run meanwhile, or was removed.")
        return items[0].job_class, items[0].job_args, items[0].queue
    try:
        args = json.loads(request.args.get("args") or "[]")
    except (ValueError, RecursionError) as error:
        raise InvalidSelection(f"the arguments are not JSON: {error}") from None
    return request.args.get("class_name", ""), args, request.args.get("queue")
