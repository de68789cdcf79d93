"""Versions of Rails, as users write them."""

from __future__ import annotations

import pytest

from pyresque.active_job.arguments.versions import NEWEST, OLDEST, SINCE, version_of


@pytest.mark.parametrize(
    ("text", "version"), [("8.1", (8, 1)), ("6.1.7.10", (6, 1)), ("8.2.alpha", (8, 2)), ("10.0", (10, 0))]
)
def test_versions(text: str, version: tuple[int, int]) -> None:
    """Numbers, so that 10 is after 9."""
    assert version_of(text) == version


@pytest.mark.parametrize("text", ["", "8", "8.x", "4.2", "rails 8.1", "8.1-beta", "v8.1"])
def test_what_is_none(text: str) -> None:
    """The message has an example."""
    with pytest.raises(ValueError, match=r"write for example rails='8\.1'"):
        version_of(text)


def test_every_serializer_came_between_the_oldest_and_the_newest() -> None:
    assert all(OLDEST < since <= version_of(NEWEST) for since in SINCE.values())
