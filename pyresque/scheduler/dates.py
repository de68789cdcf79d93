"""Moments as people write them in `first_at` and `last_at`: "Dec 25 2031 06:30", "25/12/2031 6pm Asia/Tokyo".

A Ruby scheduler asks et-orbi, which takes the name of a zone out of the text and gives the rest to
`DateTime.parse`. That finds a time, a weekday and a date anywhere in a text, and passes over all else. This
is its rule, form by form and in its order, for whatever it takes must mean the same here.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from pyresque.errors import InvalidSchedule
from pyresque.scheduler.zones import zone_in

_LONGEST = 128
"""Characters of a text that Ruby looks at."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTH = f"({'|'.join(_MONTHS)})"
_ERA = r"(c(?:e|\.e\.)|b(?:ce|\.c\.e\.)|a(?:d|\.d\.)|b(?:c|\.c\.))?"
_AM_PM = r"[ap](?:m\b|\.m\.)"

_UNKNOWN_ZONE = re.compile(r"[A-Za-z]/[A-Za-z]")

_Found = dict[str, int]
"""What a text says: year, mon, mday, yday, cwyear, cweek, cwday, wday, hour, min, sec, and millionths."""


def read_moment(text: str, now: float) -> float | None:
    """The moment that a text means, in seconds since the epoch; None if Ruby refuses it.

    Args:
        text: what stands under `first_at` or its like, where it is no length of time.
        now: what a text without a day, or a year, is completed from.
    """
    if len(text) > _LONGEST:
        return None
    try:
        rest, zone = zone_in(text)
        if _UNKNOWN_ZONE.search(rest):
            return None  # Ruby passes over a zone that is misspelt, and takes the local one
        found = _parse(rest)
        wall = _completed(found, datetime.fromtimestamp(now).date())
        if wall.year == 9999:
            return wall.replace(tzinfo=UTC).timestamp()  # "never"; not every zone has this year whole
        at = wall.replace(tzinfo=zone).timestamp()
        again = datetime.fromtimestamp(at, zone).replace(tzinfo=None)
        later = wall.replace(tzinfo=zone, fold=1).timestamp()
    except (InvalidSchedule, ValueError, OverflowError, OSError):
        return None
    if again != wall or later != at:
        return None  # the clocks are changed: this day has no such time, or has it twice
    return at + found.get("millionths", 0) / 1e6


class _Text:
    """A text from which each form takes what it knows, and leaves a blank in its place."""

    def __init__(self, text: str) -> None:
        self.left = re.sub(r"(?:[^-+',./:@\[\]\w]|_)+", " ", text)

    def take(self, pattern: str) -> re.Match[str] | None:
        match = re.search(pattern, self.left, re.IGNORECASE | re.ASCII)
        if match is not None:
            self.left = f"{self.left[: match.start()]} {self.left[match.end() :]}"
        return match


def _parse(text: str) -> _Found:
    found, rest = _Found(), _Text(text)
    if day := rest.take(rf"\b({'|'.join(_DAYS)})[^-\d\s]*"):
        found["wday"] = _DAYS.index(day[1].lower())
    _time(rest, found)
    complete = next((full for form in _DATES if (full := form(rest, found)) is not None), True)
    if rest.take(r"\b(?:bc\b|bce\b|b\.c\.|b\.c\.e\.)") and "year" in found:
        found["year"] = 1 - found["year"]
    if part := rest.take(r"\A\s*(\d{1,2})\s*\Z"):
        number = int(part[1])
        if "hour" in found and "mday" not in found and 1 <= number <= 31:
            found["mday"] = number
        elif "mday" in found and "hour" not in found and number <= 24:
            found["hour"] = number
    for name in ("year", "cwyear"):
        if complete and 0 <= found.get(name, -1) <= 99:
            found[name] += 1900 if found[name] >= 69 else 2000
    return found


def _time(rest: _Text, found: _Found) -> None:
    match = rest.take(
        rf"((?:\d+\s*:\s*\d+(?:\s*:\s*\d+(?:[,.]\d*)?)?|\d+\s*h(?:\s*\d+m?(?:\s*\d+s?)?)?)(?:\s*{_AM_PM})?"
        rf"|\d+\s*{_AM_PM})"
        r"(?:\s*((?:gmt|utc?)?[-+]\d+(?:[,.:]\d+(?::\d+)?)?|[a-z.\s]+(?:standard|daylight)\stime\b"
        r"|[a-z]+(?:\sdst)?\b))?"
    )
    if match is None:
        return
    parts = re.match(
        r"(\d+)h?(?:\s*:?\s*(\d+)m?(?:\s*:?\s*(\d+)(?:[,.](\d*))?s?)?)?(?:\s*([ap])(?:m\b|\.m\.))?",
        match[1],
        re.IGNORECASE | re.ASCII,
    )
    if parts is None:
        return
    hour, minute, second, fraction, half = parts.groups()
    found["hour"] = int(hour) if not half else int(hour) % 12 + 12 * (half.lower() == "p")
    if minute:
        found["min"] = int(minute)
    if second:
        found["sec"] = int(second)
    _fraction(fraction, found)


def _fraction(digits: str | None, found: _Found) -> None:
    if digits:
        found["millionths"] = int(f"{digits:0<6}"[:6])


# --- the forms of a date ---------------------------------------------------------------------------
# Each says whether a year of two digits is completed; None where the text has no such form.


def _day_month(rest: _Text, found: _Found) -> bool | None:
    match = rest.take(
        rf"('?\d+)[^-\d\s]*\s*{_MONTH}[^-\d\s']*(?:\s*{_ERA}\s*('?-?\d+(?:(?:st|nd|rd|th)\b)?))?"
    )
    return _named(found, match[4], match[2], match[1], match[3]) if match else None


def _month_day(rest: _Text, found: _Found) -> bool | None:
    match = rest.take(rf"\b{_MONTH}[^-\d\s']*\s*('?\d+)[^-\d\s']*(?:\s*,?\s*{_ERA}\s*('?-?\d+))?")
    return _named(found, match[4], match[1], match[2], match[3]) if match else None


def _with_dashes(rest: _Text, found: _Found) -> bool | None:
    match = rest.take(r"('?[-+]?\d+)-(\d+)-('?-?\d+)")
    return _date(found, match[1], match[2], match[3]) if match else None


def _japanese(rest: _Text, found: _Found) -> bool | None:
    match = rest.take(r"\b([mtshr])(\d+)\.(\d+)\.(\d+)")
    if match is None:
        return None
    era = {"m": 1867, "t": 1911, "s": 1925, "h": 1988, "r": 2018}[match[1].lower()]
    found |= {"year": int(match[2]) + era, "mon": int(match[3]), "mday": int(match[4])}
    return True


def _with_month_and_dashes(rest: _Text, found: _Found) -> bool | None:
    if match := rest.take(rf"('?-?\d+)-{_MONTH}[^-/.]*-('?-?\d+)"):
        return _named(found, match[3], match[2], match[1])
    if match := rest.take(rf"\b{_MONTH}[^-/.]*-('?-?\d+)(?:-('?-?\d+))?"):
        return _named(found, match[3], match[1], match[2])
    return None


def _with_slashes(rest: _Text, found: _Found) -> bool | None:
    match = rest.take(r"('?-?\d+)/\s*('?\d+)(?:\D\s*('?-?\d+))?")
    return _date(found, match[1], match[2], match[3]) if match else None


def _with_dots(rest: _Text, found: _Found) -> bool | None:
    match = rest.take(r"('?-?\d+)\.\s*('?\d+)\.\s*('?-?\d+)")
    return _date(found, match[1], match[2], match[3]) if match else None


_ISO = (
    (r"\b(\d{2}|\d{4})?-?w(\d{2})(?:-?(\d))?\b", ("cwyear", "cweek", "cwday")),
    (r"-w-(\d)\b", ("cwday",)),
    (r"--(\d{2})?-(\d{2})\b", ("mon", "mday")),
    (r"--(\d{2})(\d{2})?\b", ("mon", "mday")),
    (r"(?<![,.])\b(\d{2}|\d{4})-(\d{3})(?!\d)\b", ("year", "yday")),
    (r"(?<!\d)\b-(\d{3})\b", ("yday",)),
)


def _iso(rest: _Text, found: _Found) -> bool | None:
    for pattern, names in _ISO:
        if match := rest.take(pattern):
            found |= {name: int(part) for name, part in zip(names, match.groups(), strict=True) if part}
            return True
    return None


def _short_year(rest: _Text, found: _Found) -> bool | None:
    return _one("year", rest.take(r"'(\d+)\b"), found)


def _month_only(rest: _Text, found: _Found) -> bool | None:
    match = rest.take(rf"\b{_MONTH}\S*")
    if match is None:
        return None
    found["mon"] = _MONTHS.index(match[1].lower()) + 1
    return True


def _day_only(rest: _Text, found: _Found) -> bool | None:
    return _one("mday", rest.take(r"(\d+)(?:st|nd|rd|th)\b"), found)


def _one(name: str, match: re.Match[str] | None, found: _Found) -> bool | None:
    if match is None:
        return None
    found[name] = int(match[1])
    return True


_LAYOUTS = {
    2: "mday2", 3: "yday3", 4: "mon2 mday2", 5: "year2 yday3", 6: "year2 mon2 mday2", 7: "year4 yday3",
    8: "year4 mon2 mday2", 10: "year4 mon2 mday2 hour2", 12: "year4 mon2 mday2 hour2 min2",
    14: "year4 mon2 mday2 hour2 min2 sec2",
}  # fmt: skip
"""What the digits of a number mean, by how many they are."""
_CLOCK = ("hour", "min", "sec")


def _digits(rest: _Text, found: _Found) -> bool | None:
    match = rest.take(
        r"([-+]?)(\d{2,14})(?:\s*t?\s*(\d{2,6})?(?:[,.](\d*))?)?(z\b|[-+]\d{1,4}\b|\[[-+]?\d[^\]]*\])?"
    )
    if match is None:
        return None
    sign, number, clock, fraction = match[1], match[2], match[3], match[4]
    if fraction is not None and not clock:
        return None  # seconds, and what stands before them: no date
    at = 0
    for part in _LAYOUTS.get(len(number), "").split():
        name, size = part[:-1], int(part[-1])
        found[name] = int(sign * (name == "year") + number[at : at + size])
        at += size
    if clock and len(clock) % 2 == 0:
        pairs = [int(clock[place : place + 2]) for place in range(0, len(clock), 2)]
        names = _CLOCK[-len(pairs) :] if fraction is not None else _CLOCK
        found |= dict(zip(names, pairs, strict=False))
    _fraction(fraction, found)
    return len(number) < 8


_DATES = (
    _day_month, _month_day, _with_dashes, _japanese, _with_month_and_dashes, _with_slashes, _with_dots, _iso,
    _short_year, _month_only, _day_only, _digits,
)  # fmt: skip


def _named(found: _Found, year: str | None, month: str, day: str | None, era: str | None = None) -> bool:
    full = _date(found, year, str(_MONTHS.index(month.lower()) + 1), day)
    if era and era[0] in "bB" and "year" in found:
        found["year"] = 1 - found["year"]
    return full


def _date(found: _Found, y: str | None, m: str | None, d: str | None) -> bool:
    """Which of three is the year: the one with an apostrophe or more than two digits, else the first."""
    if y is not None and m is not None and d is None:
        y, m, d = d, y, m
    if y is None and d is not None and (len(d) > 2 or d[0] == "'"):
        y, d = d, None
    if y is not None and (whole := re.match(r"[^-+\d]*([-+]?\d++).", y, re.ASCII)):
        y, d = d, whole[1]
    if m is not None and (len(m) > 2 or m[0] == "'"):
        y, m, d = m, d, y
    if d is not None and (len(d) > 2 or d[0] == "'"):
        y, d = d, y
    for name, part in (("mon", m), ("mday", d)):
        if part is not None and (number := re.search(r"\d+", part)):
            found[name] = int(number[0])
    year = re.search(r"([-+]?)(\d+)", y or "")
    if year is None:
        return True
    found["year"] = int(year[0])
    return not year[1] and len(year[2]) <= 2


# --- from what was found to a moment ---------------------------------------------------------------

_KINDS = (
    (), ("year", "yday"), ("year", "mon", "mday"), ("cwyear", "cweek", "cwday"), ("wday",),
)  # fmt: skip
"""The ways of naming a day, in Ruby's order; the first is a time without one."""


def _completed(found: _Found, today: date) -> datetime:
    """The time of day and the day that are meant.

    What is larger than all that was said is today's (the year of "Dec 25"), what is smaller is the first.

    Raises:
        ValueError: it names no day of the calendar, or no time of a day.
    """
    kind = max(_KINDS, key=lambda names: sum(name in found for name in names))
    if not kind and not any(name in found for name in _CLOCK):
        raise ValueError("no day and no time")
    said = next((place for place, name in enumerate(kind) if name in found), 0)
    parts = [found.get(name, _of(today, name) if place < said else 1) for place, name in enumerate(kind)]
    hour, minute, second = (found.get(name, 0) for name in _CLOCK)
    if minute > 59 or second > 60 or (hour, minute, min(second, 59)) > (24, 0, 0):
        raise ValueError("no time of a day")
    day = _day(kind, parts, today)
    return datetime(day.year, day.month, day.day) + timedelta(
        hours=hour, minutes=minute, seconds=min(second, 59)
    )


def _of(day: date, name: str) -> int:
    iso = day.isocalendar()
    return {"year": day.year, "mon": day.month, "cwyear": iso.year, "cweek": iso.week}[name]


def _day(kind: tuple[str, ...], parts: list[int], today: date) -> date:
    match kind, parts:
        case (), _:
            return today
        case ("wday",), [wday]:
            return today + timedelta(days=wday - today.isoweekday() % 7)
        case ("year", "yday"), [year, yday]:
            found = date(year, 1, 1) + timedelta(days=yday - 1)
            if found.year != year:
                raise ValueError("no such day")
            return found
        case ("year", "mon", "mday"), [year, month, day]:
            return date(year, month, day)
    return date.fromisocalendar(*parts)
