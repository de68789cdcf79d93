"""A schedule in a YAML file, in resque-scheduler's format (scheduler.md 9.1)."""

from __future__ import annotations

from typing import Any

from pyresque.scheduler.entry import not_an_entry
from pyresque.yaml_file import Item, read_mapping


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
