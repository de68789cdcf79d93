"""The job hash of an Active Job: reading one, a new one, the next attempt.

See docs/protocol/active-job.md#the-job-hash.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyresque.active_job.arguments.times import stamp
from pyresque.errors import MalformedActiveJob
from pyresque.wire.records import JOB_WRAPPER, Payload, wrapped_job

_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "job_id": ((str,), "text"),
    "queue_name": ((str,), "text"),
    "executions": ((int,), "a number"),
    "exception_executions": ((dict,), "an object"),
    "locale": ((str,), "text"),
    "timezone": ((str,), "text"),
    "enqueued_at": ((str,), "text"),
    "scheduled_at": ((str,), "text"),
}


_MOST = 10**18
"""No count goes beyond; one more digit than Python may write is what a count must never get."""


@dataclass(frozen=True)
class JobData:
    """The job hash, with every key as it was read; `payload` is the whole element around it."""

    data: Mapping[str, Any]
    payload: Mapping[str, Any]

    @classmethod
    def parse(cls, payload: Payload) -> JobData:
        """Read what an Active Job's wrapper holds.

        Raises:
            MalformedActiveJob: it is not a job; the text says what is missing or wrong.
        """
        data = wrapped_job(payload.value)
        if data is None:
            count = len(payload.args)
            raise _malformed(
                f"the wrapper has {count} arguments instead of one"
                if count != 1
                else "the argument of the wrapper is not an object"
            )
        name = data.get("job_class")
        if not isinstance(name, str) or not name:
            raise _malformed("it has no job_class" if not name else f"its job_class is {name!r}, not text")
        if "arguments" not in data:
            raise _malformed(f"{name} has no arguments (a job without any has an empty list)")
        if not isinstance(data["arguments"], list):
            raise _malformed(f"the arguments of {name} are {data['arguments']!r}, which is not a list")
        for key, (kinds, shown) in _TYPES.items():
            value = data.get(key)
            if value is not None and (not isinstance(value, kinds) or isinstance(value, bool)):
                raise _malformed(f"{key} of {name} is {value!r}, which is not {shown}")
        counts = data.get("exception_executions") or {}
        if abs(data.get("executions") or 0) > _MOST:
            raise _malformed(f"executions of {name} are more than there can be")
        if not all(isinstance(count, int) and abs(count) < _MOST for count in counts.values()):
            raise _malformed(f"exception_executions of {name} holds something that is not a number")
        return cls(data, payload.value)

    def note(self, **changes: Any) -> None:
        """Set something in the job as it was read: a record of its failure then shows it."""
        if isinstance(self.data, dict):
            self.data.update(changes)

    @property
    def job_class(self) -> str:
        """The Ruby class of the job."""
        return str(self.data["job_class"])

    @property
    def executions(self) -> int:
        """How many attempts were begun before this one."""
        return int(self.data.get("executions") or 0)

    @property
    def arguments(self) -> list[Any]:
        """The arguments as they were read."""
        return list(self.data["arguments"])

    def get(self, key: str) -> Any:
        """One value of the hash; None where it is not there."""
        return self.data.get(key)

    def next(self, queue: str, changes: Mapping[str, Any], due: float | None) -> dict[str, Any]:
        """The payload of the next attempt: everything is kept but what an attempt changes.

        Args:
            queue: the queue that it goes to.
            changes: further keys with new values; those that are not there are added only if they are steps.
            due: when, in seconds since the epoch; None leaves scheduled_at as it is.

        Raises:
            ValueError: `due` is not a moment of Python's calendar.
        """
        scheduled_at = None if due is None else stamp(due)
        data = dict(self.data)
        data["queue_name"] = queue
        data.update({key: value for key, value in changes.items() if key in data or key in _ALWAYS})
        if "enqueued_at" in data:
            data["enqueued_at"] = stamp(time.time())
        if "scheduled_at" in data and scheduled_at is not None:
            data["scheduled_at"] = scheduled_at
        others = {key: value for key, value in self.payload.items() if key not in ("args", "queue")}
        return {"class": others.pop("class"), "args": [data], **others}


_ALWAYS = ("executions", "priority", "continuation", "resumptions")


@dataclass(frozen=True)
class Options:
    """What a new job carries besides its class, queue and arguments."""

    priority: int | None = None
    scheduled_at: str | None = None
    locale: str = "en"
    timezone: str | None = None


def fresh(job_class: str, queue: str, arguments: list[Any], options: Options, steps: bool) -> dict[str, Any]:
    """The payload of a new job, in the newest form: twelve keys in Rails' order, for steps two more."""
    data: dict[str, Any] = {
        "job_class": job_class,
        "job_id": str(uuid.uuid4()),
        "provider_job_id": None,
        "queue_name": queue,
        "priority": options.priority,
        "arguments": arguments,
        "executions": 0,
        "exception_executions": {},
        "locale": options.locale,
        "timezone": options.timezone,
        "enqueued_at": stamp(time.time()),
        "scheduled_at": options.scheduled_at,
    }
    if steps:
        data |= {"continuation": {"completed": []}, "resumptions": 0}
    return {"class": JOB_WRAPPER, "args": [data]}


def _malformed(reason: str) -> MalformedActiveJob:
    return MalformedActiveJob(f"malformed Active Job: {reason}")
