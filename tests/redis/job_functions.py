"""Job functions as people write them. Each notes what it got; `CASES` says how it is called and what that is.

A test reads this file as text too: for an async worker the functions named `j_...` are `async def`.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import decimal
import enum
import functools
import inspect
import ipaddress
import json
import os
import pathlib
import typing as t
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NewType,
    Optional,
    ParamSpec,
    TypedDict,
    TypeVar,
    Union,
)

import msgspec

from pyresque import job

if t.TYPE_CHECKING:
    from app.models import User  # type: ignore[import-not-found]

CASES: dict[str, tuple[list[Any], tuple[tuple[Any, ...], dict[str, Any]] | None, list[Any]]] = {}
"""Name of the job: the list that Ruby pushes, the call in Python (None: none), and what the function gets."""
NOTES = os.environ.get("NOTES", os.devnull)
P = ParamSpec("P")
R = TypeVar("R")
ID = "6f1c0c8e-5d0e-4f3e-9a6e-2f6d2f0b8a11"


def note(**got: Any) -> None:
    name = inspect.stack()[1].function
    with open(NOTES, "a") as file:
        file.write(json.dumps([name, repr(list(got.values()))]) + "\n")


def call(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return args, kwargs


def case(ruby: list[Any], python: Any, got: list[Any]) -> Callable[[Any], Any]:
    def declare(function: Any) -> Any:
        name = getattr(function, "__name__", None) or "".join(str(len(CASES)))
        CASES[name] = (ruby, python, got)
        return job(queue="q", name=name)(function)

    return declare


# --- decorators ------------------------------------------------------------------------------------------


def traced(function: Any) -> Any:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner


def typed(function: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(*args, **kwargs)

    return inner


def with_session(function: Any) -> Any:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function("SESSION", *args, **kwargs)

    return inner


def with_db(function: Any) -> Any:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, db="DB", **kwargs)

    return inner


def loaded(function: Any) -> Any:
    @functools.wraps(function)
    def inner(user_id: Any, *args: Any, **kwargs: Any) -> Any:
        return function(Account(user_id, "loaded"), *args, **kwargs)

    return inner


def loaded_all(function: Any) -> Any:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(Account(args[0], "loaded"), *args[1:], **kwargs)

    return inner


def for_tenant(function: Any) -> Any:
    @functools.wraps(function)
    def inner(tenant: str, *args: Any, **kwargs: Any) -> Any:
        assert tenant == "acme"
        return function(*args, **kwargs)

    return inner


def by_name(function: Any) -> Any:
    @functools.wraps(function)
    def inner(n: int, **kwargs: Any) -> Any:
        return function(n, log="LOG", **kwargs)

    return inner


def own_signature(function: Any) -> Any:
    @functools.wraps(function)
    def inner(user_id: int, fmt: str = "png") -> Any:
        return function("REQUEST", user_id, fmt)

    return inner


def bare(function: Any) -> Any:
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    inner.__name__ = inner.__qualname__ = function.__name__
    return inner


def retrying(times: int) -> Callable[[Any], Any]:
    def decorate(function: Any) -> Any:
        @functools.wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            for _ in range(times - 1):
                try:
                    return function(*args, **kwargs)
                except ValueError:
                    continue
            return function(*args, **kwargs)

        return inner

    return decorate


class Timed:
    """A decorator that is a class."""

    def __init__(self, function: Any) -> None:
        functools.update_wrapper(self, function)
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)


@contextlib.contextmanager
def in_transaction() -> t.Iterator[None]:
    yield


# --- types -----------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Account:
    id: int
    name: str


@dataclasses.dataclass
class Order:
    number: int
    at: date
    lines: list[decimal.Decimal] = dataclasses.field(default_factory=list)


class Point(msgspec.Struct):
    x: int
    y: int = 0


class Pair(NamedTuple):
    a: int
    b: str


class Options(TypedDict, total=False):
    dry_run: bool
    limit: int


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Corner(enum.Enum):
    TOP = (0, 1)


class Mode(enum.StrEnum):
    FAST = "fast"


class Session:
    """What no JSON can become."""


class Model:
    """Like a model of pydantic's."""

    def __init__(self, x: int) -> None:
        self.x = x

    @classmethod
    def model_validate(cls, value: Any) -> Model:
        return value if isinstance(value, cls) else cls(**value)

    def model_dump(self, mode: str = "python") -> dict[str, Any]:
        return {"x": self.x}

    def __repr__(self) -> str:
        return f"Model({self.x})"


UserId = NewType("UserId", int)
SENTINEL = object()

# --- plain -----------------------------------------------------------------------------------------------


@case([], call(), [])
def j_nothing():
    note()


@case([1, "a"], call(1, "a"), [1, "a"])
def j_untyped(a, b):
    note(a=a, b=b)


@case([1], call(1), [1, "png"])
def j_default(image_id: int, fmt: str = "png") -> None:
    note(image_id=image_id, fmt=fmt)


@case([1, "webp"], call(1, fmt="webp"), [1, "webp"])
def j_keyword(image_id: int, fmt: str = "png") -> None:
    note(image_id=image_id, fmt=fmt)


@case([1, 2], call(1, 2), [1, 2])
def j_positional_only(a: int, b: int, /) -> None:
    note(a=a, b=b)


@case([1, 2, 3], call(1, 2, 3), [(1, 2, 3)])
def j_args(*numbers: int) -> None:
    note(numbers=numbers)


@case([1, 2, 3], call(1, 2, 3), [1, (2, 3)])
def j_first_and_args(first: int, *rest) -> None:
    note(first=first, rest=rest)


@case([1, {"x": 2}], call(1, x=2), [1, {"x": 2}])
def j_options(a: int, **options) -> None:
    note(a=a, options=options)


@case([{"x": 2, "y": 3}], call(x=2, y=3), [{"x": 2, "y": 3}])
def j_only_options(**options: int) -> None:
    note(options=options)


@case([1, None, {"x": 2}], call(1, x=2), [1, None, {"x": 2}])
def j_default_and_options(a: int, b=None, **options) -> None:
    note(a=a, b=b, options=options)


@case([1, 2, {"x": 3}], call(1, 2, x=3), [1, (2,), {"x": 3}])
def j_everything(a: int, *rest: int, **options: int) -> None:
    note(a=a, rest=rest, options=options)


@case([1, {"k": 1}, {}], call(1, {"k": 1}), [1, ({"k": 1},), {}])
def j_last_hash_is_a_position(a: int, *rest: Any, **options: Any) -> None:
    note(a=a, rest=rest, options=options)


@case([1], call(1), [1, False])
def j_dry_run_left_out(a: int, *, dry_run: bool = False) -> None:
    note(a=a, dry_run=dry_run)


@case([1, {"dry_run": True}], call(1, dry_run=True), [1, True])
def j_dry_run(a: int, *, dry_run: bool = False) -> None:
    note(a=a, dry_run=dry_run)


@case([1, True], call(1, {"dry_run": True}), [1, True])
def j_dry_run_by_position(a: int, *, dry_run: bool = False) -> None:
    note(a=a, dry_run=dry_run)


@case([1, {"b": 2}], call(1, b=2), [1, 2])
def j_needed_keyword(a: int, *, b: int) -> None:
    note(a=a, b=b)


@case([{"day": "2026-01-02"}], call(day=date(2026, 1, 2)), [date(2026, 1, 2)])
def j_only_keyword(*, day: date) -> None:
    note(day=day)


@case([1, {"dry_run": True}, {"dry_run": False}], call(1, {"dry_run": True}), [1, {"dry_run": True}, False])
def j_hash_beside_keyword(a: int, opts: dict | None = None, *, dry_run: bool = False) -> None:
    note(a=a, opts=opts, dry_run=dry_run)


@case([{"dry_run": True}], call({"dry_run": True}), [{"dry_run": True}, False])
def j_hash_that_is_needed(opts: dict, *, dry_run: bool = False) -> None:
    note(opts=opts, dry_run=dry_run)


@case([1, {"limit": 5}], call(1, limit=5), [1, {"limit": 5}])
def j_unpacked(a: int, **options: t.Unpack[Options]) -> None:
    note(a=a, options=options)


@case([1, None, "x"], call(1, c="x"), [1, None, "x"])
def j_implicit_optional(a: int, b: str = None, c: str = None) -> None:  # type: ignore[assignment]  # noqa: RUF013
    note(a=a, b=b, c=c)


@case([1], call(a=1), [1])
def j_sentinel(a: int, flag: object = SENTINEL, c: int = 0) -> None:
    assert flag is SENTINEL
    note(a=a)


@case([1, "2026-01-01", 2], call(1, c=2), [1, date(2026, 1, 1), 2])
def j_default_date(a: int, day: date = date(2026, 1, 1), c: int = 0) -> None:
    note(a=a, day=day, c=c)


@case([1, "red"], call(1, Colour.RED), [1, Colour.RED])
def j_default_enum(a: int, colour: Colour = Colour.RED) -> None:
    note(a=a, colour=colour)


@case([1], call(1), [1, None])
def j_session_with_default(a: int, session: Session = None) -> None:  # type: ignore[assignment]
    note(a=a, session=session)


@case([1, []], call(1, b=[]), [1, []])
def j_mutable_default(a: int, b: list[int] = []) -> None:  # noqa: B006
    note(a=a, b=b)


# --- annotations -----------------------------------------------------------------------------------------


@case([3, "x"], call(3, "x"), [3, "x"])
def j_for_people(n: "number of users", who: "the person"):  # type: ignore[valid-type, syntax, name-defined]  # noqa: F722
    note(n=n, who=who)


@case([3, 4, [5]], call(3, 4, [5]), [3, 4, [5]])
def j_no_types(a: 5, b: len, c: [int]):  # type: ignore[valid-type]
    note(a=a, b=b, c=c)


@case(["2026-01-02", 3], call(date(2026, 1, 2), 3), [date(2026, 1, 2), 3, None])
def j_type_checking(when: date, n: int, user: User | None = None) -> User:
    note(when=when, n=n, user=user)


@case([{"id": 1, "name": "x"}], call(Account(1, "x")), [Account(1, "x")])
def j_dataclass(account: Account) -> None:
    note(account=account)


@case(
    [{"number": 1, "at": "2026-01-02", "lines": ["1.50"]}],
    call(Order(1, date(2026, 1, 2), [decimal.Decimal("1.50")])),
    [Order(1, date(2026, 1, 2), [decimal.Decimal("1.50")])],
)
def j_nested(order: Order) -> None:
    note(order=order)


@case([[{"x": 1}, {"x": 2, "y": 3}]], call([Point(1), Point(2, 3)]), [[Point(1), Point(2, 3)]])
def j_structs(points: list[Point]) -> None:
    note(points=points)


@case([[1, "b"]], call(Pair(1, "b")), [Pair(1, "b")])
def j_named_tuple(pair: Pair) -> None:
    note(pair=pair)


@case([{"limit": 2}], call({"limit": 2}), [{"limit": 2}])
def j_typed_dict(options: Options) -> None:
    note(options=options)


@case([{"x": 1}], call(Model(1)), [Model(1)])
def j_pydantic_like(model: Model) -> None:
    note(model=model)


@case(["red", 3, "fast"], call(Colour.RED, Level.HIGH, Mode.FAST), [Colour.RED, Level.HIGH, Mode.FAST])
def j_enums(colour: Colour, level: Level, mode: Mode) -> None:
    note(colour=colour, level=level, mode=mode)


@case([[0, 1]], call(Corner.TOP), [Corner.TOP])
def j_enum_of_tuples(corner: Corner) -> None:
    note(corner=corner)


@case([3, "fast"], call(Level.HIGH, Mode.FAST), [3, "fast"])
def j_enum_for_a_number(n: int, text: str) -> None:
    note(n=n, text=text)


@case([ID], call(uuid.UUID(ID)), [uuid.UUID(ID)])
def j_uuid(key: uuid.UUID) -> None:
    note(key=key)


@case(
    ["2026-01-02T03:04:05Z", "10:00:00", "PT60S"],
    call(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), time(10), timedelta(seconds=60)),
    [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), time(10), timedelta(seconds=60)],
)
def j_times(at: datetime, clock: time, span: timedelta) -> None:
    note(at=at, clock=clock, span=span)


@case(["1.50"], call(decimal.Decimal("1.50")), [decimal.Decimal("1.50")])
def j_decimal(amount: decimal.Decimal) -> None:
    note(amount=amount)


@case(["aGk="], call(b"hi"), [b"hi"])
def j_bytes(data: bytes) -> None:
    note(data=data)


@case(["/tmp/x"], call(pathlib.Path("/tmp/x")), [pathlib.Path("/tmp/x")])
def j_path(path: pathlib.Path) -> None:
    note(path=path)


@case(["1.2.3.4"], call(ipaddress.IPv4Address("1.2.3.4")), [ipaddress.IPv4Address("1.2.3.4")])
def j_address(address: ipaddress.IPv4Address) -> None:
    note(address=address)


@case([[1]], call({1}), [{1}])
def j_set(numbers: set[int]) -> None:
    note(numbers=numbers)


@case([["a"]], call(frozenset("a")), [frozenset("a")])
def j_frozen_set(names: frozenset[str]) -> None:
    note(names=names)


@case([[1, "a"], [1, 2]], call((1, "a"), (1, 2)), [(1, "a"), (1, 2)])
def j_tuples(pair: tuple[int, str], numbers: tuple[int, ...]) -> None:
    note(pair=pair, numbers=numbers)


@case([[1, 2]], call(collections.deque([1, 2])), [collections.deque([1, 2])])
def j_deque(numbers: collections.deque) -> None:
    note(numbers=numbers)


@case([{"a": 1}], call(collections.OrderedDict(a=1)), [collections.OrderedDict(a=1)])
def j_ordered(options: collections.OrderedDict) -> None:
    note(options=options)


@case([{"1": "a"}], call({1: "a"}), [{1: "a"}])
def j_numbered(names: dict[int, str]) -> None:
    note(names=names)


@case([[1], {"a": 1}, [1]], call([1], {"a": 1}, [1]), [[1], {"a": 1}, [1]])
def j_abstract(numbers: Sequence[int], options: Mapping[str, int], items: Iterable[int]) -> None:
    note(numbers=numbers, options=options, items=items)


@case([None, 1, "a"], call(None, 1, "a"), [None, 1, "a"])
def j_optional(a: Optional[int], b: Union[int, str], c: int | str) -> None:  # noqa: UP007, UP045
    note(a=a, b=b, c=c)


@case(["x", "x"], call("x", "x"), ["x", "x"])
def j_text_or(a: str | datetime, b: Union[str, uuid.UUID]) -> None:  # noqa: UP007
    note(a=a, b=b)


@case(["2026-01-02"], call(date(2026, 1, 2)), [date(2026, 1, 2)])
def j_date_or_datetime(when: date | datetime) -> None:
    note(when=when)


@case([[ID, 3]], call([uuid.UUID(ID), 3]), [[uuid.UUID(ID), 3]])
def j_list_of_either(keys: list[uuid.UUID | date | int]) -> None:
    note(keys=keys)


@case([{"x": 1}, None], call(Point(1), None), [Point(1), None])
def j_one_of_two_classes(thing: Point | Account, other: Point | Account | None) -> None:
    note(thing=thing, other=other)


@case(["a", 1], call("a", 1), ["a", 1])
def j_literal(kind: Literal["a", "b"], n: Literal[1, 2]) -> None:
    note(kind=kind, n=n)


@case([3, 4, 5], call(UserId(3), 4, 5), [3, 4, 5])
def j_new_type(user: UserId, n: Annotated[int, "how many"], m: Annotated[int, msgspec.Meta(gt=0)]) -> None:
    note(user=user, n=n, m=m)


@case([3, "x", True], call(3, "x", True), [3, "x", True])
def j_loose(a: Any, b: object, c: t.Hashable) -> None:
    note(a=a, b=b, c=c)


@case([3, "x"], call(3, "x"), [3, "x"])
def j_type_variables(a: R, b: t.LiteralString) -> None:
    note(a=a, b=b)


@case([3, 2], call(3, 2), [3.0, 2])
def j_numbers(a: float, b: int) -> None:
    note(a=a, b=b)


@case([[{"id": 1, "name": "x"}]], call([Account(1, "x")]), [[Account(1, "x")]])
def j_forward(accounts: list["Account"]) -> None:  # noqa: UP037
    note(accounts=accounts)


@case([{"a": [1, None]}], call({"a": [1, None]}), [{"a": [1, None]}])
def j_deep(value: dict[str, list[int | None]]) -> None:
    note(value=value)


# --- behind decorators -----------------------------------------------------------------------------------


@case([1, "webp"], call(1, fmt="webp"), [1, "webp"])
@traced
def j_traced(image_id: int, fmt: str = "png") -> None:
    note(image_id=image_id, fmt=fmt)


@case(["2026-01-02"], call(date(2026, 1, 2)), [date(2026, 1, 2)])
@typed
@traced
def j_typed(day: date) -> None:
    note(day=day)


@case([1, {"dry_run": True}], call(1, dry_run=True), [1, True])
@traced
def j_traced_keyword(a: int, *, dry_run: bool = False) -> None:
    note(a=a, dry_run=dry_run)


@case([7], call(7), ["SESSION", 7])
@with_session
def j_session(session, user_id: int) -> None:
    note(session=session, user_id=user_id)


@case(["2026-01-02", "x"], call(date(2026, 1, 2), text="x"), ["SESSION", date(2026, 1, 2), "x"])
@traced
@with_session
def j_typed_session(session: Session, day: date, text: str = "") -> None:
    note(session=session, day=day, text=text)


@case([7], call(7), ["SESSION", 7])
@with_session
def j_session_like_a_text(session: str, user_id: int) -> None:
    note(session=session, user_id=user_id)


@case([7], call(7), [7, "DB"])
@with_db
def j_db_last(user_id: int, db) -> None:
    note(user_id=user_id, db=db)


@case([7], call(user_id=7), [7, "DB"])
@with_db
def j_db_keyword(user_id: int, *, db: Session) -> None:
    note(user_id=user_id, db=db)


@case([7, {"note_": "x"}], call(7, note_="x"), [7, "DB", "x"])
@with_db
def j_db_and_keyword(user_id: int, *, db, note_: str) -> None:
    note(user_id=user_id, db=db, note_=note_)


@case([7], call(7), ["SESSION", 7, "DB"])
@with_db
@with_session
def j_two_injected(session, user_id: int, *, db) -> None:
    note(session=session, user_id=user_id, db=db)


@case([7, "x"], call(7, "x"), [Account(7, "loaded"), "x"])
@loaded
def j_loaded(user: Account, text: str) -> None:
    note(user=user, text=text)


@case([7, "x"], call(7, text="x"), [Account(7, "loaded"), "x"])
@loaded_all
def j_loaded_from_anything(user: Account, text: str) -> None:
    note(user=user, text=text)


@case([7], call(7), [Account(7, "loaded")])
@loaded
def j_loaded_by_a_name_for_checkers(user: User) -> None:
    note(user=user)


@case(["acme", 7], call("acme", 7), [7])
@for_tenant
def j_tenant(user_id: int) -> None:
    note(user_id=user_id)


@case(["acme", 7, "x"], call("acme", 7, "x"), [7, "x"])
@for_tenant
def j_tenant_and_default(user_id: int, text: str = "") -> None:
    note(user_id=user_id, text=text)


@case([7, {"fmt": "x"}], call(7, fmt="x"), [7, "x", "LOG"])
@by_name
def j_by_name(n: int, fmt: str = "png", *, log) -> None:
    note(n=n, fmt=fmt, log=log)


@case([7, "x"], call(7, fmt="x"), ["REQUEST", 7, "x"])
@own_signature
def j_own_signature(request, user_id, fmt) -> None:
    note(request=request, user_id=user_id, fmt=fmt)


@case([7], call(7), [7])
@retrying(3)
def j_retried(user_id: int) -> None:
    note(user_id=user_id)


@case([7], call(7), [7, "x"])
@Timed
def j_decorator_class(user_id: int, text: str = "x") -> None:
    note(user_id=user_id, text=text)


def s_bare_inner(a, b: int = 2):
    note(a=a, b=b)


s_bare_inner = case([1, {"k": 1}], call(1, {"k": 1}), [1, {"k": 1}])(bare(s_bare_inner))


@case([7], None, [7])  # a second time it would not be called
@functools.lru_cache
def s_cached(n: int) -> None:
    note(n=n)


@case([7], None, [7])  # a second time it would not be called
@functools.cache
@traced
def s_cached_and_traced(n: int) -> None:
    note(n=n)


@case(["x"], call("x"), ["x"])
@functools.singledispatch
def s_dispatched(value: int) -> None:
    raise AssertionError


@s_dispatched.register
def _(value: str) -> None:
    with open(NOTES, "a") as file:
        file.write(json.dumps(["s_dispatched", repr([value])]) + "\n")


@case([7], call(7), [7])
@in_transaction()
def s_in_a_context(n: int) -> None:
    note(n=n)


# --- what is not a plain function ---------------------------------------------------------------------


def noted(name: str, *values: Any) -> None:
    with open(NOTES, "a") as file:
        file.write(json.dumps([name, repr(list(values))]) + "\n")


def declared(name: str, target: Any, ruby: list[Any], python: Any, got: list[Any]) -> Any:
    CASES[name] = (ruby, python, got)
    return job(queue="q", name=name)(target)


def s_three(a: int, b: str, c: bool = False) -> None:
    noted("s_partial", a, b, c)


def j_async_partial(a: int, b: str) -> None:
    note(a=a, b=b)


class Caller:
    """Objects that can be called, and their methods."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, n: int, day: date | None = None) -> None:
        noted(self.name, n, day)

    def method(self, n: int) -> None:
        noted("s_bound_method", n)

    @traced
    def wrapped(self, n: int, text: str = "x") -> None:
        noted("s_wrapped_method", n, text)

    @classmethod
    def of_class(cls, n: int) -> None:
        noted("s_class_method", n)

    @staticmethod
    def static(n: int) -> None:
        noted("s_static_method", n)


class AsyncCaller:
    """An object whose call is `async def`."""

    async def __call__(self, n: int) -> None:
        await asyncio.sleep(0)
        noted("j_async_object", n)


CALLER = Caller("s_callable")
TARGETS: dict[str, Any] = {
    "s_partial": declared(
        "s_partial", functools.partial(s_three, 1, c=True), ["x"], call("x"), [1, "x", True]
    ),
    "j_async_partial": declared(
        "j_async_partial", functools.partial(j_async_partial, 1), ["x"], call(b="x"), [1, "x"]
    ),
    "s_callable": declared(
        "s_callable", CALLER, [1, "2026-01-02"], call(1, date(2026, 1, 2)), [1, date(2026, 1, 2)]
    ),
    "s_bound_method": declared("s_bound_method", CALLER.method, [1], call(1), [1]),
    "s_wrapped_method": declared("s_wrapped_method", CALLER.wrapped, [1, "y"], call(1, text="y"), [1, "y"]),
    "s_class_method": declared("s_class_method", Caller.of_class, [1], call(1), [1]),
    "s_static_method": declared("s_static_method", Caller.static, [1], call(n=1), [1]),
    "j_async_object": declared("j_async_object", AsyncCaller(), [1], call(1), [1]),
    "s_lambda": declared("s_lambda", lambda n, m=2: noted("s_lambda", n, m), [1], call(1), [1, 2]),
    "s_builtin": declared("s_builtin", abs, [-1], None, []),
}


class s_perform:
    """With objects."""

    def perform(self, n: int, *, text: str = "x") -> None:
        noted("s_perform", n, text)


class s_perform_static:
    """Ruby's way."""

    class Inner(msgspec.Struct):
        x: int

    @staticmethod
    @traced
    def perform(inner: Inner, n: int = 1) -> None:
        noted("s_perform_static", inner.x, n)


class s_perform_class:
    """The other way."""

    @classmethod
    def perform(cls, key: uuid.UUID) -> None:
        noted("s_perform_class", key)


case([1, {"text": "y"}], call(1, text="y"), [1, "y"])(s_perform)
case([{"x": 1}], call(s_perform_static.Inner(1)), [1, 1])(s_perform_static)
case([ID], call(uuid.UUID(ID)), [uuid.UUID(ID)])(s_perform_class)

for name, target in list(globals().items()):
    if name in CASES:
        TARGETS.setdefault(name, target)
