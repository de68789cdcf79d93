"""How commands reach Redis, and what its errors mean.

A *link* carries commands out and hands the replies back as they come (bytes, ints, lists, None). It
never repeats a command by itself: a repeated pop loses a job and a repeated push doubles one, so an
error says whether the command may have run, and the layer above decides.

There are two: `SocketLink` (socket_link.py), and `RedisPyLink` (redispy_link.py) for a client
that the user made. Above them `PatientLink` tries again; workers and schedulers wait beyond that.

What an error reply means is decided in `from_reply`, for all of them: only what is known to be final is,
and everything else, in whatever words a server, a proxy or a service says it, means *later*.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, Self

from pyresque.errors import (
    NotRedis,
    RedisError,
    RedisRefused,
    RedisRejected,
    RedisReplied,
    RedisUnavailable,
)

Word = bytes | str | int | float
Command = Sequence[Word]
Reply = Any
Check = Callable[[Reply], bool]
"""Whether a reply has the form that it must have (replies.py)."""

TIMEOUT = 5.0
"""Seconds that it may take, connecting included, until an answer begins to come; then, between its parts."""


LEAVE_SECONDS = 3.0
"""Seconds that whoever is to leave, and has nothing else left to do, still gives Redis."""


class Link(Protocol):
    """What the store needs of a connection."""

    address: str
    """Where the server is, without its password."""

    @property
    def database(self) -> str:
        """The address with the database: links to one database reach the same keys."""

    def execute(self, *words: Word, check: Check | None = None) -> Reply:
        """Carry out one command.

        Args:
            check: the form of an answer that proves by itself that it is the right one, as that of a script.

        Raises:
            RedisUnavailable: it could not be sent, no answer to it came, or an error that may pass.
            RedisReplied: Redis answered with an error that will come again.
            RedisRefused: credentials or permissions are missing.
        """

    def execute_many(self, commands: Iterable[Command]) -> list[Reply]:
        """Carry out several commands in one round trip; an error reply is a RedisError in the list."""

    def forget(self, key: str) -> None:
        """Remove a key without waiting for the answer; failing to do so is not an error."""

    def close(self) -> None:
        """Close every connection."""


class DirectLink(Link, Protocol):
    """A link that repeats nothing."""

    deadline: float
    """From this moment on (monotonic clock) it sends nothing, and waits for nothing; infinite at first."""
    let_in: bool
    """Whether the server has ever answered: a refusal after that may be a change that is under way."""

    def fresh(self) -> Self:
        """Another link to the same server, with connections and a deadline of its own."""

    def adopt(self) -> Self:
        """From now on it is this process's alone: a copy of the process that wants to use it ends instead.

        Code of the application that forks is watched where it returns (usercode/guards.py); this is for the
        places that nobody has thought of.
        """


UNSURE_SECONDS = 60.0
"""So long after a lost reply no answer of a script is removed."""


class PatientLink:
    """A link that tries again for as long as its pauses (in seconds) last.

    Everything the store sends may be repeated without harm: reads, sets, and scripts that recognise a
    repetition. So nothing is lost and nothing is done twice by trying again. Even an error that is final is
    believed only when it comes twice.

    Args:
        gives_up: whether whoever waits wants to leave; then nothing is repeated any more.
    """

    def __init__(
        self,
        link: DirectLink,
        pauses: Sequence[float] = (0.0, 0.05, 0.2, 0.5, 1.0, 2.0),
        gives_up: Callable[[], bool] = lambda: False,
    ) -> None:
        self.link = link
        self.address = link.address
        self.pauses = pauses
        self._gives_up = gives_up
        self._unsure_until = 0.0

    @property
    def database(self) -> str:
        """Where the server and its database are."""
        return self.link.database

    def execute(self, *words: Word, check: Check | None = None) -> Reply:
        """Carry out one command; see `Link`."""
        try:
            return self.link.execute(*words, check=check)
        except RedisError as error:
            first = error
        return self._again(lambda: self.link.execute(*words, check=check), first)

    def execute_many(self, commands: Iterable[Command]) -> list[Reply]:
        """Carry out several commands in one round trip; see `Link`."""
        commands = list(commands)
        replies = self._all_patiently(commands)
        if any(isinstance(reply, RedisReplied) for reply in replies):
            replies = self._all_patiently(commands)
        return replies

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
            if isinstance(reply, RedisUnavailable | RedisRefused):
                reply.maybe_done |= any(not isinstance(answer, RedisError) for answer in replies)
                raise reply
        return replies

    def _all_patiently(self, commands: list[Command]) -> list[Reply]:
        try:
            return self._all(commands)
        except RedisError as error:
            first = error
        replies: list[Reply] = self._again(lambda: self._all(commands), first)
        return replies

    def _again(self, call: Callable[[], Reply], error: RedisError) -> Reply:
        """Try again after this error, for as long as the pauses last."""
        maybe_done, was_final, was_redis, pauses = False, False, False, iter(self.pauses)
        while True:
            error.maybe_done = maybe_done = maybe_done or error.maybe_done
            was_redis = was_redis or not isinstance(error, NotRedis)
            if error.maybe_done and not isinstance(error, RedisReplied):  # that one is no more on its way
                self._unsure_until = time.monotonic() + UNSURE_SECONDS
            if isinstance(error, RedisReplied):
                if was_final or is_missing_script(error):
                    raise error
                was_final = True
            elif not self._waited(error, next(pauses, None)):
                if isinstance(error, NotRedis) and was_redis:
                    raise RedisUnavailable(str(error), maybe_done=maybe_done) from error
                raise error
            try:
                return call()
            except RedisError as another:
                error = another

    def _waited(self, error: RedisError, pause: float | None) -> bool:
        """Wait before the next try; False if there is to be none."""
        if pause is None or (isinstance(error, RedisRefused) and not self.link.let_in):
            return False
        if time.monotonic() + pause >= self.link.deadline:
            return False
        time.sleep(pause)
        # With a deadline that is enough: until then it is tried again.
        return self.link.deadline < float("inf") or not self._gives_up()


def as_bytes(word: Word) -> bytes:
    """A word as it goes over the wire; names that are not UTF-8 go back as the bytes they were."""
    return word if isinstance(word, bytes) else str(word).encode("utf-8", "surrogateescape")


# --- what went wrong -------------------------------------------------------------------------------

# Redis says it before the command has run, or in a script before anything was written; soon it can.
# Out of a script, " -CODE " is how Redis 6.2 words it, " CODE " how newer ones do.
_NOT_RUN = re.compile(
    r"(^| -?)(LOADING|READONLY|MASTERDOWN|BUSY|OOM|CLUSTERDOWN|TRYAGAIN|MISCONF|NOREPLICAS|MOVED|ASK)( |$)"
    r"|max number of clients"
)
# What helps, where waiting alone does not.
_ADVICE = {
    "OOM": "It is full: raise its maxmemory, or make room (`pyresque failed clear` still works)",
    "READONLY": "It is a replica: let the URL name its master",
    "MISCONF": "It cannot save: look at its log and at the space on its disk",
    "NOREPLICAS": "Too few of its replicas are up (min-replicas-to-write)",
    "BUSY": "A script of another client blocks it: SCRIPT KILL ends one that has not written",
    "MOVED": "It is a cluster, which pyresque does not use: let the URL name a single server",
    "max number of clients": "Raise its maxclients, or let fewer clients connect",
}
_NOT_YOU = re.compile(r"^(NOAUTH|WRONGPASS|NOPERM)( |$)")
# As a script words a missing permission.
_NOT_YOUR_SCRIPT = re.compile(
    r"\bNOPERM |can't run this command or subcommand|can't access at least one of the keys"
)

# What the command holds, and no server will take.
_REJECTED = re.compile(
    r"invalid expire time|string exceeds maximum allowed size|invalid (multi)?bulk length"
    r"|too big (mbulk|bulk) count|too many results to unpack"
)
# What will come again as long as the command, the server and its keys are what they are.
_FINAL = re.compile(
    r"\bWRONGTYPE\b|^NOSCRIPT\b|\bHELD worker:ID\b|\bunknown (sub)?command|wrong number of arguments"
    r"|\bsyntax error|is not an integer|not a valid float|is not a float|would overflow"
    r"|(index|value) (is )?out of range|invalid DB index|\bno such key|Error compiling script"
    r"|attempt to (call|index|compare|perform|concatenate|get)|bad argument #",
    re.IGNORECASE,
)

SHOWN = 300
"""Characters of an error reply that are shown."""


def from_reply(text: str, address: str) -> RedisError:
    """The error that an error reply means."""
    shown = _cut(text)
    if match := _NOT_RUN.search(text):
        advice = _ADVICE.get(match[2] or match[0])
        shown += f"{'' if shown.endswith('.') else '.'} {advice}" if advice else ""
        return RedisUnavailable(f"Redis at {address} cannot do that now: {shown}", maybe_done=False)
    if _NOT_YOU.search(text) or _NOT_YOUR_SCRIPT.search(text):
        return RedisRefused(
            f"Redis at {address} does not permit that: {shown.rstrip('.')}. Put user and password into the "
            "URL (redis://user:password@host:port/0) or extend the user's ACL",
            maybe_done=not _NOT_YOU.search(text),
        )
    for pattern, kind in ((_REJECTED, RedisRejected), (_FINAL, RedisReplied)):
        if pattern.search(text):  # it may come from the midst of a script, unless Redis has not found one
            return kind(f"{shown} (Redis at {address})", maybe_done=not text.startswith("NOSCRIPT"))
    return RedisUnavailable(f"Redis at {address} cannot do that now: {shown}", maybe_done=True)


_WRONG_LOGIN = re.compile(
    r"^(NOAUTH|WRONGPASS|NOPERM)( |$)|invalid (username|password)|no password is set|without any password"
    r"|wrong number of arguments",
    re.IGNORECASE,
)
_NO_DATABASE = re.compile(r"DB index is out of range|invalid DB index|not allowed in cluster mode")


def from_login(text: str, address: str, db: int, as_user: bool = False) -> RedisError:
    """The error that an error reply to a login (AUTH, SELECT, HELLO) means.

    Args:
        as_user: whether the URL has a user name. It is not shown: a password may have been put there.
    """
    if _NO_DATABASE.search(text):
        return RedisRefused(f"Redis at {address} has no database {db}: {_cut(text)}")
    if _WRONG_LOGIN.search(text):
        hint = (
            ". The user name in the URL must be one of the server's ACL users; the password of the default "
            "user is given without one: redis://:password@host:port/0"
        )
        reason = _cut(text).rstrip(".") + hint if as_user else _cut(text)
        return RedisRefused(f"Redis at {address} refuses the login: {reason}")
    return from_reply(text, address)


def _cut(text: str) -> str:
    return (text if len(text) <= SHOWN else text[: SHOWN - 3] + "...") or "an error without a text"


def is_hopeless(error: RedisError, link: DirectLink) -> bool:
    """Whether, at the start, waiting is of no use: a wrong password, something that is not a Redis."""
    turned_away = isinstance(error, NotRedis | RedisRefused) and not link.let_in
    return turned_away or isinstance(error, RedisRejected)


def is_missing_script(error: RedisReplied) -> bool:
    """Whether Redis only lacks the text of a script."""
    return str(error).startswith("NOSCRIPT")


def unavailable(address: str, error: BaseException, maybe_done: bool) -> RedisUnavailable:
    """The error of a connection that could not be made, or broke."""
    reason = str(error).rstrip(".") or type(error).__name__
    if isinstance(error, Damaged):
        return NotRedis(
            f"what answers at {address} does not speak Redis's protocol ({reason}): is it the right port?",
            maybe_done=maybe_done,
        )
    return RedisUnavailable(
        f"Redis at {address} cannot be reached ({reason}): is it running? Another one is named "
        "with --redis or REDIS_URL, in Python with Resque(url)",
        maybe_done=maybe_done,
    )


class Damaged(ConnectionError):
    """Bytes that are not replies."""
