"""A link over redis-py: for a client that the user made, with whatever it knows of reaching Redis."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any

import redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.connection import ConnectionPool
from redis.retry import Retry

from pyresque.errors import RedisError, RedisRefused, RedisUnavailable
from pyresque.store.link import NOT_NOW, TIMEOUT, Command, Reply, Word, as_bytes, from_reply, unavailable


class RedisPyLink:
    """A link to the server of the user's client, through connections of our own. Safe with threads, fork."""

    def __init__(self, client: redis.Redis, timeout: float = TIMEOUT) -> None:
        self._pool = _pool_of(client, timeout)
        self.address = _address(self._pool.connection_kwargs)

    def execute(self, *words: Word) -> Reply:
        """Carry out one command; see `Link`."""
        reply = self.execute_many([words])[0]
        if isinstance(reply, RedisError):
            raise reply
        return reply

    def execute_many(self, commands: Iterable[Command]) -> list[Reply]:
        """Carry out several commands in one round trip; see `Link`."""
        connection = self._connect()
        try:
            packed = connection.pack_commands(commands := [tuple(map(as_bytes, words)) for words in commands])
            try:
                connection.send_packed_command(packed)
                return [self._read(connection) for _ in commands]
            except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
                connection.disconnect()
                raise self._unavailable(error, maybe_done=True) from error
        except BaseException:
            connection.disconnect()
            raise
        finally:
            self._pool.release(connection)

    def forget(self, key: str) -> None:
        """Remove a key; see `Link`. (redis-py does not let us leave the reply for later.)"""
        with contextlib.suppress(RedisError):
            self.execute("UNLINK", key)

    def close(self) -> None:
        """Close every connection."""
        self._pool.disconnect()

    def _connect(self) -> Any:
        try:
            return self._pool.get_connection()
        except redis.AuthenticationError as error:
            raise RedisRefused(f"Redis at {self.address} refuses the login: {error}") from error
        except redis.ResponseError as error:
            raise from_reply(str(error), self.address) from error
        except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
            raise self._unavailable(error, maybe_done=False) from error

    def _read(self, connection: Any) -> Reply:
        try:
            return connection.read_response()
        except redis.ResponseError as error:
            return from_reply(_full_text(error), self.address)
        except redis.ConnectionError as error:
            # redis-py turns some replies (LOADING, READONLY, ...) into connection errors.
            if connection.is_connected and _full_text(error).startswith(NOT_NOW):
                return from_reply(_full_text(error), self.address)
            raise

    def _unavailable(self, error: Exception, maybe_done: bool) -> RedisUnavailable:
        return unavailable(self.address, error, maybe_done)


def _full_text(error: Exception) -> str:
    """The reply as the server sent it: redis-py cuts its first word off for some classes."""
    code = {
        redis.exceptions.BusyLoadingError: "LOADING ",
        redis.exceptions.ReadOnlyError: "READONLY ",
        redis.exceptions.NoScriptError: "NOSCRIPT ",
        redis.exceptions.OutOfMemoryError: "OOM ",
        redis.exceptions.NoPermissionError: "NOPERM ",
        redis.exceptions.MasterDownError: "MASTERDOWN ",
        redis.exceptions.ClusterDownError: "CLUSTERDOWN ",
        redis.exceptions.TryAgainError: "TRYAGAIN ",
    }.get(type(error), "")
    text = str(error)
    return text if text.startswith(code.strip()) else code + text


class _Careful:
    """Connects patiently, and turns a failed health check into a new connection, not into an error."""

    def connect(self) -> None:
        Retry(ExponentialBackoff(base=0.02, cap=0.2), 2).call_with_retry(
            super().connect,  # type: ignore[misc]
            lambda error: self.disconnect(),  # type: ignore[attr-defined]
        )


def _pool_of(client: redis.Redis, timeout: float) -> ConnectionPool:
    """A pool of our own to the server of a client that the user made."""
    pool = client.connection_pool
    options = {**pool.connection_kwargs, "decode_responses": False}
    options.pop("maint_notifications_config", None)
    options.pop("maint_notifications_pool_handler", None)
    if options.get("socket_timeout") is None:
        options["socket_timeout"] = timeout
    return _careful_pool(pool.connection_class, options)


def _careful_pool(kind: type, options: dict[str, Any]) -> ConnectionPool:
    options = {**options, "protocol": 2, "retry": Retry(NoBackoff(), 0), "retry_on_error": []}
    options.pop("retry_on_timeout", None)
    careful = type(f"Careful{kind.__name__}", (_Careful, kind), {})
    return ConnectionPool(connection_class=careful, **options)


def _address(options: dict[str, Any]) -> str:
    if "path" in options:
        return str(options["path"])
    return f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
