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
    command = [sys.executable, "-m", "pyresque", "work", "-v", "-q", "jobs", "-n", "4", "--interval", "0.02"]
    env = {**os.environ, "POOL_LOG": str(log), "REDIS_URL": url}
    env.pop("COUNT", None)
    words = [*command, "-r", "tests.chaos.pool_jobs"]
    with log.with_suffix(".stderr").open("ab") as errors:
        return subprocess.Popen(words, env=env, cwd=ROOT, stderr=errors)


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
    lines = [line.split() for line in log.read_text().splitlines()]
    found = Counter((word, number) for word, number, *_ in lines)
    wrong = [n for n in map(str, range(JOBS)) if (found["begin", n], found["end", n]) != (1, 1)]
    print(f"\nsupervisors: seed {seed}: {killed} killed, {JOBS} jobs")
    told = [" ".join(words) for words in lines if words[1] in wrong]  # with process/its worker, and moment
    assert not wrong, "\n".join([*told, log.with_suffix(".stderr").read_text(errors="replace")[-20_000:]])
    assert len(lines) == 2 * JOBS
    assert resque.failures.count() == 0
    assert (resque.stat("processed"), resque.stat("failed")) == (JOBS, 0)
