"""A client that makes one call after the other: what comes late of the first undoes nothing of the second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyresque import Resque
from pyresque.failure import Failure, Recorder
from pyresque.store import queues
from tests.model.actor import Me, Program
from tests.model.cast import calls, client, good, other, scheduler, undertaker, worker
from tests.model.checks import nobody_is_left, once
from tests.model.surroundings import EPOCH
from tests.model.world import Check, Final, Unavailable, World
from tests.model.worlds.clients import aside, failed
from tests.model.worlds.delayed import DUE, LATER, ODD, delayed_jobs
from tests.model.worlds.schedule import TICK
from tests.model.worlds.work import waiting


def _all_done(also: Callable[[Final], None]) -> Check:
    """Who was told that everything is done finds it so."""

    def check(final: Final) -> None:
        nobody_is_left(final)
        result = final.results["client"]
        if result is not None and not isinstance(result, Unavailable):
            also(final)

    return check


def _fails(number: int) -> Callable[[Resque], Any]:
    """A call that records a failure of this job."""

    def call(resque: Resque) -> None:
        payload = b'{"class":"Good","args":[%d]}' % number
        failure = Failure(payload, "E", "e", [], "host:1:jobs", "jobs", failure_id=None)
        for command in Recorder(resque.space, resque.failure_backend).effects(failure):
            resque.link.execute(*command)

    return call


def _only_the_second_has_failed(final: Final) -> None:
    numbers = [one.payload["args"][0] for one in final.before.failures()]
    assert numbers == [2], f"recorded are {numbers}"


def _only_the_third_runs(final: Final) -> None:
    once(final, {3: "Good"})
    assert final.begun(1) + final.begun(2) == 0, "a removed job has run"


def _twice_at_its_new_second(final: Final) -> None:
    assert final.said("client") == 2, f"it was told {final.said('client')}"
    waits = final.before.numbers(f"delayed:{LATER}")
    assert waits[1] == 2, f"it waits {waits[1]} times"


def _is_empty(*heads: str) -> Check:
    def check(final: Final) -> None:
        left = final.before.keys(*heads)
        assert not left, f"left behind: {left}"

    return check


def _is_removed(final: Final) -> None:
    assert dict(final.before["persistent_schedules"]) == {}, "the entry is there again"
    assert final.before["schedules_changed"] == (b"tick",), "Ruby does not hear of it"


def _both_run(final: Final) -> None:
    once(final, {1: "Good", 2: "Good"})
    assert final.before.numbers("queue:others") == {2: 1}, "a job is on the wrong queue"


def _two_aside(me: Me) -> None:
    aside(me)
    queues.push(client().space, {"others": [b"nor this"]})
    worker("others")(me)


def _the_other_stays(final: Final) -> None:
    before = final.before
    waits = (before["queue:jobs"], before["queue:others"])
    assert waits == ((b"no json",), ()), f"on the queues is {waits}"
    left = [raw for key in before.keys("pyresque:aside:queue") for raw in before[key]]
    assert left == [b"nor this"], f"aside is {left}"
    marked = [one.payload["args"][-1] for one in before.failures() if one.value.get("retried_at")]
    assert marked == ["no json"], f"marked is {marked}"


def _aside_from_its_second(me: Me) -> None:
    delayed_jobs((DUE, "Refused", 1), jobs_of=ODD)(me)
    scheduler(1, ODD)(me)


def _is_delayed_again(final: Final) -> None:
    before = final.before
    assert sum(before.numbers("delayed:1").values()) == 1, "it is not where it was"
    assert not before.keys("pyresque:aside"), "it is aside, too"


def _put_back_first(resque: Resque) -> None:
    [record] = [one for one in resque.failures.list(0, 9) if one.payload["args"][-1] == "no json"]
    resque.failures.requeue(record)


def _nothing(me: Any) -> None:
    """Redis is empty."""


def _world(name: str, setup: Program, check: Check, *each: Callable[[Resque], Any]) -> World:
    client = calls(*each, lambda resque: True) if len(each) > 1 else calls(*each)
    return World(name, setup, {"client": client}, _all_done(check), undertaker(), faults=(2, 3))


WORLDS = [
    _world(
        "failures are cleared, and another comes",
        failed(1, 1),
        _only_the_second_has_failed,
        lambda resque: resque.failures.clear(),
        _fails(2),
    ),
    _world(
        "equal failures are removed, and another comes",
        failed(1, 1),
        _only_the_second_has_failed,
        lambda resque: [resque.failures.remove(one) for one in reversed(resque.failures.list(0, 9))],
        _fails(2),
    ),
    _world(
        "what was put aside is cleared",
        aside,
        _is_empty("failed", "pyresque:aside"),
        lambda resque: resque.failures.clear(),
        lambda resque: None,
    ),
    _world(
        "what was put aside is removed",
        aside,
        _is_empty("failed", "pyresque:aside"),
        lambda resque: resque.failures.remove(resque.failures.list()[0]),
        lambda resque: None,
    ),
    _world(
        "a queue is removed, and a job comes",
        waiting("Good", "Good"),
        _only_the_third_runs,
        lambda resque: resque.remove_queue("jobs"),
        lambda resque: resque.enqueue("Good", 3, queue="jobs"),
    ),
    _world(
        "a job that is delayed twice is put off",
        delayed_jobs((DUE, "Good", 1), (DUE, "Good", 1)),
        _twice_at_its_new_second,
        lambda resque: resque.delay_or_enqueue_at(LATER, "Good", 1, queue="jobs"),
    ),
    _world(
        "what is not delayed is removed",
        delayed_jobs((LATER, "Good", 1)),
        lambda final: once(final, {1: "Good"}),
        lambda resque: resque.remove_delayed_job_from_timestamp(LATER, "Good", 9, queue="jobs"),
        lambda resque: None,
    ),
    _world(
        "all delayed jobs are forgotten",
        delayed_jobs((DUE, "Good", 1), (DUE, "Good", 2)),
        _is_empty("delayed", "timestamps"),
        lambda resque: resque.reset_delayed_queue(),
        lambda resque: None,
    ),
    _world(
        "one of two that were put aside is put back",
        _two_aside,
        _the_other_stays,
        _put_back_first,
        lambda resque: None,
    ),
    _world(
        "what was put aside from a second is put back",
        _aside_from_its_second,
        _is_delayed_again,
        lambda resque: resque.failures.requeue(resque.failures.list()[0]),
        lambda resque: None,
    ),
    _world(
        "jobs for two queues",
        _nothing,
        _both_run,
        lambda resque: resque.enqueue_many([(good, 1), (other, 2)]),
        lambda resque: None,
    ),
    _world(
        "a job is enqueued where no queue was",
        _nothing,
        lambda final: once(final, {1: "Good"}),
        lambda resque: resque.delay_or_enqueue_at(EPOCH - 5, "Good", 1, queue="jobs"),
        lambda resque: None,
    ),
    _world(
        "an entry is written and removed",
        _nothing,
        _is_removed,
        lambda resque: resque.set_schedule("tick", job="Good", **TICK),
        lambda resque: resque.remove_schedule("tick"),
    ),
]
