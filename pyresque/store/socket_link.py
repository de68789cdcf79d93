"""Our own link: a socket and hiredis' parser, and nothing else.

Why not redis-py here: a process that has imported it forks 2.4 times slower, it takes 1.5 times as long
for a command, and what it repeats by itself cannot be told from outside.
"""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Iterable, Mapping
from typing import Any

import hiredis

from pyresque.errors import RedisError, RedisRefused, RedisUnavailable
from pyresque.store.address import Address
from pyresque.store.link import TIMEOUT, Command, Reply, Word, as_bytes, from_reply, unavailable

_INCOMPLETE = object()


class ErrorReply(Exception):
    """An error reply, as the parser hands it over."""


class Connection:
    """One connection, logged in and on its database.

    Raises:
        OSError: it could not be made.
        RedisError: the server does not let us in.
    """

    def __init__(self, address: Address, timeout: float, protocol: int = 2) -> None:
        self.address = address
        self.pid = os.getpid()
        self.owed = 0
        """Replies that are to come and that nobody waits for."""
        self._reader = hiredis.Reader(replyError=ErrorReply, notEnoughData=_INCOMPLETE)
        self.socket = _connected(address, timeout)
        try:
            self._log_in(protocol)
        except BaseException:
            self.close()
            raise

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
        self.send(commands)
        for words in commands:
            reply = self.read()
            if isinstance(reply, ErrorReply):
                error = from_reply(str(reply), str(address))
                if isinstance(error, RedisUnavailable) or words[0] == "HELLO":
                    raise error
                what = f"has no database {address.db}" if words[0] == "SELECT" else "refuses the login"
                raise RedisRefused(f"Redis at {address} {what}: {reply}")

    def send(self, commands: Iterable[Command]) -> None:
        """Send commands."""
        self.socket.sendall(b"".join(_packed(words) for words in commands))

    def read(self) -> Reply:
        """The next reply; error replies are returned, inside lists too.

        Raises:
            OSError: the connection broke or the reply took too long.
        """
        while (reply := self._reader.gets()) is _INCOMPLETE:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionResetError("the server closed the connection")
            self._reader.feed(data)
        return reply

    def discard_buffered(self) -> bool:
        """Drop what has been received already, and was not read; whether there was anything."""
        found = False
        while self._reader.gets() is not _INCOMPLETE:
            found = True
        return found

    def is_usable(self) -> bool:
        """Whether it is ours and in step: every reply that was owed has come, and nothing else."""
        if self.pid != os.getpid():
            return False
        try:
            while self.owed:
                self.read()
                self.owed -= 1
            return self.is_quiet()
        except (OSError, hiredis.ProtocolError):
            return False

    def is_quiet(self) -> bool:
        """Whether nothing has come that nobody asked for: neither data nor the end."""
        return not select.select([self.socket], [], [], 0)[0]

    def fileno(self) -> int:
        """For `select`."""
        return self.socket.fileno()

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


class SocketLink:
    """A link with as many connections as threads use it at a time. Safe with threads and fork."""

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self.target = Address.parse(url)
        self.address = str(self.target)
        self._timeout = timeout
        self._free: list[Connection] = []
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._new_lock)

    def execute(self, *words: Word) -> Reply:
        """Carry out one command; see `Link`."""
        reply = self.execute_many([words])[0]
        if isinstance(reply, RedisError):
            raise reply
        return reply

    def execute_many(self, commands: Iterable[Command]) -> list[Reply]:
        """Carry out several commands in one round trip; see `Link`."""
        commands = list(commands)
        connection = self._checkout()
        try:
            connection.send(commands)
            replies = [connection.read() for _ in commands]
        except (OSError, hiredis.ProtocolError) as error:
            connection.close()
            raise unavailable(self.address, error, maybe_done=True) from error
        except BaseException:
            connection.close()
            raise
        return self._told_apart(connection, replies)

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

    def _told_apart(self, connection: Connection, replies: list[Reply]) -> list[Reply]:
        result = [
            from_reply(str(one), self.address) if isinstance(one, ErrorReply) else one for one in replies
        ]
        if any(isinstance(one, RedisUnavailable) for one in result):
            connection.close()  # a server that has become a replica stays one: look for the master anew
        else:
            self._free.append(connection)
        return result

    def _checkout(self) -> Connection:
        while True:
            with self._lock:
                connection = self._free.pop() if self._free else None
            if connection is None:
                break
            if connection.is_usable():
                return connection
            connection.close()
        try:
            return Connection(self.target, self._timeout)
        except (OSError, hiredis.ProtocolError) as error:
            raise unavailable(self.address, error, maybe_done=False) from error

    def _new_lock(self) -> None:
        self._lock = threading.Lock()


def _packed(words: Command) -> bytes:
    try:
        packed: bytes = hiredis.pack_command(tuple(words))  # type: ignore[arg-type]
        return packed
    except UnicodeEncodeError:
        pass  # a name that is no UTF-8
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = as_bytes(word)
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


def _connected(address: Address, timeout: float) -> socket.socket:
    if address.path:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout)
        try:
            connection.connect(address.path)
        except OSError:
            connection.close()
            raise
        return connection
    host, port = _master(address, timeout) if address.sentinels else (address.host, address.port)
    connection = socket.create_connection((host, port), timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return connection if address.tls is None else _with_tls(connection, host, address.tls)


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
    try:
        return context.wrap_socket(connection, server_hostname=host)
    except OSError:
        connection.close()
        raise


def _master(address: Address, timeout: float) -> tuple[str, int]:
    """Ask the sentinels who is the master now."""
    last: Exception = ConnectionError("no sentinel answers")
    for host, port in address.sentinels:
        try:
            sentinel = Connection(Address(host, port, password=address.sentinel_password), min(timeout, 1.0))
        except (OSError, RedisError) as error:
            last = error
            continue
        try:
            sentinel.send([("SENTINEL", "get-master-addr-by-name", address.service)])
            reply: Any = sentinel.read()
        except OSError as error:
            last = error
            continue
        finally:
            sentinel.close()
        if isinstance(reply, list):
            return reply[0].decode(), int(reply[1])
        last = ConnectionError(f"sentinel {host}:{port} knows no master named {address.service}")
    raise ConnectionError(str(last))
