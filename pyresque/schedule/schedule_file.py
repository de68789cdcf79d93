"""A schedule in a YAML file, in resque-scheduler's format, and what Redis holds of it.

See docs/protocol/scheduler.md#entries.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pyresque.errors import InvalidSchedule
from pyresque.schedule.entry import Entry, lasts, not_an_entry, parse
from pyresque.yaml.reader import Item, read_mapping


class FileEntry(dict[str, Any]):
    """An entry that a file holds, and the line in which it begins. `reason` says why it cannot be used."""

    def __init__(self, item: Item) -> None:
        super().__init__(item.value if isinstance(item.value, dict) else {})
        self.line = item.line
        self.reason = item.refused
        if item.has_odd_name:
            self.reason = f"its name is {item.name or 'empty'}, at which Ruby's scheduler ends: quote it"
        if not self.reason and not isinstance(item.value, dict):
            self.reason = not_an_entry(item.value)


def read_file(path: str) -> dict[str, FileEntry]:
    """The entries of a file by name. Only ERB would have to be filled in by Ruby first.

    Raises:
        ConfigError: it cannot be read, is not YAML, holds no mapping of entries, or needs Ruby (ERB).
    """
    items = read_mapping(
        path, "the schedule", "must hold names of entries, each with its class, cron and so on"
    )
    return {item.name: FileEntry(item) for item in items}


def read(name: str, value: object, zone: str) -> Entry:
    """An entry of either kind: JSON from Redis, or what YAML or Python hold (its class may be its name).

    Raises:
        InvalidSchedule: it cannot be used.
    """
    if isinstance(value, bytes):
        return parse(name, value, zone)
    if isinstance(value, FileEntry) and value.reason:
        raise InvalidSchedule(value.reason)
    if isinstance(value, Mapping) and "class" not in value:
        value = {**value, "class": name}
    return Entry.read(name, value, zone)


def hidden(static: Mapping[str, Any], stored: Mapping[str, bytes]) -> list[str]:
    """Names of the entries of a file or process in whose place Redis holds something else."""
    both = sorted({*static} & {*stored})
    return [
        name
        for name in both
        if not lasts(static[name]) and not is_stored(name, static[name], _decoded(stored[name]))
    ]


def is_stored(name: str, value: object, stored: object) -> bool:
    """Whether an entry of a file or process says what Redis holds, which is given decoded.

    The class may be the name, and whether it lasts (`persist`) is not written there.
    """
    if not isinstance(value, Mapping) or not isinstance(stored, Mapping):
        return False
    entry = {key: item for key, item in value.items() if key != "persist"}
    shown: Any = json.loads(json.dumps({"class": name, **entry}, default=str))
    return bool(shown == {"class": name, **stored})


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def why_refused(value: object, error: InvalidSchedule) -> str:
    """The text of an error about an entry, with its line where it is in a file."""
    return f"{error} (line {value.line})" if isinstance(value, FileEntry) else str(error)
