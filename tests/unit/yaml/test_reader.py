"""Reading YAML files: whatever is in a text, its reader gets values, or one line that says why not."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyresque.errors import ConfigError
from pyresque.yaml.reader import read_mapping

ODD = [
    "a: 2026-13-01", "a: 2026-01-01T25:00:00", "2026-02-30: a", "a: !!int x", "a: !!int ''", "a: !!float x",
    "a: !!bool x", "a: !!timestamp x", "a: !!binary x", "a: !!omap x", "a: !!python/object:os.system x",
    "a: [", "a: \x01", "a: *nobody", "? [1]\n: 2", "a: {[]: 1}", "a: !!omap {b: 1}", "a: !!omap [1]",
    "!!str a", "<<: 1", "<<: {a: 1}", "a: !!merge b", "--- |\n a", "%TAG ! a\n---\na: !b c", "a: &b *b",
    "- a", "a", "",
]  # fmt: skip
PIECES = [
    "a", ": ", "\n", "  ", "- ", "[", "]", "{", "}", ",", "&b ", "*b", "<<", "!!omap ", "!!float ",
    "!x ", "'", '"', "|", "~", "1", "\t", "#", "---\n", "? ",
]  # fmt: skip


def check(folder: Path, text: str) -> None:
    path = folder / "file.yml"
    path.write_text(text, "utf-8")
    try:
        items, why = read_mapping(str(path), "the file", "must be a mapping"), ""
    except ConfigError as error:
        items, why = [], str(error)
    assert "\n" not in why
    assert all(item.value is None or not item.refused for item in items)


@pytest.mark.parametrize("text", ODD)
def test_what_cannot_be_read_is_one_line(text: str, tmp_path: Path) -> None:
    """Which class of error the library raises is its own affair: here it is a ConfigError, or a refusal."""
    check(tmp_path, text)


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=20).map("".join)))
def test_no_text_is_a_traceback(text: str) -> None:
    """Any text at all, and texts of what YAML is made of."""
    with TemporaryDirectory() as folder:
        check(Path(folder), text.encode("utf-8", "replace").decode("utf-8"))


@pytest.mark.parametrize(
    ("text", "lines"),
    [("a: 1\nb: 2\na: 3\n", [3]), ("x: {a: 1, a: 1}\ny: {a: 1}\n", [1]), ("a: 1\n:a: 2\n", []),
     ("x: &x {a: 1}\ny: {<<: *x, a: 2}\n", []), ("? [1]\n: 2\n? [1]\n: 3\n", [])],
)  # fmt: skip
def test_a_name_that_is_written_twice_is_told(
    text: str, lines: list[int], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The last one counts, as in Ruby, and who copied an entry hears of it; merged keys may be replaced."""
    (tmp_path / "file.yml").write_text(text)
    read_mapping(str(tmp_path / "file.yml"), "the file", "must be a mapping")
    told = [record.getMessage() for record in caplog.records]
    assert [one.split(" of the file")[0] for one in told] == [f"line {line}" for line in lines]
    assert all(
        one.endswith("a is there already, in the same mapping; only this one counts, as in Ruby")
        for one in told
    )
