"""One failure in several lists (Ruby's Multiple, `rake resque:failures:sort`) is retried, and goes, once."""

import json
import os
from contextlib import closing

import pytest

from pyresque import Resque
from pyresque.failure import Multiple, Redis, RedisMultiQueue
from pyresque.wire.records import FailureRecord
from tests.unit.cli import warm

FAILED, OWN = "failed", "q_failed"


def value(number=1, *, has_id=True, **more):
    """A failure as Ruby writes it, since 3.1 with an id."""
    found = {
        "failed_at": "2026/11/23 19:07:35 CET", "payload": {"class": "A", "args": [number]},
        "exception": "RuntimeError", "error": "boom", "backtrace": ["a.rb:1:in `perform'"],
        "worker": "h:1:q", "queue": "q", "failure_id": f"{number:08x}-0000-4000-8000-000000000000", **more,
    }  # fmt: skip
    if not has_id:
        del found["failure_id"]
    return found


def put(resque, name, *values):
    for one in values:
        resque.link.execute("RPUSH", f"resque:{name}", json.dumps(one, separators=(",", ":")))
    if name != FAILED:
        resque.link.execute("SADD", "resque:failed_queues", name)


def numbers(resque, key):
    raws = resque.link.execute("LRANGE", f"resque:{key}", 0, -1)
    values = [json.loads(raw) for raw in raws]
    return [one["args"][0] if "args" in one else one["payload"]["args"][0] for one in values]


def marks(resque, name):
    return [record.was_retried for record in resque.failures.list(list_name=name)]


@pytest.fixture
def run(server):
    """Runs the program; returns what it printed."""

    def run(*words, status=0, typed=None):
        done = warm.run(["failed", *words], env={**os.environ, "REDIS_URL": server.url}, typed=typed)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture(params=["with ids", "without ids", "seconds apart"])
def three(request, resque):
    """Three failures in both lists, as two backends write them: by a newer and an older Ruby."""
    has_id = request.param != "without ids"
    later = {"failed_at": "2026/11/23 19:07:36 CET"} if request.param == "seconds apart" else {}
    for number in (1, 2, 3):
        put(resque, FAILED, value(number, has_id=has_id))
        put(resque, OWN, value(number, has_id=has_id, **later))
    put(resque, OWN, value(9, has_id=has_id))
    return resque


def test_a_second_retry_of_all_puts_nothing_back(three, run):
    """Nor does it after the retried ones were cleared: every copy was marked, and every copy went."""
    assert run("retry", "--all", "--yes") == "put 4 jobs back\n"
    assert sorted(numbers(three, "queue:q")) == [1, 2, 3, 9]
    assert (marks(three, FAILED), marks(three, OWN)) == ([True] * 3, [True] * 4)
    assert run("retry", "--all", "--yes").startswith("put 0 jobs back; 4 had been put back before")
    assert run("clear", "--retried", "--yes") == "removed 4 failures\n"
    assert run("retry", "--all", "--yes").startswith("put 0 jobs back")
    assert run("list") == "no failures\n"
    assert len(numbers(three, "queue:q")) == 4


@pytest.mark.parametrize("name", [FAILED, OWN])
def test_one_that_ruby_has_retried_in_one_list_counts_as_retried(resque, run, name):
    """resque-web marks the copy that its page shows only."""
    for one in (FAILED, OWN):
        more = {"retried_at": "2026/11/23 20:00:00 CET"} if one == name else {}
        put(resque, one, value(1, **more), value(2))
    assert run("retry", "--all", "--yes").startswith("put 1 job back; 1 had been put back before")
    assert numbers(resque, "queue:q") == [2]
    record_id = value(1)["failure_id"]
    assert "was put back before (2026/11/23 20:00:00 CET)" in run("retry", record_id, status=1)
    assert numbers(resque, "queue:q") == [2]
    assert run("clear", "--retried", "--yes") == "removed 2 failures\n"
    assert resque.failures.count() == 0


def test_by_id_all_copies_are_meant(three, run):
    """Retried once, and asked about the second time; removed from both lists."""
    first, second, *_ = three.failures.list()
    assert run("retry", first.id).startswith("put back A [1]")
    assert marks(three, OWN) == [True, False, False, False]
    again = first.id if first.failure_id else three.failures.list()[0].id
    assert "was put back before" in run("retry", again, status=1)
    run("remove", "--yes", second.id)
    assert (numbers(three, FAILED), numbers(three, OWN)) == ([1, 3], [1, 3, 9])
    assert numbers(three, "queue:q") == [1]


@pytest.mark.parametrize("name", [FAILED, OWN])
def test_what_clears_one_list_takes_the_copies_along(three, name):
    """And only those."""
    three.failures.clear(name)
    assert numbers(three, FAILED) == []
    assert numbers(three, OWN) == ([9] if name == FAILED else [])


@pytest.mark.parametrize("multi", [False, True])
def test_the_verbs_of_a_queue(server, three, multi):
    """requeue_queue marks both, remove_queue takes both, whichever backend counts."""
    backends = (RedisMultiQueue(), Redis()) if multi else (Redis(), RedisMultiQueue())
    with closing(Resque(server.url, failure=Multiple(*backends))) as several:
        assert several.failures.requeue_queue("q") == (4 if multi else 3)
        assert (marks(three, FAILED), marks(three, OWN)) == ([True] * 3, [True] * 3 + [multi])
        assert several.failures.remove_queue("q") > 0
    assert numbers(three, FAILED) == []
    assert numbers(three, OWN) == ([] if multi else [9])


def test_sorted_twice(resque, run):
    """`rake resque:failures:sort` appends a copy each time."""
    for name in (FAILED, OWN, OWN):
        put(resque, name, value(1), value(2))
    assert run("retry", "--all", "--yes") == "put 2 jobs back\n"
    assert marks(resque, OWN) == [True] * 4
    assert resque.failures.find(value(1)["failure_id"]).was_retried
    assert resque.failures.remove(value(1)["failure_id"])
    assert (numbers(resque, FAILED), numbers(resque, OWN)) == ([2], [2, 2])
    assert resque.failures.clear_retried() == 3


def test_equal_failures_without_ids_are_failures_of_their_own(resque):
    """Two in each list: the first of one goes with the first of the other."""
    for name in (FAILED, OWN):
        put(resque, name, *[value(1, has_id=False)] * 2)
    first, second = resque.failures.list(list_name=OWN)
    assert resque.failures.requeue(second)
    assert (marks(resque, FAILED), marks(resque, OWN)) == ([False, True], [False, True])
    assert resque.failures.clear_retried(FAILED) == 2
    assert (numbers(resque, FAILED), numbers(resque, OWN)) == ([1], [1])
    assert resque.failures.remove(first)
    assert resque.failures.count() == 0


def test_others_are_left_alone(resque):
    """Another error, another queue, another list of the same id: none of them is a copy."""
    put(resque, FAILED, value(1))
    put(resque, OWN, value(1, error="other"), value(2))
    put(resque, "x_failed", value(1, queue="x"))
    assert resque.failures.requeue(resque.failures.list()[0])
    assert [record.was_retried for record in resque.failures.list()] == [True, False, False, False]


def test_a_copy_that_changes_meanwhile_is_left_alone(resque):
    """It was marked, or is gone, or its list is none any more: the job is put back, once."""
    for name in (FAILED, OWN):
        put(resque, name, value(1), value(2), value(3))
    known = resque.failures.with_copies(resque.failures.list(list_name=FAILED))
    resque.link.execute("LREM", f"resque:{OWN}", 1, known[0].copies[0].raw)
    assert resque.failures.requeue(known[0])
    resque.link.execute("SET", f"resque:{OWN}", "no list")
    assert resque.failures.requeue(known[1])
    assert numbers(resque, "queue:q") == [1, 2]
    assert marks(resque, FAILED) == [True, True, False]


def test_a_record_is_the_same_with_and_without_its_copies(resque):
    """Who has looked for them knows more of it, and has no other one."""
    put(resque, FAILED, value(1))
    put(resque, OWN, value(1))
    record, copy = resque.failures.list()
    [known] = resque.failures.with_copies([record])
    assert known == record
    assert hash(known) == hash(record)
    assert known.copies == (copy,)
    assert record != copy
    assert record != FailureRecord.parse(record.raw)
