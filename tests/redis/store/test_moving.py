"""Jobs are moved to another queue or to the front: none is lost or doubled, and their order stays."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyresque.errors import RedisReplied
from pyresque.store import moving, queues


def moved(space, source, target, chosen, to_front=False):
    told = []
    gone = moving.move(space, source, target, chosen, to_front=to_front, moved=told.append)
    return gone, told


def filled(space, jobs):
    space.link.execute("UNLINK", space.keys.queue("a"), space.keys.queue("b"))
    if jobs:
        queues.push(space, {"a": jobs})


JOBS = st.lists(st.sampled_from([b"1", b"2", b"3", b"4", b"5"]), max_size=12)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JOBS, st.sets(st.sampled_from([b"1", b"2", b"3", b"4", b"5"])))
def test_those_that_are_chosen_go_to_the_end_of_another_queue_in_their_order(resque, jobs, chosen):
    filled(resque.space, jobs)
    expected = [job for job in jobs if job in chosen]
    assert moved(resque.space, "a", "b", chosen.__contains__) == (0, expected)
    assert queues.elements(resque.space, "a") == [job for job in jobs if job not in chosen]
    assert queues.elements(resque.space, "b") == expected


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JOBS, st.sets(st.sampled_from([b"1", b"2", b"3", b"4", b"5"])))
def test_those_that_are_chosen_go_to_the_front_of_their_own_in_their_order(resque, jobs, chosen):
    filled(resque.space, jobs)
    gone, told = moved(resque.space, "a", "a", chosen.__contains__, to_front=True)
    front = [job for job in jobs if job in chosen]
    assert (gone, sorted(told)) == (0, sorted(front))
    assert queues.elements(resque.space, "a") == front + [job for job in jobs if job not in chosen]


def test_a_long_queue_is_moved_in_pieces(resque, monkeypatch):
    monkeypatch.setattr(moving, "WINDOW", 7)
    jobs = [b"%d" % n for n in range(50)]
    filled(resque.space, jobs)
    assert moved(resque.space, "a", "b", lambda raw: raw.endswith((b"1", b"5")))[0] == 0
    expected = [job for job in jobs if job.endswith((b"1", b"5"))]
    assert queues.elements(resque.space, "b") == expected
    assert queues.names(resque.space) == ["a", "b"]


def test_what_is_gone_meanwhile_is_counted(resque):
    filled(resque.space, [b"1", b"2", b"3"])

    def chosen(raw):
        if raw == b"3":  # the last one that is read: now another takes the first
            resque.link.execute("LPOP", resque.space.keys.queue("a"))
        return True

    gone, told = moved(resque.space, "a", "b", chosen)
    assert (gone, told) == (1, [b"2", b"3"])


def test_a_target_that_is_not_a_list_takes_nothing(resque):
    filled(resque.space, [b"1"])
    resque.link.execute("SET", resque.space.keys.queue("b"), "text")
    with pytest.raises(RedisReplied):
        moved(resque.space, "a", "b", lambda raw: True)
    assert queues.elements(resque.space, "a") == [b"1"]
