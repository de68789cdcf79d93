"""Kills of supervisors at random moments under load: their workers finish what they have, and leave.

Seed and rounds as in test_kills.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from pyresque import Resque
from tests.chaos.test_kills import ROUNDS, SEED
from tests.redis.bench import eventually, resque_url

ROOT = Path(__file__).parents[2]
JOBS = 120


def start(url: str, log: Path) -> subprocess.Popen[bytes]:
    """A pool of four workers."""
    command = [sys.executable, "-m", "pyresque", "work", "-q", "jobs", "-n", "4", "--interval", "0.02"]
    env = {**os.environ, "POOL_LOG": str(log), "REDIS_URL": url}
    env.pop("COUNT", None)
    words = [*command, "-r", "tests.chaos.pool_jobs"]
    return subprocess.Popen(words, env=env, cwd=ROOT, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("number", range(max(1, ROUNDS // 12)))
def test_a_killed_supervisor_costs_no_job(number: int, resque: Resque, tmp_path: Path) -> None:
    """Every job is done once, none has failed, and no worker is left registered or running."""
    seed = SEED * 1_000_003 + number
    dice, log = random.Random(seed), tmp_path / "log"
    url = resque_url(resque)
    jobs = [("Pooled", n, dice.choice([0.0, 0.005, 0.02])) for n in range(JOBS)]
    resque.enqueue_many(jobs, queue="jobs")
    killed = 0
    pool = start(url, log)
    while resque.size("jobs") and killed < 4:
        eventually(lambda: resque.workers() or not resque.size("jobs"), 30)
        time.sleep(dice.uniform(0.0, 0.15))  # the random moment
        pool.send_signal(signal.SIGKILL)
        pool.wait()
        killed += 1
        pool = start(url, log)
    eventually(lambda: resque.size("jobs") == 0 and not resque.working(), 60)
    pool.send_signal(signal.SIGQUIT)
    assert pool.wait(90) == 0
    eventually(lambda: not resque.workers(), 30)
    words = Counter(line for line in log.read_text().splitlines())
    print(f"\nsupervisors: seed {seed}: {killed} killed, {JOBS} jobs")
    assert words == {f"{word} {n}": 1 for word in ("begin", "end") for n in range(JOBS)}
    assert resque.failures.count() == 0
    assert (resque.stat("processed"), resque.stat("failed")) == (JOBS, 0)
