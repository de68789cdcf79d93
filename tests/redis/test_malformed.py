"""Bytes that are not jobs, and junk under every shared key: the worker goes on, and nothing is lost.

The rows are those of docs/protocol/core.md#malformed-payloads and
docs/protocol/core.md#what-stops-ruby-readers.
"""

from __future__ import annotations

import hashlib
import json
import math
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyresque import Resque, ResqueError
from pyresque.client.enqueueing import job_bytes
from pyresque.store import queues, reservation
from pyresque.store.workers import Registration
from pyresque.wire.aside_links import CLASS
from pyresque.wire.records import Payload
from tests.chaos.zygote import Zygote
from tests.redis.bench import resque_url

ASIDE = "resque:pyresque:aside:queue:jobs"
GOOD = b'{"class":"Good","args":["last"]}'
HOST = socket.gethostname()


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """The process that forks our workers."""
    with Zygote(tmp_path_factory.mktemp("zygote")) as zygote:
        yield zygote


# --- elements of a queue (docs/protocol/core.md#malformed-payloads) ---------------------------------


def _deep(levels: int) -> bytes:
    """A payload of so many levels: the object and lists."""
    return b'{"class":"Any","args":' + b"[" * (levels - 1) + b"1" + b"]" * (levels - 1) + b"}"


NO_JOBS = {
    "truncated": b'{"class":"Any","args":[1',
    "bare word": b"hello",
    "trailing garbage": b'{"class":"Any","args":[]}x',
    "trailing NUL": b'{"class":"Any","args":[]}\0',
    "control character": b'{"class":"Any","args":["a\x01b"]}',
    "raw newline": b'{"class":"Any","args":["a\nb"]}',
    "byte order mark": b'\xef\xbb\xbf{"class":"Any","args":[]}',
    "NaN": b'{"class":"Any","args":[NaN]}',
    "Infinity": b'{"class":"Any","args":[Infinity]}',
    "-Infinity": b'{"class":"Any","args":[-Infinity]}',
    "lone surrogate": b'{"class":"Any","args":["\\ud800"]}',
    "trailing comma": b'{"class":"Any","args":[1,]}',
    "single quotes": b"{'class':'Any','args':[]}",
    "comment": b'{"class":"Any",/* no */"args":[1]}',
    "null": b"null",
    "false": b"false",
    "empty": b"",
    "blank": b" \t\n",
    "true": b"true",
    "number": b"42",
    "list": b'["Any",[1]]',
    "text": b'"text"',
    "invalid UTF-8": b'{"class":"Any","args":["\xff\xfe"]}',
    "invalid UTF-8 in a key": b'{"class":"Any","args":[{"\xc3":1}]}',
    "UTF-8 inside UTF-8": b'{"class":"Any","args":["\xe0\xc2\x80\xa0\x80"]}',
    "encoded surrogate": b'{"class":"Any","args":["\xed\xa0\x80"]}',
    "overlong UTF-8": b'{"class":"Any","args":["\xc0\xaf"]}',
    "UTF-8 beyond Unicode": b'{"class":"Any","args":["\xf4\x90\x80\x80"]}',
    "no text at all": bytes(range(256)),
    "integer too long": b'{"class":"Any","args":[' + b"1" * 5000 + b"]}",
    "depth 100": _deep(100),
    "depth 101": _deep(101),
    "depth 1000": _deep(1000),
    "depth 100000": _deep(100_000),
    "leading zero": b'{"class":"Any","args":[01]}',
    "plus sign": b'{"class":"Any","args":[+1]}',
    "hexadecimal": b'{"class":"Any","args":[0x10]}',
    "nothing behind the point": b'{"class":"Any","args":[1.]}',
}

FAILING = {
    "empty object": b"{}",
    "no class": b'{"args":[1]}',
    "class null": b'{"class":null,"args":[]}',
    "class empty": b'{"class":"","args":[]}',
    "class a number": b'{"class":5,"args":[]}',
    "class a list": b'{"class":["Any"],"args":[]}',
}

UNKNOWN = {
    "unknown": b'{"class":"Nobody","args":[]}',
    "Object": b'{"class":"Object","args":[]}',
    "no constant": b'{"class":"no_constant.at all","args":[]}',
    "dash": b'{"class":"no-body","args":[]}',
}

RUNNING = {
    "args missing": (b'{"class":"Any"}', []),
    "args null": (b'{"class":"Any","args":null}', []),
    "args false": (b'{"class":"Any","args":false}', []),
    "args text": (b'{"class":"Any","args":"one"}', ["one"]),
    "args number": (b'{"class":"Any","args":7}', [7]),
    "args object": (b'{"class":"Any","args":{"a":1,"b":2}}', [["a", 1], ["b", 2]]),
    "extra keys": (b'{"class":"Any","args":[1],"queue":"x","n":[{"class":"Bad"}]}', [1]),
    "other order": (b'{"args":[1],"class":"Any"}', [1]),
    "blanks": (b' { "class" : "Any" ,\n\t"args" : [ 1 ] } \r\n', [1]),
    "escaped NUL": (b'{"class":"Any","args":["\\u0000"]}', ["\0"]),
    "escaped class": (b'{"class":"\\u0041ny","args":[1]}', [1]),
    "doubled key": (b'{"class":"Any","args":[1],"args":[2]}', [2]),
    "doubled key inside": (b'{"class":"Any","args":[{"a":1,"a":2}]}', [{"a": 2}]),
    "class doubled": (b'{"class":"Bad","args":[1],"class":"Any"}', [1]),
    "class doubled otherwise": (b'{"class":"Bad","args":[1],"\\u0063lass":"Any"}', [1]),
    "top level": (b'{"class":"::Any","args":[1]}', [1]),
    "depth 99": (_deep(99), None),
    "large number": (
        b'{"class":"Any","args":[123456789012345678901234567890]}',
        [123456789012345678901234567890],
    ),
    "four-byte characters": (
        '{"class":"Any","args":["\U0001f600\u2028\u00e9"]}'.encode(),
        ["\U0001f600\u2028\u00e9"],
    ),
    "number too large": (b'{"class":"Any","args":[1E400,-1e999]}', [math.inf, -math.inf]),
    "integer too large for a float with a point": (
        b'{"class":"Any","args":[' + b"9" * 400 + b".0]}",
        [math.inf],
    ),
    "20 MB": (b'{"class":"Any","args":["' + b"x" * 20_000_000 + b'"]}', None),
}


def _work(resque: Resque, zygote: Zygote, elements: list[bytes], **options: Any) -> list[list[str]]:
    """Work off a queue that ends in a good job; returns the log of the jobs before it."""
    zygote.clear()
    queues.push(resque.space, {"jobs": [*elements, GOOD]})
    assert zygote.wait(zygote.work(resque_url(resque), ["jobs"], **options)) == 0, zygote.told()
    log = zygote.log()
    assert [words[:2] for words in log[-2:]] == [["begin", "last"], ["end", "last"]], zygote.story(["last"])
    assert resque.workers() == []
    assert resque.link.execute("KEYS", "resque:worker:*") == []
    return log[:-2]


@pytest.mark.parametrize("name", NO_JOBS)
def test_an_element_that_is_no_job_is_put_aside_and_can_be_put_back(
    name: str, resque: Resque, zygote: Zygote
) -> None:
    """The worker goes on to the job behind it; the bytes lie untouched in the aside list of the queue, a
    failure tells about them, and requeueing that failure puts the same bytes on the queue again."""
    raw = NO_JOBS[name]
    assert _work(resque, zygote, [raw]) == []
    assert resque.link.execute("LRANGE", ASIDE, 0, -1) == [raw]
    assert queues.elements(resque.space, "jobs") == []
    (record,) = resque.failures.list()
    assert record.text("exception") == "Resque::Helpers::DecodeException"
    assert record.text("queue") == "jobs"
    link = f"queue:jobs {hashlib.sha1(raw).hexdigest()}"
    assert record.payload == {"class": CLASS, "args": [link, raw.decode("utf-8", "replace")[:4096]]}
    json.loads(record.raw.decode("utf-8"), parse_constant=_refused, object_pairs_hook=_without_doubles)
    assert resque.failures.requeue(record)
    assert queues.elements(resque.space, "jobs") == [raw]
    assert resque.link.execute("EXISTS", ASIDE) == 0
    assert "retried_at" in resque.failures.list()[0].value
    assert resque.failures.clear_retried() == 1


@pytest.mark.parametrize("name", FAILING)
def test_a_job_without_a_class_fails(name: str, resque: Resque, zygote: Zygote) -> None:
    """It becomes one failure with its payload as it was and Ruby's words, and the worker goes on."""
    raw = FAILING[name]
    assert _work(resque, zygote, [raw]) == []
    (record,) = resque.failures.list()
    assert record.value["payload"] == json.loads(raw)
    wrong = {"class a number": "5", "class a list": '["Any"]'}.get(name)
    assert (record.text("exception"), record.text("error")) == (
        ("NameError", f"wrong constant name {wrong}")
        if wrong
        else ("NoMethodError", "undefined method `perform' for class Object")
    )
    assert (resque.stat("processed"), resque.stat("failed")) == (2, 1)
    assert resque.link.execute("EXISTS", ASIDE) == 0


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("policy", ["leave", "fail", "park=lot"])
def test_a_class_that_is_not_known_here_is_treated_as_told(
    policy: str, name: str, resque: Resque, zygote: Zygote
) -> None:
    """It stays where it is, fails, or goes to another queue, bytes untouched; the job behind it is done."""
    raw = UNKNOWN[name]
    assert _work(resque, zygote, [raw], unknown=policy) == []
    places = {queue: queues.elements(resque.space, queue) for queue in ("jobs", "lot")}
    failed = [one.value["payload"] for one in resque.failures.list()]
    assert (places["jobs"], failed, places["lot"]) == {
        "leave": ([raw], [], []),
        "fail": ([], [json.loads(raw)], []),
        "park=lot": ([], [], [raw]),
    }[policy]


@pytest.mark.parametrize("name", RUNNING)
def test_an_odd_but_readable_job_runs(name: str, resque: Resque, zygote: Zygote) -> None:
    """With the arguments that Ruby would give it."""
    raw, args = RUNNING[name]
    log = _work(resque, zygote, [raw])
    assert [words[0] for words in log] == ["args", "begin", "end"], zygote.told()
    if args is not None:
        assert json.loads(log[0][1]) == args
    assert resque.failures.list() == []
    assert resque.stat("processed") == 2


def test_all_malformed_elements_together(resque: Resque, zygote: Zygote) -> None:
    """One worker, one queue with every row, each twice: each good one runs twice, all others are there to
    be seen and put back."""
    rows = [*NO_JOBS.values(), *FAILING.values(), *(raw for raw, _ in RUNNING.values() if len(raw) < 10_000)]
    log = _work(resque, zygote, [*rows, *rows])
    runs = sum(2 for name, (raw, _) in RUNNING.items() if len(raw) < 10_000)
    assert sum(1 for words in log if words[0] == "begin") == runs, zygote.story(set(zygote.begun()))
    assert sorted(resque.link.execute("LRANGE", ASIDE, 0, -1)) == sorted([*NO_JOBS.values()] * 2)
    assert resque.failures.count() == 2 * (len(NO_JOBS) + len(FAILING))
    assert resque.failures.requeue_all() > 0
    assert resque.link.execute("EXISTS", ASIDE) == 0
    back = queues.elements(resque.space, "jobs")
    assert all(back.count(raw) == 2 for raw in NO_JOBS.values())


def test_the_client_survives_malformed_elements(resque: Resque) -> None:
    """Looking at a queue, dequeueing from it and its size work with every row in it."""
    rows = [*NO_JOBS.values(), *FAILING.values(), *UNKNOWN.values()]
    queues.push(resque.space, {"jobs": [*rows, GOOD]})
    assert resque.size("jobs") == len(rows) + 1
    assert len(resque.peek("jobs", 0, 1000)) == len(rows) + 1
    assert resque.sample_queues()["jobs"]["size"] == len(rows) + 1
    assert resque.dequeue("Good", "last", queue="jobs") == 1
    assert resque.dequeue("Nobody", queue="jobs") == 1
    assert queues.elements(resque.space, "jobs") == [raw for raw in rows if raw != UNKNOWN["unknown"]]


# --- shared keys (docs/protocol/core.md#what-stops-ruby-readers) ------------------------------------

WRONG_TYPES: dict[str, tuple[str, ...]] = {
    "string": ("SET", "junk"),
    "list": ("RPUSH", "junk", "more"),
    "set": ("SADD", "junk", "more"),
    "hash": ("HSET", "junk", "more"),
    "sorted set": ("ZADD", "1", "junk"),
    "stream": ("XADD", "*", "junk", "more"),
}

SHARED = [
    "workers",
    "workers:heartbeat",
    "queues",
    "queue:first",
    "pause-all-workers",
    "stat:processed",
    "stat:failed",
    "failed",
    "pruning_dead_workers_in_progress",
    f"worker:{HOST}:4000000:jobs",
    f"worker:{HOST}:4000000:jobs:started",
    f"stat:processed:{HOST}:4000000:jobs",
    "worker:OWN",
    "worker:OWN:started",
    "stat:processed:OWN",
    "stat:failed:OWN",
]

JUNK: dict[str, list[tuple[str | bytes, ...]]] = {
    "workers": [
        ("SADD", "workers", member)
        for member in (
            b"",
            b"x",
            b"a:b",
            b"a:b:",
            b"a:b:!x",
            b"a:b:!x,!y",
            b"::",
            b"\xff\xfe:1:q",
            b"a:b:c\0d",
            f"{HOST}:x:jobs",
            f"{HOST}:-1:jobs",
            f"{HOST}:0:jobs",
            f"{HOST}:" + "9" * 30 + ":jobs",
            b"x" * 100_000,
            "é:1:ü",
        )
    ],
    "heartbeat times": [
        ("HSET", "workers:heartbeat", f"elsewhere:{n}:jobs", time)
        for n, time in enumerate(
            [
                b"",
                b"junk",
                b"2026",
                b"2026-99-99T00:00:00Z",
                b"\xff",
                b"-1",
                b"9" * 50,
                b"9999-12-31T23:59:59+00:00",
                b"2026-11-24T12:00:00",
            ]
        )
    ],
    "heartbeat fields, expired": [
        ("HSET", "workers:heartbeat", field, "2020-01-01T00:00:00+00:00")
        for field in (b"", b"x", b"a:b", b"a:b:!x", b"\xff:1:q", b"a:1:b\0c", b"::")
    ],
    "queues": [
        ("SADD", "queues", name)
        for name in (
            b"",
            b" ",
            b"\xff\xfe",
            b"a:b",
            b"x" * 100_000,
            "é",
            b"*",
            b"!x",
            b'quo"te\\',
            b"new\nline",
        )
    ],
    "queues with NUL": [("SADD", "queues", b"a\0b")],
    "queue names that are not UTF-8": [
        ("RPUSH", b"queue:\xff\xfe", b'{"class":"Any","args":[1]}'),
        ("SADD", "queues", b"\xff\xfe"),
    ],
    "pause": [("SET", "pause-all-workers", b"\xff\0maybe")],
    "stat text": [("SET", "stat:processed", "junk"), ("SET", "stat:failed", "1.5")],
    "stat large": [("SET", "stat:processed", "9223372036854775807"), ("SET", "stat:failed", "9" * 30)],
    "stat odd": [("SET", "stat:processed", "--5"), ("SET", "stat:failed", " 5")],
    "stat very long": [("SET", "stat:processed", "9" * 5000), ("SET", "stat:failed", "")],
    "failed": [
        ("RPUSH", "failed", raw)
        for raw in (
            b"",
            b"junk",
            b"null",
            b"[]",
            b"{}",
            b"\xff",
            b'{"payload":1}',
            b'{"a":1,"a":2}',
            b'{"payload":Infinity}',
            b'{"failed_at":5}',
            b'{"backtrace":5,"worker":[],"payload":{"class":5}}',
        )
    ],
    "lock without an end": [("SET", "pruning_dead_workers_in_progress", "somebody")],
}
for _value in [
    b"",
    b" ",
    b"junk",
    b"{}",
    b"[]",
    b"null",
    b"true",
    b"5",
    b'"text"',
    b'{"payload":null}',
    b'{"payload":true}',
    b'{"payload":5}',
    b'{"payload":[]}',
    b'{"payload":"text"}',
    b'{"queue":"jobs","run_at":"x","payload":{"class":"A","args":[Infinity]}}',
    b'{"queue":5,"run_at":"x","payload":{"class":"A","args":[]}}',
    b"\xff",
    b'{"queue":"jobs","payload":{"class":"Any","args":[1]}}',
]:
    JUNK[f"working record of a dead worker {_value.decode('latin-1')!r}"] = [
        ("SET", f"worker:{HOST}:4000000:jobs", _value),
        ("SADD", "workers", f"{HOST}:4000000:jobs"),
        ("SET", "worker:elsewhere:1:jobs", _value),
        ("HSET", "workers:heartbeat", "elsewhere:1:jobs", "2020-01-01T00:00:00+00:00"),
    ]
    JUNK[f"own working record {_value.decode('latin-1')!r}"] = [("SET", "worker:OWN", _value)]
JUNK["own counters"] = [("SET", "stat:processed:OWN", "1"), ("SET", "worker:OWN", b"junk")]
JUNK["own counters, no number"] = [("SET", "stat:processed:OWN", "x"), ("SET", "stat:failed:OWN", "9" * 30)]

Commands = list[tuple[str | bytes, ...]]


def _worked(resque: Resque, zygote: Zygote, commands: Commands, queue_list: list[str]) -> bytes:
    """Put junk in place, then let a worker start, work off three jobs and leave; returns its id."""
    zygote.clear()
    pid = zygote.work(resque_url(resque), queue_list, hold=True)
    own = f"{HOST}:{pid}:{','.join(queue_list)}".encode()
    jobs = [b'{"class":"Good","args":["one"]}', b'{"class":"Bad","args":["two"]}', GOOD]
    queues.push(resque.space, {"jobs": jobs})
    for name, key, *rest in commands:
        full = b"resque:" + (key if isinstance(key, bytes) else key.encode()).replace(b"OWN", own)
        if full == b"resque:queues" and name != "SADD":
            resque.link.execute("DEL", full)
        resque.link.execute(name, full, *rest)
    zygote.release()
    assert zygote.wait(pid) == 0, zygote.told()
    return own


def _all_done(resque: Resque, zygote: Zygote, worker: bytes) -> None:
    done = [name for name in zygote.begun() if name != "any"]
    assert done == ["one", "two", "last"], zygote.story({*done, "one", "two", "last"})
    records: list[bytes] = []
    for name in (b"resque:failed", b"resque:pyresque:aside:failed"):
        if resque.link.execute("TYPE", name) == b"list":
            records += resque.link.execute("LRANGE", name, 0, -1)
    assert sum(1 for raw in records if b"ValueError" in raw and b"bad two" in raw) == 1
    if resque.link.execute("TYPE", "resque:workers") == b"set":
        assert not resque.link.execute("SISMEMBER", "resque:workers", worker)
    assert not resque.link.execute("EXISTS", b"resque:worker:" + worker)


CALLS: dict[str, Callable[[Resque], object]] = {
    "info": lambda r: r.info(),
    "workers": lambda r: r.workers(),
    "working": lambda r: r.working(),
    "queues": lambda r: r.queues(),
    "queue_sizes": lambda r: r.queue_sizes(),
    "sample_queues": lambda r: r.sample_queues(),
    "failures.list": lambda r: [one.id for one in r.failures.list(0, None)],
    "failures.count": lambda r: r.failures.count(),
    "stat": lambda r: (r.stat("processed"), r.stat("failed")),
}


def _can_be_looked_at(resque: Resque, wrong: bool) -> None:
    """The client answers or, where a key is of a wrong type, says so."""
    for name, call in CALLS.items():
        text = ""
        try:
            call(resque)
        except ResqueError as error:
            text = str(error)
        assert not text or (wrong and "WRONGTYPE" in text), (name, text)


@pytest.mark.parametrize("kind", WRONG_TYPES)
@pytest.mark.parametrize("key", SHARED)
def test_a_shared_key_of_a_wrong_type(key: str, kind: str, resque: Resque, zygote: Zygote) -> None:
    """The worker starts, does every job, records the failure, and leaves with status 0; what lay under the
    key of others is still there."""
    name, *words = WRONG_TYPES[kind]
    own = _worked(resque, zygote, [(name, key, *words)], ["first", "jobs"])
    _all_done(resque, zygote, own)
    if key == "queue:first" and kind == "list":  # the right type, and two elements that are not jobs
        assert resque.link.execute("LRANGE", "resque:pyresque:aside:queue:first", 0, -1) == [b"junk", b"more"]
    elif "OWN" not in key:
        assert "junk" in repr(_value_of(resque, f"resque:{key}".encode()))
    _can_be_looked_at(resque, wrong=True)


@pytest.mark.parametrize("name", JUNK)
@pytest.mark.parametrize("queue_list", [["jobs"], ["*"]], ids=["named", "dynamic"])
def test_junk_under_a_shared_key(name: str, queue_list: list[str], resque: Resque, zygote: Zygote) -> None:
    """The worker starts, does every job, records the failure, and leaves with status 0; the client can still
    look at everything."""
    own = _worked(resque, zygote, JUNK[name], queue_list)
    _all_done(resque, zygote, own)
    _can_be_looked_at(resque, wrong=False)


def _value_of(resque: Resque, key: bytes) -> object:
    read: dict[bytes, list[str | bytes]] = {
        b"string": ["GET", key],
        b"list": ["LRANGE", key, "0", "-1"],
        b"set": ["SMEMBERS", key],
        b"hash": ["HGETALL", key],
        b"zset": ["ZRANGE", key, "0", "-1"],
        b"stream": ["XRANGE", key, "-", "+"],
        b"none": ["GET", key],
    }
    return resque.link.execute(*read[resque.link.execute("TYPE", key)])


def test_a_worker_on_very_many_queues(resque: Resque, zygote: Zygote) -> None:
    """Ten thousand names in the set of queues are no reason to die for a worker on all of them."""
    for first in range(0, 10_000, 1000):
        resque.link.execute("SADD", "resque:queues", *(f"q{n}" for n in range(first, first + 1000)))
    own = _worked(resque, zygote, [], ["*"])
    _all_done(resque, zygote, own)


# --- what the reserve script takes by itself ---------------------------------------------------------------

_TEXT = st.text(max_size=6).map(
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "replace")
)
_PIECES = st.sampled_from([
    b'"', b"\\", b"\\\\", b'\\"', b"{", b"}", b"[", b"]", b",", b":", b" ", b"\t", b"x", b"'", b"/**/",
    b"0", b"-", b".", b"1e5", b"E", b"01", b"-0", b"1.0", b"1.", b".5", b"00", b"1.50", b"0.00001", b"1 2",
    b"- 1", b"--1", b"+1", b"1" * 310, b"9" * 308, b"9" * 299, b"true", b"false", b"null", b"nfalseull",
    b"NaN", b"Infinity", b"\x00", b"\x1f", b"\x7f", b"\xff", b"\xc2\x80", b"\xc0\x80", b"\xe0\xa0\x80",
    b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\xf4\x90\x80\x80", b"\xe0", b"\xa0\x80", b"\x80",
    b"\xf0\x9f",
    b"\\u0041", b"\\ud800", b"\\/", b"\\x", b'"class":"Bad"', b'"cl\\u0061ss":"Bad"', b'"a":1', b'"a":2',
    b'"args":[]', b'"":0', b"[" * 60, b"]" * 60,
])  # fmt: skip


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    """A valid payload with a few wounds."""
    args = draw(
        st.recursive(
            st.one_of(
                _TEXT.map(lambda t: b'"' + t + b'"'), _PIECES, st.integers().map(lambda n: str(n).encode())
            ),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3).map(lambda items: b"[" + b",".join(items) + b"]"),
                st.lists(st.tuples(_TEXT, inner), max_size=3).map(
                    lambda items: b"{" + b",".join(b'"' + key + b'":' + item for key, item in items) + b"}"
                ),
            ),
            max_leaves=6,
        )
    )
    raw = b'{"class":"Any","args":[' + args + b"]}"
    if draw(st.booleans()):
        raw = (
            raw[:-1]
            + b","
            + draw(st.sampled_from([b'"class":"Bad"', b'"args":[1]', b'"x":{"class":"Bad"}']))
            + b"}"
        )
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(raw)))
        kind = draw(st.sampled_from(["insert", "delete", "replace"]))
        piece = draw(_PIECES) if kind != "delete" else b""
        raw = raw[:place] + piece + raw[place + (kind != "insert") :]
    return raw


def _refused(text: str) -> None:
    raise ValueError(f"no strict JSON: {text}")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({key for key, _ in pairs}) == len(pairs), "a doubled key"
    return dict(pairs)


def _finite(text: str) -> float:
    assert float(text) not in (float("inf"), float("-inf"))
    return float(text)


def _takes(resque: Resque, raw: bytes) -> bool:
    """Let the script look at an element; whether it took it by itself. What it takes must be flawless."""
    search = reservation.Search(
        resque.space,
        Registration("h", "1:jobs"),
        reservation.QueueOrder(("jobs",)),
        reservation.WantedClasses(("Any",)),
    )
    resque.link.execute_many(
        [
            ("SADD", "resque:workers", "h:1:jobs"),
            ("DEL", "resque:queue:jobs", "resque:worker:h:1:jobs"),
            ("RPUSH", "resque:queue:jobs", raw),
        ]
    )
    answer = reservation.reserve(resque.space, search)
    if answer.what != "job":
        assert answer.what in ("look", "none")
        assert resque.link.execute("LRANGE", "resque:queue:jobs", 0, -1) == [raw]
        return False
    payload = Payload.parse(raw)
    assert payload.class_name == "Any"
    text = answer.record.decode("utf-8", "strict")
    record = json.loads(
        text, parse_constant=_refused, parse_float=_finite, object_pairs_hook=_without_doubles
    )
    assert list(record) == ["queue", "run_at", "payload"]
    assert record["payload"] == payload.value
    assert not any("\ud800" <= character <= "\udfff" for character in json.dumps(record, ensure_ascii=False))
    assert resque.link.execute("GET", "resque:worker:h:1:jobs") == answer.record
    return True


@settings(
    max_examples=700,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(raw=_damaged())
def test_what_the_script_takes_by_itself_is_flawless(raw: bytes, resque: Resque) -> None:
    """Whatever damage a payload has: if reserve.lua takes it without asking, then it is a valid payload of
    the class at its beginning, and `worker:ID` is JSON that the strictest reader reads."""
    _takes(resque, raw)


@settings(
    max_examples=500,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    text=st.lists(
        st.sampled_from([bytes([one]) for one in b"a\x80\x90\x9f\xa0\xbf\xc2\xe0\xe1\xed\xf0\xf4"]),
        max_size=8,
    ).map(b"".join)
)  # fmt: skip
def test_the_script_takes_only_valid_utf8(text: bytes, resque: Resque) -> None:
    """Bytes of the shape of UTF-8 in every order: taken only if Python, too, reads them as UTF-8."""
    _takes(resque, b'{"class":"Any","args":["' + text + b'"]}')


@pytest.mark.parametrize("name", [*NO_JOBS, *RUNNING])
def test_the_script_judges_the_rows_of_section_15(name: str, resque: Resque) -> None:
    """It takes none of the elements that are not jobs, and nothing but plain ones of the others."""
    raw = NO_JOBS.get(name)
    if raw is not None:
        assert not _takes(resque, raw)
    else:
        _takes(resque, RUNNING[name][0])


def test_the_script_takes_plain_jobs_itself(resque: Resque) -> None:
    """Not everything is handed back to Python: what Ruby and we write is taken in one step."""
    for args in (
        [],
        [1, -2, 0, 1.5],
        ["a", "é", "\U0001f600", 'quo"te', "back\\slash"],
        [{"a": [None, True]}],
    ):
        assert _takes(resque, job_bytes("Any", args, "ruby")), args
