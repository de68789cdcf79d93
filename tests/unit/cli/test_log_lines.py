"""How a log line looks: no value breaks it, steers a terminal or makes two lines of one."""

import json
import logging
import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyresque.cli.log_lines import Fields, Lines, Silent, message_of
from pyresque.log import FIELDS


def record(message="done", *values, level=logging.INFO, name="pyresque.worker", **more):
    made = logging.LogRecord(name, level, __file__, 1, message, values, None)
    made.created = 1_000_000_000.25
    for key, value in more.items():
        setattr(made, key, value)
    return made


@pytest.mark.parametrize(
    ("verbosity", "level", "pattern"),
    [
        (0, logging.INFO, r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d INFO \d+: done"),
        (1, logging.INFO, r"\*\*\* done"),
        (2, logging.INFO, r"\*\* \[\d\d:\d\d:\d\d \d{4}-\d\d-\d\d\] \d+: done"),
        (1, logging.WARNING, r"\d{4}-.* WARNING \d+: done"),
    ],
)
def test_with_v_lines_below_a_warning_look_as_rubys(verbosity, level, pattern):
    assert re.fullmatch(pattern, Lines(verbosity).format(record(level=level)))


def test_lines_of_the_application_tell_who_says_them_and_may_be_several():
    assert Lines(1).format(record("a\nb", name="app")) == "*** app: a\nb"
    assert "\n" not in Lines(1).format(record("a\nb"))


@given(st.text())
def test_nothing_steers_a_terminal(text):
    for form in (Lines(), Lines(1), Fields("json"), Fields("logfmt")):
        line = form.format(record("%s", text, **{FIELDS: {"note": text}}))
        assert not {unicodedata.category(character) for character in line} & {"Cc", "Zl", "Zp"}


@given(st.text(), st.none() | st.integers() | st.lists(st.text()))
def test_a_line_of_json_is_one_object(text, value):
    line = json.loads(Fields("json").format(record("%s", text, **{FIELDS: {"note": value}})))
    assert (line["message"], line["note"], line["severity"]) == (text, value, "INFO")
    assert line["timestamp"] == "2001-09-09T01:46:40.250+00:00"


def test_words_with_names_are_one_line():
    line = Fields("logfmt").format(record('say "hi"', **{FIELDS: {"queues": ["a", "b"]}}))
    assert r'message="say \"hi\""' in line
    assert 'queues="a; b"' in line


def test_a_traceback_follows_the_line_or_is_a_field():
    try:
        raise ValueError("broken")
    except ValueError:
        failed = record("failed", exc_info=sys.exc_info())
    assert "ValueError: broken" in Lines().format(failed).splitlines()[-1]
    assert "ValueError: broken" in json.loads(Fields("json").format(failed))["exception"]


class Bad:
    def __str__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("message", "values"), [("%d", ("x",)), ("%s %s", (1,)), ("%s", (Bad(),)), (Bad(), ())]
)
def test_a_message_that_cannot_be_made_is_shown_without_its_values(message, values):
    assert "cannot be shown" in message_of(record(message, *values))


def test_a_handler_that_cannot_write_says_nothing(capsys):
    Silent().handleError(record())
    assert capsys.readouterr() == ("", "")
