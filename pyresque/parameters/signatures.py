"""What a function takes, seen through its decorators.

A decorator that passes on whatever it gets (`*args`) hides the parameters of its function; `functools.wraps`
leaves a way to them. It may also add arguments, take some away, or put loaded objects in their place. So what
is behind such a decorator is likely, and not certain.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import Parameter
from types import FunctionType, MethodType
from typing import Any

from pyresque.errors import InvalidJob
from pyresque.usercode.safely import text_of, tried_in_job

_PLACES = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_ANYTHING = [Parameter("args", Parameter.VAR_POSITIONAL), Parameter("kwargs", Parameter.VAR_KEYWORD)]
_LAYERS = 50
"""Decorators above each other that are looked through."""


@dataclass(frozen=True)
class Taken:
    """What a function takes.

    Attributes:
        places: the parameters that are given by position.
        words: those that are given by keyword only.
        rest: its `*args`, if there are any.
        options: its `**kwargs`, if there are any.
        longer: the places, should those of a decorator come in addition to the function's; else empty.
        decorated: whether objects may be loaded, or made, by a decorator.
        passed_on: whether a decorator may add arguments of its own, too.
    """

    places: Sequence[Parameter]
    words: Sequence[Parameter] = ()
    rest: Parameter | None = None
    options: Parameter | None = None
    longer: Sequence[Parameter] = ()
    decorated: bool = False
    passed_on: bool = False

    @property
    def parameters(self) -> list[Parameter]:
        """All of them, in their order."""
        rest, options = ([] if parameter is None else [parameter] for parameter in (self.rest, self.options))
        return [*self.places, *rest, *self.words, *options]

    def __str__(self) -> str:
        try:
            return str(inspect.Signature(self.parameters))
        except ValueError:  # with a default before one without, as decorators may add them
            return f"({', '.join(map(str, self.parameters))})"


def taken_by(function: Any, where: str) -> Taken:
    """What a function, method, partial or callable object takes.

    Raises:
        InvalidJob: it does not tell.
    """
    signature, error = tried_in_job(_taken, function, _LAYERS)
    if signature is None:
        raise InvalidJob(
            f"{where}: what it takes cannot be told ({text_of(error)}): put @job above a function with def"
        )
    return signature


def globals_of(function: Any) -> dict[str, Any]:
    """Where the names in the annotations of a function are looked up, and its type parameters."""
    innermost = innermost_of(function)
    names: dict[str, Any] = dict(getattr(innermost, "__globals__", {}))
    names.update((parameter.__name__, parameter) for parameter in getattr(innermost, "__type_params__", ()))
    return names


def innermost_of(function: Any) -> Any:
    """The function behind decorators, methods, partials and callable objects."""
    for _ in range(_LAYERS):
        further = _behind(function)
        if further is None:
            break
        function = further
    return function


def layers_of(function: Any) -> list[Any]:
    """The function and what is behind it, outermost first."""
    layers = [function]
    while len(layers) <= _LAYERS and (further := _behind(layers[-1])) is not None:
        layers.append(further)
    return layers


def _behind(function: Any) -> Any:
    kind = type(function)
    if kind is MethodType:
        return function.__func__
    if kind is functools.partial:
        return function.func
    wrapped = getattr(function, "__wrapped__", None)
    if wrapped is not None or kind is FunctionType or inspect.isclass(function):
        return wrapped
    return _called_by(kind)


def _taken(function: Any, room: int) -> Taken:
    kind = type(function)
    if kind is MethodType:
        return _without_first(_taken(function.__func__, room))
    if kind is functools.partial:
        return _without_given(_taken(function.func, room), function.args, function.keywords)
    wrapped = getattr(function, "__wrapped__", None)
    if wrapped is None and kind is not FunctionType:
        call = _called_by(kind)
        if call is not None:
            return _taken(MethodType(call, function), room)
    outer = _sorted(_own(function, wrapped is not None))
    if wrapped is None:
        return outer
    is_python = kind is FunctionType or _called_by(kind) is not None
    if room <= 0 or (is_python and outer.rest is None and outer.options is None):
        return replace(outer, decorated=True)
    inner = _taken(wrapped, room - 1)
    signature = _merged(outer, inner) if is_python else inner
    if callable(getattr(function, "dispatch", None)) and signature.places:  # functools.singledispatch
        signature = replace(
            signature, places=[signature.places[0].replace(annotation=Parameter.empty), *signature.places[1:]]
        )
    return replace(signature, decorated=True, passed_on=True)


def _called_by(kind: type) -> FunctionType | None:
    """The `__call__` that a class has in Python."""
    method = inspect.getattr_static(kind, "__call__", None)
    return method if type(method) is FunctionType else None


def _own(function: Callable[..., Any], is_wrapper: bool) -> list[Parameter]:
    form: dict[str, Any] = {}
    if sys.version_info >= (3, 14):
        import annotationlib

        form["annotation_format"] = annotationlib.Format.FORWARDREF
    try:
        return list(inspect.signature(function, follow_wrapped=False, **form).parameters.values())
    except ValueError:  # a wrapper that is not written in Python, as functools.cache
        if is_wrapper:
            return _ANYTHING
        raise


def _sorted(parameters: Sequence[Parameter]) -> Taken:
    by_kind: dict[Any, list[Any]] = {}
    for parameter in parameters:
        by_kind.setdefault(
            Parameter.POSITIONAL_OR_KEYWORD if parameter.kind in _PLACES else parameter.kind, []
        ).append(parameter)
    rest, options = (
        by_kind.get(kind, [None])[0] for kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    )
    places = by_kind.get(Parameter.POSITIONAL_OR_KEYWORD, [])
    return Taken(places, by_kind.get(Parameter.KEYWORD_ONLY, []), rest, options)


def _merged(outer: Taken, inner: Taken) -> Taken:
    """What a decorator takes that passes on some of it."""
    named = {parameter.name for parameter in outer.parameters}
    hidden = inner.places[len(outer.places) :]
    words = [*outer.words]
    if outer.options is not None:
        words += [parameter for parameter in inner.words if parameter.name not in named]
    if outer.rest is None:
        # The rest of them can only go through its `**kwargs`.
        by_name = [
            parameter.replace(kind=Parameter.KEYWORD_ONLY)
            for parameter in hidden
            if parameter.name not in named
        ]
        return Taken(outer.places, [*by_name, *words], None, inner.options)
    options = inner.options if outer.options is not None else None
    shown = [*outer.places, *hidden]
    adds = any(parameter.name not in {other.name for other in inner.places} for parameter in outer.places)
    longer = [*outer.places, *(inner.longer or inner.places)] if adds else inner.longer
    return Taken(shown, words, inner.rest, options, longer)


def _without_first(taken: Taken) -> Taken:
    return replace(taken, places=taken.places[1:], longer=taken.longer[1:])


def _without_given(taken: Taken, args: Sequence[Any], words: Mapping[str, Any]) -> Taken:
    """What is left to be given to a partial: all behind the first that was given by name goes by name."""
    places = taken.places[len(args) :]
    first = next((index for index, parameter in enumerate(places) if parameter.name in words), len(places))
    by_name = [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in places[first:]]
    left = [
        parameter.replace(default=words.get(parameter.name, parameter.default))
        for parameter in (*by_name, *taken.words)
    ]
    return replace(taken, places=places[:first], words=left, rest=None if by_name else taken.rest, longer=())
