"""All worlds, and how they are played one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pyresque.testing.redis_server import running
from tests.model.explorer import Count, Endless, Explorer
from tests.model.states import Redis
from tests.model.surroundings import replaced
from tests.model.world import World
from tests.model.worlds import clients, delayed, history, limits, locks, retries, schedule, sequences, work

WORLDS: list[World] = [
    *work.WORLDS, *clients.WORLDS, *retries.WORLDS, *delayed.WORLDS, *schedule.WORLDS, *locks.WORLDS,
    *sequences.WORLDS, *limits.WORLDS, *history.WORLDS,
]  # fmt: skip
MOST = 400_000
"""So many moments of a world are played in a long exploration; a world that has more is left then."""
WALKS = 300
"""Runs that chance chooses in each world, in a long exploration."""
WALK_FAULTS = 6
"""Faults in one of them, at most."""


def named(name: str) -> World:
    """The world of this name."""
    return next(one for one in WORLDS if one.name == name)


@contextmanager
def explored(world: World, url: str, timeout: float = 60.0) -> Iterator[Explorer]:
    """A world on this Redis, which must be nobody else's, and must answer within `timeout` seconds."""
    with replaced():
        explorer = Explorer(Redis(url, timeout), world)
        try:
            yield explorer
        finally:
            explorer.close()


def play(worlds: Sequence[World], long: bool, seed: int, tell: Callable[[str], None]) -> Count:
    """Play these worlds and tell of each.

    Raises:
        Wrong: something is not as it must be.
    """
    total, began = Count(), time.monotonic()
    with running() as server:
        for world in worlds:
            start = time.monotonic()
            with explored(world, server.url) as explorer:
                faults = world.faults[long]
                try:
                    count, ended = explorer.explore(faults, most=MOST if long else None), ""
                except Endless:
                    count, ended = Count(0, MOST, 0), ", not to the end"
                for walk in range(WALKS if long else 0):
                    explorer.walk(seed + walk, WALK_FAULTS)
                    count += Count(1, 0, 1)
            total += count
            tell(f"{world.name} ({faults} faults): {count}, {time.monotonic() - start:.1f} s{ended}")
    tell(f"{len(worlds)} worlds: {total}, {time.monotonic() - began:.0f} s, seed {seed}")
    return total
