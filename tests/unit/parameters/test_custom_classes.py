"""Classes that msgspec does not know: made of JSON, and written as JSON again."""

import collections
import ipaddress
import os
import zoneinfo
from pathlib import Path, PurePosixPath

import msgspec
import pytest

from pyresque.parameters.custom_classes import can_be, made, plain_of, shown


class Model:
    """As pydantic has it."""

    def __init__(self, value):
        self.value = value

    @classmethod
    def model_validate(cls, value):
        return cls(value)

    def model_dump(self, mode):
        return {"value": self.value, "mode": mode}


class OldModel:
    """One that is only like pydantic's."""

    def model_dump(self):
        return {"value": 1}


class Opaque:
    pass


@pytest.mark.parametrize(
    ("wanted", "plain", "value"),
    [
        (Path, "a/b", Path("a/b")), (PurePosixPath, "a", PurePosixPath("a")), (os.PathLike, "a", Path("a")),
        (ipaddress.IPv6Network, "::/64", ipaddress.IPv6Network("::/64")),
        (zoneinfo.ZoneInfo, "Europe/Berlin", zoneinfo.ZoneInfo("Europe/Berlin")),
        (collections.deque, [1, 2], collections.deque([1, 2])),
        (collections.Counter, {"a": 2}, collections.Counter("aa")),
        (collections.OrderedDict, {"a": 1}, collections.OrderedDict(a=1)),
        (collections.defaultdict, {"a": 1}, {"a": 1}),
    ],
    ids=str,
)  # fmt: skip
def test_an_object_is_made_and_written_as_it_came(wanted, plain, value):
    assert made(wanted, plain) == value
    assert plain_of(made(wanted, plain)) == plain
    assert made(wanted, value) == value  # one that is there already stays
    assert can_be(wanted)


@pytest.mark.parametrize(
    ("wanted", "plain"), [(Path, 5), (collections.deque, "ab"), (collections.Counter, ["a"])]
)
def test_another_type_of_json_is_refused(wanted, plain):
    with pytest.raises(msgspec.ValidationError):
        made(wanted, plain)


def test_models_make_and_dump_themselves():
    assert made(Model, {"a": 1}).value == {"a": 1}
    assert plain_of(Model(1)) == {"value": 1, "mode": "json"}
    assert plain_of(OldModel()) == {"value": 1}


def test_a_class_that_json_has_nothing_for_says_so():
    assert not can_be(Opaque)
    with pytest.raises(msgspec.ValidationError, match="Expected `Opaque`, got `dict`"):
        made(Opaque, {})
    with pytest.raises(TypeError, match="JSON has nothing for a Opaque"):
        plain_of(Opaque())


def test_a_kind_of_a_plain_type_is_written_as_that_type():
    class Name(str):
        def __str__(self):
            return "other"

    assert plain_of(Name("x")) == "x"
    assert type(plain_of(Name("x"))) is str
    assert shown(Opaque) == "Opaque"
    assert shown(list[int]) == "list[int]"
