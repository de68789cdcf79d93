"""Rails' names of time zones, and the IANA names that they mean (ActiveSupport::TimeZone::MAPPING)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from pyresque.active_job.arguments.times import zone_named
from pyresque.errors import NotAJob


def iana_name(name: str) -> str:
    """The IANA name of a zone that may have its name from Rails: `"Tokyo"` is `"Asia/Tokyo"`."""
    return _rails_zones().get(name, name)


def rails_zone(name: str | None) -> ZoneInfo | None:
    """The zone that Rails means: `"Tokyo"` or `"Asia/Tokyo"`; None where there is none of that name."""
    return None if not name else zone_named(iana_name(name))


def check_zone(name: str) -> None:
    """Refuse a zone with which a job would fail in Ruby, before it begins.

    Raises:
        NotAJob: there is none of this name.
    """
    if rails_zone(name) is None:
        raise NotAJob(
            f"timezone={name!r} is not a time zone that Rails knows: write for example 'Europe/Berlin'"
        )


@cache
def _rails_zones() -> dict[str, str]:
    zones: dict[str, str] = json.loads(Path(__file__).with_name("rails_zones.json").read_text("utf-8"))
    return zones
