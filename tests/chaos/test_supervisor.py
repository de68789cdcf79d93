"""Kills of supervisors, and new code for them, at random moments under load: no job is lost or doubled.

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
JOBS = 120


def start(url: str, log: Path, module: str = "tests.chaos.pool_jobs") -> subprocess.Popen[bytes]:
    """A pool of four workers."""
    command = ["work", "-v", "-q", "jobs", "-n", "4", "--interval", "0.02", "-r", module]
    env = {**os.environ, "POOL_LOG": str(log), "REDIS_URL": url}
    env.pop("COUNT", None)
    with log.with_suffix(".stderr").open("ab") as errors:
        return warm.popen(command, env=env, cwd=ROOT, stderr=errors)


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
    print(f"\nsupervisors: seed {seed}: {killed} killed, {JOBS} jobs")
    check(resque, log)


@pytest.mark.parametrize("number", range(max(1, ROUNDS // 12)))
def test_hups_cost_no_job(number: int, resque: Resque, tmp_path: Path) -> None:
    """Good and bad code, one HUP in the midst of another: every job is done once, by the pool that began."""
    seed = SEED * 1_000_003 + number
    dice, log = random.Random(seed), tmp_path / "log"
    code = tmp_path / "deployed.py"
    good, bad = (
        "from tests.chaos.pool_jobs import *  # {}\n",
        ("raise LookupError({})", "import nosuch", "def"),
    )
    code.write_text(good)
    resque.enqueue_many([("Pooled", n, dice.choice([0.0, 0.1, 0.5])) for n in range(JOBS)], queue="jobs")
    pool, hups, last = start(resque_url(resque), log, str(code)), 0, ""
    eventually(lambda: len(resque.workers()) == 4, 30)
    while resque.size("jobs"):
        last = dice.choice([good, *bad])
        code.write_text(last.format(hups))
        pool.send_signal(signal.SIGHUP)
        hups += 1
        time.sleep(dice.choice([0.0, 0.2, 0.5, 1.0]) * dice.random() * 2)  # the random moment
    code.write_text(good)
    before = {one.pid for one in resque.workers()}
    pool.send_signal(signal.SIGHUP)
    eventually(lambda: len({one.pid for one in resque.workers()} - before) == 4, 60)
    pool.send_signal(dice.choice([signal.SIGQUIT, signal.SIGTERM]))
    assert pool.wait(90) == 0
    assert resque.workers() == []
    print(f"\nHUPs: seed {seed}: {hups} in {JOBS} jobs")
    check(resque, log)


def check(resque: Resque, log: Path) -> None:
    """Every job was done once, and none has failed."""
    lines = [line.split() for line in log.read_text().splitlines()]
    found = Counter((word, number) for word, number, *_ in lines)
    wrong = [n for n in map(str, range(JOBS)) if (found["begin", n], found["end", n]) != (1, 1)]
    told = [" ".join(words) for words in lines if words[1] in wrong]  # with process/its worker, and moment
    assert not wrong, "\n".join([*told, log.with_suffix(".stderr").read_text(errors="replace")[-20_000:]])
    assert len(lines) == 2 * JOBS
    assert resque.failures.count() == 0
    assert (resque.stat("processed"), resque.stat("failed")) == (JOBS, 0)
