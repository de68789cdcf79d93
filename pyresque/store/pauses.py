"""Pauses of queues, on the keys of resque-pause (docs/protocol/core.md#resque-pause)."""

from __future__ import annotations

from collections.abc import Sequence

from pyresque.store.space import Space

MANY = 100
"""Of more queues than these it is asked at first whether any is paused."""


def pause(space: Space, queue: str | None) -> None:
    """Pause a queue, or (None) all of them."""
    space.link.execute("SET", space.keys.queue_pause(queue), "true")


def resume(space: Space, queue: str | None) -> None:
    """End the pause of a queue, or (None) that of all queues."""
    space.link.execute("UNLINK", space.keys.queue_pause(queue))


def is_paused(space: Space, queue: str | None) -> bool:
    """Whether there is a pause of this queue, or of all queues."""
    names = (None,) if queue is None else (None, queue)
    return bool(space.link.execute("EXISTS", *map(space.keys.queue_pause, names)))


def among(space: Space, queues: Sequence[str]) -> list[str]:
    """Those of these queues that are paused themselves."""
    if len(queues) > MANY:  # mostly none is, and that is told by one number
        keys = [space.keys.queue_pause(queue) for queue in queues]
        if not space.link.execute("EXISTS", *keys):
            return []
    replies = space.link.execute_many([("EXISTS", space.keys.queue_pause(queue)) for queue in queues])
    return [queue for queue, reply in zip(queues, replies, strict=True) if reply == 1]


def are_workers_paused(space: Space) -> bool:
    """Whether `pause-all-workers` pauses every worker (docs/protocol/core.md#pausing)."""
    value = space.link.execute_many([("GET", space.keys.pause_all)])[0]
    return isinstance(value, bytes) and value.strip().lower() == b"true"


def resume_workers(space: Space) -> None:
    """End what `pause-all-workers` does."""
    space.link.execute("UNLINK", space.keys.pause_all)
