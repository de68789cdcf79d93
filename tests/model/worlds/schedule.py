"""The schedule: an entry is fired once for each run, whoever is master, and changes are heard."""

from __future__ import annotations

from typing import Any

from pyresque.config import SchedulerOptions
from pyresque.errors import RedisUnavailable
from pyresque.scheduler import Scheduler
from tests.model.actor import Me
from tests.model.cast import REGISTRY, calls, client, clock, scheduler, undertaker
from tests.model.checks import nobody_is_left, once
from tests.model.world import Check, Final, World

TICK: dict[str, Any] = {"cron": "0 9 * * *", "args": [1], "queue": "jobs", "catch_up": "all"}
"""An entry that is due an hour after the world begins."""


def _scheduled(me: Me) -> None:
    client().set_schedule("tick", job="Good", **TICK)


def _due(me: Me) -> None:
    """The entry has run yesterday, and is due now."""
    _scheduled(me)
    client().link.execute("HSET", "resque:delayed:last_enqueued_at", "tick", "2027-01-14 09:00:00 +0000")
    me.event("pass", 3600, False)


def _fired_once(final: Final) -> None:
    nobody_is_left(final)
    once(final, {1: "Good"})
    noted = dict(final.after["delayed:last_enqueued_at"])
    assert noted.get(b"tick", b"").startswith(b"2027-01-15"), f"noted is {noted}"


def _written(final: Final) -> None:
    """The last of two changes counts, and a scheduler hears of both."""
    nobody_is_left(final)
    entries = dict(final.before["persistent_schedules"])
    removed, written = final.said("remover"), final.said("setter")
    if removed is not None and "setter" not in final.dead and written == "written":
        assert (b"tick" in entries) != removed, (
            f"remove_schedule said {removed}, and Redis holds {list(entries)}"
        )
    heard = final.results["s"]
    if isinstance(heard, bool):
        assert heard == (b"tick" in entries), (
            f"Redis holds {list(entries)}, and the scheduler has loaded {heard}"
        )


def _hearing(me: Me) -> bool:
    """A scheduler; returns whether it has the entry after one more turn when all others have ended."""
    one = Scheduler(client(), SchedulerOptions(zone="UTC"))
    _turned(one)
    me.event("alone")
    while not _turned(one):
        pass
    return "tick" in one.schedule.running


def _turned(one: Scheduler) -> bool:
    try:
        one.turn()
    except RedisUnavailable:
        return False
    return True


def _world(name: str, setup: Any, actors: dict[str, Any], check: Check, **more: Any) -> World:
    return World(name, setup, actors, check, **{"closing": undertaker(REGISTRY), **more})


S = scheduler(2, catch_up="all")

WORLDS = [
    _world("an entry is due", _due, {"s": S, "t": S}, _fired_once, faults=(0, 1)),
    _world("an entry is due, and one scheduler is there", _due, {"s": S}, _fired_once, faults=(1, 2)),
    _world(
        "an entry is due, and the master stands still",
        _due,
        {"s": S, "clock": clock(200), "t": S},
        _fired_once,
        is_timeless=False,
        faults=(0, 1),
    ),
    _world(
        "an entry is changed",
        lambda me: None,
        {
            "setter": calls(
                lambda resque: resque.set_schedule("tick", job="Good", **TICK), lambda resque: "written"
            ),
            "remover": calls(lambda resque: resque.remove_schedule("tick")),
            "s": _hearing,
        },
        _written,
        faults=(0, 1),
    ),
]
