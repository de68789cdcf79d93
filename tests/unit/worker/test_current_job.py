"""What a worker remembers of its job, and how its settlement comes to say less."""

from pyresque.model.perform import ReservedJob
from pyresque.store.workers import Registration
from pyresque.wire.records import Payload
from pyresque.worker.current_job import BREAKS, CurrentJob, Settlement


def a_job():
    return ReservedJob("q", Payload.parse(b'{"class":"J","args":[]}'), None)


def test_a_worker_that_has_begun_its_job_has_no_other():
    """Unless a reply was lost."""
    current, job = CurrentJob(Registration("h", "1:q")), a_job()
    assert not current.may_be_more
    current.reserved = True
    assert current.may_be_more
    current.begin(job)
    assert current.begun is job
    assert not current.may_be_more
    current.who.unsure = True
    assert current.may_be_more


def test_a_settlement_says_less_step_by_step():
    """Until nothing is left that could be left out."""
    forms = [[("A",)], [("B",)]]
    settlement = Settlement(a_job(), True, [("A",), ("B",)], iter(forms))
    assert (settlement.shorten(), settlement.effects) == (True, forms[0])
    assert (settlement.shorten(), settlement.effects) == (True, forms[1])
    assert (settlement.shorten(), settlement.effects) == (False, forms[1])
    assert not Settlement(a_job(), True, []).shorten()


def test_a_refusal_is_believed_when_it_comes_twice():
    """The first may have been no answer to this; and what was refused once does not ask for the next job."""
    settlement = Settlement(a_job(), True, [])
    assert not settlement.was_refused
    assert [settlement.refused() for _ in range(4)] == [False, True, False, True]
    assert settlement.was_refused


def test_redis_is_asked_how_it_is_after_some_breaks():
    """Again after as many more."""
    settlement = Settlement(a_job(), True, [])
    broke = [settlement.broke() for _ in range(2 * BREAKS)]
    assert [number for number, asks in enumerate(broke, 1) if asks] == [BREAKS, 2 * BREAKS]
