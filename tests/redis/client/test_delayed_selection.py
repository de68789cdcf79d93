"""Selections of delayed jobs: which are meant, in pages and groups, and what is done with them."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from pyresque import job
from pyresque.client.delayed_selection import NO_QUEUE, RAISED
from pyresque.client.move_delayed import remove_items
from pyresque.client.selection import GONE, NOT_A_JOB
from pyresque.errors import InvalidSelection, InvalidTime
from pyresque.plugins import Retry
from tests.redis.bench import calls
from tests.redis.stage import FAR

WRAPPER = "ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper"
ODD = [b"", b"null", b"[1]", b"\xff", b"{}", b'{"class":5}', b"[" * 2000, b'{"args":[1]}']


def item(number, name="A", queue="q"):
    value = {"class": name, "args": [number]}
    if queue is not None:
        value["queue"] = queue
    return json.dumps(value, separators=(",", ":")).encode()


def wrapped(number, name="Mailer"):
    inner = {"job_class": name, "job_id": f"id-{number}", "arguments": [number]}
    return json.dumps({"class": WRAPPER, "args": [inner], "queue": "mailers"}).encode()


def args(items):
    return [one.job_args[0] for one in items]


# --- looking ---------------------------------------------------------------------------------------


def test_by_class_queue_text_time_and_id(stage):
    stage.delay(FAR, item(1), wrapped(2))
    stage.delay(FAR + 60, item(3, "Reports::Daily", "reports"))
    stage.delay(FAR + 3600, item(4, "Mail", None))
    every = stage.resque.delayed
    chosen = lambda **filters: args(every.select(**filters))  # noqa: E731
    assert chosen() == [1, 2, 3, 4] == args(every)
    assert chosen(class_name=["Mailer", "Reports::*"]) == [2, 3]
    assert chosen(class_name="ActiveJob*") == []
    assert chosen(queue="reports") == [3]
    assert chosen(queue="mail") == [4]
    assert chosen(text="id-2") == [2]
    assert chosen(since=FAR + 60, until=FAR + 3600) == [3, 4]
    assert chosen(until=datetime.fromtimestamp(FAR, UTC)) == [1, 2]
    ids = [one.id for one in every]
    assert chosen(ids=[ids[1], ids[3][:9], "", "z"]) == [2, 4]
    assert chosen(ids=[]) == chosen(class_name="B") == []
    assert [every.count(), every.select("A").count()] == [4, 1]
    assert args(every.page(2, 2)) == [3, 4]
    assert args(every.select(["A", "Mail"]).page(2, 1)) == [4]
    assert every.by_class() == {"A": 1, "Mail": 1, "Mailer": 1, "Reports::Daily": 1}
    with pytest.raises(InvalidSelection):
        every.select(5)
    with pytest.raises(InvalidTime):
        every.select(since="soon")
    with pytest.raises(InvalidSelection, match="class, queue, hour"):
        every.groups("frame")


def test_lengths_of_time_are_from_now_on(stage):
    now = int(time.time())
    stage.delay(now - 500, item(1))
    stage.delay(now + 500, item(2))
    stage.delay(now + 5000, item(3))
    select = stage.resque.delayed.select
    assert args(select(until=timedelta(0))) == [1]
    assert args(select(until=timedelta(hours=1))) == [1, 2]
    assert args(select(since=timedelta(hours=1))) == [3]


def test_groups(stage):
    stage.delay(FAR, item(1), item(2), wrapped(3))
    stage.delay(FAR + 7200, item(4))
    groups = stage.resque.delayed.groups()
    assert [(one.key, one.count, one.first, one.last) for one in groups] == [
        ("A", 3, FAR, FAR + 7200),
        ("Mailer", 1, FAR, FAR),
    ]
    assert [(one.key, one.count) for one in stage.resque.delayed.groups("queue")] == [
        ("q", 3),
        ("mailers", 1),
    ]
    assert [one.count for one in stage.resque.delayed.groups("hour")] == [3, 1]


@pytest.mark.parametrize("raw", ODD)
def test_what_is_not_a_job_is_shown_left_alone_and_can_be_removed(stage, raw):
    stage.delay(FAR, item(1), raw, item(2))
    every = stage.resque.delayed
    assert [one.raw for one in every] == [item(1), raw, item(2)]
    assert every.by_class() == {"A": 2, "": 1}
    [odd] = every.select("")
    every.select(text=raw.decode("utf-8", "replace"), queue="*").count()
    result = every.run_now()
    assert (result.done, result.skipped) == (2, {NOT_A_JOB: 1})
    assert every.select(ids=odd.id).remove().done == 1
    assert stage.keys() == ["queue:q", "queues"]


# --- acting ----------------------------------------------------------------------------------------


def test_remove_takes_what_is_meant_and_tidies(stage):
    stage.delay(FAR, *(item(n, "AB"[n % 2]) for n in range(50)))
    for number in range(5):
        stage.delay(FAR + 1 + number, item(number, "A"), item(number, "A"))
    told = []
    result = stage.resque.delayed.select("A").remove(progress=told.append)
    assert (result.done, result.skipped, result.by_class, told) == (35, {}, {"A": 35}, [35])
    assert stage.resque.delayed.by_class() == {"B": 25}
    assert stage.redis("ZRANGE", "resque:delayed_queue_schedule", 0, -1) == [b"%d" % FAR]
    assert stage.resque.delayed.remove().done == 25
    assert stage.keys() == []


def test_what_goes_while_it_is_removed_was_not_removed(stage, monkeypatch):
    stage.delay(FAR, *(item(n) for n in range(30)))
    stage.delay(FAR + 1, item(30), item(31))

    def late(space, elements, **options):
        stage.redis("LREM", f"resque:delayed:{FAR}", 1, item(7))
        stage.redis("LREM", f"resque:delayed:{FAR + 1}", 1, item(31))
        return remove_items(space, elements, **options)

    monkeypatch.setattr("pyresque.client.delayed_selection.remove_items", late)
    result = stage.resque.delayed.remove()
    assert (result.done, result.skipped) == (30, {GONE: 2})


def test_the_retries_of_a_removed_attempt_end_with_it(resque, bench):
    """Else the next equal job would begin with the number of an attempt that was never made."""

    @job(queue="q", name="Later", registry=resque.registry, retry=Retry(limit=3, backoff=[3000]))
    def later(number: int) -> None:
        raise RuntimeError(str(number))

    for number in (1, 2, 3):
        resque.enqueue(later, number)
    bench.burst("q")
    assert len(resque.link.execute("KEYS", "resque:resque-retry:*")) == 3
    resque.enqueue(later, 2)
    assert resque.delayed.select(text="[3]").remove().done == 1
    assert len(resque.link.execute("KEYS", "resque:resque-retry:*")) == 2
    assert resque.delayed.select("Later").remove().done == 2
    [left] = resque.link.execute("KEYS", "resque:resque-retry:*")
    resque.link.execute("DEL", left)
    assert resque.jobs("q").count() == 1


def test_run_now_puts_them_on_their_queues_in_order(stage):
    stage.delay(FAR, item(1), wrapped(2), item(3, "Mail", None))
    stage.delay(FAR + 5, item(4), item(4), item(5, "Unknown", None))
    result = stage.resque.delayed.run_now()
    assert (result.done, result.skipped) == (5, {NO_QUEUE: 1})
    assert result.by_class == {"A": 3, "Mail": 1, "Mailer": 1}
    assert stage.queue("q") == [b'{"class":"A","args":[%d]}' % n for n in (1, 4, 4)]
    assert stage.queue("mail") == [b'{"class":"Mail","args":[3]}']
    assert json.loads(stage.queue("mailers")[0])["args"][0]["job_id"] == "id-2"
    assert [one.class_name for one in stage.resque.delayed] == ["Unknown"]


def test_hooks_run_and_one_that_raises_stops_only_its_own(stage):
    seen = []

    @job(queue="h", name="Hooked", registry=stage.resque.registry)
    class Hooked:
        @staticmethod
        def perform(number): ...

        @staticmethod
        def before_enqueue(number):
            seen.append((number, len(stage.queue("q"))))
            if number == 2:
                raise LookupError(number)
            return number != 3

    stage.delay(FAR, item(1), *(item(n, "Hooked", "h") for n in (1, 2, 3, 4)), item(5))
    result = stage.resque.delayed.run_now()
    assert (result.done, result.skipped) == (5, {f"{RAISED}LookupError": 1})
    assert seen == [(1, 1), (2, 1), (3, 1), (4, 1)]
    assert stage.queue("h") == [b'{"class":"Hooked","args":[1]}', b'{"class":"Hooked","args":[4]}']
    assert stage.queue("q") == [b'{"class":"A","args":[1]}', b'{"class":"A","args":[5]}']
    assert args(stage.resque.delayed) == [2]


def test_many_are_acted_on_in_few_steps(stage):
    """10,000 delayed jobs, 2,000 of which are meant: in one second, and in seconds of their own."""
    for number in range(0, 10_000, 500):
        stage.delay(FAR, *(item(n, "AB"[n % 5 == 0]) for n in range(number, number + 250)))
        for n in range(number + 250, number + 500):
            stage.delay(FAR + n, item(n, "AB"[n % 5 == 0]))
    every = stage.resque.delayed
    assert every.by_class() == {"A": 8000, "B": 2000}
    calls(stage.resque)
    assert every.select("B").run_now().done == 2000
    assert calls(stage.resque, "evalsha", "eval") < 30
    assert every.select("A").remove().done == 8000
    assert calls(stage.resque, "evalsha", "eval") < 100
    assert every.count() == 0
