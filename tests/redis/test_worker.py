"""The worker: each one runs in a process of its own, against a real Redis.

See docs/protocol/core.md#the-work-loop.
"""

import asyncio
import json
import logging
import os
import re
import signal
import socket
import sys
from pathlib import Path

import pytest

from pyresque import DontPerform, Resque, Worker, job
from pyresque._version import __version__
from pyresque.config import Polling, Stopping, Unknown, WorkerOptions
from pyresque.errors import NoQueueError, TermException
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry
from pyresque.worker.aio.worker import AsyncWorker
from tests.redis.bench import (
    add_echo,
    add_slow,
    busy,
    elements,
    eventually,
    failed,
    hook,
    note,
    put,
    seen,
    stats,
)

RECORD_KEYS = ["failed_at", "payload", "exception", "error", "backtrace", "worker", "queue", "failure_id"]
UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


# --- one job ---------------------------------------------------------------------------------------


def test_a_job_is_done_and_nothing_is_left(bench, resque):
    """After a done job: counted once, and no trace of job or worker but the known queue."""
    echo = add_echo(resque)
    resque.enqueue(echo, 1, "ä", [{"x": None}])
    bench.burst()
    assert seen(resque) == [json.dumps([1, "ä", [{"x": None}]])]
    assert stats(resque) == (1, 0)
    assert sorted(resque.link.execute("KEYS", "resque:*")) == [
        b"resque:pruning_dead_workers_in_progress", b"resque:queues", b"resque:stat:processed",
    ]  # fmt: skip


def test_the_books_while_working(bench, resque):
    """worker:ID has Ruby's three entries while the job runs; the job is in no queue."""
    worker, _ = busy(bench)
    raw = resque.link.execute("GET", f"resque:worker:{worker.id}")
    assert re.fullmatch(
        rb'\{"queue":"q","run_at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ","payload":\{"class":"Slow","args":\[\]\}\}',
        raw,
    )
    assert elements(resque) == []
    [info] = resque.working()
    assert (info.id, info.working.class_name) == (worker.id, "Slow")
    resque.link.execute("SET", "go", 1)
    eventually(lambda: resque.workers()[0].state == "idle")
    [info] = resque.workers()
    assert (info.processed, info.failed) == (1, 0)


def test_registration(bench, resque):
    """While it lives: its id, its start in local time, a heartbeat with offset, the lock with its TTL."""
    worker = bench.start("a", "b:c").ready()
    [info] = resque.workers()
    assert info.id == f"{socket.gethostname()}:{worker.pid}:a,b:c"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}", info.started)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", info.heartbeat)
    assert resque.link.execute("GET", "resque:pruning_dead_workers_in_progress").decode() == worker.id
    assert 0 < resque.link.execute("TTL", "resque:pruning_dead_workers_in_progress") <= 60
    worker.send(signal.SIGQUIT)
    assert worker.wait() == 0
    assert resque.link.execute("KEYS", "resque:*") == [b"resque:pruning_dead_workers_in_progress"]


def test_exclusions_are_not_in_the_id(bench, resque):
    """A worker for `*,!low` is called HOST:PID:*, and a list of exclusions only is not a worker."""
    add_echo(resque)
    put(resque, b'{"class":"Echo","args":[1]}', queue="low")
    put(resque, b'{"class":"Echo","args":[2]}', queue="high")
    worker = bench.start("*", "!low").ready()
    assert worker.id.endswith(":*")
    eventually(lambda: seen(resque) == ["[2]"])
    assert resque.size("low") == 1
    with pytest.raises(NoQueueError):
        Worker(resque, ["!low"])


def test_queues_are_worked_in_the_listed_order(bench, resque):
    """After each job the search begins at the first queue again; patterns go in byte order."""
    echo = add_echo(resque)
    for queue in ("b", "a", "first", "Z"):
        resque.enqueue_to(queue, echo, queue, 1)
        resque.enqueue_to(queue, echo, queue, 2)
    bench.burst("first", "*")
    assert [json.loads(text) for text in seen(resque)] == [
        [name, n] for name in ("first", "Z", "a", "b") for n in (1, 2)
    ]


def test_a_queue_that_appears_later_is_found(bench, resque):
    """A worker on a pattern takes jobs of a queue that was made known after its start."""
    echo = add_echo(resque)
    bench.start("new*").ready()
    resque.enqueue_to("newest", echo, 1)
    eventually(lambda: seen(resque))


def test_a_failure_is_recorded_as_ruby_does(bench, resque):
    """Seven keys and failure_id in Ruby's order, backtrace innermost first, both counters."""

    def inner():
        raise ValueError("boom")

    @job(queue="q", name="Images::Fail", registry=resque.registry)
    def fail(number: int) -> None:
        inner()

    resque.enqueue(fail, 7)
    worker = bench.burst()
    [record] = failed(resque)
    assert list(record) == RECORD_KEYS
    assert re.fullmatch(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \S+", record["failed_at"])
    assert record["payload"] == {"class": "Images::Fail", "args": [7]}
    assert (record["exception"], record["error"]) == ("ValueError", "boom")
    first, second = record["backtrace"]
    assert re.fullmatch(re.escape(__file__) + r":\d+:in `inner'", first)
    assert re.fullmatch(re.escape(__file__) + r":\d+:in `fail'", second)
    assert (record["worker"], record["queue"]) == (worker.id, "q")
    assert re.fullmatch(UUID4, record["failure_id"])
    assert stats(resque) == (1, 1)


@pytest.mark.parametrize(
    ("error", "exception", "text"),
    [
        (ValueError("a\ud800b \udcff ü"), "ValueError", "a?b ? ü"),
        (ValueError(b"\xff\xfe"), "ValueError", r"b'\xff\xfe'"),
        (ValueError("nul \0 and \x1b"), "ValueError", "nul \0 and \x1b"),
        (KeyError("gone"), "KeyError", "gone"),
        (SystemExit(3), "SystemExit", "exit"),
        (SystemExit(), "SystemExit", "exit"),
        (KeyboardInterrupt(), "Interrupt", "Interrupt"),
        (TimeoutError(), "TimeoutError", "TimeoutError"),
        (DontPerform("not here"), "Resque::Job::DontPerform", "not here"),
        (
            json.JSONDecodeError("bad", "x", 0),
            "json.decoder.JSONDecodeError",
            "bad: line 1 column 1 (char 0)",
        ),
        (Exception("x" * 65_536), "Exception", "x" * 65_536),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_any_exception_leaves_a_record_that_ruby_reads(bench, resque, error, exception, text):
    """Whatever is raised, and whatever its text holds, the record is valid UTF-8 JSON."""

    @job(queue="q", name="Fail", registry=resque.registry)
    def fail() -> None:
        raise error

    resque.enqueue(fail)
    bench.burst()
    [record] = failed(resque)
    assert (record["exception"], record["error"]) == (exception, text)
    assert stats(resque) == (1, 1)


def test_an_exception_whose_text_cannot_be_had(bench, resque):
    """A __str__ that raises does not hide the failure."""

    class Nasty(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    @job(queue="q", name="Fail", registry=resque.registry)
    def fail() -> None:
        raise Nasty

    resque.enqueue(fail)
    bench.burst()
    [record] = failed(resque)
    assert record["exception"].endswith("Nasty")


def test_arguments_that_do_not_fit_fail_the_job(bench, resque):
    """The record names the argument and the reason; the function is not called."""

    @job(queue="q", name="Typed", registry=resque.registry)
    def typed(image_id: int, fmt: str = "png") -> None:
        note(resque, f"{image_id} {fmt}")

    put(
        resque, b'{"class":"Typed","args":["x"]}', b'{"class":"Typed","args":[1,2]}',
        b'{"class":"Typed","args":[]}',
        b'{"class":"Typed","args":[1,"a",3]}', b'{"class":"Typed","args":[5]}',
    )  # fmt: skip
    bench.burst()
    assert seen(resque) == ["5 png"]
    records = failed(resque)
    assert [record["exception"] for record in records] == ["ArgumentError"] * 4
    expected = [
        "argument image_id of Typed",
        "argument fmt of Typed",
        "image_id",
        "Typed takes (image_id: int",
    ]
    for record, part in zip(records, expected, strict=True):
        assert part in record["error"]
    assert stats(resque) == (5, 4)


@pytest.mark.parametrize(
    ("element", "args"),
    [
        (b'{"class":"Echo"}', []),
        (b'{"class":"Echo","args":null}', []),
        (b'{"class":"Echo","args":false}', []),
        (b'{"class":"Echo","args":"text"}', ["text"]),
        (b'{"class":"Echo","args":5}', [5]),
        (b'{"class":"Echo","args":{"a":1,"b":[]}}', [["a", 1], ["b", []]]),
        (b' { "args" : [ 1 , "\\u00e9" ], "x" : {}, "class" : "Echo" } ', [1, "é"]),
        (b'{"class":"::Echo","args":[1]}', [1]),
        (b'{"class":"echo","args":[2]}', None),
        (b'{"class":"Echo","args":["a\\u0000b"]}', ["a\0b"]),
        (b'{"class":"Echo","args":[123456789012345678901234567890]}', [123456789012345678901234567890]),
        (b'{"class":"Echo","args":[[],{}]}', [[], {}]),
        (b'{"class":"Echo","args":[1],"args":[2]}', [2]),
    ],
)
def test_payloads_of_every_writer_are_run(bench, resque, element, args):
    """Arguments are spread as Ruby spreads them; key order, blanks, extra keys and `::` do not matter."""
    add_echo(resque)
    put(resque, element)
    bench.burst()
    assert [json.loads(text) for text in seen(resque)] == ([] if args is None else [args])


def test_an_async_job_is_run_to_its_end(bench, resque):
    """`async def` works, for functions and for perform; what it raises is its failure."""

    @job(queue="q", name="Nap", registry=resque.registry)
    async def nap(number: int) -> None:
        await asyncio.sleep(0)
        note(resque, f"slept {number}")
        if number == 2:
            raise LookupError("async boom")

    @job(queue="q", name="NapClass", registry=resque.registry)
    class NapClass:
        async def perform(self):
            await asyncio.sleep(0)
            note(resque, "in a class")

    resque.enqueue_many([(nap, 1), (nap, 2), (NapClass,)])
    bench.burst()
    assert seen(resque) == ["slept 1", "slept 2", "in a class"]
    assert [record["error"] for record in failed(resque)] == ["async boom"]


def test_dont_perform_is_no_failure(bench, resque):
    """before_perform raises DontPerform: counted as processed, nothing recorded."""

    @job(queue="q", name="Stopped", registry=resque.registry)
    class Stopped:
        @staticmethod
        def perform():
            note(resque, "performed")

        @staticmethod
        def before_perform():
            raise DontPerform

        @staticmethod
        def always():
            note(resque, "always")

    resque.enqueue(Stopped)
    bench.burst()
    assert seen(resque) == ["always"]
    assert (stats(resque), failed(resque)) == ((1, 0), [])


def test_jobs_that_a_job_enqueues_are_worked_too(bench, resque):
    """A job may enqueue with the Resque of the parent: the child uses connections of its own."""
    echo = add_echo(resque)

    @job(queue="q", name="Parent", registry=resque.registry)
    def parent() -> None:
        resque.enqueue_many([(echo, n) for n in range(3)])

    resque.enqueue(parent)
    bench.burst()
    assert seen(resque) == ["[0]", "[1]", "[2]"]
    assert stats(resque) == (4, 0)


@pytest.mark.parametrize(
    ("leave", "text"),
    [
        (lambda: os._exit(0), "exit 0"),
        (lambda: os._exit(3), "exit 3"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "SIGKILL (signal 9)"),
        (lambda: os.kill(os.getpid(), signal.SIGVTALRM), "SIGVTALRM (signal 26)"),
        (lambda: os.kill(os.getpid(), 34), "signal 34"),
    ],
)
def test_a_child_that_goes_away_has_failed(bench, resque, leave, text):
    """Only an explicit "done" is success: the parent records Resque::DirtyExit, on_failure runs there."""
    echo = add_echo(resque)

    @job(queue="q", name="Leaver", registry=resque.registry)
    class Leaver:
        def perform(self):
            note(resque, str(os.getpid()))
            leave()

        def on_failure(self, error):
            note(resque, f"{type(error).__name__} in {os.getpid()}")

        def always(self):
            note(resque, "always")

    resque.enqueue(Leaver)
    resque.enqueue(echo)
    worker = bench.burst()
    child, failure, after = seen(resque)
    assert (failure, after) == (f"DirtyExit in {worker.pid}", "[]")
    [record] = failed(resque)
    assert (record["exception"], record["backtrace"]) == ("Resque::DirtyExit", [])
    assert f"pid {child} {text}" in record["error"]
    assert stats(resque) == (2, 0)


def test_failure_ids_can_be_switched_off(bench, resque, server):
    """failure_ids=False: Ruby's seven keys, whoever records."""
    there = Resque(server.url, failure_ids=False, registry=resque.registry)

    @job(queue="q", name="Fail", registry=resque.registry)
    def fail(how: str) -> None:
        if how == "die":
            os._exit(1)
        raise ValueError

    resque.enqueue(fail, "raise")
    resque.enqueue(fail, "die")
    put(resque, b"no job")
    bench.burst(resque=there)
    assert [list(record) for record in failed(resque)] == [RECORD_KEYS[:-1]] * 3
    there.close()


# --- jobs that are not ours, elements that are not jobs ---------------------------------------------


def foreign(number):
    return b'{"class":"Ruby::Only","args":[%d]}' % number


def known(number):
    return b'{"class":"Echo","args":[%d]}' % number


def test_unknown_classes_stay_in_order_and_known_ones_run(bench, resque):
    """`*` beside Ruby: known jobs are taken from between the foreign ones, whose order and bytes stay."""
    add_echo(resque)
    odd = [
        b'{ "class":"Ruby::Only","args":[9]}',
        b'{"args":[],"class":"X-Y"}',
        b'{"class":"R\xc3\xa9","args":[]}',
    ]
    spaced = b'{"class": "Echo", "args": [3]}'
    put(resque, foreign(1), known(1), odd[0], foreign(2), known(2), spaced, *odd[1:], known(4), foreign(1))
    bench.burst("*")
    assert seen(resque) == ["[1]", "[2]", "[3]", "[4]"]
    assert elements(resque) == [foreign(1), odd[0], foreign(2), *odd[1:], foreign(1)]
    assert (stats(resque), failed(resque)) == ((4, 0), [])


@pytest.mark.parametrize("number", [49, 50, 51, 150, 1001, 3000])
def test_a_known_job_behind_many_foreign_ones_is_found(bench, resque, number):
    """However many foreign jobs stand before it, whatever the sizes of the windows."""
    add_echo(resque)
    put(resque, *map(foreign, range(number)), known(1), foreign(number))
    bench.burst("*")
    assert seen(resque) == ["[1]"]
    assert elements(resque) == [foreign(n) for n in range(number + 1)]


@pytest.mark.parametrize("number", [49, 50, 51, 150])
def test_a_known_job_behind_many_oddly_written_foreign_ones_is_found(bench, resque, number):
    """The same where Python has to judge each of them."""
    add_echo(resque)
    others = [b'{ "class": "Ruby::Only", "args": [%d]}' % n for n in range(number)]
    put(resque, *others, known(1))
    bench.burst("*")
    assert (seen(resque), elements(resque)) == (["[1]"], others)


def test_park_moves_unknown_jobs(bench, resque):
    """--unknown park=QUEUE: their bytes go to that queue in order, and it is made known."""
    add_echo(resque)
    odd = b'{ "args": [1.50], "class": "Ruby::Only" }'
    put(resque, foreign(1), known(1), odd, foreign(2))
    bench.burst("*", options=WorkerOptions(unknown=Unknown("park", "parked")))
    assert seen(resque) == ["[1]"]
    assert (elements(resque), elements(resque, "parked")) == ([], [foreign(1), odd, foreign(2)])
    assert resque.queues() == ["parked", "q"]


def test_fail_records_unknown_jobs(bench, resque):
    """--unknown fail: as in Ruby a NameError, counted as processed and failed."""
    put(resque, foreign(1), b'{"class":"lower case","args":[]}')
    bench.burst(options=WorkerOptions(unknown=Unknown("fail")))
    first, second = failed(resque)
    assert (first["exception"], first["payload"]) == ("NameError", {"class": "Ruby::Only", "args": [1]})
    assert first["error"].startswith("uninitialized constant Ruby::Only")
    assert second["exception"] == "NameError"
    assert stats(resque) == (2, 2)
    assert elements(resque) == []


@pytest.mark.parametrize(
    "element", [b"{}", b'{"args":[1]}', b'{"class":null,"args":[]}', b'{"class":"","args":[]}']
)
def test_an_object_without_a_class_fails(bench, resque, element):
    """It is nobody's job: it fails here as it would in Ruby, with its payload as it is."""
    put(resque, element)
    bench.burst()
    [record] = failed(resque)
    assert record["payload"] == json.loads(element)
    assert (elements(resque), stats(resque)) == ([], (1, 1))


NO_JOBS = [
    b'{"class":"Echo","args":[', b"oops", b'{"class":"Echo","args":[]} x', b'{"class":"Echo","args":[]}\0',
    b'{"class":"Echo","args":["a\nb"]}', b'\xef\xbb\xbf{"class":"Echo","args":[]}',
    b'{"class":"Echo","args":[NaN]}',
    b'{"class":"Echo","args":[Infinity]}', b'{"class":"Echo","args":[-Infinity]}',
    b'{"class":"Echo","args":["\\ud800"]}', b'{"class":"Echo","args":[1,]}', b"{'class':'Echo'}",
    b'{"class":"Echo",/* */"args":[]}', b"null", b"false", b"true", b"42", b'"text"', b'["Echo",[1]]', b"",
    b"  ",
    b'{"class":"Echo","args":["\xff"]}', b'{"class":"Echo","args":["\xed\xa0\x80"]}', b"\xff\xfe",
    b'{"class":"Echo","args":' + b"[" * 99 + b"]" * 99 + b"}", b"[" * 100_000,
    b'{"class":"Echo","args":[01]}',
    b'{"class":"Echo","args":[' + b"9" * 5000 + b"]}",
]  # fmt: skip


def test_elements_that_are_no_job_are_set_aside_intact(bench, resque):
    """None kills the worker or is lost: bytes in the aside list, one readable record each; the others run."""
    add_echo(resque)
    mixed = [raw for n, one in enumerate(NO_JOBS) for raw in (one, known(n))]
    put(resque, *mixed)
    bench.burst("*")
    assert [json.loads(text) for text in seen(resque)] == [[n] for n in range(len(NO_JOBS))]
    assert resque.link.execute("LRANGE", "resque:pyresque:aside:queue:q", 0, -1) == NO_JOBS
    records = failed(resque)
    assert [list(record) for record in records] == [RECORD_KEYS] * len(NO_JOBS)
    assert {record["queue"] for record in records} == {"q"}
    assert elements(resque) == []


@pytest.mark.parametrize("raw", NO_JOBS, ids=range(len(NO_JOBS)))
def test_what_was_set_aside_can_be_put_back(bench, resque, raw):
    """The failure of such an element requeues its very bytes, and takes them off the aside list."""
    add_echo(resque)
    put(resque, raw)
    bench.burst()
    [record] = resque.failures.list()
    assert resque.failures.requeue(record) is True
    assert elements(resque) == [raw]
    assert resque.link.execute("EXISTS", "resque:pyresque:aside:queue:q") == 0


@pytest.mark.parametrize("key", ["queue:a", "pause-all-workers", "stat:processed", "failed", "stat:failed"])
def test_a_key_of_a_wrong_type_does_not_stop_the_worker(bench, resque, key):
    """The worker passes over one bad shared key, and what could not be written there is not lost."""
    add_echo(resque)

    @job(queue="q", name="Fail", registry=resque.registry)
    def fail() -> None:
        raise ValueError("boom")

    resque.link.execute("HSET", f"resque:{key}", "x", "1")
    put(resque, b'{"class":"Fail","args":[]}', known(1))
    bench.burst("a", "q")
    assert seen(resque) == ["[1]"]
    where = "pyresque:aside:failed" if key == "failed" else "failed"
    assert [record["error"] for record in failed(resque, where)] == ["boom"]
    assert resque.workers() == []


# --- titles ----------------------------------------------------------------------------------------


def test_titles_while_idle_and_working(bench, resque):
    """docs/protocol/core.md#process-titles, in worker and child; Ruby's ps takes the worker for its own."""
    worker = bench.start("q").ready()
    worker.shows("Waiting for q")
    resque.enqueue(add_slow(resque))
    worker.send(signal.SIGQUIT)
    assert worker.wait() == 0
    worker, child = busy(bench)
    worker.shows(rf"Forked {child} at \d{{10}}")
    title = Path(f"/proc/{child}/cmdline").read_bytes().strip(b"\0 ").decode()
    assert re.fullmatch(rf"pyresque-{re.escape(__version__)}: Processing q since \d{{10}} \[Slow\]", title)
    assert re.search("resque-[0-9]", worker.title())


def test_titles_of_patterns_show_the_queues_found(bench, resque):
    """A dynamic list shows its present matches, which may be none."""
    worker = bench.start("b*").ready()
    worker.shows("Waiting for ?")
    resque.link.execute("SADD", "resque:queues", "b2", "b1", "c")
    worker.shows("Waiting for b1,b2")


def test_a_title_never_holds_resque_web(bench, resque):
    """A queue of that name would have the worker pruned by Ruby; the prefix stands before everything."""
    options = WorkerOptions(procline_prefix="app/")
    worker = bench.start("resque-web", options=options).ready()
    eventually(lambda: worker.title() == f"app/pyresque-{__version__}: Waiting for resque web")


# --- pausing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["true", "TRUE", " True \n"])
def test_pause_all_workers(bench, resque, value):
    """The key holds every worker back until it goes."""
    echo = add_echo(resque)
    resque.link.execute("SET", "resque:pause-all-workers", value)
    resque.enqueue(echo, 1)
    worker = bench.start().ready()
    worker.shows("Paused")
    assert (seen(resque), resque.size("q")) == ([], 1)
    resque.link.execute("DEL", "resque:pause-all-workers")
    eventually(lambda: seen(resque) == ["[1]"])


@pytest.mark.parametrize("value", ["1", "yes", "false", "", "true true"])
def test_other_values_do_not_pause(bench, resque, value):
    """Only the word true pauses."""
    echo = add_echo(resque)
    resque.link.execute("SET", "resque:pause-all-workers", value)
    resque.enqueue(echo, 1)
    bench.burst()
    assert seen(resque) == ["[1]"]


def test_a_paused_burst_leaves(bench, resque):
    """With an interval of 0 the worker leaves also when paused, and the job stays."""
    echo = add_echo(resque)
    resque.link.execute("SET", "resque:pause-all-workers", "true")
    resque.enqueue(echo, 1)
    bench.burst()
    assert (seen(resque), resque.size("q")) == ([], 1)


def test_usr2_pauses_and_cont_resumes(bench, resque):
    """USR2 holds one worker back, CONT lets it go on; the hooks get the worker."""
    echo = add_echo(resque)
    hook(resque, "before_pause")(lambda worker: note(resque, f"before_pause {worker.id}"))
    hook(resque, "after_pause")(lambda worker: note(resque, f"after_pause {worker.id}"))
    worker = bench.start().ready()
    worker.send(signal.SIGUSR2)
    worker.shows("Paused")
    resque.enqueue(echo, 1)
    eventually(lambda: seen(resque) == [f"before_pause {worker.id}"])
    assert resque.size("q") == 1
    worker.send(signal.SIGCONT)
    eventually(lambda: seen(resque)[1:] == [f"after_pause {worker.id}", "[1]"])


def test_usr2_lets_the_present_job_finish(bench, resque):
    """Pausing does not touch the job that runs."""
    echo = add_echo(resque)
    worker, _ = busy(bench)
    resque.enqueue(echo)
    worker.send(signal.SIGUSR2)
    resque.link.execute("SET", "go", 1)
    worker.shows("Paused")
    assert seen(resque)[1:] == ["finished"]
    assert resque.size("q") == 1


# --- ending ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP])
def test_an_idle_worker_leaves_at_once(bench, resque, number):
    """It does not sleep out its interval, and takes itself out of the books."""
    worker = bench.start(interval=60).ready()
    worker.shows("Waiting for q")
    worker.send(number)
    assert worker.wait() == 0
    assert resque.workers() == []


def test_usr1_does_nothing_to_an_idle_worker(bench, resque):
    """Nor to the job that comes next."""
    echo = add_echo(resque)
    worker = bench.start().ready()
    worker.shows("Waiting for q")
    worker.send(signal.SIGUSR1)
    resque.enqueue(echo, 1)
    eventually(lambda: resque.stat("processed") == 1)
    assert (seen(resque), failed(resque)) == (["[1]"], [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_term_kills_the_job_and_leaves(bench, resque, number):
    """Ruby's default: KILL at once, DirtyExit recorded by the parent, stat:failed untouched."""
    worker, child = busy(bench, options=WorkerOptions(stopping=Stopping(drain=0)))
    worker.send(number)
    assert worker.wait() == 0
    [record] = failed(resque)
    assert record["exception"] == "Resque::DirtyExit"
    assert record["error"] == f"Child process received unhandled signal pid {child} SIGKILL (signal 9)"
    assert (stats(resque), resque.workers()) == ((1, 0), [])


def test_quit_lets_the_job_finish(bench, resque):
    """QUIT: the job ends by itself, then the worker leaves; the next job stays."""
    echo = add_echo(resque)
    worker, _ = busy(bench)
    resque.enqueue(echo)
    worker.send(signal.SIGQUIT)
    worker.send(signal.SIGQUIT)
    resque.link.execute("SET", "go", 1)
    assert worker.wait() == 0
    assert seen(resque)[1:] == ["finished"]
    assert (stats(resque), resque.size("q"), resque.workers()) == ((1, 0), 1, [])


def test_graceful_term_is_quit(bench, resque):
    """With GRACEFUL_TERM a TERM waits for the job, TERM_CHILD or not; INT is not affected."""
    options = WorkerOptions(stopping=Stopping(graceful_term=True, term_child=True))
    worker, _ = busy(bench, options=options)
    worker.send(signal.SIGTERM)
    resque.link.execute("SET", "go", 1)
    assert worker.wait() == 0
    assert (seen(resque)[1:], failed(resque)) == (["finished"], [])


def test_usr1_kills_the_job_and_goes_on(bench, resque):
    """The job is a DirtyExit, the next one is worked."""
    echo = add_echo(resque)
    worker, _ = busy(bench)
    resque.enqueue(echo, 1)
    worker.send(signal.SIGUSR1)
    eventually(lambda: seen(resque)[1:] == ["[1]"])
    assert [record["exception"] for record in failed(resque)] == ["Resque::DirtyExit"]
    assert not worker.ended()


TERM_CHILD = WorkerOptions(stopping=Stopping(term_child=True, term_timeout=10))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_term_child_raises_in_the_job(bench, resque, number):
    """TERM_CHILD: TermException (SIGTERM) in the job, recorded by it, counted as failed."""
    worker, _ = busy(bench, options=TERM_CHILD)
    worker.send(number)
    assert worker.wait() == 0
    [record] = failed(resque)
    assert (record["exception"], record["error"]) == ("Resque::TermException", "SIGTERM")
    assert (stats(resque), resque.workers()) == ((1, 1), [])


def test_a_job_may_rescue_the_term(bench, resque):
    """A job that catches TermException and returns is done; later TERMs do not disturb it."""

    @job(queue="q", name="Saves", registry=resque.registry)
    def saves() -> None:
        try:
            note(resque, str(os.getpid()))
            eventually(lambda: False, 20)
        except TermException:
            os.kill(os.getpid(), signal.SIGTERM)
            note(resque, "saved")

    resque.enqueue(saves)
    worker = bench.start(options=TERM_CHILD)
    eventually(lambda: seen(resque))
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    assert seen(resque)[1:] == ["saved"]
    assert (stats(resque), failed(resque)) == ((1, 0), [])


def test_a_job_that_survives_the_term_is_killed(bench, resque):
    """After RESQUE_TERM_TIMEOUT comes KILL: a DirtyExit, not a TermException."""

    @job(queue="q", name="Stubborn", registry=resque.registry)
    def stubborn() -> None:
        try:
            note(resque, str(os.getpid()))
            eventually(lambda: False)
        except TermException:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            note(resque, "ignored")
            eventually(lambda: False)

    resque.enqueue(stubborn)
    worker = bench.start(options=WorkerOptions(stopping=Stopping(term_child=True, term_timeout=0.5)))
    [pid] = eventually(lambda: seen(resque))
    os.kill(int(pid), signal.SIGTERM)
    eventually(lambda: seen(resque)[1:] == ["ignored"])  # now it has shown that it survives one
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    assert [record["exception"] for record in failed(resque)] == ["Resque::DirtyExit"]
    assert stats(resque) == (1, 0)


def test_the_pre_shutdown_timeout_comes_first(bench, resque):
    """RESQUE_PRE_SHUTDOWN_TIMEOUT: a job that ends within it hears nothing of the TERM."""
    stopping = Stopping(term_child=True, pre_shutdown_timeout=20)
    worker, _ = busy(bench, options=WorkerOptions(stopping=stopping))
    worker.send(signal.SIGTERM)
    resque.link.execute("SET", "go", 1)
    assert worker.wait() == 0
    assert (seen(resque)[1:], failed(resque)) == (["finished"], [])


@pytest.mark.parametrize(
    ("number", "exception", "text"),
    [(signal.SIGUSR1, "SignalException", "SIGUSR1"), (signal.SIGINT, "Interrupt", ""),
     (signal.SIGQUIT, "SignalException", "SIGQUIT"), (signal.SIGTERM, "Resque::TermException", "SIGTERM")],
)  # fmt: skip
def test_signals_to_the_child_with_term_child(bench, resque, number, exception, text):
    """They are raised in the job as what they are, and recorded; the worker goes on."""
    worker, child = busy(bench, options=TERM_CHILD)
    os.kill(child, number)
    [record] = eventually(lambda: failed(resque))
    assert (record["exception"], record["error"]) == (exception, text)
    assert not worker.ended()


def test_a_term_to_the_child_without_term_child(bench, resque):
    """Without TERM_CHILD a TERM sent to the child does not stop the job."""
    _, child = busy(bench)
    os.kill(child, signal.SIGTERM)
    os.kill(child, signal.SIGINT)
    resque.link.execute("SET", "go", 1)
    eventually(lambda: stats(resque) == (1, 0))
    assert seen(resque)[1:] == ["finished"]


def test_a_child_killed_from_outside(bench, resque):
    """KILL to the child: the parent records it and goes on."""
    worker, child = busy(bench)
    os.kill(child, signal.SIGKILL)
    [record] = eventually(lambda: failed(resque))
    assert record["error"] == f"Child process received unhandled signal pid {child} SIGKILL (signal 9)"
    assert not worker.ended()


def test_kill_of_the_worker_loses_nothing(bench, resque):
    """After kill -9 the job stands in worker:ID; whoever prunes the worker records it as failed."""
    worker, _ = busy(bench)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert resque.link.execute("EXISTS", f"resque:worker:{worker.id}") == 1
    resque.link.execute("DEL", "resque:pruning_dead_workers_in_progress")
    resque.link.execute("HSET", "resque:workers:heartbeat", worker.id, "2020-01-01T00:00:00+00:00")
    bench.burst("other")
    [record] = failed(resque)
    assert record["exception"] == "Resque::PruneDeadWorkerDirtyExit"
    assert record["error"] == f"Worker {worker.id} did not gracefully exit while processing Slow"
    assert (record["worker"], record["payload"]) == (worker.id, {"class": "Slow", "args": []})
    assert resque.workers() == []


# --- without fork ----------------------------------------------------------------------------------

NO_FORK = WorkerOptions(fork_per_job=False)


def test_without_fork_jobs_run_in_the_worker(bench, resque):
    """FORK_PER_JOB=false: same process, no fork hooks; successes and failures are counted as ever."""
    hook(resque, "before_fork")(lambda job: note(resque, "before_fork"))
    hook(resque, "after_fork")(lambda job: note(resque, "after_fork"))

    @job(queue="q", name="Here", registry=resque.registry)
    def here(number: int) -> None:
        note(resque, str(os.getpid()))
        if number == 2:
            raise ValueError("boom")
        if number == 3:
            sys.exit(1)

    resque.enqueue_many([(here, n) for n in range(1, 5)])
    worker = bench.burst(options=NO_FORK)
    assert seen(resque) == [str(worker.pid)] * 4
    assert [(one["exception"], one["error"]) for one in failed(resque)] == [
        ("ValueError", "boom"),
        ("SystemExit", "exit"),
    ]
    assert stats(resque) == (4, 2)


def test_without_fork_the_title_names_the_job(bench, resque):
    """The worker itself shows `Processing Q since EPOCH [CLASS]`."""
    worker, pid = busy(bench, options=NO_FORK)
    assert pid == worker.pid
    worker.shows(r"Processing q since \d{10} \[Slow\]")


def test_without_fork_term_waits_for_the_job(bench, resque):
    """Without TERM_CHILD the job finishes, then the worker leaves."""
    worker, _ = busy(bench, options=NO_FORK)
    worker.send(signal.SIGTERM)
    resque.link.execute("SET", "go", 1)
    assert worker.wait() == 0
    assert (seen(resque)[1:], failed(resque), resque.workers()) == (["finished"], [], [])


def test_without_fork_term_child_raises_in_the_job(bench, resque):
    """With TERM_CHILD the job gets TermException, and the worker leaves."""
    worker, _ = busy(bench, options=WorkerOptions(fork_per_job=False, stopping=Stopping(term_child=True)))
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    assert [record["exception"] for record in failed(resque)] == ["Resque::TermException"]
    assert (stats(resque), resque.workers()) == ((1, 1), [])


def test_without_fork_the_heart_beats_during_a_job(bench, resque):
    """A thread beats while the job holds the main thread."""
    worker, _ = busy(bench, options=WorkerOptions(fork_per_job=False, heartbeat_interval=0.05))
    resque.link.execute("HDEL", "resque:workers:heartbeat", worker.id)
    eventually(lambda: resque.link.execute("HEXISTS", "resque:workers:heartbeat", worker.id))
    resque.link.execute("SET", "go", 1)


def test_with_fork_the_heart_beats_during_a_job(bench, resque):
    """The loop beats while the child works, and a worker that fell out of the books re-enters them."""
    worker, _ = busy(bench, options=WorkerOptions(heartbeat_interval=0.05))
    resque.link.execute("DEL", "resque:workers:heartbeat", "resque:workers")
    eventually(lambda: resque.link.execute("HEXISTS", "resque:workers:heartbeat", worker.id))
    eventually(lambda: resque.link.execute("SISMEMBER", "resque:workers", worker.id))


# --- worker hooks (docs/protocol/core.md#worker-hooks) ----------------------------------------------


def test_worker_hooks_in_ruby_s_order_and_processes(bench, resque):
    """Several hooks of a kind run in order of registration; each in its process, with its arguments."""

    def say(kind, *args):
        what = f" {args[0].payload.class_name}" if args else ""
        note(resque, f"{kind}{what} {os.getpid()}")

    for kind in ("before_first_fork", "before_fork", "after_fork", "queue_empty", "worker_exit", "shutdown"):
        hook(resque, kind)(lambda *args, kind=kind: say(kind, *args))
    hook(resque, "before_fork")(lambda job: say("second before_fork"))
    hook(resque, "before_first_fork")(lambda: note(resque, f"workers {len(resque.workers())}"))
    hook(resque, "worker_exit")(lambda: note(resque, f"workers {len(resque.workers())}"))

    @job(queue="q", name="J", registry=resque.registry)
    def run() -> None:
        note(resque, f"perform {os.getpid()}")

    resque.enqueue_many([(run,), (run,)])
    worker = bench.start()
    eventually(lambda: f"queue_empty {worker.pid}" in seen(resque))
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    children = [text.split()[1] for text in seen(resque) if text.startswith("perform")]
    pid, one, two = worker.pid, *children
    assert len({str(pid), one, two}) == 3
    assert seen(resque) == [
        f"before_first_fork {pid}", "workers 0",
        f"before_fork J {pid}", f"second before_fork {pid}", f"after_fork J {one}", f"perform {one}",
        f"before_fork J {pid}", f"second before_fork {pid}", f"after_fork J {two}", f"perform {two}",
        f"queue_empty {pid}", f"shutdown {pid}", f"worker_exit {pid}", "workers 0",
    ]  # fmt: skip


def test_queue_empty_is_not_for_a_worker_that_starts_idle(bench, resque):
    """It comes only after having worked, and once for each time."""
    echo = add_echo(resque)
    hook(resque, "queue_empty")(lambda: note(resque, "empty"))
    worker = bench.start().ready()
    worker.shows("Waiting for q")
    resque.enqueue(echo)
    eventually(lambda: seen(resque) == ["[]", "empty"])
    resque.enqueue(echo)
    eventually(lambda: seen(resque) == ["[]", "empty"] * 2)


def test_queue_empty_comes_in_a_burst_too(bench, resque):
    """The worker that leaves because nothing is left has become idle before."""
    echo = add_echo(resque)
    hook(resque, "queue_empty")(lambda: note(resque, "empty"))
    resque.enqueue(echo)
    bench.burst()
    assert seen(resque) == ["[]", "empty"]


def raising(resque, kind, error=LookupError):
    @hook(resque, kind)
    def fails(*_):
        note(resque, f"{kind} raises")
        raise error(f"{kind} boom")


def test_before_first_fork_that_raises_ends_the_worker(bench, resque):
    """No job is taken, and no trace of the worker stays."""
    raising(resque, "before_first_fork")
    hook(resque, "worker_exit")(lambda: note(resque, "worker_exit"))
    echo = add_echo(resque)
    resque.enqueue(echo)
    worker = bench.start()
    assert worker.wait() == 1
    assert resque.size("q") == 1
    assert (resque.workers(), resque.link.execute("HKEYS", "resque:workers:heartbeat")) == ([], [])
    assert seen(resque) == ["before_first_fork raises", "worker_exit"]


def test_before_fork_that_raises_fails_the_job_and_ends_the_worker(bench, resque):
    """A record of its exception, nothing counted, the worker leaves; the next job stays."""
    raising(resque, "before_fork")
    echo = add_echo(resque)
    resque.enqueue_many([(echo, 1), (echo, 2)])
    worker = bench.start()
    assert worker.wait() == 1
    [record] = failed(resque)
    assert (record["exception"], record["error"]) == ("LookupError", "before_fork boom")
    assert (stats(resque), resque.size("q"), resque.workers()) == ((0, 0), 1, [])


def test_after_fork_that_raises_fails_the_job(bench, resque):
    """perform is not run; an ordinary failure, and the worker goes on."""
    raising(resque, "after_fork")
    echo = add_echo(resque)
    resque.enqueue_many([(echo, 1), (echo, 2)])
    bench.burst()
    assert [record["error"] for record in failed(resque)] == ["after_fork boom"] * 2
    assert (seen(resque), stats(resque)) == (["after_fork raises"] * 2, (2, 2))


def test_queue_empty_that_raises_ends_the_worker(bench, resque):
    """In good order: the job is counted, the worker out of the books, and worker_exit is run."""
    raising(resque, "queue_empty")
    hook(resque, "worker_exit")(lambda: note(resque, "worker_exit"))
    resque.enqueue(add_echo(resque))
    worker = bench.start()
    assert worker.wait() == 1
    assert (stats(resque), resque.workers()) == ((1, 0), [])
    assert seen(resque) == ["[]", "queue_empty raises", "worker_exit"]


def test_worker_exit_that_raises_ends_with_status_1(bench, resque):
    """The worker is out of the books before."""
    raising(resque, "worker_exit")
    worker = bench.start(interval=0)
    assert worker.wait() == 1
    assert resque.workers() == []


@pytest.mark.parametrize("kind", ["shutdown", "before_pause", "after_pause"])
def test_a_hook_of_a_signal_that_raises_is_only_told(bench, resque, kind):
    """The worker does what the signal asks all the same (Ruby would lose the job in progress)."""
    raising(resque, kind)
    worker, _ = busy(bench)
    worker.send(signal.SIGUSR2)
    worker.send(signal.SIGCONT)
    worker.send(signal.SIGQUIT)
    resque.link.execute("SET", "go", 1)
    assert worker.wait() == 0
    assert (stats(resque), failed(resque), resque.workers()) == ((1, 0), [], [])


# --- the life of a worker --------------------------------------------------------------------------


def test_the_job_of_a_predecessor_with_the_same_id_is_recorded(bench, resque):
    """A container's pid 1 that died at a job: its successor records it as a DirtyExit and works on."""
    echo = add_echo(resque)
    resque.enqueue(echo, 2)
    left = b'{"queue":"q","run_at":"2026-11-23T18:07:34Z","payload":{"class":"Echo","args":[1]}}'

    def leave(worker):
        resque.link.execute("SADD", "resque:workers", worker.id)
        resque.link.execute("SET", f"resque:worker:{worker.id}", left)
        resque.link.execute("SET", f"resque:stat:processed:{worker.id}", 7)

    bench.burst(prepare=leave)
    [record] = failed(resque)
    assert (record["exception"], record["error"]) == ("Resque::DirtyExit", "Job still being processed")
    assert (record["payload"], record["queue"]) == ({"class": "Echo", "args": [1]}, "q")
    assert (seen(resque), stats(resque)) == (["[2]"], (1, 0))


@pytest.mark.parametrize("left", ["oops", "[1]", '{"queue":"q","payload":7}', '{"queue":"q"}'])
def test_an_unreadable_record_of_a_predecessor_is_set_aside(bench, resque, left):
    """What stands in worker:ID and is not a job neither stops the worker nor is lost."""
    echo = add_echo(resque)
    resque.enqueue(echo, 2)
    bench.burst(prepare=lambda worker: resque.link.execute("SET", f"resque:worker:{worker.id}", left))
    assert (seen(resque), stats(resque)) == (["[2]"], (1, 0))
    [aside] = resque.link.execute("KEYS", "resque:pyresque:aside:worker:*")
    assert resque.link.execute("LRANGE", aside, 0, -1) == [left.encode()]


def test_a_worker_can_work_twice(bench, resque):
    """A second work() of one object begins anew: books, counters and signals."""
    echo = add_echo(resque)
    resque.enqueue(echo, 1)

    def first(worker):
        worker.work(interval=0)
        resque.enqueue(echo, 2)

    bench.burst(prepare=first)
    assert (seen(resque), stats(resque)) == (["[1]", "[2]"], (2, 0))


def test_two_workers_share_the_jobs(bench, resque):
    """Every job of a queue is done once, whoever takes it."""
    echo = add_echo(resque)
    resque.enqueue_many([(echo, n) for n in range(100)])
    workers = [bench.start(interval=0), bench.start("*", interval=0)]
    assert [worker.wait() for worker in workers] == [0, 0]
    assert sorted(json.loads(text)[0] for text in seen(resque)) == list(range(100))
    assert (stats(resque), resque.workers()) == ((100, 0), [])


def test_a_job_whose_worker_was_pruned_is_not_counted_twice(bench, resque):
    """Somebody else recorded the job meanwhile: our worker adds nothing, and works on."""
    echo = add_echo(resque)
    worker, _ = busy(bench)
    resque.link.execute("DEL", f"resque:worker:{worker.id}")
    resque.link.execute("SET", "go", 1)
    resque.enqueue(echo, 1)
    eventually(lambda: seen(resque)[1:] == ["finished", "[1]"])
    eventually(lambda: stats(resque) == (1, 0))


def test_redis_away_for_a_moment_costs_neither_job_nor_worker(bench, resque):
    """Connections cut while a job runs and while idle: everything is counted once, the worker lives on."""
    echo = add_echo(resque)
    worker, _ = busy(bench)
    resque.link.execute("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    resque.link.execute("SET", "go", 1)
    eventually(lambda: stats(resque) == (1, 0))
    worker.shows("Waiting for q")
    resque.link.execute("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    resque.enqueue(echo, 1)
    eventually(lambda: stats(resque) == (2, 0))
    assert seen(resque)[-1] == "[1]"
    assert len(resque.workers()) == 1


def test_a_namespace_and_a_style_are_the_worker_s_too(bench, server, resque):
    """Every key of a worker is under its Resque's namespace; records are in its style."""
    there = Resque(server.url, namespace="app", json_style="rails", registry=Registry(WorkerHooks()))

    @job(queue="q", name="Fail", registry=there.registry)
    def fail(text: str) -> None:
        raise ValueError("<b>")

    there.enqueue(fail, "&")
    worker = bench.start(resque=there, interval=0)
    assert worker.wait() == 0
    [raw] = resque.link.execute("LRANGE", "app:failed", 0, -1)
    assert rb'"payload":{"class":"Fail","args":["\u0026"]}' in raw
    assert rb'"error":"\u003cb\u003e"' in raw
    assert resque.link.execute("KEYS", "resque:*") == []
    there.close()


def test_polling_options_are_used(bench, resque):
    """An interval option of 0 leaves when idle, as the argument of work does."""
    resque.enqueue(add_echo(resque), 1)
    worker = bench.start(options=WorkerOptions(polling=Polling(interval=0)), interval=None)
    assert worker.wait() == 0
    assert seen(resque) == ["[1]"]


def test_logging_does_not_disturb_a_job(bench, resque):
    """The job's process may log and print; what it printed is flushed."""

    @job(queue="q", name="Talks", registry=resque.registry)
    def talks(path: str) -> None:
        sys.stdout = open(path, "w")  # noqa: SIM115
        print("printed")
        logging.getLogger("app").error("logged")

    path = f"/tmp/pyresque-talks-{os.getpid()}"
    resque.enqueue(talks, path)
    bench.burst()
    assert Path(path).read_text() == "printed\n"
    Path(path).unlink()


@pytest.mark.parametrize("make", [Worker, lambda resque, queues: AsyncWorker(resque, queues, 2)])
def test_a_worker_that_has_not_worked_was_not_idle(resque, make):
    """It may be asked at any time."""
    assert make(resque, ["q"]).was_idle is False
