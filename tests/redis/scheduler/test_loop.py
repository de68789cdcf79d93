"""A scheduler that runs: it sleeps, catches up, takes turns with others, and hears signals."""

import os
import signal
import subprocess
import sys
import time

import pytest

from pyresque import Resque
from pyresque.wire import times
from tests.redis.scheduler.test_firing import NOTED, hooked
from tests.redis.stage import FAR, until


def every_second(**more):
    return {"class": "Mail", "queue": "mail", "cron": "* * * * * *", **more}


def test_a_job_delayed_while_it_sleeps_comes_in_time(stage):
    """The scheduler is woken by the change."""
    with stage.scheduler(interval=60.0) as one:
        until(lambda: one.master.active, "a master")
        stage.resque.enqueue_in(1, stage.mail, 1)
        until(lambda: stage.queue("mail"), "the job", 10.0)


def test_a_scheduler_without_wake_up_looks_often_enough(stage, server):
    """A client of the user's has no connection that Redis could wake."""
    import redis

    resque = Resque(redis.Redis.from_url(server.url), registry=stage.resque.registry)
    with stage.scheduler(resque, interval=60.0) as one:
        until(lambda: one.master.active, "a master")
        stage.resque.enqueue_in(1, stage.mail, 1)
        until(lambda: stage.queue("mail"), "the job", 10.0)
    resque.close()


@pytest.mark.parametrize(
    "when", [{"cron": "* * * * * *"}, {"every": "1s"}, {"every": ["1s", {"first_in": "1s"}]}]
)
def test_a_clock_that_is_set_back_stops_no_entry(stage, monkeypatch, caplog, when):
    """An hour ahead for a while, then right again: nobody waits until the clock has caught up."""
    ahead, now = [3600.0], time.time
    monkeypatch.setattr(time, "time", lambda: now() + ahead[0])
    with stage.scheduler(schedule={"s": {"class": "Mail", "queue": "mail", **when}}):
        until(lambda: len(stage.queue("mail")) >= 2, "two runs by the wrong clock")
        ahead[0] = 0.0
        stage.redis("DEL", "resque:queue:mail")
        until(lambda: len(stage.queue("mail")) >= 2, "two runs by the right one")
    assert "the clock was set back by" in caplog.text


@pytest.mark.parametrize(
    "key", ["persistent_schedules", "schedules_changed", "delayed:last_enqueued_at", "delayed_queue_schedule"]
)
def test_keys_that_hold_something_else_stop_nobody(stage, key):
    """The rest goes on: a static entry is fired or a delayed job moved."""
    stage.delay(10, b'{"class":"R","args":[],"queue":"q"}')
    stage.redis("DEL", f"resque:{key}")
    stage.redis("SET", f"resque:{key}", "x")
    with stage.scheduler(schedule={"s": every_second()}):
        until(lambda: stage.queue("q") or key == "delayed_queue_schedule", "the delayed job")
        until(lambda: stage.queue("mail") or key == "delayed:last_enqueued_at", "a run")
    assert stage.redis("GET", f"resque:{key}") == b"x"


@pytest.mark.parametrize(("catch_up", "runs"), [("none", 0), ("last", 1), ("all", 3)])
@pytest.mark.parametrize("where", ["run", "entry"])
def test_missed_runs_are_made_up_as_told(stage, catch_up, runs, where):
    """Decided by what was noted last; said for all entries, or in the entry. Never twice."""
    now = time.time()
    due = int(now) // 3600 * 3600
    if now - due < 10:  # so close behind a run nothing can be told
        due -= 3600
        runs = {"none": 1, "last": 1, "all": 4}[catch_up]
    stage.redis("HSET", NOTED, "h", times.started(due - 3 * 3600))
    entry = {"class": "Mail", "queue": "mail", "cron": "0 * * * * UTC", "args": [1]}
    options = {"catch_up": catch_up} if where == "run" else {}
    entry |= {"catch_up": catch_up} if where == "entry" else {}
    for _ in range(2):
        with stage.scheduler(schedule={"h": entry}, **options) as one:
            until(lambda: one.master.active, "a master")
            until(lambda: len(stage.queue("mail")) >= runs, "what was missed")
            stage.delay(10, b'{"class":"R","args":[],"queue":"q"}')
            until(lambda: stage.redis("EXISTS", "resque:delayed_queue_schedule") == 0, "one more turn")
    assert len(stage.queue("mail")) == runs


def test_python_schedulers_that_take_turns_fire_each_second_once(stage):
    """Two stops and take-overs: no run is missing between the first and the last, none comes twice."""
    entry = every_second(args=[1])
    seen = []

    def note(*args):
        seen.append(int(time.time()))

    hooked(stage, after_recurring=note)
    entry["class"] = "Hooked"
    with stage.scheduler(schedule={"s": entry}) as last:
        for _ in range(2):
            with stage.scheduler(schedule={"s": entry}) as following:
                until(lambda: following.schedule.running, "a second scheduler")
                count = len(seen)
                until(lambda count=count: len(seen) > count, "a run")
                last.stop()
                until(lambda: following.master.active, "the hand-over")
                count = len(seen)
                until(lambda count=count: len(seen) > count, "a run of the other")
                last = following
    assert len(stage.queue("mail")) == len(seen)
    assert len(seen) <= seen[-1] - seen[0] + 1


def test_every_goes_on_where_it_was(stage):
    """A restart does not begin the period anew, as it does in Ruby.

    See docs/protocol/scheduler.md#where-jobs-get-lost-or-doubled.
    """
    now = time.time()
    stage.redis("HSET", NOTED, "e", times.started(now - 98))
    entry = {"class": "Mail", "queue": "mail", "every": "100s"}
    with stage.scheduler(schedule={"e": entry}):
        until(lambda: stage.queue("mail"), "the run")


def test_usr1_prints_and_usr2_reads_the_file_again(stage, server, tmp_path):
    """By the program; a file that has become unreadable leaves what was read before."""
    path = tmp_path / "schedule.yml"
    path.write_text("one:\n  cron: '0 3 * * *'\n  class: R\n  queue: q\n")
    log = tmp_path / "log"
    words = [sys.executable, "-m", "pyresque", "scheduler", "--schedule", str(path)]
    with log.open("w") as out:
        process = subprocess.Popen(words, env={**os.environ, "REDIS_URL": server.url}, stdout=out, stderr=out)
    try:
        until(lambda: "one: cron 0 3 * * *; next " in log.read_text(), "the entry on load")
        process.send_signal(signal.SIGUSR1)
        until(lambda: log.read_text().count("one: cron 0 3 * * *; next ") == 2, "the entry on USR1")
        path.write_text("one: <%= 5 %>\n")
        process.send_signal(signal.SIGUSR2)
        until(lambda: "line 1" in log.read_text(), "the error")
        path.write_text("two:\n  every: 1h\n  class: R\n  queue: q\n")
        process.send_signal(signal.SIGUSR2)
        until(lambda: "two: every 1h; next " in log.read_text(), "the new entry")
        until(lambda: "one is no longer in the schedule" in log.read_text(), "the end of the old one")
        stage.resque.enqueue_in(1, stage.mail, FAR)
        until(lambda: stage.queue("mail"), "a delayed job")
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
