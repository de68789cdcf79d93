"""What pyresque adds to a payload at its top level (docs/protocol/pyresque.md#fields-in-rubys-places).

Ruby keeps such keys while a job waits and runs, and drops them when its scheduler moves a delayed job or its
web page puts a failed one back. So a job that has lost them is a job without what they ask for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pyresque.errors import MalformedPayload
from pyresque.wire.encoding import decode

TRACKED = "pyresque_id"
"""The id under which the job's status is kept: 32 hex digits."""

EXPIRES = "pyresque_expires_at"
"""The second (since the epoch) from which on the job is not to begin any more."""

UNIQUE = "pyresque_unique"
"""Seconds for which, while it waits, no equal job is enqueued."""

_ID = re.compile("[0-9a-f]{32}")


def tracked_id(value: Mapping[str, Any]) -> str | None:
    """The id of a job that is tracked, from its payload; None where it is not, or the id is none."""
    job_id = value.get(TRACKED)
    return job_id if type(job_id) is str and _ID.fullmatch(job_id) else None


def expires_at(value: Mapping[str, Any]) -> int | None:
    """When a job is too late to begin, from its payload; None where it never is, or that is not a second."""
    second = value.get(EXPIRES)
    return second if type(second) is int else None


def unique_seconds(value: Mapping[str, Any]) -> int:
    """For how long a job keeps equal ones away, from its payload; 0 where it does not."""
    seconds = value.get(UNIQUE)
    return seconds if type(seconds) is int and 0 < seconds < 1 << 40 else 0


def begun_before(value: Mapping[str, Any]) -> dict[str, Any]:
    """A payload as it goes back to a queue once the job has begun: what its first wait was to be is over."""
    return {key: item for key, item in value.items() if key not in (EXPIRES, UNIQUE)}


def has_extra_keys(raw: bytes) -> bool:
    """Whether an element may have a key of ours: it is not parsed for that."""
    return b'"pyresque_' in raw


def tracked_id_in(raw: bytes) -> str | None:
    """The id of a job that is tracked, from an element."""
    if not has_extra_keys(raw):
        return None
    try:
        value = decode(raw)
    except MalformedPayload:
        return None
    return tracked_id(value) if isinstance(value, dict) else None


def with_keys(payload: bytes, keys: bytes) -> bytes:
    """A payload, as it was encoded, with further keys (`"name":value,...`) at its end."""
    return b"%b,%b}" % (payload[:-1], keys)
