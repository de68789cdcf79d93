"""Keys that hold something else than Resque keeps there, by which a command fails with WRONGTYPE."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from pyresque.errors import RedisReplied
from pyresque.store import failures, keyspace, queues
from pyresque.store.space import Space

_SPOKEN = {"zset": "sorted set"}


@dataclass(frozen=True)
class WrongKey:
    """A key (with its namespace), the type that it has, and the one that it should have."""

    key: str
    type: str
    belongs: str

    def __str__(self) -> str:
        return f"the key {self.key} is a {_spoken(self.type)}, where a {_spoken(self.belongs)} belongs"

    @property
    def advice(self) -> str:
        """What to do about it."""
        name = shlex.quote(self.key) if self.key.isprintable() else "KEY"
        return f"see what wrote there; to move it out of the way: redis-cli RENAME {name} {name}.wrong"


def wrong_keys(space: Space) -> list[WrongKey]:
    """The keys of this namespace that hold something else than they should; without those of single jobs."""
    found = _wrong(space, dict(_fixed(space)))
    names = {key.key for key in found}
    more: dict[str, str] = {}
    if space.keys.queues not in names:
        more |= dict.fromkeys(map(space.keys.queue, queues.names(space)), "list")
    if space.keys.failed_queues not in names:
        more |= dict.fromkeys(map(space.keys.failed_list, _failed_lists(space)), "list")
    return [*found, *_wrong(space, more)]


def _fixed(space: Space) -> Iterator[tuple[str, str]]:
    """The keys that there is one of, and their types."""
    keys = space.keys
    yield from ((name, "set") for name in (keys.queues, keys.workers, keys.failed_queues))
    yield from ((name, "set") for name in (keys.schedules_changed, keys.doomed_statuses))
    yield from ((name, "hash") for name in (keys.heartbeats, keys.persistent_schedules, keys.our_workers))
    yield from ((name, "hash") for name in (keys.last_enqueued_at, keys.seen_heads, keys.seen_entries))
    yield from ((name, "zset") for name in (keys.delayed_schedule, keys.statuses))
    yield from (
        (name, "string") for name in (keys.stat("processed"), keys.stat("failed"), keys.master_lock())
    )
    yield from ((name, "string") for name in (keys.pause_all, keys.pruning_lock))
    yield keys.failed, "list"


def _failed_lists(space: Space) -> list[str]:
    try:
        return failures.list_names(space)
    except RedisReplied:
        return []


def _wrong(space: Space, types: dict[str, str]) -> list[WrongKey]:
    prefix = space.keys.prefix
    facts = keyspace.facts(space, [key.removeprefix(prefix) for key in types])
    return [
        WrongKey(prefix + fact.name, fact.type, types[prefix + fact.name])
        for fact in facts
        if fact.type not in ("none", types[prefix + fact.name])
    ]


def _spoken(kind: str) -> str:
    return _SPOKEN.get(kind, kind)
