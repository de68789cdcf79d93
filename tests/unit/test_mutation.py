"""benchmarks/mutation.py makes changes that are changes, and pairs modules with tests."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]

SOURCE = '''\
"""Größe."""  # bytes and characters are not the same
@decorated(slots=True)
def f(x: Literal[3], y=7):
    if x and not y: return "ä", f"{y + 1}", x < 2
    return x is None or True
'''


@pytest.fixture(scope="module")
def mutation() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("mutation", ROOT / "benchmarks/mutation.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutation"] = module  # where its dataclasses look for their names
    spec.loader.exec_module(module)
    return module


def test_the_changes_of_a_module(mutation: ModuleType) -> None:
    """Each kind, at its place; none in annotations, decorators, texts and f-strings."""
    found = [(change.line, change.old, change.new) for change in mutation.changes(SOURCE.encode())]
    assert found == [
        (3, "7", "8"),
        (4, "x and not y", "not (x and (not y))"),
        (4, "x and not y", "x or not y"),
        (4, "not y", "y"),
        (4, "x < 2", "x <= 2"),
        (4, "2", "3"),
        (5, "x is None or True", "x is None and True"),
        (5, "x is None", "x is not None"),
        (5, "True", "False"),
    ]


def test_a_change_changes_one_place(mutation: ModuleType) -> None:
    """What comes out is Python, and other Python than before."""
    source = SOURCE.encode()
    texts = [change.made_in(source) for change in mutation.changes(source)]
    trees = {ast.dump(ast.parse(text)) for text in texts}
    assert len(trees) == len(texts)
    assert ast.dump(ast.parse(source)) not in trees


def test_modules_have_tests_of_their_name(mutation: ModuleType) -> None:
    """All that are listed exist, and there are many."""
    pairs = mutation.pairs()
    assert pairs["keys"] == ["tests/unit/test_keys.py"]
    assert len(pairs) > 30
    assert all((ROOT / test).is_file() for tests in pairs.values() for test in tests)
