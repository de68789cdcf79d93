"""`every` of a schedule entry: a period as Ruby reads it (docs/protocol/scheduler.md#every)."""

from __future__ import annotations

import re

from pyresque.errors import InvalidSchedule
from pyresque.schedule.cron_grammar import BLANKS, LONGEST
from pyresque.schedule.with_options import split_options

_SHORTEST = 0.3
"""Seconds between two looks of a Ruby scheduler at its entries: it refuses a shorter period."""

_FACTORS = {
    "y": 365 * 86400, "M": 30 * 86400, "w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1,
}  # fmt: skip
"""Seconds of each unit; a year is 365 days and a month 30. In the order in which Ruby adds them up."""

_NUMBER = r"(?:[0-9]+\.[0-9]*|(?:[0-9]*\.)?[0-9]+)"
_NAMES = {
    "y": "(?i:y(?:ears?)?)", "M": "(?:M|months?)", "w": "(?i:w(?:eeks?)?)", "d": "(?i:d(?:ays?)?)",
    "h": "(?i:h(?:ours?)?)", "m": "m(?:in(?:ute)?s?)?", "s": "(?i:s(?:ec(?:ond)?)?s?)",
}  # fmt: skip
"""Only months and minutes care about capitals."""

_PART = re.compile(
    "|".join(rf"(?>(?P<{unit}>{_NUMBER}) *{name})" for unit, name in _NAMES.items())
    + rf"|(?P<bare>{_NUMBER})\Z",
    re.ASCII,
)
_APART = re.compile(r"(?:[ \t,]+|and)*+", re.IGNORECASE | re.ASCII)
_SIGN = re.compile(r"[-+]?")
_ISO = re.compile(
    r"P(?P<date>(?:-?[0-9]+[YMWD])*+)(?:T(?P<time>(?:-?[0-9]+[HM]|-?(?:[0-9]*\.)?[0-9]+S)++))?", re.ASCII
)
_ISO_PART = re.compile(r"(-?[0-9.]+)([A-Z])")
_ISO_DATE = {"Y": "y", "M": "M", "W": "w", "D": "d"}
_ISO_TIME = {"H": "h", "M": "m", "S": "s"}

_Number = int | float


class Every:
    """A period: `seconds` between two runs.

    `value` is what YAML or JSON holds under `every`: a text ("1h30m", "5 minutes", "PT5M"; beware: "5M" is
    five months and "1h30" an hour and 30 seconds), a number of seconds, or a list [one of these, {options}],
    whose options are in `options`.

    Raises InvalidSchedule for whatever Ruby refuses: not a period, not positive, below 0.3 s, or
    more than 256 characters.
    """

    def __init__(self, value: object) -> None:
        period, options = split_options(value)
        self.options = options or {}
        if period is None or period == "":
            raise InvalidSchedule("every is empty")
        if isinstance(period, bool) or not isinstance(period, str | int | float):
            raise InvalidSchedule(f"every must be a text or a number, not {type(period).__name__}")
        self._text = period if isinstance(period, str) else _as_text(period)
        seconds = duration(period) if isinstance(period, str) else period
        if seconds <= 0:
            raise InvalidSchedule(f"every {self._shown()}: a period must be more than 0 seconds")
        if seconds < _SHORTEST:
            raise InvalidSchedule(
                f"every {self._shown()}: less than {_SHORTEST} s, where Ruby fails or hangs"
            )
        self.seconds: int | float = seconds
        """Between two runs. May be longer than a datetime can hold."""

    def __str__(self) -> str:
        """The text as given; for a number one that is safe to share with Ruby ("90s")."""
        return self._text

    def __repr__(self) -> str:
        return f"Every({self._text!r})"

    def _shown(self) -> str:
        return repr(self._text if len(self._text) <= 60 else self._text[:57] + "...")


def _as_text(seconds: int | float) -> str:
    """Seconds as a duration that Ruby reads. Raises InvalidSchedule for what is not a number, or endless."""
    try:
        whole = int(seconds)
        return f"{whole if whole == float(seconds) else seconds}s"
    except (ValueError, OverflowError):
        raise InvalidSchedule("every is not a number of seconds that one could wait for") from None


def duration(text: str) -> int | float:
    """Seconds of a length of time as Ruby reads it ("90s", "1h30m", "PT5M"), which may be 0 or less.

    Raises:
        InvalidSchedule: it is not one.
    """
    stripped = text.strip(BLANKS)
    if len(stripped) > LONGEST:
        raise InvalidSchedule(f"every: longer than {LONGEST} characters")
    parts = _plain(stripped) or _iso(stripped.upper())
    if parts is None:
        raise InvalidSchedule(f"every {stripped!r} is not a period; write 90s, 5m, 1h30m, 2d, 1w")
    return sum((parts[unit] * factor for unit, factor in _FACTORS.items() if parts.get(unit)), 0)


def _plain(text: str) -> dict[str, _Number] | None:
    """Numbers with units, added up per unit. A sign counts up to the next separator or sign."""
    units: dict[str, _Number] = {}
    at = end = 0
    while sign := _SIGN.match(text, at):
        at, run = sign.end(), 0
        while part := _PART.match(text, at):
            at, run = part.end(), run + 1
            name = part.lastgroup or ""
            unit, value = ("s" if name == "bare" else name), _number(part[name])
            units[unit] = units.get(unit, 0) + (-value if sign[0] == "-" else value)
        if not run:
            break
        end = at
        apart = _APART.match(text, at)
        at = apart.end() if apart else at
    return units if units and end == len(text) else None


def _iso(text: str) -> dict[str, _Number] | None:
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    units_given: dict[str, _Number] = {}
    for units, part in ((_ISO_DATE, match["date"]), (_ISO_TIME, match["time"])):
        for number, letter in _ISO_PART.findall(part or ""):
            units_given[units[letter]] = units_given.get(units[letter], 0) + _number(number)
    return units_given


def _number(text: str) -> _Number:
    return float(text) if "." in text else int(text)
