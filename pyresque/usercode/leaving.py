"""Whether the worker of this process is about to leave: a job with steps then ends at a checkpoint."""

from __future__ import annotations

_leaving = False


def note_leaving(_number: int = 0, _frame: object = None) -> None:
    """The worker is about to leave; it may be used as a signal handler."""
    global _leaving
    _leaving = True


def note_staying() -> None:
    """A worker begins in this process, or has left."""
    global _leaving
    _leaving = False


def is_leaving() -> bool:
    """Whether the worker of this process is about to leave."""
    return _leaving
