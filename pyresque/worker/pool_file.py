"""The file of resque-pool: which workers a pool has (core.md section 19.1).

mail,high: 2            # a queue list, and how many workers work on it
"*": 1
production:             # what is different in one environment
  "*": 8
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from pyresque.config import split_queues
from pyresque.errors import ConfigError

Group = tuple[list[str], int]
"""A queue list, and how many workers work on it."""


def read_pool_file(path: str, environment: str | None) -> list[Group]:
    """The workers that a pool file asks for.

    Args:
        path: where it is.
        environment: whose part is laid over what is there for all.

    Raises:
        ConfigError: it cannot be read, or asks for no worker; one line says where and why.
    """
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeError) as error:
        hint = f"; for {path} workers write -n {path}" if path.isdecimal() else ""
        raise ConfigError(f"cannot read the pool file {path}: {_reason(error)}{hint}") from None
    top = _mapping(path, text)
    parts = {str(name): part for name, part in top.items() if isinstance(part, dict)}
    counts = {name: count for name, count in top.items() if not isinstance(count, dict)}
    counts.update(parts.get(environment or "", {}))
    groups = [_group(path, name, count) for name, count in counts.items()]
    if not any(count for _, count in groups):
        hint = f" (RAILS_ENV, RACK_ENV or RESQUE_ENV may be one of {', '.join(parts)})" if parts else ""
        raise ConfigError(
            f"the pool file {path} asks for no worker: write for example mail,high: 2 in it{hint}"
        )
    return [(names, count) for names, count in groups if count]


def _mapping(path: str, text: str) -> dict[Any, Any]:
    for number, line in enumerate(text.splitlines(), 1):
        if "<%" in line and not line.lstrip().startswith("#"):
            raise ConfigError(
                f"line {number} of the pool file {path} holds Ruby code ({line.strip()[:60]}), which only "
                "Ruby can run: write what it gives instead"
            )
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1} of " if mark else ""
        problem = getattr(error, "problem", None) or "a character that it must not hold"
        hint = (
            "; a queue list that begins with * or ! needs quotes"
            if re.search(r"^\s*[*!]", text, re.M)
            else ""
        )
        raise ConfigError(f"{where}the pool file {path} is no YAML: {problem}{hint}") from None
    if found is not None and not isinstance(found, dict):
        raise ConfigError(f"the pool file {path} holds no queue lists: write for example mail,high: 2 in it")
    return found or {}


def _group(path: str, name: object, count: object) -> Group:
    if isinstance(name, bool) or not isinstance(name, (str, int)):
        raise ConfigError(f"the pool file {path} has a queue list {name!r}: write it in quotes")
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise ConfigError(
            f"the pool file {path} gives {name} {count!r} workers: write a number, as in mail,high: 2"
        )
    names = list(split_queues(str(name)))
    if not any(one and not one.startswith("!") for one in names):
        raise ConfigError(f"the pool file {path} has a queue list {name!r} that names no queue")
    return names, count


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "it is no UTF-8 text"
