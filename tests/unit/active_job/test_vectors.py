"""Every argument that real Rails (5.0 to 8.2.alpha) has written, read and written back."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from pyresque.active_job.arguments.values import (
    DateTime,
    Duration,
    FarTime,
    Indifferent,
    Keywords,
    Module,
    Range,
    Serialized,
    Symbol,
    Time,
    TimeWithZone,
)
from pyresque.active_job.directory import Directory
from pyresque.errors import DeserializationError
from pyresque.wire.encoding import decode, encode

VECTORS = Path(__file__).parents[3] / "docs/protocol/conformance/vectors/activejob.json"
DATA = json.loads(VECTORS.read_text("utf-8"))
PUSHED = [one for one in DATA["cases"] if one["payload"]]
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

ONLY_IN_5 = {"hash/reserved-serialized"}
"""Rails 5 has no serializers: what is data there is an object of a serializer from 6.0 on."""


def arguments(case):
    return decode(case["payload"].encode())["args"][0]["arguments"]


def is_time(value, typed, kind):
    seconds = (value - EPOCH) // timedelta(seconds=1)
    zone = typed.get("zone")
    known = zone is None or value.zone in (zone, None)  # before 7.0 Rails does not tell the zone
    offset = value.zone is None if zone else value.utcoffset().total_seconds() == typed["utc_offset"]
    return (
        type(value) is kind
        and (seconds, value.nanoseconds) == (int(typed["sec"]), typed["nsec"])
        and known
        and (offset or value.utcoffset().total_seconds() == typed["utc_offset"])
    )


def is_map(value, typed):
    kinds = {"plain": dict, "indifferent": Indifferent, "keywords": Keywords}
    same_keys = len(value) == len(typed["v"])
    pairs = zip(value.items(), typed["v"], strict=True)
    return (
        type(value) is kinds[typed["kind"]]
        and same_keys
        and all(is_value(key, theirs[0]) and is_value(item, theirs[1]) for (key, item), theirs in pairs)
    )


CHECKS = {
    "null": lambda value, typed: value is None,
    "bool": lambda value, typed: value is typed["v"],
    "int": lambda value, typed: type(value) is int and value == int(typed["v"]),
    "float": lambda value, typed: type(value) is float and value.hex() == typed["hex"],
    "str": lambda value, typed: type(value) is str and value == typed["v"],
    "sym": lambda value, typed: type(value) is Symbol and value == typed["v"],
    "module": lambda value, typed: type(value) is Module and value == typed["v"],
    "globalid": lambda value, typed: str(value) == typed["v"],
    "date": lambda value, typed: type(value) in (date, FarTime) and str(value) == typed["v"],
    "time": lambda value, typed: is_time(value, typed, Time),
    "datetime": lambda value, typed: is_time(value, typed, DateTime),
    "time_with_zone": lambda value, typed: is_time(value, typed, TimeWithZone),
    "bigdecimal": lambda value, typed: type(value) is Decimal and str(value) == str(Decimal(typed["v"])),
    "arr": lambda value, typed: len(value) == len(typed["v"]) and all(map(is_value, value, typed["v"])),
    "map": is_map,
    "object": lambda value, typed: type(value) is Serialized,
    "duration": lambda value, typed: (
        type(value) is Duration
        and is_value(value.value, typed["value"])
        and value.total_seconds() == value.value
        and [name for name, _ in value.parts] == [name for name, _ in typed["parts"]]
        and all(
            is_value(count, theirs)
            for (_, count), (_, theirs) in zip(value.parts, typed["parts"], strict=True)
        )
    ),
    "range": lambda value, typed: (
        type(value) is Range
        and is_value(value.begin, typed["begin"])
        and is_value(value.end, typed["end"])
        and value.exclude_end is typed["exclude_end"]
    ),
}


def is_value(value, typed):
    """Whether a Python value is what Rails got."""
    return CHECKS[typed["t"]](value, typed)


def is_readable(case):
    return case["id"] != "module/anonymous@6.1" and not (
        case["rails_version"] < "6" and case["id"].split("@")[0] in ONLY_IN_5
    )


@pytest.mark.parametrize(
    "case",
    [one for one in PUSHED if one.get("deserialized") is not None and is_readable(one)],
    ids=lambda c: c["id"],
)
def test_an_argument_becomes_the_value_that_rails_gets(case):
    """Type, value, order of keys, nanoseconds, zones."""
    found = Directory().reader(strict=False).arguments(arguments(case))
    assert len(found) == len(case["deserialized"])
    for value, typed in zip(found, case["deserialized"], strict=True):
        assert is_value(value, typed), (value, typed)


@pytest.mark.parametrize("case", [one for one in PUSHED if is_readable(one)], ids=lambda c: c["id"])
def test_an_argument_is_written_back_as_the_same_bytes(case):
    """For the version of Rails that wrote it."""
    values = Directory().reader(strict=False).arguments(arguments(case))
    again = Directory().writer(case["rails_version"]).arguments(values)
    assert encode(again) == encode(arguments(case))


def test_rails_8_bytes_are_the_same_from_the_raw_text_on():
    """Where the Ruby side writes JSON as we do, the text itself comes out again."""
    for case in PUSHED:
        if case["id"].endswith(("@8.0", "@8.1", "@8.1.4", "@8.2.alpha")):
            values = Directory().reader(strict=False).arguments(arguments(case))
            text = encode(Directory().writer("8.1").arguments(values)).decode()
            assert f'"arguments":{text},' in case["payload"], case["id"]


def test_what_rails_cannot_read_cannot_be_read():
    """An anonymous class of Rails 6.1 is written without a name, and fails on reading there too."""
    [case] = [one for one in PUSHED if one["id"] == "module/anonymous@6.1"]
    with pytest.raises(DeserializationError, match="ModuleSerializer"):
        Directory().reader(strict=False).arguments(arguments(case))
