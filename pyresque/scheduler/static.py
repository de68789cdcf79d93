"""A schedule in a YAML file, in resque-scheduler's format (scheduler.md 9.1)."""

from __future__ import annotations

from typing import Any

from pyresque.yaml_file import read_mapping


def read_file(path: str) -> dict[str, Any]:
    """The entries of a file: name, and what it says.

    Raises:
        ConfigError: it cannot be read, is no YAML, holds no mapping of entries, or needs Ruby (ERB).
    """
    found = read_mapping(
        path, "the schedule", "must hold names of entries, each with its class, cron and so on"
    )
    return {str(name).removeprefix(":"): value for name, value in found.items()}
