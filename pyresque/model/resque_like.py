"""A Resque, as workers, schedulers and Active Job need it: `pyresque.Resque` is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from pyresque.failure import Backend
from pyresque.model.registry import Registry
from pyresque.store.connection.link import DirectLink
from pyresque.store.space import Space


class ResqueLike(Protocol):
    """What others need of a Resque."""

    link: DirectLink
    space: Space
    registry: Registry
    failure_backend: Backend
    failure_ids: bool
    local_schedule: dict[str, Any]
    _receiver: Callable[[str, bytes], None] | None

    def _push(self, batches: dict[str, list[bytes]]) -> int:
        """Put elements on their queues."""
