"""The current directory, and paths that begin there: somebody may have removed it."""

from __future__ import annotations

from pathlib import Path

from pyresque.config.settings import current_folder
from pyresque.errors import ConfigError


def here() -> Path:
    """The current directory.

    Raises:
        ConfigError: it is not there any more.
    """
    folder = current_folder()
    if folder is None:
        raise ConfigError("the current directory was removed; change to another one (cd) and try again")
    return folder


def absolute(path: Path) -> Path:
    """A path from the root on.

    Raises:
        ConfigError: it begins in the current directory, which is not there any more.
    """
    return path if path.is_absolute() else here() / path
