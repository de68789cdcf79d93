"""A link over redis-py: for a client that the user made, with whatever it knows of reaching Redis."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.connection import ConnectionPool
from redis.retry import Retry

from pyresque.errors import RedisError, RedisRefused, RedisUnavailable
from pyresque.store.connection.link import (
    TIMEOUT,
    Check,
    Command,
    Damaged,
    Reply,
    Word,
    as_bytes,
    from_login,
    from_reply,
    unavailable,
)
from pyresque.store.connection.replies import ErrorReply, RoundTrip
from pyresque.system.descriptors import Own
from pyresque.usercode.guards import end_copy, getpid
from pyresque.usercode.safely import is_by_signal


class RedisPyLink:
    """A link to the server of the user's client, through connections of our own. Safe with threads, fork."""

    def __init__(self, client: redis.Redis, timeout: float = TIMEOUT) -> None:
        pool = client.connection_pool
        options = {**pool.connection_kwargs, "decode_responses": False}
        if options.get("socket_timeout") is None:
            options["socket_timeout"] = timeout
        self._begin(pool.connection_class, options)

    def _begin(self, kind: type, options: dict[str, Any]) -> None:
        self._kind, self._options = kind, options
        self._pool = _careful_pool(kind, options)
        self.address = _address(self._pool.connection_kwargs)
        self.database = f"{self.address}/{options.get('db') or 0}"
        self._deadline = float("inf")
        self.let_in = False
        self._echoes = True
        self._pid: int | None = None

    def fresh(self) -> RedisPyLink:
        """Another link to the same server; see `DirectLink`."""
        link = RedisPyLink.__new__(RedisPyLink)
        link._begin(self._kind, self._options)
        link.let_in = self.let_in
        return link

    def adopt(self) -> RedisPyLink:
        """From now on only this process may use it; see `DirectLink`."""
        self._pid = getpid()
        return self

    def execute(self, *words: Word, check: Check | None = None) -> Reply:
        """Carry out one command; see `Link`."""
        reply = self._carried_out(RoundTrip([words], check, self._echoes))[0]
        if isinstance(reply, RedisError):
            raise reply
        return reply

    def execute_many(self, commands: Iterable[Command]) -> list[Reply]:
        """Carry out several commands in one round trip; see `Link`."""
        return self._carried_out(RoundTrip(list(commands), None, self._echoes))

    def forget(self, key: str) -> None:
        """Remove a key; see `Link`. (redis-py does not let us leave the reply for later.)"""
        with contextlib.suppress(RedisError):
            self.execute("UNLINK", key)

    def close(self) -> None:
        """Close every connection."""
        self._pool.disconnect()

    @property
    def deadline(self) -> float:
        """The moment from which on it sends nothing, and waits for nothing; see `DirectLink`."""
        return self._deadline

    @deadline.setter
    def deadline(self, moment: float) -> None:
        self._deadline = moment
        left = moment - time.monotonic()
        if left < self._options["socket_timeout"]:
            # redis-py asks for its time limits when it connects: so these connections go.
            self._pool.disconnect()
            limits = dict.fromkeys(("socket_timeout", "socket_connect_timeout"), max(0.01, left / 2))
            self._pool = _careful_pool(self._kind, {**self._options, **limits})

    def _carried_out(self, trip: RoundTrip) -> list[Reply]:
        connection = self._connect()
        keep = False
        try:
            try:
                words = [tuple(map(as_bytes, command)) for command in trip.sent]
                connection.send_packed_command(connection.pack_commands(words))
                replies = [self._read(connection) for _ in words]
            except Exception as error:  # its parsers have many ways to say that bytes are not a reply
                if is_by_signal(error):
                    raise
                raise self._broken(error, maybe_done=True) from error
            in_step = _is_in_step(connection)
            answers = trip.read(replies, self.address, in_step=in_step)
            keep = in_step and not any(
                isinstance(reply, RedisUnavailable | RedisRefused) for reply in answers
            )
        finally:
            if not keep:
                connection.disconnect()
            self._pool.release(connection)
        self.let_in = self.let_in or not all(isinstance(reply, RedisError) for reply in answers)
        self._echoes = trip.has_proof
        return answers

    def _connect(self) -> Any:
        if self._pid is not None and getpid() != self._pid:
            end_copy()
        if time.monotonic() >= self._deadline:
            raise self._broken(TimeoutError("timed out"), maybe_done=False)
        try:
            return self._pool.get_connection()
        except Exception as error:
            if is_by_signal(error):
                raise
            text = _said(error)
            if text is not None:
                db, as_user = self._options.get("db") or 0, bool(self._options.get("username"))
                raise from_login(text, self.address, db, as_user) from error
            raise self._broken(error, maybe_done=False) from error

    @staticmethod
    def _read(connection: Any) -> Reply:
        try:
            return connection.read_response()
        except redis.ResponseError as error:
            return ErrorReply(_full_text(error))

    def _broken(self, error: Exception, maybe_done: bool) -> RedisError:
        text = _said(error)
        if text is not None:
            return from_reply(text, self.address)
        if not isinstance(error, redis.ConnectionError | redis.TimeoutError | OSError):
            error = Damaged(str(error) or type(error).__name__)
        return unavailable(self.address, error, maybe_done)


_CODES: dict[type[Exception], str] = {
    redis.exceptions.BusyLoadingError: "LOADING",
    redis.exceptions.ReadOnlyError: "READONLY",
    redis.exceptions.NoScriptError: "NOSCRIPT",
    redis.exceptions.OutOfMemoryError: "OOM",
    redis.exceptions.NoPermissionError: "NOPERM",
    redis.exceptions.AuthenticationError: "NOAUTH",
    redis.exceptions.MasterDownError: "MASTERDOWN",
    redis.exceptions.ClusterDownError: "CLUSTERDOWN",
    redis.exceptions.TryAgainError: "TRYAGAIN",
    redis.exceptions.MovedError: "MOVED",
    redis.exceptions.AskError: "ASK",
}


def _full_text(error: Exception) -> str:
    """The reply as the server sent it: redis-py cuts its first word off for some classes."""
    code, text = _CODES.get(type(error), ""), str(error)
    return text if text.startswith(code) else f"{code} {text}"


def _said(error: Exception) -> str | None:
    """The error reply behind an exception, if there is one: redis-py raises some as connection errors."""
    is_reply = isinstance(error, redis.ResponseError) or type(error) in _CODES
    return _full_text(error) if is_reply or "max number of clients" in str(error) else None


def _is_in_step(connection: Any) -> bool:
    try:
        return not connection.can_read(timeout=0)
    except Exception as error:
        if is_by_signal(error):
            raise
        return False  # it has been closed meanwhile


class _Careful:
    """Connects patiently, and turns a failed health check into a new connection, not into an error."""

    _own: Own | None = None
    _owned: Any = None

    def connect(self) -> None:
        sock = self._sock  # type: ignore[attr-defined]  # of redis-py
        if sock is not None:
            if sock is not self._owned:
                # A signal came up while it was made: it may not be logged in, nor on its database.
                self.disconnect()  # type: ignore[attr-defined]  # of redis-py
            elif self._own and not self._own.is_ours:
                sock.detach()  # its number may be somebody else's: a job has closed it
                self.disconnect()  # type: ignore[attr-defined]  # of redis-py
        Retry(ExponentialBackoff(base=0.02, cap=0.2), 2).call_with_retry(
            super().connect,  # type: ignore[misc]  # of redis-py
            lambda _: self.disconnect(),  # type: ignore[attr-defined]  # of redis-py
        )
        sock = self._sock  # type: ignore[attr-defined]  # of redis-py
        if sock is not self._owned:
            self._own = Own(sock.fileno())
            self._owned = sock


@lru_cache
def _careful(kind: type) -> type:
    return type(f"Careful{kind.__name__}", (_Careful, kind), {})


def _careful_pool(kind: type, options: dict[str, Any]) -> ConnectionPool:
    """A pool of our own to the server of a client that the user made."""
    options = {**options, "protocol": 2, "retry": Retry(NoBackoff(), 0), "retry_on_error": []}
    for name in ("maint_notifications_config", "maint_notifications_pool_handler", "retry_on_timeout"):
        options.pop(name, None)
    return ConnectionPool(connection_class=_careful(kind), **options)


def _address(options: dict[str, Any]) -> str:
    if "path" in options:
        return str(options["path"])
    return f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
