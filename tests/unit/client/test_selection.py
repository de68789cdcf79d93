"""The questions of a selection: names, moments, texts, groups and pages."""

import fnmatch
import json
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyresque.client import selection
from pyresque.client.selection import (
    OTHERS,
    Pattern,
    Tally,
    Window,
    by_class,
    checked_text,
    chosen,
    has_text,
    hour_of,
    ids_of,
    in_groups,
    page_of,
    told,
)
from pyresque.errors import InvalidSelection, InvalidTime, ResqueError

NAMES = st.text("AZaz09:_-.[]!*?\n\u00fc(|)+\\ ")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(NAMES)
def test_a_name_means_itself(name):
    """Whatever characters it holds, those of regular expressions too."""
    assert Pattern("x", name)(name)
    assert Pattern("x", [name, "another"])(name)
    assert not Pattern("x", name)(None)


@given(st.text("ab:*?"), st.text("ab:"))
def test_stars_and_question_marks_mean_what_they_mean_in_file_names(glob, name):
    """`*` any text, `?` one character; colons at the beginning do not count."""
    plain = [one.removeprefix("::") for one in (glob, name)]
    expected = fnmatch.fnmatchcase(plain[1], plain[0]) or plain[0] == plain[1]
    assert Pattern("x", glob)(name) == expected


def test_several_names_and_none():
    either = Pattern("x", ["Reports::*", "Mail"])
    assert [
        name for name in ("Reports::Daily", "Mail", "::Mail", "Mailer", "reports::a") if either(name)
    ] == [
        "Reports::Daily",
        "Mail",
        "::Mail",
    ]
    assert Pattern("x", None)(None)
    assert Pattern("x", None)("A")
    assert not Pattern("x", [])("A")
    assert not Pattern("x", [])(None)


def test_a_name_may_be_a_member_of_an_enum():
    class Q(StrEnum):
        MAIL = "mail"

    assert Pattern("queue", Q.MAIL)("mail")
    assert Pattern("queue", [Q.MAIL])("mail")


@pytest.mark.parametrize("wrong", [42, b"A", ["A", None], object()])
def test_what_is_not_a_name_is_refused(wrong):
    for ask in (lambda: Pattern("class_name", wrong), lambda: ids_of(wrong)):
        with pytest.raises(InvalidSelection, match="is not a text"):
            ask()
    assert issubclass(InvalidSelection, ResqueError)


def test_a_window_includes_its_ends():
    window = Window(100, 200, ago=True)
    assert [at for at in (99.9, 100, 150.5, 200, 200.1, None) if window(at)] == [100, 150.5, 200]
    everything = Window(None, None, ago=True)
    assert everything(None)
    assert everything(0.0)
    assert Window(None, 200, ago=True)(-1)


def test_lengths_of_time_are_ago_or_to_come():
    now = time.time()
    assert Window(timedelta(hours=1), None, ago=True)(now - 3500)
    assert not Window(timedelta(hours=1), None, ago=True)(now - 3700)
    assert Window(None, timedelta(hours=1), ago=False)(now + 3500)
    assert not Window(None, timedelta(hours=1), ago=False)(now + 3700)
    assert Window(datetime(2026, 1, 1, tzinfo=UTC), None, ago=True)(1767225600)


@pytest.mark.parametrize("wrong", ["yesterday", datetime(2026, 1, 1), float("nan"), True])
def test_what_is_not_a_moment_is_refused(wrong):
    with pytest.raises(InvalidTime):
        Window(wrong, None, ago=True)


@given(JSON, st.booleans(), st.data())
def test_every_text_of_an_element_is_found(value, escaped, data):
    """However its writer has escaped it."""
    raw = json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    texts = []
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, str):
            texts.append(item)
        elif isinstance(item, list):
            left += item
        elif isinstance(item, dict):
            left += [*item, *item.values()]
    for text in texts:
        first = data.draw(st.integers(0, len(text)))
        last = data.draw(st.integers(first, len(text)))
        assert has_text(text[first:last], raw, value)
    assert not has_text("\ue000 is in none", raw, value) or "\ue000" in "".join(texts)


def test_a_text_is_found_in_bytes_that_are_not_json():
    assert has_text("not js", b"not json \xff", {})
    assert not has_text("other", b"not json \xff", {})
    assert checked_text(None) == ""
    with pytest.raises(InvalidSelection):
        checked_text(5)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.none() | st.floats(0, 1e9))))
def test_groups_count_everything_once(items):
    """The largest first, each with its first and last moments and the last of its elements."""
    groups = in_groups(items, lambda item: item[0], lambda item: item[1])
    assert {group.key: group.count for group in groups} == Counter(key for key, _ in items)
    assert [group.count for group in groups] == sorted((group.count for group in groups), reverse=True)
    for group in groups:
        moments = [at for key, at in items if key == group.key and at is not None]
        assert (group.first, group.last) == ((min(moments), max(moments)) if moments else (None, None))
        assert group.example == [item for item in items if item[0] == group.key][-1]
    assert by_class(key for key, _ in items) == Counter(key for key, _ in items)


def test_the_number_of_groups_is_bounded(monkeypatch):
    monkeypatch.setattr(selection, "MOST_GROUPS", 3)
    items = [str(n % 5) for n in range(100)]
    groups = in_groups(items, lambda item: item, lambda item: None)
    assert {group.key: group.count for group in groups} == {"0": 20, "1": 20, "2": 20, OTHERS: 40}
    assert by_class(items) == {OTHERS: 40, "0": 20, "1": 20, "2": 20}


def test_hours_are_those_of_utc():
    assert hour_of(1795457254) == "2026-11-23T18:00:00Z"
    assert hour_of(None) == hour_of(1e30) == ""


def test_pages():
    assert page_of(range(10), 1, 4) == [0, 1, 2, 3]
    assert page_of(range(10), 3, 4) == [8, 9]
    assert page_of(range(10), 4, 4) == []
    for number, size in ((0, 1), (1, 0), (-1, 5), (1.5, 5), (True, 5)):
        with pytest.raises(InvalidSelection, match="must be 1 or more"):
            page_of(range(10), number, size)
    with pytest.raises(InvalidSelection, match="it must be one of a, b"):
        chosen("things", "c", {"a": 1, "b": 2})


def test_a_tally_tells_of_its_progress():
    """Now and then, and at the end, with what was dealt with in all."""
    told = []
    tally = Tally(told.append, every=10)
    for n in range(25):
        tally.done("A") if n % 5 else tally.skip("why")
    result = tally.result()
    assert told == [10, 20, 25]
    assert (result.done, result.skipped, result.by_class, result.left_alone) == (20, {"why": 5}, {"A": 20}, 5)
    assert Tally(told.append).result().done == 0
    assert told == [10, 20, 25]


def test_what_is_read_is_told_now_and_then():
    """Every so many elements, and none of them is lost on the way."""
    seen = []
    assert [*told(range(7), seen.append, every=3)] == [*range(7)]
    assert seen == [3, 6]
    assert [*told(range(7), None)] == [*range(7)]
