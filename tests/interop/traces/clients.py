"""What a client does: enqueue, dequeue, look (docs/protocol/core.md#client-operations)."""

from __future__ import annotations

from typing import Any

from pyresque.errors import ResqueError
from pyresque.store import stats as store
from pyresque.worker.loop import unregister
from tests.faultproxy import FaultProxy
from tests.interop.traces.jobs import NoEnqJob, OkJob
from tests.interop.traces.play import RUBY_ONLY, Play, scenario


def refused(call: Any, *args: Any, **kwargs: Any) -> str:
    """The error that a call raises, as the traces note it."""
    try:
        call(*args, **kwargs)
    except ResqueError as error:
        return f"{error.ruby_name or type(error).__name__}: {error}"
    raise AssertionError(f"{call} raises nothing")


@scenario
def enqueue_one(play: Play) -> list[Any]:
    """`enqueue` of a registered class returns True."""
    return [play.resque.enqueue(OkJob, 1, "a")]


@scenario
def enqueue_many(play: Play) -> None:
    """`enqueue`, `enqueue_to` another queue, `push` of a raw object."""
    for number in (1, 2, 3):
        play.resque.enqueue(OkJob, number)
    play.resque.enqueue_to("other", OkJob, 4)
    play.resque.push("other", {"class": "Raw", "args": []})


@scenario
def enqueue_many__in_one_round_trip(play: Play) -> None:
    """The same with `enqueue_many`."""
    play.resque.enqueue_many([(OkJob, 1), (OkJob, 2), (OkJob, 3)])
    play.resque.enqueue_many([(OkJob, 4), ("Raw",)], queue="other")


@scenario
def enqueue_unicode(play: Play) -> None:
    """Characters that JSON writers treat differently, written as Ruby writes them."""
    play.resque.enqueue(OkJob, 'é 😀 " \\ / \n \t \0 \x1f \x7f \u2028 < &')


@scenario
def enqueue_nested_args(play: Play) -> None:
    """Nested values. An integer key, which Ruby turns into a string, is refused; a string is accepted."""
    nested = [None, True, False, [], {}, [1, [2, [3]]], {"a": {"b": [1, None]}}, "symbol"]
    assert refused(play.resque.enqueue, OkJob, {2: 3}).startswith("Unencodable: ")
    play.resque.enqueue(OkJob, *nested, {"sym": 1, "2": 3})


@scenario
def enqueue_numbers(play: Play) -> None:
    """Integers of any size, floats as json 3.1.0 writes them."""
    numbers = [0, -1, 2**70, 1.0, 0.1 + 0.2, -0.0, 100.0, 1e14, 0.0001, 1e15, 1e16, 1e-5, 1.5e-7, 5e-324]
    play.resque.enqueue(OkJob, *numbers)


@scenario
def enqueue_rejected(play: Play) -> list[Any]:
    """A before_enqueue hook that returns False, no queue, no class name: nothing is sent."""
    enqueue = play.resque.enqueue
    return [enqueue(NoEnqJob), refused(enqueue, "String"), refused(enqueue, "", queue="jobs")]


@scenario
def enqueue_nan(play: Play) -> None:
    """`enqueue` refuses NaN and Infinity; the worker finds nothing."""
    for number in (float("nan"), float("inf")):
        assert refused(play.resque.enqueue, OkJob, number).startswith("Unencodable: ")
    play.work()


@scenario
def enqueue_nan__as_ruby_does_it(play: Play) -> None:
    """A worker reads the two elements that Ruby wrote."""
    jobs = [f'{{"class":"OkJob","args":[{number}]}}' for number in ("NaN", "Infinity")]
    play.admin.sadd("resque:queues", "jobs")
    play.admin.rpush("resque:queue:jobs", *jobs)
    play.work()


@scenario
def namespace_and_db(play: Play) -> None:
    """`Resque("host:port:db/namespace")`, as Ruby writes it; the namespace may hold a colon."""
    with FaultProxy(play.server) as door:  # this form has no place for the password
        play.client(f"127.0.0.1:{door.port}:3/app:one").enqueue(OkJob, 1)
        play.client()
        door.drain()
    play.admin.select(3)


@scenario
def dequeue_with_args(play: Play) -> list[Any]:
    """`dequeue` with arguments compares decoded values, so differently written jobs are found too."""
    return [play.resque.dequeue(OkJob, 1, "a")]


@scenario
def dequeue_without_args(play: Play) -> list[Any]:
    """`dequeue` without arguments removes every job of the class."""
    return [play.resque.dequeue(OkJob)]


@scenario
def peek_pop_size(play: Play) -> list[Any]:
    """`size`, `peek` (always a list), `pop`."""
    resque = play.resque
    (first,), (second,) = resque.peek("jobs"), resque.peek("jobs", 1, 1)
    looks = [resque.size("jobs"), first, second, resque.peek("jobs", 0, 2), resque.peek("jobs", 0, 0)]
    return [*looks, resque.pop("jobs"), resque.pop("missing"), resque.size("jobs")]


@scenario
def queues_sizes_samples(play: Play) -> list[Any]:
    """`queues`, `queue_sizes`, `sample_queues`."""
    return [play.resque.queues(), play.resque.queue_sizes(), play.resque.sample_queues(1)]


@scenario
def remove_queue(play: Play) -> list[Any]:
    """`remove_queue` returns whether the queue was known."""
    assert play.resque.remove_queue("jobs") is True
    return [RUBY_ONLY]


@scenario
def resque_info(play: Play) -> list[Any]:
    """`info`, its keys in Ruby's order (the servers are left out of the recording)."""
    info = play.resque.info()
    assert [key for key in info if key != "servers"] == list((play.trace.returned or [{}])[0])
    return [{key: value for key, value in info.items() if key != "servers"}]


@scenario
def resque_working(play: Play) -> list[Any]:
    """`workers`, `working` and what they work on."""
    (working,) = play.resque.working()
    assert working.state == "working"
    assert working.working is not None
    record = working.working
    job = {"queue": record.queue, "run_at": record.run_at, "payload": record.payload}
    return [[worker.id for worker in play.resque.workers()], [working.id, job]]


@scenario
def stats(play: Play) -> list[Any]:
    """`store.stats.increase` and `clear`, `Resque.stat`; there is no decrease."""
    space = play.resque.space
    counts = [store.increase(space, "x"), store.increase(space, "x", 5), store.increase(space, "x")]
    counts.append(play.resque.stat("x"))
    assert not hasattr(store, "decrease")
    store.clear(space, "x")
    return [*counts, RUBY_ONLY, RUBY_ONLY]


@scenario
def cli_list_remove(play: Play) -> list[Any]:
    """`workers` with their state; `unregister` of a working one: its job becomes a failure."""
    shown = [f"{worker.id} ({worker.state})" for worker in play.resque.workers()]
    assert shown == play.trace.content["observed"]["printed"][0]
    assert unregister(play.resque, "h1:1:jobs")
    assert not unregister(play.resque, "h1:1:jobs")
    return []
