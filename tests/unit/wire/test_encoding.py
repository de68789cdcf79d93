"""JSON as Ruby writes and reads it: every recorded value, then laws, messages and limits."""

import copy
import datetime
import decimal
import enum
import json
import math
import pickle
import re
import types
from collections import OrderedDict, namedtuple
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyresque.errors import MalformedPayload, Unencodable
from pyresque.wire.encoding import MAX_DEPTH, decode, encode, narrowed, same

VECTORS = Path(__file__).parents[3] / "docs/protocol/conformance/vectors/json.json"
DATA = json.loads(VECTORS.read_text("utf-8"))
STYLES = list(DATA["styles"])
REFERENCE = "json-3.1.0+multi_json-1.21"
BEFORE_JSON_3 = "json-2.21.1"

quickly = settings(deadline=None, derandomize=True, database=None, max_examples=150)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


class Unsayable(Exception):
    """A recorded Ruby value that no Python value stands for."""


def python(typed):
    """Return the Python value for a typed value of the vectors; Ruby's byte strings become bytes."""
    kind, v = typed["t"], typed.get("v")
    if kind == "int":
        return int(decimal.Decimal(v))  # int() of a text stops at 4300 digits
    if kind == "float":
        return float.fromhex(typed["hex"]) if "hex" in typed else float(typed["special"])
    if kind == "bin":
        return bytes.fromhex(typed["hex"])
    if kind == "arr":
        return [python(item) for item in v]
    if kind == "map":
        pairs = [(python(key), python(item)) for key, item in v]
        if len(dict(pairs)) < len(pairs):
            raise Unsayable
        return dict(pairs)
    assert kind in ("null", "bool", "str", "sym")
    return v


def parts(value, level=0):
    """Yield every value inside a value, itself and map keys included, with the level it lies in."""
    yield value, level
    if isinstance(value, dict):
        for key, item in value.items():
            yield from parts(key, level + 1)
            yield from parts(item, level + 1)
    elif isinstance(value, list):
        for item in value:
            yield from parts(item, level + 1)


def depth(value):
    return max((level + 1 for part, level in parts(value) if isinstance(part, list | dict)), default=0)


def refused_by_rule(value):
    """Tell whether docs/protocol/json.md#what-to-refuse refuses a value, whatever Ruby does with it."""
    inside = [part for part, _ in parts(value)]
    return (
        any(isinstance(part, bytes) for part in inside)  # Ruby's byte strings: text or error, by version
        or any(isinstance(part, float) and not math.isfinite(part) for part in inside)  # NaN; null in Rails
        or any(not isinstance(key, str) for part in inside if isinstance(part, dict) for key in part)
        or any(isinstance(part, int) and abs(part) >= 10**4300 for part in inside)  # Python's limit
        or depth(value) > MAX_DEPTH  # some setups have no limit
    )


@pytest.mark.parametrize("style", STYLES)
def test_every_recorded_value_in_every_style(style):
    """Each value is written byte for byte as the setup of the style wrote it, or refused by a rule."""
    setup, written, refused = DATA["styles"][style], 0, 0
    for entry in DATA["encode"]:
        ruby = entry.get("differs", {}).get(setup, entry)
        try:
            value = python(entry["value"])
        except Unsayable:
            assert "error" in entry, "the newest json gem refuses doubled keys"
            continue
        if refused_by_rule(value):
            with pytest.raises(Unencodable):
                encode(value, style)
            refused += 1
        else:
            assert encode(value, style) == ruby["bytes"].encode(), entry["id"]
            written += 1
    assert written > 700
    assert refused > 30


def expected_reading(entry, text):
    """Return the result that `decode` must have for a recorded text, or None where it must refuse."""
    ruby = entry.get("from_redis", {}).get(REFERENCE, entry)
    if has_doubled_key(text):
        ruby = entry["differs"][BEFORE_JSON_3]  # the last value, as all json gems before 3
    if not text.strip():
        return None  # MultiJson says nil
    if re.search(rb"(?<![\d.])\d{4301}", text):
        return None  # Python's limit; Ruby has none
    return None if "error" in ruby else ruby


def has_doubled_key(text):
    found = []

    def look(pairs):
        found.append(len(dict(pairs)) < len(pairs))
        return dict(pairs)

    try:
        json.loads(text, object_pairs_hook=look)
    except (ValueError, RecursionError):
        return False
    return any(found)


def text_of(entry):
    if "json_hex" in entry:
        return bytes.fromhex(entry["json_hex"])
    if "json_repeat" in entry:
        repeat = entry["json_repeat"]
        return (repeat["open"] * repeat["n"] + repeat["close"] * repeat["n"]).encode()
    return entry["json"].encode()


def test_every_recorded_text_is_read_as_the_newest_ruby_reads_it():
    """Each text gives the recorded value or MalformedPayload; the differences are the rules above."""
    values = refusals = 0
    for entry in DATA["decode"]:
        text = text_of(entry)
        ruby = expected_reading(entry, text)
        if ruby is None:
            with pytest.raises(MalformedPayload):
                decode(text)
            refusals += 1
            continue
        read = decode(text)
        if "depth" in ruby:
            assert depth(read) == ruby["depth"], entry["id"]
        else:
            assert repr(read) == repr(python(ruby["value"])), entry["id"]
        values += 1
    assert values > 100
    assert refusals > 100


@pytest.mark.parametrize("style", STYLES)
@quickly
@given(value=JSON_VALUES)
def test_what_is_written_reads_back(style, value):
    """`decode` gives back what `encode` was given, types and order of keys included."""
    text = encode(value, style)
    assert repr(decode(text)) == repr(value)
    assert same(decode(text), value)


@pytest.mark.parametrize("style", STYLES)
@quickly
@given(value=JSON_VALUES)
def test_another_reader_reads_the_same(style, value):
    """Python's own json module reads an equal value out of every style."""
    assert repr(json.loads(encode(value, style))) == repr(value)


@quickly
@given(value=JSON_VALUES)
def test_encoding_leaves_its_argument_alone(value):
    """Nothing in the caller's value is changed."""
    before = repr(value)
    encode(value, "ruby-json2.10")
    assert repr(value) == before


@settings(quickly, max_examples=600)
@given(
    text=st.binary(max_size=40)
    | st.text('[]{}",:0123456789.eE+-\\utrfnNaI /*\t\x00', max_size=30).map(str.encode)
)
def test_reading_random_bytes_raises_nothing_else(text):
    """Whatever the bytes, there is a value or MalformedPayload, and json.loads agrees on each value."""
    try:
        value = decode(text)
    except MalformedPayload:
        return
    assert repr(value) == repr(json.loads(text))


@settings(quickly, max_examples=600)
@given(
    value=JSON_VALUES,
    at=st.integers(0, 10_000),
    cut=st.integers(0, 3),
    put=st.binary(max_size=3)
    | st.sampled_from([b"NaN", b"1e999", b"\\ud800", b"[", b"}", b"/**/", b"\xef\xbb\xbf"]),
)
def test_reading_damaged_json_raises_nothing_else(value, at, cut, put):
    """Good JSON with a few bytes cut out and others put in is a value or MalformedPayload."""
    text = encode(value)
    at %= len(text) + 1
    damaged = text[:at] + put + text[at + cut :]
    try:
        read = decode(damaged)
    except MalformedPayload:
        return
    assert repr(read) == repr(json.loads(damaged))


class Level(enum.IntEnum):
    HIGH = 3


class Colour(enum.StrEnum):
    RED = "red"


class Mixed(str, enum.Enum):  # noqa: UP042  StrEnum has another __str__
    A = "a"


class Loud(str):
    def __str__(self):
        return "LOUD"


class Metres(float):
    def __repr__(self):
        return "metres"


class Big(int):
    def __repr__(self):
        return "big"


Point = namedtuple("Point", "x y")


def test_subclasses_are_written_by_their_plain_value():
    """Enums, named tuples, ordered dicts and other subclasses come out as what they inherit from."""
    ordered = OrderedDict(a=1, b=2)
    ordered.move_to_end("a")
    value = [
        Level.HIGH,
        Colour.RED,
        Mixed.A,
        Loud("soft"),
        Metres(1.5),
        Metres(2),
        Big(7),
        Point(1, (2,)),
        ordered,
    ]
    assert encode(value) == b'[3,"red","a","soft",1.5,2.0,7,[1,[2]],{"b":2,"a":1}]'
    assert (
        encode({Colour.RED: {Mixed.A: Level.HIGH}, "x": 1e23}) == b'{"red":{"a":3},"x":9.999999999999999e+22}'
    )
    assert encode(Colour.RED) == b'"red"'
    assert encode(True) == b"true"


class Odd(str):
    __slots__ = ()

    def __eq__(self, other):
        return self is other

    __hash__ = object.__hash__


CYCLE: list = []
CYCLE.append(CYCLE)

REFUSED = [
    # (value, where the message must begin, what it must say)
    (math.nan, "the value is NaN", "None"),
    ({"args": [{"a": math.nan}]}, 'args[0]["a"] is NaN', "None"),
    ({"args": [1, -math.inf]}, "args[1] is infinite", "None"),
    ([[], [math.inf]], "value[1][0] is infinite", "str"),
    ({"a b": [math.nan]}, 'value["a b"][0] is NaN', "None"),
    ({"args": [{'say "hi"': b""}]}, r'args[0]["say \"hi\""] is of type bytes', "base64"),
    ({"args": (b"x",)}, "args[0] is of type bytes", "decode it to a str"),
    (bytearray(b"x"), "the value is of type bytearray", "base64"),
    ({"args": [datetime.datetime(2024, 1, 1)]}, "args[0] is of type datetime", "isoformat()"),
    (datetime.date(2024, 1, 1), "the value is of type date", "isoformat()"),
    (datetime.timedelta(1), "the value is of type timedelta", "total_seconds()"),
    ({"args": [decimal.Decimal(1)]}, "args[0] is of type Decimal", "pass a str or a float"),
    ({"args": [{1, 2}]}, "args[0] is of type set", "pass a list"),
    ([frozenset()], "value[0] is of type frozenset", "pass a list"),
    ([enum.Enum("E", "A").A], "value[0] is of type E", "pass its value"),  # type: ignore[attr-defined]
    ([1j], "value[0] is of type complex", "a number"),
    ([object()], "value[0] is of type object", "a dict"),
    ([types.MappingProxyType({})], "value[0] is of type mappingproxy", "a dict"),
    ({1: 2}, "the value has a key of type int", "str"),
    ({"args": [{None: 1}]}, "args[0] has a key of type NoneType", "str"),
    ({"args": [{b"k": 1}]}, "args[0] has a key of type bytes", "str"),
    ({Odd("k"): 1, Odd("k"): 2}, 'the value has two keys with the text "k"', "drop one"),
    ({"args": ["ok", "\ud800"]}, "args[1] holds a lone surrogate", "replace"),
    ({"args": [1.1, {"a": ("\udfff",)}]}, 'args[1]["a"][0] holds a lone surrogate', "replace"),
    ({"args": [{"k\udc00": 1}]}, "args[0] has a key with a lone surrogate", "replace"),
    ({"args": [{"k\udc00": math.nan}]}, r'args[0]["k\udc00"] is NaN', "None"),
    ("\ud83d", "the value holds a lone surrogate", "replace"),
    ({"args": [10**4300]}, "args[0] is an integer of more than 4300 digits", "str"),
    (-(10**4300), "the value is an integer of more than 4300 digits", "str"),
    (CYCLE, "value[0][0][0][0][0][0]... is nested too deep", "100 levels"),
]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("value", "start", "said"), REFUSED, ids=[start for _, start, _ in REFUSED])
def test_a_refusal_says_where_and_what_to_do(style, value, start, said):
    """The message begins with the place, says what is wrong and what to do, in one printable line."""
    with pytest.raises(Unencodable) as caught:
        encode(value, style)
    message = str(caught.value)
    assert message.startswith(start)
    assert said in message
    assert message.isprintable()
    assert len(message) < 250


def test_an_unknown_style_is_refused():
    """A style that does not exist is a mistake of the program, and the message lists those there are."""
    with pytest.raises(ValueError, match="must be one of ruby, ruby-json2"):
        encode(1, "oj")


def nested(levels, inside):
    value = inside
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("limit", [1, 50, 99, 100])
def test_the_depth_limit_of_writing(limit):
    """`max_depth` levels are written and one more, even an empty one, is refused."""
    assert encode(nested(limit, 1), max_depth=limit).startswith(b"[" * limit)
    for deeper in (nested(limit, {}), nested(limit, []), nested(limit, [1])):
        with pytest.raises(Unencodable, match="too deep"):
            encode(deeper, max_depth=limit)
    assert encode(1, max_depth=0) == b"1"


@pytest.mark.parametrize(
    ("text", "max_depth", "fine"),
    [
        (b"[" * 100 + b"1" + b"]" * 100, None, True),
        (b"[" * 101 + b"]" * 101, None, True),
        (b"[" * 100 + b"{ \n}" + b"]" * 100, None, True),
        (b"[" * 100 + b'{},[],"[",{}' + b"]" * 100, None, True),
        (b"[" * 101 + b"1" + b"]" * 101, None, False),
        (b"[" * 100 + b'["a"]' + b"]" * 100, None, False),
        (b"[" * 100 + b"[[]]" + b"]" * 100, None, False),
        (b'{"a":' * 101 + b"1" + b"}" * 101, None, False),
        (b"[" * 101 + b"1" + b"]" * 101, 1000, False),
        (b"[" * 99 + b"]" * 99, 99, True),
        (b"[" * 100 + b"]" * 100, 99, False),
        (b"[" * 101 + b"]" * 101, 100, False),
        (b"[1]", 0, False),
        (b"1", 0, True),
        (b"[" + b"[],{}," * 200 + b"[]]", 2, True),
        (b"[" + b'"[\\"[",' * 200 + b"1]", None, True),
        (b"[" + b'"\\\\",' * 200 + b"1]", 1, True),
    ],
)
def test_the_depth_limit_of_reading(text, max_depth, fine):
    """100 levels, and an empty one more, are read; `max_depth` lowers that; brackets in texts count not."""
    if fine:
        assert decode(text, max_depth) == json.loads(text)
    else:
        with pytest.raises(MalformedPayload, match="deeper than"):
            decode(text, max_depth)


@pytest.mark.parametrize(
    "text",
    [b"[" * 100_000, b'{"a":' * 100_000, b'"\\"' * 100_000 + b"[" * 200, b'["' * 100_000, b"]" * 100_000],
    ids=["lists", "maps", "quotes", "open texts", "closed"],
)
def test_hostile_texts_are_refused_at_once(text):
    """A hundred thousand brackets or quotes neither exhaust the stack nor take long."""
    with pytest.raises(MalformedPayload):
        decode(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "the text is empty"),
        (b" \n", "the text is empty"),
        (b"[1", "not JSON"),
        (b"NaN", "not JSON"),
        (b'["\xff"]', "not UTF-8"),
        (b"[" + b"9" * 4301 + b"]", "4300 digits"),
        (b"[1e400," + b"9" * 4301 + b"]", "4300 digits"),
        (b"[1e400,]", "not JSON"),
        (b'[1e400,"\xff"]', "not UTF-8"),
        (b"[1e400,NaN]", "not JSON"),
    ],
)
def test_a_malformed_text_has_a_reason(text, reason):
    """The message says shortly why, and quotes nothing of the text."""
    with pytest.raises(MalformedPayload, match=reason):
        decode(text)


def test_numbers_beyond_floats_are_infinite():
    """1e400 is inf as in Ruby, wherever it stands, and the numbers beside it keep their values."""
    assert decode(b"[1e400,-1e400,1.5,2,-0.0]") == [math.inf, -math.inf, 1.5, 2, -0.0]
    assert decode(b'{"a":' + b"9" * 400 + b".0}") == {"a": math.inf}


@pytest.mark.parametrize("style", ["ruby", "ruby-json2.10", "rails", "rails-json2.10"])
def test_numbers_beyond_floats_are_written_as_they_were_read(style):
    """Also copies of them; what was calculated with them is refused as any infinite number is."""
    text = b'{"a":[1E400,-1e999,1.5],"b":' + b"9" * 400 + b".0}"
    value = decode(text)
    for same_value in (value, copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert encode(same_value, style) == text
    assert narrowed(value) == {"a": [math.inf, -math.inf, 1.5], "b": math.inf}
    assert narrowed(value["a"][2:]) == [1.5]
    for number in (narrowed(value)["b"], value["b"] + 1):
        with pytest.raises(Unencodable, match="is infinite"):
            encode([number], style)


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        (1, 1, True),
        (1, 1.0, False),
        (1, True, False),
        (1.0, True, False),
        (0, False, False),
        (None, False, False),
        (0.0, -0.0, True),
        (0.1, 0.1, True),
        (math.inf, math.inf, True),
        ("a", "a", True),
        ("é", "e\u0301", False),
        ("1", 1, False),
        ({"a": 1, "b": [2]}, {"b": [2], "a": 1}, True),
        ({"a": 1}, {"a": 1.0}, False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": None}, {"b": None}, False),
        ([1, 2], [2, 1], False),
        ([1], [1, 2], False),
        ([True], [1], False),
        ([1], (1,), True),
        ([], {}, False),
        ([], None, False),
        ([[{"a": [0]}]], [[{"a": [False]}]], False),
    ],
)
def test_same_is_equality_as_a_human_means_it(a, b, equal):
    """Types count, order of keys and the sign of zero do not, at any depth and in both directions."""
    assert same(a, b) is equal
    assert same(b, a) is equal
