"""Arguments as Python shows them in the log: as `repr` does, but never by a value's own code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyresque.wire.python_text import call_text, shown

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)


@given(JSON)
def test_plain_values_are_shown_as_by_repr(value):
    assert shown(value, 100_000) == repr(value)


@given(JSON, st.integers(1, 20))
def test_a_long_text_is_cut_and_says_so(value, most):
    text = repr(value)
    assert shown(value, most) == (text if len(text) <= most else f"{text[:most]}...")


class Loud:
    def __repr__(self):
        raise SystemExit("code of a value was run")

    __str__ = __repr__


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Loud(), "<Loud>"),
        ([Loud(), 1], "[<Loud>, 1]"),
        ({"a": Loud()}, "{'a': <Loud>}"),
        (1 << 10_000, "<int>"),
        ((1, 2), "[1, 2]"),
        ({"_aj_globalid": "gid://app/User/1"}, "'gid://app/User/1'"),
        ({"lang": "de", "_aj_symbol_keys": ["lang"]}, "{'lang': 'de'}"),
        ({"lang": "de", "_aj_ruby2_keywords": ["lang"]}, "{'lang': 'de'}"),
    ],
)
def test_other_values_are_shown_by_their_class_and_active_jobs_notes_left_out(value, text):
    assert shown(value, 1_000) == text


def test_what_never_ends_is_cut():
    endless = []
    endless.append(endless)
    assert shown(endless, 1_000).endswith("]" * 101)


@pytest.mark.parametrize(
    ("args", "text"),
    [(["Ada", 1], "Mail('Ada', 1)"), ([], "Mail()"), ({"a": 1}, "Mail({'a': 1})"), (None, "Mail(None)")],
)
def test_a_job_is_shown_as_a_call(args, text):
    assert call_text("Mail", args, 1_000) == text
