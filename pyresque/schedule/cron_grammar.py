"""The text of a cron entry: the grammar of fugit 1.14.

See docs/protocol/scheduler.md#cron-syntax.

A reader for exactly that grammar, because a text that Ruby refuses ends older Ruby schedulers, and a text
that Ruby reads differently is fired at two times by two schedulers. fugit never goes back over what it has
read; neither does this reader (hence the atomic groups and possessive repeats in the patterns).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pyresque.errors import InvalidSchedule

LONGEST = 256
"""Characters of a cron or every text without the white space around it (fugit 1.14)."""

BLANKS = "\0\t\n\v\f\r "
"""What Ruby's String#strip takes away."""

WORDS = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@noon": "0 12 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
"""Words that mean five fields."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class Kind(NamedTuple):
    """One of the six fields: its name, its smallest and largest number, a pattern for one value."""

    name: str
    low: int
    high: int
    atom: str
    names: tuple[str, ...] = ()
    form: str = ""

    def number(self, text: str) -> int:
        """What one value of this field means: a number, a name, or "l" and "last" (-1)."""
        text = text.lower()
        if text in self.names:
            return self.names.index(text) + self.low
        return -1 if text.startswith("l") else int(text)


SECOND = Kind("second", 0, 59, "[0-5]?[0-9]", form="0-59")
MINUTE = Kind("minute", 0, 59, "[0-5]?[0-9]", form="0-59")
HOUR = Kind("hour", 0, 23, "2[0-4]|[01]?[0-9]", form="0-24")
DAY = Kind("day of month", 1, 31, "-?(?:3[01]|[12][0-9]|0?[1-9])|last|l", form="1-31, -31 to -1, L")
MONTH = Kind("month", 1, 12, "1[0-2]|0?[1-9]|" + "|".join(_MONTHS), _MONTHS, "1-12, jan-dec")
WEEKDAY = Kind("day of week", 0, 6, "[0-7]|" + "|".join(_WEEKDAYS), _WEEKDAYS, "0-7, sun-sat, mon#2, mon%2+1")


class Element(NamedTuple):
    """What stands between two commas. `start` and `end` are None where the text has none ("*", "/5")."""

    start: int | None
    end: int | None
    step: int | None
    random: bool
    nth: int | None
    weeks: tuple[int, int] | None


class CronText(NamedTuple):
    """A cron text taken apart. `zone` is the zone as written, None where the text has none."""

    text: str
    fields: dict[Kind, list[Element]]
    zone: str | None


def _pattern(kind: Kind) -> re.Pattern[str]:
    atom = f"(?>{kind.atom})"
    some = (
        rf"(?:/(?P<bare>[0-9]{{1,2}})|(?:\*|(?P<low>{atom})?+(?P<random>~)(?P<high>{atom})?+"
        rf"|(?P<start>{atom})(?:-(?P<end>{atom}))?)(?:/(?P<step>[0-9]{{1,2}}))?)"
    )
    if kind is WEEKDAY:
        nth = rf"(?P<nth_day>{atom})\#(?P<nth>(?>-?[1-5]|last|l))"
        weeks = rf"(?P<weeks_day>{atom})%(?P<modulo>[0-9]++)(?:\+(?P<offset>[0-9]++))?"
        some = f"(?:{nth}|{weeks}|{some})"
    return re.compile(some, re.IGNORECASE | re.ASCII)


_SIX = (SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY)
_PATTERNS = {kind: _pattern(kind) for kind in _SIX}
_COMMAS = re.compile(r"(?:[ \t]*,)*+")
_COMMA = re.compile(r",(?:[ \t]*,)*+")
_GAP = re.compile(r"[ \t]+")
_ZONE = re.compile(
    r" +([-+](?:[01][0-9]|2[0-4]):?(?:00|15|30|45)|[A-Z][a-zA-Z0-9+-]+(?:/[A-Z][a-zA-Z0-9+_-]+){0,2})",
    re.ASCII,
)


def read(text: str) -> CronText:
    """The elements of a cron text. Raises InvalidSchedule with the field that Ruby would stumble over."""
    text = text.strip(BLANKS)
    if len(text) > LONGEST:
        raise InvalidSchedule(f"longer than {LONGEST} characters")
    words = re.split(r"\s+", text, maxsplit=1, flags=re.ASCII)
    if text.startswith("@"):
        if words[0] not in WORDS:
            raise InvalidSchedule(
                f"unknown word {words[0]!r}; there are {', '.join(WORDS)}, in small letters"
            )
        text = " ".join([WORDS[words[0]], *words[1:]])
    try:
        return _read(text, _SIX)
    except InvalidSchedule as six:
        try:
            return _read(text, _SIX[1:])
        except InvalidSchedule as five:
            raise (six if _meant_as_six(text) else five) from None


def _meant_as_six(text: str) -> bool:
    """Whether a text that is wrong either way looks like one with seconds, so that the message fits."""
    words = text.split()
    if len(words) <= len(_SIX) - 1:
        return False
    return words[5][:3].lower() in _WEEKDAYS or not re.match(r"[A-Z][A-Za-z]|[+-][0-9]", words[5])


def _read(text: str, kinds: tuple[Kind, ...]) -> CronText:
    if len(text.split()) < len(kinds):
        raise InvalidSchedule(
            f"a cron text has 5 fields, or 6 with the second first; found {len(text.split())}"
        )
    at = 0
    held: dict[Kind, list[Element]] = {}
    for kind in kinds:
        held[kind], at = _read_field(text, at, kind)
    zone = None
    if at < len(text):
        match = _ZONE.fullmatch(text, at)
        if match is None:
            raise InvalidSchedule(f"{text[at:].strip()!r} after the day of week is not a time zone")
        zone = match[1]
    return CronText(text, held, zone)


def _read_field(text: str, at: int, kind: Kind) -> tuple[list[Element], int]:
    """The elements of the field at `at`, and where the next field begins."""
    begin = at
    at = _end(_COMMAS, text, at)
    elements: list[Element] = []
    comma: re.Match[str] | None = None
    while match := _PATTERNS[kind].match(text, comma.end() if comma else at):
        elements.append(_element(kind, match))
        at = match.end()
        if not (comma := _COMMA.match(text, at)):
            break
    if elements:
        at = _end(_COMMAS, text, at)
        if kind in (DAY, WEEKDAY) and text[at : at + 1] == "&":
            at += 1
        if kind is WEEKDAY and text[at : at + 1] in ("", " "):
            return elements, at
        if kind is not WEEKDAY and (gap := _GAP.match(text, at)):
            return elements, gap.end()
    word = re.split(r"[ \t]", text[begin:] or " ", maxsplit=1)[0]
    raise InvalidSchedule(
        f"{kind.name} {word!r} is not understood ({kind.form}; ranges, lists and steps of these)"
    )


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _element(kind: Kind, match: re.Match[str]) -> Element:
    parts = {name: value for name, value in match.groupdict().items() if value is not None}

    def number(*names: str) -> int | None:
        return next((kind.number(parts[name]) for name in names if name in parts), None)

    step = parts.get("bare", parts.get("step"))
    return Element(
        start=number("start", "low", "nth_day", "weeks_day"),
        end=number("end", "high"),
        step=None if step is None else int(step),
        random="random" in parts,
        nth=number("nth"),
        weeks=(int(parts["modulo"]), int(parts.get("offset", 0))) if "modulo" in parts else None,
    )
