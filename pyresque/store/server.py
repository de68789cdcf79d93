"""The Redis server: whether it is there, and whether it can be worked with."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pyresque.errors import RedisRefused, RedisReplied, RedisTooOld
from pyresque.store.link import Link, PatientLink

OLDEST = (4, 0)
"""Before that, Redis lacks UNLINK and scripts that may ask for the time."""

TESTED = (6, 2)
"""From here on our tests run."""

_PAUSES = (0.0, 0.05, 0.2)
"""Seconds before a server that seems not to be there is asked again."""


def check(link: Link) -> list[str]:
    """Look at the server before anything is done with it; returns warnings for whoever runs it.

    A server that does not say what it is (INFO may be forbidden) is taken for good. One that is not there is
    asked again for a moment: a single broken connection is no reason not to start.

    Raises:
        RedisUnavailable: it cannot be reached.
        RedisRefused: it does not let us in, or is a cluster.
        RedisTooOld: it lacks what pyresque needs.
    """
    link = PatientLink(link, _PAUSES)
    try:
        link.execute("PING")
    except RedisReplied as error:
        raise RedisRefused(str(error)) from error
    facts = _facts(link, "server")
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
    return [*_age(version), *_eviction(_facts(link, "memory"))]


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
    try:
        text: bytes = link.execute("INFO", section)
    except (RedisRefused, RedisReplied):
        return {}
    lines = text.decode("utf-8", "replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
