"""One Resque: a link to its Redis, its key names, and the JSON style of its Ruby."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyresque.keys import Keys
from pyresque.store.connection.link import Link
from pyresque.wire.encoding import Style


@dataclass(frozen=True)
class Space:
    """What every function of the store needs."""

    link: Link
    keys: Keys = field(default_factory=Keys)
    style: Style = "ruby"


def remove_all(space: Space) -> None:
    """Remove every key of the namespace, whose name must not hold what Redis takes for a pattern."""
    cursor = b"0"
    while True:
        cursor, names = space.link.execute("SCAN", cursor, "MATCH", f"{space.keys.prefix}*", "COUNT", 1000)
        if names:
            space.link.execute("UNLINK", *names)
        if cursor == b"0":
            return
