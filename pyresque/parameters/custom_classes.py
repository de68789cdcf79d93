"""Classes that msgspec does not know: what makes an object of one from JSON, and what JSON is made of one."""

from __future__ import annotations

import collections
import os
import typing
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import msgspec

from pyresque.usercode.safely import name_of, text_of, tried_in_job

Read = Callable[[Any], Any]

_OF_TEXT = ("ipaddress", "zoneinfo")
"""Modules whose classes are made of a text, and shown as one."""
_OF_MAP: dict[type, Read] = {
    collections.OrderedDict: collections.OrderedDict,
    collections.Counter: collections.Counter,
    collections.defaultdict: partial(collections.defaultdict, None),
}
_SAMPLES: tuple[Any, ...] = ("", 0, 0.5, True, None, [], {})


def _maker(kind: Any) -> Read | None:
    """What makes an object of a class from a value of JSON."""
    if not isinstance(kind, type):
        return None
    if kind is os.PathLike:
        return partial(_checked, Path, str)
    if _is_of_text(kind):
        return partial(_checked, kind, str)
    if kind is collections.deque:
        return partial(_checked, kind, list)
    if kind in _OF_MAP:
        return partial(_checked, _OF_MAP[kind], dict)
    return getattr(kind, "model_validate", None)  # as pydantic has it


def _is_of_text(kind: type) -> bool:
    return issubclass(kind, PurePath) or kind.__module__ in _OF_TEXT


def _checked(make: Read, needed: type, value: Any) -> Any:
    return make(msgspec.convert(value, needed))


def made(wanted: Any, value: Any) -> Any:
    """For msgspec: an object of a class that it does not know."""
    kind = typing.get_origin(wanted) or wanted
    if isinstance(value, kind):
        return value
    make = _maker(kind)
    if make is None:
        raise msgspec.ValidationError(f"Expected `{shown(kind)}`, got `{name_of(type(value))}`")
    return make(value)


def plain_of(value: Any) -> Any:
    """For msgspec: the JSON for an object that it does not know."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int | float):
        return value + 0
    if _is_of_text(type(value)):
        return str(value)
    if isinstance(value, collections.deque | list | tuple):
        return list(value)
    if isinstance(value, dict):
        return dict(value)
    dump = getattr(value, "model_dump", None)
    if dump is None:
        raise TypeError(f"JSON has nothing for a {name_of(type(value))}")
    try:
        return dump(mode="json")
    except TypeError:  # one that is only like pydantic's
        return dump()


def can_be(kind: type) -> bool:
    """Whether a value from JSON is, or becomes, an object of this class."""
    return _maker(kind) is not None or any(tried_in_job(isinstance, sample, kind)[0] for sample in _SAMPLES)


def shown(kind: Any) -> str:
    """A type, for errors."""
    return name_of(kind) if isinstance(kind, type) else text_of(kind)
