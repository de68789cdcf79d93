"""How fast due jobs are moved to their queue: ours against resque-scheduler, in one run.

    python benchmarks/scheduler.py [--jobs N] [--ruby-jobs N] [--form plain|nested|text|activejob]

The jobs lie all in one second, 100 in a second, and one in a second. The class of the jobs is known to Ruby.
First the part of each scheduler that moves jobs is called and timed in its own process, then both run as
programs, `pyresque scheduler` and a resque-scheduler, and the clock runs from the first job on the queue to
the last one. With --ruby-jobs Ruby moves fewer jobs, and rates are compared. --form: longer arguments, text
that is not ASCII, or what Rails delays.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence

from pyresque import Resque
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry
from pyresque.scheduler.due import Mover
from pyresque.store.connection.link import Command
from pyresque.testing.redis_server import running

RUBY = [*shlex.split(os.environ.get("PYRESQUE_RUBY") or "ruby"), "-W0", "-e"]
SETUP = """
require "resque"
require "resque-scheduler"
Resque.redis = ENV["REDIS_URL"]
class A; @queue = :q; def self.perform(*); end; end
Resque::Scheduler.quiet = true
"""
MOVE = """
Resque::Scheduler.master?
began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
Resque::Scheduler.handle_delayed_items
puts Process.clock_gettime(Process::CLOCK_MONOTONIC) - began
"""
RUN = "Resque::Scheduler.run"
FORMS = {
    "plain": '{"class":"A","args":[%d,"abc"],"queue":"q"}',
    "nested": '{"class":"A","args":[%d,{"mail":"ann@example.org","ids":[1,2,3],"x":{"y":null}}],"queue":"q"}',
    "text": '{"class":"A","args":[%d,"größe"],"queue":"q"}',
    "activejob": '{"class":"ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper","args":[{"job_class":"A",'
    '"job_id":"f3b1c1b2-6f0e-4a53-9d63-%012d","provider_job_id":null,"queue_name":"q","priority":null,'
    '"arguments":[1,{"_aj_globalid":"gid://app/User/1"}],"executions":0,"exception_executions":{},"locale":"en",'
    '"timezone":"UTC","enqueued_at":"2026-11-24T10:00:00.000000000Z"}],"queue":"q"}',
}
PYTHON = [sys.executable, "-m", "pyresque", "scheduler", "-q"]


class Race:
    """The two schedulers on one Redis, one after the other.

    Args:
        ours: how many jobs we move.
        theirs: how many jobs Ruby moves.
        form: what a job looks like.
    """

    def __init__(self, resque: Resque, url: str, ours: int, theirs: int, form: str) -> None:
        self._form = FORMS[form]
        self._resque = resque
        self._env = {**os.environ, "REDIS_URL": url}
        self._ours, self._theirs = ours, theirs

    def called(self, in_a_second: int) -> tuple[float, float]:
        """Jobs in a second, ours and Ruby's, of the part that moves."""
        self._fill(self._theirs, in_a_second)
        words = [*RUBY, SETUP + MOVE]
        done = subprocess.run(words, env=self._env, capture_output=True, text=True, check=True)
        theirs = self._theirs / float(done.stdout.split()[-1])
        assert self._resque.size("q") == self._theirs
        self._fill(self._ours, in_a_second)
        began = time.monotonic()
        Mover(self._resque.space, self._resque.registry).drain()
        ours = self._ours / (time.monotonic() - began)
        assert self._resque.size("q") == self._ours
        return ours, theirs

    def as_programs(self, in_a_second: int) -> tuple[float, float]:
        """The same of whole programs."""
        self._fill(self._theirs, in_a_second)
        theirs = self._program([*RUBY, SETUP + RUN], self._theirs)
        self._fill(self._ours, in_a_second)
        return self._program(PYTHON, self._ours), theirs

    def _program(self, words: Sequence[str], jobs: int) -> float:
        process = subprocess.Popen(words, env=self._env, stderr=subprocess.DEVNULL)
        try:
            while not (first := self._resque.size("q")):
                assert process.poll() is None
                time.sleep(0.001)
            began = time.monotonic()
            while self._resque.size("q") < jobs:
                time.sleep(0.005)
            return (jobs - first) / (time.monotonic() - began)
        finally:
            process.kill()
            process.wait()

    def _fill(self, jobs: int, in_a_second: int) -> None:
        """Delay so many jobs, all of them due."""
        self._resque.link.execute("FLUSHALL")
        commands: list[Command] = []
        for number in range(jobs):
            second = 1_000_000 + number // in_a_second
            item = (self._form % number).encode()
            commands.append(("RPUSH", f"resque:delayed:{second}", item))
            commands.append(("SADD", b"resque:timestamps:" + item, f"delayed:{second}"))
            commands.append(("ZADD", "resque:delayed_queue_schedule", second, second))
        for first in range(0, len(commands), 3000):
            self._resque.link.execute_many(commands[first : first + 3000])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--ruby-jobs", type=int, default=0)
    parser.add_argument("--form", choices=FORMS, default="plain")
    flags = parser.parse_args()
    with running() as server:
        resque = Resque(server.url, registry=Registry(WorkerHooks()))
        race = Race(resque, server.url, flags.jobs, flags.ruby_jobs or flags.jobs, flags.form)
        for measure in (race.called, race.as_programs):
            print(measure.__name__.replace("_", " "))
            for in_a_second in (flags.jobs, 100, 1):
                ours, theirs = measure(in_a_second)
                print(
                    f"{in_a_second:9} in a second: {ours / theirs:5.1f} x resque-scheduler "
                    f"({ours:.0f} and {theirs:.0f} jobs/s)",
                    flush=True,
                )


if __name__ == "__main__":
    main()
