"""What templates do to values: none of it raises, and no secret comes out."""

import time

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from pyresque.web import filters
from pyresque.web.secrets import Secrets

THIN = "\N{NARROW NO-BREAK SPACE}"
DASH = "\N{EN DASH}"


@pytest.fixture(autouse=True, scope="module")
def app():
    app = Flask(__name__)
    app.extensions["pyresque_secrets"] = Secrets()
    with app.app_context():
        yield app


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""), (0, "0 s"), (59.9, "59 s"), (90, "1 min"), (3_600, "60 min"), (7_200, "2 h"),
        (86_400 * 2, "2 d"), (86_400 * 5_000, f"5{THIN}000 d"),
    ],
)  # fmt: skip
def test_a_length_of_time(seconds, text):
    assert filters.span(seconds) == text


def test_a_moment_is_seen_from_now():
    assert filters.ago(None) == DASH
    assert ">2 h ago</time>" in filters.ago(time.time() - 7_205)
    assert ">in 2 h</time>" in filters.ago(time.time() + 7_205)
    assert 'title="1970-01-01T00:00:00Z"' in filters.ago(0)
    assert filters.ago(1e300) == "1e+300"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, DASH),
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 KB"),
        (5_600_000, "5.6 MB"),
        (10**18, "1000000.0 TB"),
    ],
)
def test_a_number_of_bytes(value, text):
    assert filters.size(value) == text


@pytest.mark.parametrize(("value", "text"), [(1_234_567, f"1{THIN}234{THIN}567"), ("x", "x"), (1.5, "1.5")])
def test_a_number(value, text):
    assert filters.number(value) == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


@given(JSON, st.integers(1, 200))
def test_arguments_are_one_line_of_bounded_length(value, most):
    assert len(filters.arguments(value, most)) <= most
    assert len(filters.cut(value, most)) <= most


@given(JSON)
def test_a_value_of_a_secret_name_is_not_shown(value):
    secret = "hunter2-7c1f"
    for text in (
        filters.arguments([{"password": secret, "x": value}]),
        filters.pretty({"api_key": secret, "x": value}),
    ):
        assert secret not in text


@given(st.text(st.characters()))
def test_what_goes_into_a_page_is_utf_8(text):
    filters.writable(text).encode("utf-8")


def test_other_values_go_as_they_are():
    assert (filters.writable(5), filters.writable("\udcff"), filters.writable("ä")) == (5, "\\xff", "ä")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("no worker", "No worker"), ("pyresque scheduler", "pyresque scheduler"), ("", ""), ("ß", "SS")],
)
def test_a_sentence_begins_with_a_capital_but_not_a_command(text, shown):
    assert filters.sentence(text) == shown
