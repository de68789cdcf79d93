"""Workers at work: take, hand to the job's process, settle, advance, unregister, prune, put back."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any

from pyresque.config import Recover, Unknown
from pyresque.errors import RedisError
from pyresque.store import queues
from tests.model.actor import Me, Program
from tests.model.cast import calls, client, late, sends, undertaker, worker, worker_at_work
from tests.model.checks import counted, each_job_once, nobody_is_left, once, records
from tests.model.world import Final, World


def waiting(*names: str) -> Program:
    """These jobs are on the queue, numbered from 1 on."""
    return calls(lambda resque: resque.enqueue_many([(name, n) for n, name in enumerate(names, 1)], "jobs"))


ODD = b'{"args": [1], "class": "Good"}'
"""Job 1 in a form that the script leaves to Python."""


def _odd_elements(me: Me) -> None:
    """Jobs in forms that the script leaves to Python, one of a class that nobody knows, and no job."""
    elements = [
        ODD,
        b"no json",
        b'{"class":"UnknownJobs","args":[2]}',
        b'{"class":"Good","args":[3]}',
    ]
    queues.push(client().space, {"jobs": elements})


def odd_forms(*numbers: int) -> Program:
    """Good jobs in a form that the script leaves to Python."""

    def program(me: Me) -> None:
        queues.push(client().space, {"jobs": [b'{"args": [%d], "class": "Good"}' % n for n in numbers]})

    return program


def _one_between(me: Me) -> None:
    queues.push(client().space, {"jobs": [ODD, b'{"class":"Good","args":[2]}', ODD]})


def _twice(final: Final) -> None:
    """A job that was enqueued twice: each has ended, or has failed with whoever had it. So has the other."""
    nobody_is_left(final)
    once(final, {2: "Good"})
    counted(final, (1, 2))
    begun, failed = final.begun(1), records(final, 1)
    assert begun <= 2, f"begun {begun} times"
    assert final.ended(1) + len(failed) >= 2, "one of them is lost"
    assert not failed or final.dead or final.gone, "one of them has failed"


def _odd_elements_are_where_they_belong(final: Final) -> None:
    nobody_is_left(final)
    once(final, {1: "Good", 3: "Good"})
    assert final.after["queue:jobs"] == (b'{"class":"UnknownJobs","args":[2]}',), (
        "the foreign job is not where it was"
    )
    assert final.after["pyresque:aside:queue:jobs"] == (b"no json",), "what is not a job is not aside once"
    told = [one for one in final.after.failures() if "DecodeException" in (one.text("exception") or "")]
    assert len(told) == 1, f"what is not a job has {len(told)} records"


def _parked(final: Final) -> None:
    nobody_is_left(final)
    once(final, {1: "Good"})
    assert final.after["queue:jobs"] == (), "a foreign job was left"
    assert final.after["queue:lot"] == (b'{"class":"UnknownJobs","args":[2]}',), (
        "the foreign job was not parked once"
    )


def _pruned_alive(final: Final) -> None:
    """Nobody was killed; but who beats too late is taken for dead."""
    nobody_is_left(final)
    failed = records(final, 1)
    assert final.begun(1) <= 1, f"job 1 was begun {final.begun(1)} times"
    assert len(failed) <= 1, f"job 1 has {len(failed)} records"
    assert failed or final.ended(1), "job 1 is lost"


def _leaves(final: Final) -> None:
    """A worker that is told to leave while Redis is away may say so; what it had is where it belongs."""
    error = final.results["a"]
    assert error is None or isinstance(error, RedisError), f"it ended with {error!r}"
    nobody_is_left(replace(final, results={}))
    once(final, TWO, leaving=True)
    counted(final, TWO)


def _world(name: str, setup: Program, actors: dict[str, Program], check: Any, **more: Any) -> World:
    return World(name, setup, actors, check, **{"closing": undertaker(), **more})


TWO = {1: "Good", 2: "Good"}

WORLDS = [
    _world(
        "two workers",
        waiting("Good", "Bad"),
        {"a": worker_at_work(), "b": worker_at_work()},
        each_job_once({1: "Good", 2: "Bad"}),
        ready="ab",
    ),
    _world(
        "one worker, three jobs",
        waiting("Good", "Bad", "Good"),
        {"a": worker_at_work()},
        each_job_once({1: "Good", 2: "Bad", 3: "Good"}),
        ready="a",
    ),
    _world(
        "a whole life",
        waiting("Good"),
        {"a": worker()},
        each_job_once({1: "Good"}),
        faults=(1, 2),
    ),
    _world(
        "a new worker beside an old one",
        waiting("Good", "Good"),
        {"old": worker_at_work(), "new": worker()},
        each_job_once(TWO),
        ready=["old"],
        faults=(0, 1),
    ),
    _world(
        "two new workers beside a dead one",
        waiting("Good"),
        {"dead": worker_at_work(), "new": worker(), "newer": worker()},
        each_job_once({1: "Good"}),
        ready=["dead"],
        faults=(0, 1),
    ),
    _world(
        "two workers that would have one id",
        waiting("Good", "Good"),
        {"a": worker(), "b": worker()},
        each_job_once(TWO),
        namesakes="ab",
        faults=(0, 0),
    ),
    _world(
        "a worker that is replaced under its id",
        waiting("Good", "Good"),
        {"a": worker_at_work(), "b": worker()},
        each_job_once(TWO),
        ready="a",
        namesakes="ab",
        faults=(0, 1),
    ),
    _world(
        "a worker that stood still, and is replaced under its id",
        waiting("Good"),
        {"a": worker_at_work(), "b": late(400, worker())},
        _pruned_alive,
        ready="a",
        namesakes="ab",
        is_timeless=False,
        faults=(0, 0),
    ),
    _world(
        "in one process",
        waiting("Good", "Bad"),
        {"a": worker_at_work(fork_per_job=False), "b": worker_at_work(fork_per_job=False)},
        each_job_once({1: "Good", 2: "Bad"}),
        ready="ab",
        faults=(0, 1),
        without="g",
    ),
    _world(
        "told to leave",
        waiting("Good", "Good"),
        {"a": worker_at_work(), "admin": sends("a", signal.SIGQUIT)},
        _leaves,
        ready="a",
        is_timeless=False,
    ),
    _world(
        "told to leave twice",
        waiting("Good", "Good"),
        {"a": worker_at_work(), "admin": sends("a", signal.SIGTERM, signal.SIGTERM)},
        _leaves,
        ready="a",
        faults=(0, 1),
        is_timeless=False,
    ),
    _world(
        "paused and going on",
        waiting("Good"),
        {"a": worker_at_work(), "admin": sends("a", signal.SIGUSR2, signal.SIGCONT)},
        each_job_once({1: "Good"}),
        ready="a",
        is_timeless=False,
        faults=(0, 1),
    ),
    _world(
        "put back by who prunes",
        waiting("Good"),
        {"old": worker_at_work(), "new": worker(recover=Recover("requeue"))},
        each_job_once({1: "Good"}, most=3),
        ready=["old"],
        closing=undertaker(recover=Recover("requeue")),
    ),
    _world(
        "pruned alive",
        waiting("Good"),
        {"old": worker_at_work(), "new": late(400, worker())},
        _pruned_alive,
        ready=["old"],
        is_timeless=False,
        faults=(0, 0),
    ),
    _world(
        "odd elements",
        _odd_elements,
        {"a": worker_at_work(), "b": worker_at_work()},
        _odd_elements_are_where_they_belong,
        ready="ab",
        faults=(0, 1),
    ),
    _world(
        "one worker, odd elements",
        _odd_elements,
        {"a": worker_at_work()},
        _odd_elements_are_where_they_belong,
        ready="a",
        faults=(1, 2),
    ),
    _world("equal odd elements", _one_between, {"a": worker_at_work()}, _twice, ready="a", faults=(1, 2)),
    _world(
        "odd elements, and a worker that is replaced under its id",
        odd_forms(1, 2),
        {"a": worker_at_work(), "b": worker()},
        each_job_once(TWO),
        ready="a",
        namesakes="ab",
        faults=(0, 0),
    ),
    _world(
        "foreign jobs are parked",
        calls(lambda resque: resque.enqueue_many([("UnknownJobs", 2), ("Good", 1)], "jobs")),
        {
            "a": worker_at_work(unknown=Unknown("park", "lot")),
            "b": worker_at_work(unknown=Unknown("park", "lot")),
        },
        _parked,
        ready="ab",
        faults=(0, 1),
    ),
]
