"""What an annotation makes of a value from JSON; what is written for a value comes back as it was."""

import enum
import ipaddress
import typing
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyresque.errors import Unencodable
from pyresque.parameters.annotations import MISFIT, kind_of


class Colour(enum.Enum):
    RED = "red"
    PAIR = (1, 2)


@dataclass
class Point:
    x: int
    y: int = 0


class Opaque:
    pass


def kind(annotation):
    return kind_of(annotation, globals(), {})


@pytest.mark.parametrize(
    ("annotation", "plain", "value"),
    [
        (int, 5, 5), (float, 5, 5.0), (list[int], [1], [1]), (set[str], ["a"], {"a"}),
        (str | None, None, None),
        (uuid.UUID, "7" * 32, uuid.UUID("7" * 32)), (date, "2026-11-30", date(2026, 11, 30)),
        (Decimal, "1.5", Decimal("1.5")), (Path, "a/b", Path("a/b")), (str | uuid.UUID, "x", "x"),
        (ipaddress.IPv4Address, "1.2.3.4", ipaddress.IPv4Address("1.2.3.4")), (Colour, "red", Colour.RED),
        (Colour, [1, 2], Colour.PAIR), (Point, {"x": 1}, Point(1)), (dict[int, str], {"1": "a"}, {1: "a"}),
        (tuple[int, Path], [1, "a"], (1, Path("a"))), (list[Path], ["a"], [Path("a")]),
        ("Point", {"x": 1}, Point(1)),
        (typing.Annotated[int, "why"], 5, 5), (typing.Literal["a", "b"], "a", "a"), (bytes, "YQ==", b"a"),
    ],
    ids=str,
)  # fmt: skip
def test_a_value_comes_as_the_annotation_has_it(annotation, plain, value):
    read = kind(annotation).read
    assert read is not None
    assert read(plain) == value
    assert type(read(plain)) is type(value)


@pytest.mark.parametrize(
    ("annotation", "plain"),
    [
        (int, "5"), (str, 5), (list[int], ["a"]), (uuid.UUID, "x"), (Colour, "blue"), (Point, {"y": 1}),
        (tuple[int, Path], [1]), (str | uuid.UUID, 5), (Path, 5), (typing.Literal["a"], "b"),
        (date, "30.11.2026"),
    ],
    ids=str,
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused(annotation, plain):
    read = kind(annotation).read
    assert read is not None
    with pytest.raises(MISFIT):
        read(plain)


@pytest.mark.parametrize("annotation", [typing.Any, object, "Any thing", 7, ["a"], "Gone", typing.Self])
def test_an_annotation_that_says_nothing_takes_anything(annotation):
    found = kind(annotation)
    assert (found.read, found.never) == (None, "")


def test_a_class_that_json_cannot_become_says_so():
    assert "Opaque" in kind(Opaque).never
    assert kind(Opaque).may_be_injected
    assert kind(Opaque | None).never == ""
    assert not kind(int).may_be_injected


STRATEGIES = {
    int: st.integers(-(2**63), 2**63 - 1),
    Point: st.builds(Point, st.integers(-9, 9), st.integers(-9, 9)),
    uuid.UUID: st.uuids(),
    set[int]: st.sets(st.integers(-9, 9)),
    dict[int, str]: st.dictionaries(st.integers(-9, 9), st.text()),
    timedelta: st.timedeltas(timedelta(-999), timedelta(999)),
    Colour: st.sampled_from(Colour),
    list[Path]: st.lists(st.sampled_from([Path("a"), Path("b/c")])),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
}


@pytest.mark.parametrize("annotation", STRATEGIES, ids=str)
@given(data=st.data())
def test_what_is_written_comes_back(annotation, data):
    value = data.draw(STRATEGIES[annotation])
    found = kind(annotation)
    assert found.read is not None
    assert found.read(found.written(value)) == value


def test_what_would_not_come_back_is_refused():
    with pytest.raises(Unencodable, match="would not arrive as it is"):
        kind(set).written({uuid.UUID("7" * 32)})
