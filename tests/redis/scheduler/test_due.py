"""Moving what is due: order, bytes, hooks, hostile input, faults."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

from pyresque import Resque, job
from pyresque.errors import RedisUnavailable
from pyresque.registry import Registry
from pyresque.scheduler.due import Mover
from pyresque.store.delayed import Lease
from tests.faultproxy import FaultProxy, named
from tests.redis.stage import FAR, until


def item(number, queue="q", kind="Ruby"):
    return b'{"class":"%b","args":[%d],"queue":"%b"}' % (kind.encode(), number, queue.encode())


def payload(number, kind="Ruby"):
    return b'{"class":"%b","args":[%d]}' % (kind.encode(), number)


@pytest.fixture
def mover(stage):
    return Mover(stage.resque.space, stage.resque.registry)


def test_due_jobs_go_to_their_queues_in_order(stage, mover):
    """By second, then by place; nothing is left of them; what is not due stays."""
    for number in range(250):
        stage.delay(10 + number // 100, item(number), item(number, "p"))
    stage.delay(FAR, item(999))
    assert mover.move_all(now=20) == 500
    assert stage.queue("q") == [payload(number) for number in range(250)]
    assert stage.queue("p") == stage.queue("q")
    assert mover.move(now=20).next == FAR
    left = [f"delayed:{FAR}", "delayed_queue_schedule", "queue:p", "queue:q", "queues"]
    assert stage.keys() == [*left, "timestamps:" + item(999).decode()]


def test_due_is_the_second_itself(stage, mover):
    """TS <= now."""
    stage.delay(50, item(1))
    assert (mover.move_all(now=49), mover.move_all(now=50)) == (0, 1)


UNUSUAL = {
    b'{"class":"R","args":[1],"queue":"q","at":1.50,"x":{"b":[]}}':
        b'{"class":"R","args":[1],"at":1.50,"x":{"b":[]}}',
    b'{"queue":"q","args":[1e3,"\\u00fc"],"class":"R"}': b'{"class":"R","args":[1e3,"\\u00fc"]}',
    b'{"class":"R","queue":"q"}': b'{"class":"R","args":[]}',
    b'{"class":"R","args":null,"queue":"q"}': b'{"class":"R","args":[]}',
    b'{"class":"R","args":{"a":1},"queue":"q"}': b'{"class":"R","args":[{"a":1}]}',
    b'{"class":"R","args":"x","queue":"q"}': b'{"class":"R","args":["x"]}',
    b'{"class":"R","args":[12345678901234567890,1.0,1e400000000],"queue":"q"}':
        b'{"class":"R","args":[12345678901234567890,1.0,1e400000000]}',
    b'{"class":"R","args":[12345678901234567890,1.0,-0.0,[]],"queue":"q"}':
        b'{"class":"R","args":[12345678901234567890,1.0,-0.0,[]]}',
    '{"class":"R","args":["ü ],\\"queue\\":\\"z\\""],"queue":"q"}'.encode():
        '{"class":"R","args":["ü ],\\"queue\\":\\"z\\""]}'.encode(),
    b'{"class":"send-email","args":[],"queue":"q"}': b'{"class":"send-email","args":[]}',
    b'{"class":"ma-il","args":[],"queue":"q"}': b'{"class":"MaIl","args":[]}',
    b'{"class":"::Mail","args":[],"queue":"q"}': b'{"class":"Mail","args":[]}',
    b'{"class":"::R","args":[],"queue":"q"}': b'{"class":"::R","args":[]}',
    b'{"class":"R","args":[1],"queue":"q","custom_job_class":"Cust"}': b'{"class":"Cust","args":[1]}',
    b'{"class":"R","args":[1],"queue":"q","custom_job_class":"Resque::Job"}': b'{"class":"R","args":[1]}',
    b'{"class":"R","args":[01],"queue":"q"}': None,
    b'{"class":"R","args":[NaN],"queue":"q"}': None,
    b'{"class":"R","args":[1,],"queue":"q"}': None,
    b'{"class":"R","args":[{"a":1,"a":2}],"queue":"q"}': b'{"class":"R","args":[{"a":1,"a":2}]}',
    b'{"class":"R","args":["\xff"],"queue":"q"}': None,
    b'{"class":"R","args":["\x01"],"queue":"q"}': None,
    b'{"class":"R","args":[1]],"queue":"q"}': None,
    b'{"class":"R","args":[1],"args":[2],"queue":"q"}': b'{"class":"R","args":[2]}',
    b'{"class":"R","args":["\\ud800"],"queue":"q"}': None,
    b'{"class":"R","args":' + b"[" * 98 + b"]" * 98 + b',"queue":"q"}':
        b'{"class":"R","args":' + b"[" * 98 + b"]" * 98 + b"}",
    b'{"class":"R","args":' + b"[" * 200 + b"]" * 200 + b',"queue":"q"}': None,
    b'{"class":"NoQueue","args":[1]}': None,
    b'{"class":"","args":[1],"queue":"q"}': None,
    b"": None, b"null": None, b"5": None, b"[1,2]": None, b"not json": None, b"{}": None,
}  # fmt: skip


@pytest.mark.parametrize("raw", UNUSUAL)
def test_every_form_keeps_its_bytes_or_is_put_aside(stage, mover, raw):
    """Between two ordinary items, which go on their way in order; a class that is known has its own name."""
    job(queue="mail", name="MaIl", registry=stage.resque.registry)(lambda *args: None)
    stage.delay(10, item(1), raw, item(2))
    assert mover.move_all(now=20) == 3
    moved = UNUSUAL[raw]
    assert stage.queue("q") == [payload(1), *([] if moved is None else [moved]), payload(2)]
    assert stage.aside("delayed:10") == ([raw] if moved is None else [])
    assert stage.redis("EXISTS", "resque:delayed_queue_schedule", b"resque:timestamps:" + raw) == 0
    for element in stage.queue("q"):
        json.loads(element)


def test_the_script_moves_only_what_python_would_move_too(stage, mover):
    """Random damage to ordinary items: never does anything reach a queue that is not JSON."""
    dice = random.Random(5)
    base = b'{"class":"R","args":[1,-2.5,"a\\"b\\n",{"k":[true,null]},[]],"queue":"q"}'
    items = []
    for _ in range(3000):
        raw = bytearray(base)
        for _ in range(dice.randint(1, 2)):
            place = dice.randrange(len(raw))
            raw[place : place + dice.randint(0, 2)] = dice.choice(
                [b"", b'"', b"0", b"-", b".", b",", b"]", b"[", b"}", b"{", b":", b"\\", b"e", b"\xc3", b" "]
            )
        items.append(bytes(raw))
    for first in range(0, len(items), 500):
        stage.redis("RPUSH", "resque:delayed:10", *items[first : first + 500])
    stage.redis("ZADD", "resque:delayed_queue_schedule", 10, 10)
    assert mover.move_all(now=20) == len(items)
    queues = [name.decode() for name in stage.redis("SMEMBERS", "resque:queues")]
    elements = [one for name in queues for one in stage.queue(name)]
    assert len(elements) + len(stage.aside("delayed:10")) == len(items)
    for element in elements:
        value = json.loads(element, parse_constant=pytest.fail)
        assert isinstance(value["args"], list)
        assert "queue" not in value


def test_hostile_members_and_keys_do_not_stop_it(stage, mover):
    """What hangs every Ruby master goes; what lies behind it is moved; and a hash named so stays."""
    stage.delay(10, item(1))
    stage.redis("ZADD", "resque:delayed_queue_schedule", 1, "foo", 2, "last_enqueued_at", 3, "7.5")
    stage.redis("ZADD", "resque:delayed_queue_schedule", 5, "00012")
    stage.redis("RPUSH", "resque:delayed:7", item(0))
    stage.redis("RPUSH", "resque:delayed:00012", item(3))
    stage.redis("HSET", "resque:delayed:last_enqueued_at", "a", "b")
    stage.redis("SET", b"resque:timestamps:" + item(1), "no set")
    assert mover.move_all(now=20) == 3
    assert sorted(stage.queue("q")) == [payload(0), payload(1), payload(3)]
    assert stage.redis("ZCARD", "resque:delayed_queue_schedule") == 0
    assert stage.aside("delayed_queue_schedule") == [b"last_enqueued_at"]
    assert stage.redis("HGET", "resque:delayed:last_enqueued_at", "a") == b"b"


def test_a_queue_that_holds_something_else_keeps_nobody_up(stage, mover):
    """Its jobs are put aside, by either path; the others go on."""
    stage.redis("SET", "resque:queue:bad", "x")
    stage.delay(10, item(1, "bad"), item(2), b'{"args":[3],"class":"Ruby","queue":"bad"}')
    assert mover.move_all(now=20) == 3
    assert stage.queue("q") == [payload(2)]
    assert stage.aside("queue:bad") == [payload(1), payload(3)]


def test_text_that_is_not_utf8_never_reaches_a_queue(stage, mover):
    """Random bytes within a text, of sequences that are cut or joined: only what decodes is moved."""
    dice = random.Random(6)
    parts = [
        *(c.encode() for c in "aü€\u0800\ud7ff\ue000\uffff😀"),
        b"\xed\xa0\x80",
        b"\xe0\x80\x80",
        b"\xc1\xbf",
    ]
    parts += [
        bytes([dice.choice([0x80, 0xBF, 0xC2, 0xDF, 0xE1, 0xE2, 0xEF, 0xF0, 0xF4, 0x7F])]) for _ in range(9)
    ]
    items = set()
    while len(items) < 2000:
        text = b"".join(dice.choice(parts[: dice.choice([8, len(parts)])]) for _ in range(dice.randint(1, 5)))
        items.add(b'{"class":"R","args":["%b"],"queue":"q"}' % text)
    stage.redis("RPUSH", "resque:delayed:10", *sorted(items))
    stage.redis("ZADD", "resque:delayed_queue_schedule", 10, 10)
    assert mover.move_all(now=20) == len(items)

    def is_utf8(raw):
        with contextlib.suppress(UnicodeDecodeError):
            return bool(raw.decode())
        return False

    moved = [raw.removesuffix(b',"queue":"q"}') + b"}" for raw in sorted(items) if is_utf8(raw)]
    assert stage.queue("q") == moved
    assert stage.aside("delayed:10") == [raw for raw in sorted(items) if not is_utf8(raw)]
    assert 500 < len(moved) < 1900


def test_large_items_are_taken_in_small_batches(stage, mover):
    """No reply holds more than a few megabytes, however large the items are."""
    large = [b'{"class":"R","args":["%b"],"queue":"q"}' % (b"%d" % n * 700_000) for n in range(1, 9)]
    stage.delay(10, *large)
    sizes = []
    while stage.redis("EXISTS", "resque:delayed:10"):
        mover.move(now=20)
        sizes.append(stage.redis("LLEN", "resque:queue:q"))
    assert sizes[-1] == 8
    assert len(sizes) > 1


@pytest.mark.parametrize("batch", [7999, 8000, 100_000])
@pytest.mark.parametrize("head", [b'{"args":[0],"class":"Ruby","queue":"q"}', item(0)])
def test_a_batch_may_be_of_any_size(stage, batch, head):
    """Lua has no room for 8,000 words at a time; a number in a variable must not stop the scheduler."""
    stage.delay(10, head)
    for first in range(1, 20_001, 1000):
        stage.redis("RPUSH", "resque:delayed:10", *(item(n) for n in range(first, first + 1000)))
    assert Mover(stage.resque.space, stage.resque.registry, batch).move_all(now=20) == 20_001
    assert stage.queue("q") == [payload(n) for n in range(20_001)]


def with_hooks(stage, **hooks):
    body = {"perform": staticmethod(lambda *args: None)}
    body |= {name: staticmethod(hook) for name, hook in hooks.items()}
    return job(queue="q", name="Hooked", registry=stage.resque.registry)(type("Hooked", (), body))


def test_hooks_of_a_registered_class_run_about_the_move(stage, mover):
    """before_delayed_enqueue (its answer does not count), before_enqueue, push, after_enqueue."""
    notes = []
    with_hooks(
        stage,
        before_delayed_enqueue=lambda n: notes.append(("delayed", n, stage.queue("q"))),
        before_enqueue=lambda n: notes.append(("before", n, stage.queue("q"))) or n != 2,
        after_enqueue=lambda n: notes.append(("after", n, len(stage.queue("q")))),
    )
    stage.delay(10, item(1, kind="Hooked"), item(2, kind="Hooked"))
    assert mover.move_all(now=20) == 2
    assert stage.queue("q") == [payload(1, "Hooked")]
    assert [note[0] for note in notes] == ["delayed", "before", "after", "delayed", "before"]
    assert notes[2] == ("after", 1, 1)


def test_a_hook_that_raises_puts_the_job_aside(stage, mover):
    """Ruby drops it; nothing is lost here, and the neighbours go on."""

    def fails(*args):
        raise ValueError("no")

    with_hooks(stage, before_delayed_enqueue=fails)
    stage.delay(10, item(1), item(2, kind="Hooked"), item(3))
    assert mover.move_all(now=20) == 3
    assert stage.queue("q") == [payload(1), payload(3)]
    assert stage.aside("delayed:10") == [item(2, kind="Hooked")]


def test_a_class_with_its_own_way_is_called(stage, mover):
    """`scheduled(queue, class name, *args)`, as in Ruby; nothing else is pushed."""
    calls = []
    with_hooks(stage, scheduled=lambda *args: calls.append(args))
    stage.delay(
        10, item(1, kind="Hooked"), b'{"class":"R","args":[2],"queue":"p","custom_job_class":"Hooked"}'
    )
    assert mover.move_all(now=20) == 2
    assert calls == [("q", "Hooked", 1), ("p", "R", 2)]
    assert stage.keys() == []


def test_nothing_is_moved_without_the_lock(stage, mover):
    """The script asks for the lock in the same step; a move renews it."""
    key = stage.resque.space.keys.master_lock()
    stage.redis("SET", key, "ours", "PX", 1000)
    stage.delay(10, item(1))
    assert mover.move(Lease(key, "other", 60000), now=20).lost
    assert stage.queue("q") == []
    assert mover.move(Lease(key, "ours", 60000), now=20).moved == 1
    assert stage.redis("PTTL", key) > 1000


def test_a_lost_lock_is_noticed_between_looking_and_taking(stage):
    """Then what was looked at stays delayed."""
    key = stage.resque.space.keys.master_lock()
    stage.redis("SET", key, "ours")
    with_hooks(stage, before_enqueue=lambda n: stage.redis("SET", key, "another's"))
    stage.delay(10, item(1, kind="Hooked"))
    assert Mover(stage.resque.space, stage.resque.registry).move(Lease(key, "ours", 60000), now=20).lost
    assert stage.redis("LLEN", "resque:delayed:10") == 1


def mixed(count):
    """Ordinary items and others, each with its number."""
    for number in range(count):
        yield item(number) if number % 3 else b'{"args":[%d],"class":"Ruby","queue":"q","k":1}' % number


def numbers(stage):
    return sorted(json.loads(raw)["args"][0] for raw in stage.queue("q"))


@pytest.mark.parametrize("mode", ["drop", "close"])
def test_lost_replies_neither_lose_nor_double_a_job(stage, server, mode):
    """Every third command in turn, while both paths are at work."""
    for number, raw in enumerate(mixed(600)):
        stage.delay(10 + number // 50, raw)
    with FaultProxy(server) as proxy:
        resque = Resque(proxy.url, registry=stage.resque.registry)
        count = iter(range(10**6))
        fault = proxy.arm(
            mode, match=lambda words: named("EVALSHA")(words) and next(count) % 3 == 0, times=100
        )
        Mover(resque.space, resque.registry, batch=20).move_all(now=200)
        assert len(fault.hits) > 10
        resque.close()
    assert numbers(stage) == list(range(600))
    assert not stage.redis("KEYS", "resque:timestamps:*")
    assert not stage.redis("EXISTS", "resque:delayed_queue_schedule")


def test_two_masters_and_a_busy_client_neither_lose_nor_double_a_job(stage, server):
    """Both drain the same seconds while jobs still arrive in them."""
    with_hooks(stage, before_enqueue=lambda *args: True)
    total = 1200

    def fill():
        resque = Resque(server.url, registry=Registry())
        for number in range(total):
            raw = item(number, kind=("Ruby", "Hooked")[number % 2])
            at = 10 + number % 3
            resque.link.execute("RPUSH", f"resque:delayed:{at}", raw)
            resque.link.execute("ZADD", "resque:delayed_queue_schedule", at, at)
        resque.close()

    def drain(done):
        resque = Resque(server.url, registry=stage.resque.registry)
        mover = Mover(resque.space, resque.registry, batch=7)
        while not done.is_set():
            mover.move_all(now=20)
        mover.move_all(now=20)
        resque.close()

    done = threading.Event()
    drains = [threading.Thread(target=drain, args=(done,)) for _ in range(2)]
    for thread in drains:
        thread.start()
    fill()
    done.set()
    for thread in drains:
        thread.join(30)
    assert numbers(stage) == list(range(total))


KILLED = """
import os
from pyresque import Resque, job
from pyresque.registry import Registry
from pyresque.scheduler.due import Mover
registry = Registry()
@job(queue="q", name="Hooked", registry=registry)
class Hooked:
    @staticmethod
    def perform(*args): pass
    @staticmethod
    def before_enqueue(*args): pass
resque = Resque(os.environ["REDIS_URL"], registry=registry)
print("ready", flush=True)
while True:
    Mover(resque.space, registry, batch=5).move_all(now=10000)
"""


def test_kill_9_neither_loses_nor_doubles_a_job(stage, server):
    """Killed again and again, each time after some progress and a moment; the next one goes on."""
    total = 4000
    for first in range(0, total, 500):
        raws = [item(n, kind=("Ruby", "Hooked")[n % 2]) for n in range(first, first + 500)]
        stage.redis("RPUSH", f"resque:delayed:{10 + first}", *raws)
        stage.redis("ZADD", "resque:delayed_queue_schedule", 10 + first, 10 + first)
    dice, kills = random.Random(3), 0
    moved = lambda: stage.redis("LLEN", "resque:queue:q")  # noqa: E731
    while stage.redis("EXISTS", "resque:delayed_queue_schedule"):
        words = [sys.executable, "-c", KILLED]
        process = subprocess.Popen(words, env={**os.environ, "REDIS_URL": server.url}, stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        goal = min(moved() + dice.randint(1, 800), total)
        until(lambda goal=goal: moved() >= goal, "progress")
        time.sleep(dice.uniform(0.0, 0.003))  # the random moment
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        kills += 1
    assert kills > 3
    assert numbers(stage) == list(range(total))


@pytest.mark.parametrize("refusal", ["oom", "readonly"])
def test_a_redis_that_refuses_writes_loses_nothing(stage, server, refusal):
    """Full memory, or a replica: nothing is moved by halves, and later everything is."""
    for number in range(30):
        stage.delay(10 + number // 10, item(number))
    before = stage.keys()
    on, off = {
        "oom": (("CONFIG", "SET", "maxmemory", 1), ("CONFIG", "SET", "maxmemory", 0)),
        "readonly": (("REPLICAOF", "127.0.0.1", 1), ("REPLICAOF", "NO", "ONE")),
    }[refusal]
    resque = Resque(server.url, registry=stage.resque.registry)
    resque.space.link.pauses = (0.0,)  # type: ignore[attr-defined]
    mover = Mover(resque.space, resque.registry)
    stage.redis(*on)
    try:
        with pytest.raises(RedisUnavailable):
            mover.move_all(now=20)
        assert stage.keys() == before
    finally:
        until(lambda: stage.redis(*off) == b"OK", "writes")
    mover.move_all(now=20)
    resque.close()
    assert numbers(stage) == list(range(30))
