"""From the `arguments` of an Active Job to Python values (docs/protocol/active-job.md#reading-arguments)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any, TypeGuard

from pyresque.active_job.arguments.gid import GlobalID
from pyresque.active_job.arguments.times import read_date, read_time
from pyresque.active_job.arguments.values import (
    Duration,
    Indifferent,
    Keywords,
    Module,
    Range,
    Serialized,
    Symbol,
)
from pyresque.active_job.arguments.versions import RESERVED
from pyresque.active_job.arguments.zones import iana_name
from pyresque.errors import DeserializationError
from pyresque.usercode.safely import is_a, text_of, tried

_HOUSE = "ActiveJob::Serializers::"
Data = Mapping[str, Any]


class _Unreadable(Exception):
    """Why a value cannot be read."""


@dataclass(frozen=True)
class Reader:
    """How arguments are read.

    `record` turns a GlobalID into what the job gets; `objects` are the readers of the application's own
    serializers by their names. A `strict` reader refuses the objects of others and what no Rails writes;
    otherwise they are handed on.
    """

    record: Callable[[GlobalID], Any] | None = None
    objects: Mapping[str, Callable[[Data], Any]] = field(default_factory=dict)
    strict: bool = False

    def arguments(self, values: Sequence[Any]) -> list[Any]:
        """Read the whole list.

        Raises:
            DeserializationError: one of them cannot be read; RecordNotFound if it is a record that is gone.
        """
        try:
            return [self.value(value) for value in values]
        except DeserializationError:
            raise
        except _Unreadable as reason:
            raise _failed(str(reason)) from None
        except (KeyError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
            raise _failed(f"{type(error).__name__}: {error}") from error

    def value(self, value: Any) -> Any:
        """Read one value."""
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and "_aj_globalid" in value:
            return self._record(value["_aj_globalid"])
        return self._object(value) if "_aj_serialized" in value else self._hash(value)

    def _record(self, text: object) -> Any:
        gid = GlobalID.parse(text)  # a text that is not one is nil, without an error, as in Rails
        return gid if gid is None or self.record is None else self.record(gid)

    def _hash(self, value: Data) -> Any:
        result = {key: self.value(item) for key, item in value.items()}
        if _true(result.pop("_aj_hash_with_indifferent_access", None)):
            return indifferent(self._checked(result))
        symbols = result.pop("_aj_symbol_keys", None)
        if _true(symbols):
            return self._checked(_symbolized(result, symbols, "_aj_symbol_keys"))
        keywords = result.pop("_aj_ruby2_keywords", None)
        if _true(keywords):
            return Keywords(self._checked(_symbolized(result, keywords, "_aj_ruby2_keywords")))
        return self._checked(result)

    def _checked(self, result: dict[str, Any]) -> dict[str, Any]:
        """Whatever version of Rails wrote it, these keys cannot be data."""
        for key in RESERVED if self.strict else ():
            if key in result:
                raise _Unreadable(f'a Hash with the reserved key "{key}"')
        return result

    def _object(self, value: Data) -> Any:
        name = value["_aj_serialized"]
        if not name:
            raise _Unreadable("Serializer name is not present in the argument")
        make = self.objects.get(name) if isinstance(name, str) else None
        if make is not None:
            keys = [key for key in value if key != "_aj_serialized"]
            result, error = tried(lambda: make({key: self.value(value[key]) for key in keys}))
            if error is not None and not is_a(error, Exception):
                raise error
            if error is not None:
                raise _failed(f"{name}: {text_of(error)}") from error
            return result
        read = _READERS.get(name.removeprefix(_HOUSE)) if str(name).startswith(_HOUSE) else None
        if read is not None:
            return read(self, value)
        if self.strict or not isinstance(name, str) or name.startswith(_HOUSE):
            raise _Unreadable(f"Serializer {name} is not known: register it with @active_job.serializer")
        return Serialized(name, value)

    def symbol(self, value: Data) -> Any:
        """Read a Symbol."""
        return Symbol(_text(value))

    def module(self, value: Data) -> Any:
        """Read a class or module; only its name."""
        name = _text(value)
        parts = name.removeprefix("::").split("::")
        if not all(part[:1].isupper() and part.isidentifier() for part in parts):
            raise _Unreadable(f"wrong constant name {name!r}")
        return Module(name)

    def date(self, value: Data) -> Any:
        """Read a Date."""
        return read_date(_text(value))

    def time(self, value: Data) -> Any:
        """Read a Time."""
        return read_time(_text(value), "Time")

    def date_time(self, value: Data) -> Any:
        """Read a DateTime."""
        return read_time(_text(value), "DateTime")

    def time_with_zone(self, value: Data) -> Any:
        """Read a TimeWithZone; without its zone (up to Rails 6.1) it keeps the offset."""
        zone = value.get("time_zone")
        if zone is not None and not isinstance(zone, str):
            raise _Unreadable(f"Invalid Timezone: {zone!r}")
        return read_time(_text(value), "TimeWithZone", zone and iana_name(zone))

    def duration(self, value: Data) -> Any:
        """Read a Duration; one of a BigDecimal has its seconds as text."""
        seconds, parts = value.get("value"), self.value(value.get("parts"))
        if isinstance(seconds, str):
            seconds = _decimal(seconds, f"a duration of {seconds!r}")
        if not _is_number(seconds) or not isfinite(seconds):
            raise _Unreadable(f"a duration of {seconds!r}")
        if not isinstance(parts, list) or not all(map(_is_part, parts)):
            raise _Unreadable(f"a duration with the parts {parts!r}, not pairs of a name and a number")
        return Duration.read(seconds, tuple((name, count) for name, count in parts))

    def range(self, value: Data) -> Any:
        """Read a Range."""
        begin, end = self.value(value.get("begin")), self.value(value.get("end"))
        if _cannot_be_compared(begin, end):
            raise _Unreadable(f"bad value for range: {begin!r} and {end!r}")
        return Range(begin, end, _true(value.get("exclude_end")))

    def decimal(self, value: Data) -> Any:
        """Read a BigDecimal."""
        number = value.get("value")
        text = str(number) if type(number) is int else _text(value)
        return _decimal(text, f"invalid value for BigDecimal(): {text!r}")


_READERS: dict[str, Callable[[Reader, Data], Any]] = {
    "SymbolSerializer": Reader.symbol,
    "ModuleSerializer": Reader.module,
    "DateSerializer": Reader.date,
    "TimeSerializer": Reader.time,
    "DateTimeSerializer": Reader.date_time,
    "TimeWithZoneSerializer": Reader.time_with_zone,
    "DurationSerializer": Reader.duration,
    "RangeSerializer": Reader.range,
    "BigDecimalSerializer": Reader.decimal,
}


def _failed(reason: str) -> DeserializationError:
    return DeserializationError(f"Error while trying to deserialize arguments: {reason}")


def _true(value: object) -> bool:
    """What is true in Ruby: everything but false and nil."""
    return value is not None and value is not False


def _text(value: Data) -> str:
    text = value.get("value")
    if not isinstance(text, str):
        raise _Unreadable(f"{value['_aj_serialized']} with the value {text!r}, which is not text")
    return text


def _decimal(text: str, reason: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise _Unreadable(reason) from None
    # Python knows more words for what is not a number, and one of them raises in every comparison.
    if not number.is_finite() and text.strip() not in ("NaN", "Infinity", "+Infinity", "-Infinity"):
        raise _Unreadable(reason)
    return number


def _is_number(value: object) -> TypeGuard[int | float | Decimal]:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _is_part(value: object) -> bool:
    pair = value if isinstance(value, list) and len(value) == 2 else [None, None]
    return isinstance(pair[0], str) and _is_number(pair[1])


_PLAIN = (str, int, float, bool, list, dict)


def _cannot_be_compared(begin: Any, end: Any) -> bool:
    """Whether Ruby would make no range of these; only of JSON's own types can that be told for sure."""
    if type(begin) not in _PLAIN or type(end) not in _PLAIN or begin == end:
        return False
    try:
        begin < end  # noqa: B015 (whether it can be asked)
    except TypeError:
        return True
    return False


def _symbolized(result: dict[str, Any], names: Any, marker: str) -> dict[str, Any]:
    if not isinstance(names, list):
        raise _Unreadable(f"{marker} is {names!r}, which is not a list of keys")
    return {Symbol(key) if key in names else key: item for key, item in result.items()}


def indifferent(value: Mapping[str, Any]) -> Indifferent:
    """A hash with indifferent access: the dicts inside it, in its lists too, become so as well."""
    # Not str(): that of an enum's member is its name. What is not text is for the writer to refuse.
    return Indifferent({_plain_key(key): _indifferent(item) for key, item in value.items()})


def _plain_key(key: Any) -> Any:
    return str.__str__(key) if isinstance(key, str) else key


def _indifferent(value: Any) -> Any:
    if isinstance(value, dict):
        return indifferent(value)
    return [_indifferent(item) for item in value] if isinstance(value, list) else value
