"""What removing many costs, and how long it lets other clients wait.

    python benchmarks/removal.py [--failures N] [--times N]

Clears the retried third of N/4, N/2 and N failures of 1.2 KB each, dequeues half of N jobs, removes and
puts back 1,800 of 10,000 failures by their ids, and takes 1,000 jobs of ours that stand scattered among N of
a class that the worker does not know. Meanwhile another client sends PING without end. Prints the processor
time of each (of us and Redis), as a ratio to that of looking at as many failures (or jobs) once, how much of
it was Redis's, and the longest PING, beside that of a Redis with nothing to do, which shows how long the
machine alone lets wait. Each is the median of some runs, with the least and the most.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Callable
from typing import Any

from pyresque import Resque, job
from pyresque.config import WorkerOptions
from pyresque.testing.redis_server import DevRedis, running
from pyresque.wire.records import FailureRecord
from pyresque.worker.loop import Worker

AT_A_TIME = 2000
Work = Callable[[Resque], int]


def busy(resque: Resque) -> float:
    """Seconds of processor time that Redis has taken."""
    lines = dict(
        line.split(":") for line in resque.link.execute("INFO", "cpu").decode().split() if ":" in line
    )
    return float(lines["used_cpu_user"]) + float(lines["used_cpu_sys"])


def pinging(
    url: str, stop: multiprocessing.synchronize.Event, worst: multiprocessing.sharedctypes.Synchronized[float]
) -> None:
    """Send PING until told to stop; keep the longest wait for its answer."""
    link = Resque(url).link
    while not stop.is_set():
        began = time.monotonic()
        link.execute("PING")
        worst.value = max(worst.value, time.monotonic() - began)
        time.sleep(0.001)


def fill(resque: Resque, key: str, elements: int, make: Callable[[int], bytes]) -> None:
    """An empty database but for this list."""
    resque.link.execute("FLUSHALL")
    resque.link.execute("SADD", "resque:queues", "q")
    for first in range(0, elements, AT_A_TIME):
        some = range(first, min(first + AT_A_TIME, elements))
        resque.link.execute("RPUSH", key, *map(make, some))


def failure(number: int) -> bytes:
    """A record as Ruby writes it; every third was retried."""
    record = {
        "failed_at": "2026/11/26 07:07:53 UTC",
        "payload": {"class": "Echo", "args": [number]},
        "exception": "RuntimeError",
        "error": f"boom {number}",
        "backtrace": ["/srv/app/releases/20261126/app/jobs/echo.rb:1:in `perform'"] * 16,
        "worker": "host:1:q",
        "queue": "q",
    }
    if number % 3 == 0:
        record["retried_at"] = "2026/11/26 08:00:00 UTC"
    return json.dumps(record, separators=(",", ":")).encode()


class Bench:
    """Where it is measured: a Redis that has to work, and one that has nothing to do."""

    def __init__(self, servers: tuple[DevRedis, DevRedis], times: int) -> None:
        self._urls = [one.url for one in servers]
        self._times = times
        self.resque = Resque(self._urls[0])

    def measured(self, name: str, prepare: Callable[[Resque], None], work: Work, look: Work) -> None:
        """Do it so many times, and print what it took."""
        rows = [self._once(prepare, work, look) for _ in range(self._times)]
        ratio, used, worst, elsewhere = (sorted(column) for column in zip(*rows, strict=True))
        print(
            f"{name}: {told(ratio, '.1f')} x the time of one look; Redis took {told(used, '.0%')} of it; "
            f"longest PING {told(worst, '.0f')} ms, elsewhere {told(elsewhere, '.0f')} ms",
            flush=True,
        )

    def _once(self, prepare: Callable[[Resque], None], work: Work, look: Work) -> tuple[float, ...]:
        prepare(self.resque)
        once = sum(self._spent(look))
        worst, (redis, mine) = waiting(self._urls, lambda: self._spent(work))
        return (redis + mine) / once, redis / (redis + mine), *(1000 * one for one in worst)

    def _spent(self, work: Work) -> tuple[float, float]:
        """The processor time that it takes: of Redis, and of us with our children."""
        redis, mine = busy(self.resque), sum(os.times()[:4])
        if not work(self.resque):
            raise SystemExit("there is nothing there")
        return busy(self.resque) - redis, sum(os.times()[:4]) - mine


def told(numbers: list[float], form: str) -> str:
    """The median, with the least and the most."""
    least, median, most = (format(one, form) for one in (numbers[0], numbers[len(numbers) // 2], numbers[-1]))
    return f"{median} ({least}-{most})"


def waiting(urls: list[str], work: Callable[[], Any]) -> tuple[list[float], Any]:
    """Do it while these get PINGs: the longest wait for an answer of each, and what it gave."""
    stop, worst = multiprocessing.Event(), [multiprocessing.Value("d", 0.0) for _ in urls]
    clients = [
        multiprocessing.Process(target=pinging, args=(url, stop, its))
        for url, its in zip(urls, worst, strict=True)
    ]
    for client in clients:
        client.start()
    time.sleep(0.3)
    found = work()
    stop.set()
    for client in clients:
        client.join()
    return [its.value for its in worst], found


def failures(number: int) -> Callable[[Resque], None]:
    """So many failures, and nothing else."""
    return lambda resque: fill(resque, "resque:failed", number, failure)


def jobs(number: int, element: Callable[[int], bytes]) -> Callable[[Resque], None]:
    """So many jobs, and nothing else."""
    return lambda resque: fill(resque, "resque:queue:q", number, element)


def looked_at(resque: Resque) -> int:
    """Look at all failures once."""
    return sum(1 for _ in resque.failures.each())


def read(resque: Resque) -> int:
    """Look at all jobs once."""
    return len(resque.peek("q", 0, resque.size("q")))


def by_ids(bench: Bench, count: int) -> None:
    """So many of 10,000 failures by their ids, as the command line does it."""

    def named(resque: Resque) -> list[FailureRecord]:
        ids = [one.id for n, one in enumerate(resque.failures.each()) if n % 5 == 1][:count]
        return [one for one in resque.failures.find_all(ids) if one]

    def removed(resque: Resque) -> int:
        return sum(resque.failures.remove_all(named(resque)))

    def retried(resque: Resque) -> int:
        return sum(map(resque.failures.requeue, named(resque)))

    bench.measured(f"failed remove of {count} ids out of 10,000", failures(10_000), removed, looked_at)
    bench.measured(f"failed retry of {count} ids out of 10,000", failures(10_000), retried, looked_at)


def among_others(bench: Bench, others: int, ours: int) -> None:
    """Jobs of ours among those of a class that the worker does not know."""
    registry = bench.resque.registry

    @job(queue="q", name="Ours", registry=registry)
    def one(number: int) -> None:
        pass

    def element(number: int) -> bytes:
        name = b"Foreign" if number % (others // ours) else b"Ours"
        return b'{"class":"%s","args":[%d]}' % (name, number)

    def taken(resque: Resque) -> int:
        before = resque.size("q")
        if (pid := os.fork()) == 0:
            Worker(resque, ["q"], WorkerOptions(fork_per_job=False)).work(0)
            os._exit(0)
        os.waitpid(pid, 0)
        return before - resque.size("q")

    bench.measured(f"{ours} jobs taken from among {others} of others", jobs(others, element), taken, read)


def main() -> None:
    """Print a line for each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--failures", type=int, default=200_000)
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    most = options.failures
    with running() as server, running() as idle:
        bench = Bench((server, idle), options.times)
        for size in (most // 4, most // 2, most):
            name = f"{size} failures, the retried ones cleared"
            bench.measured(name, failures(size), lambda one: one.failures.clear_retried(), looked_at)
        two = jobs(most, lambda n: b'{"class":"%s","args":[%d]}' % (b"B" if n % 2 else b"A", n))
        bench.measured(
            f"half of {most} jobs dequeued", two, lambda one: one.dequeue("A", queue="q") or 0, read
        )
        by_ids(bench, 1800)
        among_others(bench, most, 1000)


if __name__ == "__main__":
    main()
