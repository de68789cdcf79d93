"""Failure backends: where a failed job is recorded (docs/protocol/core.md#failures).

Backend ............ subclass it and write `save` to send failures elsewhere
Redis .............. the list `failed`, as Ruby's default
RedisMultiQueue .... a list for each queue, `Q_failed`
Multiple ........... several of them
"""

from pyresque.failure.backend import Backend, Failure
from pyresque.failure.multiple import Multiple
from pyresque.failure.recorder import Recorder
from pyresque.failure.redis import Redis, RedisMultiQueue, backend_named

__all__ = ["Backend", "Failure", "Multiple", "Recorder", "Redis", "RedisMultiQueue", "backend_named"]
