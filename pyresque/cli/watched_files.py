"""The files of a project, and which of them have changed: for `pyresque dev`."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_NOT_OURS = {"__pycache__", "node_modules", "site-packages", "dist-packages"}


class WatchedFiles:
    """The Python files below some folders, and some other files.

    Args:
        folders: where to look; what is hidden, and virtual environments, are left out.
        files: files of any kind; they need not exist.
    """

    def __init__(self, folders: Iterable[Path], files: Iterable[Path]) -> None:
        self._folders = list(folders)
        self._files = list(files)
        self._seen = self._look()

    def changed(self) -> list[str]:
        """The files that were changed, made or removed since the last call, sorted."""
        before, self._seen = self._seen, self._look()
        names = before.keys() | self._seen.keys()
        return sorted(name for name in names if before.get(name) != self._seen.get(name))

    def _look(self) -> dict[str, tuple[int, int]]:
        """What tells of each file whether it is another one: when it was changed, and its size."""
        seen = {}
        for path in self._all():
            try:
                status = os.stat(path)
            except OSError:  # it has gone meanwhile
                continue
            seen[path] = (status.st_mtime_ns, status.st_size)
        return seen

    def _all(self) -> Iterator[str]:
        yield from map(str, self._files)
        for folder in self._folders:
            for folder_path, folders, names in os.walk(folder):
                folders[:] = [name for name in folders if not self._is_apart(folder_path, name)]
                yield from (os.path.join(folder_path, name) for name in names if name.endswith(".py"))

    @staticmethod
    def _is_apart(folder_path: str, name: str) -> bool:
        is_environment = os.path.exists(os.path.join(folder_path, name, "pyvenv.cfg"))
        return name.startswith(".") or name in _NOT_OURS or is_environment


def folders_of(modules: Iterable[str], project: Path) -> list[Path]:
    """The project's folder, and those of packages that lie elsewhere but are not installed for good."""
    folders = [project]
    for name in modules:
        if name.endswith(".py") or os.sep in name:
            folders.append((project / name).parent)
            continue
        try:
            spec = importlib.util.find_spec(name.partition(".")[0])  # nothing is imported for that
        except (ImportError, ValueError):
            continue
        folders += map(Path, (spec.submodule_search_locations or []) if spec else [])
    outside: list[Path] = []
    for folder in folders:
        is_known = any(folder.is_relative_to(parent) for parent in outside)
        if not is_known and not _NOT_OURS & set(folder.parts):
            outside.append(folder)
    return outside
