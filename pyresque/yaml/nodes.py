"""What the nodes of a YAML file mean to Psych, Ruby's YAML reader, and what JSON makes of them.

The source is `Psych::Visitors::ToRuby` of Psych 5.1: tags, `<<` (which applies where it is written, also in
quotes), keys of any kind. What YAML.load_file refuses, as it would make objects of Ruby, is `Unwritable`.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterator
from typing import Any

from pyresque.wire.ruby_inspect import inspect
from pyresque.yaml.scalars import Symbol, Timestamp, meaning

_YAML = "tag:yaml.org,2002:"
_OBJECT = re.compile(
    r"!ruby/(?:array|class|encoding|exception|hash|marshalable|module|object|range|regexp|struct)"
    rf"|!(?:map|seq):|!str:|!ruby/string:|!set$|{_YAML}set$"
)
"""Tags that make objects of Ruby."""
_SYMBOL = re.compile(r"!ruby/sym(?:bol)?(?::|$)")
_TEXTS = (f"{_YAML}str", "!str", "!ruby/string")
_BINARY, _FLOAT, _OMAP = ("!binary", f"{_YAML}binary"), ("!float", f"{_YAML}float"), ("!omap", f"{_YAML}omap")


class Unwritable(Exception):
    """A value that JSON cannot hold, or that Ruby refuses to load; the text says which and why."""


class Hash:
    """A mapping as Ruby has it: 1, 1.0, true, "a" and :a are keys of their own, in the order of writing."""

    def __init__(self) -> None:
        self._held: dict[Any, tuple[Any, Any, int]] = {}

    def put(self, key: Any, value: Any, line: int) -> None:
        """Set a key that this line holds; one that is there already keeps its place."""
        self._held[_identity(key)] = (key, value, line)

    def merge(self, other: Hash) -> None:
        """Take over every key of another mapping."""
        self._held.update(other._held)

    def items(self) -> Iterator[tuple[Any, Any, int]]:
        """Key, value and line of each."""
        return iter(self._held.values())


def _identity(key: Any) -> Any:
    if isinstance(key, list):
        return (list, *map(_identity, key))
    if isinstance(key, Hash):
        return (Hash, *((_identity(name), _identity(value)) for name, value, _ in key.items()))
    return type(key), key


class _Bad:
    """A value that is reported only if it is used: why it cannot be."""

    def __init__(self, reason: str, line: int) -> None:
        self.reason = f"{reason} (line {line})"


class Reader:
    """Makes values of a parser's events.

    `erb_line`: a line with an ERB tag in a value, 0 if there is none. `notes`: what Ruby may see otherwise.
    """

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, Any] = {}
        self.erb_line = 0
        self.notes: list[tuple[int, str]] = []

    def document(self) -> Any:
        """The value of the first document; None where there is none."""
        for event in self._events:
            if type(event).__name__ == "DocumentStartEvent":
                return self._value(next(self._events))
        return None

    def _value(self, event: Any) -> Any:
        kind = type(event).__name__
        if kind == "AliasEvent":
            missing = _Bad(f"*{event.anchor} refers to nothing that stands before it", _line(event))
            return self._anchors.get(event.anchor, missing)
        if kind == "ScalarEvent":
            return self._noted(event, self._scalar(event))
        return self._sequence(event) if kind == "SequenceStartEvent" else self._mapping(event)

    def _noted(self, event: Any, value: Any) -> Any:
        if event.anchor:
            self._anchors[event.anchor] = value
        return value

    def _scalar(self, event: Any) -> Any:
        text, tag, line = event.value, event.tag, _line(event)
        if "<%" in text:
            self.erb_line = self.erb_line or line
        if event.implicit[1] or tag in _TEXTS:
            return text
        if tag in _BINARY:
            return _binary(text, line)
        if tag and _SYMBOL.match(tag):
            return Symbol(text)
        if tag and _OBJECT.match(tag):
            return _Bad(f"{tag} makes an object of Ruby, which JSON cannot hold", line)
        try:
            value = meaning(text)
            if tag in _FLOAT:
                return float(value)  # type: ignore[arg-type]  # else it is a TypeError, below
        except (ValueError, TypeError):
            return _Bad(f"{text!r} is not a value that Ruby can read", line)
        if isinstance(value, Timestamp):
            note = f"the date {text} is taken as the text {value.text!r}; Ruby's YAML.load_file refuses dates"
            self.notes.append((line, f"{note}, so write it in quotes"))
        return value

    def _sequence(self, event: Any) -> Any:
        items: list[Any] = []
        ordered = Hash()
        value = self._noted(event, ordered if event.tag in _OMAP else items)
        for child in self._children():
            items.append(self._value(child))
        if event.tag in _OMAP:
            for pair in items:
                pairs = list(pair.items()) if isinstance(pair, Hash) else []
                if not pairs:
                    return _Bad("an !!omap must be a list of pairs", _line(event))
                ordered.put(pairs[0][0], pairs[-1][1], pairs[0][2])
        elif event.tag and _OBJECT.match(event.tag):
            return _Bad(f"{event.tag} makes an object of Ruby, which JSON cannot hold", _line(event))
        return value

    def _mapping(self, event: Any) -> Any:
        mapping, written = self._noted(event, Hash()), set()
        for key_event in self._children():
            key, value_event = self._value(key_event), next(self._events)
            value = self._value(value_event)
            merges = isinstance(key, str) and key == "<<" and not isinstance(key, Symbol)
            if not (merges and key_event.tag != f"{_YAML}str" and _merged(mapping, value_event, value)):
                mapping.put(key, value, _line(key_event))
                if isinstance(key, str) and (type(key), key) in written:
                    note = f"{key} is there already, in the same mapping; only this one counts, as in Ruby"
                    self.notes.append((_line(key_event), note))
                written.add((type(key), key) if isinstance(key, str) else None)
        tag = event.tag or ""
        if (_OBJECT.match(tag) and tag != "!ruby/object:Hash") or tag in _OMAP or tag in _TEXTS:
            return _Bad(f"{tag} makes an object of Ruby, which JSON cannot hold", _line(event))
        return mapping

    def _children(self) -> Iterator[Any]:
        while not type(event := next(self._events)).__name__.endswith("EndEvent"):
            yield event


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _merged(mapping: Hash, event: Any, value: Any) -> bool:
    """Carry out a `<<`; False where it is an ordinary key, since its value cannot be merged."""
    kind = type(event).__name__
    if kind in ("AliasEvent", "MappingStartEvent") and isinstance(value, Hash):
        mapping.merge(value)
        return True
    if kind == "SequenceStartEvent" and isinstance(value, list) and all(isinstance(v, Hash) for v in value):
        together = Hash()
        for other in reversed(value):
            together.merge(other)
        mapping.merge(together)
        return True
    return False


def _binary(text: str, line: int) -> Any:
    try:
        return base64.b64decode(text).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return _Bad("bytes that are not UTF-8 cannot be written as JSON", line)


def as_json(value: Any, left: list[int]) -> Any:
    """The value as JSON holds it: symbols, dates and keys of any kind are texts; of equal keys the last wins.

    Args:
        left: how many values there may still be; it is counted down.

    Raises:
        Unwritable: there is something in it that JSON cannot hold.
        RecursionError: it holds itself, is nested too deep, or `left` is used up.
    """
    left[0] -= 1
    if left[0] < 0:
        raise RecursionError
    if isinstance(value, _Bad):
        raise Unwritable(value.reason)
    if isinstance(value, Hash):
        return {key_text(key): as_json(item, left) for key, item, _ in value.items()}
    if isinstance(value, list):
        return [as_json(item, left) for item in value]
    if isinstance(value, Timestamp):
        return value.text
    if isinstance(value, Symbol):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise Unwritable(f"JSON has no {inspect(value)}")
    return value


def key_text(key: Any) -> str:
    """A key as JSON holds it: what Ruby's `to_s` makes of it."""
    if isinstance(key, str):
        return str(key)
    if key is None:
        return ""
    if isinstance(key, Timestamp):
        return key.text
    if isinstance(key, float):
        return inspect(key)  # as a key a number without end is a text
    try:
        return inspect(as_json(key, [1000]))
    except Unwritable as error:
        return f"({error})"
