"""Moments as people write them in `first_at` and `last_at`: "Dec 25 2031 06:30", "25/12/2031 6pm Asia/Tokyo".

A Ruby scheduler finds a date and a time anywhere in a text and passes over all else, so that to it "tomorrow
at 5pm" is today. What is read here is read as Ruby reads it. What is not a whole date or time is refused.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache

from pyresque.errors import InvalidSchedule
from pyresque.schedule.zones import zone_in

_MONTHS = (
    "jan(?:uary)?", "feb(?:ruary)?", "mar(?:ch)?", "apr(?:il)?", "may", "june?", "july?", "aug(?:ust)?",
    "sept?(?:ember)?", "oct(?:ober)?", "nov(?:ember)?", "dec(?:ember)?",
)  # fmt: skip
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b,? *)?"
_YEAR, _MONTH, _DAY = r"(?P<year>\d{4})", r"(?P<month>\d{1,2})", r"(?P<day>\d{1,2})"
_NAME, _ORDINAL = f"(?P<name>{'|'.join(_MONTHS)})\\.?", rf"{_DAY}(?:st|nd|rd|th)?"

_DATES = (
    rf"{_YEAR}(?P<sign>[-/.]){_MONTH}(?P=sign){_DAY}",
    rf"{_DAY}(?P<sign>[-/.]){_MONTH}(?P=sign){_YEAR}",  # the day stands before the month
    rf"{_ORDINAL}[ -]?{_NAME}(?:,?[ -]?{_YEAR})?",
    rf"{_NAME} {_ORDINAL}(?:,? {_YEAR})?",
    r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)",
)
_PASSED_OVER = r"(?:z|[-+]\d\d:?\d\d)?"
"""An offset behind a fraction, or behind digits alone, means nothing to Ruby: the local time is meant."""
_TIMES = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2}))?(?: ?(?P<half>[ap])(?:m|\.m\.))?",
    rf"(?P<hour>\d{{1,2}}):(?P<minute>\d{{1,2}}):(?P<second>\d{{1,2}})[.,](?P<fraction>\d+){_PASSED_OVER}",
    r"(?P<hour>\d{1,2}) ?(?P<half>[ap])(?:m|\.m\.)",
    "",  # midnight
)
_BETWEEN = r"(?:,? (?:at )?|t)"
_COMPACT = r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)[t ](?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)"


@cache
def _forms() -> list[re.Pattern[str]]:
    """Every whole form of a moment; most schedules have none, and need not wait for them."""
    forms = (
        *(f"{_WEEKDAY}{date}{_BETWEEN if time else ''}{time}" for date in _DATES for time in _TIMES),
        *_TIMES[:-1],  # today
        f"{_COMPACT}{_PASSED_OVER}",
        rf"{_WEEKDAY}{_NAME} {_DAY} {_TIMES[0]} {_YEAR}",
    )
    return [re.compile(form, re.IGNORECASE | re.ASCII) for form in forms]


def read_moment(text: str, now: float) -> float | None:
    """The moment that a text means, in seconds since the epoch; None if it is none.

    Args:
        text: the value of `first_at` or its like, where it is not a length of time.
        now: whose year, or day, is meant where the text has none.
    """
    try:
        rest, zone = zone_in(text)
        rest = " ".join(rest.split())
        match = next((match for form in _forms() if (match := form.fullmatch(rest))), None)
        if match is None:
            return None
        wall = _wall(match.groupdict(), datetime.fromtimestamp(now))  # noqa: DTZ006 (as its clock shows it)
        if wall.year == 9999:
            return wall.replace(tzinfo=UTC).timestamp()  # "never"; not every zone has this year whole
        at = wall.replace(tzinfo=zone).timestamp()
        again = datetime.fromtimestamp(at, zone).replace(tzinfo=None)
        later = wall.replace(tzinfo=zone, fold=1).timestamp()
    except (InvalidSchedule, ValueError, OverflowError, OSError):
        return None
    # Where the clocks are changed a day may have no such time, or have it twice.
    return at if again == wall and later == at else None


def _wall(parts: dict[str, str | None], today: datetime) -> datetime:
    """The date and time of day that the parts of a text say.

    Raises:
        ValueError: there is no such day, or time of day.
    """
    number = {name: int(part) for name, part in parts.items() if part and part.isdecimal()}
    if name := parts.get("name"):
        number["month"] = next(
            number_of_month for number_of_month, form in enumerate(_MONTHS, 1) if re.match(form, name, re.I)
        )
    hour = number.get("hour", 0)
    if half := parts.get("half"):
        hour = hour % 12 + 12 * (half.lower() == "p")
    day = datetime(  # noqa: DTZ001 (of a wall clock)
        number.get("year", today.year), number.get("month", today.month), number.get("day", today.day)
    )
    time = day.replace(hour=hour, minute=number.get("minute", 0), second=number.get("second", 0))
    return time + timedelta(microseconds=int(f"{parts.get('fraction') or '':0<6}"[:6]))
