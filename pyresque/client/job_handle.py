"""A job that is tracked: its status, its result, its end (docs/tracking.md)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyresque.errors import JobCancelled, JobExpired, JobFailed, JobNotDone, MalformedPayload, NoResult
from pyresque.store import statuses
from pyresque.store.space import Space
from pyresque.wire.encoding import decode

OVER = ("completed", "failed", "killed")
"""The states of a job that nothing more becomes of, as resque-status names them."""

_FIRST_PAUSE, _LAST_PAUSE = 0.005, 0.25
"""Seconds between two looks at a job that is waited for: the longer it takes, the more."""


@dataclass(frozen=True)
class Progress:
    """How far a job is, as it says itself with `current_status().at(num, total, message)`."""

    num: float | None
    total: float | None
    message: str | None

    @property
    def fraction(self) -> float | None:
        """From 0 to 1; None where the job has not said it."""
        return None if self.num is None or not self.total else min(max(self.num / self.total, 0.0), 1.0)


class JobHandle:
    """One tracked job. `enqueue(..., track=True)` gives it; `resque.handle(id)` gives it to anybody else."""

    def __init__(self, space: Space, job_id: str) -> None:
        self._space = space
        self.id = job_id

    def __repr__(self) -> str:
        return f"<JobHandle {self.id}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JobHandle) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def status(self) -> str:
        """`queued`, `working`, `completed`, `failed` or `killed`, as resque-status has them.

        `expired`: it had waited for longer than its `ttl`, and was not run (to Ruby it is killed).
        `unknown`: nothing is known of the job (any more). A job that was cancelled before it began is
        `killed`.
        """
        return _state(self._seen())

    @property
    def progress(self) -> Progress:
        """How far the job is, as it says itself."""
        value = self._seen() or {}
        num, total, message = value.get("num"), value.get("total"), value.get("message")
        return Progress(_number(num), _number(total), message if isinstance(message, str) else None)

    def cancel(self) -> bool:
        """Let the job end: one that waits does not begin, one that runs ends when it next says how far it is.

        Returns:
            False if it is over already, or unknown: then there is nothing to cancel.
        """
        if _state(self._seen()) not in ("queued", "working"):
            return False
        statuses.kill(self._space, self.id)
        stored = _read(statuses.look(self._space, self.id)[1])
        if stored is not None and stored.get("status") in OVER:
            statuses.spare(self._space, self.id)  # it ended meanwhile: nobody else would take that back
            return stored.get("status") == "killed"
        return True

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the job is over; whether it is.

        Args:
            timeout: seconds to wait at most; None: as long as it takes.
        """
        return self._outcome(timeout) is not None

    def result(self, timeout: float | None = None) -> Any:
        """Wait until the job is over; returns what its function returned, after the way through JSON.

        Args:
            timeout: seconds to wait at most; None: as long as it takes.

        Raises:
            JobFailed: it has failed, and no automatic retry follows.
            JobCancelled: it was cancelled.
            JobExpired: it had waited for longer than its `ttl`, and was not run.
            JobNotDone: it was not over in that time.
            NoResult: its result cannot be had: it has no form in JSON, or nothing is known of the job.
        """
        return result_of(self.id, self._outcome(timeout), timeout)

    def _outcome(self, timeout: float | None) -> dict[str, Any] | None:
        """The status of the job once it is over, or unknown; None if the time is over before."""
        value = self.outcome()
        for pause in pauses(timeout) if value is None else ():
            time.sleep(pause)
            value = self.outcome()
            if value is not None:
                break
        return value

    def outcome(self) -> dict[str, Any] | None:
        """Its status if it is over, or unknown (then it is empty); else None."""
        value = self._seen()
        return None if _state(value) in ("queued", "working") else value or {}

    def _seen(self) -> dict[str, Any] | None:
        """The status, as it is stored, but that a job which waits and is cancelled is `killed` already."""
        is_doomed, raw = statuses.look(self._space, self.id)
        value = _read(raw)
        if is_doomed and value is not None and value.get("status") == "queued":
            return {**value, "status": "killed", "message": "Cancelled before it began"}
        return value


def pauses(timeout: float | None) -> Iterator[float]:
    """The seconds to wait between two looks at a job, until the time is over (None: without an end)."""
    until = None if timeout is None else time.monotonic() + timeout
    pause = _FIRST_PAUSE
    while (left := pause if until is None else until - time.monotonic()) > 0:
        yield min(pause, left)
        pause = min(pause * 1.5, _LAST_PAUSE)


def result_of(job_id: str, value: dict[str, Any] | None, timeout: float | None) -> Any:
    """What the end of a job gives to whoever waits for its result; see `JobHandle.result`."""
    if value is None:
        raise JobNotDone(f"job {job_id} was not over after {timeout:g} seconds: ask again later")
    state, message = _state(value), value.get("message")
    if state == "failed":
        exception = value.get("exception")
        raise JobFailed(str(message), exception if isinstance(exception, str) else "")
    if state == "expired":
        raise JobExpired(f"job {job_id} was not run: {message}")
    if state == "killed":
        raise JobCancelled(f"job {job_id} was cancelled: {message}")
    if state == "unknown":
        raise NoResult(
            f"nothing is known of job {job_id}: it was not tracked, or a day has passed since it ended"
        )
    if "result_missing" in value:
        raise NoResult(f"job {job_id} is done, but its result is not stored: {value['result_missing']}")
    return value.get("result")


def _state(value: dict[str, Any] | None) -> str:
    state = (value or {}).get("status")
    if state == "killed" and value is not None and value.get("expired") is True:
        return "expired"
    return state if isinstance(state, str) else "unknown"


def _number(value: object) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _read(raw: bytes | None) -> dict[str, Any] | None:
    try:
        value = None if raw is None else decode(raw)
    except MalformedPayload:
        return None
    return value if isinstance(value, dict) else None
