"""Reading YAML files: whatever the library makes of a text, its reader gets values or one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyresque.errors import ConfigError
from pyresque.yaml_file import read_mapping

ODD = [
    "a: 2026-13-01", "a: 2026-01-01T25:00:00", "2026-02-30: a", "a: !!int x", "a: !!int ''", "a: !!float x",
    "a: !!bool x", "a: !!timestamp x", "a: !!binary x", "a: !!omap x", "a: !!python/object:os.system x",
    "a: [", "a: \x01", "a: *nobody", "? [1]\n: 2", "a: {[]: 1}",
]  # fmt: skip


@pytest.mark.parametrize("text", ODD)
def test_what_cannot_be_read_is_one_line(text: str, tmp_path: Path) -> None:
    """Which class of error the library raises is its own affair: here it is always a ConfigError."""
    path = tmp_path / "schedule.yml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"the schedule .*schedule\.yml is no YAML: .") as caught:
        read_mapping(str(path), "the schedule", "must be a mapping")
    assert "\n" not in str(caught.value)


def test_what_can_be_read(tmp_path: Path) -> None:
    """Values are PyYAML's; an empty file is an empty mapping."""
    path = tmp_path / "schedule.yml"
    path.write_text("a: {every: 1m, args: [1, ü]}\n")
    assert read_mapping(str(path), "it", "") == {"a": {"every": "1m", "args": [1, "ü"]}}
    path.write_text("")
    assert read_mapping(str(path), "it", "") == {}
