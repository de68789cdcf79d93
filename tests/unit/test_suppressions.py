"""What is switched off for a line says why, so that the next reader can tell whether it still must be."""

from __future__ import annotations

import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [path for name in ("pyresque", "benchmarks", ".ci") for path in sorted((ROOT / name).rglob("*.py"))]
NOQA = re.compile(r"noqa: [A-Z0-9, ]+ (\(\S.*\)|- \S.*)")
IGNORED = re.compile(r"type: ignore\[[a-z-]+\]  # \S.*")


def suppressions(path: Path) -> Iterator[tuple[int, str]]:
    """The comments of a file that switch something off, with their lines."""
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT and re.search(r"\bnoqa\b|type: ignore", token.string):
                yield token.start[0], token.string


def has_reason(comment: str) -> bool:
    """Whether every `noqa` and `type: ignore` in it names its rule, and why."""
    return bool((NOQA if "noqa" in comment else IGNORED).search(comment))


def test_some_are_found() -> None:
    """Else the test below would claim nothing."""
    assert sum(len(list(suppressions(path))) for path in FILES) > 20


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_suppression_has_a_reason(path: Path) -> None:
    """Its rule by name, and a word on why."""
    assert [found for found in suppressions(path) if not has_reason(found[1])] == []


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# noqa: S324 (no secret)", True),
        ("# noqa: S324", False),
        ("# noqa", False),
        ("# type: ignore[override]  # click never sets it", True),
        ("# type: ignore[override]", False),
        ("# type: ignore", False),
    ],
)
def test_what_counts_as_a_reason(comment: str, expected: bool) -> None:
    """A rule alone is none."""
    assert has_reason(comment) is expected
