"""What replies must look like, and how we know that a reply is the one to our command.

Nothing that comes over a connection is believed unseen. Three things are asked of it, here and nowhere else:

- its form: that of its command (`expected`), or the one that a script declares;
- its place: every round trip ends with a word that only we know, so that one reply too many or too few is
  seen before it can be taken for another one. A script hands the word back in its own answer; behind other
  commands goes an ECHO;
- what an error reply means is decided in link.py.

A reply for which one of these fails is not an answer: the connection is closed, and nobody knows whether
the command ran.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from os import urandom
from typing import Any

from pyresque.errors import RedisError, RedisUnavailable
from pyresque.store.connection.link import Check, Command, Reply, Word, from_reply


class ErrorReply(Exception):
    """An error reply, as it came."""


def new_word() -> bytes:
    """A word that no other call uses, here or in another process."""
    return urandom(9).hex().encode()


MOST = 10_000_000
"""Elements that a list, a map or a set may have in a reply."""
MANY = re.compile(rb"[*%~>|]\d{8,}\r\n")
"""What such a reply holds at least."""


def has_too_many(part: bytes) -> bool:
    """Whether replies, of which this is the beginning, tell of more elements than anybody sends."""
    at = 0
    while MANY.search(part, at):  # perhaps it is data, as hardly ever
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


# --- forms -----------------------------------------------------------------------------------------
# `type(...) is`, for True is an int and a push message a list.


def anything(_reply: Reply) -> bool:
    """Any reply."""
    return True


class Form:
    """The form of bytes or of a list; called with a reply, it says whether that has it.

    Args:
        kind: its type.
        parts: the forms of the first elements of a list, `rest` that of all others (None: there are none).
        by_name: instead of them, forms by the first element.
    """

    __slots__ = ("_by_name", "_kind", "_parts", "_rest")

    def __init__(
        self,
        kind: type,
        *,
        parts: Sequence[Check] = (),
        rest: Check | None = None,
        by_name: Mapping[bytes, Check] | None = None,
    ) -> None:
        self._kind: Any = kind
        self._parts, self._rest, self._by_name = parts, rest, by_name

    def __call__(self, reply: Reply) -> bool:
        """Whether a reply has this form."""
        kind = self._kind
        if type(reply) is not kind:
            return False
        if kind is bytes:
            return True
        items: list[Reply] = reply
        if self._by_name is not None:
            named = self._by_name.get(items[0]) if items and type(items[0]) is bytes else None
            return named is not None and named(items)
        length, rest = len(self._parts), self._rest
        if len(items) < length or (rest is None and len(items) > length):
            return False
        for check, item in zip(self._parts, items, strict=False):
            if not check(item):
                return False
        return rest is None or all(map(rest, items[length:]))


data = Form(bytes)
"""Bytes."""


def integer(least: float = float("-inf"), most: float = float("inf")) -> Check:
    """A number, between these."""
    return lambda reply: type(reply) is int and least <= reply <= most


def exactly(*values: bytes | int | None) -> Check:
    """One of these values."""
    kinds = {type(value) for value in values}
    return lambda reply: type(reply) in kinds and reply in values


def maybe(check: Check) -> Check:
    """That, or nothing."""
    return lambda reply: reply is None or check(reply)


def either(*checks: Check) -> Check:
    """One of these forms."""
    return lambda reply: any(check(reply) for check in checks)


def many(check: Check, count: int | None = None) -> Check:
    """A list of these, of any length or of this one."""
    return Form(list, rest=check) if count is None else Form(list, parts=[check] * count)


def row(*checks: Check, rest: Check | None = None) -> Check:
    """A list of just these, one after the other, and of any number of `rest` behind them."""
    return Form(list, parts=checks, rest=rest)


def cases(**forms: Check) -> Check:
    """A list whose first word says which of these forms it has."""
    return Form(list, by_name={name.encode(): check for name, check in forms.items()})


def fraction(reply: Reply) -> bool:
    """A number, in the digits of Redis."""
    try:
        return type(reply) is bytes and float(reply) == float(reply)
    except ValueError:
        return False


words = many(data)
amount = integer(0)
flag = integer(0, 1)
ok = exactly(b"OK")


def pairs(reply: Reply) -> bool:
    """Names and values, one after the other."""
    return words(reply) and len(reply) % 2 == 0


def digits(reply: Reply) -> bool:
    """A number, in digits."""
    return type(reply) is bytes and len(reply) <= 20 and reply.isdigit()


def _clock(reply: Reply) -> bool:
    # A clock before 2017 is wrong: a worker with such a beat would be taken for dead.
    return many(digits, 2)(reply) and int(reply[0]) > 1_500_000_000


def _hello(reply: Reply) -> bool:
    return type(reply) is dict and reply.get(b"proto") == 3


def number(raw: bytes | None) -> int:
    """What Redis takes for an integer (64 bits, so never more than 20 characters); else 0."""
    if raw is not None and len(raw) <= 20 and re.fullmatch(rb"-?\d+", raw):
        return int(raw)
    return 0


_FORMS: dict[str, Check] = {
    **dict.fromkeys(
        ("SADD", "SREM", "HSET", "HDEL", "ZADD", "ZREM", "ZREMRANGEBYSCORE", "UNLINK", "DEL", "EXISTS",
         "LLEN", "ZCARD", "ZCOUNT", "SCARD", "RPUSH", "LPUSH", "LREM"), amount,
    ),
    **dict.fromkeys(("SISMEMBER", "EXPIRE", "PERSIST"), flag),
    **dict.fromkeys(("TTL", "PTTL"), integer(-2)),
    "INCRBY": integer(),
    **dict.fromkeys(("GET", "LINDEX", "HGET"), maybe(data)),
    "LPOS": maybe(amount),
    **dict.fromkeys(
        ("SMEMBERS", "LRANGE", "ZRANGE", "ZREVRANGE", "ZRANGEBYSCORE", "HKEYS", "KEYS"), words
    ),
    "HGETALL": pairs,
    "SETEX": ok, "SELECT": ok, "AUTH": ok,
    "HELLO": _hello,
    "PING": exactly(b"PONG"),
    "INFO": data,
    "TYPE": data,
    "TIME": _clock,
    "SCAN": row(data, words),
}  # fmt: skip

_OF_CLIENT: dict[str, Check] = {"LIST": data, **dict.fromkeys(("TRACKING", "CACHING", "SETNAME"), ok)}


def expected(command: Command) -> Check:
    """The form of the reply to a command; `anything` where we never send it ourselves."""
    name = _name(command)
    if name == "SET":
        return _of_set(command)
    if name == "CLIENT":
        return _OF_CLIENT.get(_text(command[1]).upper(), anything)
    if name in ("MGET", "HMGET"):
        return many(maybe(data), len(command) - (1 if name == "MGET" else 2))
    if name == "SMISMEMBER":
        return many(flag, len(command) - 2)
    return _FORMS.get(name, anything)


def _of_set(command: Command) -> Check:
    options = {_text(word).upper() for word in command[3:]}
    if "GET" in options:
        return maybe(data)
    return maybe(ok) if options & {"NX", "XX"} else ok


# --- one round trip --------------------------------------------------------------------------------

_NO_ECHO = re.compile(r"\becho\b", re.IGNORECASE)


class RoundTrip:
    """Commands on their way, and what proves that the replies are theirs.

    Args:
        check: of one command whose answer carries a word of its own; no ECHO is sent behind it.
        echoes: False where the server lets nobody ECHO.
    """

    def __init__(self, commands: Sequence[Command], check: Check | None = None, echoes: bool = True) -> None:
        self._commands = commands
        self._checks = [check] if check is not None else [expected(command) for command in commands]
        self._word = new_word() if check is None and echoes else None
        self.has_proof = check is not None or echoes
        """Whether a reply too many would be seen."""
        self.sent: Sequence[Command] = commands if self._word is None else [*commands, ("ECHO", self._word)]

    def read(self, replies: Sequence[Reply], address: str, *, in_step: bool = True) -> list[Reply]:
        """The replies to the commands, with error replies as what they mean.

        Args:
            in_step: whether nothing has come behind them.

        Raises:
            RedisUnavailable: they are not the replies to these commands, or nobody can tell.
        """
        answers = [
            from_reply(str(raw_reply), address) if type(raw_reply) is ErrorReply else raw_reply
            for raw_reply in replies
        ]
        echo = answers.pop() if self._word is not None else None
        for command, check, reply in zip(self._commands, self._checks, answers, strict=True):
            if not isinstance(reply, RedisError) and not check(reply):
                raise meaning(reply, command, address)
        if echo != self._word and not self._is_excused(echo, answers):
            if isinstance(echo, RedisError):
                raise RedisUnavailable(str(echo), maybe_done=True) from echo
            in_step = False
        elif self.has_proof:
            return answers
        if not in_step:
            raise _strange(address, "with more than one reply, or with the one to another command")
        return answers

    def _is_excused(self, echo: Reply, answers: Sequence[Reply]) -> bool:
        if not isinstance(echo, RedisError):
            return False
        if _NO_ECHO.search(str(echo)):  # unknown, or not permitted: then it has to do without
            self.has_proof = False
            return True
        return all(isinstance(answer, RedisError) for answer in answers)


def meaning(reply: Reply, command: Command, address: str) -> RedisError:
    """What a reply means that has not the form of one to this command."""
    if type(reply) is ErrorReply:
        return from_reply(str(reply), address)
    return _strange(address, f"{_name(command)} with {_kind(reply)}")


def _name(command: Command) -> str:
    return _text(command[0]).upper()


def _text(word: Word) -> str:
    return word.decode("ascii", "replace") if isinstance(word, bytes) else str(word)


def _kind(reply: Reply) -> str:
    if reply is None:
        return "nothing"
    return {
        int: "another number", bytes: "another text", list: "another list", dict: "a map",
        bool: "a yes or no", float: "a fraction",
    }.get(type(reply), "a message that nobody asked for")  # fmt: skip


def _strange(address: str, what: str) -> RedisUnavailable:
    return RedisUnavailable(
        f"Redis at {address}, or what stands before it, answered {what}, which is not an answer: the "
        "connection is closed",
        maybe_done=True,
    )
