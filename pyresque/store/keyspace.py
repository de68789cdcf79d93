"""Looking at keys as they are: which there are below the namespace, and what one holds, of whatever type."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyresque.errors import RedisError, RedisReplied
from pyresque.store.connection.link import Command, Reply, Word
from pyresque.store.space import Space

SCANNED = 2000
"""Keys that Redis passes in one step of a scan, at most."""
STEPS = 20
"""Steps that one look takes."""
CHUNK = 65_536
"""Bytes of a text that are read at a time."""

_SIZES = {
    "string": "STRLEN",
    "list": "LLEN",
    "set": "SCARD",
    "zset": "ZCARD",
    "hash": "HLEN",
    "stream": "XLEN",
}
_PLAIN = re.compile(r"([*?\[\]\\^-])")

Rows = list[tuple[bytes, bytes]]
"""What a key holds: of each part what it is known by (an index, a score, a field, an id), and its bytes."""


@dataclass(frozen=True)
class KeyFacts:
    """A key without its namespace; its type as Redis calls it, and how much it holds (None: not known)."""

    name: str
    type: str
    size: int | None


def glob(text: str) -> str:
    """A text as a pattern that means just this text."""
    return _PLAIN.sub(r"\\\1", text)


def scan(space: Space, pattern: str, cursor: int, count: int) -> tuple[list[str], int]:
    """Some of the names that a pattern means, in no order; then where to go on (0: that was all).

    There may be more than `count`, or none, though there are more.
    """
    names: dict[str, None] = {}
    start, step = space.keys.prefix, count
    for _ in range(STEPS):
        after, found = space.link.execute(
            "SCAN", cursor, "MATCH", glob(start) + pattern, "COUNT", min(step, SCANNED)
        )
        cursor = int(after)
        names.update(dict.fromkeys(_text(name).removeprefix(start) for name in found))
        if cursor == 0 or len(names) >= count:
            break
        step *= 4
    return sorted(names), cursor


def facts(space: Space, names: Sequence[str]) -> list[KeyFacts]:
    """Type and size of each of these keys (without the namespace); of one that is gone the type is `none`."""
    types = [_text(reply) if isinstance(reply, bytes) else "none" for reply in _many(space, "TYPE", names)]
    asked = [(name, kind) for name, kind in zip(names, types, strict=True) if kind in _SIZES]
    replies = space.link.execute_many([(_SIZES[kind], space.keys.prefix + name) for name, kind in asked])
    sizes = {name: reply for (name, _), reply in zip(asked, replies, strict=True) if isinstance(reply, int)}
    return [KeyFacts(name, kind, sizes.get(name)) for name, kind in zip(names, types, strict=True)]


def seconds_left(space: Space, name: str) -> float | None:
    """Seconds after which a key goes by itself; None: it stays."""
    left = int(space.link.execute("PTTL", space.keys.prefix + name))
    return left / 1000 if left >= 0 else None


def rows(space: Space, name: str, kind: str, start: str, count: int) -> tuple[Rows, str | None]:
    """Some of what a key holds, and where to go on (None: that was all).

    Raises:
        RedisReplied: it is of another type meanwhile.
    """
    read = _READERS.get(kind)
    return ([], None) if read is None else read(space, space.keys.prefix + name, start, count)


def _string(space: Space, key: str, start: str, _: int) -> tuple[Rows, str | None]:
    at = _number(start)
    text: bytes = space.link.execute("GETRANGE", key, at, at + CHUNK - 1)
    length = int(space.link.execute("STRLEN", key))
    return [(b"%d" % at, text)], str(at + CHUNK) if at + CHUNK < length else None


def _list(space: Space, key: str, start: str, count: int) -> tuple[Rows, str | None]:
    at = _number(start)
    raws: list[bytes] = space.link.execute("LRANGE", key, at, at + count - 1)
    length = int(space.link.execute("LLEN", key))
    more = str(at + count) if at + count < length else None
    return [(b"%d" % index, raw) for index, raw in enumerate(raws, at)], more


def _zset(space: Space, key: str, start: str, count: int) -> tuple[Rows, str | None]:
    at = _number(start)
    flat: list[bytes] = space.link.execute("ZRANGE", key, at, at + count - 1, "WITHSCORES")
    size = int(space.link.execute("ZCARD", key))
    more = str(at + count) if at + count < size else None
    return list(zip(flat[1::2], flat[::2], strict=True)), more


def _set(space: Space, key: str, start: str, count: int) -> tuple[Rows, str | None]:
    after, members = space.link.execute("SSCAN", key, _number(start), "COUNT", count)
    return [(b"", member) for member in members], _next(after)


def _hash(space: Space, key: str, start: str, count: int) -> tuple[Rows, str | None]:
    after, flat = space.link.execute("HSCAN", key, _number(start), "COUNT", count)
    return list(zip(flat[::2], flat[1::2], strict=True)), _next(after)


def _stream(space: Space, key: str, start: str, count: int) -> tuple[Rows, str | None]:
    first = start if re.fullmatch(r"[0-9]{1,20}-[0-9]{1,20}", start, re.ASCII) else "-"
    entries: Reply = space.link.execute("XRANGE", key, first, "+", "COUNT", count + 1)
    more = _text(entries[count][0]) if len(entries) > count else None
    return [(entry[0], _fields(entry[1] or ())) for entry in entries[:count]], more


def _fields(flat: Sequence[bytes]) -> bytes:
    """The fields of an entry as a JSON object; one that comes again has its number behind its name."""
    found: dict[str, str] = {}
    for raw, value in zip(flat[::2], flat[1::2], strict=True):
        name = field = raw.decode("utf-8", "backslashreplace")
        number = 1
        while field in found:
            number += 1
            field = f"{name} ({number})"
        found[field] = value.decode("utf-8", "backslashreplace")
    return json.dumps(found, ensure_ascii=False).encode()


_READERS = {
    "string": _string,
    "list": _list,
    "set": _set,
    "zset": _zset,
    "hash": _hash,
    "stream": _stream,
}


def _number(start: str) -> int:
    return int(start) if start.isascii() and start.isdigit() and len(start) < 19 else 0


def _next(after: Word) -> str | None:
    number = int(after)
    return str(number) if number else None


def _many(space: Space, command: str, names: Sequence[str]) -> Iterator[Reply]:
    commands: list[Command] = [(command, space.keys.prefix + name) for name in names]
    for reply in space.link.execute_many(commands):
        if isinstance(reply, RedisError) and not isinstance(reply, RedisReplied):
            raise reply
        yield reply


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
