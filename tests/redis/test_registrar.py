"""Workers that would have one id: containers with one host name, in each of which the worker is process 1.

The first parts play the other worker by what it writes (as Ruby does, docs/protocol/core.md#starting-up,
or as pyresque 0.1.0 did).
The last one is real: workers in pid namespaces of their own, where this system lets us make some.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyresque import Resque, job
from pyresque.config import WorkerOptions
from pyresque.failure import Recorder, Redis
from pyresque.store import workers
from pyresque.store.workers import Registration
from pyresque.system.processes import process_space
from pyresque.wire import times
from pyresque.worker.pruner import Pruner
from pyresque.worker.registrar import Registrar
from tests.redis.bench import Bench, add_echo, busy, eventually, failed, put, seen, stats

HERE = process_space()
ID = "web:1:q"
RECORD = '{"queue":"q","run_at":"2026-11-23T18:07:34Z","payload":{"class":"Theirs","args":[1]}}'
RUBYS = "2026-11-23 19:07:34 +0100"


def ours(word: str, space: str = HERE, tail: str = "1:q") -> Registration:
    """A worker of ours that is about to start as `web:1:q`."""
    return Registration("web", tail, workers.mark_of(space, word))


def registrar(resque: Resque, *members: Registration) -> Registrar:
    pruner = Pruner(resque.space, resque.registry, Recorder(resque.space, Redis()))
    return Registrar(resque.space, pruner, members)


def entered(resque: Resque, *members: Registration) -> Registrar:
    found = registrar(resque, *members)
    found.claim()
    found.enter()
    return found


def there(
    resque: Resque,
    worker_id: str = ID,
    *,
    mark: str | None = None,
    beat: float | str | None = 0.0,
    working: str = RECORD,
    registered: bool = True,
) -> None:
    """What another worker has left, or writes while it lives; `beat`: so many seconds ago."""
    if registered:
        resque.link.execute("SADD", "resque:workers", worker_id)
        resque.link.execute("SET", f"resque:worker:{worker_id}:started", RUBYS)
    if mark is not None:
        resque.link.execute("HSET", "resque:pyresque:workers", worker_id, mark)
    if beat is not None:
        text = beat if isinstance(beat, str) else times.heartbeat(time.time() - beat)
        resque.link.execute("HSET", "resque:workers:heartbeat", worker_id, text)
    if working:
        resque.link.execute("SET", f"resque:worker:{worker_id}", working)


def registered(resque: Resque) -> set[str]:
    return {one.decode() for one in resque.link.execute("SMEMBERS", "resque:workers")}


# --- who may have an id ----------------------------------------------------------------------------

OTHER = "another boot pid:[7]"
LIVING: dict[str, dict[str, Any]] = {
    "ruby": {},
    "ruby that has not registered yet": {"registered": False, "working": ""},
    "pyresque": {"mark": f"{OTHER}#abc"},
    "pyresque that has not registered yet": {"mark": f"{OTHER}#abc", "registered": False, "working": ""},
    "pyresque 0.1.0": {"mark": OTHER},
    "pyresque where nobody can tell where pids are valid": {"mark": "#abc"},
    "one whose last beat is four minutes old": {"beat": 240.0},
    "one whose beat is not a time": {"beat": "soon"},
    "one whose clock is ahead": {"beat": -4000.0},
}
DEAD: dict[str, dict[str, Any]] = {
    "ruby without a beat": {"beat": None},
    "ruby, long ago": {"beat": 400.0},
    "pyresque, long ago": {"mark": f"{OTHER}#abc", "beat": 400.0},
    "pyresque in this very system: its pid is ours": {"mark": f"{HERE}#abc"},
    "pyresque 0.1.0 in this very system": {"mark": HERE},
    "a record that nobody is registered for": {"beat": None, "registered": False},
    "a mark that was left": {"mark": f"{OTHER}#abc", "beat": None, "registered": False},
}


@pytest.mark.parametrize("name", LIVING)
def test_the_id_of_a_worker_that_may_live_is_left_to_it(
    resque: Resque, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With its job and everything; ours has an ending to its host name, that Ruby reads, and says so."""
    there(resque, **LIVING[name])
    before = resque.link.execute("GET", f"resque:worker:{ID}")
    beat = resque.link.execute("HGET", "resque:workers:heartbeat", ID)
    who = ours("me")
    entered(resque, who)
    assert who.id != ID
    assert who.host.startswith("web-") or "-" in who.host
    assert who.id.split(":", 1)[1] == "1:q"
    assert who.id in registered(resque)
    assert failed(resque) == []
    assert resque.link.execute("GET", f"resque:worker:{ID}") == before
    assert resque.link.execute("HGET", "resque:workers:heartbeat", ID) == beat
    assert ID in caplog.text
    assert who.id in caplog.text


@pytest.mark.parametrize("name", DEAD)
def test_the_id_of_a_worker_that_is_dead_is_taken_over_at_once(resque: Resque, name: str) -> None:
    """Its job is recorded as failed, once, and its counters are not ours."""
    there(resque, **DEAD[name])
    resque.link.execute("SET", f"resque:stat:processed:{ID}", 7)
    who = ours("me")
    entered(resque, who)
    assert who.id == ID
    assert registered(resque) == {ID}
    has_job = DEAD[name].get("working", RECORD) != ""
    assert [one["worker"] for one in failed(resque)] == ([ID] if has_job else [])
    assert resque.link.execute("EXISTS", f"resque:stat:processed:{ID}", f"resque:worker:{ID}") == 0


@pytest.mark.parametrize("key", ["workers", "workers:heartbeat", "pyresque:workers", f"worker:{ID}"])
def test_a_key_of_the_books_that_holds_something_else_stops_no_worker(resque: Resque, key: str) -> None:
    """It finds an id, the same or another, and works."""
    resque.link.execute("RPUSH", f"resque:{key}", "junk")
    who = ours("me")
    entered(resque, who)
    assert who.started


def test_all_places_of_an_async_worker_get_one_host(resque: Resque) -> None:
    """One id that is another's is enough; the others of it would say who the worker is, and be wrong."""
    there(resque, f"{ID},,")
    places = [ours("me", tail="1:q" + "," * n) for n in range(4)]
    entered(resque, *places)
    assert len({one.host for one in places}) == 1
    assert registered(resque) == {f"{ID},,", *(one.id for one in places)}
    assert ID not in registered(resque)


def test_of_many_that_start_at_once_each_has_an_id_of_its_own(resque: Resque) -> None:
    """Whatever the order of their commands: claiming is one step, and registering asks once more."""
    started = []
    for number in range(5):
        who = ours(f"w{number}", f"system {number}")
        found = registrar(resque, who)
        found.claim()
        started.append((who, found))
    for _, found in reversed(started):
        found.enter()
    assert started[0][0].id == ID
    assert len({who.id for who, _ in started}) == 5
    assert registered(resque) == {who.id for who, _ in started}


def test_two_that_saw_the_same_id_free_do_not_both_get_it(resque: Resque) -> None:
    """The script asks whether all is still as it was seen."""
    one, two = ours("one", "system 1"), ours("two", "system 2")
    [free] = workers.look(resque.space, [ID])
    assert workers.claim_ids(resque.space, [(one, free)])
    assert not workers.claim_ids(resque.space, [(two, free)])
    assert workers.claim_ids(resque.space, [(one, free)])  # as after a lost reply


def test_a_ruby_worker_that_registers_while_ours_starts_keeps_the_id(resque: Resque) -> None:
    """Between the claim and the registration, for instance while a before_first_fork hook runs."""
    who = ours("me")
    found = registrar(resque, who)
    found.claim()
    there(resque)
    found.enter()
    assert who.id != ID
    assert registered(resque) == {ID, who.id}
    assert resque.link.execute("GET", f"resque:worker:{ID}:started") == RUBYS.encode()
    assert resque.link.execute("HEXISTS", "resque:pyresque:workers", ID) == 0


# --- a worker that has fallen out of the books -----------------------------------------------------


def test_a_worker_that_was_pruned_though_it_lives_comes_back_as_itself(resque: Resque) -> None:
    """By Ruby, by us, or with everything else: the same id, and a beat, so that it is not taken for dead."""
    who = ours("me")
    found = entered(resque, who)
    for command in (("SREM", "resque:workers", ID), ("FLUSHALL",)):
        resque.link.execute(*command)
        found.enter_again(who)
        assert (who.id, registered(resque)) == (ID, {ID})
        assert resque.link.execute("HEXISTS", "resque:workers:heartbeat", ID) == 1


def test_a_worker_whose_id_somebody_took_meanwhile_leaves_it_to_him(resque: Resque) -> None:
    """It was out of the books, another one started: its mark tells."""
    who = ours("me")
    found = entered(resque, who)
    resque.link.execute("FLUSHALL")
    other = ours("other", "system 2")
    entered(resque, other)
    found.enter_again(who)
    assert (other.id, registered(resque)) == (ID, {ID, who.id})
    assert who.id != ID


# --- another worker comes while ours works ---------------------------------------------------------

MODES = {
    "fork": WorkerOptions(),
    "no fork": WorkerOptions(fork_per_job=False),
    "jobs per fork": WorkerOptions(jobs_per_fork=10),
}


def add_failing(resque: Resque) -> Any:
    """A job that waits for the key `go` and fails."""

    @job(queue="q", name="Failing", registry=resque.registry)
    def failing(number: int) -> None:
        resque.link.execute("RPUSH", "seen", f"began {number}")
        eventually(lambda: resque.space.link.execute("EXISTS", "go"))
        raise ValueError(f"failed {number}")

    return failing


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("does", ["waits", "works", "has worked"])
def test_a_ruby_worker_that_takes_our_id_costs_the_job_in_hand_nothing(
    bench: Bench, resque: Resque, mode: str, does: str
) -> None:
    """It is recorded and counted once; the next run under another id, and Ruby's books are left alone."""
    failing, echo = add_failing(resque), add_echo(resque)
    resque.enqueue(failing, 1)
    worker = bench.start(options=MODES[mode]).ready()
    eventually(lambda: seen(resque) == ["began 1"])
    there(resque, worker.id, working=RECORD if does == "works" else "")
    if does == "has worked":  # Ruby's end of a job: its own, it thinks
        resque.link.execute("DEL", f"resque:worker:{worker.id}")
        for name in ("processed", f"processed:{worker.id}"):
            resque.link.execute("INCRBY", f"resque:stat:{name}", 1)
    resque.link.execute("SET", "go", 1)
    eventually(lambda: len(failed(resque)) == 1)
    resque.enqueue(echo, 2)
    eventually(lambda: seen(resque) == ["began 1", "[2]"])
    eventually(lambda: len(registered(resque)) == 2)
    assert [one["error"] for one in failed(resque)] == ["failed 1"]
    rubys = 1 if does == "has worked" else 0
    eventually(lambda: stats(resque) == (2 + rubys, 1))
    left = resque.link.execute("GET", f"resque:worker:{worker.id}")
    assert left == (RECORD.encode() if does == "works" else None)
    worker.send(15)
    assert worker.wait() == 0
    assert registered(resque) == {worker.id}
    assert resque.link.execute("HGETALL", "resque:pyresque:workers") == []


@pytest.mark.parametrize("mode", MODES)
def test_a_job_that_another_worker_put_into_our_record_is_not_run(
    bench: Bench, resque: Resque, mode: str
) -> None:
    """Every call of ours was answered, so it cannot be one that we took without hearing of it."""

    @job(queue="q", name="Theirs", registry=resque.registry)
    def theirs(number: int) -> None:
        resque.link.execute("RPUSH", "seen", f"theirs {number}")

    echo = add_echo(resque)
    worker = bench.start(options=MODES[mode]).ready()
    resque.link.execute("SET", f"resque:worker:{worker.id}", RECORD)
    resque.enqueue(echo, 2)
    eventually(lambda: seen(resque) == ["[2]"])
    assert resque.link.execute("GET", f"resque:worker:{worker.id}") == RECORD.encode()
    eventually(lambda: stats(resque) == (1, 0))
    assert failed(resque) == []


def test_a_worker_that_registers_in_the_same_second_shows_by_its_counter(
    bench: Bench, resque: Resque
) -> None:
    """Then nothing in the books differs. It has counted a job while ours ran: that is not our repetition."""
    failing, echo = add_failing(resque), add_echo(resque)
    resque.enqueue(failing, 1)
    worker = bench.start().ready()
    eventually(lambda: seen(resque) == ["began 1"])
    resque.link.execute("INCRBY", f"resque:stat:processed:{worker.id}", 1)
    resque.link.execute("SET", "go", 1)
    eventually(lambda: [one["error"] for one in failed(resque)] == ["failed 1"])
    resque.enqueue(echo, 2)
    eventually(lambda: seen(resque) == ["began 1", "[2]"])
    assert len(registered(resque)) == 2


def test_a_worker_that_registers_in_the_same_second_shows_by_its_record(bench: Bench, resque: Resque) -> None:
    """It writes worker:ID over ours: ours goes on under another id, and does not take its job."""
    echo = add_echo(resque)
    worker, _ = busy(bench)
    resque.link.execute("SET", f"resque:worker:{worker.id}", RECORD)
    resque.link.execute("SET", "go", 1)
    resque.enqueue(echo, 2)
    eventually(lambda: seen(resque)[1:] == ["finished", "[2]"])
    assert len(registered(resque)) == 2
    assert resque.link.execute("GET", f"resque:worker:{worker.id}") == RECORD.encode()
    assert failed(resque) == []


def test_an_older_pyresque_that_takes_our_id_over_is_noticed(bench: Bench, resque: Resque) -> None:
    """0.1.0 asks nobody: it writes its mark over ours. Ours sees that at its next beat, at the latest."""
    echo = add_echo(resque)
    worker = bench.start(options=WorkerOptions(heartbeat_interval=0.02)).ready()
    resque.link.execute("HSET", "resque:pyresque:workers", worker.id, OTHER)
    eventually(lambda: len(registered(resque)) == 2)
    assert resque.link.execute("HGET", "resque:pyresque:workers", worker.id) == OTHER.encode()
    resque.enqueue(echo, 1)
    eventually(lambda: seen(resque) == ["[1]"])


def test_a_worker_that_leaves_does_not_take_its_namesake_out_of_the_books(
    bench: Bench, resque: Resque, capfd: pytest.CaptureFixture[str]
) -> None:
    """Ruby has registered under its id while it waited for work; ours has left, and says nothing else."""
    worker = bench.start(interval=3600).ready()
    worker.shows("Waiting for q")
    there(resque, worker.id)
    worker.send(15)
    assert worker.wait() == 0
    assert registered(resque) == {worker.id}
    assert resque.link.execute("GET", f"resque:worker:{worker.id}") == RECORD.encode()
    assert failed(resque) == []
    assert "stays" not in capfd.readouterr().err


# --- what others make of it ------------------------------------------------------------------------


def test_a_dead_worker_with_an_ending_to_its_host_name_is_pruned(resque: Resque) -> None:
    """Its mark says that its pid was one of this system."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    dead = f"web-1a2b3c4d:{process.pid}:q"
    there(resque, dead, mark=f"{HERE}#abc")
    living = f"web-1a2b3c4d:{os.getpid()}:q"
    there(resque, living, mark=f"{HERE}#def", working="")
    there(resque, f"elsewhere-1:{process.pid}:q", mark=f"{OTHER}#abc", working="")
    pruner = Pruner(resque.space, resque.registry, Recorder(resque.space, Redis()))
    assert pruner.prune("me:1:q", ["q"]) == [dead]
    assert [one["worker"] for one in failed(resque)] == [dead]


# --- real ones -------------------------------------------------------------------------------------

NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]

JOBS = """
import asyncio, os, time
from pyresque import job

def note(word, number):
    descriptor = os.open(os.environ["LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{word} {number}\\n".encode())
    os.close(descriptor)

@job(queue="q", name="Plain")
def plain(number: int) -> None:
    note("begin", number)
    time.sleep(0.02)
    note("end", number)

@job(queue="q", name="Async")
async def coroutine(number: int) -> None:
    note("begin", number)
    await asyncio.sleep(0.02)
    note("end", number)
"""


def _may_make_namespaces() -> bool:
    try:
        return subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


class Namesakes:
    """Workers that are each process 1 of their own pid namespace, on one host name."""

    def __init__(self, resque: Resque, url: str, folder: Path) -> None:
        self.resque, self.folder = resque, folder
        (folder / "jobs.py").write_text(JOBS)
        self._ledger = folder / "ledger"
        self._env = {**os.environ, "PYTHONPATH": str(folder), "LEDGER": str(self._ledger), "REDIS_URL": url}
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        command = [
            *NAMESPACE,
            sys.executable,
            "-m",
            "pyresque",
            "work",
            "-q",
            "q",
            "-r",
            "jobs",
        ]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen([*command, *words], cwd=self.folder, env=self._env, stderr=log)
        self._running.append(process)
        return process

    def ready(self, count: int) -> set[str]:
        """Wait until so many have registered; returns their ids."""
        eventually(lambda: len(registered(self.resque)) == count, 60)
        return registered(self.resque)

    def noted(self, word: str) -> Counter[int]:
        """How often each job did that."""
        lines = self._ledger.read_text().splitlines() if self._ledger.exists() else []
        return Counter(int(line.split()[1]) for line in lines if line.split()[0] == word)

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def end(self) -> None:
        for process in self._running:
            process.kill()  # the worker goes with it
            process.wait()


@pytest.fixture
def namesakes(resque: Resque, server: Any, tmp_path: Path) -> Iterator[Namesakes]:
    if not _may_make_namespaces():
        pytest.skip("`unshare --pid` makes no pid namespace here (that takes root)")
    found = Namesakes(resque, server.url, tmp_path)
    yield found
    found.end()


REAL: dict[str, tuple[tuple[str, ...], str, int]] = {
    "fork": ((), "Plain", 1),
    "no fork": (("--no-fork",), "Plain", 1),
    "jobs per fork": (("--jobs-per-fork", "10"), "Plain", 1),
    "async": (("--async-concurrency", "3"), "Async", 3),
    "pool": (("-n", "2"), "Plain", 2),
}


def pushed(resque: Resque, name: str, numbers: range) -> None:
    put(resque, *(json.dumps({"class": name, "args": [number]}).replace(": ", ":") for number in numbers))


@pytest.mark.parametrize("mode", REAL)
def test_namesakes_that_start_at_one_instant_run_each_job_once(namesakes: Namesakes, mode: str) -> None:
    """Five of them, 60 jobs; one keeps the id, the others say which they have."""
    words, name, places = REAL[mode]
    pushed(namesakes.resque, name, range(30))
    for _ in range(5):
        namesakes.start(*words)
    ids = namesakes.ready(5 * places)
    pushed(namesakes.resque, name, range(30, 60))
    eventually(lambda: len(namesakes.noted("end")) == 60, 60)
    eventually(lambda: namesakes.resque.stat("processed") == 60)
    assert namesakes.noted("begin") == Counter(range(60))
    assert namesakes.noted("end") == Counter(range(60))
    assert failed(namesakes.resque) == []
    hosts = {one.split(":")[0] for one in ids}
    plain = [one for one in hosts if f"{one}-" in "".join(hosts)]
    assert len(hosts) == 5 or mode == "pool"
    assert len(plain) <= 1
    assert namesakes.log().count("do containers share a host name?") >= 4


def test_a_namesake_that_was_killed_and_comes_back_runs_nothing_twice(namesakes: Namesakes) -> None:
    """Nobody can tell yet whether it is dead, or lives elsewhere: it is given another id."""
    resque = namesakes.resque
    first = namesakes.start("--no-fork")
    namesakes.ready(1)
    pushed(resque, "Plain", range(5))
    eventually(lambda: namesakes.noted("begin"))
    first.kill()
    first.wait()
    namesakes.start("--no-fork")
    ids = namesakes.ready(2)
    pushed(resque, "Plain", range(5, 10))
    eventually(lambda: resque.size("q") == 0 and len(resque.working()) <= 1)
    held = [one.working.payload["args"][0] for one in resque.working() if one.working and one.working.payload]
    assert max(namesakes.noted("begin").values()) == 1
    assert set(namesakes.noted("end")) | set(held) == set(range(10))
    assert len({one.split(":", 1)[1] for one in ids}) == 1
