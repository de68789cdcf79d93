"""Reserving and settling: a job is always in its queue or in `worker:ID`, and its end is written once."""

import json

import pytest

from pyresque.store import effects, queues, reservation, workers
from pyresque.store.reservation import EndedJob, QueueOrder, Search, WantedClasses, printable
from pyresque.store.workers import Registration

JOB = b'{"class":"A","args":[1]}'


@pytest.fixture
def space(resque):
    return resque.space


@pytest.fixture
def who(space):
    worker = Registration("host", "1:q", "mark#word")
    assert workers.register(space, worker, 1_000_000.0)
    return worker


def search(space, who, *names, order=("q",), **wanted):
    return Search(space, who, QueueOrder(order), WantedClasses(names, **wanted))


def reserve(space, who, *names, **more):
    return reservation.reserve(space, search(space, who, *names, **more))


def working(space, who):
    return space.link.execute("GET", space.keys.worker(who.id))


def ended(space, who, record, counted=True):
    count = effects.count(space.keys, ("processed",), who.id) if counted else []
    return reservation.settle(space, who, EndedJob(record, who.settled, count))


def test_a_job_goes_from_its_queue_to_its_worker_in_one_step(space, who):
    queues.push(space, {"q": [JOB, JOB]})
    answer = reserve(space, who, "A")
    assert (answer.what, queues.size(space, "q")) == ("job", 1)
    assert working(space, who) == answer.record
    record = json.loads(answer.record)
    assert (record["queue"], record["payload"]) == ("q", json.loads(JOB))


def test_whoever_holds_a_job_gets_it_again_and_no_other(space, who):
    """So a lost reply loses no job."""
    queues.push(space, {"q": [JOB, JOB]})
    first = reserve(space, who, "A")
    again = reserve(space, who, "A")
    assert (again.what, again.record, queues.size(space, "q")) == ("held", first.record, 1)


@pytest.mark.parametrize(
    ("names", "wanted", "what"), [((), {}, "none"), ((), {"every": True}, "job"), (("B",), {}, "none")]
)
def test_jobs_of_other_classes_are_left(space, who, names, wanted, what):
    queues.push(space, {"q": [JOB]})
    assert reserve(space, who, *names, **wanted).what == what
    assert queues.size(space, "q") == (0 if what == "job" else 1)


def test_queues_are_asked_in_their_order_and_paused_ones_passed_over(space, who):
    queues.push(space, {"low": [JOB], "high": [JOB]})
    order = ("high", "low")
    space.link.execute("SET", space.keys.queue_pause("high"), "true")
    assert order[reserve(space, who, "A", order=order).queue] == "low"


def test_an_end_is_written_once_however_often_it_is_sent(space, who):
    queues.push(space, {"q": [JOB]})
    record = reserve(space, who, "A").record
    assert ended(space, who, record).what == "settled"
    who.unsure = True  # its answer was lost
    assert ended(space, who, record).what == "already"
    assert space.link.execute("GET", space.keys.stat("processed", who.id)) == b"1"
    assert working(space, who) is None


def test_what_is_no_longer_there_is_not_settled(space, who):
    queues.push(space, {"q": [JOB]})
    record = reserve(space, who, "A").record
    space.link.execute("UNLINK", space.keys.worker(who.id))
    assert ended(space, who, record).what == "gone"


def test_the_next_job_comes_with_the_end_of_the_last(space, who):
    queues.push(space, {"q": [JOB, JOB]})
    record = reserve(space, who, "A").record
    count = effects.count(space.keys, ("processed",), who.id)
    settled, answer = reservation.advance(space, EndedJob(record, 0, count), search(space, who, "A"))
    assert (settled.what, settled.count, answer.what, queues.size(space, "q")) == ("settled", 1, "job", 0)
    assert reservation.settled_count(space, who) == 1


def test_a_worker_that_is_not_registered_any_more_gets_no_job(space, who):
    queues.push(space, {"q": [JOB]})
    workers.retire(space, who.id, b"")
    assert reserve(space, who, "A").what == "stranger"
    assert queues.size(space, "q") == 1


def test_a_name_in_a_record_is_text():
    assert (printable("a"), printable("\udcff")) == ("a", printable("\udcff").encode().decode())
