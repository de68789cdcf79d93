"""What the log tells of a class whose jobs a worker leaves to others: perhaps they are meant for it."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from pyresque.log import Log
from pyresque.model.registry import Registry
from pyresque.wire.records import JOB_WRAPPER

logger = Log("pyresque.worker")


def log_left(name: str, queue: str, names: Sequence[str], registry: Registry) -> None:
    """Log that jobs of a class are left, and why, with the class whose name is most like it."""
    inner = name.removeprefix(f"{JOB_WRAPPER} ")
    if inner == name:
        why = "this one has no job of that name"
    elif registry.find(inner) is None:
        why = "this one has no Active Job of that name"
    else:
        why = "they are Active Jobs, and here it is registered with @job: @active_job.job takes them"
    close = get_close_matches(name, names, 1, 0.8)
    hint = f"; it has {close[0].removeprefix(JOB_WRAPPER).strip()}" if close else ""
    logger.info("jobs of class %s on queue %s are left to other workers: %s%s", inner, queue, why, hint)
