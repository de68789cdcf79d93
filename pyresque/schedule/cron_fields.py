"""A cron entry as sets of numbers: what its elements mean in Ruby.

See docs/protocol/scheduler.md#cron-syntax.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

from pyresque.errors import InvalidSchedule
from pyresque.schedule.cron_grammar import (
    DAY,
    HOUR,
    MINUTE,
    MONTH,
    SECOND,
    WEEKDAY,
    CronText,
    Element,
    Kind,
    read,
)

_LONGEST_MONTHS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MOST_DRAWS = 64
"""So often "~" is drawn until it gives a time that comes."""


class Weekday(NamedTuple):
    """A day of the week (0 = Sunday): each, the nth of a month, or that of some weeks (modulo, offset)."""

    day: int
    nth: int | None = None
    weeks: tuple[int, int] | None = None


@dataclass(frozen=True)
class Fields:
    """A cron entry as numbers. None means any. Days of the month below 0 count from the end (-1 = last).

    `both_days`: the day of the month and that of the week must both match ("&"); else one of the two is
    enough. `zone` is the zone as written, None where the text has none. `random`: the text has a "~".
    """

    seconds: tuple[int, ...] | None
    minutes: tuple[int, ...] | None
    hours: tuple[int, ...] | None
    days: tuple[int, ...] | None
    months: tuple[int, ...] | None
    weekdays: tuple[Weekday, ...] | None
    both_days: bool
    zone: str | None
    random: bool


def parse(text: str) -> Fields:
    """The fields of a cron text. Raises InvalidSchedule with the field that Ruby would stumble over.

    A "~" that drew what never comes (the 31st of April) is drawn again. Ruby does that too, at its next load;
    our draws depend on the text alone, so without it such a text would never load.
    """
    parsed = read(text)
    seeds = [parsed.text + "~" * more for more in range(_MOST_DRAWS if "~" in parsed.text else 1)]
    for seed in seeds[:-1]:
        with suppress(InvalidSchedule):
            return _fields(parsed, seed)
    return _fields(parsed, seeds[-1])


def _fields(parsed: CronText, seed: str) -> Fields:
    """What the text means. `seed` decides what "~" draws."""
    held = parsed.fields
    minutes, hours, days, months = (_numbers(kind, held[kind], seed) for kind in (MINUTE, HOUR, DAY, MONTH))
    days, months = _possible(days, months)
    return Fields(
        seconds=_numbers(SECOND, held[SECOND], seed) if SECOND in held else (0,),
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=_weekdays(held[WEEKDAY], seed),
        both_days="&" in parsed.text,
        zone=parsed.zone,
        random="~" in parsed.text,
    )


def _numbers(kind: Kind, elements: list[Element], seed: str) -> tuple[int, ...] | None:
    """All numbers of a field but the day of week; None where one of its elements means any."""
    values: set[int] = set()
    free = False
    for element in elements:
        numbers = _expand(kind, element, seed)
        free = free or numbers is None
        values.update(numbers or ())
    if free:
        return None
    return tuple(sorted({0 if kind is HOUR and value == kind.high + 1 else value for value in values}))


def _expand(kind: Kind, element: Element, seed: str) -> list[int] | None:
    start, end, step = element.start, element.end, element.step
    if step is not None and step < 1:
        raise InvalidSchedule(f"{kind.name}: a step of 0")
    if element.random:
        start = _draw(kind, element, seed)
        end = end if step else None
    if start is None and step is None:
        return None
    if start is not None and end is None and step is None:
        return [start]
    start = kind.low if start is None else start
    end = kind.high if end is None or (end < 0 < start) else end
    if start == kind.low and end == kind.high and step in (None, 1):
        return None
    if (start < 0) != (end < 0):
        raise InvalidSchedule(f"{kind.name}: a range from the end of the month to a day from its start")
    return _walk(kind, start, end)[:: step or 1]


def _walk(kind: Kind, start: int, end: int) -> list[int]:
    """From start up to end, over the largest number to the smallest where need be."""
    low, high = (-kind.high, -1) if start < 0 else (kind.low, kind.high)
    numbers = [start]
    while numbers[-1] != end:
        following = numbers[-1] + 1
        if following > high:
            following = low
            end = end - high - 1 if end > high else end
        numbers.append(following)
    return numbers


def _draw(kind: Kind, element: Element, seed: str) -> int:
    """A number for "~". Ruby draws it anew at each load; we always draw the same one for the same text."""
    start = kind.low if element.start is None else element.start
    size = (kind.high if element.end is None else element.end) - start + 1
    size = size + kind.high - kind.low + 1 if size <= 0 else size
    if size <= 0:
        raise InvalidSchedule(f"{kind.name}: nothing to draw from between {start} and {element.end}")
    size = min(size, element.step) if element.step else size
    drawn = start + crc32(f"{kind.name} {seed}".encode("utf-8", "replace")) % size
    return drawn + kind.low - kind.high - 1 if drawn > kind.high else drawn


def _weekdays(elements: list[Element], seed: str) -> tuple[Weekday, ...] | None:
    weekdays: set[Weekday] = set()
    for element in elements:
        if element.weeks is not None and element.weeks[0] == 0:
            raise InvalidSchedule("day of week: a week modulo 0")
        weekdays.update(Weekday(day % 7, element.nth, element.weeks) for day in _days_of_week(element, seed))
    for weekday in weekdays:
        if weekday.nth is not None and any(other.day == weekday.day and other.weeks for other in weekdays):
            raise InvalidSchedule("day of week: the same day with # and with %")
    return (
        tuple(sorted(weekdays, key=lambda weekday: (weekday.day, weekday.nth or 0, weekday.weeks or (0, 0))))
        or None
    )


def _days_of_week(element: Element, seed: str) -> range | list[int]:
    start, end, step = element.start, element.end, element.step
    if element.random:
        if step == 0:
            raise InvalidSchedule("day of week: a step of 0")
        start = _draw(WEEKDAY, element, seed)
        end = end if step else None
    if step is not None:
        end = (WEEKDAY.high if start is None else start) if end is None else end
        start = start or 0
    if start is None:
        return []
    end = start if end is None else end
    return range(start, (end + 7 if start > end else end) + 1, step or 1)


_Numbers = tuple[int, ...] | None


def _possible(days: _Numbers, months: _Numbers) -> tuple[_Numbers, _Numbers]:
    """Without the days and months that never meet, as Ruby drops them."""
    if days == (0,):
        raise InvalidSchedule("day of month: ~ drew 0, between the last day and the first")
    if days is None or months is None:
        return days, months
    pairs = [(day, month) for month in months for day in days if day <= _LONGEST_MONTHS[month]]
    if not pairs:
        raise InvalidSchedule(f"day of month {days[0]} never comes in month {', '.join(map(str, months))}")
    return tuple(sorted({day for day, _ in pairs})), tuple(sorted({month for _, month in pairs}))
