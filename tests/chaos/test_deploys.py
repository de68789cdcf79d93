"""Deploys: workers are told to leave at random moments, again and again; no job is lost, doubled or failed.

Seed and rounds as in test_kills.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from pyresque import Resque
from tests.chaos.test_kills import ROUNDS, SEED
from tests.redis.bench import eventually, resque_url
from tests.unit.cli import warm

ROOT = Path(__file__).parents[2]
RESTARTS = max(4, ROUNDS // 5)
ASK = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP]
MODES = {
    "fork": [],
    "jobs-per-fork": ["--jobs-per-fork", "4"],
    "pool": ["-n", "2"],
    "no-fork": ["--no-fork"],
    "async": ["--async-concurrency", "5"],
}


def start(url: str, log: Path, words: list[str]) -> subprocess.Popen[bytes]:
    """A worker, or a pool of them."""
    command = ["work", "-q", "jobs", "--interval", "0.02", *words, "-r", "tests.chaos.pool_jobs"]
    env = {**os.environ, "POOL_LOG": str(log), "REDIS_URL": url}
    env.pop("COUNT", None)
    with log.with_suffix(".stderr").open("ab") as errors:
        return warm.popen(command, env=env, cwd=ROOT, stderr=errors)


def restarted(
    resque: Resque, log: Path, words: list[str], told: list[list[signal.Signals]], seed: int
) -> None:
    """Enqueue jobs; start workers and tell them to leave, in one of these ways, and let the last work on."""
    dice = random.Random(seed)
    name = "PooledAsync" if "--async-concurrency" in words else "Pooled"
    for number in range(RESTARTS):
        jobs = [(name, number * 10 + n, dice.choice([0.0, 0.02, 0.3])) for n in range(10)]
        resque.enqueue_many(jobs, queue="jobs")
        worker = start(resque_url(resque), log, words)
        eventually(resque.workers, 60)
        time.sleep(dice.uniform(0.0, 0.4))  # the random moment
        signals = dice.choice(told)
        for one in signals:
            worker.send_signal(one)
            time.sleep(dice.uniform(0.0, 0.02))
        # A second signal may find a program that has left its worker, and has no handlers any more.
        assert worker.wait(60) in (0, *(-one for one in signals[1:]))
        assert resque.workers() == []
    assert start(resque_url(resque), log, [*words, "--burst"]).wait(120) == 0


def counts(log: Path) -> tuple[Counter[int], Counter[int]]:
    """How often each job has begun, and ended."""
    lines = [line.split() for line in log.read_text().splitlines()]
    begun = Counter(int(line[1]) for line in lines if line[0] == "begin")
    return begun, Counter(int(line[1]) for line in lines if line[0] == "end")


@pytest.mark.parametrize("mode", MODES)
def test_who_is_asked_to_leave_finishes(mode: str, resque: Resque, tmp_path: Path) -> None:
    """Each job ends within the drain: every one begins once, is done once, and none has failed."""
    log = tmp_path / "log"
    asks = [[one] for one in ASK if mode != "pool" or one != signal.SIGHUP]  # a pool goes on after a HUP
    restarted(resque, log, MODES[mode], asks, SEED)
    begun, ended = counts(log)
    assert begun == ended == Counter(range(RESTARTS * 10))
    assert (resque.failures.count(), resque.stat("failed")) == (0, 0)
    assert resque.stat("processed") == RESTARTS * 10


@pytest.mark.parametrize("mode", MODES)
def test_who_is_told_twice_puts_its_job_back(mode: str, resque: Resque, tmp_path: Path) -> None:
    """With --requeue-on-shutdown: every job counts as done once, whatever had to be cut off before.

    (It may have been cut off behind its last line, and then runs that again.)
    """
    log = tmp_path / "log"
    twice = [
        [signal.SIGTERM, signal.SIGINT],
        [signal.SIGQUIT, signal.SIGTERM],
        [signal.SIGTERM, signal.SIGTERM],
    ]
    restarted(resque, log, [*MODES[mode], "--requeue-on-shutdown"], twice, SEED)
    _, ended = counts(log)
    assert sorted(ended) == list(range(RESTARTS * 10))
    assert (resque.failures.count(), resque.stat("failed")) == (0, 0)
    assert resque.stat("processed") == RESTARTS * 10
