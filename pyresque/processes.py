"""Processes of this machine: which pids mean anything here, and who lives."""

from __future__ import annotations

import os
from pathlib import Path


def process_space() -> str:
    """The system in which our pids are valid: this boot of the machine, and the container in it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def process_lives(pid: int) -> bool:
    """Whether a process of this system is there, and no zombie; True if nobody can tell."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (OSError, IndexError):
        return True
