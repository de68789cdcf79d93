"""What removing many costs, and how long it lets other clients wait.

    python benchmarks/removal.py [--failures N]

Clears the retried third of N/4, N/2 and N failures of 1.2 KB each, dequeues half of N jobs, removes and
puts back 1,800 of 10,000 failures by their ids, and takes 1,000 jobs of ours that stand scattered among N of
a class that the worker does not know. Meanwhile another client sends PING without end. Prints the time of
each, as a ratio to that of looking at as many failures (or jobs) once, how busy Redis was, and the longest
PING, beside the longest one while nothing else went on.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Callable

from pyresque import Resque, job
from pyresque.config import WorkerOptions
from pyresque.devredis import DevRedis, running
from pyresque.registry import Registry
from pyresque.worker.loop import Worker

AT_A_TIME = 2000


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


def measured(
    server: DevRedis, name: str, work: Callable[[Resque], int], look: Callable[[Resque], int]
) -> None:
    """Print what it took."""
    resque = Resque(server.url)
    began = time.monotonic()
    look(resque)
    once = time.monotonic() - began
    _, _, rest = waiting(server, lambda: time.sleep(3))
    before = busy(resque)
    done, took, worst = waiting(server, lambda: work(resque))
    used = busy(resque) - before
    print(
        f"{name}: {done} went, in {took / once:.1f} x the time of one look; Redis was busy for "
        f"{used / took:.0%} of it; the longest PING {worst * 1000:.0f} ms ({rest * 1000:.0f} ms alone)",
        flush=True,
    )


def waiting(server: DevRedis, work: Callable[[], int | None]) -> tuple[int, float, float]:
    """Do it beside a client that sends PING: what it gave, its time, and the longest wait for an answer."""
    stop, worst = multiprocessing.Event(), multiprocessing.Value("d", 0.0)
    client = multiprocessing.Process(target=pinging, args=(server.url, stop, worst))
    client.start()
    time.sleep(0.3)
    began = time.monotonic()
    done = work() or 0
    took = time.monotonic() - began
    stop.set()
    client.join()
    return done, took, worst.value


def looked_at(resque: Resque) -> int:
    """Look at all failures once."""
    return sum(1 for _ in resque.failures.each())


def by_ids(server: DevRedis, count: int, every: int) -> None:
    """1,800 of 10,000 failures by their ids, as the command line does it."""

    def named(resque: Resque) -> list[str]:
        return [one.id for n, one in enumerate(resque.failures.each()) if n % every == 1][:count]

    def removed(resque: Resque) -> int:
        records = [one for one in resque.failures.find_all(named(resque)) if one]
        return sum(resque.failures.remove_all(records))

    def retried(resque: Resque) -> int:
        records = [one for one in resque.failures.find_all(named(resque)) if one]
        return sum(map(resque.failures.requeue, records))

    resque = Resque(server.url)
    for name, work in (("failed remove", removed), ("failed retry", retried)):
        fill(resque, "resque:failed", 10_000, failure)
        measured(server, f"{name} of {count} ids out of 10,000", work, looked_at)


def among_others(server: DevRedis, others: int, ours: int) -> None:
    """Jobs of ours among those of a class that the worker does not know."""
    resque = Resque(server.url, registry=Registry())

    @job(queue="q", name="Ours", registry=resque.registry)
    def one(number: int) -> None:
        pass

    every = others // ours
    fill(
        resque,
        "resque:queue:q",
        others,
        lambda n: b'{"class":"%s","args":[%d]}' % (b"Foreign" if n % every else b"Ours", n),
    )

    def taken(_: Resque) -> int:
        before = resque.size("q")
        if (pid := os.fork()) == 0:
            Worker(resque, ["q"], WorkerOptions(fork_per_job=False)).work(0)
            os._exit(0)
        os.waitpid(pid, 0)
        return before - resque.size("q")

    measured(
        server,
        f"{ours} jobs taken from among {others} of others",
        taken,
        lambda one: len(one.peek("q", 0, others)),
    )


def main() -> None:
    """Print a line for each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--failures", type=int, default=200_000)
    most = parser.parse_args().failures
    with running() as server:
        resque = Resque(server.url)
        for size in (most // 4, most // 2, most):
            fill(resque, "resque:failed", size, failure)
            measured(
                server,
                f"{size} failures, the retried ones cleared",
                lambda one: one.failures.clear_retried(),
                looked_at,
            )
        fill(
            resque,
            "resque:queue:q",
            most,
            lambda n: b'{"class":"%s","args":[%d]}' % (b"AB"[n % 2 : n % 2 + 1], n),
        )
        measured(
            server,
            f"half of {most} jobs dequeued",
            lambda one: one.dequeue("A", queue="q"),
            lambda one: len(one.peek("q", 0, most)),
        )
        by_ids(server, 1800, 5)
        among_others(server, most, 1000)


if __name__ == "__main__":
    main()
