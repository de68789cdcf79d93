"""A job that was begun is settled, once, or left for whoever prunes its worker; it is never put back.

Whatever comes between its end and the writing down of it: Redis away or refusing, signals, exceptions.
"""

from __future__ import annotations

import json
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyresque import Resque
from pyresque.store import reservation, workers
from pyresque.store.workers import Registration
from pyresque.testing.redis_server import DevRedis, running
from tests.faultproxy import Fault, FaultProxy, Mode, Words
from tests.redis.test_arguments import MODES
from tests.unit.cli.program import Live, Program, end_all, until

JOBS = (Path(__file__).parent / "settling_jobs.py").read_text()
SETTLING = {reservation._settle.digest.encode(), reservation._advance.digest.encode()}


class Worker(Live):
    """A worker whose jobs note that they begin and end."""

    def log(self) -> Counter[str]:
        """How often each line was noted: `begin 1`."""
        path = self.folder / "log"
        return Counter(path.read_text().splitlines() if path.exists() else [])

    def gone(self) -> int:
        """Wait for its end; returns its exit status."""
        return self.process.wait(timeout=30)


Started = Callable[..., Worker]


@pytest.fixture
def start(resque: Resque, server: DevRedis, tmp_path: Path) -> Iterator[Started]:
    """Starts a worker in this mode, on this Redis or another one."""
    workers: list[Worker] = []
    (tmp_path / "jobs.py").write_text(JOBS)

    def started(mode: str, *words: str, url: str = "", on: Resque = resque, **env: str) -> Worker:
        program = Program(tmp_path, url or server.url)
        words = ("work", "-q", "q", "-r", "jobs", *MODES[mode], *words)
        env = {"MODE": mode, "INTERVAL": "0.1"} | env
        workers.append(Worker(program.start(*words, **env), program, on))
        return workers[-1]

    yield started
    end_all(workers)


def settling(words: Words) -> bool:
    """Whether this command settles a job."""
    return words[0].upper() in (b"EVALSHA", b"EVAL") and (words[1] in SETTLING or b"settle" in words[1])


def warmed_up(worker: Worker, resque: Resque) -> None:
    """Let it do one job, so that Redis has the scripts and the worker its connection."""
    resque.enqueue("Done", "warm", queue="q")
    until(lambda: resque.stat("processed") == 1)


def burst(start: Started, mode: str, **more: str) -> None:
    """Let another worker do what is left, and prune who has gone."""
    assert start(mode, "--burst", **more).gone() == 0


def keys_of_workers(resque: Resque) -> list[bytes]:
    """What is left of workers in Redis."""
    return [
        *resque.link.execute("KEYS", "resque:worker:*"),
        *resque.link.execute("SMEMBERS", "resque:workers"),
    ]


# --- Redis is away as the result waits ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["Done", "Fails", "Later"])
@pytest.mark.parametrize("mode", list(MODES))
def test_a_result_that_waits_is_settled_as_the_worker_leaves(
    mode: str, name: str, start: Started, resque: Resque, proxy: FaultProxy
) -> None:
    """TERM twice while Redis is away, which then answers: the job has run once, and counts once."""
    worker = start(mode, url=proxy.url)
    warmed_up(worker, resque)
    fault = proxy.arm("close", match=settling, times=10**6)
    resque.enqueue(name, 1, queue="q")
    assert fault.hit.wait(20)
    back = threading.Timer(1.0, lambda: setattr(fault, "times", 0))
    worker.send(signal.SIGTERM)
    until(lambda: len(fault.hits) > 2)
    worker.send(signal.SIGTERM)
    back.start()
    worker.gone()
    back.join()
    assert keys_of_workers(resque) == []
    burst(start, mode)
    assert worker.log() == Counter(["begin warm", "end warm", "begin 1", "end 1"])
    assert resque.stat("processed") == 2
    assert [one.text("exception") for one in resque.failures.list()] == ["LookupError"] * (name != "Done")
    assert resque.size("q") == 0


@pytest.mark.parametrize("mode", list(MODES))
def test_a_result_that_cannot_be_settled_is_left_to_the_pruner(
    mode: str, start: Started, resque: Resque, proxy: FaultProxy
) -> None:
    """Redis stays away: the job stays in worker:ID with its worker, and is then recorded as failed."""
    worker = start(mode, url=proxy.url)
    warmed_up(worker, resque)
    fault = proxy.arm("close", match=settling, times=10**6)
    resque.enqueue("Done", 1, queue="q")
    assert fault.hit.wait(20)
    fault.match = lambda words: True
    for number in range(1, 3):
        until(lambda number=number: len(fault.hits) > 3 * number)  # type: ignore[misc]
        worker.send(signal.SIGTERM)
    assert worker.gone() != 0
    [held] = [key for key in resque.link.execute("KEYS", "resque:worker:*") if not key.endswith(b":started")]
    assert json.loads(resque.link.execute("GET", held))["payload"] == {"class": "Done", "args": [1]}
    assert resque.size("q") == 0
    resque.link.execute("DEL", "resque:pruning_dead_workers_in_progress")
    burst(start, mode)
    assert worker.log()["begin 1"] == 1
    [record] = resque.failures.list()
    assert (record.payload["args"], record.text("exception")) == ([1], "Resque::DirtyExit")
    assert keys_of_workers(resque) == []


@pytest.mark.parametrize("mode", list(MODES))
def test_what_was_fetched_ahead_goes_back(
    mode: str, start: Started, resque: Resque, proxy: FaultProxy
) -> None:
    """The answer that brought it was lost, and the worker leaves: it was never begun."""
    worker = start(mode, url=proxy.url)
    warmed_up(worker, resque)
    resque.enqueue("Done", 1, True, queue="q")
    until(lambda: worker.log()["begin 1"] == 1)
    lost = proxy.arm("drop", match=settling)
    resque.enqueue("Fails", 2, queue="q")
    resque.enqueue("Done", 3, queue="q")
    if mode == "async":  # its other places would take them
        until(lambda: resque.stat("processed") == 3)
        assert resque.size("q") == 0
        return
    away: Fault = proxy.arm("close", match=lambda words: bool(lost.hits), times=10**6)
    (worker.folder / "1").touch()
    assert away.hit.wait(20)
    worker.send(signal.SIGQUIT)
    worker.send(signal.SIGQUIT)
    until(lambda: len(away.hits) > 3)
    away.times = 0
    worker.gone()
    assert [one["args"][0] for one in resque.peek("q", 0, 9)] == [2, 3]
    assert worker.log()["begin 1"] == 1
    assert worker.log()["begin 2"] == 0
    assert resque.failures.list() == []
    assert resque.stat("processed") == 2
    assert keys_of_workers(resque) == []


# --- Redis does not take it --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small() -> Iterator[DevRedis]:
    """A Redis that takes no text of more than 1 MB."""
    with running("--proto-max-bulk-len", "1mb") as server:
        yield server


@pytest.mark.parametrize("mode", list(MODES))
def test_a_record_that_redis_does_not_take_is_shortened(mode: str, start: Started, small: DevRedis) -> None:
    """The job is settled all the same, its next attempt comes, and the worker goes on."""
    resque = Resque(small.url)
    resque.link.execute("FLUSHALL")
    worker = start(mode, url=small.url, on=resque)
    more = "y" * 1_000_000
    resque.enqueue("Large", 1, False, queue="q")
    resque.enqueue("Large", 2, False, more, queue="q")
    resque.enqueue("Later", 3, False, more, queue="q")
    resque.enqueue("Deep", 4, queue="q")
    resque.enqueue("Done", 5, queue="q")
    until(lambda: resque.stat("processed") == 5)
    records = {one.payload["args"][0]: one for one in resque.failures.list(0, 9)}
    assert sorted(records) == [1, 2, 3, 4]
    assert all((records[one].text("error") or "").startswith("as planned") for one in (1, 2, 3))
    assert len(records[1].text("error") or "") == 65_536
    assert "the rest is left out" in (records[1].text("error") or "")
    for one in (2, 3):
        assert "Redis did not take the whole record" in (records[one].text("error") or "")
        assert records[one].payload["args"][2] == more
    assert len(resque.link.execute("KEYS", "resque:delayed:*")) == 1
    assert worker.log() == Counter(f"{what} {one}" for what in ("begin", "end") for one in range(1, 6))
    worker.send(signal.SIGQUIT)
    assert worker.gone() == 0
    resque.close()


@pytest.mark.parametrize("how", ["answer", "swap"])
@pytest.mark.parametrize("name", ["Done", "Fails", "Later"])
@pytest.mark.parametrize("mode", list(MODES))
def test_an_end_that_is_refused_once_is_told_again(
    mode: str, name: str, how: Mode, start: Started, resque: Resque, proxy: FaultProxy
) -> None:
    """Something between us and Redis says that it is too large, whether or not it was carried out. Nothing
    is left out of it, and it is settled once."""
    worker = start(mode, url=proxy.url)
    warmed_up(worker, resque)
    fault = proxy.arm(how, match=settling, times=1, raw=b"-ERR Protocol error: invalid bulk length\r\n")
    resque.enqueue(name, 1, queue="q")
    assert fault.hit.wait(20)
    until(lambda: resque.stat("processed") == 2)
    worker.send(signal.SIGQUIT)
    assert worker.gone() == 0
    records = resque.failures.list()
    assert [one.text("exception") for one in records] == ["LookupError"] * (name != "Done")
    assert not any("did not take" in (one.text("error") or "") for one in records)
    assert len(resque.link.execute("KEYS", "resque:delayed:*")) == (name == "Later")
    assert worker.log() == Counter(["begin warm", "end warm", "begin 1", "end 1"])
    assert keys_of_workers(resque) == []


@pytest.mark.parametrize("mode", list(MODES))
def test_retries_that_redis_would_refuse(mode: str, start: Started, resque: Resque) -> None:
    """An expiry beyond Redis's calendar, of no seconds, a wait without end: one record each, one run."""
    names = ["Forever", "Odd_expiry", "Odd_no expiry", "Odd_below", "Odd_delay"]
    worker = start(mode)
    for number, name in enumerate(names):
        resque.enqueue(name, number, queue="q")
    resque.enqueue("Done", 9, queue="q")
    until(lambda: resque.stat("processed") == 6)
    assert Counter(one.class_name for one in resque.failures.list(0, 99)) == Counter(names)
    assert all(count == 1 for count in worker.log().values())
    assert resque.size("q") == 0
    worker.send(signal.SIGQUIT)
    assert worker.gone() == 0
    assert keys_of_workers(resque) == []
    items = b"".join(resque.link.execute("KEYS", "resque:timestamps:*"))
    assert all(f'"{name}"'.encode() in items for name in names[:4])  # the last one's wait has no end
    counters = resque.link.execute("KEYS", "resque:resque-retry:*")
    assert b"resque:resque-retry:Odd_expiry:1" in counters


# --- exceptions between the end of a job and its settling -------------------------------------------------


@pytest.mark.parametrize(
    "nasty", ["AttributeError", "MemoryError", "RecursionError", "KeyboardInterrupt", "SystemExit"]
)
@pytest.mark.parametrize("mode", list(MODES))
def test_an_exception_between_a_job_and_its_settling(
    mode: str, nasty: str, start: Started, resque: Resque
) -> None:
    """Out of the application's own log filter: the jobs have run once, count once, and fail once."""
    resque.enqueue("Done", 1, queue="q")
    resque.enqueue("Fails", 2, queue="q")
    workers = [start(mode, "--burst", "-v", NASTY=nasty) for _ in range(1)]
    while resque.size("q"):
        workers[-1].gone()
        if resque.size("q"):
            workers.append(start(mode, "--burst", "-v", NASTY=nasty))
    workers[-1].gone()
    assert workers[0].log() == Counter(["begin 1", "end 1", "begin 2", "end 2"])
    assert resque.stat("processed") == 2
    assert [one.text("exception") for one in resque.failures.list()] == ["LookupError"]
    assert keys_of_workers(resque) == []


# --- Redis comes back older than it was ----------------------------------------------------------------


@pytest.mark.parametrize("mode", list(MODES))
def test_a_job_of_which_redis_has_forgotten_the_end_does_not_run_again(mode: str, start: Started) -> None:
    """It is recorded as failed, and the worker goes on."""
    with running() as server:
        resque = Resque(server.url)
        worker = start(mode, url=server.url, on=resque)
        resque.enqueue("Done", 1, True, queue="q")
        until(lambda: worker.log()["begin 1"] == 1)
        places = len(resque.workers())
        resque.link.execute("SAVE")
        (worker.folder / "1").touch()
        until(lambda: resque.stat("processed") == 1)
        resque.enqueue("Done", 2, True, queue="q")
        until(lambda: worker.log()["begin 2"] == 1)
        server.kill()
        server.start()
        (worker.folder / "2").touch()
        until(lambda: worker.log()["end 2"] == 1)
        rest = range(3, 3 + places)  # so many that each place of an async worker takes one
        for number in rest:
            resque.enqueue("Done", number, True, queue="q")
        until(lambda: resque.failures.count() == 1)
        for number in rest:
            (worker.folder / str(number)).touch()
        until(lambda: resque.stat("processed") == len(rest))
        assert all(count == 1 for count in worker.log().values())
        [record] = resque.failures.list()
        assert record.payload["args"][0] == 1
        assert "Redis came back older" in (record.text("error") or "")
        worker.send(signal.SIGQUIT)
        assert worker.gone() == 0
        # A place whose job is gone without a trace suspects a namesake, and takes a new id.
        if mode != "async":
            assert keys_of_workers(resque) == []
        resque.close()


@pytest.mark.parametrize("unsure", [False, True])
@pytest.mark.parametrize("count", [2, 999, 1 << 53])
def test_a_counter_that_somebody_has_set_keeps_no_job(resque: Resque, unsure: bool, count: int) -> None:
    """The job is over and stands in the books no more, so that it does not run again."""
    who = Registration("h", "1:q", workers.mark_of("here", "word"))
    assert workers.claim_ids(resque.space, [(who, workers.look(resque.space, [who.id])[0])])
    assert workers.register(resque.space, who, 0)
    resque.push("q", {"class": "Any", "args": []})
    order, wanted = reservation.QueueOrder(("q",)), reservation.WantedClasses(("Any",))
    search = reservation.Search(resque.space, who, order, wanted, reservation.LeftJobs())
    taken = reservation.reserve(resque.space, search)
    who.unsure = unsure
    resque.link.execute("SET", resque.space.keys.stat(f"processed:{who.id}"), count)
    ended = reservation.EndedJob(taken.record, 0, [("INCR", "done")])
    assert reservation.settle(resque.space, who, ended).what == "settled"
    assert workers.working_on(resque.space, [who.id]) == [b""]
    assert who.contested
    reservation.settle(resque.space, who, ended)  # as if the answer had been lost
    assert resque.link.execute("GET", "done") == b"1"


def test_a_repetition_does_not_settle_a_job_that_looks_the_same(resque: Resque) -> None:
    """The counter is one ahead: that is what the first one has done."""
    who = Registration("h", "1:q", unsure=True)
    record = b'{"queue":"q","run_at":"x","payload":{"class":"Any","args":[]}}'
    resque.link.execute("SET", resque.space.keys.worker(who.id), record)
    resque.link.execute("SET", resque.space.keys.stat(f"processed:{who.id}"), 1)
    assert (
        reservation.settle(resque.space, who, reservation.EndedJob(record, 0, [("INCR", "done")])).what
        == "already"
    )
    assert resque.link.execute("EXISTS", "done") == 0
    assert workers.working_on(resque.space, [who.id]) == [record]
