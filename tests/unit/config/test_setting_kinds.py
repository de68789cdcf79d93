"""What a setting may hold: a file and a variable say the same, and a wrong value is told what to be."""

from pathlib import Path

import pytest

from pyresque.config.options import Recover
from pyresque.config.setting_kinds import (
    Choice,
    File,
    LengthOfTime,
    Modules,
    Names,
    Number,
    Policy,
    Seconds,
    Switch,
    Text,
    Wrong,
)

RECOVER = Policy("fail or requeue", grammar=Recover.parse)
CHOICE = Choice(words=("a", "b"))


@pytest.mark.parametrize(
    ("kind", "value", "text", "held"),
    [
        (Text(), "x", "x", "x"),
        (Names(), ["a", "b,c"], "a, b ,c,", ["a", "b", "c"]),
        (Switch(), True, "Yes", True),
        (Switch(), False, "0", False),
        (Number(), 3, "3", 3),
        (Number(least=0), 0, "0", 0),
        (Seconds(), 0, "0", 0),
        (Seconds(above=True), 0.5, "0.5", 0.5),
        (LengthOfTime(), "10min", "10min", "10min"),
        (CHOICE, "b", "b", "b"),
        (RECOVER, "requeue=2", "requeue=2", "requeue=2"),
    ],
)
def test_a_file_and_a_variable_say_the_same(kind, value, text, held):
    assert kind.read(value) == held
    assert kind.parse(text) == held


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Text(), ""), (Text(), 1), (Text(), "a\0b"), (Text(), None),
        (Names(), [""]), (Names(), [1]), (Names(), {}), (Names(), " "),
        (Switch(), 1), (Switch(), "true"),
        (Number(), 0), (Number(), 1.5), (Number(), True), (Number(), "1"), (Number(), 10**9),
        (Seconds(), -1), (Seconds(), True), (Seconds(), float("nan")), (Seconds(), 1e9),
        (Seconds(above=True), 0),
        (LengthOfTime(), -1), (LengthOfTime(), True), (LengthOfTime(), ""),
        (CHOICE, "c"), (CHOICE, ["a"]), (RECOVER, "requeue=x"), (RECOVER, 1),
    ],
)  # fmt: skip
def test_a_wrong_value_of_a_file_is_told_what_to_be(kind, value):
    with pytest.raises(Wrong, match=f"^{kind.meant}"):
        kind.read(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Switch(), "ja"), (Switch(), ""), (Number(), ""), (Number(), "-1"), (Number(), "٣"),
        (Number(), "1.0"),
        (Number(), "9" * 5_000), (Seconds(), "x"), (Seconds(), "inf"), (Seconds(), "nan"), (CHOICE, ""),
    ],
)  # fmt: skip
def test_a_wrong_text_of_a_variable_is_refused(kind, text):
    with pytest.raises(Wrong):
        kind.parse(text)


def test_paths_of_a_file_begin_where_it_lies():
    folder = Path("/app")
    assert File().at("log/a.txt", folder) == "/app/log/a.txt"
    assert File().at("/log/a.txt", folder) == "/log/a.txt"
    assert Modules().at(["app.jobs", "jobs.py", "app/x"], folder) == [
        "app.jobs",
        "/app/jobs.py",
        "/app/app/x",
    ]
    assert Text().at("a/b", folder) == "a/b"
