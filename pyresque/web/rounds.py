"""Actions on many elements from a page: rounds as long as a request may take, and what is asked before."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from pyresque.client.looking import Groups
from pyresque.client.selection import ActionResult
from pyresque.web.acting import ROUND, Form, Outcome, Question

SECONDS = 0.9
"""No further round is begun after so many seconds."""
COUNTED = 10_000
"""Elements that are read to tell how many an action means."""


def in_rounds(form: Form, act: Callable[[int, str | None], ActionResult], done: str) -> Outcome:
    """Act as long as a request may take; the next one goes on where this one ends.

    Args:
        act: a round of at most so many elements, from a cursor on.
        done: how the outcome calls what was done, such as `removed`.
    """
    end = time.monotonic() + SECONDS
    skipped: Counter[str] = Counter()
    count, after = 0, form.get("after") or None
    while True:
        result = act(max(1, ROUND - count), after)
        count, after = count + result.done, result.next
        skipped.update(result.skipped)
        if after is None or count >= ROUND or time.monotonic() > end:
            return Outcome(told(count, skipped, done), count, after is not None, after or "")


def told(count: int, skipped: dict[str, int], done: str) -> str:
    """What was done, and what was left alone, as a sentence."""
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in skipped.items())
    done = done.replace("their queues", "its queue") if count == 1 else done
    return f"{count:,} {done}." + (f" Left alone: {reasons}." if reasons else "")


def question(groups: Groups[Any], total: int | None, note: str = "") -> Question:
    """How many are meant, and of which classes, as far as so many elements tell.

    Args:
        groups: by class.
        total: how many there are in all, where that is known without reading them.
    """
    classes = {group.key: group.count for group in groups}
    if groups.is_whole:
        return Question(groups.total, classes, note)
    seen = f"The classes are those of the {groups.looked_at:,} that were looked at."
    if total is None:
        found = f"at least {groups.total:,}" if groups.total else "none of those"
        seen = f"Only {groups.looked_at:,} were looked at, {found}; there are more."
    return Question(total, classes, f"{seen} {note}".strip())
