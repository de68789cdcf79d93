"""A schedule in a YAML file, in resque-scheduler's format (scheduler.md 9.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyresque.errors import ConfigError


def read_file(path: str) -> dict[str, Any]:
    """The entries of a file: name, and what it says.

    Raises:
        ConfigError: it cannot be read, is no YAML, holds no mapping of entries, or needs Ruby (ERB).
    """
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise ConfigError(f"cannot read the schedule {path}: {reason}") from None
    return read_text(text, path)


def read_text(text: str, path: str = "the schedule") -> dict[str, Any]:
    """The same for a text; `path` is what errors call it."""
    for number, line in enumerate(text.splitlines(), 1):
        if "<%" in line and not line.lstrip().startswith("#"):
            raise ConfigError(
                f"{path}, line {number}: {line.strip()!r} is an ERB tag, which only Ruby can fill in: write "
                "the value itself (or `rails_env: production` for what the tag chooses by environment)"
            )
    import yaml  # only for those who have a file

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is no YAML: {' '.join(str(error).split())}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must hold names of entries, each with its class, cron and so on")
    return {str(name).removeprefix(":"): value for name, value in content.items()}
