"""The Redis server: whether it is there, and whether it can be worked with."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping

from pyresque.errors import RedisError, RedisRefused, RedisReplied, RedisTooOld
from pyresque.log import Log
from pyresque.store.connection.link import DirectLink, Link, PatientLink, is_hopeless
from pyresque.store.connection.replies import data, exactly
from pyresque.system.waiting import Outage

logger = Log("pyresque.store")

OLDEST = (4, 0)
"""Before that, Redis lacks UNLINK and scripts that may ask for the time."""

TESTED = (6, 2)
"""From here on our tests run."""

_PAUSES = (0.0, 0.05, 0.2)
"""Seconds before a server that seems not to be there is asked again."""


def wait_for(link: DirectLink, seconds: float) -> list[str]:
    """Look at the server as `check` does, and wait so long for one that is not there, or not ready, yet.

    A wrong password and the like are raised at once, and so is what is not Redis.
    """
    until = time.monotonic() + seconds
    outage = Outage(logger, f"%s. Waiting for it, up to {seconds:g} seconds (--start-timeout)")
    while True:
        try:
            warnings = check(link)
        except RedisError as error:
            told_at_once = isinstance(error, RedisRefused | RedisTooOld) or is_hopeless(error, link)
            if told_at_once or time.monotonic() >= until:
                raise
            outage.failed(error)
        else:
            outage.answered()
            return warnings
        time.sleep(outage.seconds_left)


def check(link: DirectLink) -> list[str]:
    """Look at the server before anything is done with it; returns warnings for whoever runs it.

    A server that does not say what it is (INFO may be forbidden) is taken for good. One that is not there is
    asked again for a moment: a single broken connection is no reason not to start.

    Raises:
        RedisUnavailable: it cannot be reached.
        RedisRefused: it does not let us in, or is a cluster.
        RedisTooOld: it lacks what pyresque needs.
    """
    patient = PatientLink(link, _PAUSES)
    try:
        _twice(lambda: patient.execute("PING", check=exactly(b"PONG")))
    except RedisReplied as error:
        raise RedisRefused(str(error)) from error
    facts = _facts(patient, "server")
    version = facts.get("redis_version", "")
    if version and _numbers(version) < OLDEST:
        raise RedisTooOld(
            f"Redis at {link.address} is version {version}, but pyresque needs {_text(OLDEST)} or newer "
            f"({_text(TESTED)} is recommended): upgrade it, or name another one with --redis"
        )
    if "cluster" in (facts.get("redis_mode"), facts.get("server_mode")):
        raise RedisRefused(
            f"Redis at {link.address} runs in cluster mode, which neither Resque nor pyresque can use: "
            "name a server without cluster mode with --redis"
        )
    return [*_age(version), *_eviction(_facts(patient, "memory"))]


def told(link: Link) -> dict[str, str]:
    """What the server tells of itself and its memory (INFO); nothing where it tells nobody."""
    return {**_facts(link, "server"), **_facts(link, "memory")}


def info(link: Link) -> dict[str, list[tuple[str, str]]]:
    """Everything that the server tells of itself, by section; nothing where it tells nobody."""
    sections: dict[str, list[tuple[str, str]]] = {}
    lines = sections.setdefault("", [])
    for line in _told(link, "INFO"):
        if line.startswith("#"):
            lines = sections.setdefault(line.strip("# "), [])
        elif ":" in line:
            name, _, value = line.partition(":")
            lines.append((name, value))
    return {section: lines for section, lines in sections.items() if lines}


def ping(link: DirectLink) -> None:
    """Ask whether the server can be used now; twice at most, for a connection may have been closed meanwhile.

    Raises:
        RedisError: it cannot.
    """
    PatientLink(link, _PAUSES[:1]).execute("PING", check=exactly(b"PONG"))


def answers(link: Link) -> bool:
    """Whether the server can be reached now, and answers a PING."""
    try:
        link.execute("PING")
    except RedisError:
        return False
    return True


_SAME: dict[frozenset[str], bool] = {}
"""Pairs of places, and whether they are one: that takes two questions."""


def is_same(first: Link, other: Link) -> bool:
    """Whether two links reach the same keys, under whatever names of the server; False if nobody can tell."""
    if first.database == other.database:
        return True
    if first.database.rpartition("/")[2] != other.database.rpartition("/")[2]:
        return False  # another database
    pair = frozenset((first.database, other.database))
    if pair not in _SAME:
        ids = [_facts(link, "server").get("run_id") for link in (first, other)]
        if not all(ids):
            return False
        _SAME[pair] = ids[0] == ids[1]
    return _SAME[pair]


def _twice(ask: Callable[[], object]) -> None:
    """A refusal is believed when it comes a second time, a moment later: logins may be changing just now."""
    try:
        ask()
    except RedisRefused:
        time.sleep(_PAUSES[-1])
        ask()


def _age(version: str) -> list[str]:
    if not version or _numbers(version) >= TESTED:
        return []
    return [f"Redis {version} is older than {_text(TESTED)}: it should work, but is not tested"]


def _eviction(facts: Mapping[str, str]) -> list[str]:
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy == "noeviction":
        return []
    return [
        f"Redis may throw jobs away when its memory is full (maxmemory-policy is {policy}): "
        "set maxmemory-policy to noeviction"
    ]


def _facts(link: Link, section: str) -> dict[str, str]:
    lines = _told(link, "INFO", section)
    return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))


def _told(link: Link, *command: str) -> list[str]:
    try:
        text: bytes = link.execute(*command, check=data)
    except RedisError:
        return []  # not permitted, not known to a proxy before it, not available now
    return text.decode("utf-8", "replace").splitlines()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
