"""Jobs that wait once at a time (`unique=True`), on the keys of resque-lock-timeout's loners.

See docs/protocol/core.md#resque-lock-timeout. The plugin `Loner` is the same for one class, with what it can
be told beyond that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyresque.model.job_class import JobClass
from pyresque.store.locks import Guard
from pyresque.store.space import Space
from pyresque.usercode.safely import tried
from pyresque.wire.extra_keys import tracked_id, unique_seconds
from pyresque.wire.joined_arguments import joined
from pyresque.wire.records import Payload
from pyresque.wire.ruby_inspect import identity


def unique_guard(space: Space, class_name: str, args: Sequence[Any], seconds: int) -> Guard:
    """What must not wait or run already for such a job to be pushed; the push takes the first key."""
    lock = space.keys.lock(f"{class_name}:{identity(joined(args))}")
    return Guard(space, space.keys.loner(lock), lock, seconds)


def keys_with(space: Space, job: JobClass | None, payload: Payload) -> list[str]:
    """The keys that go with a waiting job that is removed: that of a unique one, and its status."""
    job_id = tracked_id(payload.value)
    own = key_held(space, job, payload)
    return [*([] if own is None else [own]), *([] if job_id is None else [space.keys.status(job_id)])]


def key_held(space: Space, job: JobClass | None, payload: Payload) -> str | None:
    """The key that a waiting job holds so that no equal one is enqueued; None if it is not unique.

    A job that Ruby has enqueued is unique if its class is declared so.
    """
    if not (unique_seconds(payload.value) or (job is not None and job.options.get("unique"))):
        return None
    guard, _ = tried(unique_guard, space, payload.class_name, payload.args, 0)
    return None if guard is None else guard.lock  # none can be made of its arguments: then none was taken
