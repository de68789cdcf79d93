"""The count of code lines: what it counts, and that its list of what is apart fits the tree."""

import pytest

from benchmarks.lines import APART, RUBY, SHARED, code_lines, counted


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
    assert len(code_lines(path)) == lines


def test_a_part_of_a_file_is_a_function_or_a_class_with_its_decorators(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("X = 1\n\n\nclass A:\n    y = 2\n\n    @property\n    def z(self):\n        return 3\n")
    assert code_lines(path, "A") == {4, 5, 7, 8, 9}
    assert code_lines(path, "A.z") == {7, 8, 9}
    with pytest.raises(ValueError, match=r"nothing is called A\.w"):
        code_lines(path, "A.w")


def test_what_is_apart_is_there_and_named_once():
    """A file or function that was renamed or folded into another must be named anew: `counted` says which."""
    files, apart, shared = counted()
    assert sum(files.values()) == sum(apart.values()) + sum(shared.values())
    assert all(apart[reason] > 0 for reason in APART)


def test_what_is_counted_with_the_gems_all_the_same_is_a_part_of_what_is_apart():
    _, apart, shared = counted()
    without = {**SHARED}
    SHARED.clear()
    try:
        _, more_apart, less_shared = counted()
    finally:
        SHARED.update(without)
    kept = sum(shared.values()) - sum(less_shared.values())
    assert kept == sum(more_apart.values()) - sum(apart.values()) > 0


def test_what_the_gems_do_takes_no_more_lines_than_theirs():
    _, _, shared = counted()
    assert sum(shared.values()) < sum(RUBY.values())
