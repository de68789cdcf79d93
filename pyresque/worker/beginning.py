"""A job that is about to begin: whether it is too late, and that equal ones may come (docs/limits.md)."""

from __future__ import annotations

import time

from pyresque.log import Log
from pyresque.model.perform import ReservedJob
from pyresque.model.unique import key_held
from pyresque.store import effects
from pyresque.store.connection.link import Command
from pyresque.store.connection.server import is_same
from pyresque.store.space import Space
from pyresque.usercode.safely import tried
from pyresque.wire.extra_keys import expires_at

logger = Log("pyresque.worker")


def is_expired(job: ReservedJob) -> bool:
    """Whether it has waited for longer than its `ttl`."""
    until = expires_at(job.payload.value)
    return until is not None and time.time() >= until


def freed_key(space: Space, job: ReservedJob) -> str | None:
    """The key that it holds as a unique job until it begins; None if it is not one."""
    return key_held(space, job.job, job.untouched().payload)


def at_expiry(space: Space, job: ReservedJob) -> list[Command]:
    """What it means that a job is not run because it is too late: it is counted, and its locks are free."""
    logger.warning("expired, and not run: %s", job.untouched())
    guards, _ = tried(lambda: job.job.guards(job.untouched().payload.args) if job.job is not None else [])
    keys = [guard.lock for guard in guards or () if is_same(guard.space.link, space.link)]
    own = freed_key(space, job)
    freed = [*keys, *([] if own is None else [own])]
    return [*effects.count_expired(space.keys), *(effects.forget(key) for key in freed)]
