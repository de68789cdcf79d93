"""Replies that are none, at any command of anybody: no job is lost or run twice, no process ends, no client
is told what is not so.

A short run is part of every test run. The long one, with a seed of your own:

    PYRESQUE_CHAOS_ROUNDS=60 PYRESQUE_CHAOS_SEED=7 python -m pytest tests/chaos/test_replies.py -s --timeout 0

Each world has a seed of its own, which decides the faults; when a command comes is up to the machine.
"""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from pyresque import Resque
from pyresque.errors import RedisError
from pyresque.testing.redis_server import DevRedis
from tests.chaos.oddities import Dice
from tests.chaos.zygote import REGISTRY, Zygote
from tests.faultproxy import FaultProxy

SEED = int(os.environ.get("PYRESQUE_CHAOS_SEED", "20261130"))
ROUNDS = int(os.environ.get("PYRESQUE_CHAOS_ROUNDS", "1"))
TIMEOUT = 0.3
"""Seconds that a reply may take in these worlds."""
JOBS = 25

MODES: dict[str, dict[str, object]] = {
    "fork": {},
    "jobs-per-fork": {"jobs_per_fork": 10},
    "no-fork": {"fork": False},
    "async": {"fork": False, "slots": 4},
    "pool": {"pool": 2},
    "scheduler": {},
    "redis-py": {},
}


@pytest.fixture(scope="module", autouse=True)
def totals() -> Iterator[Counter[str]]:
    """What all worlds together have been through, printed at the end."""
    totals: Counter[str] = Counter()
    yield totals
    print(f"\nreplies: seed {SEED}: {dict(totals)}")


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("mode", MODES)
def test_odd_replies_cost_nothing(
    mode: str, number: int, server: DevRedis, zygote: Zygote, totals: Counter[str]
) -> None:
    """A client enqueues, a worker works (a scheduler schedules), and both hear nonsense at every corner."""
    seed = SEED * 1_000_003 + number * 31 + list(MODES).index(mode)
    with FaultProxy(server) as proxy:
        world = _World(random.Random(seed), mode, server, zygote, proxy)
        try:
            world.run(seed)
            world.check()
        except BaseException:
            print(f"\n{mode} {number}: seed {seed}: {dict(world.dice.done)}\n{world.story()}", flush=True)
            raise
    totals.update(world.dice.done, worlds=1, jobs=JOBS, faults=sum(world.dice.done.values()))
    totals.update(world.told)


class _World:
    """One server behind a proxy, one worker, a scheduler where that is the mode, and one client."""

    def __init__(
        self, dice: random.Random, mode: str, server: DevRedis, zygote: Zygote, proxy: FaultProxy
    ) -> None:
        self._mode, self._zygote, self._proxy = mode, zygote, proxy
        self._random = dice
        database = dice.choice((0, 3))
        login = dice.choice(("", "ann:right@"))
        self._beside = f"{server.url.removesuffix('/0')}/{database}"
        self._real = Resque(self._beside, registry=REGISTRY)
        self._real.link.execute("FLUSHALL")
        self._real.link.execute("ACL", "SETUSER", "ann", "on", ">right", "~*", "&*", "+@all")
        self._other = Resque(f"{server.url.removesuffix('/0')}/{3 - database}")
        self._behind = f"redis://{login}127.0.0.1:{proxy.port}/{database}"
        self.told: Counter[str] = Counter()
        self.certain: set[str] = set()
        self.doubtful: set[str] = set()
        self.denied: set[str] = set()
        self.wrong: list[str] = []
        self._bad: set[str] = set()
        self._pids: list[int] = []
        self.codes: list[int] = []

    def run(self, seed: int) -> None:
        """Start everybody, enqueue, let it all happen, and let everybody leave."""
        self._zygote.clear()
        early = self._random.random() < 0.5
        self.dice = Dice(
            seed, self._random.choice((0.05, 0.2, 0.6)), self._random.randint(3, 25), refusals=not early,
            stall=2 * TIMEOUT,
        )  # fmt: skip
        if early:
            self._proxy.choose = self.dice
        self._start()
        if not early:
            self._until(self._is_up)
            self._proxy.choose = self.dice
        for raw in self.dice.connections():
            self._proxy.turn_away(raw)
        client = self._client()
        self._real.push("still", {"class": "Still", "args": [1]})
        self._enqueue(client, range(JOBS // 2))
        self._until(lambda: self.dice.left <= 0 or self._is_done())
        time.sleep(0.6)  # idle, a beat or two, and whatever comes then
        self._enqueue(client, range(JOBS // 2, JOBS))
        client.close()
        if self._random.random() < 0.3:
            # In the middle of it all: a new worker finishes what is left, and nothing was fetched in vain.
            self.dice.left = min(self.dice.left, 4)
            self._leave()
            self._pids.append(self._zygote.work(self._beside, ["jobs"], interval=0.1, **MODES[self._mode]))
            if self._mode == "scheduler":
                self._pids.append(self._zygote.schedule(self._beside))
            self._until(self._is_up)
        self._until(lambda: self.dice.left <= 0 or self._is_done())
        self.dice.left = 0
        self._until(self._is_done)
        self._leave()

    def _leave(self) -> None:
        for pid in self._pids:
            os.kill(pid, signal.SIGQUIT)
        self.codes += [self._zygote.wait(pid) for pid in self._pids]
        self._pids = []

    def _start(self) -> None:
        options = MODES[self._mode]
        if self._mode == "scheduler":
            self._pids.append(self._zygote.schedule(self._behind, timeout=TIMEOUT))
        url = self._beside if self._mode == "scheduler" else self._behind
        self._pids.append(
            self._zygote.work(url, ["jobs"], interval=0.1, heartbeat=0.5, timeout=TIMEOUT, **options)
        )

    def _is_up(self) -> bool:
        path = self._zygote.folder / "stderr"
        told = path.read_text(errors="replace") if path.exists() else ""
        up = re.findall(r"^(\d+) .*(?:is ready|master scheduler|master is)", told, re.MULTILINE)
        return set(map(str, self._pids)) <= set(up)

    def _client(self) -> Resque:
        if self._mode == "redis-py":
            import redis

            return Resque(redis.Redis.from_url(self._behind, socket_timeout=TIMEOUT), registry=REGISTRY)
        client = Resque(self._behind, registry=REGISTRY)
        client.link._timeout = TIMEOUT  # type: ignore[attr-defined]
        return client

    def _enqueue(self, client: Resque, numbers: range) -> None:
        """The client's loop: each call ends in its right answer or in an error that does not lie."""
        for number in map(str, numbers):
            name = "Async" if self._mode == "async" else self._random.choice(("Good", "Good", "Good", "Bad"))
            if name == "Bad":
                self._bad.add(number)
            pause = self._random.choice((0.0, 0.0, 0.01))
            try:
                if self._mode == "scheduler":
                    client.enqueue_in(self._random.choice((0, 1)), name, number, pause, queue="jobs")
                else:
                    client.enqueue(name, number, pause, queue="jobs")
                self.certain.add(number)
            except RedisError as error:
                (self.doubtful if error.maybe_done else self.denied).add(number)
                self.told[type(error).__name__] += 1
            self._look(client)

    def _look(self, client: Resque) -> None:
        questions: dict[str, tuple[Callable[[], object], object]] = {
            "size": (lambda: client.size("still"), 1),
            "peek": (lambda: client.peek("still"), [{"class": "Still", "args": [1]}]),
            "stat": (lambda: client.stat("none"), 0),
            "pop": (lambda: client.pop("empty"), None),
            "failures": (lambda: client.failures.count(list_name="none"), 0),
        }
        name = self._random.choice(list(questions))
        ask, right = questions[name]
        try:
            found = ask()
        except RedisError as error:
            self.told[type(error).__name__] += 1
        else:
            if found != right:
                self.wrong.append(f"{name}: {found!r}")

    def _is_done(self) -> bool:
        keys = self._real.link.execute("KEYS", "resque:*")
        return not any(
            key.startswith((b"resque:queue:jobs", b"resque:delayed:1", b"resque:worker:"))
            and not key.endswith(b":started")
            for key in keys
        )

    def _until(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not true():
            assert time.monotonic() < end, "it did not come to an end"
            time.sleep(0.01)

    def check(self) -> None:
        """Each job once; nothing else."""
        begun = Counter(number for word, number, _ in self._zygote.log() if word == "begin")
        assert [number for number in self.certain if begun[number] == 0] == [], "lost"
        assert [number for number, times in begun.items() if times > 1] == [], "doubled"
        assert [number for number in self.denied if begun[number]] == [], "done, though it was said not to be"
        assert self.wrong == [], "a wrong answer"
        assert self.codes == [0] * len(self.codes), "a process has ended"
        failed = [one.payload["args"][0] for one in self._real.failures.list(limit=None)]
        assert sorted(failed) == sorted(self._bad & set(begun)), "a failure that is none, or none that is one"
        assert self._real.stat("processed") == sum(begun.values())
        assert self._real.workers() == []
        assert self._other.link.execute("DBSIZE") == 0, "something is in the wrong database"

    def story(self) -> str:
        """What somebody needs who looks for the reason."""
        log = "\n".join(" ".join(words) for words in self._zygote.log())
        return (
            f"doubtful {self.doubtful} denied {self.denied} codes {self.codes}\n{log}\n{self._zygote.told()}"
        )
