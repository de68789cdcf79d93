"""What a worker and the process of a job say to each other, and how it is framed.

Every task has a number. A report says of which task it is, and who says it: what does not fit is not heard.
"""

from __future__ import annotations

import msgspec

Again = tuple[str, bytes, float]
"""A job that is to be put on a queue: queue, element, when (seconds since the epoch)."""


class Following(msgspec.Struct, frozen=True):
    """What a job's `retry=` says of the attempt that may follow one that failed."""

    wanted: bool = False
    """Whether the error allows one."""
    counts: bool = True
    """False where the attempt that failed does not count."""
    steps: list[float] = []
    """The pauses that go with the error; none where they do not depend on it."""
    queue: str = ""
    """Where it goes, if not to the queue of its class."""
    payload: bytes = b""
    """The job, if it is not the same."""


class Returned(msgspec.Struct, frozen=True):
    """What the function of a tracked job has left: its value as JSON, or why that is missing.

    `cancelled`: somebody has ended the job. `said`: the state and message that it has set itself.
    """

    value: bytes = b"null"
    missing: str = ""
    cancelled: bool = False
    said: tuple[str, str] = ("", "")


class Report(msgspec.Struct):
    """What became of a job: nothing but defaults is "done", else the failure."""

    exception: str = ""
    error: str = ""
    backtrace: list[str] = []
    failure_id: str | None = None
    saved: bool = True
    """False where the failure backend's own `save` raised, or is yet to be told."""
    following: Following = Following(wanted=True)
    """What the job's `retry=` makes of this error."""
    again: list[Again] = []
    """What follows from a job that is done: its next attempt."""
    payload: bytes = b""
    """The job as its failure shows it, where that may not be how it was taken (an Active Job's counts)."""
    returned: Returned | None = None
    """What is to be told of a tracked job that is done."""
    broken: bool = False
    """What became of the job cannot be told, for its process is broken: `error` says how."""
    traceback: str = ""
    """The traceback for the log, as Python shows it."""
    handled: str = ""
    """The error that the job has dealt with itself (an Active Job's retry_on): for the log, too."""

    @property
    def done(self) -> bool:
        """Whether the job is done."""
        return not self.exception

    def short(self) -> Report:
        """The least that can be said, where there is little room."""
        reason = "the job has closed the descriptor over which it is told, and elsewhere is too little room"
        if self.again:
            text = f"The job is done, but what follows from it is not told: {reason}"
            return Report("Resque::DirtyExit", text, saved=False)
        text = f"{self.error[:10_000]}\n(The rest is left out: {reason})" if self.exception else ""
        return Report(
            self.exception[:1_000], text, [], self.failure_id, saved=self.saved, following=self.following,
            broken=self.broken,
        )  # fmt: skip


class Task(msgspec.Struct, array_like=True):
    """A job on its way to its process: its number, its queue, its element."""

    number: int
    queue: str
    raw: bytes


class SentReport(msgspec.Struct, array_like=True):
    """A report on its way back: of which task it is, and which process sends it."""

    number: int
    pid: int
    report: Report


_encode = msgspec.msgpack.Encoder().encode
_TASK = msgspec.msgpack.Decoder(Task)
_TOLD = msgspec.msgpack.Decoder(SentReport)


def framed(message: Task | SentReport) -> bytes:
    """A message with its length before it."""
    data = _encode(message)
    return len(data).to_bytes(4, "big") + data


def size_in(head: bytes | bytearray) -> int:
    """The length with which a message begins."""
    return int.from_bytes(head[:4], "big")


def task_in(data: bytes) -> Task:
    """Read a task."""
    return _TASK.decode(data)


def report_in(data: bytes | bytearray) -> SentReport | None:
    """Read a report; None if it is not one."""
    try:
        return _TOLD.decode(data)
    except msgspec.DecodeError:
        return None
