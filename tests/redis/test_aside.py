"""What was put aside is seen: each has a failure record, and goes with it; back, or away, and once.

Every way in which something is put aside, and for each everything that can be done with its record, by us and
by Ruby's web page.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

import pyresque.store
from pyresque import Resque, Retry, job
from pyresque.config import Unknown, WorkerOptions
from pyresque.errors import NotAJob
from pyresque.failure import Multiple, Redis, RedisMultiQueue
from pyresque.registry import Registry
from pyresque.scheduler.due import Mover
from pyresque.scheduler.firing import Firer
from pyresque.store.script import source
from pyresque.wire import aside_links as aside
from tests.faultproxy import FaultProxy, named
from tests.redis.bench import elements, put
from tests.redis.scheduler.test_firing import running

JOB = b'{"class":"Far","args":[1]}'
ITEM = b'{"class":"Far","args":[1],"queue":"bad"}'
CANNOT = "can only be shown and removed"


def delay(resque, *items, at=10):
    for item in items:
        resque.link.execute("RPUSH", f"resque:delayed:{at}", item)
        resque.link.execute("ZADD", "resque:delayed_queue_schedule", at, at)


def move(resque):
    Mover(resque.space, resque.registry).move_all(now=int(time.time()) + 5)


def no_job_in_a_queue(resque, bench):
    put(resque, b"no job")
    bench.burst("q")
    return b"no job"


def no_job_in_a_queue_of_a_strange_name(resque, bench):
    resque.link.execute("RPUSH", b'resque:queue:\xff %41"\\\n', b"\xff no job")
    resque.link.execute("SADD", "resque:queues", b'\xff %41"\\\n')
    bench.burst("*")
    return b"\xff no job"


def no_job_in_a_delayed_list(resque, bench):
    delay(resque, b"\x00\xff")
    move(resque)
    return b"\x00\xff"


def a_delayed_job_without_a_queue(resque, bench):
    delay(resque, b'{"class":"NoQueueJob","args":[1]}')
    move(resque)
    return b'{"class":"NoQueueJob","args":[1]}'


def a_delayed_job_whose_hook_raises(resque, bench):
    def before_enqueue(number):
        raise ConnectionError("quota service away for a second")

    body = {"perform": staticmethod(lambda number: None), "before_enqueue": staticmethod(before_enqueue)}
    job(queue="q", name="Quota", registry=resque.registry)(type("Quota", (), body))
    delay(resque, b'{"class":"Quota","args":[1],"queue":"q"}')
    move(resque)
    return b'{"class":"Quota","args":[1],"queue":"q"}'


def a_delayed_job_for_a_key_that_is_no_queue(resque, bench):
    delay(resque, ITEM)
    move(resque)
    return JOB


def an_odd_delayed_job_for_a_key_that_is_no_queue(resque, bench):
    delay(resque, b'{"args":[1],"class":"Far","queue":"bad"}')
    move(resque)
    return JOB


def an_entry_for_a_key_that_is_no_queue(resque, bench):
    entry = running(**{"class": "Far", "queue": "bad", "args": [1]})
    assert Firer(resque.space, resque.registry).fire(entry) == "fired"
    return JOB


def a_failed_job_put_back_on_a_key_that_is_no_queue(resque, bench):
    record = {"failed_at": "x", "payload": {"class": "Far", "args": [1]}, "queue": "bad"}
    resque.link.execute("RPUSH", "resque:failed", json.dumps(record))
    assert resque.failures.requeue(resque.failures.list()[0])
    assert resque.failures.clear_retried() == 1
    return JOB


def a_retry_for_a_key_that_is_no_delayed_list(resque, bench):
    @job(queue="q", name="Again", retry=Retry(backoff=1000, quiet=True), registry=resque.registry)
    def again() -> None:
        now = int(time.time())
        for second in range(now + 990, now + 1050):
            resque.link.execute("SET", f"resque:delayed:{second}", "x")
        raise ValueError

    resque.enqueue(again)
    bench.burst("q")
    return b'{"class":"Again","args":[],"queue":"q"}'


def a_foreign_second(resque, bench):
    resque.link.execute("HSET", "resque:delayed:last_enqueued_at", "a", "b")
    resque.link.execute("ZADD", "resque:delayed_queue_schedule", 2, "last_enqueued_at")
    move(resque)
    return b"last_enqueued_at"


def what_no_worker_writes(resque, bench):
    bench.burst("q", prepare=lambda worker: resque.link.execute("SET", f"resque:worker:{worker.id}", "oops"))
    return b"oops"


ALL = {
    one.__name__: one
    for one in (
        no_job_in_a_queue, no_job_in_a_queue_of_a_strange_name, no_job_in_a_delayed_list,
        a_delayed_job_without_a_queue, a_delayed_job_whose_hook_raises,
        a_delayed_job_for_a_key_that_is_no_queue, an_odd_delayed_job_for_a_key_that_is_no_queue,
        an_entry_for_a_key_that_is_no_queue, a_failed_job_put_back_on_a_key_that_is_no_queue,
        a_retry_for_a_key_that_is_no_delayed_list, a_foreign_second, what_no_worker_writes,
    )
}  # fmt: skip
STAYS = {"a_foreign_second", "what_no_worker_writes"}
"""What has no place to go back to."""
NO_JOBS = {"no_job_in_a_queue", "no_job_in_a_queue_of_a_strange_name", "no_job_in_a_delayed_list", *STAYS}
DELAYED = {"no_job_in_a_delayed_list", "a_delayed_job_without_a_queue", "a_delayed_job_whose_hook_raises",
           "a_retry_for_a_key_that_is_no_delayed_list"}  # fmt: skip


def put_aside(name, resque, bench):
    """Put something aside; returns its bytes, its record and the list that it lies in."""
    resque.link.execute("SET", "resque:queue:bad", "no list")
    raw = ALL[name](resque, bench)
    [record] = resque.failures.list()
    [key] = resque.link.execute("KEYS", "resque:pyresque:aside:*")
    assert resque.link.execute("LRANGE", key, 0, -1) == [raw]
    return raw, record, key


def asides(resque):
    return resque.link.execute("KEYS", "resque:pyresque:aside:*")


def delayed_items(resque):
    return [one.raw for one in resque.each_delayed()]


@pytest.mark.parametrize("name", ALL)
def test_it_has_a_record_that_every_resque_reads(name, resque, bench):
    """With what was there, where it lies, and a payload and queue with which Ruby's Retry gets along."""
    raw, record, key = put_aside(name, resque, bench)
    assert json.loads(record.raw.decode()) == record.value  # strict UTF-8
    assert key.decode("utf-8", "surrogateescape") == f"resque:pyresque:aside:{record.aside}"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \w+", record.text("failed_at"))
    assert record.text("queue")
    assert isinstance(record.payload["class"], str)
    assert isinstance(record.payload["args"], list)
    for text in ("exception", "error", "worker"):
        assert record.text(text)
    assert ("failed retry` puts them back" in record.text("error")) is (name not in STAYS)
    if name in NO_JOBS:
        link = f"{aside.link_to(record.aside, raw)}"
        assert record.payload["class"] == aside.CLASS
        assert record.payload["args"][0] == link
        assert record.class_name == ""
    else:
        assert (record.class_name, record.payload["args"]) == (
            json.loads(raw)["class"],
            json.loads(raw)["args"],
        )


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("how", ["remove", "clear", "clear one list", "clear_retried", "multi clear"])
def test_it_goes_with_its_record(name, how, resque, bench, server):
    """Removed or cleared by us, in whatever way."""
    _, record, _ = put_aside(name, resque, bench)
    failures = resque.failures
    if how == "remove":
        assert failures.remove(record)
    elif how == "clear":
        failures.clear()
    elif how == "clear one list":
        failures.clear(record.list_name)
    elif how == "clear_retried":
        resque.link.execute("LSET", "resque:failed", 0, json.dumps({**record.value, "retried_at": "by Ruby"}))
        assert failures.clear_retried() == 1
    else:
        resque.link.execute("RENAME", "resque:failed", "resque:x_failed")
        resque.link.execute("SADD", "resque:failed_queues", "x_failed")
        multi = Resque(server.url, failure=RedisMultiQueue())
        assert multi.failures.remove_queue("x") == 1
        multi.close()
    assert (asides(resque), resque.failures.count()) == ([], 0)


@pytest.mark.parametrize("name", ALL)
def test_a_retry_puts_the_very_bytes_back_once(name, resque, bench):
    """Where they came from; a second retry, of the record as it was or as it is, does nothing."""
    raw, record, _ = put_aside(name, resque, bench)
    resque.link.execute("DEL", "resque:queue:bad")
    if name in STAYS:
        with pytest.raises(NotAJob, match=CANNOT):
            resque.failures.requeue(record)
        assert len(asides(resque)) == 1
        return
    assert resque.failures.requeue(record) is True
    queue = b'\xff %41"\\\n' if "strange" in name else b"q" if name == "no_job_in_a_queue" else b"bad"
    there = (
        delayed_items(resque)
        if name in DELAYED
        else resque.link.execute("LRANGE", b"resque:queue:" + queue, 0, -1)
    )
    assert there == [raw]
    assert asides(resque) == []
    [marked] = resque.failures.list()
    assert marked.text("retried_at")
    assert resque.failures.requeue(record) is False
    with pytest.raises(NotAJob, match="put back before"):
        resque.failures.requeue(marked)
    assert resque.failures.clear_retried() == 1


def test_a_delayed_job_that_is_retried_is_due_at_once_with_its_hooks(resque, bench):
    """As an operator expects when the quota service is there again; and is noted where Ruby looks."""
    raw, record, _ = put_aside("a_delayed_job_whose_hook_raises", resque, bench)
    calls = []
    resque.registry.find("Quota").hooks("before_enqueue")[:] = [calls.append]
    assert resque.failures.requeue(record)
    [one] = resque.each_delayed()
    assert one.at <= time.time()
    assert resque.link.execute("SMEMBERS", b"resque:timestamps:" + raw) == [b"delayed:%d" % one.at]
    move(resque)
    assert (calls, elements(resque)) == ([1], [b'{"class":"Quota","args":[1]}'])


@pytest.mark.parametrize("name", ["a_delayed_job_for_a_key_that_is_no_queue", "no_job_in_a_queue"])
def test_what_still_cannot_go_back_stays(name, resque, bench):
    """The key holds something else than a list, still or again; nothing is marked."""
    _, record, _ = put_aside(name, resque, bench)
    resque.link.execute("DEL", "resque:queue:q")
    resque.link.execute("SET", "resque:queue:q", "no list")
    with pytest.raises(NotAJob, match="it stays in"):
        resque.failures.requeue(record)
    assert len(asides(resque)) == 1
    assert resque.failures.list() == [record]


@pytest.mark.parametrize("mode", ["drop", "close"])
@pytest.mark.parametrize("act", ["requeue", "remove", "clear", "clear_retried"])
def test_lost_replies_do_nothing_twice(act, mode, resque, bench, server):
    """Two equal elements with two records: what is done to the first is done to one of them."""
    put(resque, b"junk", b"junk")
    bench.burst("q")
    first, second = resque.failures.list()
    resque.failures.clear("never")  # the scripts are known now
    if act == "clear_retried":
        resque.link.execute("LSET", "resque:failed", 0, json.dumps({**first.value, "retried_at": "by Ruby"}))
    with FaultProxy(server) as proxy:
        through = Resque(proxy.url, registry=resque.registry)
        fault = proxy.arm(mode, match=named("EVALSHA", "EVAL"), times=2)
        {
            "requeue": lambda: through.failures.requeue(first),
            "remove": lambda: through.failures.remove(first),
            "clear": through.failures.clear,
            "clear_retried": through.failures.clear_retried,
        }[act]()
        assert len(fault.hits) == 2
        through.close()
    left = resque.link.execute("LRANGE", "resque:pyresque:aside:queue:q", 0, -1)
    assert left == ([] if act == "clear" else [b"junk"])
    assert elements(resque) == ([b"junk"] if act == "requeue" else [])
    if act != "clear":
        assert resque.failures.requeue(second)


def test_many_go_with_their_records_and_others_stay(resque, bench):
    """Among records of other writers, and records that only look like ours."""
    put(resque, *(b"junk %d" % n for n in range(700)))
    bench.burst("q")
    link = f"queue:q {hashlib.sha1(b'junk 5').hexdigest()}"
    lookalikes = (
        {"payload": {"class": "A", "args": [{"pyresque_aside": link}]}},
        {"payload": {"class": "A", "args": [link]}, "error": f'"pyresque_aside":"{link}"'},
        {"pyresque_aside": 5},
        {"pyresque_aside": "queue:q"},
        {"payload": "text"},
    )
    others = [b"oops", b"", b"null", b"[1]", *(json.dumps(one).encode() for one in lookalikes)]
    resque.link.execute("LPUSH", "resque:failed", *others)
    for record in resque.failures.list(0, len(others)):
        assert record.aside is None
        assert resque.failures.remove(record)
    assert resque.link.execute("LLEN", "resque:pyresque:aside:queue:q") == 700
    for record in random.Random(4).sample(resque.failures.list(0, None), 100):
        assert resque.failures.remove(record)
    left = resque.link.execute("LRANGE", "resque:pyresque:aside:queue:q", 0, -1)
    assert left == [one.payload["args"][1].encode() for one in resque.failures.list(0, None)]
    resque.failures.clear()
    assert (asides(resque), resque.failures.count()) == ([], 0)


def test_clear_takes_large_records_in_small_steps(resque, proxy):
    """And everything that is there, be it a list or not."""
    large = json.dumps({"payload": {"class": "A", "args": ["x" * 900_000]}})
    for _ in range(12):
        resque.link.execute("RPUSH", "resque:failed", large)
    through = Resque(proxy.url)
    through.failures.clear()
    through.close()
    assert resque.failures.count() == 0
    assert sum(words[0] == b"EVALSHA" for words in proxy.commands) > 3
    resque.link.execute("SET", "resque:failed", "x")
    resque.failures.clear()
    assert resque.link.execute("EXISTS", "resque:failed") == 0


@pytest.mark.parametrize("raw", [b"no job", b"\xff\xfe"])
def test_a_record_of_the_first_release_still_leads_to_its_bytes(raw, resque):
    """Its payload was the text itself; bytes that are not text can only be removed by hand."""
    record = {"failed_at": "x", "payload": raw.decode("utf-8", "replace"), "queue": "q"}
    for _ in range(2):
        resque.link.execute("RPUSH", "resque:pyresque:aside:queue:q", raw)
        resque.link.execute("RPUSH", "resque:failed", json.dumps(record))
    first, _ = resque.failures.list()
    if raw == b"no job":
        assert resque.failures.requeue(first)
        assert resque.failures.remove(resque.failures.list()[1])
        assert (elements(resque), asides(resque)) == ([raw], [])
    else:
        with pytest.raises(NotAJob, match="any more"):
            resque.failures.requeue(first)


def test_with_two_backends_the_bytes_are_there_once(resque, bench, server):
    """Both records lead to them; whichever is retried first, both are marked."""
    several = Resque(server.url, failure=Multiple(Redis(), RedisMultiQueue()), registry=resque.registry)
    put(resque, b"junk")
    bench.burst("q", resque=several)
    one, other = resque.failures.list()
    assert {one.list_name, other.list_name} == {"failed", "q_failed"}
    assert resque.failures.requeue(other)
    assert resque.failures.requeue(one) is False
    for marked in resque.failures.list():
        assert marked.was_retried
        with pytest.raises(NotAJob, match="any more"):
            resque.failures.requeue(marked)
    assert elements(resque) == [b"junk"]
    several.close()


# --- failure lists that are none ----------------------------------------------------------------------


def test_a_record_whose_own_list_is_none_goes_to_the_list_failed(resque, bench, server):
    """With the multi-queue backend; without a list `failed` it is put aside, and nothing can tell of it."""
    multi = Resque(server.url, failure=RedisMultiQueue(), registry=resque.registry)
    resque.link.execute("SET", "resque:q_failed", "no list")
    put(resque, b"junk")
    bench.burst("q", resque=multi)
    [record] = resque.failures.each("failed")
    assert record.aside == "queue:q"
    resque.link.execute("DEL", "resque:failed")
    resque.link.execute("SET", "resque:failed", "no list")
    put(resque, b"junk")
    bench.burst("q", resque=multi)
    [raw] = resque.link.execute("LRANGE", "resque:pyresque:aside:q_failed", 0, -1)
    assert json.loads(raw)["payload"]["args"][1] == "junk"
    multi.close()


def test_an_aside_list_that_is_none_loses_no_job(resque, bench):
    """Its bytes are put aside again, and that is told, too."""
    resque.link.execute("SET", "resque:pyresque:aside:delayed:10", "no list")
    delay(resque, b'{"class":"NoQueueJob","args":[1]}', b'{"class":"Far","args":[2],"queue":"q"}')
    move(resque)
    again, record = resque.failures.list()
    assert record.payload == {"class": "NoQueueJob", "args": [1]}
    assert elements(resque) == [b'{"class":"Far","args":[2]}']
    with pytest.raises(NotAJob, match="any more"):
        resque.failures.requeue(record)
    assert resque.failures.remove(record)
    key = f"resque:pyresque:aside:{again.aside}"
    assert resque.link.execute("LRANGE", key, 0, -1) == [b'{"class":"NoQueueJob","args":[1]}']
    assert resque.failures.remove(again)
    assert resque.link.execute("EXISTS", key) == 0


# --- Ruby's own buttons -------------------------------------------------------------------------------


def rubys_retry(resque, place):
    """What `Resque::Failure.requeue` does: the record is marked, class and args of its payload are pushed."""
    raw = resque.link.execute("LINDEX", "resque:failed", place)
    value = json.loads(raw)
    resque.link.execute(
        "LSET", "resque:failed", place, json.dumps({**value, "retried_at": "2026/11/30 01:00:00"})
    )
    pushed = {"class": value["payload"]["class"], "args": value["payload"]["args"]}
    # Not every worker can be given every name.
    queue = value["queue"] if value["queue"].isidentifier() else "q"
    put(resque, json.dumps(pushed, separators=(",", ":")).encode(), queue=queue)
    return queue


@pytest.mark.parametrize("unknown", [Unknown(), Unknown("fail"), Unknown("park", "lot")])
@pytest.mark.parametrize("name", sorted(NO_JOBS))
def test_what_ruby_s_retry_pushes_brings_the_bytes_back(name, unknown, resque, bench):
    """By the next worker of ours that comes to it; a second press brings nothing twice."""
    raw, _, _ = put_aside(name, resque, bench)
    queue = rubys_retry(resque, 0)
    rubys_retry(resque, 0)
    options = WorkerOptions(unknown=unknown)
    if name == "no_job_in_a_queue":
        # It is taken for what it is, and put aside again.
        bench.burst(queue, options=options)
        first, second = resque.failures.list()
        assert (first.text("retried_at"), second.text("retried_at")) == ("2026/11/30 01:00:00", None)
        assert resque.link.execute("LRANGE", "resque:pyresque:aside:queue:q", 0, -1) == [raw]
        assert elements(resque) == []
        return
    bench.burst(queue, options=options)
    assert elements(resque, queue) == []
    if name == "no_job_in_a_delayed_list":
        assert delayed_items(resque) == [raw]
    elif name not in STAYS:
        assert resque.link.execute("LRANGE", b'resque:queue:\xff %41"\\\n', 0, -1) == [raw]
    assert (asides(resque) == []) is (name not in STAYS)
    assert resque.failures.count() == 1
    assert resque.stat("failed") == 0


@pytest.mark.parametrize("name", sorted(set(ALL) - NO_JOBS))
def test_a_job_that_ruby_s_retry_pushed_is_not_put_back_by_ours_too(name, resque, bench):
    """Ruby has pushed the job itself; the bytes go with the record."""
    _, _, _ = put_aside(name, resque, bench)
    resque.link.execute("DEL", "resque:queue:bad")
    queue = rubys_retry(resque, 0)
    [pushed] = elements(resque, queue)
    assert json.loads(pushed)["class"] != aside.CLASS
    [record] = resque.failures.list()
    with pytest.raises(NotAJob, match="put back before, at 2026/11/30"):
        resque.failures.requeue(record)
    assert resque.failures.clear_retried() == 1
    assert (asides(resque), len(elements(resque, queue))) == ([], 1)


def test_a_pointer_that_a_ruby_worker_has_failed_still_leads_to_the_bytes(resque, bench):
    """Ruby does not know the class; the row that it writes can be retried by us."""
    put_aside("no_job_in_a_queue", resque, bench)
    queue = rubys_retry(resque, 0)
    payload = json.loads(resque.link.execute("LPOP", f"resque:queue:{queue}"))
    row = {"failed_at": "x", "payload": payload, "exception": "NameError", "error": "x", "queue": "q"}
    resque.link.execute("RPUSH", "resque:failed", json.dumps(row))
    assert resque.failures.requeue(resque.failures.list()[1])
    assert elements(resque) == [b"no job"]


# --- never without a record ---------------------------------------------------------------------------


KILLED = """
import sys
from pyresque import Resque, Worker, job
from pyresque.registry import Registry
from pyresque.scheduler.due import Mover
registry = Registry()
resque = Resque(sys.argv[1], registry=registry)
print("ready", flush=True)
if sys.argv[2] == "scheduler":
    Mover(resque.space, registry, batch=5).move_all(now=10000)
else:
    Worker(resque, ["q"]).work(interval=0)
"""


@pytest.mark.parametrize("who", ["scheduler", "worker"])
def test_kill_9_leaves_nothing_aside_without_a_record(who, resque, server):
    """And no record without its bytes: both come in one step."""
    total = 300
    raws = [b'{"class":"NoQueueJob","args":[%d]}' % n if n % 2 else b"junk %d" % n for n in range(total)]
    if who == "worker":
        raws = [b"junk %d" % n for n in range(total)]
        put(resque, *raws)
    else:
        delay(resque, *raws)
    source = "resque:queue:q" if who == "worker" else "resque:delayed:10"
    dice, kills = random.Random(8), 0
    while left := resque.link.execute("LLEN", source):
        process = subprocess.Popen([sys.executable, "-c", KILLED, server.url, who], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        stop = left - dice.randrange(1, 60)
        while resque.link.execute("LLEN", source) > max(0, stop):
            time.sleep(0.0005)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        kills += 1
        [key] = asides(resque)
        there = resque.link.execute("LRANGE", key, 0, -1)
        assert there == raws[: len(there)]
        links = [aside.link_in(one.value).split()[1] for one in resque.failures.each()]
        assert links == [hashlib.sha1(raw).hexdigest() for raw in there]
    assert kills > 3
    assert resque.failures.count() == total


# --- the parts ------------------------------------------------------------------------------------------


def test_scripts_write_the_date_as_python_does(resque):
    """`failed_at`, in UTC, at any second of six centuries."""
    text = source("json").read_text("utf-8") + source("aside").read_text("utf-8")
    script = text.replace("redis.call('TIME')[1]", "ARGV[1]") + "\nreturn failed_at()"
    assert script.count("ARGV[1]") == 1
    dice = random.Random(2)
    edges = [0, 951782400, 951868799, 1709164800, 1735689599, 4107542400, 13569465600]
    for second in [*edges, *(dice.randrange(0, 19_000_000_000) for _ in range(500))]:
        wanted = datetime.fromtimestamp(second, UTC).strftime("%Y/%m/%d %H:%M:%S UTC")
        assert resque.link.execute("EVAL", script, 0, second).decode() == wanted


def test_links_are_the_same_in_scripts_and_in_python(resque):
    """Of lists with any name; what is not a link leads nowhere in both."""
    parts = [source(name).read_text("utf-8") for name in ("json", "aside")]
    quote = "\n".join([*parts, "return quoted(ARGV[1])"])
    read = (
        source("aside_links").read_text("utf-8")
        + "\nlocal name, digest = parts_of(ARGV[1]) return {name or '', digest or ''}"
    )
    dice = random.Random(3)
    names = [bytes(dice.randrange(256) for _ in range(dice.randrange(1, 30))) for _ in range(200)]
    for raw in [b"queue:jobs", b"delayed:10", *names]:
        link = aside.link_to(raw.decode("utf-8", "surrogateescape"), b"x")
        quoted, _, digest = link.partition(" ")
        assert resque.link.execute("EVAL", quote, 0, raw).decode() == quoted
        assert resque.link.execute("EVAL", read, 0, link) == [raw, digest.encode()]
        assert aside.list_of(link) == raw.decode("utf-8", "surrogateescape")
    for wrong in ("", " ", "queue:q", "queue:q xyz", "a b c"):
        assert resque.link.execute("EVAL", read, 0, wrong) == [b"", b""]
        assert aside.list_of(wrong) is None


def test_every_script_that_puts_aside_writes_a_record():
    """No script and no module writes an aside list but through what writes the record, too."""
    package = Path(pyresque.store.__file__).parent.parent
    writes = re.compile(r"RPUSH.*pyresque:aside:'|keys\.aside\(|[* ]put_aside\(")
    found = {
        path.name
        for path in itertools.chain(package.rglob("*.py"), package.rglob("*.lua"))
        if writes.search(path.read_text("utf-8"))
    }
    assert found == {"effects.lua", "effects.py", "recorder.py", "put_back.py", "due.py", "reserver.py"}


def test_a_worker_of_a_registry_without_jobs_puts_back_too(resque, bench, server):
    """It knows that class by itself."""
    put_aside("no_job_in_a_delayed_list", resque, bench)
    queue = rubys_retry(resque, 0)
    bare = Resque(server.url, registry=Registry())
    bench.burst(queue, resque=bare)
    assert delayed_items(resque) == [b"\x00\xff"]
    bare.close()
