"""Being woken by Redis when a queue changes: client tracking on one extra connection (Redis 6 and newer).

`CLIENT CACHING YES` with `EXISTS key...` makes the server remember these keys for us; the next change of
any of them sends one message. Nothing is popped, and an idle worker sends next to nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import hiredis

from pyresque.errors import RedisError
from pyresque.log import Log
from pyresque.store.connection.address import Address
from pyresque.store.connection.link import Command, Link, Reply, Word
from pyresque.store.connection.replies import RoundTrip
from pyresque.store.connection.socket_link import Connection

logger = Log("pyresque.store")

RETRY_SECONDS = 10.0
"""After a failure polling has to do for so long."""
TIMEOUT = 2.0
"""Seconds that it may take to connect, and for an answer to come: without it there is polling."""


class Wakeup:
    """Waits for a change of some keys. Where it cannot be had, it is never armed, and polling has to do.

    Whatever comes over its connection, or does not come, nobody ends with it.

    Args:
        link: the link whose server is to be watched; only our own link tells where that is.
        name: what CLIENT LIST shows of the connection, where the server lets it have a name.
    """

    def __init__(self, link: Link, name: str = "") -> None:
        self._name = name
        self._address: Address | None = getattr(link, "target", None)
        self._connection: Connection | None = None
        self._armed: tuple[Word, ...] | None = None
        self._not_before = 0.0

    def fileno(self) -> int:
        """For `poll`; -1 where there is nothing to wait for."""
        return self._connection.fileno() if self._connection and self._armed else -1

    def arm(self, keys: Sequence[Word]) -> bool:
        """Watch these keys; True if that is new, so that one more look at them is due."""
        if self._connection is not None and self._connection.fileno() < 0:
            self.close()  # a job in this process has closed the socket
        watched = tuple(keys)
        if self._address is None or self._armed == watched or time.monotonic() < self._not_before:
            return False
        is_old = self._connection is not None
        try:
            connection = self._connection = self._connection or _tracking(self._address, self._name)
            _ask(connection, [("CLIENT", "CACHING", "YES"), ("EXISTS", *watched)])
            # A message that came along with the answer has been received already: nobody can wait for it.
            self._armed = None if connection.discard_buffered() else watched
        except (OSError, RedisError) as error:
            self.close()
            if is_old:
                return self.arm(keys)  # it may have been cut while nobody listened to it
            logger.info("no wake-up by Redis (%s); the queues are polled", error)
            self._not_before = time.monotonic() + RETRY_SECONDS
            return False
        return True

    def woken(self) -> bool:
        """Whether something has changed since `arm`; then it has to be armed again."""
        connection = self._connection
        if connection is None or self._armed is None or connection.is_quiet():
            return False
        self._armed = None
        connection.begin(TIMEOUT, float("inf"))
        try:
            is_message = connection.fileno() >= 0 and isinstance(connection.read(), hiredis.PushNotification)
            connection.discard_buffered()
        except OSError:
            is_message = False
        if not is_message:
            self.close()
        return True

    def is_sure(self) -> bool:
        """Whether nothing has changed since `arm`: a message of that would come before the answer."""
        connection = self._connection
        if connection is None or self._armed is None:
            return False
        try:
            connection.begin(TIMEOUT, float("inf"))
            connection.send([("PING",)])
            reply = connection.read()
            if isinstance(reply, hiredis.PushNotification) or connection.discard_buffered():
                self.close()  # the answer is still on its way
                return False
        except OSError:
            self.close()
            return False
        if reply != b"PONG":
            self.close()
        return self._armed is not None

    def close(self) -> None:
        """Give the connection up."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._armed = None, None


def _tracking(address: Address, name: str) -> Connection:
    connection = Connection(address, timeout=TIMEOUT, protocol=3)
    try:
        _ask(connection, [("CLIENT", "TRACKING", "ON", "OPTIN", "NOLOOP")])
        if name:
            _ask(connection, [("CLIENT", "SETNAME", name)])
    except BaseException as error:
        connection.close()
        if name and isinstance(error, RedisError):
            return _tracking(address, "")  # to be woken counts for more than to be seen
        raise
    return connection


def _ask(connection: Connection, commands: list[Command]) -> None:
    connection.begin(TIMEOUT, float("inf"))
    trip, replies = RoundTrip(commands), list[Reply]()
    connection.send(trip.sent)
    while len(replies) < len(trip.sent):
        reply = connection.read()
        # Messages about earlier keys may come in between; they ask for a look that is due anyway.
        if not isinstance(reply, hiredis.PushNotification):
            replies.append(reply)
    for reply in trip.read(replies, str(connection.address)):
        if isinstance(reply, RedisError):
            raise reply
