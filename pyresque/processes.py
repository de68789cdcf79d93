"""Processes of this machine: which pids mean anything here, who lives, and the word of a worker's process."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

_word = _worker_id = ""


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


def process_title(pid: int) -> str:
    """The title of a process as `ps` shows it; empty if it cannot be read."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ").strip()
    except OSError:
        return ""


def take_word() -> str:
    """Give this process, and those that it will fork, a word that no other worker has; returns it."""
    global _word
    _word = secrets.token_hex(8)
    return _word


def note_worker(worker_id: str) -> None:
    """This process is registered as this worker."""
    global _worker_id
    _worker_id = worker_id


def drop_word() -> None:
    """This process is no worker any more."""
    global _word, _worker_id
    _word = _worker_id = ""


def own_worker() -> tuple[str, str]:
    """The worker that this process is or runs a job for: an id of it, and its word; empty without one."""
    return _worker_id, _word
