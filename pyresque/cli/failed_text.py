"""What `pyresque failed` prints about a failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pyresque.cli.by_id import tell_unclear
from pyresque.cli.json_output import time_of, timestamp
from pyresque.cli.output import ago, compact, job_of, moment, safe, short

if TYPE_CHECKING:
    from pyresque import Resque
    from pyresque.client.next_retry import NextAttempt
    from pyresque.wire.records import FailureRecord

HEAD = ("ID", "FAILED", "QUEUE", "JOB", "ERROR", "RETRIED")


def row(record: FailureRecord, attempt: NextAttempt | None) -> tuple[str, ...]:
    """A failure as a line of a table."""
    error = f"{record.text('exception') or ''}: {record.text('error') or ''}"
    retried = "put aside" if record.holds_aside else _since(record.retried_at)
    return (
        short_id(record),
        _since(record.value.get("failed_at")),
        record.text("queue") or "",
        _job(record),
        error,
        "; ".join(filter(None, [retried, coming(attempt, ago)])),
    )


def lines(record: FailureRecord, attempt: NextAttempt | None) -> list[tuple[str, str]]:
    """All about a failure, as names and values."""
    if not record.value:
        return [("id", record.id), ("no record", record.raw.decode("utf-8", "backslashreplace"))]
    error = (record.text("error") or "").splitlines()
    return [
        ("id", record.id),
        ("failed at", record.text("failed_at") or ""),
        ("job", record.class_name or record.aside_text or compact(record.value.get("payload"))),
        *([] if record.aside_text else [("args", compact(job_of(record.payload)[1]))]),
        ("queue", record.text("queue") or ""),
        ("worker", record.text("worker") or ""),
        ("exception", record.text("exception") or ""),
        *((("error" if n == 0 else ""), line) for n, line in enumerate(error or [""])),
        ("retried at", record.text("retried_at") or "never"),
        *([("next attempt", coming(attempt))] if attempt else []),
        *([("put aside", _held(record))] if record.holds_aside else []),
        *((("backtrace" if n == 0 else ""), line) for n, line in enumerate(record.backtrace)),
    ]


def document(record: FailureRecord, attempt: NextAttempt | None) -> dict[str, Any]:
    """A failure for programs."""
    return {
        "id": record.id,
        "list": record.list_name,
        "failed_at": time_of(record.value.get("failed_at")),
        "queue": record.text("queue"),
        "class": None if record.aside_text else record.class_name or None,
        "args": None if record.aside_text else job_of(record.payload)[1],
        "exception": record.text("exception"),
        "error": record.text("error"),
        "backtrace": record.backtrace,
        "worker": record.text("worker"),
        "retried": record.was_retried,
        "retried_at": time_of(record.retried_at),
        "next_attempt": _attempt(attempt),
        "put_aside": record.aside if record.holds_aside else None,
        "payload": record.value.get("payload"),
    }


def title(record: FailureRecord) -> str:
    """A failure in a sentence."""
    return f"{short(_job(record), 110)} of queue {safe(record.text('queue'))} ({short_id(record)})"


def short_id(record: FailureRecord) -> str:
    """As much of its ID as is typed."""
    return safe(_short_id(record.id))


def found(resque: Resque, ids: Sequence[str]) -> list[FailureRecord | None]:
    """The failures with these IDs; what names none, or several, is said on stderr."""
    records = resque.failures.find_all(ids)
    if missed := [record_id for record_id, record in zip(ids, records, strict=True) if record is None]:
        every = (record.id for record in resque.failures.each())
        tell_unclear(missed, every, "failure", "pyresque failed list", _short_id)
    return records


def coming(attempt: NextAttempt | None, when: Callable[[float], str] = moment) -> str:
    """What comes of a failed job by itself, in a few words."""
    if attempt is None:
        return ""
    if attempt.state == "delayed":
        return f"{'retry' if attempt.sure else 'equal job'} due {when(attempt.at)}"
    if attempt.state == "unknown":
        return "retry to come"
    if attempt.state == "aside":
        return f"retry put aside with {attempt.where[:8]}"
    return f"retry {'waits on' if attempt.state == 'queued' else 'runs on'} {attempt.where}"


def _short_id(whole: str) -> str:
    return whole[: 13 if whole.startswith("sha1:") else 8]


def _since(text: object) -> str:
    """A stored time as seen from now; as it is where it is not a time."""
    from pyresque.wire import times

    at = times.parse(text) if isinstance(text, str) else None
    return ago(at) if at is not None else "" if text is None else str(text)


def _job(record: FailureRecord) -> str:
    if not record.class_name:
        return f"(no job) {record.aside_text}".rstrip()
    return f"{record.class_name} {compact(job_of(record.payload)[1])}"


def _held(record: FailureRecord) -> str:
    came_from = str(record.aside).partition(":")
    where = "the delayed jobs" if came_from[0] == "delayed" else f"the {came_from[0]} {came_from[2]}"
    return f"from {where}; `failed retry` puts it back there, `failed remove` removes it for good"


def _attempt(attempt: NextAttempt | None) -> dict[str, Any] | None:
    if attempt is None:
        return None
    return {
        "state": attempt.state,
        "at": timestamp(attempt.at) if attempt.state == "delayed" else None,
        "queue": attempt.where if attempt.state == "queued" else None,
        "worker": attempt.where if attempt.state == "running" else None,
        "sure": attempt.sure,
    }
