"""Values as Ruby shows them: recorded texts, then cycles, depth, lengths, and what JSON does not have."""

import math
import shutil
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyresque.errors import InvalidJob
from pyresque.wire.ruby_inspect import identity, inspect
from tests.hostile import BadText, Everything, Nothing, OfMeta, Says, raising

RUBY = shutil.which("ruby")
quickly = settings(deadline=None, derandomize=True, database=None, max_examples=200)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # recorded from Ruby 3.1, which differs from 3.3 in none of these
        (None, "nil"),
        (True, "true"),
        (False, "false"),
        (12, "12"),
        (2**70, "1180591620717411303424"),
        (1.0, "1.0"),
        (1e16, "1.0e+16"),
        (-0.0, "-0.0"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        ([], "[]"),
        ({}, "{}"),
        ([1, None], "[1, nil]"),
        ({"k": [1, None], "": {}}, '{"k"=>[1, nil], ""=>{}}'),
        ({"a\n": "b"}, '{"a\\n"=>"b"}'),
        ("", '""'),
        ('say "hi" \\', '"say \\"hi\\" \\\\"'),
        ("\a\b\t\n\v\f\r\x1b", r'"\a\b\t\n\v\f\r\e"'),
        ("\x00\x01\x0e\x1f\x7f", r'"\u0000\u0001\u000E\u001F\u007F"'),
        ("#{a} #$b #@c #d ##{ #", r'"\#{a} \#$b \#@c #d #\#{ #"'),
        ("é あ 😀 \u0300", '"é あ 😀 \u0300"'),
        ("\x80\x9f\u2028\u2029\uffff\U0010ffff", r'"\u0080\u009F\u2028\u2029\uFFFF\u{10FFFF}"'),
        ("\xa0\xad\u200b\ufeff\ue000", '"\xa0\xad\u200b\ufeff\ue000"'),
        ("it's", '"it\'s"'),
    ],
)
def test_inspect_writes_as_ruby_does(value, text):
    """`inspect` gives the text that Ruby's inspect gave for the same value."""
    assert inspect(value) == text


def test_inspect_escapes_next_line():
    """U+0085 is escaped, as Ruby does since the repair of its bug 16842 (not yet in 3.1)."""
    assert inspect("\x85") == r'"\u0085"'


def cyclic():
    """The values that Ruby was shown (below), with the same cycles."""
    one = [1]
    one.append(one)
    hash_ = {"a": 1}
    hash_["h"] = hash_
    both = [hash_]
    hash_["b"] = both
    own = {}
    own["k"] = [own, own]
    twice = [1]
    return {
        "[1, [...]]": one,
        '{"a"=>1, "h"=>{...}, "b"=>[{...}]}': hash_,
        '[{"a"=>1, "h"=>{...}, "b"=>[...]}]': both,
        '{"k"=>[{...}, {...}]}': own,
        "[[1], [1]]": [twice, twice],
    }


@pytest.mark.parametrize(("text", "value"), cyclic().items(), ids=list(cyclic()))
def test_cycles_are_shown_as_ruby_shows_them(text, value):
    """What stands in itself is `[...]` or `{...}`; what stands twice beside itself is shown twice."""
    assert inspect(value) == text


@pytest.mark.skipif(RUBY is None, reason="there is no Ruby on this machine")
def test_ruby_shows_the_same():
    """The texts above come from this."""
    code = (
        "a=[1]; a<<a; p a; h={'a'=>1}; h['h']=h; b=[h]; h['b']=b; p h; p b; "
        "k={}; k['k']=[k,k]; p k; s=[1]; p [s,s]"
    )
    said = subprocess.run([RUBY, "-e", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.replace(" => ", "=>") for line in said] == list(cyclic())


@pytest.mark.parametrize("levels", [5_000, 200_000])
def test_no_depth_is_too_deep(levels):
    """Ruby shows 5,000 levels and ends at some 12,000; the texts of ours are whole, or end where they may."""
    value = []
    for _ in range(levels - 1):
        value = [value]
    assert inspect(value) == "[" * levels + "]" * levels
    assert inspect(value, 1_500) == "[" * 1_500 + "..."
    while value:  # Python's own way to free it would take as many calls
        value = value[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def naive(value):
    """The same by recursion."""
    if isinstance(value, list):
        return f"[{', '.join(map(naive, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{naive(key)}=>{naive(item)}" for key, item in value.items()) + "}"
    return inspect(value)


@quickly
@given(JSON, st.integers(0, 60))
def test_any_json(value, most):
    """The text is that of its parts; cut, it is the beginning of it."""
    whole = naive(value)
    assert inspect(value) == inspect(value, len(whole)) == whole
    assert inspect(value, most) == (whole if len(whole) <= most else whole[:most] + "...")


class Dict(dict):
    items = keys = __iter__ = __len__ = __getitem__ = raising(SystemExit())


class List(list):
    __iter__ = __len__ = __getitem__ = raising(SystemExit())


class Float(float):
    __repr__ = __str__ = __float__ = __eq__ = raising(SystemExit())


class Int(int):
    __repr__ = __str__ = __index__ = __eq__ = raising(SystemExit())


STRANGE = {
    "#<Says>": Says(raising(SystemExit())), "#<Everything>": Everything(), "#<Nothing>": Nothing(),
    "#<OfMeta>": OfMeta("x"), "#<Meta>": OfMeta, "#<bytes>": b"x", "#<set>": {1}, '"bad"': BadText("bad"),
    '{1=>"a"}': Dict({1: "a"}), "[1, nil]": List([1, None]), "1.5": Float(1.5), "7": Int(7), "[1]": (1,),
    "#<Integer of 13289 bits>": 1 << 13288, "{[1]=>2}": {(1,): 2},
}  # fmt: skip


@pytest.mark.parametrize("text", STRANGE)
def test_what_json_does_not_have_is_shown_by_its_class(text):
    """As in Ruby; no code of the value is run."""
    value = STRANGE[text]
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(2000)
    try:
        assert inspect([value]) == f"[{text}]"
    finally:
        sys.set_int_max_str_digits(limit)


def test_a_cut_costs_no_more_than_what_is_shown():
    """Of what is shared it would be 2 to the power of 60 members, of a text a gigabyte."""
    value = ["x" * 10**7]
    for _ in range(60):
        value = [value, value]
    assert len(inspect(value, 1_000)) == 1_003


# --- identity --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # recorded from Ruby 3.1: ["r", value].compact.join(":"), without its "r:"
        (42, "42"), ("", ""), ({"a": [1, None]}, '{"a"=>[1, nil]}'), (False, "false"), (1e20, "1.0e+20"),
        ([None, 1], ":1"), ([1, None, [2, {"a": None}]], '1::2:{"a"=>nil}'), ([], ""), (True, "true"),
        (None, ""), ("a b", "a b"), ("ü\ud800", "ü?"),
    ],
)  # fmt: skip
def test_what_tells_jobs_apart(value, text):
    """The text that Ruby makes of it in the name of a key."""
    assert identity(value) == text
    assert identity(BadText("bad")) == "bad"


@pytest.mark.parametrize(
    "make", [object, lambda: b"x", lambda: {1}, Everything, Nothing, lambda: OfMeta, lambda: [object()],
             lambda: "x" * 200_000],
)  # fmt: skip
def test_what_tells_nothing_apart(make):
    """What is another text each time in Ruby, or too long a one."""
    with pytest.raises(InvalidJob, match="identify gave"):
        identity(make())


def test_a_list_in_itself_tells_nothing_apart():
    """In Ruby: recursive array join."""
    one = []
    one.append([one])
    with pytest.raises(InvalidJob, match="holds itself"):
        identity(one)
