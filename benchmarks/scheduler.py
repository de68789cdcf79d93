"""How fast due jobs are moved to their queue: ours against resque-scheduler, in one run.

    python benchmarks/scheduler.py [--jobs N]

The jobs lie all in one second, 100 in a second, and one in a second. The class of the jobs is known to Ruby.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import time

from pyresque import Resque
from pyresque.devredis import running
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry
from pyresque.scheduler.mover import Mover
from pyresque.store.link import Command

RUBY = """
require "resque"
require "resque-scheduler"
Resque.redis = ENV["REDIS_URL"]
class A; @queue = :q; def self.perform(*); end; end
Resque::Scheduler.quiet = true
Resque::Scheduler.master?
began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
Resque::Scheduler.handle_delayed_items
puts Process.clock_gettime(Process::CLOCK_MONOTONIC) - began
"""


def fill(resque: Resque, jobs: int, in_a_second: int) -> None:
    """Delay so many jobs, all of them due."""
    resque.link.execute("FLUSHALL")
    commands: list[Command] = []
    for number in range(jobs):
        second = 1_000_000 + number // in_a_second
        item = b'{"class":"A","args":[%d,"abc"],"queue":"q"}' % number
        commands.append(("RPUSH", f"resque:delayed:{second}", item))
        commands.append(("SADD", b"resque:timestamps:" + item, f"delayed:{second}"))
        commands.append(("ZADD", "resque:delayed_queue_schedule", second, second))
    for first in range(0, len(commands), 3000):
        resque.link.execute_many(commands[first : first + 3000])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=20_000)
    jobs = parser.parse_args().jobs
    ruby = os.environ.get("PYRESQUE_RUBY", "ruby")
    with running() as server:
        resque = Resque(server.url, registry=Registry(WorkerHooks()))
        env = {**os.environ, "REDIS_URL": server.url}
        for in_a_second in (jobs, 100, 1):
            fill(resque, jobs, in_a_second)
            done = subprocess.run(
                [ruby, "-W0", "-e", RUBY], env=env, capture_output=True, text=True, check=True
            )
            theirs = jobs / float(done.stdout.split()[-1])
            moved_by_ruby = resque.size("q")
            fill(resque, jobs, in_a_second)
            began = time.monotonic()
            Mover(resque.space, resque.registry).drain()
            ours = jobs / (time.monotonic() - began)
            assert moved_by_ruby == resque.size("q") == jobs
            print(f"{in_a_second:6} in a second: {ours / theirs:5.1f} x resque-scheduler ({ours:.0f} jobs/s)")


if __name__ == "__main__":
    main()
