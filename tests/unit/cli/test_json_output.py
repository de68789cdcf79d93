"""The one JSON form of all commands, and the schema that describes it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from pyresque.cli.json_output import job_document, json_line, number_of, time_of, timestamp
from pyresque.wire.encoding import decode
from pyresque.wire.records import JOB_WRAPPER
from tests.json_schema import ROOT, SCHEMA, commands_with_json, faults

DOCUMENT = (ROOT / "docs/json-output.md").read_text("utf-8")


def test_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A document is one line of ASCII that reads back as it was."""
    value = {"a": ["ü\n\x1b\x9b\u202e", 10**30, 1.5, None]}
    json_line(value)
    out = capsys.readouterr().out
    assert out.isascii()
    assert out.count("\n") == 1
    assert json.loads(out) == value


def test_a_number_beyond_floats_is_printed_as_json_has_it(capsys):
    """Not as `Infinity`, which no reader of JSON takes; the other escapes are the same."""
    json_line({"args": decode(b'[1E400,"\xc3\xbc \xf0\x9f\x92\xa5"]')})
    assert capsys.readouterr().out == '{"args":[1E400,"\\u00fc \\ud83d\\udca5"]}\n'


def test_dates_of_yaml_are_printed_as_times(capsys):
    """A schedule may hold dates, which JSON does not have."""
    json_line([datetime(2026, 11, 30, 17, 45, tzinfo=UTC), date(2026, 11, 30)])
    assert capsys.readouterr().out == '["2026-11-30T17:45:00Z", "2026-11-30"]\n'


@pytest.mark.parametrize(
    ("epoch", "text"),
    [
        (1796060700, "2026-11-30T17:45:00Z"),
        (1796060700.9, "2026-11-30T17:45:00Z"),
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59Z"),
        (1800000000000, None),
        (float("inf"), None),
        (float("nan"), None),
        (None, None),
    ],
)
def test_timestamp(epoch, text):
    """Whole seconds in UTC, with a year of four digits; null where no calendar reaches it."""
    assert timestamp(epoch) == text


@pytest.mark.parametrize(
    "text",
    [
        "2026/11/30 17:45:00 UTC", "2026/11/30 12:45:00 EST", "2026/11/30 18:45:00 CET",
        "2026-11-30T17:45:00Z", "2026-11-30T18:45:00+01:00", "2026-11-30 18:45:00 +0100",
    ],
)  # fmt: skip
def test_time_of(text):
    """The forms of time that are stored in Redis become the one form."""
    assert time_of(text) == "2026-11-30T17:45:00Z"


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", None, 1796060700, ["2026-11-30"]])
def test_what_is_not_a_time_is_null(text):
    """Whatever a foreign program wrote, the field is a time or null."""
    assert time_of(text) is None


def test_number_of():
    """A process id is a number; what is none is null."""
    assert [number_of(text) for text in ("4711", "", "x", "-1", "٣", None)] == [4711, *[None] * 5]


def test_job_document():
    """Class and arguments are those of the job, of an Active Job the inner ones."""
    inner = {"job_class": "Mail", "arguments": [1]}
    wrapped = {"class": JOB_WRAPPER, "args": [inner]}
    assert job_document(wrapped) == {"class": "Mail", "args": [1], "payload": wrapped}
    assert job_document({"class": "Pay", "args": [2]}) == {
        "class": "Pay", "args": [2], "payload": {"class": "Pay", "args": [2]},
    }  # fmt: skip
    assert job_document(None) == {"class": None, "args": None, "payload": None}


def test_every_command_with_json_is_described():
    """In the schema, and in the document for people."""
    assert set(SCHEMA["x-commands"]) == commands_with_json()
    assert [name for name in SCHEMA["x-commands"] if f"`{name}`" not in DOCUMENT] == []


def test_every_field_is_described():
    """In docs/json-output.md, by its name."""
    fields = {
        field for kind in SCHEMA["$defs"].values() for field in kind.get("properties", {})
    }  # fmt: skip
    assert [field for field in sorted(fields) if f"`{field}`" not in DOCUMENT] == []


def test_times_have_one_form():
    """The schema takes no other."""
    time = {"$ref": "#/$defs/time"}
    assert list(faults("2026-11-30T17:45:00Z", time)) == []
    for text in ("2026-11-30 17:45:00 +0000", "2026-11-30T17:45:00+00:00", "2026-11-30T17:45:00.5Z", 5):
        assert list(faults(text, time))


@pytest.mark.parametrize(
    "wrong",
    [
        {"queue": "x", "size": 1},
        {"queue": "x", "size": "1", "oldest_age": 1.5, "paused": False},
        {"queue": "x", "size": True, "oldest_age": 1.5, "paused": False},
        {"queue": "x", "size": -1, "oldest_age": 1.5, "paused": False},
        {"queue": None, "size": 1, "oldest_age": 1.5, "paused": False},
        {"queue": "x", "size": 1, "oldest_age": 1.5, "paused": 0},
        {"queue": "x", "size": 1, "oldest_age": 1.5, "paused": False, "more": 1},
    ],
)
def test_the_checker_finds_faults(wrong):
    """Else the tests that use it would claim nothing."""
    queue = {"$ref": "#/$defs/queue"}
    assert list(faults({"queue": "x", "size": 1, "oldest_age": 1.5, "paused": True}, queue)) == []
    assert list(faults(wrong, queue))
