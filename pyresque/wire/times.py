"""Times as Ruby Resque writes them. All take seconds since the epoch.

See docs/protocol/core.md#forms-of-time.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime


def run_at(epoch: float) -> str:
    """`2026-11-23T18:07:34Z`: when a job was taken."""
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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


def parse(text: str) -> float | None:
    """Read a time that any Resque wrote; None where it is not a time.

    A time without an offset is local time, as Ruby's `Time.parse` has it.
    """
    text = re.sub(r"\s+(?=[+-]\d\d:?\d\d$)", "", text.strip().replace("/", "-"))
    text = re.sub(r"\s+(UTC|GMT)$", "+00:00", text)
    if not re.match(r"\d{4}-", text):
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
