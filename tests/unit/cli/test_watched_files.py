"""Which files of a project have changed, and which are watched at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pyresque.cli.watched_files import WatchedFiles, folders_of


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_what_changes_is_told_once(tmp_path: Path) -> None:
    """A file that is written, made or removed; also one that gets an older time, as a checkout gives it."""
    code, other = write(tmp_path / "app/jobs.py"), write(tmp_path / "schedule.yml")
    files = WatchedFiles([tmp_path / "app"], [other, tmp_path / "later.toml"])
    assert files.changed() == []
    os.utime(code, (1, 1))
    assert files.changed() == [str(code)]
    assert files.changed() == []
    write(tmp_path / "app/more/new.py")
    write(tmp_path / "later.toml")
    other.unlink()
    assert files.changed() == [
        str(tmp_path / name) for name in ("app/more/new.py", "later.toml", "schedule.yml")
    ]
    assert files.changed() == []


def test_what_is_not_watched(tmp_path: Path) -> None:
    """Other kinds of files, what is hidden, what Python makes, what is installed."""
    files = WatchedFiles([tmp_path], [])
    write(tmp_path / "env/pyvenv.cfg")
    for name in (
        "notes.txt", ".git/a.py", "__pycache__/a.py", "env/lib/a.py", "node_modules/a.py",
        "x/site-packages/a.py",
    ):  # fmt: skip
        write(tmp_path / name)
    assert files.changed() == []
    write(tmp_path / "x/a.py")
    assert files.changed() == [str(tmp_path / "x/a.py")]


def test_where_modules_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the project's folder those of its modules that lie elsewhere, but nothing that is installed."""
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    write(elsewhere / "other_app/jobs.py")
    write(project / "lib/more.py")
    monkeypatch.setattr(sys, "path", [str(elsewhere), *sys.path])
    names = [
        "other_app.jobs",
        "lib/more.py",
        str(elsewhere / "single/one.py"),
        "pytest",
        "no_such_module",
        "a..b",
    ]
    assert folders_of(names, project) == [project, elsewhere / "other_app", elsewhere / "single"]
