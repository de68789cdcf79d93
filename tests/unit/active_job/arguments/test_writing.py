"""Writing arguments: plain Python values, old versions of Rails, and what is refused."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from zoneinfo import ZoneInfo

import pytest

from pyresque import active_job
from pyresque.active_job import GlobalID, Indifferent, Module, Range, Symbol
from pyresque.errors import SerializationError

HOUSE = "ActiveJob::Serializers::"


def made(kind, **keys):
    return {"_aj_serialized": f"{HOUSE}{kind}Serializer", **keys}


class Colour(str, Enum):  # noqa: UP042 (str() of one is not text of it)
    RED = "red"


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (datetime(2024, 1, 2, 3, 4, 5, 6, UTC), made("Time", value="2024-01-02T03:04:05.000006000Z")),
        (
            datetime(2024, 1, 2, tzinfo=timezone(timedelta(hours=-8))),
            made("Time", value="2024-01-02T00:00:00.000000000-08:00"),
        ),
        (
            datetime(2024, 7, 4, 12, tzinfo=ZoneInfo("America/New_York")),
            made("TimeWithZone", value="2024-07-04T12:00:00.000000000-04:00", time_zone="America/New_York"),
        ),
        (
            datetime(2024, 7, 4, tzinfo=ZoneInfo("UTC")),
            made("TimeWithZone", value="2024-07-04T00:00:00.000000000Z", time_zone="Etc/UTC"),
        ),
        (date(2024, 2, 29), made("Date", value="2024-02-29")),
        (timedelta(hours=1), made("Duration", value=3600, parts=[[made("Symbol", value="seconds"), 3600]])),
        (
            timedelta(milliseconds=1500),
            made("Duration", value=1.5, parts=[[made("Symbol", value="seconds"), 1.5]]),
        ),
        (Decimal("1.50"), made("BigDecimal", value="1.5")),
        (Decimal("1E+3"), made("BigDecimal", value="1000.0")),
        (Decimal("-Infinity"), made("BigDecimal", value="-Infinity")),
        (range(1, 10), made("Range", begin=1, end=10, exclude_end=True)),
        (Range(1, None), made("Range", begin=1, end=None, exclude_end=False)),
        (Symbol("a"), made("Symbol", value="a")),
        (Module("Admin::User"), made("Module", value="Admin::User")),
        (GlobalID("app", "User", 7), {"_aj_globalid": "gid://app/User/7"}),
        ({"a": 1, Symbol("b"): 2}, {"a": 1, "b": 2, "_aj_symbol_keys": ["b"]}),
        (
            Indifferent({"a": [{"b": 1}]}),
            {
                "a": [{"b": 1, "_aj_hash_with_indifferent_access": True}],
                "_aj_hash_with_indifferent_access": True,
            },
        ),
        ((1, (2,)), [1, [2]]),
        ({Colour.RED: Colour.RED}, {"red": "red", "_aj_symbol_keys": []}),
        (
            Indifferent({Colour.RED: [Colour.RED]}),
            {"red": ["red"], "_aj_hash_with_indifferent_access": True},
        ),
    ],
)
def test_python_values_arrive_as_rubys(value, wire):
    """Each as the type that Ruby would have."""
    assert active_job.serialize([value]) == [wire]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1, 2}, "Unsupported argument type: set"),
        (object(), "Unsupported argument type: object"),
        (b"x", "Unsupported argument type: bytes"),
        ({1: 2}, "Only string and symbol hash keys may be serialized as job arguments, but 1 is a int"),
        ({None: 2}, "but None is a NoneType"),
        (Indifferent({1: 2}), "but 1 is a int"),
        ({"_aj_globalid": 1}, 'Can\'t serialize a Hash with reserved key "_aj_globalid"'),
        ([{"x": {Symbol("_aj_ruby2_keywords"): 1}}], "reserved key :_aj_ruby2_keywords"),
        ({"_aj_serialized": "x"}, 'reserved key "_aj_serialized"'),
        (float("nan"), "not a number that JSON has"),
        (datetime(2024, 1, 1), "has no time zone"),
        (range(0, 10, 2), "has steps"),
    ],
)
def test_what_active_job_cannot_carry_is_refused(value, message):
    """With the message that Rails has, where it has one."""
    with pytest.raises(SerializationError) as raised:
        active_job.serialize([1, {"k": [value]}])
    assert message in str(raised.value)


def test_circles_are_refused():
    """Instead of an endless loop."""
    circle = []
    circle.append(circle)
    with pytest.raises(SerializationError, match="circle"):
        active_job.serialize(circle)


def test_a_record_of_ones_own():
    """An object with to_global_id is a record; without an id it cannot be one."""

    class User:
        def __init__(self, number):
            self.number = number

        def to_global_id(self):
            return None if self.number is None else f"gid://app/User/{self.number}"

    assert active_job.serialize([User(3)]) == [{"_aj_globalid": "gid://app/User/3"}]
    with pytest.raises(SerializationError, match="Unable to serialize User without an id"):
        active_job.serialize([User(None)])


@pytest.mark.parametrize(
    ("rails", "value", "wire"),
    [
        ("5.2", active_job.Keywords({Symbol("a"): 1}), {"a": 1, "_aj_symbol_keys": ["a"]}),
        ("6.0", datetime(2024, 1, 2, 3, 4, 5, 6, UTC), made("Time", value="2024-01-02T03:04:05Z")),
        (
            "6.1",
            datetime(2024, 7, 4, tzinfo=ZoneInfo("Asia/Tokyo")),
            made("TimeWithZone", value="2024-07-04T00:00:00.000000000+09:00"),
        ),
        ("7.0", Decimal("1.5"), "1.5"),
        ("6.1", Decimal("NaN"), None),
    ],
)
def test_older_rails_gets_what_it_can_read(rails, value, wire):
    """The form of that version."""
    assert active_job.serialize([value], rails=rails) == [wire]


@pytest.mark.parametrize(
    ("rails", "value"),
    [("5.2", Symbol("a")), ("6.0", Module("A")), ("6.1", range(3)), ("5.2", date(2024, 1, 1))],
)
def test_what_an_older_rails_cannot_read_is_refused(rails, value):
    """Rather than written for nobody."""
    with pytest.raises(SerializationError, match=f"Rails {rails} cannot carry it"):
        active_job.serialize([value], rails=rails)


def test_versions_are_checked():
    """A typing error is not the newest version."""
    for text in ("", "8", "4.2", "newest"):
        with pytest.raises(ValueError, match="not a version of Rails"):
            active_job.serialize([], rails=text)
    assert active_job.serialize([], rails="8.1.4.1") == active_job.serialize([], rails="8.2.alpha") == []


def test_a_time_of_rails_6_gets_a_zone_for_rails_8():
    """Rails 6 does not tell the zone, Rails 8 wants one: the same moment, in UTC."""
    wire = [made("TimeWithZone", value="2024-07-04T12:30:00.000000001-04:00")]
    again = active_job.serialize(active_job.deserialize(wire))
    assert again == [made("TimeWithZone", value="2024-07-04T16:30:00.000000001Z", time_zone="Etc/UTC")]
