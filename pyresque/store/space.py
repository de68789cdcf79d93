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
