"""Ending with one's parent: a job whose worker was killed must not run on, for it is recorded as failed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
# Loaded before the fork: looking a function up costs a child more than calling it.
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def end_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Ask the kernel (Linux only) to send this process a signal when its parent ends; at once if it has."""
    if _prctl is None:
        return
    _prctl(_PR_SET_PDEATHSIG, int(number))
    if os.getppid() != parent:
        os.kill(os.getpid(), number)
