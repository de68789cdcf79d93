"""The two backends that keep failures in Redis."""

from __future__ import annotations

from pyresque.errors import ConfigError
from pyresque.failure.backend import Backend, Failure
from pyresque.keys import Keys
from pyresque.store import effects
from pyresque.store.connection.link import Command
from pyresque.wire.encoding import Style


class Redis(Backend):
    """Every failure in the one list `failed`: Ruby's default (docs/protocol/core.md#the-redis-backend)."""

    def effects(self, failure: Failure, keys: Keys, style: Style) -> list[Command]:
        """Append the record to `failed`."""
        return effects.record_failure(keys, "failed", failure.record(style))


class RedisMultiQueue(Backend):
    """A list of failures for each queue: `Q_failed` (docs/protocol/core.md#the-multi-queue-backend)."""

    def effects(self, failure: Failure, keys: Keys, style: Style) -> list[Command]:
        """Make the list known and append the record to it."""
        return effects.record_failure(keys, f"{failure.queue or ''}_failed", failure.record(style))


def backend_named(name: str) -> Backend:
    """The backend that FAILURE_BACKEND names: `redis` or `redis_multi_queue`."""
    if name == "redis":
        return Redis()
    if name == "redis_multi_queue":
        return RedisMultiQueue()
    raise ConfigError(f"no failure backend is named {name!r}: use redis or redis_multi_queue")
