"""The file of resque-pool: which workers a pool has (docs/protocol/core.md#resque-pool).

mail,high: 2            # a queue list, and how many workers work on it
"*": 1
production:             # what is different in one environment
  "*": 8
"""

from __future__ import annotations

from pyresque.config.env import split_queues
from pyresque.errors import ConfigError
from pyresque.yaml.reader import read_mapping

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
    hint = f"; for {path} workers write -n {path}" if path.isdecimal() else ""
    top = read_mapping(
        path, "the pool file", "holds no queue lists: write for example mail,high: 2 in it", hint
    )
    for entry in top:
        where = f"line {entry.line} of the pool file {path}"
        if entry.refused:
            raise ConfigError(f"{where} cannot be used: {entry.refused}")
        if entry.has_odd_name:
            raise ConfigError(
                f"{where} has a queue list {entry.name or 'without a name'}: write it in quotes"
            )
    parts = {entry.name: entry.value for entry in top if isinstance(entry.value, dict)}
    counts = {entry.name: entry.value for entry in top if not isinstance(entry.value, dict)}
    counts.update(parts.get(environment or "", {}))
    groups = [_group(path, name, count) for name, count in counts.items()]
    if not any(count for _, count in groups):
        hint = f" (RAILS_ENV, RACK_ENV or RESQUE_ENV may be one of {', '.join(parts)})" if parts else ""
        raise ConfigError(
            f"the pool file {path} asks for no worker: write for example mail,high: 2 in it{hint}"
        )
    return [(names, count) for names, count in groups if count]


def _group(path: str, name: str, count: object) -> Group:
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise ConfigError(
            f"the pool file {path} gives {name} {count!r} workers: write a number, as in mail,high: 2"
        )
    names = list(split_queues(name))
    if not any(name and not name.startswith("!") for name in names):
        raise ConfigError(f"the pool file {path} has a queue list {name!r} that names no queue")
    return names, count
