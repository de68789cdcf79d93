"""The count of code lines: what it counts, and that its list of what is apart fits the tree."""

import pytest

from benchmarks.lines import code_lines, counted


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("a.py", '"""About it."""\n\nX = 1  # why\n# more\n', 1),
        ("a.py", 'def f():\n    """It does."""\n    return (\n        1\n    )\n', 4),
        ("a.py", 'X = """of\ntwo lines"""\n', 2),
        ("a.lua", "-- about it\n\nreturn 1 -- why\n", 1),
    ],
)
def test_code_is_what_is_left_without_blanks_comments_and_docstrings(tmp_path, name, text, lines):
    path = tmp_path / name
    path.write_text(text)
    assert code_lines(path) == lines


def test_what_is_apart_is_there_and_named_once():
    """A file that was renamed or folded into another must be named anew."""
    files, apart = counted()
    assert {path for paths in apart.values() for path in paths} <= set(files)
    assert sum(files.values()) > sum(files[path] for paths in apart.values() for path in paths)
