"""Which job a log line belongs to: what lines with named fields show, and what an application's own may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyresque.model.perform import ReservedJob
from pyresque.usercode.safely import tried_in_job
from pyresque.wire.extra_keys import tracked_id
from pyresque.wire.records import wrapped_job


def _none() -> ReservedJob | None:
    return None


_running: Callable[[], ReservedJob | None] = _none


def tell_running(find: Callable[[], ReservedJob | None]) -> None:
    """From now on this tells which job runs where it is called: a worker says so when it begins."""
    global _running
    _running = find


def running() -> ReservedJob | None:
    """The job that runs here; None if none does."""
    return tried_in_job(_running)[0]


def tags_of(job: ReservedJob | None) -> dict[str, str]:
    """What tells a job from others in a log: `class`, `queue`, and `job_id` where it has one."""
    if job is None:
        return {}
    value: Any = job.payload.value
    inner = wrapped_job(value) or {}
    job_id = inner.get("job_id") or tracked_id(value)
    tags = {"class": job.payload.job_class, "queue": job.queue, "job_id": job_id}
    return {name: text for name, text in tags.items() if type(text) is str and text}


class JobFilter:
    """A filter for the application's own handlers: each record gets `job_class`, `job_queue` and `job_id`.

    They are empty in lines that belong to no job, or whose job has no id.
    """

    def filter(self, record: Any) -> bool:
        """Tag a record; all pass."""
        tags, _ = tried_in_job(lambda: tags_of(running()))
        for name, tag in (("job_class", "class"), ("job_queue", "queue"), ("job_id", "job_id")):
            setattr(record, name, (tags or {}).get(tag, ""))
        return True
