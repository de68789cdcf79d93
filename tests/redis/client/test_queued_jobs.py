"""The jobs of a queue: looking at them, removing them, moving them."""

import json
import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from pyresque import job
from pyresque.client.selection import GONE
from pyresque.errors import InvalidSelection, NoQueueError, RedisReplied
from pyresque.plugins import Loner
from pyresque.store import moving, removal
from tests.redis.bench import calls

WRAPPER = "ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper"
ODD = [
    b"",
    b"null",
    b"[1]",
    b"\xff",
    b"{}",
    b'{"class":5}',
    b"[" * 2000,
    b'{"args":[1]}',
    b'{"class":"\xff"}',
]


def plain(number, name="A"):
    return json.dumps({"class": name, "args": [number]}, separators=(",", ":")).encode()


def wrapped(number, name="Mailer", ago=None):
    inner = {"job_class": name, "job_id": f"id-{number}", "arguments": [number]}
    if ago is not None:
        inner["enqueued_at"] = (datetime.now(UTC) - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return json.dumps({"class": WRAPPER, "args": [inner]}).encode()


def put(resque, *raws, queue="q"):
    for first in range(0, len(raws), 5000):
        resque.link.execute("RPUSH", f"resque:queue:{queue}", *raws[first : first + 5000])
    resque.link.execute("SADD", "resque:queues", queue)


def raws(resque, queue="q"):
    return resque.link.execute("LRANGE", f"resque:queue:{queue}", 0, -1)


def args(jobs):
    return [one.args[0] for one in jobs]


# --- looking ---------------------------------------------------------------------------------------


def test_jobs_are_seen_in_their_order_active_jobs_as_themselves(resque):
    put(resque, plain(1), wrapped(2), plain(3, "B::C"))
    jobs = resque.jobs("q")
    assert [(one.queue, one.index, one.class_name, one.args) for one in jobs] == [
        ("q", 0, "A", [1]),
        ("q", 1, "Mailer", [2]),
        ("q", 2, "B::C", [3]),
    ]
    assert next(iter(jobs)).payload == {"class": "A", "args": [1]}
    assert jobs.count() == 3
    assert jobs.by_class() == {"A": 1, "B::C": 1, "Mailer": 1}
    assert args(jobs.select("B::*")) == [3]
    assert args(jobs.select(["A", "Mailer"])) == [1, 2]
    assert args(jobs.select(text="id-2")) == [2]
    ids = [one.id for one in jobs]
    assert args(jobs.select(ids=[ids[0], ids[2][:10], "", "zz"])) == [1, 3]
    assert jobs.select(ids=[]).count() == jobs.select("Nobody").count() == resque.jobs("none").count() == 0
    with pytest.raises(InvalidSelection):
        jobs.select(5)
    with pytest.raises(NoQueueError):
        resque.jobs(None)


@pytest.mark.parametrize("raw", ODD)
def test_what_is_not_a_job_is_shown_counted_and_can_be_moved_and_removed(resque, raw):
    put(resque, plain(1), raw, plain(2))
    jobs = resque.jobs("q")
    odd = jobs.page()[1]
    assert (odd.raw, odd.class_name) == (raw, "")
    assert jobs.by_class() == {"A": 2, "": 1}
    assert [one.raw for one in jobs.select(ids=odd.id)] == [raw]
    jobs.select(text=raw.decode("utf-8", "replace")).count()
    assert jobs.select("").to_front().by_class == {"": 1}
    assert raws(resque) == [raw, plain(1), plain(2)]
    assert jobs.select("").move_to("r").done == 1
    assert raws(resque, "r") == [raw]
    assert resque.jobs("r").select(ids=odd.id).remove().done == 1
    assert raws(resque) == [plain(1), plain(2)]


def test_pages_read_no_more_than_they_need(resque):
    put(resque, *(plain(n, "AB"[n % 2]) for n in range(3000)))
    jobs = resque.jobs("q")
    calls(resque)
    assert args(jobs.page(2, 10)) == list(range(10, 20))
    assert args(jobs.select("B").page(2, 3)) == [7, 9, 11]
    assert calls(resque, "lrange") == 2
    assert jobs.page(1, 10)[3].index == 3
    assert jobs.page(301, 10) == jobs.select("B").page(151, 10) == []
    assert jobs.select("B").count() == 1500


# --- acting ----------------------------------------------------------------------------------------


def test_remove_takes_what_is_meant(resque):
    put(resque, *(plain(n, "ABC"[n % 3]) for n in range(2400)))
    told = []
    result = resque.jobs("q").select(["A", "B"]).remove(progress=told.append)
    assert (result.done, result.by_class, told[-1]) == (1600, {"A": 800, "B": 800}, 1600)
    assert raws(resque) == [plain(n, "C") for n in range(2, 2400, 3)]
    assert resque.jobs("q").remove().done == 800
    assert resque.queues() == ["q"]


def test_remove_frees_the_locks_of_what_it_takes(resque):
    @job(queue="q", name="Only", registry=resque.registry, plugins=[Loner(resque)])
    def only(number: int) -> None: ...

    assert [resque.enqueue(only, 1), resque.enqueue(only, 1), resque.enqueue(only, 2)] == [True, None, True]
    assert resque.jobs("q").select(text="[1]").remove().done == 1
    assert [resque.enqueue(only, 1), resque.enqueue(only, 2)] == [True, None]


@pytest.mark.parametrize("nodes", [removal.NODES, 2])
@pytest.mark.parametrize("count", [7, 3500])
def test_jobs_move_in_their_order(resque, monkeypatch, count, nodes):
    """To the end of another queue, to the front of their own, and to the end of their own."""
    monkeypatch.setattr(moving, "NODES", nodes)
    every = [plain(n, "AB"[n % 3 == 0]) for n in range(count)]
    chosen, others = every[::3], [raw for raw in every if raw not in every[::3]]
    put(resque, *every)
    put(resque, b"first", queue="r")
    jobs = resque.jobs("q").select("B")
    result = jobs.to_front()
    assert (result.done, result.skipped, result.by_class) == (len(chosen), {}, {"B": len(chosen)})
    assert raws(resque) == [*chosen, *others]
    assert jobs.to_front().done == len(chosen)
    assert raws(resque) == [*chosen, *others]
    assert jobs.move_to("q").done == len(chosen)
    assert raws(resque) == [*others, *chosen]
    assert jobs.move_to("r").done == len(chosen)
    assert (raws(resque), raws(resque, "r")) == (others, [b"first", *chosen])
    assert resque.jobs("q").move_to("new").done == len(others)
    assert (raws(resque), raws(resque, "new")) == ([], others)
    assert resque.queues() == ["new", "q", "r"]
    assert resque.jobs("q").to_front().done == 0


def test_equal_jobs_are_all_moved(resque):
    put(resque, *[plain(1), plain(2, "B"), plain(1), plain(1), plain(3, "B")])
    assert resque.jobs("q").select("A").to_front().done == 3
    assert raws(resque) == [plain(1)] * 3 + [plain(2, "B"), plain(3, "B")]
    assert resque.jobs("q").select("A").move_to("r").done == 3
    assert raws(resque, "r") == [plain(1)] * 3


def test_a_target_that_is_not_a_list_changes_nothing(resque):
    put(resque, plain(1))
    resque.link.execute("SET", "resque:queue:bad", "text")
    with pytest.raises(RedisReplied, match="not a list of jobs"):
        resque.jobs("q").move_to("bad")
    assert raws(resque) == [plain(1)]
    with pytest.raises(NoQueueError):
        resque.jobs("q").move_to(None)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("to_front", [True, False])
@pytest.mark.parametrize("nodes", [removal.NODES, 5])
def test_nothing_is_lost_or_doubled_though_others_take_and_add(resque, monkeypatch, seed, to_front, nodes):
    """Workers pop, clients push, somebody removes: each job is there once unless it was taken; all that were
    chosen and are left are where they go, in their order."""
    monkeypatch.setattr(moving, "WINDOW", 40)
    monkeypatch.setattr(moving, "NODES", nodes)
    dice = random.Random(seed)
    every = [plain(n, dice.choice("AB")) for n in range(600)]
    put(resque, *every)
    run, gone, pushed = moving._Mover._run, [], []

    def meanwhile(mover, part):
        match dice.randrange(6):
            case 0:
                gone.extend(resque.link.execute("LPOP", "resque:queue:q", dice.choice([1, 3])) or [])
            case 1:
                new = [plain(1000 + len(pushed) + n, "C") for n in range(dice.choice([1, 150]))]
                pushed.extend(new)
                put(resque, *new)
            case 2:
                one = dice.choice(raws(resque))
                gone.extend([one] * resque.link.execute("LREM", "resque:queue:q", 1, one))
        return run(mover, part)

    monkeypatch.setattr(moving._Mover, "_run", meanwhile)
    jobs = resque.jobs("q").select("A")
    result = jobs.to_front() if to_front else jobs.move_to("r")
    there = raws(resque) + raws(resque, "r")
    assert Counter(there) + Counter(gone) == Counter(every + pushed)
    chosen = {raw for raw in every if b'"A"' in raw}
    left = [raw for raw in every if raw in chosen and raw in there]
    if not to_front:
        assert Counter(raws(resque, "r")) == Counter(left)
    assert result.done + result.skipped.get(GONE, 0) == len(chosen)
    assert [raw for raw in raws(resque) if raw not in chosen] == [
        raw for raw in every + pushed if raw not in chosen and raw in there
    ]


def test_many_are_moved_in_few_steps(resque):
    put(resque, *(plain(n, "AB"[n % 5 == 0]) for n in range(10_000)))
    for action in ("to_front", "remove"):
        calls(resque)
        assert getattr(resque.jobs("q").select("B"), action)().done == 2000
        assert calls(resque, "lrange", "evalsha", "eval", "llen") < 60


def test_a_full_redis_lets_jobs_move_and_go(resque):
    """That takes no memory to speak of."""
    put(resque, *(plain(n) for n in range(5)))
    resque.link.execute("CONFIG", "SET", "maxmemory", 100_000)
    try:
        assert resque.jobs("q").select(text="[3]").to_front().done == 1
        assert resque.jobs("q").move_to("r").done == 5
        assert resque.jobs("r").select(text="[2]").remove().done == 1
    finally:
        resque.link.execute("CONFIG", "SET", "maxmemory", 0)
    assert args(resque.jobs("r")) == [3, 0, 1, 4]


# --- age -------------------------------------------------------------------------------------------


def test_an_active_job_says_when_it_was_enqueued(resque):
    put(resque, plain(1), wrapped(2, ago=500), wrapped(3, ago=100))
    assert 500 <= resque.jobs("q").oldest_age() < 560


@pytest.mark.parametrize("text", [5, "", "yesterday", "2026-11-23T10:00:00", None, "9" * 500])
def test_an_active_job_whose_time_cannot_be_read(resque, text):
    put(resque, json.dumps({"class": WRAPPER, "args": [{"job_class": "A", "enqueued_at": text}]}).encode())
    assert 0 <= resque.jobs("q").oldest_age() < 60


def test_other_jobs_are_as_old_as_they_were_seen(resque, monkeypatch):
    """A note says since when a job is the first one. It goes with the job."""
    jobs = resque.jobs("q")
    assert jobs.oldest_age() is None
    put(resque, plain(1), plain(2))
    now = time.time()
    clock = lambda later: monkeypatch.setattr(time, "time", lambda: now + later)  # noqa: E731
    ages = []
    for later in (0, 100, 250):
        clock(later)
        ages.append(round(jobs.oldest_age()))
    assert ages == [0, 100, 250] or ages == [0, 101, 251]
    assert resque.link.execute("TTL", "resque:pyresque:heads") > 0
    resque.pop("q")
    assert round(jobs.oldest_age()) == 0
    clock(300)
    assert round(jobs.oldest_age()) in (50, 51)
    clock(-5000)
    assert jobs.oldest_age() == 0
    resque.pop("q")
    assert jobs.oldest_age() is None
    assert resque.link.execute("EXISTS", "resque:pyresque:heads") == 0


def test_of_equal_jobs_nobody_can_tell(resque):
    put(resque, plain(1), plain(1))
    assert resque.jobs("q").oldest_age() is None


@pytest.mark.parametrize(
    "junk", [("SET", "resque:pyresque:heads", "x"), ("HSET", "resque:pyresque:heads", "q", "\x00 ? 5")]
)
def test_a_note_that_cannot_be_read_does_no_harm(resque, junk):
    put(resque, plain(1))
    resque.link.execute(*junk)
    assert resque.jobs("q").oldest_age() in (None, 0, pytest.approx(0, abs=60))
