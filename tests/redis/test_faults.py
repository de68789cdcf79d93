"""Lost replies, broken and hanging connections, a stalled and a restarted Redis: nothing lost, nothing twice.

Every claim is tried at every single command that an operation, or a worker, sends
(docs/protocol/core.md#where-ruby-loses-or-doubles-jobs).
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from pyresque import Resque, job
from pyresque.client import failure_rounds, job_rounds
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry
from pyresque.store import counts, delayed, queues, workers
from pyresque.store.workers import Registration
from pyresque.testing.redis_server import running
from pyresque.wire.joined_arguments import digest
from pyresque.worker.loop import unregister
from tests.chaos.restarts import restart
from tests.chaos.zygote import Zygote
from tests.faultproxy import FaultProxy, Mode, chance, script
from tests.redis.bench import resque_url

DEAD = "elsewhere:77:jobs"


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """The process that forks our workers."""
    with Zygote(tmp_path_factory.mktemp("zygote")) as zygote:
        yield zygote


def keyspace(resque: Resque) -> dict[str, Any]:
    """Everything in Redis but answers of scripts, with times and random ids made equal."""
    found = {}
    for key in sorted(resque.link.execute("KEYS", "*")):
        if b":pyresque:once:" in key:
            continue  # it may be on its way out
        kind = resque.link.execute("TYPE", key)
        read = {
            b"string": ["GET", key],
            b"list": ["LRANGE", key, 0, -1],
            b"set": ["SMEMBERS", key],
            b"hash": ["HGETALL", key],
            b"zset": ["ZRANGE", key, 0, -1],
        }[kind]
        value = resque.link.execute(*read)
        found[key.decode()] = sorted(value) if kind == b"set" else value
    text = re.sub(r"\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d( \w+|Z|[+-]\d\d:\d\d)?", "TIME", repr(found))
    return eval(re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text))


@pytest.fixture(autouse=True)
def rounds_without_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round ends by what it has done, not because a fault has made it late."""
    for module in (job_rounds, failure_rounds):
        monkeypatch.setattr(module, "SECONDS", None)


# --- client operations ---------------------------------------------------------------------------------

Operation = Callable[[Resque], object]


def _push_two(resque: Resque) -> object:
    return queues.push(resque.space, {"jobs": [b'{"class":"New","args":[]}'], "low": [b"1", b"2"]})


def _bring_forward(resque: Resque) -> object:
    record = resque.failures.find("f1")
    assert record is not None
    attempt = resque.failures.next_attempt(record)
    assert attempt is not None
    return resque.failures.bring_forward(record, attempt)


OPERATIONS: dict[str, Operation] = {
    "enqueue": lambda r: r.enqueue("New", 1, queue="jobs"),
    "enqueue a registered job": lambda r: r.enqueue(next(iter(r.registry._by_name.values())).target, 5),
    "enqueue_to": lambda r: r.enqueue_to("other", "New", 1),
    "enqueue_many": lambda r: r.enqueue_many([("New", n) for n in range(5)], queue="jobs"),
    "push to two queues": _push_two,
    "push": lambda r: r.push("jobs", {"class": "New", "args": [], "more": 1}),
    "dequeue with arguments": lambda r: r.dequeue("Twice", 1, queue="jobs"),
    "dequeue without arguments": lambda r: r.dequeue("Twice", queue="jobs"),
    "destroy": lambda r: r.destroy("jobs", "First", 0),
    "pop": lambda r: r.pop("jobs"),
    "pop one of two alike": lambda r: r.pop("twins"),
    "pop from nothing": lambda r: r.pop("nothing"),
    "peek": lambda r: r.peek("jobs", 0, 10),
    "size": lambda r: r.size("jobs"),
    "queues": lambda r: r.queues(),
    "queue_sizes": lambda r: r.queue_sizes(),
    "sample_queues": lambda r: r.sample_queues(),
    "remove_queue": lambda r: r.remove_queue("jobs"),
    "empty": lambda r: r.empty("jobs"),
    "jobs": lambda r: [(one.index, one.raw) for one in r.jobs("jobs")],
    "jobs.remove": lambda r: r.jobs("jobs").select("Twice").remove(),
    "jobs.move_to": lambda r: r.jobs("jobs").select("Twice").move_to("others"),
    "jobs.to_front": lambda r: r.jobs("jobs").select("Twice").to_front(),
    "jobs.remove in a round": lambda r: r.jobs("jobs").select("Twice").remove(most=2),
    "jobs.move_to in a round": lambda r: r.jobs("jobs").select("Twice").move_to("others", most=2),
    "jobs.to_front in a round": lambda r: r.jobs("jobs").select("Twice").to_front(most=2),
    "pause": lambda r: (r.pause("jobs"), r.paused()),
    "info": lambda r: {**r.info(), "servers": None},
    "workers": lambda r: [(one.id, one.state) for one in r.workers()],
    "working": lambda r: [one.id for one in r.working()],
    "stat": lambda r: r.stat("processed"),
    "failures.requeue": lambda r: r.failures.requeue("f1"),
    "failures.next_attempt": lambda r: r.failures.next_attempt("f1"),
    "failures.bring_forward": _bring_forward,
    "failures.requeue_all": lambda r: r.failures.requeue_all(),
    "failures.requeue_queue": lambda r: r.failures.requeue_queue("jobs"),
    "failures.select.retry": lambda r: r.failures.select(class_name="F*").retry(),
    "failures.select.remove": lambda r: r.failures.select(class_name="F*").remove(),
    "failures.retry_with": lambda r: r.failures.retry_with("f0", [7, {"a": 1}]),
    "failures.retry in a round": lambda r: r.failures.select(class_name="F*").retry(most=2),
    "failures.remove in a round": lambda r: r.failures.select(class_name="F*").remove(most=2),
    "failures.groups": lambda r: [(one.key, one.count) for one in r.failures.groups()],
    "failures.remove": lambda r: r.failures.remove("f1"),
    "failures.remove_queue": lambda r: r.failures.remove_queue("jobs"),
    "failures.clear": lambda r: r.failures.clear(),
    "failures.clear_retried": lambda r: r.failures.clear_retried(),
    "failures.list": lambda r: len(r.failures.list()),
    "failures.count": lambda r: r.failures.count(class_name="Fails"),
    "unregister": lambda r: unregister(r, DEAD),
    "register": lambda r: workers.register(r.space, Registration("here", "1:jobs", "space#word"), 0.0),
}


def _prepare(real: Resque) -> None:
    """Something for each operation to work on."""
    real.link.execute("FLUSHALL")
    for name, *args in [("First", 0), ("Twice", 1), ("Other", 1), ("Twice", 1), ("Twice", 2)]:
        real.enqueue(name, *args, queue="jobs")
    real.enqueue_many([("Twin",), ("Twin",)], queue="twins")
    for number in range(3):
        record = {
            "failed_at": "2026/11/24 12:00:00 UTC",
            "payload": {"class": "Fails", "args": [number]},
            "exception": "E",
            "error": "e",
            "backtrace": [],
            "worker": "w:1:jobs",
            "queue": "jobs",
            "failure_id": f"f{number}",
        }
        if number == 2:
            record["retried_at"] = "2026/11/24 12:00:00 UTC"
        real.link.execute("RPUSH", "resque:failed", json.dumps(record))
    item = delayed.Job(b'{"class":"Fails","args":[1],"queue":"jobs"}', "jobs", b"")
    for _ in range(2):
        delayed.delay(real.space, 4_000_000_000, item)
    real.link.execute("SET", real.space.keys.retry("Fails", digest([1])), 0)
    working = '{"queue":"jobs","run_at":"2026-11-24T12:00:00Z","payload":{"class":"Held","args":[]}}'
    real.link.execute("SET", f"resque:worker:{DEAD}", working)
    workers.register(real.space, Registration(*DEAD.split(":", 1)), 0.0)
    real.link.execute("HSET", "resque:workers:heartbeat", DEAD, "2026-11-24T12:00:00+00:00")
    for name in ("processed", "failed", f"processed:{DEAD}", f"failed:{DEAD}"):
        real.link.execute("SET", f"resque:stat:{name}", 7)


def _through(proxy: FaultProxy, link: str = "own", timeout: float = 5.0) -> Resque:
    """A client behind the proxy, over our own link or over redis-py."""
    registry = Registry(WorkerHooks())
    job(queue="low", name="Known", registry=registry)(_known)
    if link == "redis-py":
        return Resque(redis.Redis(port=proxy.port, socket_timeout=timeout), registry=registry)
    through = Resque(proxy.url, registry=registry)
    through.link._timeout = timeout  # type: ignore[attr-defined]
    return through


def _tried(name: str, real: Resque, proxy: FaultProxy, **options: Any) -> tuple[object, dict[str, Any]]:
    """The answer of an operation that goes through the proxy, and what Redis holds afterwards."""
    through = _through(proxy, **options)
    try:
        answer = OPERATIONS[name](through)
    finally:
        through.close()
    proxy.begin()
    return answer, keyspace(real)


def _known(number: int) -> None:
    pass


def _counted(name: str, real: Resque, proxy: FaultProxy, **options: Any) -> tuple[Any, int]:
    """What an operation does without faults once Redis knows its scripts, and how many commands it sends."""
    for _ in range(2):
        _prepare(real)
        proxy.begin()
        commands = proxy.commands
        expected = _tried(name, real, proxy, **options)
    return expected, len(commands)


@pytest.mark.parametrize("link", ["own", "redis-py"])
@pytest.mark.parametrize(
    "name",
    list(OPERATIONS),
)
def test_no_single_fault_changes_what_a_client_operation_does(
    name: str, link: str, resque: Resque, proxy: FaultProxy
) -> None:
    """At each command in turn the reply is lost, or the connection breaks before it is sent: the operation
    answers what it always answers, and Redis holds what it always holds."""
    expected, count = _counted(name, resque, proxy, link=link)
    assert count >= 1
    for mode in ("drop", "close"):
        for number in range(1, count + 1):
            _prepare(resque)
            fault = proxy.arm(mode, number)  # type: ignore[arg-type]
            found = _tried(name, resque, proxy, link=link)
            assert fault.hits, (mode, number)
            assert found == expected, (mode, number, fault.hits)


ONCE = [
    "enqueue",
    "enqueue_many",
    "push to two queues",
    "pop one of two alike",
    "failures.requeue",
    "failures.select.retry",
    "empty",
    "jobs.move_to",
    "jobs.to_front",
    "failures.retry_with",
    "failures.retry in a round",
    "jobs.move_to in a round",
    "jobs.to_front in a round",
    "failures.bring_forward",
    "dequeue with arguments",
]
"""Operations whose repetition would do harm, had it no token."""


@pytest.mark.parametrize("name", ONCE)
def test_a_script_that_redis_lacks_and_a_lost_reply_together_do_nothing_twice(
    name: str, resque: Resque, proxy: FaultProxy
) -> None:
    """The first use of a script (EVALSHA, then EVAL) is as safe as every other."""
    expected, count = _counted(name, resque, proxy)
    number = 0
    while True:
        number += 1
        _prepare(resque)
        resque.link.execute("SCRIPT", "FLUSH")
        fault = proxy.arm("drop", number)
        found = _tried(name, resque, proxy)
        assert found == expected, (number, fault.hits)
        if not fault.hits:
            break
    assert number > count


@pytest.mark.parametrize("name", ONCE)
def test_an_operation_repeated_while_its_first_command_hangs_is_done_once(
    name: str, resque: Resque, proxy: FaultProxy
) -> None:
    """The reply to each command comes too late for the client, which has asked again by then."""
    expected, count = _counted(name, resque, proxy)
    for number in range(1, count + 1):
        _prepare(resque)
        fault = proxy.arm("hang", number, seconds=20.0)
        through = _through(proxy, timeout=0.1)
        answer = OPERATIONS[name](through)
        through.close()
        fault.release.set()
        proxy.begin()
        assert (answer, keyspace(resque)) == expected, (number, fault.hits)


@pytest.mark.parametrize("name", ONCE)
def test_a_command_that_arrives_after_its_repetition_does_nothing(
    name: str, resque: Resque, proxy: FaultProxy
) -> None:
    """A command that the network holds back, while the client asks again and gets its answer, may still
    reach Redis afterwards: even then its effect is there once."""
    expected, count = _counted(name, resque, proxy)
    for number in range(1, count + 1):
        _prepare(resque)
        fault = proxy.arm("delay", number, seconds=20.0)
        through = _through(proxy, timeout=0.1)
        answer = OPERATIONS[name](through)
        through.close()
        assert fault.hit.wait(20)
        if fault.hits[0][0] not in (b"CLIENT", b"UNLINK"):
            proxy.drain(left=1)  # the held one; everything else, up to the forgotten token, has arrived
        fault.release.set()
        proxy.begin()
        assert (answer, keyspace(resque)) == expected, (number, fault.hits)


def test_many_random_faults_lose_and_double_no_job(resque: Resque, proxy: FaultProxy) -> None:
    """A fifth of all replies is lost (seeded) while 100 jobs are enqueued and popped again."""
    through = _through(proxy)
    proxy.arm("drop", match=chance(20261124, 0.2), times=10_000)
    for number in range(100):
        assert through.enqueue("New", number, queue="jobs")
    assert [one["args"][0] for one in resque.peek("jobs", 0, 1000)] == list(range(100))
    popped = [through.pop("jobs") for _ in range(101)]
    assert [one and one["args"][0] for one in popped] == [*range(100), None]
    through.close()


# --- workers -------------------------------------------------------------------------------------------

JOBS = [("Good", n) for n in range(7)] + [("Bad", 7), ("Killed", 8), ("Good", 9)]
ASIDE = "resque:pyresque:aside:queue:jobs"
LEFT = {
    "resque:queues",
    "resque:failed",
    "resque:stat:processed",
    "resque:stat:failed",
    "resque:pruning_dead_workers_in_progress",
    *(f"resque:pyresque:history:{name}" for name in ("minute", "hour", "day", "seen")),
}
COUNTS = "resque:pyresque:counts:"


def keys_left(resque: Resque) -> set[str]:
    """All keys, but for the answers that are kept a moment for who might ask again."""
    keys = {key.decode() for key in resque.link.execute("KEYS", "*")}
    return {key for key in keys if not key.startswith(("resque:pyresque:once:", COUNTS))}


def _all_in_order(resque: Resque, zygote: Zygote) -> None:
    """Ten jobs were worked off, each once, and the worker has left nothing behind."""
    zygote.check_begun([number for _, number in JOBS])
    failures = [
        (one.class_name, one.payload["args"], one.text("exception")) for one in resque.failures.list()
    ]
    assert failures == [("Bad", [7], "ValueError"), ("Killed", [8], "Resque::DirtyExit")]
    assert keys_left(resque) == LEFT
    assert (resque.stat("processed"), resque.stat("failed")) == (10, 1)
    told = {one.class_name: (one.processed, one.failed) for one in resque.ledger().classes}
    assert told == {"Good": (8, 0), "Bad": (1, 1), "Killed": (1, 1)}
    assert resque.ledger().ruby.processed == 0


def _ready(resque: Resque, zygote: Zygote) -> None:
    zygote.clear()
    resque.link.execute("FLUSHALL")
    resque.enqueue_many(JOBS, queue="jobs")
    counts.note_totals(resque.space)
    for key in resque.link.execute("KEYS", "*:once:*"):
        resque.link.execute("DEL", key)


def _commands_of_a_worker(resque: Resque, proxy: FaultProxy, zygote: Zygote, **options: Any) -> int:
    counting = proxy.commands
    for _ in range(2):  # the first run brings the scripts to Redis
        _ready(resque, zygote)
        proxy.begin()
        counting = proxy.commands
        assert zygote.wait(zygote.work(proxy.url, ["jobs"], **options)) == 0
        proxy.begin()
        _all_in_order(resque, zygote)
    return len(counting)


@pytest.mark.parametrize("mode", ["drop", "close"])
def test_no_single_fault_costs_a_worker_anything(
    mode: Mode, resque: Resque, proxy: FaultProxy, zygote: Zygote
) -> None:
    """A worker with ten jobs (one raises, one is killed), once for each command that it sends, with that
    command's reply lost or its connection broken before: every job once, one record for each failure,
    the counters right, and the worker leaves by itself and in order."""
    count = _commands_of_a_worker(resque, proxy, zygote)
    assert count > 20
    for number in range(1, count + 1):
        _ready(resque, zygote)
        fault = proxy.arm(mode, number)
        code = zygote.wait(zygote.work(proxy.url, ["jobs"]))
        proxy.begin()
        assert fault.hits, number
        assert code == 0, (number, fault.hits, zygote.told())
        _all_in_order(resque, zygote)


@pytest.mark.parametrize("mode", ["drop", "close"])
def test_no_single_fault_costs_a_worker_without_fork_anything(
    mode: Mode, resque: Resque, proxy: FaultProxy, zygote: Zygote
) -> None:
    """The same with jobs in the worker's own process, where a heartbeat thread shares its link."""
    jobs = [*[("Good", n) for n in range(5)], ("Bad", 5), ("Good", 6)]
    number, hit = 0, True
    while hit:
        zygote.clear()
        resque.link.execute("FLUSHALL")
        resque.enqueue_many(jobs, queue="jobs")
        counts.note_totals(resque.space)
        proxy.begin()
        fault = proxy.arm(mode, number) if number else None
        assert zygote.wait(zygote.work(proxy.url, ["jobs"], fork=False)) == 0, (number, zygote.told())
        hit, number = number == 0 or bool(fault and fault.hits), number + 1
        proxy.begin()
        zygote.check_begun([n for _, n in jobs])
        assert [one.payload["args"] for one in resque.failures.list()] == [[5]]
        assert keys_left(resque) == LEFT
        assert (resque.stat("processed"), resque.stat("failed")) == (7, 1)
    assert number > 15


@pytest.mark.parametrize("mode", ["drop", "close"])
def test_no_single_fault_costs_a_worker_that_judges_for_itself_anything(
    mode: Mode, resque: Resque, proxy: FaultProxy, zygote: Zygote
) -> None:
    """The same with elements that the script leaves to Python: odd but good jobs, foreign ones that are
    left, and elements that are not jobs; and with a queue list that has to be resolved."""
    elements = [
        b'{"args": [0], "class": "Good"}',
        b"no json",
        b'{"class":"Foreign","args":[]}',
        b'{"class":"Good","args":["\\u0031"]}',
        b"null",
        b'{"class":"Good","args":[2]}',
        b'{"class":"Good","args":["\\u0031"]}',
    ]
    number, hit = 0, True
    while hit:
        zygote.clear()
        resque.link.execute("FLUSHALL")
        queues.push(resque.space, {"jobs": elements})
        counts.note_totals(resque.space)
        proxy.begin()
        fault = proxy.arm(mode, number) if number else None
        assert zygote.wait(zygote.work(proxy.url, ["*"])) == 0, (number, zygote.told())
        hit, number = number == 0 or bool(fault and fault.hits), number + 1
        proxy.begin()
        zygote.check_begun(["0", "1", "2", "1"])
        assert queues.elements(resque.space, "jobs") == [elements[2]]
        assert resque.link.execute("LRANGE", ASIDE, 0, -1) == [b"no json", b"null"]
        assert [one.payload["args"][1] for one in resque.failures.list()] == ["no json", "null"]
        assert keys_left(resque) - {"resque:queue:jobs", ASIDE} == (LEFT - {"resque:stat:failed"})
        assert resque.stat("processed") == 4
    assert number > 15


@pytest.mark.parametrize("seed", range(5))
def test_many_random_faults_cost_a_worker_nothing(
    seed: int, resque: Resque, proxy: FaultProxy, zygote: Zygote
) -> None:
    """A sixth of all replies of a worker is lost (seeded), those of its repetitions too."""
    _ready(resque, zygote)
    proxy.arm("drop", match=chance(seed, 1 / 6), times=10_000)
    code = zygote.wait(zygote.work(proxy.url, ["jobs"]))
    proxy.begin()
    assert code == 0, zygote.told()
    _all_in_order(resque, zygote)


@pytest.mark.parametrize("mode", ["hole", "hang"])
def test_a_connection_that_hangs_costs_a_worker_nothing(
    mode: Mode, resque: Resque, proxy: FaultProxy, zygote: Zygote
) -> None:
    """At every third command the connection swallows everything, or the reply comes too late: the worker
    gives the connection up and goes on with a new one."""
    count = _commands_of_a_worker(resque, proxy, zygote)
    for number in range(1, count + 1, 3):
        _ready(resque, zygote)
        fault = proxy.arm(mode, number, seconds=0.5)
        code = zygote.wait(zygote.work(proxy.url, ["jobs"], timeout=0.1))
        proxy.begin()
        assert fault.hits, number
        assert code == 0, (number, fault.hits, zygote.told())
        _all_in_order(resque, zygote)


def test_commands_that_arrive_late_cost_a_worker_no_job(
    resque: Resque, proxy: FaultProxy, zygote: Zygote
) -> None:
    """Each command in turn is held back until its repetition has long been answered, some until the worker
    has left: nothing is done twice, and nothing is hidden where nobody looks."""
    count = _commands_of_a_worker(resque, proxy, zygote)
    for number in range(1, count + 1):
        _ready(resque, zygote)
        fault = proxy.arm("delay", number, seconds=20.0)
        code = zygote.wait(zygote.work(proxy.url, ["jobs"], timeout=0.1))
        resque.enqueue("Good", "afterwards", queue="jobs")
        assert fault.hits, number
        assert code == 0, (number, fault.hits, zygote.told())
        fault.release.set()
        proxy.begin()
        # A new worker finds whatever a late command has brought back, and works on.
        for one in resque.link.execute("HKEYS", "resque:workers:heartbeat"):
            resque.link.execute("HSET", "resque:workers:heartbeat", one, "2020-01-01T00:00:00+00:00")
        resque.link.execute("DEL", "resque:pruning_dead_workers_in_progress")
        assert zygote.wait(zygote.work(resque_url(resque), ["jobs"])) == 0, zygote.told()
        failed = [one.payload["args"] for one in resque.failures.list()]
        last = [] if ["afterwards"] in failed else ["afterwards"]
        zygote.check_begun([*(n for _, n in JOBS), *last])
        assert failed[:2] == [[7], [8]]
        keys = resque.link.execute("KEYS", "resque:worker:*")
        assert [key for key in keys if not key.endswith(b":started")] == []  # a late :started harms nobody


@pytest.mark.parametrize("number", range(5))
def test_a_worker_that_ends_while_a_reservation_is_unanswered_gives_the_job_back(
    number: int, resque: Resque, proxy: FaultProxy, zygote: Zygote
) -> None:
    """A signal comes while the worker does not know whether it has taken a job: the job, not begun, is at the
    head of its queue again; also if one more reply is lost on the way out."""
    from pyresque.store import reservation

    _ready(resque, zygote)
    fault = proxy.arm("hang", match=script(reservation._reserve.digest), seconds=20.0)
    pid = zygote.work(proxy.url, ["jobs"], interval=1.0, timeout=0.2)
    assert fault.hit.wait(20)
    if number:
        proxy.arm("drop", len(proxy.commands) + number)
    os.kill(pid, signal.SIGQUIT)
    assert zygote.wait(pid) == 0, zygote.told()
    fault.release.set()
    proxy.begin()
    assert [one["args"][0] for one in resque.peek("jobs", 0, 20)] == [number for _, number in JOBS]
    assert zygote.log() == []
    assert resque.workers() == []
    assert resque.link.execute("KEYS", "resque:worker:*") == []


def test_a_stalled_redis_costs_no_job_and_no_worker(tmp_path: Path, zygote: Zygote) -> None:
    """Redis stops (SIGSTOP) for six seconds, longer than the time limit of a reply, while two workers work
    and an enqueuer enqueues: every job is done once, and the same workers go on."""
    with running() as server:
        resque = Resque(server.url)
        zygote.clear()
        total = 300
        enqueuer = zygote.enqueue(server.url, [["Good", n, 0.001] for n in range(total)], pause=0.002)
        pids = [zygote.work(server.url, ["jobs"], interval=0.05) for _ in range(2)]
        _wait_until(lambda: resque.stat("processed") > 20)
        os.kill(server.process.pid, signal.SIGSTOP)
        time.sleep(6)  # the fault itself
        os.kill(server.process.pid, signal.SIGCONT)
        assert zygote.wait(enqueuer) == 0, zygote.told()
        _wait_until(lambda: resque.stat("processed") >= total)
        assert {one.pid for one in resque.workers()} == {str(pid) for pid in pids}
        _leave(pids, zygote)
        zygote.check_begun(range(total), in_order=False, log=server.folder / "log")
        assert resque.stat("processed") == total
        assert resque.failures.count() == 0
        assert resque.workers() == []
        resque.close()


def test_a_restarted_redis_costs_no_job_and_no_worker(zygote: Zygote) -> None:
    """Redis is killed and started again, three times, under two workers and an enqueuer, with its append-only
    file written at every command: every job is done once, and the same workers go on."""
    with running("--appendonly", "yes", "--appendfsync", "always") as server:
        resque = Resque(server.url)
        zygote.clear()
        total = 300
        enqueuer = zygote.enqueue(server.url, [["Good", n, 0.001] for n in range(total)], pause=0.002)
        pids = [zygote.work(server.url, ["jobs"], interval=0.05) for _ in range(2)]
        for goal in (30, 80, 130):
            _wait_until(lambda goal=goal: resque.stat("processed") >= goal)  # type: ignore[misc]
            restart(server)
        assert zygote.wait(enqueuer) == 0, zygote.told()
        _wait_until(lambda: resque.stat("processed") >= total)
        assert {one.pid for one in resque.workers()} == {str(pid) for pid in pids}
        _leave(pids, zygote)
        zygote.check_begun(range(total), in_order=False, log=server.folder / "log")
        assert resque.stat("processed") == total
        assert resque.failures.count() == 0
        resque.close()


def test_a_file_that_ends_in_the_middle_of_a_script_doubles_no_job() -> None:
    """Redis is killed while it writes a push to its append-only file, and restarts twice. What it had begun
    to write is not done; but up to Redis 8 it stays in the file, and the next start does it together with
    what was written behind it, a second time. Rewriting the file at once prevents that."""
    with running("--appendonly", "yes", "--appendfsync", "always") as server:
        resque = Resque(server.url)
        for number in range(3):
            resque.enqueue("Good", number, queue="jobs")
        token, element = "resque:pyresque:once:1", b'{"class":"Good","args":[3]}'
        words = [token, "resque:queues", "resque:queue:jobs", 300, "jobs", 1, element, "word"]
        resque.link.execute("EVAL", queues._enqueue.text, 3, *words)
        [file] = (server.folder / "appendonlydir").glob("*.incr.aof")

        def cut() -> None:
            data = file.read_bytes()
            os.truncate(file, data.rindex(token.encode()) + 3)

        restart(server, cut)
        resque.link.execute("EVAL", queues._enqueue.text, 3, *words)  # nobody has heard an answer
        restart(server)
        assert [one["args"] for one in resque.peek("jobs", 0, 10)] == [[0], [1], [2], [3]]
        resque.close()


def _leave(pids: list[int], zygote: Zygote) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGQUIT)
    for pid in pids:
        assert zygote.wait(pid) == 0, zygote.told()


def _wait_until(true: Callable[[], bool], seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.01)
