"""Reading arguments: what no vector shows, and what is refused."""

import copy
import pickle
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from pyresque import active_job
from pyresque.active_job import FarTime, GlobalID, Keywords, Range, Serialized, Symbol
from pyresque.active_job.directory import directory_of
from pyresque.errors import DeserializationError, RecordNotFound

HOUSE = "ActiveJob::Serializers::"


def made(kind, **keys):
    return {"_aj_serialized": f"{HOUSE}{kind}Serializer", **keys}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"_aj_serialized": None}, "Serializer name is not present"),
        (made("Nope", value=1), "Serializer ActiveJob::Serializers::NopeSerializer is not known"),
        ({"_aj_serialized": 7}, "Serializer 7 is not known"),
        (made("Symbol", value=None), "which is not text"),
        (made("Date", value="banana"), "invalid date"),
        (made("Date", value="2023-02-29"), "invalid date"),
        (made("Time", value="2024-01-02 03:04:05"), "invalid xmlschema date"),
        (made("Time", value="2024-02-30T03:04:05Z"), "invalid date"),
        (made("Time", value="2024-01-02T03:04:05+24:00"), "invalid xmlschema date"),
        (made("TimeWithZone", value="2024-01-01T00:00:00Z", time_zone=5), "Invalid Timezone: 5"),
        (made("Duration", value="x", parts=[]), "a duration of 'x'"),
        (made("Duration", value=1), "a duration with the parts None"),
        (made("Duration", value=1, parts=[1]), "a duration with the parts [1]"),
        (made("Duration", value=1, parts=[["days"]]), "a duration with the parts [['days']]"),
        (made("Duration", value=1, parts=[["days", "1"]]), "a duration with the parts [['days', '1']]"),
        (made("Duration", value=1, parts=[[None, 1]]), "a duration with the parts [[None, 1]]"),
        (made("Duration", value=1, parts=[["days", True]]), "a duration with the parts [['days', True]]"),
        (made("Duration", value="NaN", parts=[]), "a duration of"),
        (made("Duration", value=float("inf"), parts=[]), "a duration of inf"),
        (made("Duration", value=10**30, parts=[]), "OverflowError"),
        (made("BigDecimal", value="many"), "invalid value for BigDecimal"),
        (made("BigDecimal", value="sNaN"), "invalid value for BigDecimal"),
        (made("BigDecimal", value="inf"), "invalid value for BigDecimal"),
        (made("BigDecimal", value=True), "which is not text"),
        (made("Module", value=""), "wrong constant name ''"),
        (made("Module", value="Admin::nightly"), "wrong constant name 'Admin::nightly'"),
        (made("Range", begin="a", end=1, exclude_end=False), "bad value for range: 'a' and 1"),
        (made("Range", begin={"a": 1}, end={}, exclude_end=False), "bad value for range: {'a': 1} and {}"),
        ({"a": 1, "_aj_symbol_keys": 5}, "_aj_symbol_keys is 5, which is not a list"),
        ({"a": 1, "_aj_ruby2_keywords": "a"}, "_aj_ruby2_keywords is 'a', which is not a list"),
    ],
)
def test_what_cannot_be_read_says_why(value, reason):
    """With the words of Rails in front, also where it lies deep inside."""
    with pytest.raises(
        DeserializationError, match=r"^Error while trying to deserialize arguments: "
    ) as raised:
        active_job.deserialize([1, [{"k": value}]])
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    "value",
    [
        {"_aj_globalid": "gid://app/User/1", "x": 1},
        {"_aj_hash_with_indifferent_access": True, "_aj_symbol_keys": []},
        {"_aj_serialized": "MoneySerializer", "amount": 1},
    ],
)
def test_a_job_is_given_nothing_that_it_does_not_know(registry, value):
    """Reserved keys as data and unknown serializers: a strict reader refuses, `deserialize` hands them on."""
    with pytest.raises(DeserializationError, match=r"reserved key|is not known"):
        directory_of(registry).reader(strict=True).arguments([value])
    [found] = active_job.deserialize([value])
    assert active_job.serialize([found]) == [value] if isinstance(found, Serialized) else len(found) >= 1


@pytest.mark.parametrize(
    "text",
    [
        "nonsense", "gid://app/Person", "gid://app/Person/", 7, None, "gid://a b/P/1", "gid://a_b/Person/1",
        "gid://app/Person/1|2", "gid://app/Person/100%", "gid://app/Pers{on/1", "gid://app/Person/é",
    ],
)  # fmt: skip
def test_a_malformed_global_id_is_none(text):
    """As in Rails: no error."""
    assert active_job.deserialize([{"_aj_globalid": text}]) == [None]


def test_a_global_id_tells_its_parts():
    """App, model, id decoded; composite ids; parameters are kept."""
    first, second = active_job.deserialize(
        [{"_aj_globalid": "gid://app/Admin::User/a%2Fb+c"}, {"_aj_globalid": "gid://x/Order/1/2?tenant=3"}]
    )
    assert (first.app, first.model, first.id) == ("app", "Admin::User", "a/b c")
    assert (second.id, second.params) == (("1", "2"), "tenant=3")
    [dotted] = active_job.deserialize([{"_aj_globalid": "gid://my.app/Person/1"}])
    assert dotted.app == "my.app"
    assert str(GlobalID("app", "Doc", "a/b c?é")) == "gid://app/Doc/a%2Fb+c%3F%C3%A9"
    assert GlobalID("app", "Person", 1) == GlobalID.parse("gid://app/Person/1")


def test_a_resolver_loads_the_record(registry):
    """By GlobalID, or by the id where the parameter is annotated so; nothing found is RecordNotFound."""

    @active_job.resolver("User", registry=registry)
    def user(user_id: int):
        return {1: "Ann"}.get(user_id)

    @active_job.resolver("Doc", registry=registry)
    def doc(found):
        return {"a": found.id}["a"] if found.id != "b" else {}["missing"]

    ids = [{"_aj_globalid": f"gid://app/{name}"} for name in ("User/1", "Doc/x", "Other/5")]
    assert active_job.deserialize(ids, registry=registry) == ["Ann", "x", GlobalID("app", "Other", "5")]
    for name, text in (("User/2", "Couldn't find User with 'id'=2"), ("Doc/b", "KeyError")):
        with pytest.raises(RecordNotFound, match=text):
            active_job.deserialize([{"_aj_globalid": f"gid://app/{name}"}], registry=registry)


def test_a_serializer_of_the_application(registry):
    """Its objects are read and written with the functions that were registered."""

    class Money:
        def __init__(self, amount, currency):
            self.amount, self.currency = amount, currency

    dump = lambda money: {"amount": money.amount, "currency": money.currency}  # noqa: E731

    @active_job.serializer("MoneySerializer", Money, dump=dump, registry=registry)
    def money(keys):
        return Money(**keys)

    wire = [{"_aj_serialized": "MoneySerializer", "amount": 5, "currency": "EUR"}]
    [found] = active_job.deserialize(wire, registry=registry)
    assert (found.amount, found.currency) == (5, "EUR")
    assert active_job.serialize([found], registry=registry) == wire


def test_times_beyond_pythons_calendar():
    """They stay text, and are written back as they came."""
    wire = [made("Time", value="12024-01-01T00:00:00.000000000Z"), made("Date", value="1500-02-29")]
    found = active_job.deserialize(wire)
    assert all(isinstance(one, FarTime) for one in found)
    assert active_job.serialize(found) == wire


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-02T03:04:05+0000", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2024-01-02T03:04:05.5", datetime(2024, 1, 2, 3, 4, 5, 500000, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2024-01-02T24:00:00Z", datetime(2024, 1, 3, tzinfo=UTC)),
        ("2024-01-02T03:04:05.12345678901234Z", datetime(2024, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)),
    ],
)
def test_every_xml_schema_time_is_read(text, moment):
    """Any fraction, any form of the offset."""
    assert active_job.deserialize([made("Time", value=text)]) == [moment]


def test_an_unknown_zone_keeps_its_name():
    """The moment is right, and the name is written back."""
    wire = [made("TimeWithZone", value="2024-01-02T03:04:05.000000001+01:00", time_zone="Mars/Olympus")]
    [found] = active_job.deserialize(wire)
    assert (found.zone, found.nanosecond) == ("Mars/Olympus", 1)
    assert active_job.serialize([found]) == wire


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("2269-05-10T13:23:42.000001000+01:00", "Europe/Budapest"),
        ("7085-04-23T17:23:31.000000999+11:00", "Australia/Melbourne"),
        ("6250-10-21T14:56:08.198912547+00:00", "Europe/Dublin"),
    ],
)
def test_summer_time_in_a_far_year_is_as_ruby_has_it(text, zone):
    """Ruby's zones change no more after 2126, or sooner; what it wrote stays."""
    wire = [made("TimeWithZone", value=text, time_zone=zone)]
    [found] = active_job.deserialize(wire)
    assert found.isoformat()[-6:] == text[-6:]
    assert active_job.serialize([found]) == wire


def test_a_time_of_another_offset_is_brought_into_its_zone():
    """As in Rails, in a far year too: UTC and the offset of another place are not offsets of this zone."""
    for text in ("2300-07-01T12:00:00.000000000Z", "2300-07-01T21:00:00.000000000+09:00"):
        [found] = active_job.deserialize([made("TimeWithZone", value=text, time_zone="Europe/Budapest")])
        assert found.isoformat() == "2300-07-01T14:00:00+02:00"


def test_a_zone_by_rails_name_becomes_the_iana_one():
    """As in Rails, which writes back the IANA name."""
    wire = [made("TimeWithZone", value="2024-01-02T03:04:05.000000000Z", time_zone="Tokyo")]
    [found] = active_job.deserialize(wire)
    assert (found.zone, found.hour) == ("Asia/Tokyo", 12)
    [again] = active_job.serialize([found])
    assert again["time_zone"] == "Asia/Tokyo"


def test_a_duration_of_decimals():
    """`BigDecimal("1.5").days`: Rails writes its seconds as text, and so do we."""
    name = made("Symbol", value="days")
    wire = [made("Duration", value="129600.0", parts=[[name, made("BigDecimal", value="1.5")]])]
    [found] = active_job.deserialize(wire)
    assert found == timedelta(days=1.5)
    assert found.parts == (("days", Decimal("1.5")),)
    assert active_job.serialize([found]) == wire
    assert active_job.serialize([copy.deepcopy(found)]) == wire


def test_a_decimal_may_be_a_number():
    """Ruby's BigDecimal() takes one."""
    assert active_job.deserialize([made("BigDecimal", value=-1)]) == [Decimal(-1)]


def test_indifferent_access_spreads_inwards():
    """Hashes inside of one are so too, in lists as well, whatever their own marker says."""
    wire = [{"a": [{"b": 1, "_aj_symbol_keys": ["b"]}], "_aj_hash_with_indifferent_access": True}]
    marked = {"b": 1, "_aj_hash_with_indifferent_access": True}
    assert active_job.serialize(active_job.deserialize(wire)) == [
        {"a": [marked], "_aj_hash_with_indifferent_access": True}
    ]


def test_keywords_and_symbols_are_found_by_plain_text():
    """A Symbol is its text to Python, and a hash of keywords a dict."""
    [found] = active_job.deserialize([{"a": made("Symbol", value="x"), "_aj_ruby2_keywords": ["a"]}])
    assert isinstance(found, Keywords)
    assert isinstance(found["a"], Symbol)
    assert found == {"a": "x"}


def test_ranges_are_python_ranges_where_they_can_be():
    """Membership, equality with `range`, open ends."""
    assert Range(1, 10) == range(1, 11)
    assert hash(Range(1, 10, True)) == hash(range(1, 10))
    assert 5 in Range(None, 5)
    assert 5 not in Range(None, 5, exclude_end=True)
    assert 10**9 in Range(3, None)
    with pytest.raises(TypeError, match="not whole numbers"):
        Range("a", "b").as_range()


def test_values_survive_arithmetic_and_pickling():
    """They are datetimes and timedeltas; a copy keeps what only Ruby has."""
    time = active_job.Time(2024, 1, 1, tzinfo=UTC, nanosecond=7)
    assert time + timedelta(days=1) == datetime(2024, 1, 2, tzinfo=UTC)
    assert copy.deepcopy(time).nanosecond == 7
    wire = [
        made("TimeWithZone", value="2024-01-02T03:04:05.000000001+01:00", time_zone="Mars/Olympus"),
        made("Time", value="12024-01-01T00:00:00.000000000Z"),
    ]
    assert active_job.serialize(copy.deepcopy(active_job.deserialize(wire))) == wire
    assert active_job.serialize(pickle.loads(pickle.dumps(active_job.deserialize(wire)))) == wire
    month = active_job.Duration.of(months=1, days=2, hours=0)
    assert copy.deepcopy(month).parts == (("months", 1), ("days", 2))
    assert month == timedelta(seconds=2629746 + 2 * 86400)
    with pytest.raises(TypeError, match="no fortnights"):
        active_job.Duration.of(fortnights=1)
