"""The audit log: who has done what from the dashboard, when, and with how many.

An entry is written when an action has ended, for only then is it known with how many. What the log cannot
hold just then does not undo the action, and its page is shown as if it had: then only the logger
`pyresque.web.audit` has it. That gets each entry, and a line before the action: if this process is killed in
the middle of it, that line tells.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import current_app, g, request

from pyresque.errors import RedisError
from pyresque.log import Log
from pyresque.store import audit as store
from pyresque.usercode.safely import cut
from pyresque.web import access
from pyresque.wire.times import rfc3339

if TYPE_CHECKING:
    from pyresque.client.resque import Resque

logger = Log("pyresque.web.audit")

_TEXT = 500
"""Characters that an entry keeps of one text."""


@dataclass
class Entry:
    """One action: `count` is None where it is not known with how many it was done; `problem` says why."""

    at: float
    who: str
    address: str
    action: str
    what: str
    count: int | None = None
    problem: str = ""
    id: str = ""

    def written(self) -> bytes:
        """The entry as Redis keeps it."""
        told = {**vars(self), "at": round(self.at, 3)}
        return json.dumps({name: value for name, value in told.items() if value not in (None, "")}).encode()


@contextmanager
def recorded(action: str, what: str) -> Iterator[Entry]:
    """Within the block an action is done; its end puts the entry in the log, also that by an error.

    The block is to set `count`.
    """
    who, address = access.who(), request.remote_addr or ""
    hidden = current_app.extensions["pyresque_secrets"].text
    entry = Entry(
        time.time(), _plain(who), _plain(address), action, _plain(hidden(what)), id=uuid.uuid4().hex
    )
    logger.info("%s (%s) begins %s: %s", entry.who, entry.address, action, entry.what)
    try:
        yield entry
    except BaseException as error:
        entry.problem = _plain(hidden(str(error) or type(error).__name__))
        raise
    finally:
        _write(g.resque, entry)


def record(action: str, what: str, count: int | None) -> None:
    """Put an action that has been done in the log."""
    with recorded(action, what) as entry:
        entry.count = count


def _write(resque: Resque, entry: Entry) -> None:
    told = f"{entry.count:,}" if entry.count is not None else "not known how many"
    more = f"; {entry.problem}" if entry.problem else ""
    logger.info("%s (%s) %s: %s (%s%s)", entry.who, entry.address, entry.action, entry.what, told, more)
    try:
        store.add(resque.space, entry.written())
    except RedisError as error:
        logger.warning("the audit log in Redis lacks that: %s", error)


def newest(resque: Resque, start: int, count: int) -> tuple[list[Entry], int]:
    """Some entries, the newest first, and how many there are; what is no entry is left out."""
    raws, length = store.entries(resque.space, start, count)
    return list(_read(raws)), length


def _read(raws: Iterable[bytes]) -> Iterator[Entry]:
    seen = set()
    for raw in raws:
        try:
            held: Any = json.loads(raw)
        except (ValueError, RecursionError):
            continue
        if not isinstance(held, dict) or type(held.get("at")) not in (int, float):
            continue
        texts = {
            name: str(held.get(name, "")) for name in ("who", "address", "action", "what", "problem", "id")
        }
        count = held.get("count")
        entry = Entry(at=held["at"], count=count if type(count) is int else None, **texts)
        if entry.id and entry.id in seen:
            continue  # the reply to the first one was lost
        seen.add(entry.id)
        yield entry


def _plain(text: str) -> str:
    r"""A text on one line, whatever a name holds: `\n` and the like are written out."""
    shown = "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode("ascii")
        for one in text[: 2 * _TEXT]
    )
    return cut(shown, _TEXT)


def shown_at(entry: Entry) -> str:
    """When it was, in full."""
    return rfc3339(entry.at) or str(entry.at)
