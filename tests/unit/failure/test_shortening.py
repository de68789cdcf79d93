"""How long the texts of a failure may be in its record."""

import json

import pytest

from pyresque.failure import Failure
from pyresque.failure.shortening import LINE, LINES, TEXT


def record_of(**values):
    """A record, decoded."""
    given = {"exception": "E", "error": "m", "backtrace": ["l"], **values}
    return json.loads(Failure(b"null", worker="w", queue="q", **given).record())


@pytest.mark.parametrize("letter", ["x", "\u00e9", "\u20ac", "\U0001f600", "\ud800"])
@pytest.mark.parametrize("key", ["error", "exception"])
def test_a_text_has_at_most_64_kb(key, letter):
    """What is left out is told; no character is cut in two; at the bound nothing is left out."""
    size = len(letter.encode("utf-8", "replace"))
    whole = letter * (TEXT // size)
    assert record_of(**{key: whole})[key] == whole.encode("utf-8", "replace").decode()
    found = record_of(**{key: whole + "abcd"})[key]
    assert TEXT - 8 < len(found.encode()) <= TEXT
    assert found.endswith(
        f"\n... ({len(whole.encode('utf-8', 'replace')) + 4:,} bytes in all: the rest is left out)"
    )
    assert record_of(**{key: found})[key] == found


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 60_000])
def test_a_backtrace_has_at_most_1000_lines(count):
    """Of more, those in the middle are left out: both ends tell most."""
    lines = [f"file.py:{number}:in `f'" for number in range(count)]
    found = record_of(backtrace=lines)["backtrace"]
    if count <= LINES:
        assert found == lines
        return
    assert len(found) == LINES
    assert (found[:499], found[500:]) == (lines[:499], lines[-500:])
    assert found[499] == f"... {count - 999:,} lines are left out ..."
    assert record_of(backtrace=found)["backtrace"] == found


def test_a_line_of_a_backtrace_is_bounded_too():
    """A function may have any name."""
    [line] = record_of(backtrace=["x" * 1_000_000])["backtrace"]
    assert len(line) == LINE
