"""Delayed and recurring jobs with a status: resque-status makes the status when they are due.

See docs/protocol/core.md#resque-status.

Its classes have a `scheduled` of their own
(docs/protocol/scheduler.md#from-an-item-to-a-job), which is what resque-scheduler calls.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from pyresque import Resque, Retry, job
from pyresque.plugins import Statuses
from pyresque.scheduler.due import Mover
from tests.redis.plugins.conftest import Works

Move = Callable[[Resque], object]


def by_scheduler(resque: Resque) -> object:
    """Move every delayed job as the scheduler does when it is due."""
    return Mover(resque.space, resque.registry).move_all(now=time.time() + 1000)


def by_hand(resque: Resque) -> object:
    """Move every delayed job now."""
    return resque.enqueue_found(resque.find_delayed())


def crunching(resque: Resque, **settings: Any) -> tuple[Statuses, Any]:
    """A job that does nothing, or fails, and its plugin."""
    statuses = Statuses(resque)

    @job(queue="heavy", name="Crunch", plugins=[statuses], registry=resque.registry, **settings)
    def crunch(uuid: str, options: dict[str, Any]) -> None:
        if options.get("fails"):
            raise ValueError

    return statuses, crunch


def check_queued(resque: Resque, statuses: Statuses, options: dict[str, Any]) -> None:
    """One job waits, with a status of its own."""
    [status] = statuses.list()
    assert (status["status"], status["options"]) == ("queued", options)
    waiting = resque.peek("heavy", 0, 10)
    assert waiting == [{"class": "Crunch", "args": [status["uuid"], options]}]


@pytest.mark.parametrize("move", [by_scheduler, by_hand])
@pytest.mark.parametrize("args", [[], [{"num": 2}]])
def test_a_delayed_job_gets_its_status_when_it_is_due(resque: Resque, args: list[Any], move: Move) -> None:
    """Ruby's `Resque.enqueue_in(60, Crunch, "num" => 2)` delays the options alone."""
    statuses, _ = crunching(resque)
    resque.enqueue_in(60, "Crunch", *args, queue="heavy")
    assert statuses.list() == []
    move(resque)
    check_queued(resque, statuses, args[0] if args else {})
    assert resque.count_all_scheduled_jobs() == 0


def test_so_does_one_that_recurs(resque: Resque) -> None:
    """Each run has a status."""
    statuses, _ = crunching(resque)
    resque.write_schedule("nightly", {"cron": "0 3 * * *", "class": "Crunch", "args": {"num": 2}})
    assert resque.run_schedule("nightly")
    check_queued(resque, statuses, {"num": 2})


def test_as_custom_job_class_it_makes_a_job_of_its_own_class(resque: Resque) -> None:
    """Ruby's `scheduled` enqueues `self`, whatever class the entry names."""
    statuses, _ = crunching(resque)
    named = {"class": "Other", "custom_job_class": "Crunch", "queue": "heavy", "args": {}}
    resque.write_schedule("nightly", {"cron": "0 3 * * *", **named})
    assert resque.run_schedule("nightly")
    check_queued(resque, statuses, {})


@pytest.mark.parametrize("move", [by_scheduler, by_hand])
def test_a_retry_keeps_its_uuid(resque: Resque, works: Works, move: Move) -> None:
    """A job that has a status already goes back as it is."""
    statuses, crunch = crunching(resque, retry=Retry(limit=2, backoff=60))
    uuid = statuses.create(crunch, fails=True)
    works.burst("heavy")
    move(resque)
    assert resque.peek("heavy", 0, 10) == [{"class": "Crunch", "args": [uuid, {"fails": True}]}]
    assert [one["uuid"] for one in statuses.list()] == [uuid]


@pytest.mark.parametrize("args", [[1], [{}, {}], [None]])
def test_other_arguments_are_an_error(resque: Resque, args: list[Any]) -> None:
    """The scheduler puts such a job aside."""
    statuses, _ = crunching(resque)
    resque.enqueue_in(60, "Crunch", *args, queue="heavy")
    by_scheduler(resque)
    assert (resque.size("heavy"), statuses.list(), resque.count_all_scheduled_jobs()) == (0, [], 0)


def test_a_job_with_a_uuid_that_is_due_already_is_enqueued_as_it_is(resque: Resque) -> None:
    """Whoever gives a UUID has made the status, or wants none."""
    statuses, crunch = crunching(resque)
    resque.enqueue_in(0, crunch, "f00", {})
    assert resque.peek("heavy", 0, 10) == [{"class": "Crunch", "args": ["f00", {}]}]
    assert statuses.list() == []
