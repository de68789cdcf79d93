"""Queues: each function is one step where Ruby takes several; a key of another type harms nobody."""

import pytest

from pyresque.errors import RedisReplied
from pyresque.store import queues


@pytest.fixture
def space(resque):
    return resque.space


def elements(space, queue):
    return queues.elements(space, queue)


def test_jobs_go_behind_those_that_wait_and_their_queues_are_known(space):
    assert queues.push(space, {"b": [b"1", b"2"], "a": [b"3"]}) == 3
    assert queues.push(space, {"b": [b"4"]}) == 1
    assert (elements(space, "b"), queues.names(space)) == ([b"1", b"2", b"4"], ["a", "b"])
    assert (queues.first(space, "b"), queues.first(space, "c")) == (b"1", None)
    assert queues.sizes(space, ["a", "b", "c"]) == {"a": 1, "b": 3, "c": 0}


def test_many_jobs_are_pushed_in_pieces_and_in_order(space, monkeypatch):
    monkeypatch.setattr(queues, "CHUNK", 3)
    jobs = [b"%d" % n for n in range(10)]
    assert queues.push(space, {"a": jobs, "b": jobs[:4]}) == 14
    assert (elements(space, "a"), elements(space, "b")) == (jobs, jobs[:4])


def test_names_are_sorted_by_their_bytes_whatever_they_are(space):
    names = ["\udcff", "b", "a", "ä"]
    queues.push(space, {name: [b"1"] for name in names})
    assert queues.names(space) == ["a", "b", "ä", "\udcff"]


@pytest.mark.parametrize(
    ("start", "count", "found"),
    [(0, None, b"abc"), (1, 1, b"b"), (1, 9, b"bc"), (0, 0, b"abc"), (3, 1, b""), (9, 1, b"")],
)
def test_looking_is_as_rubys(space, start, count, found):
    queues.push(space, {"a": [b"a", b"b", b"c"]})
    assert b"".join(queues.elements(space, "a", start, count)) == found


def test_all_are_read_piece_by_piece(space, monkeypatch):
    monkeypatch.setattr(queues, "WINDOW", 2)
    jobs = [b"%d" % n for n in range(5)]
    queues.push(space, {"a": jobs})
    assert list(queues.each(space, "a")) == jobs


def test_elements_that_are_meant_go_with_their_keys(space):
    queues.push(space, {"a": [b"1", b"2", b"1", b"3"]})
    space.link.execute_many([("SET", "lock:1", 1), ("SET", "lock:3", 1)])
    gone = []
    assert (
        queues.remove_if(space, "a", lambda raw: ["lock:1"] if raw == b"1" else None, gone=gone.append) == 2
    )
    assert (elements(space, "a"), gone) == ([b"2", b"3"], [b"1", b"1"])
    assert space.link.execute("EXISTS", "lock:1", "lock:3") == 1


def test_the_first_copy_goes_once(space):
    queues.push(space, {"a": [b"1", b"2", b"1"]})
    assert queues.remove_first(space, "a", b"1")
    assert elements(space, "a") == [b"2", b"1"]
    assert not queues.remove_first(space, "a", b"9")


def test_an_element_is_moved_with_what_belongs_to_it_or_not_at_all(space):
    queues.push(space, {"a": [b"1", b"2"]})
    key, put = space.keys.queue("a"), [("RPUSH", "other", "2")]
    assert queues.move_element(space, key, b"2", 1, put)
    assert not queues.move_element(space, key, b"2", 1, put)
    assert (elements(space, "a"), space.link.execute("LRANGE", "other", 0, -1)) == ([b"1"], [b"2"])


def test_an_empty_queue_stays_known_and_a_removed_one_does_not(space):
    queues.push(space, {"a": [b"1", b"2"]})
    assert (queues.empty(space, "a"), queues.names(space), queues.size(space, "a")) == (2, ["a"], 0)
    assert (queues.remove_queue(space, "a"), queues.remove_queue(space, "a")) == (True, False)
    assert queues.names(space) == []


def test_a_key_that_is_not_a_list_counts_as_empty_and_takes_no_job(space):
    space.link.execute("SET", space.keys.queue("a"), "text")
    queues.push(space, {"b": [b"1"]})
    assert queues.sizes(space, ["a", "b"]) == {"a": 0, "b": 1}
    assert queues.samples(space, ["a", "b"], 5) == {"a": [], "b": [b"1"]}
    assert queues.samples(space, ["b"], 0) == {"b": []}
    with pytest.raises(RedisReplied):
        queues.push(space, {"b": [b"2"], "a": [b"3"]})
    assert queues.names(space) == ["b"]
