"""From Python values to the `arguments` of an Active Job (docs/protocol/active-job.md#arguments)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pyresque.active_job.arguments.gid import global_id_of
from pyresque.active_job.arguments.reading import indifferent
from pyresque.active_job.arguments.times import is_ruby_utc, written
from pyresque.active_job.arguments.values import (
    DateTime,
    Duration,
    FarTime,
    Indifferent,
    Keywords,
    Module,
    Range,
    Serialized,
    Symbol,
    TimeWithZone,
    whole_or_float,
)
from pyresque.active_job.arguments.versions import (
    FRACTION_SINCE,
    KEYWORDS_SINCE,
    RESERVED,
    RESERVED_SINCE_6,
    SINCE,
    ZONE_SINCE,
    Version,
    version_of,
)
from pyresque.errors import SerializationError
from pyresque.wire.encoding import Beyond

_MOST = 100
"""Levels of nesting that a Ruby worker reads; the exact limit is that of the whole payload."""

Dump = Callable[[Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Writer:
    """How arguments are written: for a version of Rails, with the application's own serializers.

    `objects` tells for a Python type the name of its serializer, and what gives the further keys.
    """

    rails: Version
    objects: Mapping[type, tuple[str, Dump]] = field(default_factory=dict)

    @classmethod
    def of(cls, rails: str, objects: Mapping[type, tuple[str, Dump]] | None = None) -> Writer:
        """A writer for a version as text.

        Raises:
            ValueError: there is no such version.
        """
        return cls(version_of(rails), objects or {})

    def arguments(self, values: Sequence[Any]) -> list[Any]:
        """Write the whole list.

        Raises:
            SerializationError: one of them is nothing that this version of Rails could read.
        """
        try:
            return [self.value(value) for value in values]
        except RecursionError:
            raise SerializationError(f"nested deeper than {_MOST} levels, or in a circle") from None

    def value(self, value: Any) -> Any:
        """Write one value."""
        if value is None or isinstance(value, (bool, int, float, str)):
            return self._plain(value)
        for kinds, write in _WRITERS:
            if isinstance(value, kinds):
                return write(self, value)
        return self._object(value)

    def _plain(self, value: Any) -> Any:
        if isinstance(value, (Symbol, Module)):
            return self._serialized("Symbol" if isinstance(value, Symbol) else "Module", value=str(value))
        if isinstance(value, FarTime):
            zone = {"time_zone": value.zone} if value.zone is not None and self.rails >= ZONE_SINCE else {}
            return self._serialized(value.kind, value=str(value), **zone)
        if isinstance(value, float) and not math.isfinite(value) and not isinstance(value, Beyond):
            raise SerializationError(f"{value} is not a number that JSON has: pass None, a Decimal or a str")
        return str.__str__(value) if isinstance(value, str) else value

    def _object(self, value: Any) -> Any:
        for kind in type(value).__mro__:
            if kind in self.objects:
                name, dump = self.objects[kind]
                inner = {key: self.value(item) for key, item in dump(value).items()}
                return {"_aj_serialized": name, **inner}
        gid = global_id_of(value)
        if gid is not None:
            return {"_aj_globalid": str(gid)}
        if hasattr(value, "to_global_id") and not isinstance(value, type):
            raise SerializationError(
                f"Unable to serialize {type(value).__name__} without an id. (Maybe you forgot to save it?)"
            )
        advice = "pass its id, a GlobalID, or a list, dict, str or number"
        raise SerializationError(f"Unsupported argument type: {type(value).__name__}: {advice}")

    def _serialized(self, kind: str, **keys: Any) -> dict[str, Any]:
        if self.rails < SINCE[kind]:
            version = ".".join(map(str, self.rails))
            raise SerializationError(
                f"Unsupported argument type: {kind}: Rails {version} cannot carry it, pass a str or a number"
            )
        return {"_aj_serialized": f"ActiveJob::Serializers::{kind}Serializer", **keys}

    def sequence(self, value: Sequence[Any]) -> Any:
        """Write a list or tuple."""
        return [self.value(item) for item in value]

    def hash(self, value: Mapping[Any, Any]) -> Any:
        """Write a dict; keys that are Symbols arrive as symbols."""
        if isinstance(value, Indifferent):
            inner = self._items(indifferent(value))
            return {**inner, "_aj_hash_with_indifferent_access": True}
        result = self._items(value)
        as_keywords = isinstance(value, Keywords) and self.rails >= KEYWORDS_SINCE
        names = [str.__str__(key) for key in value if isinstance(key, Symbol)]
        return {**result, "_aj_ruby2_keywords" if as_keywords else "_aj_symbol_keys": names}

    def _items(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        reserved = RESERVED + (RESERVED_SINCE_6 if self.rails >= (6, 0) else ())
        for key in value:
            if not isinstance(key, str):
                raise SerializationError(
                    "Only string and symbol hash keys may be serialized as job arguments, "
                    f"but {key!r} is a {type(key).__name__}"
                )
            if key in reserved:
                shown = f":{key}" if isinstance(key, Symbol) else f'"{key}"'
                raise SerializationError(f"Can't serialize a Hash with reserved key {shown}")
        return {str.__str__(key): self.value(item) for key, item in value.items()}

    def moment(self, value: datetime) -> Any:
        """Write a datetime: a TimeWithZone if its zone has a name, else a Time."""
        if value.utcoffset() is None:
            raise SerializationError(f"{value!r} has no time zone: give it one, for example tzinfo=UTC")
        fraction = self.rails >= FRACTION_SINCE
        if isinstance(value, DateTime):
            return self._serialized("DateTime", value=written(value, fraction, as_utc=False))
        named = isinstance(value.tzinfo, ZoneInfo) and value.tzinfo.key
        if not named and not isinstance(value, TimeWithZone):
            return self._serialized("Time", value=written(value, fraction, is_ruby_utc(value)))
        zone = (value.zone if isinstance(value, TimeWithZone) else None) or named
        if self.rails < ZONE_SINCE:
            return self._serialized("TimeWithZone", value=written(value, fraction, is_ruby_utc(value)))
        if not zone:
            value = TimeWithZone.at(value.astimezone(UTC), value.nanosecond)  # type: ignore[attr-defined]  # ours
        zone = "Etc/UTC" if zone in (None, False, "UTC") else zone
        text = written(value, fraction, is_ruby_utc(value))
        return self._serialized("TimeWithZone", value=text, time_zone=zone)

    def day(self, value: date) -> Any:
        """Write a date."""
        return self._serialized("Date", value=value.isoformat())

    def span(self, value: timedelta) -> Any:
        """Write a timedelta: a duration of so many seconds, unless it knows its parts."""
        if isinstance(value, Duration):
            seconds, parts = value.value, value.parts
        else:
            seconds = whole_or_float(value)
            parts = (("seconds", seconds),)
        pairs = [[self.value(Symbol(name)), self.value(count)] for name, count in parts]
        # Rails does not serialize the seconds: JSON makes a text of a BigDecimal.
        whole = _decimal(seconds) if isinstance(seconds, Decimal) else seconds
        return self._serialized("Duration", value=whole, parts=pairs)

    def ends(self, value: Range | range) -> Any:
        """Write a range; one of Python's excludes its end."""
        if isinstance(value, range):
            if value.step != 1:
                raise SerializationError(f"{value!r} has steps, which a Ruby range has not: pass list(...)")
            value = Range(value.start, value.stop, exclude_end=True)
        begin, end = self.value(value.begin), self.value(value.end)
        return self._serialized("Range", begin=begin, end=end, exclude_end=value.exclude_end)

    def decimal(self, value: Decimal) -> Any:
        """Write a Decimal; before Rails 7.1 it is a text."""
        text = _decimal(value)
        if self.rails >= SINCE["BigDecimal"]:
            return self._serialized("BigDecimal", value=text)
        return text if value.is_finite() else None

    def foreign(self, value: Serialized) -> Any:
        """Write an object as it was read."""
        return dict(value.data)


_WRITERS: tuple[tuple[Any, Callable[[Writer, Any], Any]], ...] = (
    ((list, tuple), Writer.sequence),
    (dict, Writer.hash),
    (datetime, Writer.moment),
    (date, Writer.day),
    (timedelta, Writer.span),
    ((Range, range), Writer.ends),
    (Decimal, Writer.decimal),
    (Serialized, Writer.foreign),
)


def _decimal(value: Decimal) -> str:
    """As Ruby's `to_s("F")`: at least one digit behind the point, no zeros at the end."""
    if value.is_nan():
        return "NaN"
    if value.is_infinite():
        return "-Infinity" if value < 0 else "Infinity"
    whole, _, fraction = f"{value:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0') or '0'}"
