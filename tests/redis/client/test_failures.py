"""Failures: finding, putting back, removing; over records of every writer.

See docs/protocol/core.md#failures.
"""

import json
import re

import pytest

from pyresque import Resque
from pyresque.errors import NotAJob
from pyresque.failure import Backend, Multiple, Redis, RedisMultiQueue
from pyresque.wire.records import FailureRecord
from tests.redis.bench import calls

WITH_ZONE = r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \S+"
WITHOUT_ZONE = r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d"
BROKEN = [b"oops", b"", b"null", b"[1]", b"\xff", b'{"failed_at":"x","payload":{"class":"A\xff"}}', b"{}"]


def record(number=1, *, name="A", queue="q", **more):
    """A record as Ruby 3.2 writes it; `more` replaces keys, or adds them at the end."""
    value = {
        "failed_at": "2026/11/23 19:07:35 CET", "payload": {"class": name, "args": [number]},
        "exception": "RuntimeError", "error": f"boom {number}", "backtrace": ["a.rb:1:in `perform'"],
        "worker": "h:1:q", "queue": queue, "failure_id": f"{number:08x}-0000-4000-8000-000000000000", **more,
    }  # fmt: skip
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def old(number=1, **more):
    """A record without failure_id, as Ruby before 3.1 writes it."""
    value = json.loads(record(number, **more))
    del value["failure_id"]
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def put(resque, *raws, key="failed"):
    resque.link.execute("RPUSH", f"resque:{key}", *raws)
    if key != "failed":
        resque.link.execute("SADD", "resque:failed_queues", key)


def raws(resque, key="failed"):
    return resque.link.execute("LRANGE", f"resque:{key}", 0, -1)


class Mine(Backend):
    """A backend of an application's own."""


@pytest.fixture
def multi(server, resque):
    """A Resque with the multi-queue backend on the same Redis."""
    multi = Resque(server.url, failure=RedisMultiQueue(), registry=resque.registry)
    yield multi
    multi.close()


# --- looking ---------------------------------------------------------------------------------------


def test_list_pages_oldest_first(resque):
    """offset and limit choose a page of the records; None means all of them."""
    put(resque, *(record(n) for n in range(30)))
    numbers = lambda **page: [one.payload["args"][0] for one in resque.failures.list(**page)]  # noqa: E731
    assert numbers() == list(range(20))
    assert numbers(offset=25) == [25, 26, 27, 28, 29]
    assert numbers(offset=3, limit=2) == [3, 4]
    assert numbers(limit=None) == list(range(30))
    assert numbers(limit=0) == numbers(offset=30) == []


def test_list_goes_through_every_list(resque):
    """`failed` comes first, then each Q_failed by name; pages go across the borders."""
    put(resque, record(1), record(2))
    put(resque, record(3), key="a_failed")
    put(resque, record(4), record(5), key="b_failed")
    failures = resque.failures
    assert failures.lists() == ["failed", "a_failed", "b_failed"]
    pages = [[one.payload["args"][0] for one in failures.list(n, 2)] for n in range(6)]
    assert pages == [[1, 2], [2, 3], [3, 4], [4, 5], [5], []]
    assert [one.list_name for one in failures.list()] == [
        "failed",
        "failed",
        "a_failed",
        "b_failed",
        "b_failed",
    ]
    assert [one.payload["args"][0] for one in failures.list(1, 5, list_name="b_failed")] == [5]


def test_count_by_list_and_class(resque):
    """count knows all lists, one list, one class, and both."""
    put(resque, record(1), record(2, name="B"), b"oops")
    put(resque, record(3), key="q_failed")
    failures = resque.failures
    assert failures.count() == 4
    assert failures.count(list_name="failed") == 3
    assert failures.count(class_name="A") == 2
    assert failures.count(class_name="A", list_name="q_failed") == 1
    assert failures.count(class_name="") == 1
    assert failures.count(list_name="never_failed") == 0


def test_each_reads_more_than_one_window(resque):
    """Long lists are read to their end, in order."""
    put(resque, *(record(n) for n in range(1234)))
    assert [one.payload["args"][0] for one in resque.failures.each()] == list(range(1234))


def test_a_record_tells_everything_it_holds(resque):
    """The entries of a record of Ruby, by name."""
    put(resque, record(7, retried_at="2026/11/24 01:02:03 CET"))
    [one] = resque.failures.list()
    assert one.id == one.failure_id == "00000007-0000-4000-8000-000000000000"
    assert (one.class_name, one.payload, one.backtrace) == (
        "A",
        {"class": "A", "args": [7]},
        ["a.rb:1:in `perform'"],
    )
    texts = ("failed_at", "exception", "error", "worker", "queue", "retried_at", "nothing")
    assert [one.text(key) for key in texts] == [
        "2026/11/23 19:07:35 CET", "RuntimeError", "boom 7", "h:1:q", "q", "2026/11/24 01:02:03 CET", None,
    ]  # fmt: skip
    assert one.raw == record(7, retried_at="2026/11/24 01:02:03 CET")


def test_find_by_id_and_by_a_unique_beginning(resque):
    """A whole failure_id, or as much of its beginning as no other record shares; else nothing."""
    first, second = "abcd1234-0000-4000-8000-000000000000", "abcd9999-0000-4000-8000-000000000000"
    put(resque, record(1, failure_id=first), record(2, failure_id=second))
    put(resque, record(3, failure_id="ffff"), record(4, failure_id="ffff0"), key="q_failed")
    found = lambda text: getattr(resque.failures.find(text), "id", None)  # noqa: E731
    assert found(first) == found("abcd1") == first
    assert found("abcd9") == second
    assert found("ffff") == "ffff"
    assert found("abcd") is found("none") is None


def test_find_by_the_digest_of_a_record_without_id(resque):
    """Older records, records with an id that is not text and broken ones have a `sha1:` address."""
    put(resque, old(1), record(2, failure_id=5), b"oops", b"\xff")
    for number, one in enumerate(resque.failures.list()):
        assert re.fullmatch("sha1:[0-9a-f]{40}", one.id)
        again = resque.failures.find(one.id[:15])
        assert again is not None
        assert again.raw == raws(resque)[number]


def test_find_all_gives_what_find_gives_for_each(resque):
    """Whole ids, beginnings that one alone has, and what fits none or several; in the order asked."""
    put(resque, record(1, failure_id="abc"), record(2, failure_id="abcd"), old(3), record(4, failure_id="x"))
    sha = resque.failures.list()[2].id
    asked = ["abc", "abcd", "ab", sha, sha[:9], "x", "", "xx", "abc", "sha1:"]
    found = resque.failures.find_all(asked)
    assert [one and one.payload["args"] for one in found] == [
        [1], [2], None, [3], [3], [4], None, None, [1], [3],
    ]  # fmt: skip
    assert found == [resque.failures.find(one) for one in asked]
    assert resque.failures.find_all([]) == []


def test_find_does_not_choose_between_records_of_one_id(resque):
    """Two different records with one id: neither is found by it. Identical ones are one."""
    put(resque, record(1, error="a"), record(1, error="b"), record(2), record(2))
    assert resque.failures.find(FailureRecord.parse(record(1)).id) is None
    assert resque.failures.find(FailureRecord.parse(record(2)).id) is not None


def test_search_looks_at_the_whole_record(resque):
    """A text is found in class, argument, error, backtrace or worker of any record."""
    put(resque, record(1, error="Zürich down"), record(2, name="Mail"), b"oops Z\xfcrich")
    assert [one.payload["args"] for one in resque.failures.search("Zürich")] == [[1]]
    assert [one.class_name for one in resque.failures.search("Mail")] == ["Mail"]
    assert len(resque.failures.search("oops")) == 1
    assert resque.failures.search("nowhere") == []


@pytest.mark.parametrize("raw", BROKEN)
def test_broken_records_are_shown_and_can_be_removed(resque, raw):
    """A record that is not a JSON object stops nothing: it is listed, not requeued, removed by its bytes."""
    put(resque, record(1), raw, record(2))
    one = resque.failures.list()[1]
    assert (one.raw, one.value, one.class_name) == (raw, {}, "")
    with pytest.raises(NotAJob, match="shown and removed"):
        resque.failures.requeue(one)
    assert resque.failures.requeue_all() == 2
    assert raw in raws(resque)
    assert resque.failures.remove(one.id) is True
    assert resque.failures.remove(one) is False
    assert resque.failures.count() == 2


# --- putting back ----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [record, old])
def test_requeue_marks_the_record_and_pushes_ruby_s_bytes(resque, make):
    """The job goes back as class and args, the record stays in place with retried_at behind everything."""
    put(resque, make(1), make(2), make(3))
    one = resque.failures.list()[1]
    assert resque.failures.requeue(one.id) is True
    first, marked, third = raws(resque)
    assert (first, third) == (make(1), make(3))
    assert re.fullmatch(re.escape(make(2)[:-1]) + rb',"retried_at":"' + WITH_ZONE.encode() + rb'"\}', marked)
    assert raws(resque, "queue:q") == [b'{"class":"A","args":[2]}']
    assert resque.link.execute("SMEMBERS", "resque:queues") == [b"q"]


def test_requeue_again_replaces_retried_at_in_place(resque):
    """A second requeue pushes once more and only changes the time."""
    put(resque, record(1, retried_at="2020/01/01 00:00:00 CET", tail=1))
    [one] = resque.failures.list()
    assert resque.failures.requeue(one) is True
    [marked] = raws(resque)
    assert list(json.loads(marked)) == [*json.loads(one.raw)]
    assert json.loads(marked)["retried_at"] > "2026"
    assert resque.size("q") == 1


def test_requeue_keeps_what_else_a_payload_has(resque):
    """Class and args come first as Ruby writes them; further keys are kept behind; missing args are []."""
    put(resque, record(1, payload={"x": "é", "args": [1.0, {"b": 1, "a": []}], "class": "A", "y": None}))
    put(resque, record(2, payload={"class": "B"}), record(3, payload={"class": "C", "args": None}))
    assert resque.failures.requeue_all() == 3
    assert raws(resque, "queue:q") == [
        '{"class":"A","args":[1.0,{"b":1,"a":[]}],"x":"é","y":null}'.encode(),
        b'{"class":"B","args":[]}', b'{"class":"C","args":[]}',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("args", "spread"),
    [("t", ["t"]), (5, [5]), (False, [False]), ("", [""]), ({"a": 1, "b": [2]}, [["a", 1], ["b", [2]]])],
)
def test_requeue_spreads_args_that_are_no_list(resque, args, spread):
    """As Ruby's splat does: one value is one argument, an object its pairs."""
    put(resque, record(1, payload={"class": "A", "args": args}))
    assert resque.failures.requeue_all() == 1
    [raw] = raws(resque, "queue:q")
    assert json.loads(raw)["args"] == spread


def test_requeue_of_a_record_that_is_gone(resque):
    """Somebody else removed or marked it meanwhile: False, and nothing is pushed."""
    put(resque, record(1))
    [one] = resque.failures.list()
    assert resque.failures.requeue(one) is True
    assert resque.failures.requeue(one) is False
    assert resque.failures.requeue("no such id") is False
    assert resque.size("q") == 1


@pytest.mark.parametrize(
    "more",
    [
        {"payload": None},
        {"payload": [1]},
        {"payload": {}},
        {"payload": {"class": ""}},
        {"queue": None},
        {"queue": 1},
    ],
)
def test_requeue_of_a_record_without_a_job(resque, more):
    """No class or no queue: the error says so; not marked (in Ruby it is), and nothing is queued."""
    put(resque, record(1, **more))
    [one] = resque.failures.list()
    with pytest.raises(NotAJob):
        resque.failures.requeue(one)
    assert raws(resque) == [one.raw]
    assert resque.queues() == []


def test_requeue_all_goes_in_order(resque):
    """Records that hold no job are passed over; the answer is the number put back."""
    put(resque, record(1), b"oops", record(2), record(3, payload=None), record(4, queue="other"))
    assert resque.failures.requeue_all() == 3
    assert [json.loads(raw)["args"] for raw in raws(resque, "queue:q")] == [[1], [2]]
    assert resque.queues() == ["other", "q"]


def test_requeue_all_takes_the_lists_of_the_backend(server, resque, multi):
    """`failed`, or with the multi-queue backend each Q_failed; of several backends the first decides."""
    put(resque, record(1))
    put(resque, record(1), record(2), key="q_failed")
    several = Resque(server.url, failure=Multiple(Mine(), Redis(), RedisMultiQueue()))
    assert [one.failures.requeue_all() for one in (resque, several, multi)] == [1, 1, 2]
    several.close()


def test_requeue_queue_takes_one_queue(resque):
    """Only the records of that queue are put back and marked."""
    put(resque, record(1), record(2, queue="other"), record(3))
    assert resque.failures.requeue_queue("q") == 2
    assert [b"retried_at" in raw for raw in raws(resque)] == [True, False, True]
    assert resque.failures.requeue_queue("never") == 0


def test_multi_queue_requeue(multi):
    """With lists per queue: newest first, retried_at without zone, and the list becomes known, as in Ruby."""
    put(multi, record(1), record(2), record(3, queue="x"), key="q_failed")
    assert multi.failures.requeue_queue("q") == 3
    assert [json.loads(raw)["args"] for raw in raws(multi, "queue:q")] == [[2], [1]]
    assert [json.loads(raw)["args"] for raw in raws(multi, "queue:x")] == [[3]]
    for raw in raws(multi, "q_failed"):
        assert re.fullmatch(WITHOUT_ZONE, json.loads(raw)["retried_at"])
    assert multi.failures.requeue_queue("other") == 0
    assert sorted(multi.link.execute("SMEMBERS", "resque:failed_queues")) == [b"other_failed", b"q_failed"]


def test_retried_at_is_written_as_the_list_s_backend_writes_it(resque):
    """The list decides, not the client: `failed` with a zone, Q_failed without."""
    put(resque, record(1))
    put(resque, record(2), key="q_failed")
    for one in resque.failures.list():
        assert resque.failures.requeue(one) is True
    assert re.fullmatch(WITH_ZONE, json.loads(raws(resque)[0])["retried_at"])
    assert re.fullmatch(WITHOUT_ZONE, json.loads(raws(resque, "q_failed")[0])["retried_at"])


def test_requeue_writes_the_style_of_the_resque(server, resque):
    """A job that is put back is written in the json_style of this client."""
    there = Resque(server.url, json_style="rails", registry=resque.registry)
    put(resque, record(1, payload={"class": "A", "args": ["<"]}))
    assert there.failures.requeue_all() == 1
    assert raws(resque, "queue:q") == [rb'{"class":"A","args":["\u003c"]}']
    there.close()


# --- removing --------------------------------------------------------------------------------------


def test_remove_takes_one_of_identical_records(resque):
    """Two records with the same bytes are two failures: one call removes one."""
    put(resque, old(1), old(2), old(1))
    [one, *_] = resque.failures.list()
    assert resque.failures.remove(one) is True
    assert sorted(raws(resque)) == sorted([old(2), old(1)])
    assert resque.failures.remove(one.id) is True
    assert resque.failures.remove(one.id) is False
    assert raws(resque) == [old(2)]


def test_of_identical_records_the_one_at_its_place_is_meant(resque):
    """As in Ruby, which names records by number; once the list has changed, the first of them."""
    put(resque, old(1), old(2), old(1), old(3), old(1))
    records = resque.failures.list()
    assert resque.failures.requeue(records[2]) is True
    assert [b"retried_at" in raw for raw in raws(resque)] == [False, False, True, False, False]
    assert resque.failures.remove(records[4]) is True
    assert [b"retried_at" in raw for raw in raws(resque)] == [False, False, True, False]
    assert resque.failures.remove(records[2]) is True
    assert [json.loads(raw)["payload"]["args"] for raw in raws(resque)] == [[2], [1], [3]]


def test_few_records_go_from_their_places(resque):
    """Also of identical ones; a record that is named twice goes once."""
    put(resque, old(1), old(2), old(1), old(3), old(1))
    records = resque.failures.list()
    assert resque.failures.remove_all([records[2], records[1], records[2]]) == [True, True, False]
    assert raws(resque) == [old(1), old(3), old(1)]


def test_a_record_that_has_moved_is_found_without_reading_the_others(resque):
    """However many stand before it, and however large they are: no script copies them."""
    put(resque, *map(old, range(500)))
    last = resque.failures.list(0, None)[-1]
    resque.link.execute("LPOP", "resque:failed")
    calls(resque)
    assert resque.failures.requeue(last) is True
    assert calls(resque, "lrange") == 0
    assert b"retried_at" in raws(resque)[-1]
    assert resque.size("q") == 1


def test_remove_of_a_marked_record_needs_its_present_form(resque):
    """A record is its bytes: after somebody marked it, the old form removes nothing, its id does."""
    put(resque, record(1))
    [one] = resque.failures.list()
    resque.failures.requeue(one)
    assert resque.failures.remove(one) is False
    assert resque.failures.remove(one.id) is True


def test_remove_queue(resque, multi):
    """The failures of one queue go: by their queue entry, or with the multi-queue backend the whole list."""
    put(resque, record(1), record(2, queue="other"), record(3), record(3))
    put(resque, record(4, queue="other"), record(5), key="q_failed")
    assert resque.failures.remove_queue("q") == 3
    assert raws(resque) == [record(2, queue="other")]
    assert multi.failures.remove_queue("q") == 2
    assert resque.failures.count() == 1


def test_clear(resque, multi):
    """The lists of the backend, or one of them; the set failed_queues keeps its members as in Ruby."""
    put(resque, record(1))
    put(resque, record(2), key="a_failed")
    put(resque, record(3), key="b_failed")
    resque.failures.clear("a_failed")
    assert resque.failures.count() == 2
    resque.failures.clear()
    assert raws(resque) == []
    assert raws(resque, "b_failed") == [record(3)]
    put(resque, record(1))
    multi.failures.clear()
    assert raws(resque) == [record(1)]
    assert resque.link.execute("KEYS", "*_failed") == []
    assert resque.link.execute("SCARD", "resque:failed_queues") == 2


def test_clear_retried(resque):
    """Only records with retried_at go (null is none), of the backend's lists or one, one copy for each."""
    retried = {"retried_at": "2026/11/24 01:02:03"}
    never = record(6, retried_at=None)
    put(resque, record(1), record(2, **retried), b"oops", record(3, **retried), never, record(2, **retried))
    put(resque, record(4, **retried), record(5), key="q_failed")
    assert resque.failures.clear_retried() == 3
    assert raws(resque) == [record(1), b"oops", never]
    assert resque.failures.clear_retried("q_failed") == 1
    assert raws(resque, "q_failed") == [record(5)]
    assert resque.failures.clear_retried() == 0


def test_removing_never_touches_a_stray_empty_element(resque):
    """Ruby's removal leaves "" for a moment; ours neither uses nor disturbs such an element."""
    put(resque, b"", record(1), record(2))
    assert resque.failures.remove(resque.failures.list()[1]) is True
    assert raws(resque) == [b"", record(2)]
