"""JSON as Ruby writes and reads it: payloads byte for byte (docs/protocol/json.md)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any, Literal

import msgspec

from pyresque.errors import MalformedPayload, Unencodable
from pyresque.wire.floats import style_a, style_b15

Style = Literal["ruby", "ruby-json2.10", "rails", "rails-json2.10"]
"""Who writes so: docs/protocol/json.md#styles; `"rails"` is Rails as it was up to MultiJson 1.17."""

MAX_DEPTH = 100
"""Levels of nesting that a Ruby worker reads; it reads an empty array or map one level deeper, too."""

_Number = Callable[[float], "float | msgspec.Raw"]
_Trail = tuple[str | int, ...]

_INTEGER_LIMIT = 10**4300
_AS_THEY_ARE = frozenset((str, bool, NoneType))
_TEXT_ONLY = frozenset((str,))
_TOO_DEEP = f"is nested too deep: a Ruby worker reads {MAX_DEPTH} levels of a whole payload, so flatten it"
_WRITER = msgspec.json.Encoder()
_READER: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_SURROGATE = re.compile("[\ud800-\udfff]")
# The closing quote may be missing: what never fails to match cannot take quadratic time.
_TEXTS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_LONG_INTEGER = re.compile(rb"(?<![0-9.eE+])[0-9]{4301}")
_BRACKETS = re.compile(rb"[\[{][\]}]?|[\]}]")


class Beyond(float):
    """A number beyond the range of floats, as it was read: infinite to whoever calculates with it.

    Its text is kept, so that a job that holds one is moved, recorded and retried as it is. Ruby runs such a
    job, but writes `Infinity` then, which nobody reads back.
    """

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Beyond:
        """Take the text that JSON has for it."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]  # for copies, and processes
        return (self.text,)


def _float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else Beyond(text)


# A hook for floats turns off msgspec's range check, and costs time: it is for the texts that need it.
_WIDE_READER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=_float)


class _Refused(Exception):
    """Why a value cannot be written; each level adds its key or index to the trail, innermost first."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.trail: list[str | int] = []


def encode(value: object, style: Style = "ruby", *, max_depth: int = MAX_DEPTH) -> bytes:
    """Write a value as the JSON that Ruby writes in the given style, byte for byte.

    Takes None, bool, int, float, str, list, tuple, dict with str keys, and their subclasses, which are
    written by their plain value. See docs/protocol/json.md#where-setups-differ,
    and for what is refused docs/protocol/json.md#what-to-refuse.

    Raises:
        Unencodable: something in the value is of another type, or some Ruby reader would not get it
            back: NaN, a lone surrogate, more than `max_depth` levels ... The message says where.
        ValueError: there is no such style.
    """
    number = _NUMBERS.get(style)
    if number is None:
        raise ValueError(f"no JSON style {style!r}: it must be one of {', '.join(_NUMBERS)}")
    try:
        plain = _plain(value, number, max_depth)
    except _Refused as refused:
        raise Unencodable(f"{_where(tuple(reversed(refused.trail)))} {refused}") from None
    try:
        text = _WRITER.encode(plain)
    except UnicodeEncodeError:
        raise Unencodable(_surrogate(plain)) from None
    except ValueError:
        # The limit of 4300 digits can be set lower, and Python alone knows how low.
        raise Unencodable("the value holds an integer with more digits than Python may write") from None
    return _escape(text) if style.startswith("rails") else text


def _escape(text: bytes) -> bytes:
    """Escape as ActiveSupport does; the characters cannot occur outside of strings."""
    text = text.replace(b"<", rb"\u003c").replace(b">", rb"\u003e").replace(b"&", rb"\u0026")
    return text.replace(b"\xe2\x80\xa8", rb"\u2028").replace(b"\xe2\x80\xa9", rb"\u2029")


def _number_a(x: float) -> float | msgspec.Raw:
    plain = 1e-4 <= abs(x) < 1e15 or x == 0  # msgspec writes these as Ruby does
    return x if plain else msgspec.Raw(style_a(_finite(x)).encode())


def _number_b15(x: float) -> float | msgspec.Raw:
    plain = abs(x) < 1e15 and x.is_integer()  # here too
    return x if plain else msgspec.Raw(style_b15(_finite(x)).encode())


def _finite(x: float) -> float:
    if math.isfinite(x):
        return x
    raise _Refused(f"is {'NaN' if math.isnan(x) else 'infinite'}, which JSON cannot say: pass None or a str")


_NUMBERS = {
    "ruby": _number_b15,
    "ruby-json2.10": _number_a,
    "rails": _number_b15,
    "rails-json2.10": _number_a,
}


def _plain(value: object, number: _Number, room: int) -> Any:
    """Return the value as msgspec must get it: the same object where nothing in it has to change."""
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if isinstance(value, int):
        if not -_INTEGER_LIMIT < value < _INTEGER_LIMIT:
            raise _Refused("is an integer of more than 4300 digits, which Python cannot read: pass a str")
        return value if kind is int else int.__int__(value)
    if kind is Beyond:
        return msgspec.Raw(value.text.encode())  # type: ignore[attr-defined]  # it is a Beyond
    if isinstance(value, float):
        return number(value if kind is float else float.__float__(value))
    if isinstance(value, dict):
        mapping = value if kind is dict else dict(value.items())
        if not _TEXT_ONLY.issuperset(map(type, mapping)):
            mapping = _with_plain_keys(mapping)
        return _plain_items(mapping, mapping.items(), number, room)
    if isinstance(value, list | tuple):
        sequence = value if kind is list or kind is tuple else list(value)
        return _plain_items(sequence, enumerate(sequence), number, room)
    if isinstance(value, str):
        return str.__str__(value)
    raise _Refused(f"is of type {kind.__name__}, which JSON does not have: {_advice(value)}")


def _plain_items(container: Any, pairs: Iterable[tuple[Any, object]], number: _Number, room: int) -> Any:
    if room <= 0:
        raise _Refused(_TOO_DEEP)
    copy: Any = None
    for position, item in pairs:
        if type(item) in _AS_THEY_ARE:
            continue
        try:
            plain = _plain(item, number, room - 1)
        except _Refused as refused:
            refused.trail.append(position)
            raise
        if plain is not item:
            if copy is None:
                copy = list(container) if type(container) is tuple else container.copy()
            copy[position] = plain
    return container if copy is None else copy


def _with_plain_keys(items: dict[Any, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, item in items.items():
        if not isinstance(key, str):
            raise _Refused(f"has a key of type {type(key).__name__}: JSON keys are text, so make it a str")
        name = str.__str__(key)
        if name in plain:
            raise _Refused(f"has two keys with the text {_quoted(name)}: drop one")
        plain[name] = item
    return plain


_ADVICE: tuple[tuple[Any, str], ...] = (
    ((bytes, bytearray, memoryview), "decode it to a str, or encode it with base64"),
    ((date, time), "pass its isoformat() or a number"),
    (timedelta, "pass its total_seconds()"),
    (Decimal, "pass a str or a float"),
    ((set, frozenset), "pass a list"),
    (Enum, "pass its value"),
)


def _advice(value: object) -> str:
    for kinds, advice in _ADVICE:
        if isinstance(value, kinds):
            return advice
    return "pass a str, a number, a list or a dict"


def _surrogate(plain: object) -> str:
    """Return the message about the first lone surrogate in a value that has one."""
    trail, kind = next((trail, kind) for trail, kind, text in _texts(plain, ()) if _SURROGATE.search(text))
    advice = 'replace it, for example with text.encode(errors="replace").decode()'
    return f"{_where(trail)} {kind} a lone surrogate, which is not Unicode text: {advice}"


def _texts(value: object, trail: _Trail) -> Iterator[tuple[_Trail, str, str]]:
    if isinstance(value, str):
        yield trail, "holds", value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield trail, "has a key with", key
            yield from _texts(item, (*trail, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _texts(item, (*trail, index))


def _where(trail: _Trail) -> str:
    """Name a place in a value: `args[0]["a"]`; only its first six steps, for a cycle has a hundred."""
    if not trail:
        return "the value"
    named = str(trail[0]).isidentifier()
    steps = [f"[{_quoted(step) if isinstance(step, str) else step}]" for step in trail[:6]]
    path = "".join([str(trail[0]), *steps[1:]] if named else ["value", *steps])
    return path if len(trail) <= 6 else path + "..."


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=not text.isprintable())


def decode(text: bytes, max_depth: int | None = None) -> Any:
    """Read JSON as strictly as the newest json gem, except that of doubled keys the last one wins.

    A number beyond the range of floats is inf, as in Ruby, and is written as it was read
    (docs/protocol/json.md#what-to-accept).

    Raises:
        MalformedPayload: it is not JSON, not UTF-8, nested deeper than Ruby reads or than `max_depth`,
            or it has an integer of more than 4300 digits.
    """
    safe = MAX_DEPTH if max_depth is None else min(MAX_DEPTH, max_depth)
    if text.count(b"[") + text.count(b"{") > safe:
        _check_depth(text, max_depth)
    try:
        try:
            return _READER.decode(text)
        except msgspec.ValidationError:
            return _WIDE_READER.decode(text)
    except (ValueError, msgspec.MsgspecError) as error:
        raise MalformedPayload(_fault_of(text, error)) from None


def _fault_of(text: bytes, error: Exception) -> str:
    """What is wrong with a text that cannot be read.

    Decided from the bytes where it can be: which class of error the reader raises, and in which words, has
    changed from one msgspec to the next.
    """
    if not text.strip():
        return "not JSON: the text is empty"
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return "not JSON: a text in it is not UTF-8"
    if _LONG_INTEGER.search(_TEXTS.sub(b"", text)):
        return "an integer of more than 4300 digits"
    return f"not JSON: {str(error).removeprefix('JSON is malformed: ')}"


def _check_depth(text: bytes, max_depth: int | None) -> None:
    """Refuse what is too deep before it is parsed: a parser's recursion needs a stack, a count does not."""
    deepest = MAX_DEPTH + 1 if max_depth is None else min(MAX_DEPTH + 1, max_depth)
    filled = min(MAX_DEPTH, deepest)
    depth = 0
    # What stands for a text must stay, or ["a"] would look like an empty array.
    for bracket in _BRACKETS.findall(_TEXTS.sub(b"t", text).translate(None, b" \t\r\n")):
        opened = bracket[0] in b"[{"
        if opened and depth >= (deepest if len(bracket) == 2 else filled):
            raise MalformedPayload(f"nested deeper than {filled} levels")
        if len(bracket) == 1:
            depth += 1 if opened else -1


def narrowed(value: Any) -> Any:
    """A decoded value with plain infinite floats where it holds `Beyond`; else the same object."""
    if isinstance(value, Beyond):
        return float(value)
    if isinstance(value, dict):
        made = {key: narrowed(item) for key, item in value.items()}
        return made if any(made[key] is not value[key] for key in made) else value
    if isinstance(value, list):
        items = [narrowed(item) for item in value]
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    return value


def same(a: object, b: object) -> bool:
    """Tell whether two decoded JSON values are equal as a human means it.

    See docs/protocol/json.md#comparing-jobs.

    A bool equals no number and 1 is not 1.0; floats count by value, texts exactly, maps in any order.
    """
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(item, b[key]) for key, item in a.items())
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return a == b
    return type(a) is type(b) and a == b
