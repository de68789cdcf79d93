"""Ruby's lock for pruning, and when a start may pass over it (docs/protocol/core.md#the-pruning-lock).

A Ruby worker takes it at its start, prunes, and leaves it to expire after a minute: a worker has looked
lately, and need not be pruning still. A job that has just lost its worker cannot wait for that. The lock
keeps two Ruby workers from recording the job of one dead worker twice; ours are unregistered in one step, by
the worker that comes first. So a start of ours passes over the lock, for dead workers of its host, unless a
Ruby worker may be pruning.
"""

from __future__ import annotations

from collections.abc import Collection

from pyresque.errors import RedisReplied
from pyresque.store import workers
from pyresque.store.space import Space


class PruningLock:
    """The lock, as one worker takes it.

    Args:
        seconds: how long it lasts if nobody gives it back.
    """

    def __init__(self, space: Space, worker_id: str, seconds: int) -> None:
        self._space = space
        self._id = worker_id
        self._seconds = seconds
        self._holder = ""

    def take(self) -> bool:
        """Take it if it is free; whether this worker may prune.

        Raises:
            RedisError: Redis cannot be reached.
        """
        try:
            self._holder = workers.take_pruning_lock(self._space, self._id, self._seconds)
        except RedisReplied:
            return True  # something else is under the key, which nobody can take
        return self._holder == self._id

    def give_back(self) -> None:
        """Let Ruby workers that start from now on prune."""
        if self._holder == self._id:
            workers.drop_pruning_lock(self._space, self._id)

    def is_left_over(self, known: Collection[str], ours: Collection[str]) -> bool:
        """Whether the one who has it is done: Ruby prunes between a first heartbeat and the registration.

        Args:
            known: the workers that are registered.
            ours: those that are pyresque's.
        """
        if self._holder in known or self._holder in ours:
            return True
        return self._holder not in workers.heartbeats(self._space)
