"""Values as Ruby shows them: `inspect` of anything, `identity` for what tells a job from others."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from pyresque.errors import InvalidJob
from pyresque.usercode.safely import name_of
from pyresque.wire.floats import style_a

LONGEST_IDENTITY = 100_000
"""Characters that may tell a job from others, in the name of a key."""

_LETTERS = dict(zip('"#\\\a\b\t\n\v\f\r\x1b', '"#\\abtnvfre', strict=True))
_SPECIAL = re.compile(r'["\\]|#(?=[{$@])|[^ -~]')
_Items = Iterator[tuple[str, object]]


def inspect(value: object, most: int | None = None) -> str:
    """The text of a decoded JSON value that Ruby 3.3's `inspect` gives, however deep it is.

    A list or map inside itself is shown as `[...]` or `{...}`, and what JSON does not have by its class, both
    as Ruby does. No code of the values is run: it cannot raise.

    Args:
        most: characters after which the text may end, with `...`.
    """
    if most is None:
        return "".join(_pieces(value, None))
    text = ""
    for piece in _pieces(value, most):
        text += piece
        if len(text) > most:
            return f"{text[:most]}..."
    return text


def _pieces(value: object, most: int | None) -> Iterator[str]:
    """The text piece by piece. Its own stack, for a value may be deeper than Python's."""
    inside: set[int] = set()
    levels: list[tuple[int, _Items, str]] = [(0, iter([("", value)]), "")]
    while levels:
        container, items, end = levels[-1]
        entry = next(items, None)
        if entry is None:
            levels.pop()
            inside.discard(container)
            yield end
            continue
        before, item = entry
        yield before
        # By its type, for an object may say of its class what it likes.
        is_map = issubclass(type(item), dict)
        if not is_map and not issubclass(type(item), (list, tuple)):
            yield _single(item, most)
            continue
        start, end = "{}" if is_map else "[]"
        if id(item) in inside:
            yield f"{start}...{end}"
            continue
        inside.add(id(item))
        yield start
        levels.append((id(item), _entries(item) if is_map else _members(item), end))


def _members(value: Any) -> _Items:
    kind = list if issubclass(type(value), list) else tuple
    for number, item in enumerate(kind.__iter__(value)):
        yield ", " if number else "", item


def _entries(value: Any) -> _Items:
    # A copy, for another thread may change it meanwhile.
    for number, (key, item) in enumerate(list(dict.items(value))):
        yield ", " if number else "", key
        yield "=>", item


def _single(value: Any, most: int | None) -> str:
    kind = type(value)
    if issubclass(kind, str):
        text = str.__str__(value) if most is None else str.__getitem__(value, slice(most))
        return f'"{_SPECIAL.sub(_inspected, text)}"'
    if value is None or kind is bool:
        return {None: "nil", True: "true", False: "false"}[value]
    if issubclass(kind, int):
        try:
            return int.__repr__(value)
        except ValueError:  # more digits than Python writes
            return f"#<Integer of {int.bit_length(value)} bits>"
    if issubclass(kind, float):
        return style_a(float.__float__(value)).replace("inf", "Infinity").replace("nan", "NaN")
    return f"#<{name_of(kind)}>"


def _inspected(match: re.Match[str]) -> str:
    character = match[0]
    if character in _LETTERS:
        return "\\" + _LETTERS[character]
    if unicodedata.category(character) not in ("Cc", "Cn", "Cs", "Zl", "Zp"):
        return character
    code = ord(character)
    return f"\\u{code:04X}" if code < 0x10000 else f"\\u{{{code:X}}}"


def identity(value: object) -> str:
    """The text that an `identify` of the user's gave, as Ruby makes it a part of a key's name.

    Of a number or a map the text that Ruby's `to_s` gives, of a list its members with colons between; nothing
    where it gave None.

    Raises:
        InvalidJob: what it gave is not a value that JSON has, or too long.
    """
    text = ":".join(_words(value, ()))
    if len(text) > LONGEST_IDENTITY:
        raise InvalidJob(f"identify gave {len(text):,} characters: what tells jobs apart must be shorter")
    return text.encode("utf-8", "replace").decode("utf-8")


def _words(value: Any, outer: tuple[int, ...]) -> Iterator[str]:
    kind = type(value)
    if issubclass(kind, (list, tuple)):
        if id(value) in outer or len(outer) > 100:
            raise InvalidJob("identify gave a list that holds itself, or a very deep one: return a text")
        for _, item in _members(value):
            yield from _words(item, (*outer, id(value)))
    elif issubclass(kind, str):
        yield str.__str__(value)
    elif value is None or issubclass(kind, (bool, int, float, dict)):
        yield "" if value is None else inspect(value)
    else:
        raise InvalidJob(f"identify gave a {name_of(kind)}, which is not text: return a str")
