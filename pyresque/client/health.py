"""How everything is at one moment: what `resque.health()` gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pyresque.client.fleet import Fleet
from pyresque.client.info import WorkerInfo
from pyresque.client.missed_runs import MissedRun
from pyresque.client.pausing import PausedQueues
from pyresque.client.schedule_entries import Listed
from pyresque.client.scheduler_status import MasterSeen
from pyresque.client.unknown_classes import WaitingClass
from pyresque.wire.times import rfc3339


@dataclass(frozen=True)
class QueueHealth:
    """A queue: how many jobs wait, and for how many seconds the first one has at least (None: not known)."""

    name: str
    size: int
    oldest_age: float | None
    paused: bool


@dataclass(frozen=True)
class FailureHealth:
    """Failures: all of them, those of the last hour, and those with what was put aside and not put back.

    Only the newest are looked at for that (`looked_at`): if there are more, the numbers may be higher. A
    quick look tells those of the last hour by where they begin in the list.
    """

    total: int = 0
    last_hour: int = 0
    aside: int = 0
    looked_at: int = 0


@dataclass(frozen=True)
class DelayedHealth:
    """Delayed jobs: all, those that are overdue, and for how many seconds the first of them has been.

    `is_sampled`: so many seconds hold jobs that they were not all counted; then there may be more.
    """

    total: int = 0
    overdue: int = 0
    behind: float = 0.0
    is_sampled: bool = False


@dataclass(frozen=True)
class RedisHealth:
    """What Redis tells of itself; None where it does not tell. `maxmemory` 0: it has no limit."""

    version: str | None = None
    used_memory: int | None = None
    maxmemory: int | None = None
    policy: str | None = None


@dataclass(frozen=True)
class Problem:
    """Something that needs a person: of which kind, what there is to see, and what to do next."""

    kind: str
    text: str
    advice: str


@dataclass(frozen=True)
class Health:
    """Everything at one moment (`now`).

    Attributes:
        missed: entries of the schedule that should have run.
        refused: entries that cannot be used.
        never_ran: names of entries that no scheduler has fired yet, as far as Redis tells.
        master: the scheduler that is master; None where none is.
        needs_scheduler: whether there are delayed jobs, or entries.
        workers: all registered workers; after a quick look none of them.
        fleet: all of them together.
        waiting: classes that wait and that no job here knows; only with a registry that has jobs.
        problems: what needs a person.
    """

    now: float
    queues: list[QueueHealth]
    failed: FailureHealth
    delayed: DelayedHealth
    missed: list[MissedRun]
    refused: list[Listed]
    master: MasterSeen | None
    needs_scheduler: bool
    paused: PausedQueues
    workers: list[WorkerInfo]
    waiting: list[WaitingClass]
    redis: RedisHealth
    problems: list[Problem] = field(default_factory=list)
    never_ran: list[str] = field(default_factory=list)
    fleet: Fleet = field(default_factory=Fleet)

    @property
    def ok(self) -> bool:
        """Whether nothing needs a person."""
        return not self.problems

    @property
    def aside(self) -> int:
        """How many failures hold what was put aside and not put back."""
        return self.failed.aside

    @property
    def lives(self) -> dict[str, int]:
        """How many workers are `alive`, `dead`, or `unknown`: nobody can tell from here."""
        fleet = self.fleet
        return {"alive": fleet.alive, "dead": len(fleet.dead), "unknown": fleet.unknown}

    @property
    def unknown(self) -> dict[str, dict[str, int]]:
        """How many jobs of classes that nobody here knows wait on each queue."""
        found: dict[str, dict[str, int]] = {}
        for group in self.waiting:
            classes = found.setdefault(group.queue, {})
            classes[group.class_name] = classes.get(group.class_name, 0) + group.count
        return found

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON has it: what `pyresque health --json` prints."""
        redis, failed, delayed, paused = self.redis, self.failed, self.delayed, self.paused
        return {
            "at": rfc3339(self.now),
            "ok": self.ok,
            "problems": [
                {"kind": problem.kind, "text": problem.text, "advice": problem.advice}
                for problem in self.problems
            ],
            "queues": [_queue(queue) for queue in self.queues],
            "failed": {"total": failed.total, "last_hour": failed.last_hour, "aside": failed.aside},
            "delayed": {
                "total": delayed.total,
                "overdue": delayed.overdue,
                "behind_seconds": _rounded(delayed.behind),
            },
            "schedule": {
                "missed": [_missed(run) for run in self.missed],
                "refused": [{"name": entry.name, "reason": entry.refused} for entry in self.refused],
                "never_ran": self.never_ran,
            },
            "scheduler": {"needed": self.needs_scheduler, "master": self.master and self.master.as_dict()},
            "paused": {"all": paused.all, "workers": paused.workers, "queues": paused.queues},
            "workers": self.lives,
            "unknown_classes": self.unknown,
            "redis": {
                "version": redis.version,
                "used_memory": redis.used_memory,
                "maxmemory": redis.maxmemory,
                "policy": redis.policy,
            },
        }


def _queue(queue: QueueHealth) -> dict[str, Any]:
    age = _rounded(queue.oldest_age)
    return {"queue": queue.name, "size": queue.size, "oldest_age_seconds": age, "paused": queue.paused}


def _missed(run: MissedRun) -> dict[str, Any]:
    return {"name": run.name, "due": rfc3339(run.due), "last": rfc3339(run.last)}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
