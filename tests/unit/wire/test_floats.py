"""The two float notations of Ruby, against recorded texts and by their laws."""

import json
import math
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyresque.wire.floats import style_a, style_b15

VECTORS = Path(__file__).parents[3] / "docs/protocol/conformance/vectors/json.json"
FINITE = st.floats(allow_nan=False, allow_infinity=False)
DECIMALS = st.decimals(-10_000, 10_000, places=6).map(float)
ANY_BITS = st.binary(min_size=8, max_size=8).map(lambda b: struct.unpack("<d", b)[0]).filter(math.isfinite)
STYLES = {"ruby": style_b15, "ruby-json2.10": style_a}

SIDE_BY_SIDE = [
    # (value, style A, style B15), from the tables and the text of docs/protocol/json.md#floats
    (1e8, "100000000.0", "100000000.0"),
    (1e14, "100000000000000.0", "100000000000000.0"),
    (1e15, "1.0e+15", "1e+15"),
    (2.0**53, "9.007199254740992e+15", "9.007199254740992e+15"),
    (1e16, "1.0e+16", "1e+16"),
    (1e22, "1.0e+22", "1e+22"),
    (1e23, "1.0e+23", "9.999999999999999e+22"),
    (7e22, "7.0e+22", "7.0000000000000004e+22"),
    (1234567890123456.75, "1234567890123456.8", "1234567890123456.7"),
    (1e-4, "0.0001", "0.0001"),
    (1e-5, "1.0e-05", "0.00001"),
    (1e-9, "1.0e-09", "0.000000001"),
    (1e-10, "1.0e-10", "1e-10"),
    (0.000649, "0.000649", "0.0006489999999999999"),
    (-138.2473174, "-138.2473174", "-138.24731739999999"),
    (0.0, "0.0", "0.0"),
    (-0.0, "-0.0", "-0.0"),
    (5e-324, "5.0e-324", "5e-324"),
]


@pytest.mark.parametrize(("value", "a", "b15"), SIDE_BY_SIDE)
def test_the_notations_of_the_specification(value, a, b15):
    """Each float of docs/protocol/json.md#floats is written as the tables there say, in both notations."""
    assert style_a(value) == a
    assert style_b15(value) == b15


@pytest.mark.parametrize("style", STYLES)
def test_every_recorded_single_float(style):
    """Every recorded list of one finite float has our text between its brackets."""
    data = json.loads(VECTORS.read_text(encoding="utf-8"))
    setup, checked = data["styles"][style], 0
    for entry in data["encode"]:
        value = entry["value"]
        if value["t"] != "arr" or len(value["v"]) != 1 or "hex" not in value["v"][0]:
            continue
        if value["v"][0]["t"] != "float":
            continue
        recorded = entry.get("differs", {}).get(setup, entry)["bytes"]
        assert f"[{STYLES[style](float.fromhex(value['v'][0]['hex']))}]" == recorded, entry["id"]
        checked += 1
    assert checked > 100


@settings(deadline=None, derandomize=True, database=None, max_examples=500)
@given(FINITE | DECIMALS | ANY_BITS)
def test_both_notations_read_back_to_the_same_float(x):
    """Python reads the same float, sign of zero included, out of either notation."""
    for style in STYLES.values():
        assert struct.pack("<d", float(style(x))) == struct.pack("<d", x)


@settings(deadline=None, derandomize=True, database=None, max_examples=500)
@given(FINITE | DECIMALS | ANY_BITS)
def test_a_sign_changes_nothing_but_itself(x):
    """A negative float is written as a minus and its absolute value."""
    for style in STYLES.values():
        assert style(-abs(x)) == "-" + style(abs(x))


def test_powers_of_two():
    """Powers of two, whose lower neighbour is nearer than the upper one, read back as themselves."""
    for exponent in range(-1074, 1024):
        x = 2.0**exponent
        assert float(style_a(x)) == x
        assert float(style_b15(x)) == x
