"""Time zones by the names that a Ruby scheduler understands (docs/protocol/scheduler.md#time-zones).

Ruby asks the library et-orbi, which is more generous than it looks: a name it does not know loses letters
from its end until it is known. We must end at the same zone, else the two schedulers fire the same entry at
two times.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from pyresque.errors import InvalidSchedule

_OFFSET = re.compile(r"([+-][01]?[0-9]):?([0-5][0-9])?")
_ABBREVIATED = re.compile(r"([A-Z]{3,4})([+-])([0-9]{1,2}):?([0-9]{2})?")
_ISO_OFFSET = re.compile(
    r"(?<=:[0-9][0-9])[ \t\r\n\f\v]*(?:[-+](?:[01][0-9]|2[0-4])(?::?(?:[0-5][0-9]|60))?(?![-+])|Z)"
)
_ALIASES = {"UTC-11": "Etc/GMT+11", "UTC-02": "Etc/GMT+2", "UTC+12": "Etc/GMT-12", "CST5CDT": "CST6CDT"}
_FATAL = frozenset(f"UTC{sign}{hours}" for sign in "+-" for hours in range(13))
"""Names that et-orbi believes to know and tzinfo does not: they end a Ruby scheduler."""

_LONGEST_OFFSET = 11
"""Hours. Ruby refuses offsets of 12 hours and more."""


@cache
def find_zone(name: str) -> tuple[str, tzinfo]:
    """The full name and the rules of the zone that a Ruby scheduler takes for `name`.

    An IANA name ("Europe/Berlin"), an offset of at most 11 hours ("+05:30"; "-00:30" means +00:30, as in
    Ruby), an abbreviation with an offset that some zone has ("CST+8"), or a longer text that begins with an
    IANA name ("Europe/Berlinn"). Case matters. Raises InvalidSchedule for every other one, and where the
    machine has no zone data at all.
    """
    name = _ALIASES.get(name) or _by_abbreviation(name) or name
    if offset := _OFFSET.fullmatch(name):
        return name, _fixed(name, int(offset[1]), int(offset[2] or 0))
    known = _names()
    for end in range(len(name), 0, -1):
        shorter = name[:end]
        if shorter in known:
            return shorter, ZoneInfo(shorter)
        if shorter in _FATAL:
            raise InvalidSchedule(f"zone {name!r} ends a Ruby scheduler; write Etc/GMT-2 for two hours east")
    raise InvalidSchedule(
        f"unknown time zone {name!r}; a name looks like Europe/Berlin, an offset like +05:30"
    )


def _fixed(name: str, hours: int, minutes: int) -> tzinfo:
    if abs(hours) > _LONGEST_OFFSET:
        raise InvalidSchedule(f"zone offset {name!r} is 12 hours or more")
    return timezone(timedelta(hours=hours, minutes=-minutes if hours < 0 else minutes))


@cache
def _names() -> frozenset[str]:
    names = frozenset(available_timezones())
    if not names:
        raise InvalidSchedule("no time zone data on this machine: install the package tzdata")
    return names


def zone_in(text: str) -> tuple[str, tzinfo | None]:
    """(a text without the zones that et-orbi finds in it, the last of them); None: the local one is meant.

    It takes whatever is written as the name of one (the CET of "25 Dec CET", and the EST of "CEST"), and an
    offset behind a time. An offset of 12 hours and more counts for nothing, as in Ruby.

    Raises:
        InvalidSchedule: a zone that ends a Ruby scheduler.
    """
    rest, names = text, list[str]()
    for name in _longest_first():
        if name in rest:
            names.append(name)
            rest = rest.replace(name, "", 1)
    names += [match[0].strip() for match in _ISO_OFFSET.finditer(rest)]
    rest, last = _ISO_OFFSET.sub("", rest).strip(), max(names, key=text.find, default="")
    if last in _FATAL:
        raise InvalidSchedule(f"zone {last!r} ends a Ruby scheduler")
    try:
        return rest, find_zone("UTC" if last == "Z" else last)[1] if last else None
    except InvalidSchedule:
        return rest, None


@cache
def _longest_first() -> list[str]:
    return sorted(_names() | _FATAL, key=len, reverse=True)


def _by_abbreviation(text: str) -> str | None:
    """The first zone, by name, that shows this abbreviation and offset in January or July of this year."""
    match = _ABBREVIATED.fullmatch(text)
    if match is None:
        return None
    short = match[1]
    offset = timedelta(hours=int(match[3]), minutes=int(match[4] or 0)) * (1 if match[2] == "+" else -1)
    wanted = {(short, offset), (short + "T" if len(short) < len("CEST") else short, offset)}
    return next((name for name in sorted(_names()) if wanted & _shows(name, datetime.now(UTC).year)), None)


@cache
def _shows(name: str, year: int) -> frozenset[tuple[str | None, timedelta | None]]:
    zone = ZoneInfo(name)
    seen = [datetime(year, month, 1, tzinfo=UTC).astimezone(zone) for month in (1, 7)]
    return frozenset((moment.tzname(), moment.utcoffset()) for moment in seen)
