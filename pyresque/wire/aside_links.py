"""How a failure record leads to bytes that were put aside (in Lua: parts/aside.lua and aside_links.lua).

A link is text: the name of the list behind `pyresque:aside:`, a blank, and the SHA1 of the bytes. Where the
bytes are a job, that is the record's payload, and the link has a key of its own. Where they are
none, the payload is a job of the class below, whose arguments are the link and the bytes as text: whoever
presses Ruby's own Retry pushes that, and a worker of ours puts the bytes back when it comes to it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from pyresque.keys import DELAYED, QUEUE
from pyresque.wire.encoding import Style, encode

CLASS = "Pyresque::SetAside"
KEY = "pyresque_aside"
NO_QUEUE = "no_queue"
"""The queue in a record of what has none: Ruby's Retry stops at a record without one."""
RESTORABLE = (QUEUE, DELAYED)
"""How the lists begin whose bytes have a place to go back to."""
SHOWN = 4096
"""Characters of the bytes that a record shows."""


def link_to(name: str, raw: bytes) -> str:
    """The link to bytes in the list with this name (without the prefix of all aside lists)."""
    text = name.encode("utf-8", "surrogateescape")
    quoted = re.sub(rb"[^\w.~:/,@*+!=-]", lambda match: f"%{match[0][0]:02X}".encode(), text)
    return f"{quoted.decode()} {hashlib.sha1(raw).hexdigest()}"  # noqa: S324 (no secret)


def list_of(link: object) -> str | None:
    """The name of the list that a link leads to; None if it is none."""
    match = re.fullmatch(r"(\S+) [0-9a-f]{40}", link) if isinstance(link, str) else None
    if match is None:
        return None
    quoted = match[1].encode("utf-8", "replace")
    text = re.sub(rb"%([0-9A-Fa-f]{2})", lambda digits: bytes.fromhex(digits[1].decode()), quoted)
    return text.decode("utf-8", "surrogateescape")


def pointer(link: str, raw: bytes, style: Style) -> bytes:
    """The payload that stands for bytes that are not a job."""
    text = raw.decode("utf-8", "replace")
    return encode({"class": CLASS, "args": [link, text[:SHOWN]]}, style)


def pointed_to(payload: Mapping[str, Any]) -> str | None:
    """The link in a decoded payload that stands for such bytes; None if it is any other job."""
    args = payload.get("args")
    if payload.get("class") != CLASS or not isinstance(args, list) or not args:
        return None
    return args[0] if list_of(args[0]) is not None else None


def link_in(record: Mapping[str, Any]) -> str | None:
    """The link that a decoded failure record holds; None if it tells of nothing that was put aside."""
    payload, link = record.get("payload"), record.get(KEY)
    if link is None and isinstance(payload, dict):
        link = pointed_to(payload)
    if link is None and isinstance(payload, str) and isinstance(record.get("queue"), str):  # of 0.1.0
        link = link_to(QUEUE + record["queue"], payload.encode())
    return link if list_of(link) is not None else None
