"""Our own link: sockets and hiredis' parser, and nothing else.

Why not redis-py here: a process that has imported it forks 2.4 times slower, it takes 1.5 times as long
for a command, and what it repeats by itself cannot be seen from outside.

Bytes that are not replies end a connection: whatever the parser makes of them, what comes out is an OSError.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from math import inf

import hiredis

from pyresque.errors import RedisError, RedisRefused, RedisRejected, RedisUnavailable
from pyresque.store.connection.address import Address
from pyresque.store.connection.dial import left, tcp_socket, unix_socket
from pyresque.store.connection.link import (
    TIMEOUT,
    Check,
    Command,
    Damaged,
    Reply,
    Word,
    from_login,
    from_reply,
    unavailable,
)
from pyresque.store.connection.replies import (
    MANY,
    MOST,
    ErrorReply,
    RoundTrip,
    data,
    has_too_many,
    meaning,
    row,
)
from pyresque.system.descriptors import Own
from pyresque.usercode.guards import end_copy, getpid
from pyresque.usercode.safely import is_by_signal

_INCOMPLETE = object()
_LARGE = 1 << 16
"""Bytes of commands from which on their sending is given time of its own."""


class SocketLink:
    """A link with as many connections as threads use it at a time. Safe with threads and fork."""

    def __init__(self, url: str | Address, timeout: float = TIMEOUT) -> None:
        self.target = Address.parse(url) if isinstance(url, str) else url
        self.address = str(self.target)
        self.database = f"{self.target}/{self.target.db}"
        self.deadline = inf
        self.let_in = False
        self._timeout = timeout
        self._echoes = True
        self._pid: int | None = None
        # Nothing but `append` and `pop`, which are whole in every thread: a lock could be held at a fork.
        self._free: list[Connection] = []

    def fresh(self) -> SocketLink:
        """Another link to the same server; see `DirectLink`."""
        link = SocketLink(self.target, self._timeout)
        link.let_in = self.let_in
        return link

    def adopt(self) -> SocketLink:
        """From now on only this process may use it; see `DirectLink`."""
        self._pid = getpid()
        return self

    def execute(self, *words: Word, check: Check | None = None) -> Reply:
        """Carry out one command; see `Link`."""
        if check is None:
            reply = self.execute_many([words])[0]
            if isinstance(reply, RedisError):
                raise reply
            return reply
        connection, keep = self._checkout(), False
        try:
            connection.send((words,))
            reply = connection.read()
            if check(reply):
                keep = self.let_in = self._echoes = True
                return reply
            error = meaning(reply, words, self.address)
            keep = _may_stay(error)
            raise error
        except OSError as error:
            raise self._broken(connection, (), error) from error
        finally:
            if keep:
                self._free.append(connection)
            else:
                connection.close()

    def execute_many(self, commands: Iterable[Command]) -> list[Reply]:
        """Carry out several commands in one round trip; see `Link`."""
        trip = RoundTrip(list(commands), echoes=self._echoes)
        connection, keep, replies = self._checkout(), False, list[Reply]()
        try:
            connection.send(trip.sent)
            for _ in trip.sent:
                replies.append(connection.read())
            in_step = connection.is_in_step()
            answers = trip.read(replies, self.address, in_step=in_step)
            keep = in_step and all(map(_may_stay, answers))
        except OSError as error:
            raise self._broken(connection, replies, error) from error
        finally:
            if keep:
                self._free.append(connection)
            else:
                connection.close()
        self.let_in = self.let_in or not all(isinstance(answer, RedisError) for answer in answers)
        self._echoes = trip.has_proof
        return answers

    def forget(self, key: str) -> None:
        """Remove a key without waiting; see `Link`."""
        try:
            connection = self._checkout()
        except RedisError:
            return
        try:
            connection.send([("UNLINK", key)])
        except OSError:
            connection.close()
        else:
            connection.owed += 1
            self._free.append(connection)

    def close(self) -> None:
        """Close every connection that is not in use."""
        while self._free:
            self._free.pop().close()

    def _broken(self, connection: Connection, replies: Sequence[Reply], error: OSError) -> RedisError:
        """What a connection that broke means: a server that turns us away says why before it closes."""
        for reply in (*replies, connection.last_word()):
            if isinstance(reply, ErrorReply):
                reason = from_reply(str(reply), self.address)
                if isinstance(reason, RedisUnavailable | RedisRefused | RedisRejected):
                    return reason
        return unavailable(self.address, error, maybe_done=True)

    def _checkout(self) -> Connection:
        """A connection that nobody else uses: one that is free and in step, else a new one."""
        if self._pid is not None and getpid() != self._pid:
            end_copy()
        until = min(time.monotonic() + self._timeout, self.deadline)
        while self._free:
            try:
                connection = self._free.pop()
            except IndexError:
                break  # another thread was faster
            if connection.is_usable(self._timeout, self.deadline, until):
                return connection
            connection.close()
        try:
            return Connection(self.target, self._timeout, deadline=self.deadline, until=until)
        except OSError as error:
            raise unavailable(self.address, error, maybe_done=False) from error


def _may_stay(reply: Reply) -> bool:
    # After "not now" and "not you" a new one is due, that looks for the master and logs in.
    return not isinstance(reply, RedisUnavailable | RedisRefused)


class Connection:
    """One connection to a server: a socket and the parser, logged in and on its database.

    Args:
        timeout: seconds for all of this; then, for each answer and each of its parts.
        deadline: the moment (monotonic clock) at which every waiting ends.
        until: another end of the time for all of this, in the same clock.

    Raises:
        OSError: it could not be made.
        RedisError: the server does not let us in.
    """

    def __init__(
        self, address: Address, timeout: float, protocol: int = 2, deadline: float = inf, until: float = inf
    ) -> None:
        self.address = address
        self.pid = getpid()
        self.owed = 0
        """Replies that are to come and that nobody waits for."""
        self._reader = hiredis.Reader(replyError=ErrorReply, notEnoughData=_INCOMPLETE)
        self._poll = select.poll()
        self.begin(timeout, deadline, until)
        self.socket = _connected(address, self._until)
        self._pending: Callable[[], int] | None = getattr(self.socket, "pending", None)  # of TLS
        self._own = Own(self.socket.fileno())
        self._limit = -1.0
        self._poll.register(self.socket, select.POLLIN)
        try:
            self._log_in(protocol)
        except BaseException:
            self.close()
            raise

    def __del__(self) -> None:
        # With its last holder it is gone, and gives its descriptor back; so nobody has to close a link.
        with contextlib.suppress(Exception):
            self.close()

    def begin(self, timeout: float, deadline: float, until: float = inf) -> None:
        """The next answer has so many seconds to begin (or until then), and each further part of it again."""
        self._timeout, self._deadline = timeout, deadline
        self._until = min(time.monotonic() + timeout, deadline, until)

    def is_usable(self, timeout: float, deadline: float, until: float) -> bool:
        """Begin anew; whether it is ours and in step: what was owed has come, and nothing else."""
        self._timeout, self._deadline, self._until = timeout, deadline, until
        while True:
            try:
                # What `Own.is_ours` asks, without its calls: this is done for each command.
                file = os.fstat(self._own.number)
                if self.pid != getpid() or (file.st_dev, file.st_ino) != self._own.file:
                    return False
                if not self.owed:
                    break
                reply = self.read()
            except OSError:
                return False
            if not isinstance(reply, int | ErrorReply):
                return False
            self.owed -= 1
        # A socket that has something to say here brings what nobody asked for, or the end.
        return not (self._reader.has_data() or (self._pending and self._pending()) or self._poll.poll(0))

    def send(self, commands: Iterable[Command]) -> None:
        """Send commands.

        Raises:
            OSError: the connection broke, or it took too long.
        """
        # Bytes only (as_bytes, without a call for each word): where hiredis makes a text of a number, and a
        # signal comes whose handler raises, it ends the process.
        parts: list[bytes] = []
        for words in commands:
            command = [
                word if isinstance(word, bytes) else str(word).encode("utf-8", "surrogateescape")
                for word in words
            ]
            parts.append(hiredis.pack_command(tuple(command)))  # type: ignore[arg-type]  # its stub wants str
        packed = b"".join(parts)
        if len(packed) > _LARGE:
            self.begin(self._timeout, self._deadline)
        self._limit_waiting()
        self.socket.sendall(packed)
        if len(packed) > _LARGE:
            self.begin(self._timeout, self._deadline)

    def read(self, *, wait: bool = True) -> Reply:
        """The next reply; error replies are returned, inside lists too.

        Args:
            wait: if not, the answer is `_INCOMPLETE` where it has not been received yet.

        Raises:
            OSError: the connection broke, the reply took too long, or what came is none.
        """
        while True:
            try:
                reply = self._reader.gets()
            except Exception as error:  # the parser has many ways to say that bytes are not a reply
                if is_by_signal(error):
                    raise
                raise Damaged(str(error) or type(error).__name__) from error
            if reply is not _INCOMPLETE or not wait:
                return reply
            self._limit_waiting()
            part = self.socket.recv(65536)
            if not part:
                raise ConnectionResetError("the server closed the connection")
            self._until = min(time.monotonic() + self._timeout, self._deadline)
            if MANY.search(part):
                self._feed(part)
            else:
                self._reader.feed(part)

    def last_word(self) -> Reply:
        """What the server said before it broke with us, if that is here already; else None."""
        try:
            self.socket.settimeout(0.0)
            self._feed(self.socket.recv(65536))
            reply = self.read(wait=False)
        except (OSError, ValueError):
            return None
        return None if reply is _INCOMPLETE else reply

    def discard_buffered(self) -> bool:
        """Drop what has been received already, and was not read; whether there was anything."""
        discarded = False
        while self.read(wait=False) is not _INCOMPLETE:
            discarded = True
        return discarded

    def is_in_step(self) -> bool:
        """Whether nothing is left of what has been received."""
        return not self._reader.has_data() and (self._pending is None or not self._pending())

    def is_quiet(self) -> bool:
        """Whether nothing has come that nobody asked for: neither data nor the end."""
        return self._own.is_ours and not self._poll.poll(0)

    def fileno(self) -> int:
        """For `poll`; -1 where code of the application has closed the socket."""
        return self._own.number if self._own.is_ours else -1

    def close(self) -> None:
        """Close the socket, unless its number is somebody else's by now."""
        if self._own.is_ours:
            self.socket.close()
        else:
            self.socket.detach()

    def _feed(self, part: bytes) -> None:
        """Give the parser what has come: it makes room at once for as many elements as a list claims."""
        if not self._reader.has_data() and has_too_many(part):
            raise Damaged(f"a reply of more than {MOST:,} elements")
        self._reader.feed(part)

    def _limit_waiting(self) -> None:
        seconds = self._until - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("timed out")
        if abs(self._limit - seconds) > 0.05 * seconds:  # a system call that is hardly ever needed
            self.socket.settimeout(seconds)
            self._limit = seconds

    def _log_in(self, protocol: int) -> None:
        address = self.address
        commands: list[Command] = []
        if address.password:
            commands.append(("AUTH", *filter(None, [address.username]), address.password))
        if protocol == 3:
            commands.append(("HELLO", 3))
        if address.db:
            commands.append(("SELECT", address.db))
        if not commands:
            return
        trip, replies = RoundTrip(commands), list[Reply]()
        self.send(trip.sent)
        for words in trip.sent:
            replies.append(self.read())
            if isinstance(replies[-1], ErrorReply) and words in commands:
                raise from_login(str(replies[-1]), str(address), address.db, bool(address.username))
        # A SELECT that has not answered OK would leave us on database 0.
        trip.read(replies, str(address), in_step=self.is_in_step())


def _connected(address: Address, until: float) -> socket.socket:
    if address.path:
        return unix_socket(address.path, until)
    host, port = _master(address, until) if address.sentinels else (address.host, address.port)
    return tcp_socket(host, port, until, address.tls)


_PLACE = row(data, data)


def _master(address: Address, until: float) -> tuple[str, int]:
    """Ask the sentinels who is the master now."""
    last: Exception = ConnectionError("no sentinel answers")
    for host, port in address.sentinels:
        where = Address(host, port, password=address.sentinel_password)
        try:
            sentinel = Connection(where, min(1.0, left(until)))
        except (OSError, RedisError) as error:
            last = error
            continue
        try:
            sentinel.send([("SENTINEL", "get-master-addr-by-name", address.service)])
            reply = sentinel.read()
        except OSError as error:
            last = error
            continue
        finally:
            sentinel.close()
        if _PLACE(reply) and reply[1].isdigit() and len(reply[1]) < 6:
            return reply[0].decode("utf-8", "replace"), int(reply[1])
        last = ConnectionError(f"sentinel {host}:{port} knows no master named {address.service}")
    raise ConnectionError(str(last))
