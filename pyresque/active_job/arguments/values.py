"""Ruby's values that Python has no type for, each as a kind of the Python type that comes nearest.

    Symbol ......... a str            Duration ....... a timedelta that knows its parts
    Module ......... a str            Time ........... a datetime that knows its nanoseconds
    Range                             DateTime ....... the same, of Ruby's class DateTime
    Indifferent .... a dict           TimeWithZone ... the same, in a zone with a name
    Keywords ....... a dict           FarTime ........ a str: a date or time beyond Python's calendar
    Serialized ..... an object of the application's own, as its serializer wrote it

They exist so that a value that was read can be written back as the same bytes. To enqueue, plain Python
values do: `datetime`, `date`, `timedelta`, `Decimal`, `range`, `dict`, `list`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Literal, Self

Kind = Literal["Date", "DateTime", "Time", "TimeWithZone"]


class Symbol(str):
    """A Ruby symbol: `Symbol("urgent")` arrives as `:urgent`. As a key of a dict, too."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Symbol({str.__repr__(self)})"


class Module(str):
    """The name of a Ruby class or module: `Module("Admin::User")` arrives as that class."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Module({str.__repr__(self)})"


class FarTime(str):
    """A date or time that Python's calendar cannot hold (before year 1, after 9999), as Ruby wrote it."""

    kind: Kind
    zone: str | None

    def __new__(cls, text: str, kind: Kind, zone: str | None = None) -> Self:
        """Make one of the text; `zone` is that of a TimeWithZone."""
        made = super().__new__(cls, text)
        made.kind, made.zone = kind, zone
        return made

    def __getnewargs__(self) -> tuple[str, Kind, str | None]:  # type: ignore[override]  # for copies
        return str(self), self.kind, self.zone

    def __repr__(self) -> str:
        return f"FarTime({str.__repr__(self)}, {self.kind!r})"


class Indifferent(dict[str, Any]):
    """A HashWithIndifferentAccess, or permitted parameters; dicts inside it are indifferent as well."""

    def __repr__(self) -> str:
        return f"Indifferent({dict.__repr__(self)})"


class Keywords(dict[str, Any]):
    """A hash of keyword arguments; as the last argument it becomes the keywords of the call."""

    def __repr__(self) -> str:
        return f"Keywords({dict.__repr__(self)})"


@dataclass(frozen=True)
class Range:
    """A Ruby range `begin..end`, or `begin...end` with `exclude_end`; None is an open end."""

    begin: Any
    end: Any
    exclude_end: bool = False

    def __contains__(self, value: Any) -> bool:
        if self.begin is not None and value < self.begin:
            return False
        if self.end is None:
            return True
        return bool(value < self.end if self.exclude_end else value <= self.end)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, range):
            whole = isinstance(self.begin, int) and isinstance(self.end, int)
            return whole and other == self.as_range()
        if not isinstance(other, Range):
            return NotImplemented
        ends = (self.begin, self.end, self.exclude_end)
        return ends == (other.begin, other.end, other.exclude_end)

    def __hash__(self) -> int:
        whole = isinstance(self.begin, int) and isinstance(self.end, int)
        return hash(self.as_range()) if whole else hash((self.begin, self.end, self.exclude_end))

    def as_range(self) -> range:
        """A Python range over the same whole numbers.

        Raises:
            TypeError: its ends are not whole numbers.
        """
        if not isinstance(self.begin, int) or not isinstance(self.end, int):
            raise TypeError(f"{self!r} has ends that are not whole numbers")
        return range(self.begin, self.end if self.exclude_end else self.end + 1)


@dataclass(frozen=True)
class Serialized:
    """An object of the application's own: the name of its serializer, and the whole JSON object.

    A job gets the result of `@active_job.serializer(name)`, and this where there is none.
    """

    serializer: str
    data: Mapping[str, Any]


class Duration(timedelta):
    """An ActiveSupport::Duration: a timedelta of `value` seconds that knows its parts.

    `Duration.of(months=1, days=2)` makes one; a month and a year have the length that Rails gives them.
    """

    value: int | float | Decimal
    parts: tuple[tuple[str, Any], ...]

    SECONDS: ClassVar[dict[str, int]] = {
        "years": 31556952, "months": 2629746, "weeks": 604800, "days": 86400, "hours": 3600, "minutes": 60,
        "seconds": 1,
    }  # fmt: skip

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Take what timedelta takes."""
        made = super().__new__(cls, *args, **kwargs)
        value = whole_or_float(made)
        made.value, made.parts = value, (("seconds", value),)
        return made

    @classmethod
    def read(cls, value: int | float | Decimal, parts: tuple[tuple[str, Any], ...]) -> Self:
        """A duration as Rails wrote it.

        Raises:
            OverflowError: it is longer than a timedelta can be.
        """
        made = cls(seconds=float(value) if isinstance(value, Decimal) else value)
        made.value, made.parts = value, parts
        return made

    @classmethod
    def of(cls, **parts: int | float) -> Self:
        """A duration of years, months, weeks, days, hours, minutes, seconds.

        Raises:
            TypeError: there is no such part.
        """
        unknown = [name for name in parts if name not in cls.SECONDS]
        if unknown:
            raise TypeError(f"a duration has no {unknown[0]}: its parts are {', '.join(cls.SECONDS)}")
        value = sum(cls.SECONDS[name] * count for name, count in parts.items())
        # As Rails has it: a part of nothing is none, unless there is nothing else.
        kept = tuple((name, count) for name, count in parts.items() if count)
        return cls.read(value, kept or tuple(parts.items()) or (("seconds", 0),))

    def __reduce__(self) -> Any:
        return Duration.read, (self.value, self.parts)


class Time(datetime):
    """A Ruby Time: an aware datetime. `nanosecond` is what it has below a microsecond, 0 to 999."""

    nanosecond: int

    def __new__(cls, *args: Any, nanosecond: int = 0, **kwargs: Any) -> Self:
        """Take what datetime takes."""
        made = super().__new__(cls, *args, **kwargs)
        made.nanosecond = nanosecond
        return made

    @classmethod
    def at(cls, moment: datetime, nanosecond: int = 0) -> Self:
        """The same moment, of this class."""
        day = (moment.year, moment.month, moment.day)
        clock = (moment.hour, moment.minute, moment.second, moment.microsecond)
        return cls(*day, *clock, moment.tzinfo, fold=moment.fold, nanosecond=nanosecond)

    @property
    def nanoseconds(self) -> int:
        """The whole fraction of the second, in nanoseconds."""
        return self.microsecond * 1000 + self.nanosecond

    def __reduce_ex__(self, protocol: Any) -> Any:
        moment = datetime.combine(self.date(), self.timetz())
        return _again, (type(self), moment, self.nanosecond, self.fold), self.__dict__


class DateTime(Time):
    """A Ruby DateTime."""


class TimeWithZone(Time):
    """An ActiveSupport::TimeWithZone; `zone` is the name of its zone, None where Rails did not tell it."""

    zone: str | None = None


def _again(kind: type[Time], moment: datetime, nanosecond: int, fold: int) -> Time:
    return kind.at(moment.replace(fold=fold), nanosecond)


def whole_or_float(span: timedelta) -> int | float:
    """The seconds of a timedelta: an int where they are whole."""
    if span.microseconds:
        return span.total_seconds()
    return span.days * 86400 + span.seconds


def plain(value: Any) -> Any:
    """The value with Python's own types where ours are only kinds of them, inside of lists and dicts too."""
    if isinstance(value, Time):
        clock = (value.hour, value.minute, value.second, value.microsecond)
        return datetime(value.year, value.month, value.day, *clock, tzinfo=value.tzinfo, fold=value.fold)
    if isinstance(value, Duration):
        return timedelta(value.days, value.seconds, value.microseconds)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value
