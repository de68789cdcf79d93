"""Kills at random moments under load: of workers, of their children, of Redis itself. The books must balance.

A short run is part of every test run. The long one, with a seed of your own:

    PYRESQUE_CHAOS_ROUNDS=500 PYRESQUE_CHAOS_SEED=7 python -m pytest tests/chaos -s -q

Every round prints its seed and its counts. The seed decides the jobs, and what is done to whom after which
pause; what the processes are doing at that moment is up to the machine.

What is claimed: a job that was enqueued is done, or failed, or waits, or is being worked on; none is gone,
none is run twice, and none is both done and failed but for one case: its worker (or its own process) was
killed when it had run and nobody had written that down yet. Such a job "may run again", if somebody
decides to requeue its failure.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pyresque import Resque
from pyresque.testing.redis_server import DevRedis, running
from pyresque.wire.records import FailureRecord
from tests.chaos.restarts import restart
from tests.chaos.zygote import Zygote
from tests.faultproxy import FaultProxy, chance

SEED = int(os.environ.get("PYRESQUE_CHAOS_SEED", "20261124"))
ROUNDS = int(os.environ.get("PYRESQUE_CHAOS_ROUNDS", "8"))
KINDS = ("kills", "kills and restarts of Redis", "kills and a bad network")
JOBS = 150

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds child processes in /proc")


@pytest.fixture(scope="module")
def durable() -> Iterator[DevRedis]:
    """A Redis that has on disk whatever it has answered."""
    with running("--appendonly", "yes", "--appendfsync", "always") as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def totals() -> Iterator[Counter[str]]:
    """What all rounds together have done, printed at the end."""
    totals: Counter[str] = Counter()
    yield totals
    print(f"\nchaos: seed {SEED}, {ROUNDS} rounds: {dict(totals)}")


@pytest.mark.parametrize("number", range(ROUNDS))
def test_the_books_balance_whoever_is_killed(
    number: int, durable: DevRedis, zygote: Zygote, totals: Counter[str]
) -> None:
    """Enqueued = done + failed; each job exactly once, but for those whose worker or process was killed."""
    kind = KINDS[number % len(KINDS)]
    zygote.clear()
    seed = SEED * 1_000_003 + number
    with FaultProxy(durable) as proxy:
        if kind == "kills and a bad network":
            proxy.arm("drop", match=chance(seed, 0.03), times=1_000_000)
            proxy.arm("close", match=chance(seed + 1, 0.03), times=1_000_000)
        chaos = _Round(random.Random(seed), zygote, durable, proxy.url if "network" in kind else durable.url)
        try:
            chaos.run(restarts="Redis" in kind)
            chaos.end()
            counts = chaos.balance()
        finally:
            print(f"\nround {number} ({kind}): seed {seed}: {chaos.done}", flush=True)
    print(f"    {dict(counts)}", flush=True)
    totals.update(counts)
    totals.update(chaos.done)


class _Round:
    """One load, and what happens to it."""

    def __init__(self, dice: random.Random, zygote: Zygote, server: DevRedis, url: str) -> None:
        self._dice, self._zygote, self._server, self._url = dice, zygote, server, url
        self._resque = Resque(server.url)
        self.done: Counter[str] = Counter()
        self._resque.link.execute("FLUSHALL")
        kinds = dice.choices(["Good", "Bad", "Killed"], [85, 10, 5], k=JOBS)
        self.jobs = {str(n): kind for n, kind in enumerate(kinds)}
        self._living: list[int] = []
        self._dead: set[int] = set()
        self._dead_children: set[int] = set()

    def run(self, restarts: bool) -> None:
        """Load, workers, kills."""
        jobs = [[kind, n, self._dice.choice([0.0, 0.0, 0.002, 0.01])] for n, kind in self.jobs.items()]
        enqueuer = self._zygote.enqueue(self._url, jobs, pause=0.002)
        self._living = [self._start() for _ in range(self._dice.randint(2, 4))]
        for _ in range(self._dice.randint(6, 14)):
            time.sleep(self._dice.uniform(0.005, 0.06))  # the random moment
            self._strike(self._dice.choice(["parent", "child", "Redis" if restarts else "parent"]))
        assert self._zygote.wait(enqueuer) == 0, self._zygote.told()

    def _start(self) -> int:
        return self._zygote.work(self._url, ["jobs"], interval=0.02, heartbeat=1.0)

    def _strike(self, whom: str) -> None:
        if whom == "Redis":
            restart(self._server)
        elif whom == "parent":
            victim = self._dice.choice(self._living)
            os.kill(victim, signal.SIGKILL)
            self._dead.add(victim)
            self._living.remove(victim)
            self._living.append(self._start())
            if self._dice.random() < 0.5:
                self._grow_old(victim)
        else:
            parent = self._dice.choice(self._living)
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
            if not children:
                return
            victim = int(children[0])
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
            self._dead_children.add(victim)
        self.done[f"{whom} killed"] += 1

    def _grow_old(self, dead: int) -> None:
        """Five minutes pass for one dead worker, so that the others prune it while they work."""
        worker = f"{socket.gethostname()}:{dead}:jobs"
        self._resque.link.execute("HSET", "resque:workers:heartbeat", worker, "2020-01-01T00:00:00+00:00")
        self._resque.link.execute("DEL", "resque:pruning_dead_workers_in_progress")

    def end(self) -> None:
        """Let the living finish, bury the dead, and let new workers clean up after them."""
        _wait_until(lambda: self._resque.size("jobs") == 0, self._zygote)
        for pid in self._living:
            os.kill(pid, signal.SIGQUIT)
        for pid in self._living:
            assert self._zygote.wait(pid) == 0, self._zygote.told()
        for pid in self._dead:
            assert self._zygote.wait(pid) == -signal.SIGKILL
        _wait_until(lambda: self._cleaned(), self._zygote)

    def _cleaned(self) -> bool:
        # In a container only a stale heartbeat proves death.
        for one in self._resque.workers():
            assert int(one.pid) in self._dead, f"{one.id} is registered, but has left"
            self._grow_old(int(one.pid))
        pid = self._zygote.work(self._server.url, ["jobs"], interval=0.0)
        assert self._zygote.wait(pid) == 0, self._zygote.told()
        return not self._resque.workers() and self._resque.size("jobs") == 0

    def balance(self) -> Counter[str]:
        """Every job by its id: done or failed, once."""
        log = self._zygote.log()
        begun = Counter(number for word, number, _ in log if word == "begin")
        ended = {number for word, number, _ in log if word == "end"}
        failures: dict[str, list[FailureRecord]] = {}
        for record in self._resque.failures.each():
            failures.setdefault(str(record.payload["args"][0]), []).append(record)
        counts: Counter[str] = Counter(enqueued=len(self.jobs))
        problems = []
        for number, kind in self.jobs.items():
            story = self._story(kind, begun[number], number in ended, failures.get(number, []))
            counts[story] += 1
            if story.startswith(("LOST", "TWICE", "WRONG")):
                problems.append((number, kind, story, failures.get(number)))
        assert not problems, (
            f"{problems}\n{self._zygote.story({one[0] for one in problems}, self._server.folder / 'log')}"
        )
        assert set(failures) | set(begun) <= set(self.jobs)
        assert self._resque.link.execute("KEYS", "resque:worker:*") == []
        assert self._resque.link.execute("KEYS", "resque:stat:*:*") == []
        assert self._resque.link.execute("KEYS", "resque:pyresque:aside:*") == []
        pruned = sum(1 for records in failures.values() if self._cause(records[0]) == "parent")
        assert self._resque.stat("processed") == len(self.jobs) - pruned
        errors = sum(1 for records in failures.values() if self._cause(records[0]) == "error")
        assert self._resque.stat("failed") == errors
        self._resque.close()
        return counts

    def _story(self, kind: str, begun: int, ended: bool, records: list[FailureRecord]) -> str:
        if begun > 1 or len(records) > 1:
            return f"TWICE: begun {begun} times, failed {len(records)} times"
        if not records:
            if kind == "Good":
                return "done" if ended else "LOST"
            return "LOST (it must fail)"
        cause = self._cause(records[0])
        if cause == "parent" or cause == "child":
            return f"failed, {cause} killed, " + ("though done" if ended else "not done")
        if kind == "Bad" and cause == "error" and ended:
            return "failed by itself"
        if kind == "Killed" and cause == "itself" and ended:
            return "failed by itself"
        return f"WRONG failure: {cause}"

    def _cause(self, record: FailureRecord) -> str:
        """Why a job failed; who was killed is known, and nobody else may be held responsible."""
        error, worker = record.text("error") or "", int((record.text("worker") or "").split(":")[1])
        if record.text("exception") == "ValueError":
            return "error"
        if error.startswith("Child process received unhandled signal pid "):
            return "child" if int(error.split("pid ")[1].split()[0]) in self._dead_children else "itself"
        if record.text("exception") in ("Resque::DirtyExit", "Resque::PruneDeadWorkerDirtyExit"):
            return "parent" if worker in self._dead else f"pruned alive ({error})"
        return f"unknown ({error})"


def _wait_until(true: Callable[[], Any], zygote: Zygote, seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, zygote.told()
        time.sleep(0.01)
