"""Looks that are bounded, and actions in rounds: pages and rounds follow each other without a gap."""

import hashlib
import json
import random
from collections import Counter

import pytest

from pyresque import job
from pyresque.client import failure_lists, failure_rounds, job_rounds, looking
from pyresque.client.retries import RETRIED, UNTOLD
from pyresque.errors import InvalidSelection
from pyresque.store import list_scan
from tests.redis.client.test_failure_selection import at, numbers, waiting
from tests.redis.client.test_failures import BROKEN, old, put, raws


@pytest.fixture
def small(monkeypatch):
    """Windows and pieces so small that some hundred elements are many."""
    monkeypatch.setattr(list_scan, "MOST", 16)
    monkeypatch.setattr(failure_rounds, "PIECE", 7)
    monkeypatch.setattr(job_rounds, "PIECE", 7)


def pages(look, **more):
    """All pages of a look, each going on where the one before has ended."""
    found, after = [], None
    while True:
        page = look(after=after, **more)
        found.append(page)
        assert len(found) < 500
        after = page.next
        assert page.more == (after is not None)
        if after is None:
            return found


def all_rounds(act):
    """All rounds of an action."""
    found, after = [], None
    while True:
        found.append(act(after))
        assert len(found) < 500
        after = found[-1].next
        if after is None:
            return found


# --- failures --------------------------------------------------------------------------------------


@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_follow_each_other(resque, small, newest_first):
    put(resque, *(at(n, name="AB"[n % 3 == 0]) for n in range(100)))
    found = pages(resque.failures.select(class_name="A").look, size=9, newest_first=newest_first, budget=20)
    expected = [n for n in range(100) if n % 3]
    order = expected[::-1] if newest_first else expected
    assert [n for page in found for n in numbers(page.items)] == order
    assert all(page.looked_at <= 20 and len(page.items) <= 9 for page in found)
    assert not found[0].is_whole
    assert found[0].total is None


def test_a_page_by_its_number(resque):
    """Without a cursor it is counted from the beginning; a whole list is not read for that."""
    put(resque, *(at(n) for n in range(300)))
    page = resque.failures.select().look(3, 20)
    assert numbers(page.items) == list(range(259, 239, -1))
    assert (page.total, page.number, page.more) == (300, 3, True)
    assert page.looked_at <= 21
    assert numbers(resque.failures.select().look(2, 20, False).items) == list(range(20, 40))
    some = resque.failures.select(text="boom 7").look(2, 5)
    assert (numbers(some.items), some.total, some.is_whole) == ([74, 73, 72, 71, 70], 11, True)
    past = resque.failures.select().look(99, 20)
    assert (past.items, past.more, past.next) == ([], False, None)
    nothing = resque.failures.select(class_name="Nobody").look()
    assert (nothing.items, nothing.total, nothing.is_whole, nothing.more) == ([], 0, True, False)


def test_what_comes_and_goes_between_pages(resque, small):
    """Failures that are removed or added between two pages hide none of those that are left."""
    put(resque, *(at(n) for n in range(60)))
    for newest_first in (True, False):
        first = resque.failures.select().look(size=20, newest_first=newest_first)
        for raw in random.Random(1).sample(raws(resque)[5:40], 10):
            resque.link.execute("LREM", "resque:failed", 1, raw)
        put(resque, at(1000 + newest_first))
        left = set(numbers(resque.failures.select()))
        rest = pages(
            lambda after, first=first, way=newest_first: resque.failures.select().look(
                size=7, newest_first=way, after=after or first.next
            )
        )
        seen = {*numbers(first.items), *(n for page in rest for n in numbers(page.items))}
        assert left - {1000, 1001} <= seen


def test_several_lists_by_time_and_copies_once(resque, small, monkeypatch):
    """With several backends a failure is shown once, on whatever page, with its copies."""
    for few in (20_000, 10):
        monkeypatch.setattr(failure_lists, "FEW", few)
        resque.link.execute("DEL", "resque:failed", "resque:q_failed", "resque:r_failed")
        every = [at(n, queue="qr"[n % 2]) for n in range(50)]
        put(resque, *every[:40])
        put(resque, *every[10::2], key="q_failed")
        put(resque, *every[1::2], key="r_failed")
        found = pages(resque.failures.select().look, size=7, budget=33)
        shown = [record for page in found for record in page.items]
        assert numbers(shown) == list(range(49, -1, -1))
        assert [len(record.copies) for record in reversed(shown)] == [
            int(n < 40 and (n % 2 == 1 or n >= 10)) for n in range(50)
        ]


def test_rows_of_any_writer(resque):
    put(resque, *BROKEN, old(5), old(5), at(6))
    page = resque.failures.select().look()
    assert [record.raw for record in page.items] == raws(resque)[::-1]
    assert page.total == len(BROKEN) + 3


@pytest.mark.parametrize(
    "after",
    [
        "x",
        "-1",
        "[1]",
        '{"failed":1}',
        '{"failed":"x"}',
        '{"failed":"1.2.3"}',
        "[" * 10000,
        '{"failed":"\u0663"}',
    ],
)
def test_a_place_that_is_none(resque, after):
    """What stands in an address may be anything."""
    put(resque, at(1))
    with pytest.raises(InvalidSelection, match="begin at the first page"):
        resque.failures.select().look(after=after)


def test_groups_of_the_newest(resque):
    put(resque, *(at(n, name="AB"[n > 90]) for n in range(100)))
    groups = resque.failures.groups("class", most=20)
    assert [(one.key, one.count) for one in groups] == [("A", 11), ("B", 9)]
    assert (groups.looked_at, groups.is_whole, groups.total) == (20, False, 20)
    assert numbers([one.example for one in groups]) == [90, 99]
    assert [one.last - one.first for one in groups] == [10, 8]
    assert resque.failures.select(class_name="B").groups(most=1000).is_whole
    assert resque.failures.groups().total == 100


def test_retry_in_rounds(resque, small):
    """Rounds put back what one retry does, in its order, each job once."""
    put(
        resque, *(at(n, name="AB"[n % 5 == 0]) for n in range(100)), at(200, retried_at="2026/11/23 19:07:35")
    )
    chosen = resque.failures.select(class_name="A")
    results = all_rounds(lambda after: chosen.retry(most=15, after=after))
    assert waiting(resque) == [[n] for n in range(100) if n % 5]
    assert sum(one.done for one in results) == 80
    assert max(one.done for one in results) <= 15
    assert Counter(reason for one in results for reason in one.skipped) == {RETRIED: 1}
    again = all_rounds(lambda after: chosen.retry(most=15, after=after))
    assert sum(one.done for one in again) == 0


def test_remove_in_rounds(resque, small):
    """Each round takes some out, the newest first; what was put aside goes with them, others stay."""
    kept = [at(n, name="B") for n in range(0, 100, 5)]
    put(resque, *(at(n, name="AB"[n % 5 == 0]) for n in range(100)))
    first = resque.failures.select(class_name="A").remove(most=10)
    assert (first.done, first.more, first.by_class) == (10, True, {"A": 10})
    put(resque, at(500))
    chosen = resque.failures.select(class_name="A")
    rest = all_rounds(lambda after: chosen.remove(most=10, after=after or first.next))
    assert sum(one.done for one in rest) == 70
    assert raws(resque) == [*kept, at(500)]


def test_rounds_take_the_copies_too(resque, small, monkeypatch):
    for few in (20_000, 10):
        monkeypatch.setattr(failure_lists, "FEW", few)
        resque.link.execute("FLUSHDB")
        every = [at(n) for n in range(60)]
        put(resque, *every)
        put(resque, *every[5:], key="q_failed")
        chosen = resque.failures.select(until=10**10)
        results = all_rounds(lambda after, chosen=chosen: chosen.retry(most=9, after=after))
        assert sum(one.done for one in results) == 60
        assert sorted(waiting(resque)) == [[n] for n in range(60)]
        assert all(b"retried_at" in raw for raw in raws(resque) + raws(resque, "q_failed"))
        results = all_rounds(lambda after: resque.failures.select(text="boom").remove(most=9, after=after))
        assert sum(one.done for one in results) == 60
        assert raws(resque) == raws(resque, "q_failed") == []


def test_a_round_reads_no_more_than_it_may(resque, monkeypatch):
    """However few are meant: a round ends, and says that another one has to look further."""
    monkeypatch.setattr(looking, "ROUND", 50)
    monkeypatch.setattr(failure_rounds, "ROUND", 50)
    put(resque, *(at(n) for n in range(500)), at(501, name="B"))
    chosen = resque.failures.select(class_name="B")
    results = all_rounds(lambda after: chosen.retry(most=5, after=after))
    assert (len(results), results[-1].done) == (11, 1)


def test_a_plan_of_the_first_round(resque):
    put(resque, *(at(n) for n in range(30)))
    plan = resque.failures.select().plan(most=10)
    assert (plan.done, plan.more) == (10, True)
    assert waiting(resque) == []


def test_a_job_whose_retry_takes_too_long_to_find_is_left_alone(resque, monkeypatch):
    """A round does not look at every waiting job: what may come again by itself is not put back."""
    monkeypatch.setattr("pyresque.client.next_retry.LOOK", 5)

    @job(queue="q", name="A", registry=resque.registry)
    def a(n): ...

    put(resque, at(1))
    resque.link.execute("SET", f"resque:resque-retry:A:{hashlib.sha1(b'1').hexdigest()}", "1")
    resque.link.execute("RPUSH", "resque:queue:q", *(plain(n) for n in range(50, 80)))
    resque.link.execute("SADD", "resque:queues", "q")
    assert resque.failures.select().retry(most=5).skipped == {UNTOLD: 1}
    assert resque.failures.select().retry().done == 1


def test_these_failures_at_their_places(resque):
    """A few of a long list are found where they were seen; equal ones are told apart."""
    put(resque, *(at(n) for n in range(2000)), old(7), old(7), at(3000))
    page = resque.failures.select().look(1, 4)
    seen = [(one.id, (one.list_name, one.index)) for one in page.items[1:4]]
    for raw in raws(resque)[:20]:
        resque.link.execute("LREM", "resque:failed", 1, raw)
    assert resque.failures.these(seen).plan().done == 3
    assert resque.failures.these(seen).retry().done == 3
    assert sorted(waiting(resque)) == [[7], [7], [1999]]
    seen = [(one.id, (one.list_name, one.index)) for one in resque.failures.select().look(1, 2).items]
    assert resque.failures.these([seen[1], ("gone", ("failed", 3))]).remove().done == 1
    assert resque.failures.count() == 1982
    assert resque.failures.these([(f"{5:08x}-0000-4000-8000-000000000000", None)]).count() == 0
    [one] = resque.failures.these([(f"{55:08x}-0000-4000-8000-000000000000", None)])
    assert one.index == 35


# --- jobs that wait --------------------------------------------------------------------------------


def plain(n, name="A"):
    return json.dumps({"class": name, "args": [n]}, separators=(",", ":")).encode()


def enqueued(resque, queue="q"):
    return resque.link.execute("LRANGE", f"resque:queue:{queue}", 0, -1)


@pytest.fixture
def jobs(resque, small):
    every = [plain(n, "AB"[n % 4 == 0]) for n in range(100)]
    resque.link.execute("RPUSH", "resque:queue:q", *every)
    resque.link.execute("SADD", "resque:queues", "q")
    return every


def test_pages_of_jobs(resque, jobs):
    found = pages(resque.jobs("q").select("A").look, size=9, budget=20)
    assert [one.raw for page in found for one in page.items] == [raw for raw in jobs if b'"A"' in raw]
    page = resque.jobs("q").look(2, 30)
    assert ([one.index for one in page.items], page.total) == (list(range(30, 60)), 100)
    assert resque.jobs("q").select(text="[7").look().total == 11
    groups = resque.jobs("q").groups(most=8)
    assert ([(one.key, one.count) for one in groups], groups.is_whole) == ([("A", 6), ("B", 2)], False)


def test_pages_of_jobs_while_workers_take_some(resque, jobs):
    first = resque.jobs("q").look(size=20)
    resque.link.execute("LPOP", "resque:queue:q", 8)
    second = resque.jobs("q").look(size=20, after=first.next)
    assert [one.raw for one in first.items + second.items] == jobs[:40]


@pytest.mark.parametrize("action", ["remove", "move_to", "move_to_end", "to_front"])
def test_rounds_do_what_one_action_does(resque, jobs, action):
    """Order included, though workers take some in between, and others come."""
    chosen, popped = resque.jobs("q").select("A"), []

    def act(after):
        result = {
            "remove": lambda: chosen.remove(most=10, after=after),
            "move_to": lambda: chosen.move_to("r", most=10, after=after),
            "move_to_end": lambda: chosen.move_to("q", most=10, after=after),
            "to_front": lambda: chosen.to_front(most=10, after=after),
        }[action]()
        if len(popped) < 3 and action != "to_front":
            popped.extend(resque.link.execute("LPOP", "resque:queue:q", 1))
        return result

    results = all_rounds(act)
    assert max(one.done for one in results) <= 10
    mine = [raw for raw in jobs if b'"A"' in raw and raw not in popped]
    others = [raw for raw in jobs if b'"B"' in raw and raw not in popped]
    expected = {"remove": others, "move_to": others, "move_to_end": others + mine, "to_front": mine + others}
    assert enqueued(resque) == expected[action]
    assert enqueued(resque, "r") == (mine if action == "move_to" else [])
    assert sum(one.done for one in results) == len(mine)


def test_these_jobs_at_their_places(resque, jobs):
    """Equal jobs are told apart by where they stand."""
    resque.link.execute("RPUSH", "resque:queue:q", plain(1), plain(2), plain(1))
    seen = [(one.id, one.index) for one in resque.jobs("q").look(1, 200).items]
    assert resque.jobs("q").these([seen[100]]).remove().done == 1
    assert enqueued(resque) == [*jobs, plain(1), plain(2)]  # of equal ones in a short list the last
    resque.link.execute("LPOP", "resque:queue:q", 2)
    assert resque.jobs("q").these([seen[101], seen[50]]).to_front().done == 2
    assert enqueued(resque)[:2] == [jobs[50], plain(2)]
    assert resque.jobs("q").these([("0" * 40, 5)]).remove().done == 0


# --- delayed jobs ----------------------------------------------------------------------------------


@pytest.fixture
def later(resque):
    for n in range(90):
        resque.enqueue_at_with_queue("qr"[n % 2], 2_000_000_000 + n // 3 * 10, "AB"[n % 4 == 0], n)
    for n in range(200):
        resque.enqueue_at_with_queue("q", 2_000_000_500, "Many", n)
    return resque.delayed


def test_pages_of_delayed_jobs(resque, later):
    every = list(later)
    found = pages(later.look, size=9, budget=20)
    assert [one.element for page in found for one in page.items] == [one.element for one in every]
    assert later.look(2, 10, budget=500).total == 290
    some = later.select("A", queue="q", since=2_000_000_050, until=2_000_000_200)
    found = pages(some.look, size=4, budget=10)
    assert [one.element for page in found for one in page.items] == [one.element for one in some]
    assert some.look().total == some.count()
    assert later.groups("queue", most=30).looked_at == 30
    for after in ("x", "[1]", '["a","b",1]', "[1,2,3]"):
        with pytest.raises(InvalidSelection):
            later.look(after=after)


@pytest.mark.parametrize("action", ["remove", "run_now"])
def test_rounds_of_delayed_jobs(resque, later, action):
    """One second may hold more than a round takes."""
    results = all_rounds(lambda after: getattr(later.select(["A", "Many"]), action)(most=40, after=after))
    assert sum(one.done for one in results) == 267
    assert max(one.done for one in results) <= 40
    assert [one.job_class for one in later] == ["B"] * 23
    assert resque.size("q") + resque.size("r") == (267 if action == "run_now" else 0)


# --- others at work meanwhile ----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("action", ["retry", "remove"])
def test_rounds_lose_and_double_no_failure(resque, small, seed, action):
    """New failures come, others are removed, between rounds and their steps: each job comes back once."""
    dice = random.Random(seed)
    every = [at(n, name=dice.choice("AB")) for n in range(200)]
    put(resque, *every)
    gone, added, steps = [], [], failure_rounds.FailureSteps.with_copies

    def disturb():
        if dice.random() < 0.5:
            one = dice.choice(raws(resque))
            gone.extend([one] * resque.link.execute("LREM", "resque:failed", 1, one))
        if dice.random() < 0.5:
            added.append(at(1000 + len(added), name="A"))
            put(resque, added[-1])

    def meanwhile(self, records):
        disturb()
        return steps(self, records)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(failure_rounds.FailureSteps, "with_copies", meanwhile)
        chosen, after, done = resque.failures.select(class_name="A"), None, 0
        while True:
            result = getattr(chosen, action)(most=11, after=after)
            done, after = done + result.done, result.next
            disturb()
            if after is None:
                break
    left = raws(resque)
    came = [one[0] for one in waiting(resque)]
    meant = {raw for raw in every if b'"A"' in raw}
    assert len(came) == len(set(came))
    others = [raw for raw in every if raw not in meant]
    assert [raw for raw in left if raw in others] == [raw for raw in others if raw in left]
    assert Counter(raw for raw in others if raw not in left) == Counter(raw for raw in gone if raw in others)
    if action == "remove":
        assert [raw for raw in left if raw in meant] == []
        assert done == len(meant) - len([raw for raw in gone if raw in meant])
    else:
        unmarked = {int(json.loads(raw)["payload"]["args"][0]) for raw in left if raw in meant}
        assert not unmarked
        assert done == len(came)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("action", ["remove", "move_to", "to_front"])
def test_rounds_lose_and_double_no_job(resque, jobs, seed, action):
    """Workers take jobs and clients add some, between rounds and between their steps."""
    dice, chosen = random.Random(seed), resque.jobs("q").select("A")
    popped, added = [], []

    def disturb():
        if dice.random() < 0.4:
            popped.extend(resque.link.execute("LPOP", "resque:queue:q", dice.choice([1, 2])) or [])
        if dice.random() < 0.4:
            added.append(plain(1000 + len(added), "C"))
            resque.link.execute("RPUSH", "resque:queue:q", added[-1])

    tell = job_rounds._tell

    def meanwhile(*given):
        disturb()
        return tell(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job_rounds, "_tell", meanwhile)
        after, done = None, 0
        while True:
            more = {"most": 9, "after": after}
            result = chosen.move_to("r", **more) if action == "move_to" else getattr(chosen, action)(**more)
            done, after = done + result.done, result.next
            disturb()
            if after is None:
                break
    there = enqueued(resque) + enqueued(resque, "r")
    every = Counter([*jobs, *added])
    if action == "remove":
        assert Counter(there) + Counter(popped) <= every
        assert [raw for raw in there if b'"A"' in raw] == []
    else:
        assert Counter(there) + Counter(popped) == every
    others = [raw for raw in [*jobs, *added] if b'"A"' not in raw and raw in there]
    assert [raw for raw in enqueued(resque) if b'"A"' not in raw] == others
    if action == "move_to":
        assert [raw for raw in enqueued(resque) if b'"A"' in raw] == []
        assert enqueued(resque, "r") == [raw for raw in jobs if raw in enqueued(resque, "r")]
