"""How commands reach Redis.

A *link* carries commands out and hands the replies back as they come (bytes, ints, lists, None). It
never repeats a command by itself: a repeated pop loses a job and a repeated push doubles one, so an
error says whether the command may have run, and the layer above decides.

There are two: `SocketLink` (socket_link.py), and `RedisPyLink` (redispy_link.py) for a client
that the user made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from pyresque.errors import RedisError, RedisRefused, RedisReplied, RedisUnavailable

Word = bytes | str | int | float
Command = Sequence[Word]
Reply = Any

# The server is there and has not run the command, but will be able to in a moment.
NOT_NOW = (
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

TIMEOUT = 5.0
"""Seconds that a connection may take to come about, and a reply to come."""


class Link(Protocol):
    """What the store needs of a connection."""

    address: str
    """Where the server is, without its password."""

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

    def close(self) -> None:
        """Close every connection."""


UNSURE_SECONDS = 60.0
"""So long after a lost reply no answer of a script is removed."""


class PatientLink:
    """A link that tries again after RedisUnavailable, for as long as its pauses (in seconds) last.

    Everything the store sends may be repeated without harm: reads, sets, and scripts that recognise a
    repetition. So nothing is lost and nothing is done twice by trying again.
    """

    def __init__(self, link: Link, pauses: Sequence[float] = (0.0, 0.05, 0.2, 0.5, 1.0, 2.0)) -> None:
        self.link = link
        self.address = link.address
        self.pauses = pauses
        self._unsure_until = 0.0

    def execute(self, *words: Word) -> Reply:
        """Carry out one command; see `Link`."""
        return self._patiently(lambda: self.link.execute(*words))

    def execute_many(self, commands: Iterable[Command]) -> list[Reply]:
        """Carry out several commands in one round trip; see `Link`."""
        commands = list(commands)
        return self._patiently(lambda: self._all(commands))  # type: ignore[no-any-return]

    def forget(self, key: str) -> None:
        """Remove a key without waiting, unless a reply was lost lately; see `Link`.

        A command whose reply did not come may still be on its way, behind the one that repeated it. The
        answer under the key must be there to meet it; it goes by itself.
        """
        if time.monotonic() > self._unsure_until:
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
                if error.maybe_done:
                    self._unsure_until = time.monotonic() + UNSURE_SECONDS
                time.sleep(pause)
        try:
            return call()
        except RedisUnavailable as error:
            raise RedisUnavailable(str(error), maybe_done=maybe_done or error.maybe_done) from error


def as_bytes(word: Word) -> bytes:
    """A word as it goes over the wire; names that are no UTF-8 go back as the bytes they were."""
    return word if isinstance(word, bytes) else str(word).encode("utf-8", "surrogateescape")


def unavailable(address: str, error: Exception, maybe_done: bool) -> RedisUnavailable:
    """The error of a connection that could not be made, or broke."""
    reason = str(error).rstrip(".") or type(error).__name__
    if reason.lower().startswith("protocol error"):  # as hiredis and redis-py say it
        return RedisUnavailable(
            f"what answers at {address} does not speak Redis's protocol ({reason}): is it the right port?",
            maybe_done=maybe_done,
        )
    return RedisUnavailable(
        f"Redis at {address} cannot be reached ({reason}): is it running? Another one is named "
        "with --redis or REDIS_URL, in Python with Resque(url)",
        maybe_done=maybe_done,
    )


def from_reply(text: str, address: str) -> RedisError:
    """The error that an error reply means."""
    # Out of a script, " -CODE " is how Redis 6.2 words it, " CODE " how newer ones do.
    if text.startswith(NOT_NOW) or any(f" {code} " in text or f" -{code} " in text for code in NOT_NOW):
        return RedisUnavailable(f"Redis at {address} cannot do that now: {text}", maybe_done=False)
    if text.startswith(_NOT_YOU):
        return RedisRefused(
            f"Redis at {address} does not permit that: {text.rstrip('.')}. Put user and password into the "
            "URL (redis://user:password@host:port/0) or extend the user's ACL"
        )
    return RedisReplied(f"{text} (Redis at {address})")
