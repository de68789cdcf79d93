"""A recorded trace, the keyspace of a real server, and how the two are made comparable.

A keyspace is a dict as in the trace files: key -> {"type", "value", and "ttl" where there is one}.
What differs from run to run is replaced by the trace's own placeholders, and only where it is right:
a time must lie within this run and be written in the zone of this process, an id must be the worker's.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import redis

FOLDER = Path(__file__).parents[3] / "docs/protocol/conformance/traces"
Keyspace = dict[str, Any]
WRITES = ("SET", "HSET", "SADD", "RPUSH", "LPUSH", "LSET", "INCRBY")
_REPEATED = ("workers:heartbeat", "pruning_dead_workers_in_progress", "queues", "failed_queues")


def names() -> list[str]:
    """The names of the traces of Resque itself."""
    return sorted(path.stem for path in (FOLDER / "core").glob("*.json"))


@dataclass(frozen=True)
class Trace:
    """One file."""

    name: str
    folder: str = "core"

    @cached_property
    def content(self) -> dict[str, Any]:
        return json.loads((FOLDER / self.folder / f"{self.name}.json").read_text("utf-8"))

    @property
    def before(self) -> Keyspace:
        """What Redis held at the beginning."""
        return self.content["keyspace_before"]

    @property
    def after(self) -> Keyspace:
        """What Redis held at the end, as `Normal.keyspace` gives it."""
        return recorded(self.content["keyspace"])

    @property
    def returned(self) -> list[Any] | None:
        """What the calls answered, where that was recorded."""
        return self.content.get("observed", {}).get("returned")

    @property
    def exit_status(self) -> int:
        """How the worker ended."""
        return self.content.get("observed", {}).get("worker_exit_status", 0)

    @property
    def written(self) -> list[str]:
        """Everything that was written, also what was gone at the end."""
        return written([words[1:] for words in self.content["commands"]], self.before)


def recorded(keyspace: Keyspace) -> Keyspace:
    """A keyspace with placeholders, its ids numbered in order of appearance and new backtraces cut."""
    number = _numbered(r"<(UUID)\d*>")
    return _mapped(keyspace, lambda text: number(_without_backtrace(text)))


def put(client: redis.Redis, keyspace: Keyspace, fill: Callable[[str], str]) -> None:
    """Write a keyspace into an empty database."""
    for name, entry in keyspace.items():
        key, value = fill(name), entry["value"]
        if entry["type"] == "string":
            client.set(key, fill(value))
        elif entry["type"] == "list":
            client.rpush(key, *map(fill, value))
        elif entry["type"] == "set":
            client.sadd(key, *map(fill, value))
        else:
            client.hset(key, mapping={fill(field): fill(item) for field, item in value.items()})
        if "ttl" in entry:
            client.expire(key, _seconds(entry["ttl"]))


def dump(client: redis.Redis) -> Keyspace:
    """Everything that a database holds; `ttl` is in seconds."""
    found = {}
    for key in client.scan_iter(count=1000):
        kind = client.type(key).decode()
        entry = {"type": kind, "value": _value(client, kind, key)}
        if (seconds := client.ttl(key)) >= 0:
            entry["ttl"] = seconds
        found[_text(key)] = entry
    return found


def _value(client: redis.Redis, kind: str, key: bytes) -> Any:
    if kind == "string":
        return _text(client.get(key))
    if kind == "list":
        return [_text(item) for item in client.lrange(key, 0, -1)]
    if kind == "set":
        return sorted(_text(item) for item in client.smembers(key))
    return {_text(field): _text(item) for field, item in sorted(client.hgetall(key).items())}


def with_bounds(found: Keyspace, wanted: Keyspace) -> Keyspace:
    """`found`, where a ttl that keeps the bound in `wanted` is written as that bound."""
    result = {}
    for key, entry in found.items():
        bound = wanted.get(key, {}).get("ttl")
        fits = bound is not None and 0 <= entry.get("ttl", -1) <= _seconds(bound)
        result[key] = {**entry, "ttl": bound} if fits else entry
    return result


def written(commands: Iterable[list[str]], before: Keyspace) -> list[str]:
    """The values that commands write, one line each, sorted.

    What Ruby or we may repeat as often as we like (heartbeats, a set's members) counts once, a member that
    a set had before not at all. A removal that Ruby does by writing an empty text first is not a value.
    """
    members = {f"SADD {k} {v}" for k, one in before.items() if one["type"] == "set" for v in one["value"]}
    lines: list[str] = []
    for command, *words in commands:
        key = words[0] if words else ""
        if command not in WRITES or ":pyresque:" in key or (command == "LSET" and words[2] == ""):
            continue
        parts = [[key, word] for word in words[1:]] if command in ("RPUSH", "LPUSH", "SADD") else [words]
        for part in parts:
            line = re.sub(r"<(UUID|CHILD_PID)\d*>", r"<\1>", _without_backtrace(" ".join([command, *part])))
            if line not in members and not (key.endswith(_REPEATED) and line in lines):
                lines.append(line)
    return sorted(lines)


class Normal:
    """Replaces what differs from run to run.

    Args:
        trace: whose placeholders are used.
        since: when the run began.
        ids: `host:pid` of this run and what stands for it.
    """

    def __init__(self, trace: Trace, since: float, ids: Mapping[str, str]) -> None:
        self._ids = ids
        self._stamps = _stamps(since)
        own = {name: item.get("regex") for name, item in trace.content["placeholders"].items()}
        # In this order: a time with its zone, before one without.
        self._times = [(name, re.compile(own.get(name) or regex)) for name, regex in _TIMES.items()]
        uuid = r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b"
        self._uuid = _numbered(rf"(?!00000000-){uuid}", "UUID")
        self._child = _numbered(r"(?<= pid )\d+", "CHILD_PID")

    def keyspace(self, found: Keyspace) -> Keyspace:
        """A dumped keyspace with placeholders."""
        return _mapped(found, self.text)

    def text(self, text: str) -> str:
        """A text with placeholders."""
        for real, name in self._ids.items():
            text = re.sub(rf"{re.escape(real)}\b", name, text)
        for name, regex in self._times:
            stamps = self._stamps[name]
            text = regex.sub(lambda m, n=name, s=stamps: n if m[0] in s else m[0], text)
        return _without_backtrace(self._child(self._uuid(text)))


_DAY, _CLOCK = r"\d{4}-\d\d-\d\d", r"\d\d:\d\d:\d\d"
_TIMES = {
    "<SLASH_TIME_ZONE>": rf"\d{{4}}/\d\d/\d\d {_CLOCK} (?:[A-Z]{{2,5}}|[+-]\d\d(?:\d\d)?)",
    "<SLASH_TIME>": rf"\d{{4}}/\d\d/\d\d {_CLOCK}",
    "<TIME_TO_S>": rf"{_DAY} {_CLOCK} [+-]\d{{4}}",
    "<ISO8601_OFFSET>": rf"{_DAY}T{_CLOCK}[+-]\d\d:\d\d",
    "<ISO8601_Z>": rf"{_DAY}T{_CLOCK}Z",
}
"""The forms of times, for what only we write; a trace's own placeholders come before these."""


def _stamps(since: float) -> dict[str, set[str]]:
    """Every second from then till now as Ruby writes it in each of its forms.

    See docs/protocol/core.md#forms-of-time.
    """
    stamps: dict[str, set[str]] = {}
    for second in range(int(since), int(time.time()) + 1):
        local, utc = time.localtime(second), time.gmtime(second)
        offset = time.strftime("%z", local)
        for name, text in {
            "<SLASH_TIME_ZONE>": time.strftime("%Y/%m/%d %H:%M:%S %Z", local),
            "<SLASH_TIME>": time.strftime("%Y/%m/%d %H:%M:%S", local),
            "<TIME_TO_S>": time.strftime("%Y-%m-%d %H:%M:%S ", local) + offset,
            "<ISO8601_OFFSET>": time.strftime("%Y-%m-%dT%H:%M:%S", local) + f"{offset[:3]}:{offset[3:]}",
            "<ISO8601_Z>": time.strftime("%Y-%m-%dT%H:%M:%SZ", utc),
        }.items():
            stamps.setdefault(name, set()).add(text)
    return stamps


def _numbered(pattern: str, name: str | None = None) -> Callable[[str], str]:
    """A function that puts `<NAME>`, `<NAME2>` ... for what the pattern finds, equal for equal."""
    seen: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        base = name or match[1]
        return seen.setdefault(match[0], f"<{base}{len(seen) + 1 if seen else ''}>")

    return lambda text: re.sub(pattern, named, text)


_NEW_RECORD = re.compile(
    r'(\{"failed_at":"<SLASH_TIME_ZONE>",.*"backtrace":)\[("(?:[^"\\]|\\.)*",?)+\](,"worker":)', re.DOTALL
)


def _without_backtrace(text: str) -> str:
    """Of a record made in this run, a backtrace with lines is one of texts: no more can be compared."""
    return _NEW_RECORD.sub(r"\1[<LINES>]\3", text)


def _mapped(keyspace: Keyspace, change: Callable[[str], str]) -> Keyspace:
    return {
        change(key): {**keyspace[key], "value": _changed(keyspace[key]["value"], change)}
        for key in sorted(keyspace)
    }


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): change(item) for key, item in value.items()}
    return [change(item) for item in value]


def _seconds(bound: str) -> int:
    return int(bound.removeprefix("<= "))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
