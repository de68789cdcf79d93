"""The keys below the namespace, and what one holds: `resque.keys()` and `resque.key(name)`."""

from __future__ import annotations

from dataclasses import dataclass

from pyresque.client.selection import first_of_page
from pyresque.store import keyspace as store
from pyresque.store.keyspace import KeyFacts
from pyresque.store.space import Space


@dataclass(frozen=True)
class KeysPage:
    """Some of the keys, without the namespace.

    Attributes:
        keys: their names, types and sizes.
        cursor: where to go on; 0: that was all. Also an empty page may have more behind it.
    """

    keys: list[KeyFacts]
    cursor: int

    @property
    def names(self) -> list[str]:
        """Only the names."""
        return [key.name for key in self.keys]


@dataclass(frozen=True)
class KeyValue:
    """A key and some of what it holds.

    Attributes:
        name: its name, without the namespace.
        type: as Redis calls it: string, list, set, zset, hash, stream, or that of a module.
        size: how much it holds: bytes of a string, else elements; None: not known.
        ttl: seconds after which it goes by itself; None: it stays.
        rows: parts of it, each with what it is known by (index, score, field, id; nothing in a set).
        next: where to go on, for `start`; None: that was all.
    """

    name: str
    type: str
    size: int | None
    ttl: float | None
    rows: list[tuple[bytes, bytes]]
    next: str | None


def keys(space: Space, match: str | None, cursor: int, count: int) -> KeysPage:
    """Some of the keys; see `Resque.keys`."""
    first_of_page(1, count)
    pattern = "*"
    if match:
        parts = store.glob(match).replace("\\*", "*").replace("\\?", "?")
        pattern = parts if parts != store.glob(match) else f"*{parts}*"
    names, after = store.scan(space, pattern, max(0, cursor), count)
    return KeysPage([key for key in store.facts(space, names) if key.type != "none"], after)


def key(space: Space, name: str, start: str, count: int) -> KeyValue | None:
    """One key; see `Resque.key`."""
    first_of_page(1, count)
    [seen] = store.facts(space, [name])
    if seen.type == "none":
        return None
    rows, after = store.rows(space, name, seen.type, start, count)
    return KeyValue(name, seen.type, seen.size, store.seconds_left(space, name), rows, after)
