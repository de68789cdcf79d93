"""Clients and administrators: enqueue, enqueue_many, dequeue, pop, requeue, remove, unregister."""

from __future__ import annotations

import json
from typing import Any

from pyresque import Resque
from pyresque.store import queues, stats
from pyresque.worker.loop import unregister
from tests.model.actor import Me, Program
from tests.model.cast import calls, client, undertaker, worker, worker_at_work
from tests.model.checks import nobody_is_left, once, places, records
from tests.model.world import Check, Final, Unavailable, World, number_of
from tests.model.worlds.work import odd_forms, waiting


def enqueueing(*numbers: int) -> Program:
    """A client that enqueues these jobs, one at a time or several in one call."""
    if len(numbers) == 1:
        return calls(lambda resque: resque.enqueue("Good", numbers[0], queue="jobs"))
    return calls(lambda resque: resque.enqueue_many([("Good", n) for n in numbers], "jobs"))


def _enqueued(final: Final) -> None:
    """A job is there exactly if its client says so; what a client that died or was not sure wanted may be."""
    nobody_is_left(final)
    for name, numbers, good in (("one", (1,), True), ("many", (2, 3), 2)):
        result = final.results[name]
        there = sum(bool(final.begun(n) or places(final.after, n) or records(final, n)) for n in numbers)
        assert there in (0, len(numbers)), "a part of a batch was enqueued"
        if isinstance(result, Unavailable):
            assert result.maybe_done or not there, f"{name} was told that its job is not there, and it is"
        elif result is not None:
            assert result == good, f"{name} was told {result!r}"
        if there or result == good:
            once(final, dict.fromkeys(numbers, "Good"))


def removed(call: Program, numbers: tuple[int, ...]) -> dict[str, Program]:
    """A client that removes jobs while a worker takes them."""
    return {"client": call, "a": worker_at_work()}


def _run_or_removed(numbers: tuple[int, ...], gone: Any) -> Check:
    """Each job was run or was removed; `gone(answer)` says how many the call has removed."""

    def check(final: Final) -> None:
        nobody_is_left(final)
        run = 0
        for number in numbers:
            if final.begun(number) or places(final.after, number) or records(final, number):
                once(final, {number: "Good"})
                run += 1
        if final.results["client"] is None and "client" not in final.dead:
            assert run == len(numbers), "a job is gone, and nothing was said"
        elif (said := final.said("client")) is not None:
            assert run + gone(said) == len(numbers), f"{run} were run, and the client was told {said!r}"

    return check


def _move_two(resque: Resque) -> Any:
    ids = [one.id for one in resque.jobs("jobs") if one.args != [1]]
    return resque.jobs("jobs").select(ids=ids).move_to("others")


def _moved(final: Final) -> None:
    """The second and third job are on the other queue, in their order, or where they were: as was said."""
    here, there = ([number_of(raw) for raw in final.before[f"queue:{queue}"]] for queue in ("jobs", "others"))
    result = final.said("client")
    assert sorted(here + there) == [1, 2, 3], f"{here} and {there}: lost or doubled"
    assert (here, there) in (([1, 2, 3], []), ([1], [2, 3])), f"{here} and {there}"
    assert result is None or (result.done == len(there) == 2 and result.skipped == {}), f"{result} was said"
    assert not there or b"others" in final.before["queues"], "the other queue is not known"
    assert there or not final.is_calm, "nothing was moved"


def _in_front(final: Final) -> None:
    """The third job is in front of the others, unless it was popped, or nothing was said."""
    here = [number_of(raw) for raw in final.before["queue:jobs"]]
    popped, moved = final.said("other"), final.said("client")
    gone = [] if popped is None else popped["args"]
    assert len(here) >= 2, f"{here}: something is lost"
    assert len(set(here)) == len(here), f"{here}: something is doubled"
    assert "other" in final.dead | final.unsure or sorted(here + gone) == [1, 2, 3], f"{here} and {gone}"
    if moved is not None:
        assert moved.done + sum(moved.skipped.values()) == 1, f"{moved} was said"
        assert moved.done == 0 or here[0] == 3 or 3 not in here, f"{here}: it is not in front"
    assert moved is not None or not final.is_calm, "nothing was moved"
    assert here in ([1, 2, 3], [3, 1, 2], [2, 3], [3, 2], [1, 2]), f"{here}: out of order"


def _queue_removed(final: Final) -> None:
    nobody_is_left(final)
    for number in (1, 2, 3):
        assert final.begun(number) <= 1, f"job {number} was begun {final.begun(number)} times"
    if final.said("client") and final.begun(3) == 0 and not records(final, 3):
        assert final.said("remover") is not False, "job 3 is gone, and nobody has removed it"


def failed(*numbers: int) -> Program:
    """Jobs that have failed, and wait for somebody to put them back."""

    def fail(resque: Resque) -> None:
        from pyresque.failure import Failure, Recorder

        recorder = Recorder(resque.space, resque.failure_backend)
        for number in numbers:
            payload = b'{"class":"Good","args":[%d]}' % number
            one = Failure(payload, "E", "e", [], "host:1:jobs", "jobs", failure_id=None)
            resque.link.execute_many(recorder.effects(one))

    return calls(fail)


def _requeued(final: Final) -> None:
    """Two have put a job back: it runs as often as somebody was told that it was put back."""
    nobody_is_left(final)
    told = [final.said(name) for name in ("one", "two")]
    begun = final.begun(1)
    of_the_test = [one for one in final.after.failures() if one.text("exception") == "E"]
    assert len(of_the_test) == 1, "one record has become several, or none"
    if None not in told and not final.dead:
        assert begun == sum(told), f"job 1 was begun {begun} times, and {told} was said"
    # Who puts everything back puts back what has failed since, too.
    assert begun <= 2 + len(final.gone | final.dead), f"job 1 was begun {begun} times"
    assert begun or records(final, 1), "job 1 is lost"


def _requeued_or_removed(final: Final) -> None:
    """Of two equal records one is put back and one is removed."""
    nobody_is_left(final)
    begun, left = final.begun(1), len(final.after.failures())
    put_back, gone = final.said("admin"), final.said("remover")
    assert put_back is None or begun == put_back, f"begun {begun} times, and {put_back!r} was said"
    assert gone is None or left == 2 - gone, f"{left} records are left of 2, and {gone!r} was said"


def _cleared(final: Final) -> None:
    nobody_is_left(final)
    left, gone = len(final.after.failures()), final.said("remover")
    assert gone is None or left == 2 - gone, "more or less was removed than was said"
    for number in (1, 2):
        if final.said("admin") is not None or final.begun(number):
            once(final, {number: "Good"})


def _unregistered(final: Final) -> None:
    """A worker that lives was taken out of the books: its job may have failed and run, no other."""
    nobody_is_left(final)
    doubtful = 0
    for number in (1, 2):
        assert final.begun(number) <= 1, f"job {number} was begun {final.begun(number)} times"
        failed = records(final, number)
        assert len(failed) <= 1, f"job {number} has {len(failed)} records"
        assert failed or final.ended(number), f"job {number} is lost"
        doubtful += bool(failed)
    if not final.dead and not final.gone:
        assert doubtful <= 1, "two jobs of one removed worker have failed"


def _all_cleared(final: Final) -> None:
    """What was there is gone, unless it could not be done; what was put back in time has run, once."""
    nobody_is_left(final)
    begun = [final.begun(number) for number in (1, 2)]
    assert max(begun) <= 1, f"begun {begun} times"
    left = len(final.after.failures())
    assert not left or "cleared" not in (final.said("one"), final.said("two")), f"{left} records are left"
    if (said := final.said("admin")) is not None:
        assert sum(begun) == said, f"begun {begun} times, and {said!r} was said"


def aside(me: Me) -> None:
    """An element that is not a job was put aside, and has a record."""
    queues.push(client().space, {"jobs": [b"no json"]})
    worker()(me)


def _by_the_button(me: Me) -> None:
    """The same, and somebody has pressed Retry in resque-web: Ruby pushes the payload of the record."""
    aside(me)
    resque = client()
    payload = json.dumps(resque.failures.list()[0].payload, separators=(",", ":")).encode()
    queues.push(resque.space, {"jobs": [payload]})


def _aside_once(final: Final) -> None:
    """Wherever it has been, its bytes are there once."""
    nobody_is_left(final)
    waits = [raw for key in final.after.keys("queue:", "pyresque:aside:") for raw in final.after[key]]
    assert waits == [b"no json"], f"what was put aside is now {waits}"
    again = [one for one in final.after.failures() if not one.value.get("retried_at")]
    assert again, "nothing tells of it"


def _counted(final: Final) -> None:
    nobody_is_left(final)
    count = final.after.number("stat:mine")
    unknown = sum(final.said(name) is None for name in ("one", "two"))
    assert 4 - 2 * unknown <= count <= 4, f"counted {count}"


def _world(name: str, setup: Program, actors: dict[str, Program], check: Check, **more: Any) -> World:
    return World(name, setup, actors, check, **{"closing": undertaker(), "ready": "ab", **more})


WORLDS = [
    _world(
        "two clients and a worker",
        waiting(),
        {"one": enqueueing(1), "many": enqueueing(2, 3), "a": worker_at_work()},
        _enqueued,
    ),
    _world(
        "a client alone",
        waiting(),
        {"one": enqueueing(1), "many": enqueueing(2, 3)},
        _enqueued,
        faults=(2, 3),
    ),
    _world(
        "dequeue",
        waiting("Good", "Good"),
        removed(calls(lambda resque: resque.dequeue("Good", 2, queue="jobs")), (1, 2)),
        _run_or_removed((1, 2), int),
    ),
    _world(
        "dequeue of a class",
        waiting("Good", "Good"),
        removed(calls(lambda resque: resque.dequeue("Good", queue="jobs")), (1, 2)),
        _run_or_removed((1, 2), int),
    ),
    _world(
        "pop",
        waiting("Good", "Good"),
        removed(calls(lambda resque: resque.pop("jobs")), (1, 2)),
        _run_or_removed((1, 2), bool),
    ),
    _world(
        "a queue is removed",
        waiting("Good", "Good"),
        {
            "client": enqueueing(3),
            "remover": calls(lambda resque: resque.remove_queue("jobs")),
            "a": worker_at_work(),
        },
        _queue_removed,
        faults=(0, 1),
    ),
    _world(
        "a queue is emptied",
        waiting("Good", "Good"),
        removed(calls(lambda resque: resque.empty("jobs")), (1, 2)),
        _run_or_removed((1, 2), int),
    ),
    _world(
        "jobs are moved to another queue",
        waiting("Good", "Good", "Good"),
        {"client": calls(_move_two)},
        _moved,
        faults=(2, 2),
    ),
    _world(
        "a job is moved to the front while another one is popped",
        waiting("Good", "Good", "Good"),
        {
            "client": calls(lambda resque: resque.jobs("jobs").select(text="[3]").to_front()),
            "other": calls(lambda resque: resque.pop("jobs")),
        },
        _in_front,
        faults=(1, 1),
    ),
    _world(
        "jobs are moved to another queue while a worker takes them",
        waiting("Good", "Good"),
        {
            "client": calls(lambda resque: resque.jobs("jobs").move_to("others")),
            "a": worker_at_work("jobs", "others"),
        },
        _run_or_removed((1, 2), lambda said: 0),
    ),
    _world(
        "two put the same job back",
        failed(1),
        {name: calls(lambda resque: resque.failures.requeue_all()) for name in ("one", "two")}
        | {"a": worker_at_work()},
        _requeued,
        faults=(0, 1),
    ),
    _world(
        "equal records, one is put back and one removed",
        failed(1, 1),
        {
            "admin": calls(lambda resque: resque.failures.requeue(resque.failures.list()[0])),
            "remover": calls(lambda resque: resque.failures.remove(resque.failures.list()[1])),
        },
        _requeued_or_removed,
    ),
    _world(
        "retried ones are cleared",
        failed(1, 2),
        {
            "admin": calls(lambda resque: resque.failures.requeue_all()),
            "remover": calls(lambda resque: resque.failures.clear_retried()),
        },
        _cleared,
        faults=(1, 2),
    ),
    _world(
        "failures are cleared by two",
        failed(1, 2),
        {
            "one": calls(lambda resque: resque.failures.clear(), lambda resque: "cleared"),
            "two": calls(lambda resque: resque.failures.clear(), lambda resque: "cleared"),
            "admin": calls(lambda resque: resque.failures.requeue_all()),
        },
        _all_cleared,
        faults=(0, 1),
    ),
    _world(
        "what was put aside is put back",
        aside,
        {
            "one": calls(lambda resque: resque.failures.requeue_all()),
            "two": calls(lambda resque: resque.failures.requeue_all()),
            "a": worker_at_work(),
        },
        _aside_once,
        faults=(0, 1),
    ),
    _world(
        "what was put aside comes by Ruby's button",
        _by_the_button,
        {"a": worker_at_work()},
        _aside_once,
        faults=(1, 2),
    ),
    _world(
        "two clients count",
        lambda me: None,
        {name: calls(lambda resque: stats.increase(resque.space, "mine", 2)) for name in ("one", "two")},
        _counted,
        faults=(2, 3),
    ),
    _world(
        "a worker is taken out of the books",
        waiting("Good", "Good"),
        {"a": worker_at_work(), "admin": calls(lambda resque: unregister(resque, "host:100:jobs"))},
        _unregistered,
        ready="a",
    ),
    _world(
        "odd elements, and a worker is taken out of the books",
        odd_forms(1, 2),
        {"a": worker_at_work(), "admin": calls(lambda resque: unregister(resque, "host:100:jobs"))},
        _unregistered,
        ready="a",
        faults=(1, 1),
    ),
]
