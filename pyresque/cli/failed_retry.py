"""What `pyresque failed retry` does: jobs are put back so that none runs twice unless that was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from pyresque.cli.confirm import agreed, confirmed
from pyresque.cli.failed_text import title
from pyresque.cli.output import counted, moment, of_classes, safe
from pyresque.cli.progress import Progress
from pyresque.errors import NotAJob
from pyresque.keys import DELAYED

if TYPE_CHECKING:
    from pyresque import Resque
    from pyresque.client.failure_selection import FailureSelection
    from pyresque.client.next_retry import NextAttempt
    from pyresque.wire.records import FailureRecord


@dataclass(frozen=True)
class Retries:
    """Which failures are meant of those whose job may run twice, and whether that is asked, or only said."""

    again: bool
    with_due: bool
    yes: bool = False
    dry_run: bool = False


def retry_chosen(resque: Resque, records: Sequence[FailureRecord], retries: Retries) -> int:
    """Put back the jobs of failures that were named, after a question where one could run twice.

    Returns:
        How many were not put back.
    """
    missed = 0
    for record, attempt in zip(records, resque.failures.next_attempts(records), strict=True):
        doubt = _doubt(record, attempt, retries)
        if retries.dry_run:
            click.echo(f"would put back {title(record)}{f'; it {doubt}' if doubt else ''}")
            continue
        if doubt and not retries.yes and not _agreed(f"{title(record)} {doubt}", attempt):
            missed += 1
            continue
        done = _put_back(resque, record, attempt)
        missed += not done
        if done:
            click.echo(f"put back {title(record)}{_instead(attempt)}{_due_now(record)}")
    return missed


def retry_selected(selection: FailureSelection, retries: Retries) -> int:
    """Put back the jobs of many failures, after a question, and tell how many were left alone, and why.

    Returns:
        How many could not be put back.
    """
    from pyresque.client.selection import GONE, NOT_A_JOB

    total = None
    if retries.dry_run or not retries.yes:
        with Progress("reading", "failures") as told:
            plan = selection.plan(again=retries.again, pending=retries.with_due, progress=told)
        what = f"put back {of_classes('job', plan.by_class)}"
        if retries.dry_run:
            what = "; ".join([what, *_left(plan.skipped)])
        if (plan.done or retries.dry_run) and not confirmed(what, yes=False, dry_run=retries.dry_run):
            return 0
        total = plan.done + plan.left_alone
    with Progress("putting back", "failures", total) as told:
        result = selection.retry(
            again=retries.again, pending=retries.with_due, progress=told, refused=_tell_refused
        )
    left = _left(result.skipped) if result.done or result.skipped else ["no failure is like that"]
    click.echo("; ".join([f"put {counted(result.done, 'job')} back", *left]))
    return result.skipped.get(GONE, 0) + result.skipped.get(NOT_A_JOB, 0)


def _tell_refused(record: FailureRecord, why: str) -> None:
    click.echo(f"Error: {title(record)}: {safe(why)}", err=True)


def _put_back(resque: Resque, record: FailureRecord, attempt: NextAttempt | None) -> bool:
    """Put one job back, a delayed attempt in its own place; says why where that cannot be."""
    why = "it is not in the list any more"
    try:
        if attempt is not None and _can_come_now(attempt):
            why = "its automatic attempt has come meanwhile, or it is not in the list any more"
            done = resque.failures.bring_forward(record, attempt)
        else:
            done = resque.failures.requeue(record)
    except NotAJob as error:
        done, why = False, safe(error)
    if not done:
        click.echo(f"Error: {title(record)}: {why}", err=True)
    return done


def _doubt(record: FailureRecord, attempt: NextAttempt | None, retries: Retries) -> str:
    """Why this job might run twice, as the beginning of a question; empty where nothing says so."""
    reasons = []
    if record.was_retried and not retries.again:
        reasons.append(f"was put back before ({safe(record.retried_at)})")
    if attempt is not None and not retries.with_due:
        reasons.append(_coming(attempt))
    return " and ".join(reasons)


def _coming(attempt: NextAttempt) -> str:
    where = safe(attempt.where)
    due = moment(attempt.at) if attempt.state == "delayed" else ""
    return {
        "delayed": f"comes by itself at {due}"
        if attempt.sure
        else f"has an equal delayed job, due {due}, which may be its automatic attempt",
        "queued": f"waits on the queue {where} already, for its automatic attempt",
        "running": f"runs now on {where}, in its automatic attempt",
        "aside": f"was put aside at its automatic attempt, with the failure {where}",
        "unknown": "comes by itself, for its attempts are still counted",
    }[attempt.state]


def _agreed(doubt: str, attempt: NextAttempt | None) -> bool:
    offer = "Let it come now instead" if _can_come_now(attempt) else "Put it back all the same"
    answer = agreed(f"{doubt}. {offer}?")
    if answer is None:
        click.echo(
            "Error: nobody answered, so it was left alone; --yes puts it back without a question", err=True
        )
    return bool(answer)


def _can_come_now(attempt: NextAttempt | None) -> bool:
    return attempt is not None and attempt.state == "delayed" and attempt.sure


def _instead(attempt: NextAttempt | None) -> str:
    if attempt is None:
        return ""
    if _can_come_now(attempt):
        return f"; its automatic attempt, due {moment(attempt.at)}, comes now instead"
    return "; its automatic attempt comes as well"


def _due_now(record: FailureRecord) -> str:
    """A delayed job that was put aside goes back to the delayed jobs, for its hooks to run anew."""
    held = record.aside if record.holds_aside else None
    return "; it was delayed, and is due now" if held is not None and held.startswith(DELAYED) else ""


def _left(skipped: Mapping[str, int]) -> list[str]:
    """Why failures were left alone, with their numbers."""
    from pyresque.client.retries import PENDING, PERHAPS_PENDING, RETRIED, SAME_JOB, UNDER_WAY

    reasons = {
        RETRIED: "had been put back before and {were} left alone (--again takes them too)",
        PENDING: "{were} left alone: their automatic attempt is still to come (--with-due lets it come now)",
        PERHAPS_PENDING: "{were} left alone: a delayed job may be their automatic attempt "
        "(-r with their module tells; --with-due puts them back all the same)",
        UNDER_WAY: "{were} left alone: their automatic attempt waits on a queue, runs, "
        "or was put aside with a failure of its own",
        SAME_JOB: "{were} left alone: other failures of the same jobs",
    }
    return [
        f"{skipped[reason]} {text.format(were=_were(skipped[reason]))}"
        for reason, text in reasons.items()
        if skipped.get(reason)
    ]


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
