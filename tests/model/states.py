"""What Redis holds, as a value: every command is run by a real Redis, from a given state, once.

A state is the content of the whole server, each time to live in whole seconds. `Redis.run` says what a real
server in this state answers to a command, and in which state it is then. It asks the server the first time
only: what a server without a clock answers depends on nothing but its content and the command. Time passes
when the world says so (`passed`).
"""

from __future__ import annotations

import hashlib
import pkgutil
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import hiredis

from pyresque import store
from pyresque.store.connection.address import Address
from pyresque.store.connection.link import Word
from pyresque.store.connection.replies import ErrorReply
from pyresque.store.connection.socket_link import Connection
from pyresque.store.script import Script

Words = tuple[bytes, ...]
Frozen = Any
"""A reply as a value: bytes, int, None, `ErrorText`, or a tuple of these."""
Content = tuple[tuple[bytes, bytes, Any, int], ...]
"""For each key, in order: its name, its kind, what it holds, seconds to live (-1: for ever)."""

READS = {
    b"GET", b"MGET", b"HGET", b"HGETALL", b"HEXISTS", b"SMEMBERS", b"SISMEMBER", b"LRANGE", b"LINDEX",
    b"LLEN",
    b"ZRANGE", b"ZCARD", b"ZRANGEBYSCORE", b"TTL", b"PTTL", b"EXISTS", b"TYPE", b"KEYS", b"PING",
}  # fmt: skip
"""Commands that change nothing."""

MODULES = [import_module(f"{store.__name__}.{one.name}") for one in pkgutil.iter_modules(store.__path__)]

_SNAPSHOT = """
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind, value = redis.call('TYPE', key).ok, nil
  if kind == 'string' then value = redis.call('GET', key)
  elseif kind == 'list' then value = redis.call('LRANGE', key, 0, -1)
  elseif kind == 'set' then value = redis.call('SMEMBERS', key)
  elseif kind == 'hash' then value = redis.call('HGETALL', key)
  elseif kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end
  found[#found + 1] = {key, kind, value, redis.call('PTTL', key)}
end
return found
"""
_FRESH = 0.2
"""So many seconds a loaded state may be gone on from: its times to live have not moved by a second then."""


class BadScript(Exception):
    """A text that is not a script."""


class ErrorText(str):
    """An error reply."""


def scripts() -> dict[str, Script]:
    """Every script of the store, by the name of its file."""
    found = [one for module in MODULES for one in vars(module).values() if isinstance(one, Script)]
    return {one.name: one for one in found}


class Redis:
    """A real server that runs commands in any state; its answers are kept."""

    def __init__(self, url: str, timeout: float = 60.0) -> None:
        self._connection = Connection(Address.parse(url), timeout=10)  # it logs in
        self._socket = self._connection.socket
        self._socket.settimeout(timeout)
        self._reader = hiredis.Reader(replyError=ErrorReply)
        self._contents: dict[Content, int] = {}
        self._content: list[Content] = []
        self._loads: list[tuple[bytes, int] | None] = []
        self._states: dict[tuple[int, frozenset[bytes] | None], int] = {}
        self._state: list[tuple[int, frozenset[bytes] | None]] = []
        self._known: dict[tuple[int, Words], tuple[Frozen, int]] = {}
        self._there, self._since = -1, 0.0
        self.asked = 0
        """How often the server was asked."""
        self.used: set[str] = set()
        """The scripts that it was asked to run, but for what happens before and behind the world."""
        self._names = {one.digest.encode(): name for name, one in scripts().items()}
        self._snapshot = self._ask(("SCRIPT", "LOAD", _SNAPSHOT))
        for one in scripts().values():
            if isinstance(error := self._ask(("SCRIPT", "LOAD", one.text)), ErrorReply):
                raise BadScript(str(error))
        self._no_script = ErrorText(self._ask(("EVALSHA", "0" * 40, 0)))
        self.empty = self._number(self._content_number(()), None)

    def close(self) -> None:
        """Leave the server."""
        self._connection.close()

    def content(self, state: int) -> Content:
        """What a state is."""
        return self._content[self._state[state][0]]

    def run(self, state: int, words: Words) -> tuple[Frozen, int]:
        """What the server answers in this state, and the state after it."""
        key = (state, words)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._run(state, words)
        return found

    def passed(self, state: int, seconds: int) -> int:
        """The state after so many seconds in which nothing else happens."""
        content, loaded = self._state[state]
        aged = tuple(
            (key, kind, value, left - seconds if left >= 0 else left)
            for key, kind, value, left in self._content[content]
            if left < 0 or left > seconds
        )
        return self._number(self._content_number(aged), loaded)

    def restarted(self, state: int) -> int:
        """The state after a restart: what the server holds is kept, the scripts are not."""
        return self._number(self._state[state][0], frozenset())

    def _run(self, state: int, words: Words) -> tuple[Frozen, int]:
        content, loaded = self._state[state]
        name = words[0].upper()
        if loaded is not None and name == b"EVALSHA" and words[1] not in loaded:
            return self._no_script, state
        if loaded is not None and name == b"EVAL":
            loaded |= {hashlib.sha1(words[1]).hexdigest().encode()}
        reply, after = self._really(content, words)
        return reply, self._number(after, loaded)

    def _really(self, content: int, words: Words) -> tuple[Frozen, int]:
        self.asked += 1
        if words[0] == b"EVALSHA":
            self.used.add(self._names[words[1]])
        now, packed, replies = time.monotonic(), b"", 0
        if self._there != content or now - self._since > _FRESH:
            packed, replies = self._load(content)
            self._since = now
        packed += _packed(words)
        is_read = words[0].upper() in READS
        if not is_read:
            packed += _packed(("EVALSHA", self._snapshot, 0))
        self._socket.sendall(packed)
        for _ in range(replies):
            self._read()
        reply = frozen(self._read())
        self._there = content if is_read else self._content_number(_ordered(self._read()))
        return reply, self._there

    def _load(self, content: int) -> tuple[bytes, int]:
        found = self._loads[content]
        if found is None:
            commands: list[tuple[Word, ...]] = [("FLUSHDB",)]
            for key, kind, value, left in self._content[content]:
                commands.append(_WRITE[kind](key, value))
                if left >= 0:
                    commands.append(("PEXPIRE", key, left * 1000))
            found = self._loads[content] = b"".join(map(_packed, commands)), len(commands)
        return found

    def _number(self, content: int, loaded: frozenset[bytes] | None) -> int:
        """`loaded`: the scripts that the server knows; None: all of them."""
        return _numbered(self._states, self._state, (content, loaded))

    def _content_number(self, content: Content) -> int:
        number = _numbered(self._contents, self._content, content)
        if number == len(self._loads):
            self._loads.append(None)
        return number

    def _ask(self, words: tuple[Word, ...]) -> Any:
        self._socket.sendall(_packed(words))
        return self._read()

    def _read(self) -> Any:
        while (reply := self._reader.gets()) is False:
            data = self._socket.recv(1 << 20)
            if not data:
                raise ConnectionResetError("the server is gone")
            self._reader.feed(data)
        return reply


_WRITE: dict[bytes, Callable[[bytes, Any], tuple[Word, ...]]] = {
    b"string": lambda key, value: ("SET", key, value),
    b"list": lambda key, value: ("RPUSH", key, *value),
    b"set": lambda key, value: ("SADD", key, *value),
    b"hash": lambda key, value: ("HSET", key, *(word for pair in value for word in pair)),
    b"zset": lambda key, value: ("ZADD", key, *(word for name, score in value for word in (score, name))),
}


def _packed(words: tuple[Word, ...]) -> bytes:
    return hiredis.pack_command(words)  # type: ignore[arg-type, no-any-return]


def _numbered(numbers: dict[Any, int], things: list[Any], thing: Any) -> int:
    number = numbers.get(thing)
    if number is None:
        number = numbers[thing] = len(things)
        things.append(thing)
    return number


def _ordered(found: list[list[Any]]) -> Content:
    return tuple(sorted(_entry(*one) for one in found))


def _entry(key: bytes, kind: bytes, value: Any, left: int) -> tuple[bytes, bytes, Any, int]:
    if kind == b"set":
        value = tuple(sorted(value))
    elif kind in (b"hash", b"zset"):
        value = tuple(sorted(zip(value[::2], value[1::2], strict=True)))
    elif kind == b"list":
        value = tuple(value)
    return key, kind, value, -1 if left < 0 else -(-left // 1000)


def frozen(reply: Any) -> Frozen:
    """A reply as a value that can be kept, compared and hashed."""
    if isinstance(reply, list):
        return tuple(map(frozen, reply))
    return ErrorText(reply) if isinstance(reply, ErrorReply) else reply


def thawed(reply: Frozen) -> Any:
    """A reply as a link hands it over, but for errors."""
    return list(map(thawed, reply)) if isinstance(reply, tuple) else reply
