"""What the log says of a job that has failed, whatever process it ran in: with its traceback, once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pyresque.log import Log, traceback_text
from pyresque.model.perform import ReservedJob
from pyresque.usercode.safely import cut, full_name_of, text_of, tried
from pyresque.worker.report import Report

logger = Log("pyresque.worker")

_LINE = 500
"""Characters of an error in the line of a job that has failed; its traceback shows the rest."""
_TRACEBACK = 32_000
"""Characters of a traceback; of a longer one the end is kept, with the error."""


def one_line(error: BaseException) -> str:
    """An error as one line: `ValueError: no such user`."""
    return f"{full_name_of(type(error))}: {_first_line(text_of(error))}".removesuffix(": ")


def traceback_of(error: BaseException, stack: Sequence[str] = ()) -> str:
    """The traceback of a job's error; empty where it has none. It never raises.

    Args:
        stack: where the job was when it was ended, innermost first, for an error that was raised nowhere.
    """
    text, _ = tried(_traceback, error, stack)
    return text or ""


def _traceback(error: BaseException, stack: Sequence[str]) -> str:
    text = traceback_text(error, of_job=True)
    if "\n  File " not in text:
        text = "\n".join(["The job was here, innermost call first:", *(f"  {line}" for line in stack)])
        return text[:_TRACEBACK] if stack else ""
    return text if len(text) <= _TRACEBACK else f"...\n{text[-_TRACEBACK:]}"


def tell(job: ReservedJob, report: Report, again_at: float | None) -> None:
    """Log that a job has failed: as an error if that is final, as a warning if another attempt follows.

    Args:
        report: what became of it.
        again_at: when its `retry=` lets it run again, in seconds since the epoch.
    """
    if report.exception:
        text, error = "%s failed: %s", f"{report.exception}: {_first_line(report.error)}".removesuffix(": ")
    elif report.handled:
        text, error = "%s failed: %s" if report.again else "%s is discarded: %s", report.handled
    else:
        text, error = "%s %s", "ends before it is done, and goes on later"
    fields: dict[str, Any] = {"job": job, "error": error}
    if report.again:
        again_at = report.again[0][2]
    if again_at is not None:
        seconds = max(0, round(again_at - time.time()))
        due = again_at if seconds else time.time()
        fields["next_attempt"] = datetime.fromtimestamp(due, UTC).isoformat(timespec="seconds")
        error += f"; the next attempt is due {_moment(due, seconds)}"
    if not report.exception and not report.handled:
        logger.info(text, job, error, **fields)
    elif again_at is not None or not report.exception:
        logger.warning(text, job, error, exc_info=report.traceback, **fields)
    else:
        logger.error(text, job, error, exc_info=report.traceback, **fields)


def _moment(due: float, seconds: int) -> str:
    if not seconds:
        return "now"
    return f"at {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(due))}, in {seconds:,} s"


def _first_line(text: str) -> str:
    return cut(next(iter(text.splitlines()), ""), _LINE)
