"""Selections of failures: which are meant, in pages and groups, and what is done with them."""

import json
import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from pyresque import Resque, job
from pyresque.client import failure_selection
from pyresque.client.retries import PENDING, RETRIED, SAME_JOB, UNDER_WAY
from pyresque.client.selection import GONE, NOT_A_JOB
from pyresque.errors import InvalidSelection, InvalidTime
from pyresque.plugins import Retry
from pyresque.store import failures as store
from pyresque.store import removal
from pyresque.wire import times
from tests.redis.bench import calls
from tests.redis.client.test_failures import BROKEN, Mine, old, put, raws, record

BASE = 1795457254


def at(second, **more):
    """A failure at this second (after `BASE`)."""
    return record(second, **{"failed_at": times.failed_at(BASE + second), **more})


def wrapped(number, inner="Mailer"):
    """A failure of an Active Job."""
    job_hash = {"job_class": inner, "job_id": f"id-{number}", "arguments": [number], "queue_name": "q"}
    wrapper = {"class": "ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper", "args": [job_hash]}
    return record(number, payload=wrapper)


def numbers(records):
    return [int(one.failure_id[:8], 16) for one in records]


def waiting(resque, queue="q"):
    return [json.loads(raw)["args"] for raw in resque.link.execute("LRANGE", f"resque:queue:{queue}", 0, -1)]


# --- looking ---------------------------------------------------------------------------------------


def test_by_class_exception_queue_text_and_time(resque):
    """Each filter alone, and together: everything that is given must be so."""
    put(
        resque,
        at(1, name="Reports::Daily", exception="Net::ReadTimeout", queue="reports"),
        at(2, name="Reports::Weekly", error="no \u00fcmlaut \"here\""),
        at(3, name="Mail", backtrace=["app/mail.rb:7:in `deliver'"]),
        wrapped(4),
        at(3600, name="::Mail", exception="Timeout::Error"),
    )  # fmt: skip
    chosen = lambda **filters: numbers(resque.failures.select(**filters))  # noqa: E731
    assert chosen() == [1, 2, 3, 4, 3600]
    assert chosen(class_name="Reports::*") == [1, 2]
    assert chosen(class_name=["Mail", "Mailer"]) == [3, 4, 3600]
    assert chosen(class_name="ActiveJob*") == []
    assert chosen(exception="*Timeout*") == [1, 3600]
    assert chosen(queue="reports") == [1]
    assert chosen(text='no \u00fcmlaut "here"') == [2]
    assert chosen(text="app/mail.rb:7") == [3]
    assert chosen(text="id-4") == [4]
    assert chosen(since=BASE + 2, until=BASE + 3) == [2, 3]
    assert chosen(since=datetime.fromtimestamp(BASE + 4, UTC)) == [3600]
    assert chosen(since=timedelta(days=365 * 200), class_name="Mail", exception="Timeout::Error") == [3600]
    assert chosen(ids=f"{2:08x}-0000-4000-8000-000000000000") == [2]
    assert chosen(ids=[f"{3600:08x}", "00000003-", "0000", "nothing"]) == [3, 3600]
    assert chosen(class_name="Nobody") == chosen(ids=[]) == chosen(queue="r") == []


def test_retried_or_not(resque):
    put(resque, at(1), at(2, retried_at="2026/11/23 19:07:35"), at(3, retried_at=None))
    assert numbers(resque.failures.select(retried=True)) == [2]
    assert numbers(resque.failures.select(retried=False)) == [1, 3]


def test_what_cannot_be_understood_is_refused(resque):
    select = resque.failures.select
    for wrong in ({"class_name": 5}, {"text": b"x"}, {"ids": [None]}, {"queue": ["a", 1]}):
        with pytest.raises(InvalidSelection):
            select(**wrong)
    with pytest.raises(InvalidTime):
        select(since="yesterday")
    with pytest.raises(TypeError):
        select(klass="A")
    with pytest.raises(InvalidSelection, match="class, exception, frame, queue, hour"):
        select().groups("colour")
    with pytest.raises(InvalidSelection, match="number=0 of a page"):
        select().page(0)


@pytest.mark.parametrize("raw", BROKEN)
def test_broken_records_are_shown_and_matched_as_far_as_they_can_be(resque, raw):
    """None of them ends a look, and each can be removed."""
    put(resque, at(1), raw, at(2))
    failures = resque.failures
    assert [one.raw for one in failures.select()][1] == raw
    assert [one.raw for one in failures.select(class_name="")] == [raw]
    for by in ("class", "exception", "frame", "queue", "hour"):
        assert {group.key: group.count for group in failures.groups(by)}[""] == 1
    assert numbers(failures.select(exception="*")) == [1, 2]
    assert numbers(failures.select(since=0)) == [1, 2]
    assert [one.raw for one in failures.select(ids=failures.list()[1].id)] == [raw]
    assert failures.select(text=raw.decode("utf-8", "replace")).count() >= 1
    assert failures.select(retried=False).count() == 3
    result = failures.select().retry()
    assert (result.done, result.skipped) == (2, {NOT_A_JOB: 1})
    assert failures.select(class_name="").remove().by_class == {"": 1}
    assert len(raws(resque)) == 2


def test_groups(resque):
    """Count, first, last and the newest example of each."""
    put(resque, *(at(n, name="AB"[n % 2], queue=f"q{n % 3}") for n in range(9)), at(4000, name="C"))
    groups = resque.failures.groups()
    assert [(one.key, one.count, one.first, one.last) for one in groups] == [
        ("A", 5, BASE, BASE + 8),
        ("B", 4, BASE + 1, BASE + 7),
        ("C", 1, BASE + 4000, BASE + 4000),
    ]
    assert numbers([one.example for one in groups]) == [8, 7, 4000]
    assert [one.key for one in resque.failures.groups("hour")] == [
        "2026-11-23T18:00:00Z",
        "2026-11-23T19:00:00Z",
    ]
    assert resque.failures.select(class_name="A").groups("queue")[0].key == "q0"
    assert [one.key for one in resque.failures.groups("frame")] == ["a.rb:1:in `perform'"]
    assert resque.failures.select().by_class() == {"A": 5, "B": 4, "C": 1}


def test_pages_begin_with_the_newest_and_read_no_more_than_they_need(resque):
    put(resque, *(at(n) for n in range(1200)))
    page = resque.failures.select().page
    assert numbers(page(1, 3)) == [1199, 1198, 1197]
    assert numbers(page(400, 3)) == [2, 1, 0]
    assert numbers(page(2, 1000)) == list(range(199, -1, -1))
    assert page(401, 3) == []
    assert numbers(page(2, 3, newest_first=False)) == [3, 4, 5]
    assert page(401, 3, newest_first=False) == []
    some = resque.failures.select(class_name="A")
    assert numbers(some.page(2, 3)) == [1196, 1195, 1194]
    assert numbers(some.page(2, 3, newest_first=False)) == [3, 4, 5]
    assert [one.index for one in some.page(1, 2)] == [1199, 1198]
    calls(resque)
    some.page(1, 50)
    assert calls(resque, "lrange") == 1
    assert resque.failures.select().count() == some.count() == 1200


def test_several_lists_are_read_by_time(resque):
    """Lists of queues, and whatever a record tells of its time."""
    put(resque, at(1), at(4), at(9), key="a_failed")
    put(resque, at(2), at(3, failed_at="?"), at(7), key="b_failed")
    select = resque.failures.select
    assert numbers(select()) == [1, 2, 3, 4, 7, 9]
    assert numbers(select().page(1, 4)) == [9, 7, 3, 4]
    assert numbers(select(list_name="b_failed")) == [2, 3, 7]
    assert select().count() == 6
    assert select(list_name="b_failed").count() == 3
    assert select(list_name="c_failed").count() == 0


def test_a_failure_in_two_lists_is_there_once(resque):
    """With several backends: counted, shown, put back and removed as one."""
    for number in range(4):
        put(resque, at(number))
        put(resque, at(number, failed_at=times.failed_at(BASE + number + 1)), key="q_failed")
    put(resque, old(9), old(9))
    put(resque, old(9), key="q_failed")
    select = resque.failures.select
    assert select().count() == 6
    assert len(select().page(1, 10)) == len(list(select())) == 6
    assert select(ids=f"{1:08x}").retry().done == 1
    marked = [
        sum("retried_at" in json.loads(raw) for raw in raws(resque, key)) for key in ("failed", "q_failed")
    ]
    assert marked == [1, 1]
    resque.link.execute("LSET", "resque:q_failed", 2, at(2, retried_at="2026/11/23 19:07:35"))
    assert numbers(one for one in select(retried=True)) == [1, 2]
    assert all(one.was_retried for one in select(retried=True).page())
    result = select().retry()
    assert (result.done, result.skipped) == (4, {RETRIED: 2})
    assert sorted(waiting(resque)) == [[0], [1], [3], [9], [9]]
    assert select(class_name="A", ids=[f"{3:08x}"]).remove().done == 1
    assert [len(raws(resque, key)) for key in ("failed", "q_failed")] == [5, 4]


# --- acting ----------------------------------------------------------------------------------------


def test_retry_puts_ruby_s_bytes_back_in_order_and_marks_the_records(resque):
    put(resque, *(at(n, name="AB"[n % 2]) for n in range(250)))
    told = []
    result = resque.failures.select(class_name="A").retry(progress=told.append)
    assert (result.done, result.skipped, result.by_class) == (125, {}, {"A": 125})
    assert told[-1] == 125
    queue = resque.link.execute("LRANGE", "resque:queue:q", 0, -1)
    assert queue == [b'{"class":"A","args":[%d]}' % n for n in range(0, 250, 2)]
    assert resque.queues() == ["q"]
    values = [json.loads(raw) for raw in raws(resque)]
    assert [value["payload"]["args"][0] for value in values] == list(range(250))
    assert [n for n, value in enumerate(values) if "retried_at" in value] == list(range(0, 250, 2))


def test_retry_leaves_alone_what_was_put_back_before_unless_it_is_asked_for(resque):
    put(resque, at(1), at(2))
    selection = resque.failures.select()
    assert selection.retry().done == 2
    result = selection.retry()
    assert (result.done, result.skipped, result.left_alone) == (0, {RETRIED: 2}, 2)
    assert selection.retry(again=True).done == 2
    assert waiting(resque) == [[1], [2], [1], [2]]


def test_many_go_in_few_steps(resque):
    """2,000 of 10,000: the list is read once, and a script takes many at a time."""
    put(resque, *(record(n, name="AB"[n % 5 == 0]) for n in range(10_000)))
    calls(resque)
    assert resque.failures.select(class_name="B").retry().done == 2000
    assert calls(resque, "lrange", "evalsha", "eval") < 20 + 2000 / store.BATCH + 5
    assert resque.failures.select(class_name="B").remove().done == 2000
    assert calls(resque, "lrange", "evalsha", "eval") < 60
    assert resque.failures.count() == 8000


@pytest.mark.parametrize("nodes", [removal.NODES, 3])
def test_records_that_have_moved_are_found_and_no_script_goes_far(resque, monkeypatch, nodes):
    """Others remove and add while a retry goes on: what is still there is put back once, and marked."""
    monkeypatch.setattr("pyresque.store.failures.NODES", nodes)
    monkeypatch.setattr(failure_selection, "PIECE", 60)
    put(resque, *(at(n, error="x" * 900) for n in range(400)))
    dice = random.Random(nodes)
    many = store.requeue_many

    def meanwhile(space, failures):
        for raw in dice.sample(raws(resque), 7):
            if "retried_at" not in json.loads(raw):
                resque.link.execute("LREM", "resque:failed", 1, raw)
        put(resque, *(at(1000 + n, name="New") for n in range(5)))
        return many(space, failures)

    monkeypatch.setattr(store, "requeue_many", meanwhile)
    result = resque.failures.select().retry()
    left = [json.loads(raw) for raw in raws(resque)]
    back = [value["payload"]["args"] for value in left if "retried_at" in value]
    assert waiting(resque) == back
    assert result.done == len(back)
    assert result.skipped == {GONE: 400 - len(back)}
    assert all("retried_at" in value for value in left if value["payload"]["class"] == "A")


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_passed_over_while_others_remove(resque, monkeypatch, seed):
    """Each record that is there all the time is read, once; in the middle of a retry, too."""
    monkeypatch.setattr(store, "WINDOW", 60)
    dice, read = random.Random(seed), store.read
    put(resque, *(at(n, name="AB"[n % 2]) for n in range(1500)))

    def meanwhile(space, name, *window):
        found = read(space, name, *window)
        if dice.random() < 0.4:
            for raw in dice.sample(raws(resque), dice.choice([1, 30])):
                if b'"A"' in raw:
                    resque.link.execute("LREM", "resque:failed", 1, raw)
            put(resque, at(5000, name="C"))
        return found

    monkeypatch.setattr(store, "read", meanwhile)
    monkeypatch.setattr("pyresque.client.failure_selection.PIECE", 100)
    result = resque.failures.select(class_name="B").retry()
    assert (result.done, result.skipped) == (750, {})
    assert waiting(resque) == [[n] for n in range(1, 1500, 2)]


def test_of_equal_records_as_many_go_back_as_are_meant(resque):
    """They have no failure_id, and one address: each is marked at its own place."""
    put(resque, old(1), old(2), old(1), old(1))
    result = resque.failures.select().retry()
    assert result.done == 4
    assert waiting(resque) == [[1], [2], [1], [1]]
    assert all("retried_at" in json.loads(raw) for raw in raws(resque))


def test_a_queue_that_is_not_a_list_stops_only_its_own(resque):
    """Its job is put aside with a record, as by every push; the others go."""
    resque.link.execute("SET", "resque:queue:bad", "text")
    put(resque, at(1), at(2, queue="bad"), at(3))
    assert resque.failures.select(until=BASE + 9).retry().done == 3
    assert waiting(resque) == [[1], [3]]
    assert resque.link.execute("LRANGE", "resque:pyresque:aside:queue:bad", 0, -1) == [
        b'{"class":"A","args":[2]}'
    ]
    assert resque.failures.select(exception="Redis::CommandError").count() == 1


def add_retrying(resque):
    @job(queue="q", name="Later", registry=resque.registry, retry=Retry(limit=3, backoff=[3000]))
    def later(number: int) -> None:
        raise RuntimeError(str(number))


def test_a_retry_to_come_is_left_alone_or_comes_now(resque, bench):
    """Retry, resque-retry: with pending=True it comes now instead of later; what runs or waits is left."""
    add_retrying(resque)
    for number in (1, 2, 3):
        resque.enqueue("Later", number, queue="q")
    bench.burst("q")
    put(resque, at(7))
    assert resque.count_all_scheduled_jobs() == 3
    result = resque.failures.select().retry()
    assert (result.done, result.skipped, result.by_class) == (1, {PENDING: 3}, {"A": 1})
    [one] = [one for one in resque.failures.select(class_name="Later") if one.payload["args"] == [1]]
    assert resque.failures.select(ids=one.id).retry(pending=True).by_class == {"Later": 1}
    assert waiting(resque) == [[7], [1]]
    assert resque.count_all_scheduled_jobs() == 2
    result = resque.failures.select(class_name="Later").retry(again=True, pending=True)
    assert (result.done, result.skipped) == (2, {UNDER_WAY: 1})
    assert Counter(map(tuple, waiting(resque))) == Counter([(7,), (1,), (2,), (3,)])


def test_several_failures_of_one_job_that_comes_again_bring_it_once(resque, bench):
    add_retrying(resque)
    resque.enqueue("Later", 1, queue="q")
    bench.burst("q")
    put(resque, record(5, name="Later", payload={"class": "Later", "args": [1]}))
    result = resque.failures.select().retry(pending=True)
    assert (result.done, result.skipped) == (1, {SAME_JOB: 1})
    assert waiting(resque) == [[1]]


def test_what_was_put_aside_goes_back_or_goes_with_its_record(resque, bench):
    resque.link.execute("RPUSH", "resque:queue:q", b"no json", b"[1]")
    resque.link.execute("SADD", "resque:queues", "q")
    bench.burst("q")
    assert resque.failures.select(text="no json").count() == 1
    assert resque.failures.select(text="no json").retry().done == 1
    assert resque.link.execute("LRANGE", "resque:queue:q", 0, -1) == [b"no json"]
    assert resque.failures.select(text="[1]").remove().done == 1
    assert resque.link.execute("EXISTS", "resque:pyresque:aside:queue:q") == 0


def test_remove_takes_what_is_meant_and_nothing_else(resque):
    put(resque, *(at(n, name="ABC"[n % 3]) for n in range(900)), b"oops")
    told = []
    result = resque.failures.select(class_name=["A", "B"], until=BASE + 299).remove(progress=told.append)
    assert (result.done, result.by_class, told[-1]) == (200, {"A": 100, "B": 100}, 200)
    left = [json.loads(raw)["payload"]["args"][0] for raw in raws(resque)[:-1]]
    assert left == [n for n in range(900) if n % 3 == 2 or n >= 300]
    assert raws(resque)[-1] == b"oops"
    assert resque.failures.select(class_name="Nobody").remove().done == 0


def test_a_selection_is_asked_anew_each_time(resque):
    selection = resque.failures.select(class_name="A")
    assert selection.count() == 0
    put(resque, at(1))
    assert selection.count() == 1


def test_the_lists_of_the_multi_queue_backend_and_of_ones_own(server, resque):
    """All lists are meant, whatever the backend, unless one is named."""
    own = Resque(server.url, failure=Mine(), registry=resque.registry)
    put(own, at(1, queue="a"), key="a_failed")
    put(own, at(2, queue="b"), key="b_failed")
    assert own.failures.select(list_name="a_failed").retry().done == 1
    assert own.failures.select().retry().skipped == {RETRIED: 1}
    assert own.queue_sizes() == {"a": 1, "b": 1}
    own.close()


def test_lengths_of_time_count_from_now(resque):
    put(
        resque, *(record(n, failed_at=times.failed_at(time.time() - ago)) for n, ago in enumerate((9000, 60)))
    )
    assert numbers(resque.failures.select(since=timedelta(hours=1))) == [1]
    assert numbers(resque.failures.select(until=timedelta(hours=1))) == [0]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("retried", [0, 1])
def test_of_equal_failures_in_two_lists_each_has_its_own_mark(resque, retried, newest_first):
    """Without ids: where one of two equal failures was put back, the other is not taken for it."""
    value = {"failed_at": "2026/11/24 10:00:00", "payload": {"class": "A", "args": []}, "queue": "q"}
    for key in ("failed", "q_failed"):
        for number in range(2):
            mark = {"retried_at": "2026/11/24 11:00:00"} if number == retried else {}
            resque.link.execute("RPUSH", f"resque:{key}", json.dumps({**value, **mark}))
    resque.link.execute("SADD", "resque:failed_queues", "q_failed")
    for wanted in (True, False):
        chosen = resque.failures.select(retried=wanted)
        assert [one.was_retried for one in chosen.page(newest_first=newest_first)] == [wanted]
    assert resque.failures.select(retried=True).remove().done == 1
    assert [one.was_retried for one in resque.failures.list(limit=None)] == [False, False]


def test_a_plan_is_what_a_retry_does(resque):
    """It counts the same, leaves the same alone, and changes nothing."""
    for number in range(6):
        mark = {"retried_at": "2026/11/24 11:00:00"} if number == 5 else {}
        value = {
            "failed_at": "x",
            "payload": {"class": f"A{number % 2}", "args": [number]},
            "queue": "q",
            **mark,
        }
        resque.link.execute("RPUSH", "resque:failed", json.dumps(value))
    before = resque.failures.list(limit=None)
    plan = resque.failures.select().plan()
    assert (plan.done, plan.by_class, plan.skipped) == (5, {"A0": 3, "A1": 2}, {RETRIED: 1})
    assert resque.failures.select().plan(again=True).done == 6
    assert (resque.failures.list(limit=None), resque.queues()) == (before, [])
    assert resque.failures.select().retry() == plan


def test_what_cannot_be_put_back_is_told(resque):
    """Each failure with the reason."""
    resque.link.execute("RPUSH", "resque:failed", "rubbish", '{"payload":{"class":"A"}}')
    told = []
    result = resque.failures.select().retry(refused=lambda record, why: told.append((record.raw, why)))
    assert result.skipped == {NOT_A_JOB: 2}
    assert [why.split(":")[0] for _, why in told] == [
        "this record is not a JSON object", "this record names no queue"
    ]  # fmt: skip
