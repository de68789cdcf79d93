"""All workers together: how many live, which are dead or long at one job, and which queues are served."""

import pytest

from pyresque.client.fleet import Fleet, fleet_of
from pyresque.client.info import WorkerInfo
from pyresque.wire.records import WorkingOn


def worker(number, queues="*", **more):
    return WorkerInfo(
        f"h:{number}:{queues}", None, "", "", 0, 0, **{"language": "python", "is_alive": True, **more}
    )


def test_they_are_counted_by_what_is_known_of_them():
    job = WorkingOn.parse(b'{"queue":"q","payload":{"class":"A","args":[]}}')
    busy = WorkerInfo("h:9:q", job, "", "", 0, 0, language="ruby", is_alive=True, working_for=50.0)
    fleet = fleet_of([worker(1), worker(2, is_alive=None), worker(3, is_alive=False), busy], None)
    assert (fleet.total, fleet.alive, fleet.unknown, fleet.dead, fleet.working) == (4, 2, 1, ["h:3:*"], 1)


def test_those_that_are_long_at_one_job_come_the_longest_first_and_the_dead_are_not_among_them():
    workers = [worker(n, working_for=float(10 * n), is_alive=n != 4) for n in range(1, 6)]
    assert fleet_of(workers, 25.0).long == [("h:5:*", 50.0), ("h:3:*", 30.0)]
    assert fleet_of(workers, None).long == []


@pytest.mark.parametrize(
    ("workers", "served", "by_ruby"),
    [
        ([], False, False),
        ([worker(1, "mail")], True, False),
        ([worker(1, "ma*,x")], True, False),
        ([worker(1, "other")], False, False),
        ([worker(1, "mail", is_alive=False)], False, False),
        ([worker(1, "mail", language="ruby")], True, True),
        ([worker(1, "*", language=None, is_alive=None)], True, True),
    ],
)
def test_a_queue_is_served_by_those_that_are_not_dead(workers, served, by_ruby):
    fleet = fleet_of(workers, None)
    assert (fleet.serves("mail"), fleet.serves_in_ruby("mail")) == (served, by_ruby)


def test_nobody_serves_nothing():
    assert not Fleet().serves("mail")
