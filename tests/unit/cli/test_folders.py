"""The current directory, which may be gone."""

import os
from pathlib import Path

import pytest

from pyresque.cli.folders import absolute, here
from pyresque.errors import ConfigError


def test_a_relative_path_begins_in_the_current_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert here() == tmp_path
    assert absolute(Path("a/b")) == tmp_path / "a/b"
    assert absolute(Path("/a/b")) == Path("/a/b")


def test_a_directory_that_was_removed_is_told_and_whole_paths_need_none(tmp_path):
    before = os.getcwd()
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    try:
        gone.rmdir()
        assert absolute(Path("/a")) == Path("/a")
        for look in (here, lambda: absolute(Path("a"))):
            with pytest.raises(ConfigError, match="the current directory was removed"):
                look()
    finally:
        os.chdir(before)
