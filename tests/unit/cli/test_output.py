"""Texts on their way to a terminal."""

import json

import pytest

from pyresque.cli.output import columns, json_line, safe, short, table
from pyresque.wire.encoding import decode


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Grüße 日本 💥", "Grüße 日本 💥"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines\t\r", "two\\nlines\\t\\r"),
        ("\x9b2J \x7f", "\\x9b2J \\x7f"),
        ("\u202eright to left", "\\u202eright to left"),
        ("\udcff", "\\udcff"),
    ],
)
def test_safe(text: str, shown: str) -> None:
    """Letters stay; whatever steers a terminal, or is not a character, is escaped."""
    assert safe(text) == shown


@pytest.mark.parametrize("text", ["a" * 50, "日" * 50, "\x1b" * 50, "💥a" * 30])
def test_short(text: str) -> None:
    """A long text is cut to the columns that it may take, and shows that it was cut."""
    cut = short(text, 20)
    assert columns(cut) <= 20
    assert cut.endswith("...")


def test_short_does_not_read_a_long_text_to_its_end() -> None:
    """An error text of 30 MB took 15 seconds; characters that take no column are no way around it."""
    assert short("x" * 30_000_000, 20) == "x" * 17 + "..."
    assert short("\u0301" * 30_000_000, 20).endswith("...")


def test_short_leaves_short_texts_alone() -> None:
    """A text that fits is not changed."""
    assert short("日本", 4) == "日本"


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Columns stand below each other, wide letters too, and no line ends with blanks."""
    table(("A", "B"), [("日本", 1), ("x", "")])
    assert capsys.readouterr().out == "A     B\n日本  1\nx\n"


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
