"""What a proxy answers that means harm: a fault for this or that command, by the throw of dice."""

from __future__ import annotations

import random
from collections import Counter

import hiredis

from pyresque.store.connection.replies import ErrorReply, expected
from tests import errortexts
from tests.faultproxy import Fault, Words

GROUPS: tuple[frozenset[bytes], ...] = (
    frozenset({b"EVALSHA", b"EVAL"}),
    frozenset({b"HSET", b"TIME", b"SISMEMBER"}),
    frozenset({b"SET", b"GET", b"MGET", b"SMEMBERS", b"HGETALL"}),
    frozenset({b"HELLO", b"CLIENT", b"EXISTS"}),
    frozenset({b"AUTH", b"SELECT"}),
    frozenset({b"PING", b"ECHO", b"UNLINK", b"LLEN", b"LRANGE", b"SADD"}),
    frozenset(),
)
"""Commands that suffer together; an empty group is all of them."""

VALUES = [
    b":0\r\n", b":1\r\n", b":42\r\n", b":-1\r\n", b"$-1\r\n", b"_\r\n", b"$5\r\nhello\r\n", b"$0\r\n\r\n",
    b"+OK\r\n", b"+QUEUED\r\n", b"*0\r\n", b"*-1\r\n", b"*1\r\n:1\r\n", b"*2\r\n$1\r\na\r\n$1\r\nb\r\n",
    b"*2\r\n*0\r\n*0\r\n", b"*3\r\n$3\r\njob\r\n*0\r\n:1\r\n", b"*2\r\n$4\r\nnone\r\n*0\r\n",
    b"%1\r\n+a\r\n:1\r\n", b"~2\r\n:1\r\n:2\r\n", b">2\r\n+invalidate\r\n*1\r\n$1\r\nx\r\n", b">0\r\n",
    b",1.5\r\n", b",nan\r\n", b"#t\r\n", b"#f\r\n", b"(3492890328409238509324850943850943825024385\r\n",
    b"=7\r\ntxt:abc\r\n", b"*1\r\n-ERR inner\r\n",
]  # fmt: skip
"""Replies of every type."""

GARBAGE = [
    b"\r\n", b"\0\0\0\0", b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", b"*1000000000\r\n",
    b"\x15\x03\x01\x00\x02\x02\x50", b"$9999999\r\nab", b":abc\r\n", b"*x\r\n", b"OK\r\n", b"\xff\xfe\xfd",
    b"*2\r\n:1\r\n", b"+O",
]  # fmt: skip
"""Bytes that are not reply, or only a part of one."""

KINDS = (
    "error", "done error", "value", "done value", "garbage", "half", "more", "ahead", "late more", "drop",
    "close", "stall", "hole",
)  # fmt: skip


class Dice:
    """Chooses what happens to a command, until so many have suffered.

    Args:
        refusals: whether a login, a permission or a database may be refused: told at once where it was
            never given.
        stall: seconds for which a stalled reply stays away.
    """

    def __init__(self, seed: int, share: float, budget: int, *, refusals: bool, stall: float) -> None:
        self._dice = random.Random(seed)
        self._group = self._dice.choice(GROUPS)
        self._share, self._stall = share, stall
        self.left = budget
        self.done: Counter[str] = Counter()
        self._texts = [*errortexts.LATER, *errortexts.FINAL, *errortexts.REJECTED]
        # "No such database" is told at once, too.
        self._texts = [one for one in self._texts if refusals or "DB index" not in one]
        self._texts += errortexts.REFUSED if refusals else []

    def __call__(self, words: Words) -> Fault | None:
        """The fault for this command, if any."""
        if self.left <= 0 or (self._group and words[0].upper() not in self._group):
            return None
        if self._dice.random() >= self._share:
            return None
        self.left -= 1
        kind = self._dice.choice(KINDS)
        self.done[kind] += 1
        return self._fault(kind, words)

    def connections(self) -> list[bytes]:
        """What some connections are answered with, at once, and then closed."""
        texts = [self._dice.choice(self._texts) for _ in range(self._dice.choice([0, 0, 1, 3]))]
        self.done["turned away"] += len(texts)
        return list(map(errortexts.raw, texts))

    def _fault(self, kind: str, words: Words) -> Fault:
        choose = self._dice.choice
        if kind in ("error", "done error"):
            # No server says "not now" of what it has done.
            text = choose(self._texts if kind == "error" else errortexts.UNKNOWN)
            return Fault("answer" if kind == "error" else "swap", raw=errortexts.raw(text))
        if kind in ("value", "done value"):
            values = [raw for raw in VALUES if not _looks_right(words, raw)] or VALUES
            return Fault("answer" if kind == "value" else "swap", raw=choose(values))
        if kind == "garbage":
            return Fault(choose(("answer", "swap")), raw=choose(GARBAGE))
        if kind in ("more", "ahead", "late more"):
            seconds = 0.05 if kind == "late more" else 0.0
            mode = "ahead" if kind == "ahead" else "more"
            return Fault(mode, raw=choose(VALUES + GARBAGE[:1]), seconds=seconds)  # type: ignore[arg-type]
        if kind == "stall":
            return Fault("hang", seconds=self._stall)
        return Fault(kind)  # type: ignore[arg-type]


def _looks_right(words: Words, raw: bytes) -> bool:
    """Whether nobody could tell this reply to a plain command from the right one."""
    reader = hiredis.Reader(replyError=ErrorReply)
    reader.feed(raw)
    reply = reader.gets()
    return words[0].upper() not in (b"EVALSHA", b"EVAL", b"ECHO") and expected(words)(reply)
