"""Values as Python shows them: decoded JSON for people who read a log. No code of the values is run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyresque.usercode.safely import name_of

_OF_ACTIVE_JOB = ("_aj_symbol_keys", "_aj_ruby2_keywords", "_aj_hash_with_indifferent_access")
"""What Active Job writes beside the entries of a hash, about its keys."""
_DEEPEST = 100
"""Levels of lists and maps that are shown: as many as a payload may have."""


def call_text(name: str, args: Any, most: int) -> str:
    """A job as a call: `WelcomeMail('Ada', {'lang': 'de'})`, with so many characters of its arguments."""
    text = shown(args, most)
    return f"{name}({text[1:].removesuffix(']') if type(args) is list else text})"


def shown(value: object, most: int) -> str:
    """The text that `repr` gives for plain values; what JSON does not have is shown by its class.

    Args:
        most: characters after which the text ends, with `...`.
    """
    text = ""
    for piece in _pieces(value, most, 0):
        text += piece
        if len(text) > most:
            return f"{text[:most]}..."
    return text


def _pieces(value: Any, most: int, depth: int) -> Iterator[str]:
    kind = type(value)
    if depth > _DEEPEST:
        yield "..."
    elif kind is dict:
        yield from _in_braces(value, most, depth)
    elif kind is list or kind is tuple:
        yield "["
        for number, item in enumerate(value):
            yield ", " if number else ""
            yield from _pieces(item, most, depth + 1)
        yield "]"
    elif kind is str:
        yield repr(value[: most + 1])
    elif value is None or kind is bool or kind is float or (kind is int and value.bit_length() < 10_000):
        yield repr(value)
    else:
        yield f"<{name_of(kind)}>"


def _in_braces(value: dict[Any, Any], most: int, depth: int) -> Iterator[str]:
    # A copy, for another thread may change it meanwhile.
    entries = [entry for entry in list(value.items()) if not _is_key(entry[0], _OF_ACTIVE_JOB)]
    if len(entries) == 1 and _is_key(entries[0][0], ("_aj_globalid",)):
        yield from _pieces(entries[0][1], most, depth)
        return
    yield "{"
    for number, (key, item) in enumerate(entries):
        yield ", " if number else ""
        yield from _pieces(key, most, depth + 1)
        yield ": "
        yield from _pieces(item, most, depth + 1)
    yield "}"


def _is_key(key: object, names: tuple[str, ...]) -> bool:
    return type(key) is str and key in names
