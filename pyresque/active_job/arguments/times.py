"""Dates and times as Active Job writes them: nine digits of fraction, `Z` or an offset.

See docs/protocol/active-job.md#arguments.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pyresque.active_job.arguments.values import DateTime, FarTime, Kind, Time, TimeWithZone

_TIME = re.compile(
    r"(-?\d{4,})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?", re.ASCII | re.IGNORECASE
)
_DATE = re.compile(r"(-?\d{4,})-(\d\d)-(\d\d)", re.ASCII)
_ZERO = timezone(timedelta(0), "+00:00")
"""The offset zero of a time that is not UTC to Ruby: it is written as an offset again."""

_LAST_RULES = 2037
"""After this year Ruby's zones no longer change; each source of them ends in another: an offset is kept."""

_CLASSES: dict[Kind, type[Time]] = {"Time": Time, "DateTime": DateTime, "TimeWithZone": TimeWithZone}


def read_date(text: str) -> date | FarTime:
    """Read a Date.

    Raises:
        ValueError: it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        match = _DATE.fullmatch(text)
        if match is None or not (1 <= int(match[2]) <= 12 and 1 <= int(match[3]) <= 31):
            raise ValueError(f"invalid date: {text!r}") from None
        # Beyond Python's years, or a day that only the Julian calendar has: Ruby changes over in 1582.
        if 1582 < int(match[1]) < 10000:
            raise ValueError(f"invalid date: {text!r}") from None
        return FarTime(text, "Date")


def read_time(text: str, kind: Kind, zone: str | None = None) -> Time | FarTime:
    """Read a Time, DateTime or TimeWithZone; `zone` is the name of the last one's zone.

    Raises:
        ValueError: it is none.
    """
    match = _TIME.fullmatch(text)
    if match is None or int(match[6]) > 60 or int(match[4]) > 24 or (match[8] or "")[1:3] > "23":
        raise ValueError(f"invalid xmlschema date: {text!r}")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    nanoseconds = int((match[7] or "").ljust(9, "0")[:9])
    offset = _offset(match[8], kind)
    # A leap second and the hour 24 are the next second and day, as in Ruby.
    over = timedelta(seconds=second == 60, hours=24 if hour == 24 else 0)
    clock = (hour % 24, minute, min(second, 59), nanoseconds // 1000)
    try:
        moment = datetime(year, month, day, *clock, tzinfo=offset) + over
        moment = _in_zone(moment, zone) if zone is not None else moment
    except (ValueError, OverflowError):
        # Where Python's calendar ends, Ruby's does not; any other year must be a real day.
        if 1582 < year < 9999 or not (1 <= month <= 12 and 1 <= day <= 31 and minute < 60):
            raise ValueError(f"invalid date: {text!r}") from None
        return FarTime(text, kind, zone)
    made = _CLASSES[kind].at(moment, nanoseconds % 1000)
    if isinstance(made, TimeWithZone):
        made.zone = zone
    return made


def _offset(text: str | None, kind: Kind) -> tzinfo:
    if text is None or text in ("Z", "z"):
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    span = timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1)
    if span:
        return timezone(span)
    return UTC if text[0] == "-" or kind == "DateTime" else _ZERO


def _in_zone(moment: datetime, name: str) -> datetime:
    zone = zone_named(name)
    if zone is None or (moment.year > _LAST_RULES and _is_written_for(moment, zone)):
        return moment
    return moment.astimezone(zone)


def _is_written_for(moment: datetime, zone: ZoneInfo) -> bool:
    """Whether the offset of a moment is one of the zone's own, be it in winter or in summer."""
    offsets = [datetime(_LAST_RULES, month, 1, tzinfo=zone).utcoffset() for month in (1, 7)]
    return moment.tzinfo is not UTC and moment.utcoffset() in offsets


def zone_named(name: str) -> ZoneInfo | None:
    """The time zone with an IANA name; None where this computer does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def written(moment: datetime, fraction: bool, as_utc: bool) -> str:
    """An aware datetime as Ruby writes it.

    Args:
        fraction: with nine digits of it (Rails 6.1 and newer).
        as_utc: whether it is UTC to Ruby, and ends with `Z` instead of an offset.
    """
    day = moment.replace(tzinfo=None, microsecond=0).isoformat()
    nanoseconds = moment.nanoseconds if isinstance(moment, Time) else moment.microsecond * 1000
    digits = f".{nanoseconds:09d}" if fraction else ""
    return f"{day}{digits}{'Z' if as_utc else offset_text(moment)}"


def offset_text(moment: datetime) -> str:
    """The offset of an aware datetime, `+05:30`, without the seconds of a local mean time, as in Ruby."""
    offset = moment.utcoffset() or timedelta(0)
    minutes = abs(offset) // timedelta(minutes=1)
    return f"{'-' if offset < timedelta(0) else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def is_ruby_utc(moment: datetime) -> bool:
    """Whether a Time of Ruby's would be UTC, and not merely at the offset zero."""
    return moment.utcoffset() == timedelta(0) and moment.tzname() in ("UTC", "UCT")


def seconds_of(wait: float | timedelta) -> float:
    """A wait in seconds."""
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def stamp(seconds: float) -> str:
    """Seconds since the epoch as enqueued_at and scheduled_at have them: UTC, nine digits.

    Raises:
        ValueError: it is not a moment of Python's calendar.
    """
    try:
        whole = int(seconds // 1)
        moment = datetime.fromtimestamp(whole, UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{seconds:g} seconds since 1970 are not a moment of the years 1 to 9999") from None
    nanoseconds = min(int((seconds - whole) * 1e9), 999_999_999)
    return f"{moment.replace(tzinfo=None).isoformat()}.{nanoseconds:09d}Z"


def stamp_of(moment: datetime) -> str:
    """The same of an aware datetime, exactly."""
    nanosecond = moment.nanosecond if isinstance(moment, Time) else 0
    return written(Time.at(moment.astimezone(UTC), nanosecond), fraction=True, as_utc=True)
