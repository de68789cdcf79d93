"""What must be true at the end of a run, whatever happened in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pyresque.wire.records import FailureRecord
from tests.model.world import Check, Final, Kept, Unavailable

WAITING = ("queue:", "delayed:1", "pyresque:aside:")
"""Lists in which jobs stand."""


def nobody_is_left(final: Final, locks: bool = True) -> None:
    """Workers have left the books, or were taken out of them; locks and answers of scripts are gone.

    Args:
        locks: so are locks; else those may stay until they expire, if they keep nobody away.
    """
    for name, result in final.results.items():
        assert not isinstance(result, BaseException), f"{name} ended with {result!r}"
        assert not (final.is_calm and isinstance(result, Unavailable)), f"{name} could not do it: {result!r}"
    books_agree(final.before)
    books_agree(final.after)
    after = final.after
    left = after.keys("worker:", "workers", "pyresque:workers", "stat:processed:", "stat:failed:")
    left += after.keys("pyresque:owner:", "lock:", "loner:") if locks else []
    if final.unsure or final.dead:
        # A command that comes late may write when a worker began, after he has left: nobody reads that.
        left = [key for key in left if not key.endswith(":started")]
    assert not left, f"left behind: {left}"
    once = final.before.keys("pyresque:once:")
    assert not final.is_calm or not once, f"answers of scripts were left: {once}"
    for key in once:
        assert 0 <= final.before.lives(key) <= 300, f"{key} stays for ever"
    assert not after.keys("pyresque:once:"), "answers of scripts outlive their time"


def books_agree(kept: Kept) -> None:
    """What Ruby reads besides the lists of jobs says the same as these."""
    queues = [key.removeprefix("queue:") for key in kept.keys("queue:")]
    assert {name.encode() for name in queues} <= set(kept["queues"]), f"unknown queues: {queues}"
    seconds = {member for member, _ in kept["delayed_queue_schedule"]}
    for key in kept.keys("delayed:1"):
        assert key.removeprefix("delayed:").encode() in seconds, f"nobody looks into {key}"
        for item in kept[key]:
            where = kept[f"timestamps:{item.decode()}"]
            assert key.encode() in where, f"{item} of {key} is said to be in {where}"
    for key in kept.keys("timestamps:"):
        item = key.removeprefix("timestamps:").encode()
        assert all(item in kept[where.decode()] for where in kept[key]), f"{key} names a wrong second"


def records(final: Final, number: Any) -> list[FailureRecord]:
    """The failures of a job that were not put back."""
    return [
        one
        for one in final.after.failures()
        if one.payload.get("args", [None])[0] == number and not one.value.get("retried_at")
    ]


def places(kept: Kept, number: Any) -> list[str]:
    """Where a job waits."""
    return [key for key in kept.keys(*WAITING) for n in range(kept.numbers(key)[number])]


def once(final: Final, jobs: Mapping[int, str], most: int = 1, leaving: bool = False) -> None:
    """Each job is in exactly one place, and was begun at most so many times.

    Args:
        leaving: a worker is told to leave: what it holds stays with it if Redis is away then, and is pruned.
        jobs: for each number what kind of job it is: `Good` or `Bad`.
    """
    for number, kind in jobs.items():
        begun, ended = final.begun(number), final.ended(number)
        assert begun <= most, f"job {number} was begun {begun} times"
        waits, failed = places(final.after, number), records(final, number)
        assert len(waits) + len(failed) <= 1, f"job {number} is in {waits} and in {len(failed)} records"
        assert not waits, f"job {number} was left in {waits}"
        was_struck = _was_struck(final, number)
        if not failed:
            assert kind == "Good", f"job {number} has failed, and has no record"
            assert ended, f"job {number} is lost"
            continue
        error = failed[0].text("exception")
        if error == "ValueError":
            assert kind == "Bad", f"job {number} is recorded as {error}"
            assert ended, f"job {number} failed without being run"
        else:
            assert was_struck or (leaving and final.away), (
                f"job {number} is recorded as {error}: {failed[0].text('error')}"
            )


def _was_struck(final: Final, number: Any) -> bool:
    """Whether somebody was killed who may have had this job in hand."""
    who = {name for _, one, name in final.ledger if one == number}
    return bool(final.dead & who or final.gone & who or (not who and final.dead))


def counted(final: Final, jobs: Iterable[int]) -> None:
    """The counters say how many jobs ended, where nobody was killed."""
    if not final.dead:
        begun = sum(final.begun(number) for number in jobs)
        assert final.after.number("stat:processed") == begun, "stat:processed is wrong"


def all_of(*checks: Check) -> Check:
    """All of these."""

    def check(final: Final) -> None:
        for one in checks:
            one(final)

    return check


def each_job_once(jobs: Mapping[int, str], most: int = 1) -> Check:
    """Of worlds in which nothing but the usual happens."""

    def check(final: Final) -> None:
        nobody_is_left(final)
        once(final, jobs, most)
        counted(final, jobs)

    return check
