"""pause, resume, paused and empty of a Resque."""

import pytest

from pyresque import job
from pyresque.errors import NoQueueError, RedisReplied
from pyresque.plugins import Loner


def test_a_queue_is_paused_and_resumed(resque):
    """On resque-pause's keys; the answers say whether there is such a queue, and whether it was paused."""
    resque.enqueue("A", queue="mail")
    assert not resque.paused()
    assert resque.pause("mail") is True
    assert resque.pause("typo") is False
    assert resque.link.execute("GET", "resque:pause:queue:mail") == b"true"
    found = resque.paused()
    assert (found.all, found.queues, found.workers) == (False, ["mail"], False)
    assert found
    assert [found.holds(queue) for queue in ("mail", "other")] == [True, False]
    assert resque.resume("mail") is True
    assert resque.resume("mail") is False
    assert not resque.paused()


def test_all_are_paused_and_resumed_apart_from_single_queues(resque):
    resque.enqueue("A", queue="mail")
    resque.pause("mail")
    resque.pause_all()
    resque.link.execute("SET", "resque:pause-all-workers", " True ")
    found = resque.paused()
    assert (found.all, found.queues, found.workers, found.holds("other")) == (True, ["mail"], True, True)
    resque.resume_all()
    found = resque.paused()
    assert (found.all, found.queues, found.workers) == (False, ["mail"], False)


def test_a_paused_queue_that_only_a_worker_names_is_seen(resque):
    resque.link.execute("SADD", "resque:workers", "host:1:late,*", "host:2", "junk")
    resque.pause("late")
    assert resque.paused().queues == ["late"]


@pytest.mark.parametrize(
    "junk", [("SET", "resque:pause-all-workers", "1"), ("SADD", "resque:pause-all-workers", "true")]
)
def test_what_does_not_pause_workers(resque, junk):
    """The value must be `true`; a key of another type is not a pause."""
    resque.link.execute(*junk)
    assert not resque.paused()


def test_empty_removes_the_jobs_and_keeps_the_queue(resque):
    for number in range(5):
        resque.enqueue("A", number, queue="q")
    resque.enqueue("A", queue="other")
    assert resque.empty("q") == 5
    assert resque.empty("q") == 0
    assert resque.queue_sizes() == {"other": 1, "q": 0}
    with pytest.raises(NoQueueError):
        resque.empty(5)
    with pytest.raises(NoQueueError):
        resque.pause(None)
    resque.link.execute("SET", "resque:queue:bad", "text")
    with pytest.raises(RedisReplied):
        resque.empty("bad")


def test_empty_frees_the_locks_of_the_jobs(resque):
    """Else the next equal job could not be enqueued."""

    @job(queue="q", name="Only", registry=resque.registry, plugins=[Loner(resque)])
    def only(number: int) -> None: ...

    assert [resque.enqueue(only, 1), resque.enqueue(only, 1), resque.enqueue(only, 2)] == [True, None, True]
    resque.link.execute("RPUSH", "resque:queue:q", b"not json", b'{"class":"Only","args":["x"]}')
    assert resque.empty("q") == 4
    assert resque.enqueue(only, 1) is True


def test_empty_takes_the_statuses_of_tracked_jobs_too(resque):
    """Nothing is known of such a job any more."""
    handle = resque.enqueue("A", 1, queue="q", track=True)
    resque.enqueue("A", 2, queue="q")
    assert resque.link.execute("EXISTS", f"resque:status:{handle.id}") == 1
    assert resque.empty("q") == 2
    assert resque.link.execute("EXISTS", f"resque:status:{handle.id}") == 0
