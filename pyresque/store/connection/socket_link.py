"""Our own link: a socket and hiredis' parser, and nothing else.

Why not redis-py here: a process that has imported it forks 2.4 times slower, it takes 1.5 times as long
for a command, and what it repeats by itself cannot be told from outside.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from pyresque.errors import RedisError, RedisRefused, RedisRejected, RedisUnavailable
from pyresque.store.connection.address import Address
from pyresque.store.connection.link import TIMEOUT, Check, Command, Reply, Word, from_reply, unavailable
from pyresque.store.connection.replies import ErrorReply, RoundTrip
from pyresque.store.connection.socket import Connection


class SocketLink:
    """A link with as many connections as threads use it at a time. Safe with threads and fork."""

    def __init__(self, url: str | Address, timeout: float = TIMEOUT) -> None:
        self.target = Address.parse(url) if isinstance(url, str) else url
        self.address = str(self.target)
        self.place = f"{self.target}/{self.target.db}"
        self.deadline = float("inf")
        self.let_in = False
        self._timeout = timeout
        self._echoes = True
        # Nothing but `append` and `pop`, which are whole in every thread: a lock could be held at a fork.
        self._free: list[Connection] = []

    def fresh(self) -> SocketLink:
        """Another link to the same server; see `DirectLink`."""
        link = SocketLink(self.target, self._timeout)
        link.let_in = self.let_in
        return link

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

    def _carried_out(self, trip: RoundTrip) -> list[Reply]:
        connection = self._checkout()
        keep, replies = False, list[Reply]()
        try:
            connection.send(trip.sent)
            for _ in trip.sent:
                replies.append(connection.read())
            in_step = connection.is_in_step()
            found = trip.read(replies, self.address, in_step=in_step)
            # After "not now" and "not you" a new one is due, that looks for the master and logs in.
            keep = in_step and not any(isinstance(one, RedisUnavailable | RedisRefused) for one in found)
        except OSError as error:
            raise self._broken(connection, replies, error) from error
        finally:
            if keep:
                self._free.append(connection)
            else:
                connection.close()
        self.let_in = self.let_in or not all(isinstance(one, RedisError) for one in found)
        self._echoes = trip.has_proof
        return found

    def _broken(self, connection: Connection, replies: Sequence[Reply], error: OSError) -> RedisError:
        """What a connection that broke means: a server that turns us away says why before it closes."""
        for reply in (*replies, connection.last_word()):
            if isinstance(reply, ErrorReply):
                meaning = from_reply(str(reply), self.address)
                if isinstance(meaning, RedisUnavailable | RedisRefused | RedisRejected):
                    return meaning
        return unavailable(self.address, error, maybe_done=True)

    def _checkout(self) -> Connection:
        until = min(time.monotonic() + self._timeout, self.deadline)
        while self._free:
            try:
                connection = self._free.pop()
            except IndexError:
                break  # another thread was faster
            connection.begin(self._timeout, self.deadline, until)
            if connection.is_usable():
                return connection
            connection.close()
        try:
            return Connection(self.target, self._timeout, deadline=self.deadline, until=until)
        except OSError as error:
            raise unavailable(self.address, error, maybe_done=False) from error
