"""What a plain scalar of a YAML file means: the rule of Psych, Ruby's YAML reader.

It is older than YAML 1.2 and differs from PyYAML's: `:full` is a symbol, `1,000` is 1000, `1:30` is 5400,
`1__0` and `1e3` are texts. A team shares its files with Ruby, so they must mean the same here. The source is
`Psych::ScalarScanner#tokenize` of Psych 5.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

Scalar = str | int | float | bool | None


class Symbol(str):
    """A Ruby symbol, without its colon. JSON holds it as a text."""

    __slots__ = ()


@dataclass(frozen=True)
class Timestamp:
    """A date or a time: `text` is what JSON holds for it, which is Ruby's `to_s`."""

    text: str


_TEXT = re.compile(r"[^\d.:-]?[^\W\d]|[^\d.:-]?[\s!@#$%^&*(){}<>|/\\~;=_]")
_INF, _NAN = re.compile(r"\+?\.inf", re.IGNORECASE), re.compile(r"\.nan", re.IGNORECASE)
_TIME = re.compile(
    r"(-?\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt]|\s+)(\d{1,2}):(\d\d):(\d\d)(?:\.\d*)?"
    r"(?:\s*(Z|[-+]\d{1,2}:?(?:\d\d)?))?",
    re.ASCII,
)
_DATE = re.compile(r"(\d{4})-(1[012]|0\d|\d)-([12]\d|3[01]|0\d|\d)", re.ASCII)
_QUOTED_SYMBOL = re.compile(r":([\"'])(.*)\1", re.DOTALL)
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9]){1,2}")
_BASE_60_FLOAT = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9]){1,2}\.[0-9_]*")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_,]*)?\.[0-9]*(?:[eE][-+][0-9]+)?")
_INTEGERS = (
    (re.compile(r"[-+]?0b[01_,]+"), 2),
    (re.compile(r"[-+]?0[0-7_,]+"), 8),
    (re.compile(r"[-+]?(?:0|[1-9](?:[0-9]|,[0-9]|_[0-9])*)"), 10),
    (re.compile(r"[-+]?0x[0-9a-fA-F_,]+"), 16),
)
_NULL, _TRUE, _FALSE = ("~", "null"), ("yes", "true", "on"), ("no", "false", "off")


def meaning(text: str) -> Scalar | Timestamp:
    """What a plain (unquoted) scalar means.

    Raises:
        ValueError: it begins like a number and is none, where Ruby raises ArgumentError.
    """
    if not text:
        return None
    if _TEXT.match(text) or "\n" in text:
        return _word(text)
    for pattern, read in _FORMS:
        match = pattern.fullmatch(text)
        if match is not None:
            return read(match)
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(text):
            return int(text.replace(",", "").replace("_", ""), base)
    return text


def _word(text: str) -> Scalar:
    lower = text.lower()
    if lower in _NULL:
        return None
    if lower in _TRUE:
        return True
    return False if lower in _FALSE else text


def _symbol(match: re.Match[str]) -> Scalar:
    quoted = _QUOTED_SYMBOL.match(match[0])
    return Symbol((quoted[2] if quoted else match[0][1:]).removeprefix(":" if quoted else ""))


def _float(match: re.Match[str]) -> Scalar:
    text = match[0]
    if text.lstrip("+-") == ".":
        return text
    return float(re.sub(r"\.([Ee]|$)", r"\1", text.replace(",", "").replace("_", "")))


def _base_60(number: Callable[[str], int | float]) -> Callable[[re.Match[str]], Scalar]:
    # The first of two parts counts as hours, as in Ruby: 1:30 is 5400.
    def read(match: re.Match[str]) -> Scalar:
        parts = match[0].split(":")
        return sum(number(part) * int(60 ** abs(index - 2)) for index, part in enumerate(parts))

    return read


def _whole(text: str) -> int:
    # Ruby's to_i stops at the first doubled or last underscore.
    match = re.match(r"[-+]?[0-9]+(?:_[0-9]+)*", text)
    return int(match[0].replace("_", "")) if match else 0


def _fraction(text: str) -> float:
    match = re.match(r"[-+]?[0-9]+(?:_[0-9]+)*(?:\.[0-9]+(?:_[0-9]+)*)?", text)
    return float(match[0].replace("_", "")) if match else 0.0


def _date(match: re.Match[str]) -> Scalar | Timestamp:
    try:
        return Timestamp(str(date(int(match[1]), int(match[2]), int(match[3]))))
    except ValueError:
        return match[0]


def _time(match: re.Match[str]) -> Scalar | Timestamp:
    if "\t" in match[0]:
        raise ValueError("a tab between a date and a time")
    year, month, day, hour, minute, second = (int(match[index]) for index in range(1, 7))
    try:
        # Ruby takes the 31st of every month, 24:00:00 and the second 60, and goes on from there.
        if not (1 <= day <= 31 and minute <= 59 and second <= 60 and (hour, minute, second) <= (24, 0, 0)):
            return match[0]
        spent = timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second)
        at = datetime(year, month, 1, tzinfo=UTC) + spent
        if match[7] == "Z":
            return Timestamp(f"{at:%Y-%m-%d %H:%M:%S} UTC")
        if match[7] is None:
            return Timestamp(f"{at.astimezone():%Y-%m-%d %H:%M:%S %z}")
        return Timestamp(f"{at.replace(tzinfo=_offset(match[7])):%Y-%m-%d %H:%M:%S %z}")
    except (ValueError, OverflowError):
        return match[0]


def _offset(text: str) -> timezone:
    digits = text[1:].replace(":", "")
    hours, minutes = (digits, "0") if len(digits) <= 2 else (digits[:-2], digits[-2:])
    ahead = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-ahead if text[0] == "-" else ahead)


_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Scalar | Timestamp]], ...] = (
    (_TIME, _time),
    (_DATE, _date),
    (_INF, lambda _: float("inf")),
    (re.compile(r"-\.inf", re.IGNORECASE), lambda _: float("-inf")),
    (_NAN, lambda _: float("nan")),
    (re.compile(r":.+", re.DOTALL), _symbol),
    (_BASE_60, _base_60(_whole)),
    (_BASE_60_FLOAT, _base_60(_fraction)),
    (_FLOAT, _float),
)
