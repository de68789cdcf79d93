"""Replies that are none: of another form, damaged, too many, errors in any words.

Every operation of a client gives its right answer all the same, and is done once. A long run:

    PYRESQUE_CHAOS_ROUNDS=5000 python -m pytest tests/redis/test_replies.py --timeout 0
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import hiredis
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyresque import Resque
from pyresque.errors import ResqueError
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry
from pyresque.store.connection.replies import ErrorReply, expected
from pyresque.testing.redis_server import DevRedis
from tests import errortexts
from tests.faultproxy import FaultProxy, Mode, Words
from tests.redis.test_faults import OPERATIONS, _prepare, keyspace

# --- RESP, all of it -----------------------------------------------------------------------------------


def _bulk(data: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(data), data)


def _list(kind: bytes, parts: list[bytes]) -> bytes:
    size = len(parts) // 2 if kind == b"%" else len(parts)
    return b"%b%d\r\n%b" % (kind, size, b"".join(parts if kind != b"%" else parts[: 2 * size]))


SCALARS = st.one_of(
    st.integers(-(2**63), 2**63 - 1).map(lambda n: b":%d\r\n" % n),
    st.sampled_from([b":0\r\n", b":1\r\n", b":2\r\n", b":-1\r\n", b":7\r\n"]),
    st.binary(max_size=12).map(_bulk),
    st.sampled_from(
        [b"$-1\r\n", b"*-1\r\n", b"_\r\n", b"+OK\r\n", b"+QUEUED\r\n", b"+PONG\r\n", b"$0\r\n\r\n"]
    ),
    st.sampled_from([b",1.5\r\n", b",inf\r\n", b"#t\r\n", b"#f\r\n", b"(12345678901234567890123\r\n"]),
    st.binary(max_size=6).map(lambda text: b"=%d\r\ntxt:%b\r\n" % (len(text) + 4, text)),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.builds(
        _list, st.sampled_from([b"*", b"*", b"~", b">", b"%"]), st.lists(inner, max_size=4)
    ),
    max_leaves=6,
)
PLAUSIBLE = st.sampled_from(
    [b":0\r\n", b":1\r\n", b":7\r\n", b"$1\r\n7\r\n", b"$-1\r\n", b"*0\r\n", b"+OK\r\n", b"*1\r\n$1\r\nx\r\n"]
)
ERRORS = st.sampled_from(errortexts.ALL).map(errortexts.raw)
GARBAGE = st.one_of(
    st.binary(min_size=1, max_size=40),
    st.sampled_from(
        [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x01\x00\x02\x02\x50", b"*1000000000\r\n", b"\r\n",
         b"$99999999999\r\n", b"*2\r\n:1\r\n", b"$5\r\nab", b"%1\r\n*1\r\n:1\r\n:1\r\n", b":abc\r\n",
         b"*99999999999999999999\r\n"]
    ),
)  # fmt: skip


def _hides(words: Words, mode: Mode, raw: bytes) -> bool:
    """Whether nobody can tell this reply from the right one: it has the form that its command asks for."""
    reader, open_end = hiredis.Reader(replyError=ErrorReply, notEnoughData=_OPEN), mode == "ahead"
    try:
        reader.feed(raw)
        reply = reader.gets()
    except Exception:
        return False
    if words[0] in (b"EVALSHA", b"EVAL", b"ECHO") or mode == "more":
        return False
    # With an open end, what comes behind it may make a whole reply of it.
    return open_end if reply is _OPEN else not open_end and expected(words)(reply)


_OPEN = object()


# --- one odd reply, anywhere -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stage(server: DevRedis) -> Iterator[tuple[Resque, FaultProxy]]:
    """A Resque beside the proxy, and the proxy."""
    with FaultProxy(server) as proxy:
        real = Resque(server.url, registry=Registry(WorkerHooks()))
        yield real, proxy
        real.close()


def _through(proxy: FaultProxy, link: str) -> Resque:
    registry = Registry(WorkerHooks())
    if link == "redis-py":
        return Resque(redis.Redis(port=proxy.port, socket_timeout=0.2), registry=registry)
    through = Resque(proxy.url, registry=registry)
    through.link._timeout = 0.2  # type: ignore[attr-defined]
    return through


NAMES = sorted(set(OPERATIONS) - {"enqueue a registered job"})
Found = tuple[object, dict[str, Any]]
RIGHT: dict[tuple[str, str], tuple[Found, int]] = {}
"""What each operation answers and leaves behind without a fault, and how many commands it sends."""


def _tried(
    stage: tuple[Resque, FaultProxy], name: str, link: str, number: int = 0, **fault: Any
) -> tuple[Found, list[Words], list[Words]]:
    """What an operation answers and leaves behind; the commands that it sent; those that were hit."""
    real, proxy = stage
    _prepare(real)
    proxy.begin()
    through = _through(proxy, link)
    through.space.link.execute("PING")  # from now on a refusal is one in mid-life
    first, commands = len(proxy.commands), proxy.commands
    armed = proxy.arm(number=first + number, **fault) if number else None
    try:
        answer = OPERATIONS[name](through)
    except ResqueError as error:
        answer = error
    finally:
        through.close()
        proxy.begin()
    return (answer, keyspace(real)), commands[first:], armed.hits if armed else []


def _right(stage: tuple[Resque, FaultProxy], name: str, link: str) -> tuple[Found, int]:
    if (name, link) not in RIGHT:
        _tried(stage, name, link)  # brings the scripts
        found, commands, _ = _tried(stage, name, link)
        RIGHT[name, link] = found, len(commands)
    return RIGHT[name, link]


@settings(
    max_examples=int(os.environ.get("PYRESQUE_CHAOS_ROUNDS", "100")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    name=st.sampled_from(NAMES),
    link=st.sampled_from(["own", "own", "redis-py"]),
    mode=st.sampled_from(["answer", "swap", "more", "ahead"]),
    part=st.floats(0, 1, exclude_max=True),
    raw=st.one_of(VALUES, PLAUSIBLE, ERRORS, GARBAGE),
    seconds=st.sampled_from([0.0, 0.0, 0.01]),
)
def test_one_odd_reply_changes_nothing(
    stage: tuple[Resque, FaultProxy],
    name: str,
    link: str,
    mode: Mode,
    part: float,
    raw: bytes,
    seconds: float,
) -> None:
    """Any RESP value, any error text, any bytes, in place of, before or behind the reply to any command: the
    answer is the right one, and Redis holds what it should. Left out is only what nobody could tell: a plain
    command's reply in the right form, with something else in it."""
    right, count = _right(stage, name, link)
    number = 1 + int(part * count)
    found, _, hits = _tried(stage, name, link, number, mode=mode, raw=raw, seconds=seconds)
    if any(_hides(words, mode, raw) for words in hits):
        return
    assert found == right, hits
