"""Arguments as the annotations of a function have them."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from pyresque.active_job.arguments.values import Keywords, plain
from pyresque.errors import WrongArguments
from pyresque.parameters import Parameters
from pyresque.parameters.annotations import MISFIT, Kind
from pyresque.usercode.safely import tried
from pyresque.wire.encoding import narrowed


def call_of(arguments: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
    """Positions and keywords: a last hash of keyword arguments becomes the keywords of the call."""
    if arguments and isinstance(arguments[-1], Keywords):
        return list(arguments[:-1]), {str(key): value for key, value in arguments[-1].items()}
    return list(arguments), {}


def converted(parameters: Parameters, arguments: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments for a function, each as its annotation has it.

    Raises:
        WrongArguments: the function cannot be called so, or one does not fit; the text says which.
    """
    args, keywords = call_of(arguments)
    try:
        return parameters.called(args, keywords, _read)
    except WrongArguments:
        # Rails 5 marks keyword arguments like any other hash: the last one, if the function wants it so.
        if keywords or not args or not isinstance(args[-1], dict):
            raise
        words = {str(key): value for key, value in args[-1].items()}
        values, error = tried(parameters.called, args[:-1], words, _read)
        if values is None or error is not None:
            raise
        return values


def check(parameters: Parameters, args: Sequence[Any], keywords: Mapping[str, Any]) -> None:
    """Refuse a call that is about to be enqueued and does not fit.

    Raises:
        WrongArguments: the function cannot be called so, or a plain value does not fit; the text says which.
    """
    parameters.called(args, keywords, _checked)


def _checked(kind: Kind, value: Any) -> Any:
    # What is written for an object, such as a record, is not what the function will get.
    return _read(kind, value) if type(value) in (str, int, float, bool, type(None)) else value


def _read(kind: Kind, value: Any) -> Any:
    """A value as its parameter takes it."""
    try:
        return as_kind(kind.wanted, value)
    except MISFIT:
        result, error = tried(lambda: kind.read(plain(value)) if kind.read is not None else value)
        if error is not None:
            raise
        return result


def as_kind(wanted: Any, value: Any) -> Any:
    """A value as an annotation has it; one that is of that type already stays what it is.

    Raises:
        msgspec.ValidationError: it does not fit.
    """
    if isinstance(wanted, type) and not isinstance(wanted, types.GenericAlias):
        if isinstance(value, wanted) and not (isinstance(value, bool) and wanted is not bool):
            return value
    elif typing.get_origin(wanted) in (typing.Union, types.UnionType):
        kinds = typing.get_args(wanted)
        if any(isinstance(kind, type) and type(value) is kind for kind in kinds):
            return value
        for kind in kinds:
            try:
                return as_kind(kind, value)
            except msgspec.ValidationError:
                continue
        raise msgspec.ValidationError(f"Expected `{wanted}`, got `{type(value).__name__}`")
    return msgspec.convert(narrowed(plain(value)), wanted, dec_hook=_same)


def _same(wanted: type, value: Any) -> Any:
    if isinstance(value, wanted):
        return value
    raise msgspec.ValidationError(f"Expected `{wanted.__name__}`, got `{type(value).__name__}`")
