"""docs/errors.md names every exception of pyresque, and the names that the failed list shows."""

from __future__ import annotations

import re

import pytest

from pyresque import errors
from tests.documents import ROOT

PAGE = (ROOT / "docs/errors.md").read_text("utf-8")
CLASSES = [kind for kind in vars(errors).values() if isinstance(kind, type)]
KINDS = sorted(
    (kind for kind in CLASSES if issubclass(kind, errors.ResqueError)), key=lambda kind: kind.__name__
)


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_on_the_page(kind: type[errors.ResqueError]) -> None:
    assert re.search(rf"`{kind.__name__}`", PAGE)


def test_the_names_in_the_failed_list() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([\w:.]+)` \|", PAGE, flags=re.M)
    assert len(rows) > 9
    assert [(name, shown) for name, shown in rows if getattr(errors, name).ruby_name != shown] == []


def test_the_tree_in_the_docstring_is_whole() -> None:
    named = set(re.findall(r"(?:├──|└──) (\w+)", errors.__doc__ or ""))
    assert named == {kind.__name__ for kind in KINDS} - {"ResqueError"}
