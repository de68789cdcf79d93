"""Schedulers that are killed while they move delayed jobs and fire the schedule, on a Redis that fails.

Seed and rounds as in test_kills.

What is claimed: a delayed job is on its queue once, in the order of the seconds, and nothing is left of it in
the delayed lists. A kill lets the code of one job run again at most. No tick of the schedule is fired twice;
with `--catch-up all` none is missed either. The processes are real ones, and those of ours survive everything
but kill -9.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pyresque import Resque
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry
from pyresque.testing.redis_server import DevRedis, running
from pyresque.wire import times
from tests.chaos.restarts import restart
from tests.chaos.schedulers import LOCK, NOTED, Fleet, check_ticks, fires, history
from tests.chaos.test_kills import ROUNDS, SEED
from tests.faultproxy import FaultProxy, chance

LOCK_SECONDS = 0.5
SPAN = 2 if ROUNDS < 100 else 4
JOBS = 400
STRIKES_MOST = 6 if ROUNDS < 100 else 10
STALLS = (0.2, 0.7, 1.0) if ROUNDS < 100 else (0.2, 0.7, 1.0, 3.0, 10.0)
STRIKES = {
    "master killed": 6, "any killed": 3, "master stopped": 1, "Redis restarted": 1, "Redis stalled": 1,
    "memory full": 2, "read-only": 2, "no replicas": 1,
}  # fmt: skip

pytestmark = pytest.mark.timeout(0 if ROUNDS > 12 else 120)


@pytest.fixture
def durable() -> Iterator[DevRedis]:
    """A Redis that has on disk whatever it has answered, as a history of all that was written."""
    more = ("--auto-aof-rewrite-percentage", "0")
    with running("--appendonly", "yes", "--appendfsync", "always", *more) as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def totals() -> Iterator[Counter[str]]:
    """What all rounds together have done, printed at the end."""
    totals: Counter[str] = Counter()
    yield totals
    print(f"\nschedulers: seed {SEED}, {ROUNDS} rounds: {dict(sorted(totals.items()))}")


class _Chaos:
    """Two schedulers behind a bad network, and what is done to them and to Redis."""

    def __init__(self, seed: int, server: DevRedis, log: Path) -> None:
        self.dice = random.Random(seed)
        self.server = server
        self.resque = Resque(server.url, registry=Registry(WorkerHooks()))
        self.redis = self.resque.link.execute
        self.fleet = Fleet(self.resque, log, LOCK_SECONDS)
        self.proxy = FaultProxy(server)
        faults = {"dropped": ("drop", 0.02, 0.0), "closed": ("close", 0.01, 0.0),
                  "late": ("hang", 0.001, 0.8), "overtaken": ("delay", 0.001, 0.8)}  # fmt: skip
        self._faults = {
            name: self.proxy.arm(mode, match=chance(seed + n, share), seconds=seconds, times=1_000_000)  # type: ignore[arg-type]
            for n, (name, (mode, share, seconds)) in enumerate(faults.items())
        }
        self._struck: Counter[str] = Counter()

    def __enter__(self) -> _Chaos:
        self.fleet.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.fleet.__exit__(*error)
        self.proxy.close()
        self.resque.close()

    @property
    def done(self) -> Counter[str]:
        """What was done, and how often."""
        return self._struck + Counter({name: len(fault.hits) for name, fault in self._faults.items()})

    def start(self, *flags: str) -> None:
        """Start two schedulers, and wait until one is master."""
        for _ in range(2):
            self.fleet.python(self.proxy.url, *flags)
        self.fleet.wait_for_master()

    def strike(self, count: int, between: Callable[[], None] = lambda: None) -> None:
        """Do something bad so many times, at random moments; half of them while jobs are being moved."""
        for _ in range(count):
            between()
            if self.dice.random() < 0.5:
                self._await_work()
                time.sleep(self.dice.uniform(0.0, 0.02))
            else:
                time.sleep(self.dice.uniform(0.0, 0.6))
            what = self.dice.choices(list(STRIKES), list(STRIKES.values()))[0]
            self._do(what)
            self._struck[what] += 1
            self.fleet.revive()

    def _await_work(self) -> None:
        until = time.monotonic() + 1.0
        due = ("ZCOUNT", "resque:delayed_queue_schedule", "-inf")
        while not self.redis(*due, int(time.time())) and time.monotonic() < until:
            time.sleep(0.002)

    def _do(self, what: str) -> None:
        if what == "master killed":
            self.fleet.kill(self.fleet.master() or self.dice.choice(self.fleet.all))
        elif what == "any killed":
            self.fleet.kill(self.dice.choice(self.fleet.all))
        elif what == "Redis restarted":
            restart(self.server)
        elif what == "Redis stalled":
            self._stop(self.server.process.pid, self.dice.choice(STALLS))
        elif what == "master stopped":
            one = self.fleet.master() or self.fleet.all[0]
            self._stop(one.process.pid, LOCK_SECONDS * self.dice.uniform(0.5, 3.0))
        else:
            self._refuse(what)

    def _stop(self, pid: int, seconds: float) -> None:
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)

    def _refuse(self, what: str) -> None:
        setting: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
            "memory full": (("CONFIG", "SET", "maxmemory", 1), ("CONFIG", "SET", "maxmemory", 0)),
            "read-only": (("REPLICAOF", "127.0.0.1", 1), ("REPLICAOF", "NO", "ONE")),
            "no replicas": (("CONFIG", "SET", "min-replicas-to-write", 1),
                            ("CONFIG", "SET", "min-replicas-to-write", 0)),
        }  # fmt: skip
        on, off = setting[what]
        assert self.redis(*on) == b"OK"
        time.sleep(self.dice.uniform(0.1, 0.8))
        assert self.redis(*off) == b"OK"

    def eventually(self, true: Callable[[], Any], what: str) -> None:
        """Wait until something is true."""
        until = time.monotonic() + 90
        while not true():
            assert time.monotonic() < until, f"waited in vain for: {what}\n{self.fleet.told()}"
            time.sleep(0.01)


class _Jobs:
    """Delayed jobs of every form, each with its number, and what must have become of them."""

    def __init__(self, chaos: _Chaos) -> None:
        self._chaos = chaos
        self._late = JOBS
        self.expected: list[int] = []
        """Those that were delayed before it began, in the order in which they are due."""

    def delay(self) -> None:
        """Delay them, for some seconds from now on; some stand twice in their second."""
        first, dice = int(time.time()) + 1, self._chaos.dice
        seconds = sorted(first + dice.randrange(SPAN) for _ in range(JOBS))
        commands: list[tuple[Any, ...]] = []
        for number, second in enumerate(seconds):
            kind, more = dice.choice([("Ruby", b""), ("Ruby", b""), ("Ruby", b',"at":1.50'), ("Hooked", b"")])
            item = b'{"class":"%b","args":[%d],"queue":"jobs"%b}' % (kind.encode(), number, more)
            for _ in range(dice.choice([1, 1, 1, 1, 2])):
                commands.append(("RPUSH", f"resque:delayed:{second}", item))
                commands.append(("SADD", b"resque:timestamps:" + item, f"delayed:{second}"))
                commands.append(("ZADD", "resque:delayed_queue_schedule", second, second))
                self.expected.append(number)
        self._chaos.resque.link.execute_many(commands)

    def delay_some_more(self) -> None:
        """While others are being moved, into the same seconds."""
        resque = self._chaos.resque
        for _ in range(self._chaos.dice.randrange(6)):
            resque.enqueue_in_with_queue("jobs", 1, "Ruby", self._late)
            self._late += 1

    def check(self) -> int:
        """Each is on its queue as often as it was delayed, in order, and nothing else is left."""
        redis = self._chaos.redis
        found = [json.loads(raw)["args"][0] for raw in redis("LRANGE", "resque:queue:jobs", 0, -1)]
        counts, wanted = Counter(found), Counter([*self.expected, *range(JOBS, self._late)])
        assert counts == wanted, f"lost: {wanted - counts}, doubled: {counts - wanted}"
        assert [number for number in found if number < JOBS] == self.expected
        left = {key for key in redis("KEYS", "*") if not key.startswith(b"resque:pyresque:once:")}
        assert left == {b"resque:queue:jobs", b"resque:queues"}
        assert all(redis("PTTL", key) > 0 for key in redis("KEYS", "resque:pyresque:once:*"))
        return len(found)


@pytest.mark.parametrize("number", range(max(1, ROUNDS // 8)))
def test_every_delayed_job_is_moved_once(
    number: int, durable: DevRedis, totals: Counter[str], tmp_path: Path
) -> None:
    """Whoever is killed, and whatever Redis refuses, while they come due."""
    seed = SEED * 1_000_003 + number
    with _Chaos(seed, durable, tmp_path / "log") as chaos:
        jobs = _Jobs(chaos)
        batch = chaos.dice.choice([2, 5, 20, 100])
        try:
            chaos.start("-r", "tests.chaos.delayed_jobs", "--delayed-requeue-batch-size", str(batch))
            jobs.delay()
            chaos.strike(chaos.dice.randint(STRIKES_MOST // 2, STRIKES_MOST), between=jobs.delay_some_more)
            chaos.eventually(
                lambda: not chaos.redis("EXISTS", "resque:delayed_queue_schedule"), "all jobs to be moved"
            )
            chaos.fleet.end()
            # One that was killed at last has not given it back.
            chaos.eventually(lambda: not chaos.redis("EXISTS", LOCK), "the end of the lock")
            totals["delayed jobs"] += jobs.check()
        finally:
            print(f"\ndelayed jobs, round {number}: seed {seed}, batches of {batch}: {dict(chaos.done)}")
        totals.update(chaos.done)


@pytest.mark.parametrize("number", range(max(1, ROUNDS // 8)))
def test_a_kill_lets_the_code_of_one_job_run_again_at_most(
    number: int, durable: DevRedis, totals: Counter[str], tmp_path: Path
) -> None:
    """Masters are killed while batches of jobs with a `scheduled` of their own are moved; some jobs exit."""
    seed = SEED * 1_000_003 + number
    dice = random.Random(seed)
    resque = Resque(durable.url, registry=Registry(WorkerHooks()))
    redis = resque.link.execute
    due = int(time.time())
    kinds = dice.choices(["Custom", "Ruby", "Hooked", "Exits"], [6, 2, 2, 1], k=JOBS)
    items = [
        b'{"class":"%b","args":[%d],"queue":"jobs"%b}'
        % (kind.encode(), n, b',"custom_job_class":"Custom"' if kind == "Custom" and n % 2 else b"")
        for n, kind in enumerate(kinds)
    ]
    with Fleet(resque, tmp_path / "log", LOCK_SECONDS) as fleet:
        for _ in range(2):
            fleet.python(durable.url, "-r", "tests.chaos.delayed_jobs")
        fleet.wait_for_master()
        redis("RPUSH", f"resque:delayed:{due}", *items)
        redis("ZADD", "resque:delayed_queue_schedule", due, due)
        kills, last = 0, -1
        while redis("EXISTS", "resque:delayed_queue_schedule"):
            fleet.revive()
            began = redis("LLEN", "began")
            if began > last + 20 and (master := fleet.master()):
                time.sleep(dice.uniform(0.0, 0.004))
                fleet.kill(master)
                kills, last = kills + 1, began
            time.sleep(0.001)
        fleet.end()
    lines = [line.decode().split() for line in redis("LRANGE", "began", 0, -1)]
    runs, told = Counter(int(number) for number, _ in lines), f"kinds {kinds}, began {lines}"
    custom = {n for n, kind in enumerate(kinds) if kind == "Custom"}
    queued = [json.loads(raw)["args"][0] for raw in redis("LRANGE", "resque:queue:jobs", 0, -1)]
    exits = [n for n, kind in enumerate(kinds) if kind == "Exits"]
    assert set(runs) == custom, told
    assert len(lines) - len(custom) <= kills, told
    assert set(queued) == set(range(JOBS)) - set(exits), told
    assert queued == sorted(queued), told
    assert len(queued) - len(set(queued)) <= kills, told
    assert [one.payload["args"][0] for one in resque.failures.each()] == exits, told
    assert redis("LRANGE", f"resque:pyresque:aside:delayed:{due}", 0, -1) == [items[n] for n in exits]
    resque.close()
    again = len(lines) - len(custom)
    print(f"\ncustom jobs, round {number}: seed {seed}: {kills} kills, {len(custom)} jobs, {again} ran again")
    totals.update({"jobs with code": len(custom), "their code ran again": again, "masters killed": kills})


@pytest.mark.parametrize("number", range(max(1, ROUNDS // 12)))
def test_no_tick_is_fired_twice(number: int, durable: DevRedis, totals: Counter[str], tmp_path: Path) -> None:
    """One each second; with catch-up all each is fired, however long nobody could. By flag and by entry."""
    seed = SEED * 1_000_003 + number
    flag, other = ("all", "none") if number % 2 == 0 else ("none", "all")
    path = tmp_path / "schedule.yml"
    entry = "{class: Tick, cron: '* * * * * *', queue: %s%s}\n"
    path.write_text(f"{flag}: {entry % (flag, '')}{other}: {entry % (other, f', catch_up: {other}')}")
    with _Chaos(seed, durable, tmp_path / "log") as chaos:
        noted = lambda name: (chaos.redis("HGET", NOTED, name) or b"").decode()  # noqa: E731
        try:
            chaos.start("--schedule", str(path), "--catch-up", flag)
            chaos.eventually(lambda: noted("all") and noted("none"), "the first ticks")
            chaos.strike(chaos.dice.randint(STRIKES_MOST // 2, STRIKES_MOST))
            now = times.started(time.time())
            chaos.eventually(lambda: min(noted("all"), noted("none")) >= now, "the ticks of now")
            chaos.fleet.end()
        finally:
            print(f"\nticks, round {number}, catch-up {flag}: seed {seed}: {dict(chaos.done)}")
        for name in ("all", "none"):
            found = list(fires(history(durable.folder), name, name))
            missed = check_ticks(found)
            assert name == "none" or not missed
            totals.update({f"ticks, {name}": len(found), f"ticks missed, {name}": len(missed)})
        totals.update(chaos.done)
