"""Removing many at once: in one pass, in pieces, and exactly, whatever others do to the list meanwhile."""

import json
import random
from collections import Counter

import pytest

from pyresque.store import removal
from pyresque.store.delayed import all_seconds
from tests.redis.bench import add_echo, calls, elements, put

KEY = "resque:queue:q"


def doom(raw):
    return () if raw.startswith(b"bad") else None


def mixed(dice, count, start=0):
    return [(dice.choice(["good", "bad"]) + str(n)).encode() for n in range(start, start + count)]


@pytest.mark.parametrize("nodes", [removal.NODES, 8])
@pytest.mark.parametrize("burst", [3, 20, 400])
@pytest.mark.parametrize("seed", range(4))
def test_a_pass_is_exact_though_others_change_the_list(resque, monkeypatch, seed, burst, nodes):
    """Others pop, push and remove while it goes on: what was doomed and is still there goes, all else stays
    in its order, and each that went is counted."""
    monkeypatch.setattr(removal, "WINDOW", 100)
    monkeypatch.setattr(removal, "NODES", nodes)
    dice = random.Random(seed)
    first = mixed(dice, 1200)
    put(resque, *first)
    popped, pushed, changes = [], [], iter(range(12))

    def meanwhile(raw):
        if dice.random() < 0.02 and next(changes, None) is not None:
            match dice.randrange(3):
                case 0:
                    popped.extend(resque.link.execute("LPOP", KEY, burst) or [])
                case 1:
                    pushed.extend(mixed(dice, burst, 10_000 + len(pushed)))
                    put(resque, *pushed[-burst:])
                case 2:
                    for one in dice.sample(elements(resque), min(burst, resque.size("q")) // 3):
                        popped.extend([one] * resque.link.execute("LREM", KEY, 1, one))
        return doom(raw)

    removed = removal.weed(resque.space, KEY, meanwhile)
    left, gone = elements(resque), set(popped)
    assert [one for one in left if one in first] == [
        one for one in first if one not in gone and not doom_of(one)
    ]
    assert [one for one in left if one not in first and not doom_of(one)] == [
        one for one in pushed if one not in gone and not doom_of(one)
    ]
    assert removed == len(first) + len(pushed) - len(gone) - len(left)


def doom_of(raw):
    return doom(raw) is not None


def test_a_pass_is_linear(resque):
    """To remove half of a list takes a few commands for each window, and none for each element."""
    put(resque, *(b"bad%d" % n if n % 2 else b"good%d" % n for n in range(10_000)))
    calls(resque, "lrem")
    assert removal.weed(resque.space, KEY, doom) == 5000
    assert calls(resque, "lrem", "lrange", "evalsha", "eval") < 4 * 16
    assert elements(resque) == [b"good%d" % n for n in range(0, 10_000, 2)]


def test_no_script_of_a_pass_goes_far(resque, monkeypatch):
    """LSET goes from node to node. How many a script passes in all is bounded, however long the list is: then
    there are more scripts, but nothing more is read."""
    monkeypatch.setattr(removal, "NODES", 300)
    put(resque, *(b"%s%06d" % (b"bad" if n % 2 else b"good", n) + b"x" * 1200 for n in range(2000)))
    run, ways, judged = removal._weed.run, [], Counter()

    def watched(link, keys, args):
        length = resque.size("q")
        calls(resque, "lset")
        said = run(link, keys, args)
        gone = [int(at) for at, sign in zip(args[3::3], said[0].decode(), strict=True) if sign == "1"]
        assert calls(resque, "lset") == len(gone)
        ways.append([min(at, length - at) * 1200 / 8192 for at in gone])
        return said

    def doomed(raw):
        judged[raw] += 1
        return doom(raw)

    monkeypatch.setattr(removal._weed, "run", watched)
    assert removal.weed(resque.space, KEY, doomed) == 1000
    assert [one[:4] for one in elements(resque)] == [b"good"] * 1000
    assert sum(map(len, ways)) == 1000
    assert all(sum(way) - max(way) < 300 for way in ways)
    assert max(judged.values()) == 2, "of the last window some are read again, to know it by"


def test_a_pass_that_ends_in_the_midst_leaves_the_rest(resque, monkeypatch):
    """A kill leaves each element either gone or where it was."""
    monkeypatch.setattr(removal, "WINDOW", 50)
    put(resque, *(b"bad%d" % n if n % 2 else b"good%d" % n for n in range(300)))

    def until_200(raw):
        if raw == b"good200":
            raise KeyboardInterrupt
        return doom(raw)

    with pytest.raises(KeyboardInterrupt):
        removal.weed(resque.space, KEY, until_200)
    left = elements(resque)
    assert left[:201] == [b"bad%d" % n if n % 2 else b"good%d" % n for n in range(201)]
    assert 150 < len(left) < 300


@pytest.mark.parametrize("last", [1, 2, 7])
@pytest.mark.parametrize("arrives", [False, True])
def test_a_kill_between_two_scripts_leaves_the_rest(resque, monkeypatch, last, arrives):
    """Also where one window takes several: the elements nearest to the end are gone, no mark is left, and who
    removes the rest later removes just that."""
    monkeypatch.setattr(removal, "NODES", 0)
    put(resque, *(b"bad%d" % n if n % 2 else b"good%d" % n for n in range(40)))
    with monkeypatch.context() as patched:
        run, calls_left = removal._weed.run, iter(range(last))

        def killed(*args):
            if next(calls_left, None) is None:
                if arrives:
                    run(*args)
                raise KeyboardInterrupt
            return run(*args)

        patched.setattr(removal._weed, "run", killed)
        with pytest.raises(KeyboardInterrupt):
            removal.weed(resque.space, KEY, doom)
    gone = last + arrives
    kept = [b"bad%d" % n for n in range(1, 40, 2)][: 20 - gone]
    assert [one for one in elements(resque) if doom_of(one)] == kept
    assert removal.weed(resque.space, KEY, doom) == 20 - gone
    assert elements(resque) == [b"good%d" % n for n in range(0, 40, 2)]


def test_one_copy_for_each_that_is_given(resque):
    """Of equal elements as many go as are given."""
    put(resque, b"a", *[b"b"] * 5, b"c", *[b"b"] * 5)
    gone = removal.weed_these(resque.space, KEY, [b"b", b"c", b"b", b"x"])
    assert gone == Counter({b"b": 2, b"c": 1})
    assert Counter(elements(resque)) == Counter({b"a": 1, b"b": 8})


def test_a_full_redis_lets_elements_go(resque):
    """Removing is how one makes room."""
    put(resque, *mixed(random.Random(1), 300))
    resque.link.execute("CONFIG", "SET", "maxmemory", 1)
    try:
        removal.weed(resque.space, KEY, doom)
    finally:
        resque.link.execute("CONFIG", "SET", "maxmemory", 0)
    assert not any(map(doom_of, elements(resque)))


def test_half_of_a_queue_is_dequeued(resque):
    """The verb: by decoded values, in one pass."""
    echo = add_echo(resque)
    others = [b'{"class":"Other","args":[%d]}' % n for n in range(2000)]
    wanted = [b'{"class": "Echo", "args": [%d]}' % n for n in range(2000)]
    put(resque, *(one for pair in zip(others, wanted, strict=True) for one in pair))
    calls(resque, "lrem")
    assert resque.dequeue(echo, 7) == 1
    assert resque.dequeue(echo) == 1999
    assert elements(resque) == others
    assert calls(resque, "lrem") < 20


def fail(resque, count, **more):
    """So many failures; every third one was retried."""
    for n in range(count):
        record = {
            "failed_at": "x",
            "payload": {"class": "Echo", "args": [n]},
            "error": "e",
            "queue": "q",
            **more,
        }
        if n % 3 == 0:
            record["retried_at"] = "2026/11/30 08:00:00"
        resque.link.execute("RPUSH", "resque:failed", json.dumps(record))


def test_many_failures_are_removed_in_one_pass(resque):
    """Those that were retried, those of a queue, and those that are named."""
    fail(resque, 900)
    calls(resque, "lrem")
    assert resque.failures.clear_retried() == 300
    named = resque.failures.list(0, 100)
    resque.failures.remove(named[5])
    assert resque.failures.remove_all(named) == [n != 5 for n in range(100)]
    assert [one.payload["args"] for one in resque.failures.list(0, 2)] == [[151], [152]]
    assert resque.failures.remove_queue("q") == 500
    assert resque.failures.count() == 0
    assert calls(resque, "lrem") < 20


@pytest.mark.parametrize("push", ["LPUSH", "RPUSH"])
def test_what_was_put_aside_goes_with_many_failures(resque, bench, push):
    """Also where there is so much of it that one call would take long. It lies in the order of its failures:
    the last one, which goes first, is mostly the last there."""
    bad = [b"no json %d" % n for n in range(60)]
    put(resque, *bad)
    bench.burst()
    aside = "resque:pyresque:aside:queue:q"
    assert resque.link.execute("LLEN", aside) == 60
    resque.link.execute(push, aside, *(b"another %d" % n for n in range(3000)))
    calls(resque, "lrange")
    assert resque.failures.remove_queue("q") == 60
    assert calls(resque, "lrange") < 30 or push == "RPUSH"
    assert resque.failures.count() == 0
    assert not set(resque.link.execute("LRANGE", aside, 0, -1)) & set(bad)
    assert resque.link.execute("LLEN", aside) == 3000


def test_many_failures_are_removed_by_their_ids(resque, program):
    """On the command line: one look for all of them, one pass."""
    fail(resque, 200)
    ids = [one.id for one in resque.failures.list(0, 150)]
    calls(resque, "lrem")
    done = program.run("failed", "remove", "--yes", *ids)
    assert done.returncode == 0
    assert done.stdout.count("removed ") == 150
    assert resque.failures.count() == 50
    assert calls(resque, "lrem", "lrange", "evalsha", "eval") < 40


@pytest.mark.parametrize("count", [5, 3000])
def test_delayed_jobs_of_one_second_are_removed_in_one_pass(resque, count):
    """With every trace of them; those that stay keep their order, and an emptied second is forgotten."""
    echo = add_echo(resque)
    second = 4_000_000_000
    for n in range(count):
        resque.enqueue_at(second, echo, n)
    resque.enqueue_at(second + 5, echo, 1)
    calls(resque, "lrem")
    assert resque.remove_delayed_selection(lambda args: args[0] % 2 == 1) == count // 2 + 1
    left = [one.args[0] for one in resque.delayed_timestamp_peek(second, 0, count)]
    assert left == list(range(0, count, 2))
    assert calls(resque, "lrem") < 25
    assert len(resque.link.execute("KEYS", "resque:timestamps:*")) == len(left)
    assert resque.remove_found(resque.find_delayed()) == len(left)
    assert resque.delayed_queue_schedule_size() == 1, "the verb leaves an empty second, as Ruby does"
    assert resque.link.execute("KEYS", "resque:timestamps:*") == []


def test_every_delayed_job_is_forgotten_in_pieces(resque):
    """No script takes all of them; what is delayed until later than all of them stays."""
    echo = add_echo(resque)
    second = 4_000_000_000
    items = [b'{"class":"Echo","args":[%d],"queue":"q"}' % n for n in range(2500)]
    resque.link.execute("RPUSH", f"resque:delayed:{second}", *items)
    resque.link.execute("ZADD", "resque:delayed_queue_schedule", second, second)
    for n in range(1, 700):
        resque.enqueue_at(second + n, echo, n)
    resque.link.execute("SET", f"resque:delayed:{second + 999}", "no list")
    resque.link.execute("ZADD", "resque:delayed_queue_schedule", second + 999, second + 999)
    calls(resque, "evalsha")
    assert resque.reset_delayed_queue() == 2500 + 699
    assert calls(resque, "evalsha", "eval") >= 4
    assert resque.delayed_queue_schedule_size() == 0
    assert resque.link.execute("KEYS", "resque:timestamps:*") == []
    assert resque.reset_delayed_queue() == 0


def test_seconds_are_read_piece_by_piece(resque):
    """All of them, in order, also where many have one score; never in one reply."""
    names = [b"%d" % (4_000_000_000 + n) for n in range(2300)]
    for name in names:
        resque.link.execute("ZADD", "resque:delayed_queue_schedule", int(name), name)
    for n in range(1500):
        resque.link.execute("ZADD", "resque:delayed_queue_schedule", 4_000_000_500, b"odd%04d" % n)
    found = all_seconds(resque.space)
    assert sorted(found) == sorted([*names, *(b"odd%04d" % n for n in range(1500))])
    assert [one for one in found if one in set(names)] == names
