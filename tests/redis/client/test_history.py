"""`resque.history()`, `resque.ledger()`, and what can be seen of Ruby's jobs."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from pyresque import Resque
from pyresque.client import ruby_jobs
from pyresque.client.ruby_jobs import MOST_FAILURES, look_at_ruby
from pyresque.errors import InvalidSelection
from pyresque.store import counts, workers

RUBY, OURS = "web:1:mail", "py:2:mail"
NOON = 1_800_014_400
DAY = 86_400


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the clock of Redis."""

    def set_to(second: int) -> None:
        monkeypatch.setattr(workers, "redis_time", lambda space: second)

    set_to(NOON)
    return set_to


@pytest.fixture
def both(resque: Resque) -> None:
    """A worker of each language."""
    resque.link.execute("SADD", "resque:workers", RUBY, OURS)
    resque.link.execute("HSET", "resque:pyresque:workers", OURS, "boot pid:[1]#word")


def works(resque: Resque, worker: str, name: str, run_at: str = "2026-11-30T21:00:00Z", **more: Any) -> None:
    payload = {"class": name, "args": [], **more}
    record = {"queue": "mail", "run_at": run_at, "payload": payload}
    resque.link.execute("SET", f"resque:worker:{worker}", json.dumps(record))


def fails(resque: Resque, name: str, number: int = 0, key: str = "failed", **more: Any) -> None:
    record = {
        "failed_at": time.strftime("%Y/%m/%d %H:%M:%S UTC", time.gmtime(NOON)),
        "payload": {"class": name, "args": [number]}, "exception": "RuntimeError", "error": f"no {number}",
        "backtrace": ["/app/jobs/mail.rb:3:in `perform'"], "worker": RUBY, "queue": "mail", **more,
    }  # fmt: skip
    resque.link.execute("RPUSH", f"resque:{key}", json.dumps(record))


def rubys(resque: Resque) -> dict[str, tuple[int, int]]:
    return {
        one.class_name: (one.processed, one.failed)
        for one in resque.ledger().classes
        if one.language == "ruby"
    }


def test_jobs_of_ruby_that_are_seen_at_work(resque: Resque, at: Any, both: None) -> None:
    """Each counts once however often it is seen; those of Python are not Ruby's."""
    works(resque, RUBY, "Mail")
    works(resque, OURS, "Report")
    assert rubys(resque) == {"Mail": (1, 0)}
    at(NOON + 60)
    assert rubys(resque) == {"Mail": (1, 0)}
    assert resque.ledger().of("Mail", "ruby").last_seen == NOON + 60
    works(resque, RUBY, "Mail", "2026-11-30T21:00:09Z")
    assert rubys(resque) == {"Mail": (1, 0)}, "somebody has looked a moment ago"
    at(NOON + 120)
    assert rubys(resque) == {"Mail": (2, 0)}


def test_an_active_job_of_ruby_is_known_by_its_own_class(resque: Resque, at: Any, both: None) -> None:
    """Not by that of the wrapper."""
    record = {
        "queue": "mail", "run_at": "x",
        "payload": {
            "class": "ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper",
            "args": [{"job_class": "WelcomeJob", "arguments": []}],
        },
    }  # fmt: skip
    resque.link.execute("SET", f"resque:worker:{RUBY}", json.dumps(record))
    assert rubys(resque) == {"WelcomeJob": (1, 0)}


def test_new_failures_of_ruby_count_once(resque: Resque, at: Any, both: None) -> None:
    """Those that were there at the first look are old; a retry or a removal in between changes nothing."""
    fails(resque, "Old")
    assert rubys(resque) == {}
    for n in range(3):
        fails(resque, "Mail", n)
    at(NOON + 60)
    assert rubys(resque) == {"Mail": (0, 3)}
    resque.failures.select(text="no 2").remove()
    [first] = resque.failures.list(1, 1)
    marked = json.dumps({**first.value, "retried_at": "2026/11/30 21:00:00"})
    resque.link.execute("LSET", "resque:failed", 1, marked)
    fails(resque, "Mail", 4)
    at(NOON + 120)
    assert rubys(resque) == {"Mail": (0, 4)}


def test_a_failed_list_that_was_cleared(resque: Resque, at: Any, both: None) -> None:
    """What came later than the last look counts, by its time."""
    for n in range(3):
        fails(resque, "Mail", n)
    assert rubys(resque) == {}
    resque.failures.clear()
    fails(resque, "Mail", 5, failed_at=time.strftime("%Y/%m/%d %H:%M:%S UTC", time.gmtime(NOON + 30)))
    fails(resque, "Mail", 6, failed_at="yesterday")
    fails(resque, "Mail", 7, failed_at=time.strftime("%Y/%m/%d %H:%M:%S UTC", time.gmtime(NOON - 30)))
    at(NOON + 60)
    assert rubys(resque) == {"Mail": (0, 1)}


def test_whose_failure_it_is(resque: Resque, at: Any, both: None) -> None:
    """By the worker, while it is registered, and by the backtrace; where nobody can tell it is nobody's."""
    assert rubys(resque) == {}
    fails(resque, "A", worker=OURS, backtrace=[])
    fails(resque, "B", worker="gone:1:q", backtrace=["/app/x.py:3:in `run'"])
    fails(resque, "C", worker="gone:1:q", backtrace=["(eval):1", "/app/x.rb:3:in 'Mail.perform'"])
    fails(resque, "D", worker=RUBY, backtrace=[], exception="Resque::DirtyExit")
    fails(resque, "E", worker="gone:1:q", backtrace=None)
    at(NOON + 60)
    assert rubys(resque) == {"C": (0, 1), "D": (0, 1)}


def test_lists_of_queues_and_copies(resque: Resque, at: Any, both: None) -> None:
    """A failure that several backends have kept counts once."""
    resque.link.execute("SADD", "resque:failed_queues", "mail_failed", "failed")
    assert rubys(resque) == {}
    fails(resque, "Mail", 1, failure_id="one")
    fails(resque, "Mail", 1, "mail_failed", failure_id="one")
    fails(resque, "Mail", 2, "mail_failed", failure_id="two")
    at(NOON + 60)
    assert rubys(resque) == {"Mail": (0, 2)}


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"\xff",
        b"no json",
        b"[]",
        b"null",
        b"3",
        b'{"payload":{}}',
        b'{"payload":{"class":7}}',
        b"[" * 2000,
    ],
)
def test_rows_of_any_writer(resque: Resque, at: Any, both: None, junk: bytes) -> None:
    """In a worker's record, in the failed list, and in what the last look has left."""
    resque.link.execute("SET", f"resque:worker:{RUBY}", junk)
    resque.link.execute("SET", "resque:pyresque:history:ruby", junk)
    assert rubys(resque) == {}
    resque.link.execute("RPUSH", "resque:failed", junk, junk)
    fails(resque, "Mail")
    at(NOON + 60)
    assert rubys(resque) == {"Mail": (0, 1)}
    assert resque.classes().find("Mail") is not None


@pytest.mark.parametrize(
    "key", ["workers", "worker:web:1:mail", "failed", "failed_queues", "pyresque:workers"]
)
def test_keys_of_a_wrong_type(resque: Resque, at: Any, both: None, key: str) -> None:
    """The ledger is there all the same."""
    counts.count(resque.space, [("Mail", 1, 0)], "t")
    resque.link.execute("DEL", f"resque:{key}")
    resque.link.execute("ZADD", f"resque:{key}", 1, "x")
    assert resque.ledger().of("Mail", "python").processed == 1


def test_a_look_is_bounded(resque: Resque, at: Any, both: None) -> None:
    """However many have failed since: the newest count."""
    assert rubys(resque) == {}
    for n in range(MOST_FAILURES + 50):
        fails(resque, "Mail", n)
    at(NOON + 60)
    assert rubys(resque) == {"Mail": (0, MOST_FAILURES)}


def test_two_who_look_at_once_count_once(
    resque: Resque, at: Any, both: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have read before either has written: the second one's counts are not added."""
    works(resque, RUBY, "Mail")
    write = counts.note_ruby

    def late(*args: Any) -> bool:
        monkeypatch.setattr(counts, "note_ruby", write)
        assert look_at_ruby(resque.space)
        return write(*args)

    monkeypatch.setattr(counts, "note_ruby", late)
    assert not look_at_ruby(resque.space)
    assert rubys(resque) == {"Mail": (1, 0)}


def test_the_ledger(resque: Resque, at: Any, both: None) -> None:
    """Both languages by class and day; Ruby has the rest of what the counters of all workers say."""
    counts.note_totals(resque.space)
    at(NOON + 3 * DAY)
    resque.link.execute("INCRBY", "resque:stat:processed", 100)
    resque.link.execute("INCRBY", "resque:stat:failed", 9)
    counts.count(resque.space, [("Report", 30, 4)], "t")
    works(resque, RUBY, "Mail")
    ledger = resque.ledger()
    assert (ledger.python.processed, ledger.python.failed) == (30, 4)
    assert (ledger.ruby.processed, ledger.ruby.failed) == (70, 5)
    assert [(one.class_name, one.language, one.is_least) for one in ledger.classes] == [
        ("Mail", "ruby", True), ("Report", "python", False),
    ]  # fmt: skip
    report = ledger.of("Report", "python")
    assert list(report.by_day.values()) == [(30, 4)]
    assert report.first_seen == report.last_seen == NOON + 3 * DAY
    assert ledger.unseen_days("Report", "ruby") == 3
    at(NOON + 5 * DAY)
    assert resque.ledger().unseen_days("Report", "python") == 2
    assert resque.ledger(days=2).classes[0].class_name == "Mail"
    at(NOON + 20 * DAY)
    assert [one.class_name for one in resque.ledger().classes] == ["Mail"]
    assert resque.ledger().unseen_days("Report", "ruby") == 14


def test_the_history(resque: Resque, at: Any) -> None:
    """As many pieces as there may be, up to now; before its beginning nothing is known."""
    first = resque.history("hour")
    assert (len(first), first[-1].at, first[-1].is_known) == (14 * 24, NOON, True)
    assert not first[-2].is_known
    resque.link.execute("INCRBY", "resque:stat:processed", 3600)
    at(NOON + 3 * 3600 + 60)
    last = resque.history("hour")[-5:]
    assert [(one.at - NOON, one.is_known, one.is_estimate) for one in last] == [
        (-3600, False, False), (0, True, False), (3600, True, True), (7200, True, True), (10800, True, False),
    ]  # fmt: skip
    assert sum(one.processed for one in last) == 3600
    assert (len(resque.history()), len(resque.history("day"))) == (180, 400)
    with pytest.raises(InvalidSelection, match="minute, hour or day"):
        resque.history("week")  # type: ignore[arg-type]


def test_a_redis_that_takes_no_notes(resque: Resque, at: Any, both: None) -> None:
    """A full one, or a replica: what is known is shown."""
    counts.count(resque.space, [("Report", 1, 0)], "t")
    resque.link.execute("CONFIG", "SET", "maxmemory", 1)
    try:
        assert resque.ledger().python.processed == 1
        assert len(resque.history()) == 180
        assert resque.classes().find("Report") is not None
    finally:
        resque.link.execute("CONFIG", "SET", "maxmemory", 0)


def test_others_look_at_most_once_a_minute(resque: Resque, at: Any, both: None) -> None:
    """A clock that was set back keeps nobody from looking for long."""
    assert look_at_ruby(resque.space)
    assert not look_at_ruby(resque.space)
    at(NOON - 3600)
    assert look_at_ruby(resque.space)
    assert ruby_jobs.EVERY <= 60
