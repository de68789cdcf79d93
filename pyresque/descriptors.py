"""Descriptors of ours that a job may have closed, and whose numbers may be somebody else's by now."""

from __future__ import annotations

import os


def file_behind(number: int) -> tuple[int, int] | None:
    """What a descriptor leads to: no two sockets have the same, nor two pipes. None: it is closed."""
    try:
        found = os.fstat(number)
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Own:
    """A descriptor of ours. Ask before it is used or closed, where code of the application has run."""

    __slots__ = ("_file", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self._file = file_behind(number)

    @property
    def is_ours(self) -> bool:
        """Whether the number still leads where it led."""
        return self._file is not None and file_behind(self.number) == self._file

    def close(self) -> None:
        """Close it, once, unless it is somebody else's by now."""
        if self.is_ours:
            os.close(self.number)
        self._file = None
