"""Groups of failures or delayed jobs, as they are printed."""

import json
from types import SimpleNamespace

import pytest

from pyresque.cli.groups import show_groups
from pyresque.cli.selecting import Page
from pyresque.client.selection import Group

GROUPS = [Group(f"Class{n}", 30 - n, 1_000.0 + n, 2_000.0, SimpleNamespace(id=f"id{n}")) for n in range(3)]
NAMELESS = Group("", 1, None, None, SimpleNamespace(id="x"))


def shown(capsys, groups, page, as_json=False, by="class"):
    show_groups(groups, by, page, as_json, "failures", lambda item: (item.id, "a text"))
    out, err = capsys.readouterr()
    return out.splitlines(), err


def test_a_table_has_the_largest_first_as_they_come(capsys):
    lines, err = shown(capsys, [*GROUPS, NAMELESS], Page(None, None))
    assert lines[0].split()[:2] == ["COUNT", "CLASS"]
    assert [line.split()[:2] for line in lines[1:]] == [
        ["30", "Class0"], ["29", "Class1"], ["28", "Class2"], ["1", "(none)"]
    ]  # fmt: skip
    assert err == ""


def test_a_page_says_what_it_is_of(capsys):
    lines, err = shown(capsys, GROUPS, Page(2, 1))
    assert (len(lines), "Class1" in lines[1]) == (2, True)
    assert err == "2 to 2 of 3 groups; --page goes on, --limit 0 lists all\n"


@pytest.mark.parametrize(("groups", "text"), [([], "no failures"), (GROUPS, "no failures on page 9")])
def test_nothing_is_said_as_such(capsys, groups, text):
    assert shown(capsys, groups, Page(9, 1)) == ([text], "")


def test_programs_get_all_of_them_one_on_a_line(capsys):
    lines, _ = shown(capsys, [*GROUPS, NAMELESS], Page(None, None), as_json=True)
    documents = [json.loads(line) for line in lines]
    assert [document["count"] for document in documents] == [30, 29, 28, 1]
    assert documents[0] == {
        "by": "class", "key": "Class0", "count": 30, "first": "1970-01-01T00:16:40Z",
        "last": "1970-01-01T00:33:20Z", "example": "id0",
    }  # fmt: skip
    assert (documents[3]["key"], documents[3]["first"]) == (None, None)
