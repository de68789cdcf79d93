"""How usable everything is with very many registered workers.

    python benchmarks/crowd.py [--workers N]

Enters N idle workers into the books (records only) and times what looks at all of them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable

from pyresque import Resque
from pyresque.testing.redis_server import running

HEARTBEAT = "2099-01-01T00:00:00+00:00"


def timed(name: str, work: Callable[[], object]) -> None:
    """Do it and say how long it took."""
    started = time.monotonic()
    work()
    print(f"{name:46} {(time.monotonic() - started) * 1000:8.0f} ms")


def main() -> None:
    """Fill the books, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=10_000)
    options = parser.parse_args()
    with running() as server:
        resque = Resque(server.url)
        for first in range(0, options.workers, 1000):
            ids = [
                f"host{number}:{number}:jobs" for number in range(first, min(first + 1000, options.workers))
            ]
            resque.link.execute("SADD", "resque:workers", *ids)
            resque.link.execute_many([("HSET", "resque:workers:heartbeat", one, HEARTBEAT) for one in ids])
        print(f"{options.workers} idle workers")
        timed("info()", resque.info)
        timed("workers()", resque.workers)
        timed("working()", resque.working)
        env = {**os.environ, "REDIS_URL": server.url}
        burst = [sys.executable, "-m", "pyresque", "work", "-q", "none", "--burst"]
        timed(
            "a worker starts (prunes, registers) and leaves",
            lambda: subprocess.run(burst, env=env, capture_output=True),
        )
        command = [sys.executable, "-m", "pyresque", "workers"]
        timed("pyresque workers", lambda: subprocess.run(command, env=env, capture_output=True))
        resque.link.execute("FLUSHALL")
        print("no other worker")
        timed(
            "a worker starts (prunes, registers) and leaves",
            lambda: subprocess.run(burst, env=env, capture_output=True),
        )


if __name__ == "__main__":
    main()
