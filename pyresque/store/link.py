"""How commands reach Redis.

A *link* carries commands out and hands the replies back as they come (bytes, ints, lists, None). It
never repeats a command by itself: a repeated pop loses a job and a repeated push doubles one, so an
error says whether the command may have run, and the layer above decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection, ConnectionPool, parse_url
from redis.retry import Retry

from pyresque.errors import ConfigError, RedisError, RedisRefused, RedisReplied, RedisUnavailable

Word = bytes | str | int | float
Command = Sequence[Word]
Reply = Any

# The server is there and has not run the command, but will be able to in a moment.
_NOT_NOW = (
    "LOADING",
    "READONLY",
    "MASTERDOWN",
    "BUSY ",
    "OOM",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "MISCONF",
    "NOREPLICAS",
)
_NOT_YOU = ("NOAUTH", "WRONGPASS", "NOPERM")


class Link(Protocol):
    """What the store needs of a connection."""

    def execute(self, *words: Word) -> Reply:
        """Carry out one command.

        Raises:
            RedisUnavailable: it could not be sent, or its reply did not come.
            RedisReplied: Redis answered with an error.
            RedisRefused: credentials or permissions are missing.
        """

    def execute_many(self, commands: Iterable[Command]) -> list[Reply]:
        """Carry out several commands in one round trip; an error reply stands in the list as RedisError."""

    def forget(self, key: str) -> None:
        """Remove a key without waiting for the answer; failing to do so is no error."""


class RedisPyLink:
    """A link over redis-py's connection pool. Safe to use from threads and after a fork."""

    def __init__(self, server: str | redis.Redis, timeout: float = 5.0) -> None:
        self._pool = _pool_of(server, timeout) if isinstance(server, redis.Redis) else _pool(server, timeout)
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
            packed = connection.pack_commands(commands := [tuple(map(_bytes, words)) for words in commands])
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
        """Remove a key without waiting; see `Link`."""
        try:
            connection = self._connect()
        except RedisError:
            return
        try:
            commands = [("CLIENT", "REPLY", "SKIP"), ("UNLINK", key)]
            connection.send_packed_command(connection.pack_commands(commands))
        except (redis.RedisError, OSError):
            connection.disconnect()
        finally:
            self._pool.release(connection)

    def close(self) -> None:
        """Close every connection."""
        self._pool.disconnect()

    def _connect(self) -> Any:
        try:
            return self._pool.get_connection()
        except redis.AuthenticationError as error:
            raise RedisRefused(f"Redis at {self.address} refuses the login: {error}") from error
        except redis.ResponseError as error:
            raise _from_reply(str(error), self.address) from error
        except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
            raise self._unavailable(error, maybe_done=False) from error

    def _read(self, connection: Any) -> Reply:
        try:
            return connection.read_response()
        except redis.ResponseError as error:
            return _from_reply(_full_text(error), self.address)
        except redis.ConnectionError as error:
            # redis-py turns some replies (LOADING, READONLY, ...) into connection errors.
            if connection.is_connected and _full_text(error).startswith(_NOT_NOW):
                return _from_reply(_full_text(error), self.address)
            raise

    def _unavailable(self, error: Exception, maybe_done: bool) -> RedisUnavailable:
        reason = str(error).rstrip(".") or type(error).__name__
        return RedisUnavailable(
            f"Redis at {self.address} cannot be reached ({reason}): is it running? Another one is named "
            "with --redis or REDIS_URL",
            maybe_done=maybe_done,
        )


class PatientLink:
    """A link that tries again after RedisUnavailable, for as long as its pauses (in seconds) last.

    Everything the store sends may be repeated without harm: reads, sets, and scripts that recognise a
    repetition. So nothing is lost and nothing is done twice by trying again.
    """

    def __init__(self, link: RedisPyLink, pauses: Sequence[float] = (0.0, 0.05, 0.2, 0.5, 1.0, 2.0)) -> None:
        self.link = link
        self.pauses = pauses

    @property
    def address(self) -> str:
        """Where the server is, without its password."""
        return self.link.address

    def execute(self, *words: Word) -> Reply:
        """Carry out one command; see `Link`."""
        return self._patiently(lambda: self.link.execute(*words))

    def execute_many(self, commands: Iterable[Command]) -> list[Reply]:
        """Carry out several commands in one round trip; see `Link`."""
        commands = list(commands)
        return self._patiently(lambda: self._all(commands))  # type: ignore[no-any-return]

    def forget(self, key: str) -> None:
        """Remove a key without waiting; see `Link`."""
        self.link.forget(key)

    def close(self) -> None:
        """Close every connection."""
        self.link.close()

    def _all(self, commands: list[Command]) -> list[Reply]:
        replies = self.link.execute_many(commands)
        for reply in replies:
            if isinstance(reply, RedisUnavailable):
                raise reply
        return replies

    def _patiently(self, call: Callable[[], Reply]) -> Reply:
        maybe_done = False
        for pause in self.pauses:
            try:
                return call()
            except RedisUnavailable as error:
                maybe_done = maybe_done or error.maybe_done
                time.sleep(pause)
        try:
            return call()
        except RedisUnavailable as error:
            raise RedisUnavailable(str(error), maybe_done=maybe_done or error.maybe_done) from error


def _bytes(word: Word) -> bytes:
    # Names that are no UTF-8 came to us with surrogates and go back as the bytes they were.
    return word if isinstance(word, bytes) else str(word).encode("utf-8", "surrogateescape")


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


def _from_reply(text: str, address: str) -> RedisError:
    if text.startswith(_NOT_NOW) or any(
        f"script: {code}" in text or f" {code} " in text for code in _NOT_NOW
    ):
        return RedisUnavailable(f"Redis at {address} cannot do that now: {text}", maybe_done=False)
    if text.startswith(_NOT_YOU):
        return RedisRefused(
            f"Redis at {address} does not permit that: {text}. Put user and password into the URL "
            "(redis://user:password@host:port/0) or extend the user's ACL"
        )
    return RedisReplied(f"{text} (Redis at {address})")


class _Careful:
    """Connects patiently, and turns a failed health check into a new connection, not into an error."""

    def connect(self) -> None:
        Retry(redis.backoff.ExponentialBackoff(base=0.02, cap=0.2), 2).call_with_retry(
            super().connect,  # type: ignore[misc]
            lambda error: self.disconnect(),  # type: ignore[attr-defined]
        )


def _pool(url: str, timeout: float) -> ConnectionPool:
    try:
        options: dict[str, Any] = dict(parse_url(url))  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise ConfigError(f"cannot use {url!r} as a Redis server: {error}") from error
    kind = options.pop("connection_class", None) or Connection
    options.setdefault("socket_timeout", timeout)
    options.setdefault("socket_connect_timeout", timeout)
    return _careful_pool(kind, options)


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
