"""Arguments: a call becomes a list of JSON, and that list the same call again."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
import typing
import uuid
from pathlib import Path
from typing import Any

import pytest

from pyresque.errors import InvalidJob, Unencodable, WrongArguments
from pyresque.parameters import Parameters
from pyresque.wire.encoding import decode, encode

DAY, KEY = datetime.date(2026, 1, 2), uuid.UUID(int=5)


def taken(function: Any) -> Parameters:
    return Parameters("Work", function, {})


def written(function: Any, *args: Any, **words: Any) -> Any:
    """What goes on the wire."""
    return decode(encode(taken(function).written(args, words)))


def passing(function: Any) -> Any:
    @functools.wraps(function)
    def inner(*args: Any, **words: Any) -> Any:
        return function(*args, **words)

    return inner


def plain(a, b=2, c=3, *rest): ...
def keyword(a, *, dry_run: bool = False): ...
def needed(a, *, b: int): ...
def options(a, b=None, **more: int): ...
def everything(a, *rest, **more): ...
def beside(a, opts=None, *, dry_run: bool = False): ...
def first_only(a, /, b=1): ...
def anything(*args, **words): ...
def numbers(image_id: int, fmt: str = "png"): ...


CALLS = [
    (plain, (1,), {}, [1]),
    (plain, (), {"a": 1}, [1, 2, 3]),
    (plain, (1, 2, 3, 4), {}, [1, 2, 3, 4]),
    (keyword, (1,), {}, [1]),
    (keyword, (1,), {"dry_run": True}, [1, {"dry_run": True}]),
    (keyword, (), {"a": 1, "dry_run": True}, [1, {"dry_run": True}]),
    (keyword, ({"dry_run": True},), {}, [{"dry_run": True}]),
    (needed, (1,), {"b": 2}, [1, {"b": 2}]),
    (options, (1,), {"x": 2}, [1, None, {"x": 2}]),
    (options, (1, {"x": 2}), {}, [1, {"x": 2}]),
    (options, (1, {"x": 2}), {"y": 3}, [1, {"x": 2}, {"y": 3}]),
    (everything, (1, 2), {"x": 3}, [1, 2, {"x": 3}]),
    (everything, (1, {"x": 3}), {}, [1, {"x": 3}, {}]),
    (beside, (1, {"dry_run": True}), {}, [1, {"dry_run": True}, {"dry_run": False}]),
    (beside, (1,), {"dry_run": True}, [1, {"dry_run": True}]),
    (first_only, (1,), {"b": 2}, [1, 2]),
    (anything, (1, {"x": 2}), {}, [1, {"x": 2}]),
    (passing(numbers), (1,), {"fmt": "x"}, [1, "x"]),
]


@pytest.mark.parametrize(("function", "args", "words", "wire"), CALLS)
def test_a_call_comes_back_as_it_was(function: Any, args: Any, words: Any, wire: Any) -> None:
    """The list is what Ruby would write for it, and read it gives the same call."""
    assert written(function, *args, **words) == wire
    given, named = taken(function).arguments(wire)
    direct = passing_through(function)(*args, **words)
    assert passing_through(function)(*given, **named) == direct


def passing_through(function: Any) -> Any:
    """What the parameters of a function become."""

    def call(*args: Any, **words: Any) -> Any:
        import inspect

        bound = inspect.signature(function).bind(*args, **words)
        bound.apply_defaults()
        return bound.arguments

    return call


READ = [
    (keyword, [1, True], ([1], {"dry_run": True})),
    (needed, [1, 2], ([1], {"b": 2})),
    (options, [1, {"x": 2}], ([1, {"x": 2}], {})),
    (options, [1, None, {}], ([1, None], {})),
    (beside, [1, {"dry_run": True}], ([1], {"dry_run": True})),
    (beside, [1, {"other": 1}], ([1, {"other": 1}], {})),
    (anything, [{"x": 1}], ([{"x": 1}], {})),
]


@pytest.mark.parametrize(("function", "wire", "call"), READ)
def test_lists_of_ruby_s(function: Any, wire: Any, call: Any) -> None:
    """A last hash of the keyword parameters' names is keywords; too many positions fill them in order."""
    assert taken(function).arguments(wire) == call


REFUSED: list[tuple[Any, tuple[Any, ...], dict[str, Any], str]] = [
    (numbers, ("abc",), {}, "argument image_id of Work: Expected `int`, got `str`"),
    (numbers, (True,), {}, "argument image_id of Work: Expected `int`, got `bool`"),
    (numbers, (KEY,), {}, "argument image_id of Work: "),
    (numbers, (1, KEY), {}, "argument fmt of Work: "),
    (numbers, (), {}, r"Work takes \(image_id: 'int', fmt: 'str' = 'png'\): it was given 0 arguments"),
    (numbers, (1, "x", 2), {}, "it was given 3 arguments"),
    (numbers, (1,), {"size": 2}, "it takes no keyword size="),
    (numbers, (1,), {"image_id": 2}, "it was given image_id twice"),
    (passing(numbers), ("abc",), {}, "argument image_id of Work: Expected `int`, got `str`"),
    (passing(numbers), (1, "x", 2), {}, "it was given 3 arguments"),
    (passing(numbers), (1,), {"size": 2}, "it takes no keyword size="),
    (needed, (1,), {}, "it was not given b="),
    (needed, (1,), {"b": "x"}, "argument b of Work: Expected `int`, got `str`"),
    (keyword, (1,), {"dry": True}, "it takes no keyword dry="),
    (keyword, (1, {"dry": True}), {}, "it was given 2 arguments"),
    (anything, (1,), {"x": 2}, "it takes no keyword x="),
    (first_only, (), {"a": 1}, "it takes no keyword a="),
]


@pytest.mark.parametrize(("function", "args", "words", "reason"), REFUSED)
def test_calls_that_do_not_fit(function: Any, args: Any, words: Any, reason: str) -> None:
    """They are refused when they are enqueued, with the parameter and why."""
    with pytest.raises(WrongArguments, match=reason):
        written(function, *args, **words)


class Colour(enum.Enum):
    RED = "red"


class Odd(enum.Enum):
    PAIR = (1, 2)
    ONE = 1.5


@dataclasses.dataclass
class Box:
    day: datetime.date
    more: dict[str, Any] = dataclasses.field(default_factory=dict)


KINDS: list[tuple[Any, Any, Any]] = [
    (uuid.UUID, KEY, str(KEY)),
    (datetime.date, DAY, "2026-01-02"),
    (Colour, Colour.RED, "red"),
    (Odd, Odd.PAIR, [1, 2]),
    (list[Odd], [Odd.ONE, Odd.PAIR], [1.5, [1, 2]]),
    (Box, Box(DAY, {"a": 1}), {"day": "2026-01-02", "more": {"a": 1}}),
    (set[int], {1}, [1]),
    (dict[datetime.date, int], {DAY: 1}, {"2026-01-02": 1}),
    (dict[int, str], {1: "a"}, {"1": "a"}),
    (Path, Path("/a"), "/a"),
    (list[Path], [Path("/a")], ["/a"]),
    (tuple[datetime.date, int], (DAY, 1), ["2026-01-02", 1]),
    (datetime.date | datetime.datetime, DAY, "2026-01-02"),
    (list[uuid.UUID | datetime.date], [KEY, DAY], [str(KEY), "2026-01-02"]),
    (dict[str, uuid.UUID | datetime.date], {"a": DAY}, {"a": "2026-01-02"}),
    (tuple[uuid.UUID | datetime.date, ...], (KEY,), [str(KEY)]),
    (tuple[uuid.UUID | datetime.date, int], (DAY, 1), ["2026-01-02", 1]),
    (Box | None, None, None),
]


@pytest.mark.parametrize(("kind", "value", "wire"), KINDS)
def test_values_are_passed_as_what_they_are(kind: Any, value: Any, wire: Any) -> None:
    """They are written as JSON, by the same rule by which they are read; what JSON has may be given, too."""

    def work(value): ...

    work.__annotations__ = {"value": kind}
    assert written(work, value) == written(work, wire) == [wire]
    [[read], named] = taken(work).arguments([wire])
    assert (read, type(read), named) == (value, type(value), {})


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (Any, DAY, "is of type date"),
        (dict, {"a": DAY}, r'\["a"\] is of type date'),
        (Box, Box(DAY, {"a": DAY}), "argument value of Work would not arrive as it is"),
        (dict, {1: 2}, "has a key of type int"),
    ],
)
def test_what_would_arrive_as_something_else(kind: Any, value: Any, reason: str) -> None:
    """Where no annotation says what it is, nobody would make it what it was again."""

    def work(value): ...

    work.__annotations__ = {"value": kind}
    with pytest.raises(Unencodable, match=reason):
        written(work, value)


def test_defaults_that_cannot_be_written() -> None:
    """One between given arguments is refused by its name; those at the end are left to the function."""

    def work(a, flag=object(), c=0): ...  # noqa: B008

    assert written(work, a=1) == [1]
    assert written(work, 1, flag=2, c=3) == [1, 2, 3]
    with pytest.raises(Unencodable, match=r"argument flag of Work: its default .* give flag= too"):
        written(work, 1, c=2)


def test_a_value_equal_to_the_default_fits() -> None:
    """`b: str = None` is an Optional to those who write it."""

    def work(a: int, b: str = None, c: int = "none"): ...  # type: ignore[assignment]  # noqa: RUF013

    assert written(work, 1, c=2) == [1, None, 2]
    assert taken(work).arguments([1, None, "none"]) == ([1, None, "none"], {})
    with pytest.raises(WrongArguments, match="argument c of Work"):
        taken(work).arguments([1, None, "other"])


def test_one_annotation_that_is_not_known_hides_no_other() -> None:
    """It is told; that argument is not checked, and the others are."""

    def work(when: datetime.date, user: OnlyForCheckers, n: "number of users"): ...  # type: ignore[name-defined, valid-type]  # noqa: F722, F821

    found = taken(work)
    assert found.arguments(["2026-01-02", 5, "x"]) == ([DAY, 5, "x"], {})
    with pytest.raises(WrongArguments, match="argument when"):
        found.arguments(["tomorrow", 5, "x"])
    user, number = found.unknown()
    assert "user is annotated 'OnlyForCheckers', which cannot be resolved" in user
    assert number.startswith("n is annotated")
    assert found.never() == []


class Session: ...


INJECTED: list[tuple[Any, list[Any], Any]] = []


def injected(wire: list[Any], call: Any) -> Any:
    def note(function: Any) -> Any:
        INJECTED.append((passing(function), wire, call))
        return function

    return note


@injected(["2026-01-02"], [DAY])
def session_first(session, day: datetime.date): ...
@injected(["2026-01-02"], [DAY])
def typed_first(session: Session, day: datetime.date, text: str = ""): ...
@injected([7], [7])
def last(n: int, db): ...
@injected([7], [7])
def last_keyword(n: int, *, db): ...
@injected([7, "x"], [7, "x"])
def loaded(user: Box, text: str): ...
@injected([7], [7])
def loaded_class(user: Session): ...
@injected(["2026-01-02"], [DAY])
def like_a_text(tenant: str, day: datetime.date): ...


@pytest.mark.parametrize(("function", "wire", "given"), INJECTED)
def test_what_a_decorator_puts_in_need_not_be_given(function: Any, wire: list[Any], given: Any) -> None:
    """It is likely what nobody could give; the other arguments are what their parameters say."""
    assert taken(function).arguments(wire)[0] == given
    assert written(function, *given) == wire
    assert taken(function).never() == []


def test_what_no_argument_fits() -> None:
    """It is told with its reason; with a default, or in a decorator's hands, it is not."""

    def work(session: Session, n: int, other: Session = None): ...  # type: ignore[assignment]

    assert taken(work).never() == [
        "session is annotated 'Session': JSON has nothing that could become a Session"
    ]
    assert taken(passing(work)).never() == []
    with pytest.raises(WrongArguments, match="argument session of Work: annotated 'Session', and JSON has"):
        taken(work).arguments([1, 2])


def test_the_layers_of_a_decorator() -> None:
    """Its own explicit parameters count; those of its function are seen through `*args`."""

    def own(user_id: int, fmt: str = "png"): ...

    @functools.wraps(session_first)
    def explicit(user_id, fmt="png"): ...

    assert str(taken(explicit).taken) == "(user_id, fmt='png')"
    assert taken(passing(passing(own))).names == {"user_id", "fmt"}
    assert written(functools.partial(own, fmt="webp"), 1) == [1]
    assert written(functools.partial(passing(own), 1), "webp") == ["webp"]


def test_what_does_not_tell_what_it_takes() -> None:
    """No job can be made of it."""

    class Hostile:
        def __getattr__(self, name: str) -> Any:
            raise SystemExit(name)

    for odd in (max, Hostile()):
        with pytest.raises(InvalidJob, match="what it takes cannot be told"):
            taken(odd)


class Options(typing.TypedDict):
    limit: int
    dry_run: typing.NotRequired[bool]


def test_options_that_are_listed() -> None:
    """`**options: Unpack[Options]` names its keywords, with their types."""

    def work(a: int, **options: typing.Unpack[Options]): ...

    assert written(work, 1, limit=5) == [1, {"limit": 5}]
    for words, reason in (
        ({"limit": "x"}, "argument limit"), ({}, "not given limit="), ({"limit": 1, "x": 2}, "no keyword x="),
    ):  # fmt: skip
        with pytest.raises(WrongArguments, match=reason):
            written(work, 1, **words)


def test_a_call_that_is_only_looked_for_may_be_any() -> None:
    """Wrong jobs lie in queues, and are to be found there."""
    found = taken(numbers)
    assert found.written(["abc"], {}, False) == ["abc"]
    assert found.written([1, 2, 3], {}, False) == [1, 2, 3]
    assert found.written([], {}, False) == []
