"""Times as Ruby Resque writes them. All take seconds since the epoch.

See docs/protocol/core.md#forms-of-time.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

_ZONES = {"Z": 0, "UT": 0, "UTC": 0, "GMT": 0}
_ZONES |= {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}
_ZONES |= {"WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "BST": 1, "MSK": 3}
_ZONES |= {"AKST": -9, "AKDT": -8, "HST": -10, "JST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13}
"""The abbreviations in failures, with their hours: those of Ruby's `Time.parse`, and others."""


def run_at(epoch: float) -> str:
    """`2026-11-23T18:07:34Z`: when a job was taken."""
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339(epoch: float | None) -> str | None:
    """The same; None where there is no moment, or none that a calendar reaches (milliseconds, often)."""
    try:
        return None if epoch is None else run_at(epoch)
    except (ValueError, OverflowError, OSError):
        return None


def heartbeat(epoch: float) -> str:
    """`2026-11-23T19:07:34+01:00`: local time, whole seconds, always with an offset."""
    return datetime.fromtimestamp(int(epoch)).astimezone().isoformat()


def started(epoch: float) -> str:
    """`2026-11-23 19:07:34 +0100`: when a worker registered, local time."""
    return datetime.fromtimestamp(int(epoch)).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


def failed_at(epoch: float) -> str:
    """`2026/11/23 19:07:35 CET`: when a failure was recorded, local time with the zone's abbreviation."""
    return datetime.fromtimestamp(int(epoch)).astimezone().strftime("%Y/%m/%d %H:%M:%S %Z")


def retried_at_without_zone(epoch: float) -> str:
    """`2026/11/23 19:07:35`: what the multi-queue failure backend writes at a requeue."""
    return datetime.fromtimestamp(int(epoch)).astimezone().strftime("%Y/%m/%d %H:%M:%S")


_COMMON = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.+Z-]+", re.ASCII)
"""How heartbeats and `run_at` look: lists of workers have many of them."""


def parse(text: str) -> float | None:
    """Read a time that any Resque wrote; None where it is not a time.

    A time without an offset, or with a zone that is not known, is local time, as Ruby's `Time.parse` has it.
    """
    if not _COMMON.fullmatch(text):
        text = re.sub(r"\s+(?=[+-]\d\d(:?\d\d)?$)", "", text.strip().replace("/", "-"))
        text = re.sub(r"\s+([A-Z]{1,5})$", _offset, text)
        if not re.match(r"\d{4}-", text):
            return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _offset(zone: re.Match[str]) -> str:
    name = zone[1]
    hours = None if name in time.tzname and name not in ("UTC", "GMT") else _ZONES.get(name)
    return "" if hours is None else f"{'-' if hours < 0 else '+'}{abs(hours):02}:00"
