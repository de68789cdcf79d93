"""Stats, with the three tabs of resque-web: Resque's numbers, what Redis tells of itself, and the keys."""

from __future__ import annotations

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug import Response

from pyresque.client.keyspace import KeyValue
from pyresque.store.connection import server
from pyresque.web.filters import hidden
from pyresque.web.names import shown

pages = Blueprint("stats", __name__)

MOST_KEYS = 200
"""About so many keys are on a page; Redis gives them in no order."""
MOST_ROWS = 50
"""Parts of a key on a page."""
LONGEST = 4000
"""Characters of one part that are shown."""


@pages.get("/stats", strict_slashes=False)
def stats() -> Response:
    """As in resque-web, the first tab."""
    return redirect(url_for("stats.resque"))


@pages.get("/stats/resque")
def resque() -> str:
    """The numbers of Ruby's Resque.info, under its names and in the order of its page."""
    info = sorted(g.resque.info().items())
    return render_template("stats_resque.html", info=info, database=g.resque.link.database)


@pages.get("/stats/redis")
def redis() -> str:
    """What Redis tells of itself (INFO), by section; with a text, the lines that have it."""
    text = request.args.get("text", "").strip()
    sections = {
        section: [line for line in lines if text.lower() in f"{line[0]}:{line[1]}".lower()]
        for section, lines in server.info(g.resque.link).items()
    }
    found = {section: lines for section, lines in sections.items() if lines}
    return render_template("stats_redis.html", sections=found, text=text, database=g.resque.link.database)


@pages.get("/stats/keys")
def keys() -> str:
    """The keys below the namespace, a part at a time."""
    match, cursor = request.args.get("match", ""), request.args.get("cursor", "")
    at = int(cursor) if cursor.isdecimal() and len(cursor) < 21 else 0
    at = at if at < 2**64 else 0
    found = g.resque.keys(match or None, at, MOST_KEYS)
    return render_template(
        "stats_keys.html",
        keys=sorted(found.keys, key=lambda key: key.name),
        after=found.cursor,
        is_first=not at,
        match=match,
        prefix=g.resque.space.keys.prefix,
        shown=shown,
    )


@pages.get("/stats/keys/<path:name>")
def key(name: str) -> str:
    """One key and what it holds, of whatever type."""
    found = g.resque.key(name, request.args.get("start", ""), MOST_ROWS)
    if found is None:
        abort(404, "There is no such key: it has gone meanwhile, or never was.")
    return render_template(
        "stats_key.html",
        key=found,
        rows=[(shown(label), part(found, label, value)) for label, value in found.rows],
        is_first=not request.args.get("start"),
        prefix=g.resque.space.keys.prefix,
        shown=shown,
        labels={"list": "Index", "zset": "Score", "hash": "Field", "stream": "Id"},
    )


def part(key: KeyValue, label: bytes, value: bytes) -> str:
    """A part of a key as text, without secrets, by the name of its field, or that of the string."""
    name = shown(label) if key.type == "hash" else shown(key.name) if key.type == "string" else "value"
    text = str(hidden({name: shown(value)})[name])
    return (
        text
        if len(text) <= LONGEST
        else f"{text[:LONGEST]}\N{HORIZONTAL ELLIPSIS} ({len(text):,} characters)"
    )
