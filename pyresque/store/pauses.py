"""Pauses of queues, on the keys of resque-pause (docs/protocol/core.md#resque-pause)."""

from __future__ import annotations

from pyresque.store.space import Space


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
