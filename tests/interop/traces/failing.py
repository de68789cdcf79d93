"""What is done with recorded failures. Ruby names a record by its place in the list.

See docs/protocol/core.md#failures.
"""

from __future__ import annotations

import os
from typing import Any

from pyresque.failure import Failure, RedisMultiQueue
from pyresque.wire.records import FailureRecord
from tests.interop.traces.play import RUBY_ONLY, Play, scenario


def at(play: Play, index: int, list_name: str = "failed") -> FailureRecord:
    """The record that Ruby calls by this number."""
    (record,) = play.resque.failures.list(index, 1, list_name=list_name)
    return record


@scenario
def failure_list(play: Play) -> list[Any]:
    """`failures.count`, `list` and `each` (in pyresque: oldest first)."""
    failures = play.resque.failures
    (first,) = failures.list(0, 1)
    each = [[place, record.class_name] for place, record in enumerate(failures.each())]
    looks = [failures.count(), first.payload, [record.payload for record in failures.list(0, 2)]]
    return [*looks, *reversed(each), failures.count(class_name="Job1")]


@scenario
def failure_requeue(play: Play) -> list[Any]:
    """`failures.requeue` of a record."""
    assert play.resque.failures.requeue(at(play, 1)) is True
    return [RUBY_ONLY]


@scenario
def failure_requeue_queue(play: Play) -> None:
    """`failures.requeue_queue`."""
    assert play.resque.failures.requeue_queue("jobs") == 2


@scenario
def failure_remove(play: Play) -> list[Any]:
    """`failures.remove` of a record."""
    return [play.resque.failures.remove(at(play, 1))]


@scenario
def failure_clear(play: Play) -> list[Any]:
    """`failures.clear`."""
    play.resque.failures.clear()
    return [RUBY_ONLY]


@scenario
def failure_clear_retried(play: Play) -> None:
    """`failures.clear_retried`."""
    assert play.resque.failures.clear_retried() == 2


@scenario
def failure_id_requeue_remove(play: Play) -> None:
    """`failures.requeue` by failure_id, twice; of a record without one; `remove` by id; `clear_retried`."""
    failures = play.resque.failures
    first, third = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
    assert failures.requeue(first)
    assert failures.requeue(first)
    assert failures.requeue(at(play, 1))
    assert [list(record.value)[-3:] for record in failures.list()] == [
        ["failure_id", "note", "retried_at"],
        ["worker", "queue", "retried_at"],
        ["worker", "queue", "failure_id"],
    ]
    assert failures.remove(third)
    assert failures.clear_retried() == 2


@scenario
def failure_id_off(play: Play) -> None:
    """`Resque(failure_ids=False)`; a `Failure` that already has an id keeps it."""
    play.work(TRACE_FAILURE_IDS="off")
    resque = play.client(failure_ids=False)
    worker = play.fill(f"<HOST>:{os.getpid()}:jobs")
    failure = Failure(
        payload=b'{"class":"FailJob","args":[2]}',
        exception="RuntimeError",
        error="by hand",
        backtrace=[],
        worker=worker,
        queue="jobs",
        failure_id="my-id",
    )
    for command in resque.failure_backend.effects(failure, resque.space.keys, resque.space.style):
        resque.link.execute(*command)


@scenario
def multi_failure_requeue(play: Play) -> None:
    """`failures.requeue` of a record in `Q_failed`: retried_at without zone."""
    play.client(failure=RedisMultiQueue()).failures.requeue(at(play, 1, "jobs_failed"))


@scenario
def multi_failure_requeue_all(play: Play) -> None:
    """`failures.requeue_all` with the multi-queue backend: in each list the newest first."""
    assert play.client(failure=RedisMultiQueue()).failures.requeue_all() == 3


@scenario
def multi_failure_remove_clear(play: Play) -> list[Any]:
    """`failures.count`, `lists`, `remove`, `remove_queue`, `clear` with the multi-queue backend."""
    failures = play.client(failure=RedisMultiQueue()).failures
    lists = [name for name in failures.lists() if name != "failed"]
    looks = [failures.count(), failures.count(list_name="jobs_failed"), lists]
    removed = [failures.remove(at(play, 0, "jobs_failed")), failures.remove_queue("other")]
    failures.clear()
    return [*looks, *removed, RUBY_ONLY]
