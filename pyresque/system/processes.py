"""Processes of this machine: which pids mean anything here, who lives, and the word of a worker's process."""

from __future__ import annotations

import os
import secrets
import signal
from dataclasses import dataclass
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


def process_began(pid: int) -> float | None:
    """When a process began, in seconds since the epoch; None if nobody can tell."""
    birth = process_birth(pid)
    try:
        boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
        return int(boot.split()[1]) + int(birth, 16) / os.sysconf("SC_CLK_TCK")
    except (OSError, StopIteration, ValueError):
        return None


def process_parent(pid: int) -> int:
    """The process that a process is a child of; 0 if nobody can tell."""
    fields = _stat(pid)
    return int(fields[1]) if len(fields) > 1 and fields[1].isdigit() else 0


def send_signal(pid: int, birth: str, number: int) -> bool:
    """Send a signal to the process that has this id and birth (empty: any); False if it is gone.

    Where the system can, the process is held meanwhile: no other one gets its id.

    Raises:
        PermissionError: it belongs to another user.
    """
    opened = getattr(os, "pidfd_open", None)
    try:
        handle = opened(pid) if opened is not None else -1
    except ProcessLookupError:
        return False
    except OSError:
        handle = -1  # an old kernel, or a container that does not let it
    try:
        if not process_lives(pid, birth):
            return False
        if handle >= 0:
            signal.pidfd_send_signal(handle, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        return False
    finally:
        if handle >= 0:
            os.close(handle)
    return True


def _state_and_birth(pid: int) -> tuple[str, str]:
    """The state of a process, and when it began; empty if that cannot be read."""
    try:
        fields = _stat(pid)
        return fields[0], f"{int(fields[19]):x}"
    except (IndexError, ValueError):
        return "", ""


def _stat(pid: int) -> list[str]:
    """What proc(5) says of a process, from its state on; nothing if it cannot be read."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def process_title(pid: int) -> str:
    """The title of a process as `ps` shows it; empty if it cannot be read."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ").strip()
    except OSError:
        return ""


@dataclass(frozen=True)
class Process:
    """A process, and its title as `ps` shows it."""

    pid: int
    title: str


def processes_with(text: str) -> list[Process] | None:
    """The processes with this in the first word of their title; None where the system does not tell."""
    try:
        pids = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    except OSError:
        return None
    if not pids:
        return None
    processes = [Process(pid, process_title(pid)) for pid in pids]
    return [process for process in processes if text in process.title.partition(" ")[0]]


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
