"""One connection to a Redis server: a socket, the parser, and the login.

Bytes that are no replies end it: whatever the parser makes of them, what comes out is an OSError.
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import time
from collections.abc import Iterable, Mapping

import hiredis

from pyresque.errors import RedisError
from pyresque.store.connection.address import Address
from pyresque.store.connection.link import Command, Damaged, Reply, as_bytes, from_login
from pyresque.store.connection.replies import ErrorReply, RoundTrip, data, row
from pyresque.system.descriptors import Own, above_streams
from pyresque.usercode.guards import getpid
from pyresque.usercode.safely import is_by_signal

_INCOMPLETE = object()
_LARGE = 1 << 16
"""Bytes of commands from which on their sending is given time of its own."""


MOST = 10_000_000
"""Elements that a list, a map or a set may have in a reply."""
_MANY = re.compile(rb"[*%~>|]\d{8,}\r\n")


class Connection:
    """One connection, logged in and on its database.

    Args:
        timeout: seconds for all of this; then, for each answer and each of its parts.
        deadline: the moment (monotonic clock) at which every waiting ends.
        until: another end of the time for all of this, in the same clock.

    Raises:
        OSError: it could not be made.
        RedisError: the server does not let us in.
    """

    def __init__(
        self,
        address: Address,
        timeout: float,
        protocol: int = 2,
        deadline: float = float("inf"),
        until: float | None = None,
    ) -> None:
        self.address = address
        self.pid = getpid()
        self.owed = 0
        """Replies that are to come and that nobody waits for."""
        self._reader = hiredis.Reader(replyError=ErrorReply, notEnoughData=_INCOMPLETE)
        self._poll = select.poll()
        self.begin(timeout, deadline, until)
        self.socket = _connected(address, self._until)
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

    def begin(self, timeout: float, deadline: float, until: float | None = None) -> None:
        """The next answer has so many seconds to begin (or until then), and each further part of it again."""
        self._timeout, self._deadline = timeout, deadline
        self._until = min(time.monotonic() + timeout, deadline) if until is None else until

    def send(self, commands: Iterable[Command]) -> None:
        """Send commands.

        Raises:
            OSError: the connection broke, or it took too long.
        """
        packed = b"".join(map(_packed, commands))
        if len(packed) > _LARGE:
            self.begin(self._timeout, self._deadline)
        self._limit_waiting()
        self.socket.sendall(packed)
        if len(packed) > _LARGE:
            self.begin(self._timeout, self._deadline)

    def read(self) -> Reply:
        """The next reply; error replies are returned, inside lists too.

        Raises:
            OSError: the connection broke, the reply took too long, or what came is none.
        """
        while (reply := self._next()) is _INCOMPLETE:
            self._limit_waiting()
            part = self.socket.recv(65536)
            if not part:
                raise ConnectionResetError("the server closed the connection")
            self._until = min(time.monotonic() + self._timeout, self._deadline)
            self._feed(part)
        return reply

    def last_word(self) -> Reply:
        """What the server said before it broke with us, if that is here already; else None."""
        try:
            self.socket.settimeout(0.0)
            self._feed(self.socket.recv(65536))
            reply = self._next()
        except (OSError, ValueError):
            return None
        return None if reply is _INCOMPLETE else reply

    def discard_buffered(self) -> bool:
        """Drop what has been received already, and was not read; whether there was anything."""
        found = False
        while self._next() is not _INCOMPLETE:
            found = True
        return found

    def is_usable(self) -> bool:
        """Whether it is ours and in step: every reply that was owed has come, and nothing else."""
        if self.pid != getpid() or not self._own.is_ours:
            return False
        try:
            while self.owed:
                if not isinstance(self.read(), int | ErrorReply):
                    return False
                self.owed -= 1
            return self.is_in_step() and self.is_quiet()
        except OSError:
            return False

    def is_in_step(self) -> bool:
        """Whether nothing is left of what has been received."""
        pending = getattr(self.socket, "pending", None)
        return not self._reader.has_data() and not (pending is not None and pending())

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
        if not self._reader.has_data() and _has_too_many(part):
            raise Damaged(f"a reply of more than {MOST:,} elements")
        self._reader.feed(part)

    def _next(self) -> Reply:
        try:
            return self._reader.gets()
        except Exception as error:  # the parser has many ways to say that bytes are no reply
            if is_by_signal(error):
                raise
            raise Damaged(str(error) or type(error).__name__) from error

    def _limit_waiting(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        if abs(self._limit - left) > 0.05 * left:  # a system call that is hardly ever needed
            self.socket.settimeout(left)
            self._limit = left

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


def _has_too_many(part: bytes) -> bool:
    """Whether replies, of which this is the beginning, tell of more elements than anybody sends."""
    at = 0
    while _MANY.search(part, at):  # perhaps it is data, as hardly ever
        kind, end = part[at : at + 1], part.find(b"\r\n", at)
        size = part[at + 1 : end]
        if end < 0 or (kind in b"*%~>|$=!" and not size.removeprefix(b"-").isdigit()):
            return False  # the parser says what that is
        if kind in b"*%~>|" and int(size) > MOST:
            return True
        at = end + 2
        if kind in b"$=!" and int(size) >= 0:
            at = min(at + int(size) + 2, len(part))
    return False


def _packed(words: Command) -> bytes:
    # Bytes only: where hiredis makes a text of a number, and a signal comes whose handler raises, it ends
    # the process.
    packed: bytes = hiredis.pack_command(tuple(map(as_bytes, words)))  # type: ignore[arg-type]  # any number
    return packed


def _left(until: float, share: int = 1) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left / share


def _connected(address: Address, until: float) -> socket.socket:
    if address.path:
        return _dialled(socket.AF_UNIX, address.path, _left(until))
    host, port = _master(address, until) if address.sentinels else (address.host, address.port)
    connection = _reached(host, port, until)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.settimeout(_left(until))
        return connection if address.tls is None else _with_tls(connection, host, address.tls)
    except BaseException:
        connection.close()
        raise


def _reached(host: str, port: int, until: float) -> socket.socket:
    """A connection to the first of the host's addresses that answers; each has its share of the time."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    last: OSError = ConnectionError(f"{host} has no address")
    for number, (family, _, _, _, where) in enumerate(found):
        try:
            return _dialled(family, where, _left(until, len(found) - number))
        except OSError as error:
            last = error
    raise last


def _dialled(family: int, where: object, seconds: float) -> socket.socket:
    connection = above_streams(socket.socket(family, socket.SOCK_STREAM))
    try:
        connection.settimeout(seconds)
        connection.connect(where)  # type: ignore[arg-type]  # an address of this family
    except BaseException:
        connection.close()
        raise
    return connection


def _with_tls(connection: socket.socket, host: str, options: Mapping[str, str]) -> socket.socket:
    import ssl  # it is large, and every fork would pay for it

    context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"))
    if options.get("ssl_check_hostname", "").lower() in ("false", "no", "0"):
        context.check_hostname = False
    if options.get("ssl_cert_reqs", "required") == "none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.get("ssl_certfile"):
        context.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"))
    return context.wrap_socket(connection, server_hostname=host)


_PLACE = row(data, data)


def _master(address: Address, until: float) -> tuple[str, int]:
    """Ask the sentinels who is the master now."""
    last: Exception = ConnectionError("no sentinel answers")
    for host, port in address.sentinels:
        where = Address(host, port, password=address.sentinel_password)
        try:
            sentinel = Connection(where, min(1.0, _left(until)))
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
