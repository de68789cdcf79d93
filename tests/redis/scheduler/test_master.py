"""The lock of the master scheduler: Ruby's key, one owner, hand-over and take-over."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from pyresque import Resque, Scheduler
from pyresque.config import SchedulerOptions
from pyresque.errors import RedisUnavailable
from pyresque.scheduler.master import Master
from pyresque.store.master import holder, since
from tests.faultproxy import FaultProxy, named
from tests.redis.stage import until

LOCK = "resque:resque:resque_scheduler_master_lock"


@pytest.fixture
def master(stage):
    def made(**options):
        return Master(stage.resque.space, SchedulerOptions(**options))

    return made


def test_the_key_is_rubys(server):
    """The namespace twice, the prefix behind it (docs/protocol/scheduler.md#keys)."""
    resque = Resque(server.url, "my:app")
    try:
        assert resque.space.keys.master_lock("blue") == "my:app:my:app:blue:resque_scheduler_master_lock"
        assert resque.space.keys.master_lock() == "my:app:my:app:resque_scheduler_master_lock"
    finally:
        resque.close()


def test_one_of_many_is_master(stage, master):
    """Two of the same process, too: the value is unique."""
    one, two = master(), master()
    assert (one.ask(), two.ask(), one.ask()) == (True, False, True)
    assert two.holder == stage.redis("GET", LOCK).decode()
    assert abs(since(two.holder) - time.time()) < 60
    assert 170_000 < stage.redis("PTTL", LOCK) <= 180_000


def test_one_that_stands_by_says_so(stage, master, caplog):
    """Once, with who is master; and again when that is another one, or itself."""
    caplog.set_level("INFO", "pyresque.scheduler")
    one, two = master(), master()
    one.ask()
    for _ in range(3):
        two.ask()
    stage.redis("SET", LOCK, "ruby:1", "PX", 60_000)
    two.ask()
    two.ask()
    stage.redis("SET", LOCK, "ruby:1")
    two.ask()
    stage.redis("DEL", LOCK)
    two.ask()
    name = f"{socket.gethostname()}:{os.getpid()}"
    by = "child scheduler, standing by: the master is"
    assert [record.getMessage() for record in caplog.records] == [
        "master scheduler",
        f"{by} {name}, and its lock ends in 180 s unless it is renewed",
        f"{by} ruby:1, and its lock ends in 60 s unless it is renewed",
        "master scheduler",
    ]


def test_a_ruby_scheduler_is_respected(stage, master):
    """Its value is host:pid; nothing is known of its beginning."""
    stage.redis("SET", LOCK, "host:1", "EX", 60)
    one = master()
    assert not one.ask()
    assert one.holder == "host:1"
    assert since("host:1") is None
    one.resign()
    assert stage.redis("GET", LOCK) == b"host:1"


def test_what_is_no_text_is_nobodys_and_stays(stage, master):
    """No scheduler becomes master, none ends."""
    stage.redis("LPUSH", LOCK, "x")
    assert not master().ask()
    assert stage.redis("TYPE", LOCK) == b"list"


def test_resigning_frees_the_lock_only_while_it_is_ours(stage, master):
    """Compare and delete in one step."""
    one = master()
    assert one.ask()
    stage.redis("SET", LOCK, "another")
    one.resign()
    assert stage.redis("GET", LOCK) == b"another"


def test_resigning_frees_the_lock_also_after_a_time_without_redis(stage, master):
    """It may still be ours: nobody should have to wait until it expires."""
    one = master()
    assert one.ask()
    one.active = False  # as the loop does when Redis cannot be reached
    one.resign()
    assert stage.redis("EXISTS", LOCK) == 0


def test_an_expired_lock_is_taken_over(stage, master):
    """And the old master learns it when it asks again."""
    one, two = master(lock_timeout=0.05), master()
    assert one.ask()
    until(two.ask, "the take-over")
    assert not one.ask()
    assert holder(stage.resque.space, LOCK)[0] == two.holder


def test_a_lost_reply_makes_nobody_master_twice_or_never(stage, server):
    """Asked again, the script finds that the lock is ours."""
    with FaultProxy(server) as proxy:
        resque = Resque(proxy.url)
        one = Master(resque.space, SchedulerOptions())
        fault = proxy.arm("drop", match=named("EVALSHA", "EVAL"), times=2)
        assert one.ask()
        assert fault.hits
        resque.close()


def test_a_master_that_cannot_reach_redis_for_a_while_is_master_again_at_once(stage, server):
    """It need not wait until its own lock expires: neither after its first claim nor after a later one."""
    with FaultProxy(server) as proxy:
        resque = Resque(proxy.url)
        resque.space.link.pauses = (0.0,)  # type: ignore[attr-defined]
        one = Master(resque.space, SchedulerOptions())
        for _ in range(2):
            fault = proxy.arm("drop", match=named("EVALSHA", "EVAL"), times=2)
            with pytest.raises(RedisUnavailable):
                one.ask()
            assert len(fault.hits) == 2
            one.active = False
            assert not one.active
            time.sleep(1.1)  # the value says since when
            assert one.ask()
        resque.close()


@pytest.mark.parametrize("refusal", ["maxmemory", "min-replicas-to-write"])
def test_a_redis_that_refuses_writes_for_a_while_costs_no_time_afterwards(stage, server, refusal):
    """What is due is moved at once when Redis takes writes again; the lock lasts three minutes."""
    with stage.scheduler(schedule={"s": {"class": "Mail", "queue": "mail", "cron": "* * * * * *"}}):
        until(lambda: stage.queue("mail"), "a run")
        stage.redis("CONFIG", "SET", refusal, 1)
        try:
            time.sleep(1.5)
        finally:
            stage.redis("CONFIG", "SET", refusal, 0)
        count = len(stage.queue("mail"))
        until(lambda: len(stage.queue("mail")) > count, "the next run", 15.0)


def test_a_clean_stop_hands_over_at_once(stage):
    """The other scheduler waits for the lock, and is woken when it is free."""
    with stage.scheduler() as first:
        until(lambda: first.master.active, "the first master")
        with stage.scheduler() as second:
            until(lambda: second.master.holder, "a second scheduler")
            assert not second.master.active
            first.stop()
            until(lambda: second.master.active, "the hand-over", 4.0)
    assert stage.redis("EXISTS", LOCK) == 0


CODE = """
import os
from pyresque import Resque, Scheduler
from pyresque.config import SchedulerOptions
Scheduler(Resque(os.environ["REDIS_URL"]), SchedulerOptions(lock_timeout=1.0)).run()
"""


def test_after_kill_9_another_takes_over_when_the_lock_expires(stage, server):
    """As with Ruby; what is due waits till then."""
    process = subprocess.Popen([sys.executable, "-c", CODE], env={**os.environ, "REDIS_URL": server.url})
    until(lambda: stage.redis("EXISTS", LOCK), "the first master")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert stage.redis("EXISTS", LOCK) == 1
    with stage.scheduler() as second:
        until(lambda: second.master.active, "the take-over")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_signal_ends_it_at_once_and_frees_the_lock(stage, server, number):
    """Also while it sleeps (docs/protocol/scheduler.md#rules-for-a-scheduler)."""
    process = subprocess.Popen([sys.executable, "-c", CODE], env={**os.environ, "REDIS_URL": server.url})
    until(lambda: stage.redis("EXISTS", LOCK), "a master")
    process.send_signal(number)
    assert process.wait(60) == 0
    assert stage.redis("EXISTS", LOCK) == 0


def test_a_child_looks_again_when_the_lock_of_the_dead_expires(stage):
    """Not at the next interval: a Ruby scheduler that comes first makes up for nothing."""
    one = Scheduler(stage.resque, SchedulerOptions(interval=60.0))
    stage.redis("SET", LOCK, "host:1", "PX", 5000)
    assert 0 < one.turn() <= 5.1
    stage.redis("SET", LOCK, "host:1")
    assert one.turn() == 60.0
    stage.redis("DEL", LOCK)
    one.turn()
    assert one.master.active
