"""What `pyresque failed retry` does: jobs are put back so that none runs twice unless that was asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from pyresque.cli.failed_text import title
from pyresque.cli.output import counted, moment, safe
from pyresque.errors import NotAJob
from pyresque.keys import DELAYED

if TYPE_CHECKING:
    from pyresque import Resque
    from pyresque.client.next_retry import NextAttempt
    from pyresque.store.delayed import Element
    from pyresque.wire.records import FailureRecord


@dataclass(frozen=True)
class Retries:
    """Which failures are meant of those whose job may run twice, and whether to ask before that."""

    again: bool
    with_due: bool
    ask: bool = False


def retry_chosen(resque: Resque, records: Sequence[FailureRecord], retries: Retries) -> int:
    """Put back the jobs of failures that were named, after a question where one could run twice.

    Returns:
        How many were not put back.
    """
    missed = 0
    for record, attempt in zip(records, resque.failures.next_attempts(records), strict=True):
        doubt = _doubt(record, attempt, retries)
        if doubt and retries.ask and not _agreed(f"{title(record)} {doubt}", attempt):
            missed += 1
            continue
        done = _put_back(resque, record, attempt)
        missed += not done
        if done:
            click.echo(f"put back {title(record)}{_instead(attempt)}{_due_now(record)}")
    return missed


def retry_many(resque: Resque, chosen: Sequence[FailureRecord], retries: Retries) -> int:
    """Put back the jobs of many failures, and tell how many were left alone, and why.

    Returns:
        How many could not be put back.
    """
    from pyresque.failure.copies import joined  # only a retry waits for it

    every = joined(chosen)
    fresh = [record for record in every if retries.again or not record.was_retried]
    before = len(every) - len(fresh)
    done = missed = 0
    left: list[NextAttempt] = []
    brought: set[Element] = set()
    for record, attempt in zip(fresh, resque.failures.next_attempts(fresh), strict=True):
        # Several failures may be attempts at one job: it comes once.
        if attempt is not None and (
            not retries.with_due
            or attempt.state != "delayed"
            or (attempt.sure and attempt.element in brought)
        ):
            left.append(attempt)
        elif _put_back(resque, record, attempt):
            done += 1
            brought.update(() if attempt is None else (attempt.element,))
        else:
            missed += 1
    click.echo("; ".join([f"put {counted(done, 'job')} back", *_left(before, left, retries)]))
    return missed


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
    try:
        return click.confirm(f"{doubt}. {offer}?", err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        click.echo(
            "\nError: nobody answered, so it was left alone; --yes puts it back without a question", err=True
        )
        return False


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


def _left(before: int, left: Sequence[NextAttempt], retries: Retries) -> list[str]:
    """Why failures were left alone, with their numbers."""
    sure = [attempt.at for attempt in left if attempt.state == "delayed" and attempt.sure]
    perhaps = [attempt for attempt in left if not attempt.sure]
    others = len(left) - len(sure) - len(perhaps)
    sentences = []
    if before:
        sentences.append(
            f"{before} had been put back before and {_were(before)} left alone (--again takes them too)"
        )
    if sure and retries.with_due:
        sentences.append(f"{len(sure)} {_were(len(sure))} left alone: other failures of the same jobs")
    elif sure:
        sentences.append(
            f"{len(sure)} {_were(len(sure))} left alone: their automatic attempt is still to come, the next "
            f"at {moment(min(sure))} (--with-due lets it come now)"
        )
    if perhaps:
        sentences.append(
            f"{len(perhaps)} {_were(len(perhaps))} left alone: a delayed job may be their automatic attempt "
            "(-r with their module tells; --with-due puts them back all the same)"
        )
    if others:
        sentences.append(
            f"{others} {_were(others)} left alone: their automatic attempt waits on a queue, runs, or was "
            "put aside with a failure of its own"
        )
    return sentences


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
