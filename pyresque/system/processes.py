"""Processes of this machine: which pids mean anything here, who lives, and the word of a worker's process."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

WORD_LENGTH = 16
"""Hexadecimal digits of a word, without those behind it that tell when its process began."""

_word = _worker_id = ""


def process_space() -> str:
    """The system in which our pids are valid: this boot of the machine, and the container in it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def process_lives(pid: int, birth: str = "") -> bool:
    """Whether a process of this system is there, and no zombie; True if nobody can tell.

    Args:
        birth: when it began, as `process_birth` tells it; a process of another birth has only got its pid.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    state, began = _state_and_birth(pid)
    return state not in ("Z", "X") and (began == birth or not (began and birth))


def process_birth(pid: int) -> str:
    """When a process began, in the clock ticks of this boot, hexadecimal; empty if nobody can tell."""
    return _state_and_birth(pid)[1]


def _state_and_birth(pid: int) -> tuple[str, str]:
    """What proc(5) says of a process; empty if it cannot be read."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return fields[0], f"{int(fields[19]):x}"
    except (OSError, IndexError, ValueError):
        return "", ""


def process_title(pid: int) -> str:
    """The title of a process as `ps` shows it; empty if it cannot be read."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ").strip()
    except OSError:
        return ""


def take_word() -> str:
    """Give this process, and those that it will fork, a word that no other worker has; returns it.

    It ends with the time at which the process began, for another process may get its pid one day.
    """
    global _word
    _word = secrets.token_hex(WORD_LENGTH // 2) + process_birth(os.getpid())
    return _word


def note_worker(worker_id: str) -> None:
    """This process is registered as this worker."""
    global _worker_id
    _worker_id = worker_id


def drop_word() -> None:
    """This process is not a worker any more."""
    global _word, _worker_id
    _word = _worker_id = ""


def own_worker() -> tuple[str, str]:
    """The worker that this process is or runs a job for: an id of it, and its word; empty without one."""
    return _worker_id, _word
