"""Descriptors of ours that a job may have closed, and whose numbers may be somebody else's by now.

The numbers of the standard streams are never ours: what is printed, or logged, would go to Redis.
"""

from __future__ import annotations

import fcntl
import os
import socket

_STREAMS = range(3)


def above_streams(made: socket.socket) -> socket.socket:
    """A new socket under another number, if it has got that of a standard stream that somebody has closed."""
    if made.fileno() not in _STREAMS:
        return made
    with made:
        return socket.socket(fileno=fcntl.fcntl(made, fcntl.F_DUPFD_CLOEXEC, len(_STREAMS)))


def keep_streams() -> None:
    """Open to nowhere the standard streams that were closed, so that nothing else gets their numbers."""
    for number in _STREAMS:
        if file_behind(number) is None:
            # The lowest number that is free, and so this one, unless a thread was faster.
            opened = os.open(os.devnull, os.O_RDWR)
            if opened == number:
                os.set_inheritable(opened, True)
            else:
                os.close(opened)


def file_behind(number: int) -> tuple[int, int] | None:
    """What a descriptor leads to: no two sockets have the same, nor two pipes. None: it is closed."""
    try:
        status = os.fstat(number)
    except OSError:
        return None
    return status.st_dev, status.st_ino


class Own:
    """A descriptor of ours. Ask before it is used or closed, where code of the application has run."""

    __slots__ = ("file", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.file = file_behind(number)
        """The device and inode that it leads to; None: it is closed."""

    @property
    def is_ours(self) -> bool:
        """Whether the number still leads where it led."""
        return self.file is not None and file_behind(self.number) == self.file

    def close(self) -> None:
        """Close it, once, unless it is somebody else's by now."""
        if self.is_ours:
            os.close(self.number)
        self.file = None
