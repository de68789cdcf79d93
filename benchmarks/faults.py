"""The same kills and lost replies for pyresque and for Ruby Resque, and what is left of the jobs.

    python benchmarks/faults.py [--kills N] [--drops N] [--seed S]

Kills: two workers work off jobs of 10 ms; again and again one of them, chosen by the seed, is killed with
-9 and another is started. Drops: a worker works through a proxy that lets a command through and loses its
reply. At the end workers finish what is left and prune the dead ones. A job is *lost* if it is nowhere:
neither begun nor queued nor recorded as failed. It is *doubled* if it was begun more often than once.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from pyresque import Resque
from pyresque.testing.redis_server import DevRedis, running
from tests.faultproxy import FaultProxy

HERE = Path(__file__).parent
OURS = """
import os, sys, time
from pyresque import Resque, Worker, job
@job(queue="jobs", name="FaultJob")
def run(number):
    out = os.open(os.environ["BENCH_OUT"], os.O_WRONLY | os.O_APPEND)
    os.write(out, b"%d\\n" % number)
    time.sleep(0.01)
Worker(Resque(os.environ["REDIS_URL"]), ["jobs"]).work(interval=0.1)
"""
RUBY = """
require "resque"
Resque.redis = ENV["REDIS_URL"]
class FaultJob
  @queue = :jobs
  def self.perform(number)
    File.open(ENV["BENCH_OUT"], "ab") { |file| file.syswrite("#{number}\\n") }
    sleep 0.01
  end
end
Resque::Worker.new("jobs").work(0.1)
"""


@dataclass
class Trial:
    """One language under one kind of fault."""

    command: list[str]
    server: DevRedis
    out: str
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, url: str | None = None) -> None:
        """Start a worker."""
        env = {**os.environ, "REDIS_URL": url or self.server.url, "BENCH_OUT": self.out}
        self.workers.append(
            subprocess.Popen(self.command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        )

    @property
    def resque(self) -> Resque:
        """The jobs, seen from outside."""
        return Resque(self.server.url)

    def begun(self) -> Counter[int]:
        """How often each job was begun."""
        return Counter(int(line) for line in Path(self.out).read_text().split())

    def finish(self, jobs: int) -> dict[str, int]:
        """Let healthy workers end everything, and count."""
        for worker in self.workers:
            worker.kill()
            worker.wait()
        resque = self.resque
        old = [one.id for one in resque.workers()]
        for one in old:
            resque.link.execute("HSET", "resque:workers:heartbeat", one, "2020-01-01T00:00:00+00:00")
        resque.link.execute("DEL", "resque:pruning_dead_workers_in_progress")
        self.start()
        until = time.monotonic() + 60
        while time.monotonic() < until and (resque.size("jobs") or len(resque.working())):
            time.sleep(0.1)
        time.sleep(0.5)
        self.workers[-1].terminate()
        self.workers[-1].wait()
        begun = self.begun()
        failed = Counter(record.payload["args"][0] for record in resque.failures.list(limit=None))
        return {
            "jobs": jobs,
            "lost": sum(1 for number in range(jobs) if not begun[number] and not failed[number]),
            "doubled": sum(1 for number in range(jobs) if begun[number] > 1),
            "failed though begun": sum(1 for number in range(jobs) if begun[number] and failed[number]),
            "failed unbegun": sum(1 for number in range(jobs) if not begun[number] and failed[number]),
        }


def kills(trial: Trial, count: int, seed: int) -> dict[str, int]:
    """Kill workers; the jobs are enqueued straight, so that only the workers are judged."""
    dice, jobs = random.Random(seed), count * 12
    trial.resque.enqueue_many([("FaultJob", number) for number in range(jobs)], queue="jobs")
    trial.start()
    trial.start()
    done = 0
    while done < count and trial.resque.size("jobs"):
        time.sleep(dice.uniform(0.02, 0.12))
        alive = [one for one in trial.workers if one.poll() is None]
        registered = {int(one.pid) for one in trial.resque.workers()}
        ready = [one for one in alive if one.pid in registered]
        if ready:
            victim = dice.choice(ready)
            victim.kill()
            victim.wait()
            done += 1
        while len([one for one in trial.workers if one.poll() is None]) < 2:
            trial.start()
    return {"faults": done, **trial.finish(jobs)}


def drops(trial: Trial, count: int, seed: int) -> dict[str, int]:
    """Lose replies of a worker; one that ends (Ruby's does) is started again."""
    dice, jobs = random.Random(seed), count * 4
    trial.resque.enqueue_many([("FaultJob", number) for number in range(jobs)], queue="jobs")
    hits = ended = 0
    with FaultProxy(trial.server) as proxy:
        trial.start(proxy.url)
        while hits < count and trial.resque.size("jobs"):
            fault = proxy.arm("drop", match=lambda _: dice.random() < 0.1)
            while not fault.hit.wait(0.05):
                if trial.workers[-1].poll() is not None:
                    ended += 1
                    trial.start(proxy.url)
                if not trial.resque.size("jobs"):
                    break
            hits += fault.hit.is_set()
        return {"faults": hits, "workers ended": ended, **trial.finish(jobs)}


def main() -> None:
    """Run both languages under both kinds of fault, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--drops", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    languages = {"pyresque": [sys.executable, "-c", OURS]}
    ruby = os.environ.get("PYRESQUE_RUBY", "ruby")
    if (
        shutil.which(ruby)
        and not subprocess.run([ruby, "-e", 'require "resque"'], capture_output=True).returncode
    ):
        languages["Ruby Resque"] = [ruby, "-W0", "-e", RUBY]
    for name, play, count in (("kill -9", kills, options.kills), ("lost replies", drops, options.drops)):
        for language, command in languages.items():
            with running() as server, tempfile.NamedTemporaryFile() as out:
                result = play(Trial(command, server, out.name), count, options.seed)
            print(f"{name:14} {language:12} " + "  ".join(f"{key} {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
