"""Every: each recorded answer of Ruby's duration parser, and what is ours."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyresque.errors import InvalidSchedule
from pyresque.scheduler import Every

VECTORS = Path(__file__).parents[3] / "docs/protocol/conformance/vectors/every.json"
CASES = json.loads(VECTORS.read_text("utf-8"))["cases"]
ACCEPTED = [case for case in CASES if case["accepted"]]
REFUSED = [case for case in CASES if not case["accepted"]]


def names(cases):
    return [case["id"] for case in cases]


def test_the_vectors_are_all_there():
    assert (len(ACCEPTED), len(REFUSED)) == (100, 43)


@pytest.mark.parametrize("case", ACCEPTED, ids=names(ACCEPTED))
def test_what_ruby_accepts_has_the_same_seconds(case):
    every = Every(case["expr"])
    assert every.seconds == case["seconds"]


@pytest.mark.parametrize("case", ACCEPTED, ids=names(ACCEPTED))
def test_str_is_a_text_with_the_same_meaning(case):
    """What a persistent schedule may hold: a bare number ends a Ruby scheduler."""
    again = Every(str(Every(case["expr"])))
    assert again.seconds == case["seconds"]


@pytest.mark.parametrize("case", REFUSED, ids=names(REFUSED))
def test_what_ruby_refuses_is_refused_with_the_reason(case):
    reasons = {
        "not-a-duration": "is not a period",
        "not-positive": "must be more than 0 seconds",
        "faster-than-0.3s-tick": "less than 0.3 s",
        "hangs": "less than 0.3 s",
        "too-long": "longer than 256 characters",
        "absent": "every is empty",
        "not-a-string-or-number": "every is empty" if case["expr"] == [None] else "a text or a number",
    }
    with pytest.raises(InvalidSchedule, match=reasons[case["reason"]]):
        Every(case["expr"])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h-30m1h", -1800),
        ("2h-30m 1h", 9000),
        ("2d-1h30m", 167400),
        ("1h and", None),
        ("1h,", None),
        ("1dand2h", 93600),
        ("1 hour AND 5 minutes", 3900),
        ("5secs", 5),
        ("5ss", 5),
        ("2mins", 120),
        ("P1D1Y", 31622400),
        ("PT1H-30M", 1800),
        ("PT", None),
        ("P1.5D", None),
        ("1h 30\n", 3630),
        ("1\n2", None),
        ("- 5m", None),
        ("1h--5m", None),
    ],
)
def test_forms_compared_with_ruby_by_hand(text, seconds):
    """Answers of fugit, run for this test."""
    if seconds is not None and seconds > 0:
        assert Every(text).seconds == seconds
    else:
        with pytest.raises(InvalidSchedule):
            Every(text)


def test_options_come_from_a_list_of_two():
    assert Every(["1h", {"first_in": "5m"}]).options == {"first_in": "5m"}
    assert Every([60, {}]).options == {}
    assert Every("1h").options == Every(["1h", {"a": 1}, 2]).options == {}


ODD = [
    True, False, b"1h", [], [[]], [["1h"]], float("nan"), float("inf"), 10**5000, 10**400, {"1h": 1}, ("",),
]  # fmt: skip


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_whatever_yaml_or_json_can_hold_is_refused_with_our_error(value):
    with pytest.raises(InvalidSchedule, match=r"^every"):
        Every(value)


def test_a_number_becomes_a_text_that_ruby_reads():
    shown = [str(Every(value)) for value in (90, 90.0, 1.5, 1e16)]
    assert shown == ["90s", "90s", "1.5s", f"{10**16}s"]
    assert repr(Every(90)) == "Every('90s')"


def test_a_long_text_is_shortened_in_the_message():
    with pytest.raises(InvalidSchedule) as raised:
        Every("0s " * 80 + "0s")
    assert len(str(raised.value)) < 200


UNITS = {"y": 31536000, "M": 2592000, "w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}


@given(st.lists(st.tuples(st.integers(1, 999), st.sampled_from(sorted(UNITS))), min_size=1, max_size=9))
def test_parts_are_added_up(parts):
    text = "".join(f"{number}{unit}" for number, unit in parts)
    assert Every(text).seconds == sum(number * UNITS[unit] for number, unit in parts)


texts = st.text(st.sampled_from("0123456789.yMwdhmsPTand ,-+"), max_size=30)


@given(st.one_of(texts, st.floats(), st.integers()))
def test_any_value_is_refused_or_at_least_three_tenths_of_a_second(value):
    try:
        seconds = Every(value).seconds
    except InvalidSchedule:
        return
    assert seconds >= 0.3
