"""Arguments as the annotations of a function have them."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from pyresque.active_job.values import Keywords, plain
from pyresque.errors import WrongArguments
from pyresque.wire.encoding import narrowed


def call_of(arguments: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
    """Positions and keywords: a last hash of keyword arguments becomes the keywords of the call."""
    if arguments and isinstance(arguments[-1], Keywords):
        return list(arguments[:-1]), {str(key): value for key, value in arguments[-1].items()}
    return list(arguments), {}


def converted(
    name: str, signature: inspect.Signature, kinds: Mapping[str, Any], arguments: Sequence[Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments for a function, each as its annotation has it.

    Raises:
        WrongArguments: the function cannot be called so, or one does not fit; the text says which.
    """
    args, keywords = call_of(arguments)
    try:
        bound = _bound(signature, args, keywords)
    except TypeError as error:
        raise WrongArguments(f"{name} takes {signature}: {error}") from None
    for key, value in bound.arguments.items():
        wanted = kinds.get(key, Any)
        if wanted is Any:
            continue
        kind = signature.parameters[key].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            bound.arguments[key] = tuple(_convert(name, key, wanted, one) for one in value)
        elif kind is inspect.Parameter.VAR_KEYWORD:
            bound.arguments[key] = {word: _convert(name, word, wanted, one) for word, one in value.items()}
        else:
            bound.arguments[key] = _convert(name, key, wanted, value)
    return bound.args, bound.kwargs


def _bound(signature: inspect.Signature, args: list[Any], keywords: dict[str, Any]) -> inspect.BoundArguments:
    try:
        return signature.bind(*args, **keywords)
    except TypeError:
        # Rails 5 marks keyword arguments like any other hash: the last one, if the function wants it so.
        if keywords or not args or not isinstance(args[-1], dict):
            raise
        return signature.bind(*args[:-1], **{str(key): value for key, value in args[-1].items()})


def _convert(name: str, parameter: str, wanted: Any, value: Any) -> Any:
    try:
        return as_kind(wanted, value)
    except msgspec.ValidationError as error:
        raise WrongArguments(f"argument {parameter} of {name}: {error}") from None
    except (TypeError, NotImplementedError) as error:
        raise WrongArguments(
            f"argument {parameter} of {name} is annotated {wanted!r}, which {type(value).__name__} cannot "
            f"become ({error})"
        ) from None


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
