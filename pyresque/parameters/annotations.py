"""What an annotation makes of a value from JSON, and what is written as JSON for a value that fits it.

msgspec converts. Added are what it has no decoder for though people write it (`str | UUID`, enums of any
values, paths), and the judgement whether a value from JSON can fit at all.
"""

from __future__ import annotations

import collections.abc
import inspect
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum, EnumMeta
from functools import partial
from typing import Any

import msgspec

from pyresque.errors import Unencodable
from pyresque.parameters.custom_classes import Read, can_be, made, plain_of, shown
from pyresque.usercode.safely import is_by_signal, name_of, text_of, tried_in_job

MISFIT = (msgspec.ValidationError, TypeError, ValueError, NotImplementedError)
"""What reading a value raises where it does not fit."""


@dataclass(frozen=True)
class Kind:
    """What values a parameter takes.

    Attributes:
        wanted: the annotation, as the type that it is.
        read: a value as the annotation has it, or one of MISFIT; None: any value, as it is.
        never: why no value from JSON fits; empty where one may.
        unknown: why the annotation says nothing; then any value fits.
        foreign: whether values that are not JSON are written in another form.
        open: whether somewhere inside it takes anything.
        keys: whether a map inside has keys that are not text.
        is_object: whether it is a class of the application's, whose objects a decorator may load.
    """

    wanted: Any = Any
    read: Read | None = None
    never: str = ""
    unknown: str = ""
    foreign: bool = False
    open: bool = False
    keys: bool = False
    is_object: bool = False

    @property
    def may_be_injected(self) -> bool:
        """Whether the caller is nobody who could give it: then a decorator does, perhaps."""
        return bool(self.never) or (self.read is None and not self.unknown)

    @property
    def scalar(self) -> type | None:
        """The type, if its values are the same in JSON; else None."""
        return next((scalar for scalar in SCALARS if self.wanted is scalar), None)

    def written(self, value: object) -> Any:
        """A value of this kind as JSON has it, so that reading that gives the same again.

        Raises:
            Unencodable: there is no such form.
        """
        if self.read is None or not self.foreign or type(value) in SCALARS:
            return value
        plain, error = tried_in_job(lambda: msgspec.to_builtins(value, enc_hook=plain_of, str_keys=self.keys))
        if error is not None:
            raise Unencodable(f"cannot be written as JSON: {text_of(error)}") from None
        if self.open and not self._comes_back(value, plain):
            raise Unencodable(
                "would not arrive as it is, for its annotation does not say what it holds: "
                "annotate that, or give values that JSON has"
            )
        return plain

    def _comes_back(self, value: object, plain: object) -> bool:
        read = self.read
        assert read is not None
        return bool(tried_in_job(lambda: bool(read(plain) == read(value)))[0])


ANYTHING = Kind()
SCALARS = frozenset((str, int, float, bool, types.NoneType))
"""Types whose values are the same in JSON."""
_SIMPLE = {
    native: Kind(native, partial(msgspec.convert, type=native))
    for native in (int, str, float, bool, list[int], list[str], list[float], types.NoneType)
}
_CONTAINERS = {
    native: Kind(native, partial(msgspec.convert, type=native), open=True) for native in (dict, list)
}


def kind_of(annotation: Any, names: Mapping[str, Any], inner: Mapping[str, Any]) -> Kind:
    """What an annotation means.

    Args:
        names: where its names are looked up, the globals of its function.
        inner: what comes before those, such as the names of its class.
    """
    if any(annotation is anything for anything in (inspect.Parameter.empty, Any, object)):
        return ANYTHING
    known = _known_already(annotation)
    if known is not None:
        return known
    wanted, error = tried_in_job(_resolved, annotation, dict(names), dict(inner))
    if error is not None:
        return Kind(unknown=f"cannot be resolved: {_reason(error)}")
    if not _is_type(wanted):
        return Kind(unknown="is not a type")
    kind, error = tried_in_job(_of, wanted)
    return replace(kind, wanted=wanted) if kind is not None else Kind(never=_reason(error))


def _known_already(annotation: Any) -> Kind | None:
    try:
        return _SIMPLE.get(annotation) or _CONTAINERS.get(annotation)
    except TypeError:  # a text for people may be any object, such as a list
        return None


def unpacked(
    annotation: Any, names: Mapping[str, Any], inner: Mapping[str, Any]
) -> dict[str, tuple[Any, bool]] | None:
    """What `**options: Unpack[Options]` lists: the annotation of each name, and whether it must be given."""
    wanted, _ = tried_in_job(_resolved, annotation, dict(names), dict(inner))
    if typing.get_origin(wanted) is not typing.Unpack:
        return None
    [options] = typing.get_args(wanted)
    hints = typing.get_type_hints(options, include_extras=True)
    return {name: _listed(hint, name in options.__required_keys__) for name, hint in hints.items()}


def _listed(hint: Any, is_needed: bool) -> tuple[Any, bool]:
    origin = typing.get_origin(hint)
    if origin in (typing.Required, typing.NotRequired):
        return typing.get_args(hint)[0], origin is typing.Required
    return hint, is_needed


def _resolved(annotation: Any, names: dict[str, Any], inner: dict[str, Any]) -> Any:
    def holder() -> None: ...

    holder.__annotations__ = {"value": annotation}
    return typing.get_type_hints(holder, names, inner, include_extras=True)["value"]


def _reason(error: BaseException | None) -> str:
    text = "" if error is None else " ".join(text_of(error).split())
    return f"{name_of(type(error))}: {text}" if text else name_of(type(error))


def _is_type(wanted: Any) -> bool:
    origin = typing.get_origin(wanted)
    if origin is typing.Annotated:
        return _is_type(typing.get_args(wanted)[0])
    if origin is typing.Literal or origin is collections.abc.Callable:
        return True
    if origin is not None:
        return all(part is None or part is ... or _is_type(part) for part in typing.get_args(wanted))
    if isinstance(wanted, type):
        return True
    return type(wanted).__module__ in ("typing", "types", "typing_extensions")


def _of(wanted: Any) -> Kind:
    """The kind of something that is a type.

    Raises:
        TypeError: there is none. Whatever the user's classes raise.
    """
    simple = _simpler(wanted)
    if simple is Any:
        return ANYTHING
    if simple in (typing.Never, typing.NoReturn):
        return Kind(never="no value fits it")
    try:
        msgspec.json.Decoder(simple)
        info = msgspec.inspect.type_info(simple)
    except Exception as error:
        if is_by_signal(error):
            raise
        return _composed(simple, error)
    inside = list(_inside(info, []))
    keys = any(map(_has_other_keys, inside))
    read = partial(msgspec.convert, type=simple, dec_hook=made, str_keys=keys)
    return Kind(
        simple,
        read,
        never=_never(info, []),
        foreign=keys or any(not isinstance(part, _NATIVE) for part in inside),
        open=any(isinstance(part, msgspec.inspect.AnyType) for part in inside),
        keys=keys,
        is_object=any(isinstance(part, _OBJECTS) for part in inside),
    )


def _simpler(wanted: Any) -> Any:
    """The type that is meant, where a checker of types is told more than a value can show."""
    if isinstance(wanted, typing.TypeVar) and wanted.__constraints__:
        return typing.Union[wanted.__constraints__]  # noqa: UP007 (of any number)
    if isinstance(wanted, (typing.ParamSpecArgs, typing.ParamSpecKwargs)) or wanted is typing.Self:
        return Any
    if typing.get_origin(wanted) is typing.Unpack:
        return Any
    return str if wanted is typing.LiteralString else wanted


# --- what msgspec has no decoder for ------------------------------------------------------------------


def _composed(wanted: Any, error: Exception) -> Kind:
    origin, args = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (typing.Union, types.UnionType):
        return _choice(wanted, args)
    if origin is typing.Annotated:
        return _of(args[0])
    if isinstance(wanted, typing.NewType):
        return _of(wanted.__supertype__)
    if hasattr(wanted, "__value__") and not isinstance(wanted, type):  # type Name = ...
        return _of(wanted.__value__)
    if isinstance(wanted, EnumMeta):
        return Kind(wanted, partial(_member, typing.cast(Any, wanted)), foreign=True)
    if isinstance(origin, type) and issubclass(origin, list | set | frozenset | tuple):
        return _collection(origin, args)
    if isinstance(origin, type) and issubclass(origin, dict):
        key, item = map(_of, args)
        return _together([key, item], partial(_mapped, key, item), keys=args[0] is not str)
    raise error


def _together(kinds: list[Kind], read: Read, keys: bool = False) -> Kind:
    never = next((kind.never for kind in kinds if kind.never), "")
    return Kind(
        Any,
        read,
        never=never,
        foreign=True,
        open=any(kind.open or kind.read is None for kind in kinds),
        keys=keys or any(kind.keys for kind in kinds),
        is_object=any(kind.is_object for kind in kinds),
    )


def _choice(wanted: Any, members: tuple[Any, ...]) -> Kind:
    kinds = [_of(member) for member in members]
    result = _together(kinds, partial(_first_that_fits, wanted, list(zip(members, kinds, strict=True))))
    return result if all(kind.never for kind in kinds) else replace(result, never="")


def _first_that_fits(wanted: Any, members: list[tuple[Any, Kind]], value: Any) -> Any:
    for member, _ in members:
        if type(value) is member:
            return value  # a text stays a text, where that is one of them
    for _, kind in members:
        if kind.read is None:
            return value
        try:
            return kind.read(value)
        except MISFIT:
            continue
    raise msgspec.ValidationError(f"Expected `{shown(wanted)}`, got `{name_of(type(value))}`")


def _collection(origin: type, args: tuple[Any, ...]) -> Kind:
    if issubclass(origin, tuple) and args[-1:] != (...,):
        kinds = [_of(arg) for arg in args]
        return _together(kinds, partial(_tuple, kinds))
    [kind] = [_of(arg) for arg in args if arg is not ...]
    return _together([kind], lambda value: origin(_items(kind, value)))


def _items(kind: Kind, value: Any) -> Iterator[Any]:
    return (item if kind.read is None else kind.read(item) for item in msgspec.convert(value, list))


def _tuple(kinds: list[Kind], value: Any) -> tuple[Any, ...]:
    items = msgspec.convert(value, list)
    if len(items) != len(kinds):
        raise msgspec.ValidationError(f"Expected `array` of length {len(kinds)}, got {len(items)}")
    pairs = zip(kinds, items, strict=True)
    return tuple(item if kind.read is None else kind.read(item) for kind, item in pairs)


def _mapped(key: Kind, item: Kind, value: Any) -> dict[Any, Any]:
    pairs = msgspec.convert(value, dict).items()
    return {
        (name if key.read is None else key.read(name)): (each if item.read is None else item.read(each))
        for name, each in pairs
    }


def _member(kind: type[Enum], value: Any) -> Any:
    result, error = tried_in_job(kind, tuple(value) if isinstance(value, list) else value)
    if error is not None:
        raise msgspec.ValidationError(f"Invalid enum value {text_of(value)!r}")
    return result


# --- what is inside -----------------------------------------------------------------------------------

_types = msgspec.inspect
_NATIVE = (
    _types.AnyType, _types.NoneType, _types.BoolType, _types.IntType, _types.FloatType, _types.StrType,
    _types.LiteralType, _types.ListType, _types.VarTupleType, _types.TupleType, _types.DictType,
    _types.UnionType, _types.TypedDictType, _types.NamedTupleType, _types.Metadata,
)  # fmt: skip
_FIELDS = (_types.TypedDictType, _types.NamedTupleType, _types.DataclassType, _types.StructType)
_ITEMS = (_types.ListType, _types.SetType, _types.FrozenSetType, _types.VarTupleType)
_OBJECTS = (_types.CustomType, _types.DataclassType, _types.StructType)


def _parts(info: Any) -> list[Any]:
    """What must fit inside of a value of this type."""
    if isinstance(info, _types.Metadata):
        return [info.type]
    if isinstance(info, _ITEMS):
        return [info.item_type]
    if isinstance(info, _types.TupleType):
        return list(info.item_types)
    if isinstance(info, _types.DictType):
        return [info.key_type, info.value_type]
    return [field.type for field in info.fields if field.required] if isinstance(info, _FIELDS) else []


def _inside(info: Any, seen: list[Any]) -> Iterator[Any]:
    """This type and all inside of it."""
    if any(part is info for part in seen):
        return
    seen.append(info)
    yield info
    further = [field.type for field in info.fields] if isinstance(info, _FIELDS) else _parts(info)
    for part in [*further, *(info.types if isinstance(info, _types.UnionType) else ())]:
        yield from _inside(part, seen)


def _never(info: Any, seen: list[Any]) -> str:
    """Why no value from JSON fits; empty where one may."""
    if any(part is info for part in seen):
        return ""
    seen.append(info)
    if isinstance(info, _types.CustomType):
        return "" if can_be(info.cls) else f"JSON has nothing that could become a {shown(info.cls)}"
    if isinstance(info, _types.UnionType):
        reasons = [_never(part, seen) for part in info.types]
        return reasons[0] if all(reasons) else ""
    return next(filter(None, (_never(part, seen) for part in _parts(info))), "")


def _has_other_keys(info: Any) -> bool:
    """Whether it is a map with keys that are not text."""
    if not isinstance(info, _types.DictType):
        return False
    texts = (_types.AnyType, _types.StrType)
    return not any(isinstance(part, texts) for part in _inside(info.key_type, []))
