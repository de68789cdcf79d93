"""Two schedulers of each language on one Redis for a while, the master killed again and again.

Seed and rounds as in test_kills; with PYRESQUE_CHAOS_ROUNDS=500 it goes on for ten minutes.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from pyresque import Resque
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry
from pyresque.testing.redis_server import running
from tests.chaos.schedulers import Fleet, check_ticks, fires, history
from tests.chaos.test_kills import ROUNDS, SEED
from tests.interop.choice import Found, url_for
from tests.interop.ruby import Ruby
from tests.redis.bench import eventually

SECONDS = 4.0 if ROUNDS < 100 else 1.2 * ROUNDS
POLICIES = ("all", "none")


@pytest.mark.timeout(SECONDS + 120)
def test_two_languages_take_turns(found_ruby: Found, tmp_path: Path) -> None:
    """No tick is fired twice, none is missed that we could have made up for; delayed jobs are moved once.

    A Ruby master makes up for nothing: with `catch_up: all` ticks are missing only before one that a Ruby
    master fired. Where a Ruby master is killed between its push and its note the tick may come again.
    """
    with running("--appendonly", "yes", "--auto-aof-rewrite-percentage", "0") as server:
        resque = Resque(server.url, registry=Registry(WorkerHooks()))
        ruby = Ruby(found_ruby, url_for(found_ruby, server.url), tmp_path)
        if not ruby.has("resque-scheduler"):
            pytest.skip("this Ruby has no resque-scheduler")
        if not found_ruby.shares_processes:
            pytest.skip("the processes of this Ruby are not on our host")
        for policy in POLICIES:
            resque.set_schedule(policy, job="Tick", cron="* * * * * *", queue=policy, catch_up=policy)
        with Fleet(resque, tmp_path / "log", lock=2.0) as fleet:
            for start in (fleet.ruby, fleet.ruby, fleet.python, fleet.python):
                start(ruby if start == fleet.ruby else server.url)
                fleet.wait_for_master()  # so the first one is Ruby
            killed, delayed = _take_turns(fleet, resque)
            eventually(lambda: not resque.link.execute("EXISTS", "resque:delayed_queue_schedule"), 60)
            fleet.end()
        ruby.close()
        print(f"\ntwo languages: seed {SEED}, {SECONDS:g} s: {dict(killed)}, {delayed} delayed jobs")
        writes = history(server.folder)
        for policy in POLICIES:
            found = list(fires(writes, policy, policy))
            missed = check_ticks(found, killed["Ruby master killed"])
            ours = [second for second, after in missed if not after.by_ruby]
            by_ruby = f"{sum(one.by_ruby for one in found)} by Ruby"
            print(f"    {policy}: {len(found)} ticks, {by_ruby}; {len(missed)} missed, {len(ours)} by us")
            assert policy == "none" or not ours
        raws = resque.link.execute("LRANGE", "resque:queue:jobs", 0, -1)
        assert [json.loads(raw)["args"][0] for raw in raws] == list(range(delayed))
        resque.close()


def _take_turns(fleet: Fleet, resque: Resque) -> tuple[Counter[str], int]:
    """Kill masters and delay jobs; who was killed, and how many jobs it were."""
    dice, killed, delayed = random.Random(SEED), Counter[str](), 0
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        master = fleet.wait_for_master()
        until = time.monotonic() + (20.0 if SECONDS > 60 else dice.uniform(0.5, 1.5))
        while time.monotonic() < until:
            # Far enough ahead that Ruby never moves a second while jobs still arrive in it: 5.0 loses those.
            resque.enqueue_in_with_queue("jobs", 3, "Ruby", delayed)
            delayed += 1
            time.sleep(0.1)
        killed["Ruby master killed" if master.is_ruby else "our master killed"] += 1
        if master.is_ruby or sum(killed.values()) % 3:
            fleet.kill(master)
        else:
            _leave_it_to_ruby(fleet)
    return killed, delayed


def _leave_it_to_ruby(fleet: Fleet) -> None:
    """Kill all of ours, and start them again when a Ruby scheduler is master; else they are always first."""
    ours = [one for one in fleet.all if not one.is_ruby]
    for one in ours:
        fleet.kill(one, again=False)
    assert fleet.wait_for_master().is_ruby
    for one in ours:
        fleet.again(one)
