"""A tracked job while it runs, and what its end means for its status (docs/tracking.md).

The process of a job says that it works, and how far it is. That it is over is written by whoever settles the
job, in the same step: so a status says `completed` where the job counts as done, and nowhere else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from pyresque.errors import MalformedPayload, RedisError
from pyresque.failure.describe import error_message
from pyresque.log import Log
from pyresque.model.perform import Outcome, ReservedJob
from pyresque.model.tracking import KEEP_SECONDS, fresh_status
from pyresque.plugins.status import Status, StoredStatuses, entered
from pyresque.store import statuses
from pyresque.store.connection.link import Command
from pyresque.store.space import Space
from pyresque.usercode.safely import text_of, tried_in_job
from pyresque.wire import times
from pyresque.wire.encoding import Style, decode, encode
from pyresque.wire.extra_keys import tracked_id, with_keys
from pyresque.worker.report import Report, Returned

logger = Log("pyresque.worker")

LARGEST_RESULT = 1_000_000
"""Bytes of JSON that a result may have."""


class TrackedJob:
    """A tracked job in the process that runs it.

    Args:
        space: where its status is; a link that only this process uses.
    """

    def __init__(self, space: Space, job: ReservedJob, job_id: str) -> None:
        self._space, self._id = space, job_id
        self._outcome = Outcome()
        self.job = replace(job, outcome=self._outcome)
        """The same job, which keeps what its function returns."""
        self._leave: Callable[[], object] = lambda: None

    def begin(self) -> None:
        """Say that the job works, unless somebody has cancelled it: then nothing of it will run.

        If Redis gives no answer, it runs.
        """
        value = fresh_status(self._id, self.job.payload.class_name, self.job.untouched().payload.args)
        self._status = Status(StoredStatuses(self._space, KEEP_SECONDS), self._id, value["name"])
        try:
            value = {**stored_status(self._space, self.job, self._id), "status": "working"}
            value.pop("message", None)
            raw = encode(value, self._space.style)
            self._outcome.cancelled = statuses.begin(self._space, self._id, raw, KEEP_SECONDS)
        except RedisError as trouble:
            logger.warning("the status of %s can neither be read nor written now: %s", self._id, trouble)
        self._leave = entered(self._status)

    def leave(self) -> None:
        """`current_status()` is that of no job any more."""
        self._leave()
        self._leave = lambda: None

    def told(self, report: Report) -> Report:
        """The report of the job's end, with what its function returned."""
        if report.done:
            report.returned = self._returned(self._space.style)
        return report

    def _returned(self, style: Style) -> Returned:
        if self._outcome.cancelled:
            return Returned(cancelled=True)
        said = (text_of(self._status.said.get("status", "")), text_of(self._status.said.get("message", "")))
        written, error = tried_in_job(_written, self._outcome.value, style)
        if written is None:
            reason = error_message(error) if error is not None else "it has no form in JSON"
            return Returned(missing=f"what it returned cannot be written as JSON: {reason}", said=said)
        if len(written) > LARGEST_RESULT:
            text = (
                f"what it returned has {len(written)} bytes as JSON, and {LARGEST_RESULT} are stored at most"
            )
            return Returned(missing=text, said=said)
        return Returned(written, said=said)


def _written(value: Any, style: Style) -> bytes:
    written, error = tried_in_job(encode, value, style)
    if written is not None:
        return written
    plain, _ = tried_in_job(msgspec.to_builtins, value)  # a dataclass, a date, a UUID ...
    if plain is None and error is not None:
        raise error
    return encode(plain, style)


def stored_status(space: Space, job: ReservedJob, job_id: str) -> dict[str, Any]:
    """The status as it is stored, or else that of a job that waits.

    Raises:
        RedisError: Redis gives no answer.
    """
    raw = statuses.read(space, job_id)
    try:
        value = None if raw is None else decode(raw)
    except MalformedPayload:
        value = None
    fresh = fresh_status(job_id, job.payload.class_name, job.untouched().payload.args)
    return {**fresh, **value} if isinstance(value, dict) else fresh


def at_end(space: Space, job: ReservedJob, report: Report, goes_on: bool) -> list[Command]:
    """What the end of a job means for its status, if it is tracked.

    Args:
        goes_on: whether another attempt follows by itself.
    """
    returned = report.returned
    has_result = returned is not None and not (returned.missing or returned.cancelled or report.exception)
    return _commands(
        space, job, lambda value: _final(value, report, goes_on), spare=not goes_on,
        result=returned.value if returned is not None and has_result else None,
    )  # fmt: skip


def expired_status(space: Space, job: ReservedJob) -> list[Command]:
    """What it means for the status of a job, if it is tracked, that it has waited too long to be run."""
    now = times.started(time.time())
    message = f"Expired at {now}: it had waited for longer than its ttl, and was not run"
    changes = {"status": "killed", "message": message, "expired": True}
    return _commands(space, job, lambda value: {**value, **changes}, spare=True)


def back_on_queue(space: Space, job: ReservedJob) -> list[Command]:
    """What it means for the status of a job, if it is tracked, that it goes back to its queue."""
    return _commands(space, job, lambda value: {**value, "status": "queued"}, spare=False)


def _final(value: dict[str, Any], report: Report, goes_on: bool) -> dict[str, Any]:
    for key in ("result", "result_missing", "exception"):
        value.pop(key, None)
    now, returned = (
        times.started(time.time()),
        report.returned or Returned(missing="its process did not tell it"),
    )
    if report.exception:
        state, message = "failed", f"The task failed because of an error: {report.error}"
        value["exception"] = report.exception
    elif returned.cancelled:
        state, message = "killed", f"Killed at {now}"
    else:
        state, message = "completed", f"Completed at {now}"
        if returned.missing:
            value["result_missing"] = returned.missing
        if returned.said[0] in ("completed", "failed"):
            state, message = returned.said[0], returned.said[1] or message
    return {**value, "status": "queued" if goes_on else state, "message": message}


def _commands(
    space: Space,
    job: ReservedJob,
    changed: Callable[[dict[str, Any]], dict[str, Any]],
    *,
    spare: bool,
    result: bytes | None = None,
) -> list[Command]:
    job_id = tracked_id(job.payload.value)
    if job_id is None:
        return []
    try:
        value = stored_status(space, job, job_id)
    except RedisError:  # what is known of it now is the least, and must be told
        value = fresh_status(job_id, job.payload.class_name, job.untouched().payload.args)
    raw = encode(changed(value), space.style)
    if result is not None:
        raw = with_keys(raw, b'"result":' + result)
    return [
        *statuses.written(space, job_id, raw, KEEP_SECONDS),
        *(statuses.spared(space, job_id) if spare else []),
    ]


def tracked_job(space: Space, job: ReservedJob) -> TrackedJob | None:
    """The same job with its status; None if it is not tracked."""
    job_id = tracked_id(job.payload.value)
    return None if job_id is None else TrackedJob(space, job, job_id)
