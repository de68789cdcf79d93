"""How the schedulers are: who is master and whether it lives, who stands by, what is due next and how late.

It only reads. What cannot be told is None, and not guessed.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pyresque.client.schedule_entries import Listed, listed
from pyresque.config.options import SchedulerOptions
from pyresque.model.resque_like import ResqueLike
from pyresque.store import delayed, master
from pyresque.store.space import Space
from pyresque.system.processes import Process, processes_with
from pyresque.wire.times import rfc3339

_TITLE = "resque-scheduler-"
"""What the titles of schedulers of both languages contain, with their version behind it."""
_READ = 1000
"""Seconds of delayed jobs that are asked for at a time: those of emptied lists may be among them."""


@dataclass(frozen=True)
class MasterSeen:
    """The scheduler that holds the master lock.

    Attributes:
        value: what the lock holds.
        host: where it runs, as it calls itself; pid: its process there. Empty where the value does not tell.
        language: who writes such a value; None: neither does.
        since: when it became master; only ours tell.
        expires_in: seconds until another one takes over, unless it is renewed; None: the lock has no end.
        renewed_ago: seconds since it was renewed, if its LOCK_TIMEOUT is the one of the settings here.
        alive: whether it lives; None where nobody can tell from here.
        why: how that is known, or why not.
    """

    value: str
    host: str
    pid: str
    language: Literal["python", "ruby"] | None
    since: float | None
    expires_in: float | None
    renewed_ago: float | None
    alive: bool | None
    why: str

    def as_dict(self) -> dict[str, Any]:
        """It as JSON has it: what every command prints with --json."""
        return {
            "id": self.value,
            "language": self.language,
            "host": self.host or None,
            "pid": int(self.pid) if self.pid.isdecimal() else None,
            "since": rfc3339(self.since),
            "expires_in_seconds": None if self.expires_in is None else round(self.expires_in, 1),
            "alive": self.alive,
            "why": self.why,
        }


@dataclass(frozen=True)
class Due:
    """The next delayed job: when, and how many there are in that second."""

    at: float
    jobs: int


@dataclass(frozen=True)
class SchedulerStatus:
    """All of it at one moment (`now`, by the clock of this machine).

    Attributes:
        master: None where nobody is.
        standing_by: the other schedulers of ours that have a connection to this Redis, as `host:pid`; None
            where Redis does not tell who is connected.
        here: the scheduler processes of this machine, of either language, whatever Redis they use; None
            where the system does not tell.
        next_delayed: the first of the delayed jobs; None: there is none.
        entries: the entries of the schedule.
    """

    now: float
    master: MasterSeen | None
    standing_by: list[str] | None
    here: list[Process] | None
    next_delayed: Due | None
    entries: list[Listed] = field(default_factory=list)

    @property
    def next_entry(self) -> Listed | None:
        """The entry that runs next."""
        return min(
            (entry for entry in self.entries if entry.next is not None),
            key=lambda entry: entry.next or 0.0,
            default=None,
        )

    @property
    def behind(self) -> float:
        """For how many seconds the first delayed job has been overdue; 0: none is."""
        return max(0.0, self.now - self.next_delayed.at - 1) if self.next_delayed else 0.0

    @property
    def refused(self) -> list[Listed]:
        """The entries that cannot be used."""
        return [entry for entry in self.entries if entry.refused]


def look(
    resque: ResqueLike,
    options: SchedulerOptions,
    file: Mapping[str, Any] | None = None,
    entries: list[Listed] | None = None,
) -> SchedulerStatus:
    """Look how the schedulers of this Resque are.

    Args:
        options: those of the schedulers: the name of their lock, and how long it lasts.
        file: the entries of their schedule file, where that is known.
        entries: the entries of the schedule, where they were read already.
    """
    now, space = time.time(), resque.space
    key = space.keys.master_lock(options.lock_prefix)
    # Where Redis does not let us ask, to ask again is of no use.
    connected, here = master.connected(replace(space, link=resque.link), key), processes_with(_TITLE)
    seen = _master(master.holder(space, key), options.lock_timeout, connected, here)
    who = f"{seen.host}:{seen.pid}" if seen is not None else ""
    others = None if connected is None else [scheduler for scheduler in connected if scheduler != who]
    if entries is None:
        entries = listed(resque, now, file, options.environment)
    return SchedulerStatus(now, seen, others, here, _next_delayed(space), entries)


def _master(
    held: tuple[str, float] | None,
    lifetime: float,
    connected: Sequence[str] | None,
    here: Sequence[Process] | None,
) -> MasterSeen | None:
    if held is None:
        return None
    value, left = held
    began = master.since(value)
    who = value.rpartition(":")[0] if began is not None else value
    host, _, pid = who.rpartition(":")
    if not pid.isdecimal():
        host, pid = "", ""
    language: Literal["python", "ruby"] | None = "python" if began is not None else "ruby" if pid else None
    alive, why = _life(f"{host}:{pid}" if pid else "", language, connected, here)
    expires_in = None if left == float("inf") else left
    renewed = lifetime - left if left <= lifetime else None
    return MasterSeen(value, host, pid, language, began, expires_in, renewed, alive, why)


def _life(
    who: str, language: str | None, connected: Sequence[str] | None, here: Sequence[Process] | None
) -> tuple[bool | None, str]:
    """Whether a master lives, and how that is known."""
    if not who:
        return None, "its lock does not tell where it runs"
    if language == "python" and connected is not None and who in connected:
        return True, "it has a connection to Redis"
    host, _, pid = who.rpartition(":")
    # Ruby's calls its host as the address is looked up: often localhost, wherever that is.
    if host != socket.gethostname() and (language, host) != ("ruby", "localhost"):
        return None, f"it runs on {host}, and only there its process is seen"
    if here is None:
        return None, "this system does not tell which processes run"
    process = next((process for process in here if str(process.pid) == pid), None)
    if process is not None:
        return True, f"its process runs here: {process.title}"
    gone = f"no scheduler has the process id {pid} here"
    if language == "python" and connected is not None:
        return False, f"it has no connection to Redis, and {gone}"
    return None, f"{gone}, but another host or a container may have the name {host}"


def _next_delayed(space: Space) -> Due | None:
    """The first second with a job, and how many it has; those of emptied lists may come before it."""
    start = 0
    while seconds := delayed.seconds(space, start, _READ):
        for second, jobs in zip(seconds, delayed.sizes(space, seconds), strict=True):
            at = _moment(second)
            if jobs and at is not None:
                return Due(at, jobs)
        start += len(seconds)
    return None


def _moment(second: bytes) -> float | None:
    try:
        return float(second)
    except ValueError:
        return None
