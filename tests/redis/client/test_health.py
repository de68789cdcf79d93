"""One look at everything: each trouble of a night is seen, and what is well is no trouble."""

import json
import os
import socket
import subprocess
import time

import pytest

from pyresque import job
from pyresque.client import look_at_health
from pyresque.client.missed_runs import GRACE
from pyresque.config import SchedulerOptions
from pyresque.registry import Registry
from pyresque.wire import times
from tests.redis.bench import calls
from tests.redis.client.test_failure_selection import at
from tests.redis.client.test_failures import put, record
from tests.redis.client.test_info import register

MASTER = "resque:resque:resque_scheduler_master_lock"


def kinds(resque, **more):
    return [one.kind for one in resque.health(**more).problems]


def run_ago(resque, name, seconds):
    """An entry ran last so long ago."""
    resque.link.execute("HSET", "resque:delayed:last_enqueued_at", name, times.started(time.time() - seconds))


def is_master(resque, value="elsewhere:77"):
    """A Ruby scheduler holds the lock."""
    resque.link.execute("SET", MASTER, value, "EX", 150)


def problem(resque, kind, **more):
    [one] = [one for one in resque.health(**more).problems if one.kind == kind]
    return one


def test_nothing_is_wrong_with_an_empty_redis(resque):
    found = resque.health()
    assert found.ok
    assert found.problems == found.queues == found.missed == found.waiting == []
    assert (found.master, found.needs_scheduler, found.aside) == (None, False, 0)
    assert found.redis.version
    assert found.redis.policy == "noeviction"
    assert resque.link.execute("KEYS", "*") == []


def test_what_works_is_no_trouble(resque, bench):
    """A worker, a scheduler that is master, a job that waits for a moment, a failure, an entry that runs."""

    @job(queue="q", name="A", registry=resque.registry)
    def a() -> None: ...

    bench.start("q", "*").ready()
    resque.set_schedule("often", job=a, every="1h")
    resque.enqueue_in(3000, a)
    resque.link.execute("RPUSH", "resque:failed", record(1))
    is_master(resque)
    found = resque.health()
    assert found.problems == []
    assert (found.lives, found.failed.total, found.failed.last_hour) == (
        {"alive": 1, "dead": 0, "unknown": 0},
        1,
        0,
    )
    assert (found.delayed.total, found.delayed.overdue, found.master.value) == (1, 0, "elsewhere:77")


def test_queues_tell_size_age_and_pause(resque):
    resque.enqueue("A", queue="mail")
    resque.enqueue("A", queue="slow")
    resque.empty("slow")
    resque.pause("mail")
    found = resque.health()
    assert [(one.name, one.size, one.paused) for one in found.queues] == [
        ("mail", 1, True),
        ("slow", 0, False),
    ]
    assert 0 <= found.queues[0].oldest_age < 60
    assert found.queues[1].oldest_age is None
    assert [(one.kind, one.text, one.advice) for one in found.problems] == [
        ("paused", "1 job waits (mail) on queues that are paused", "pyresque queue resume mail")
    ]


def test_jobs_that_nobody_takes(resque):
    """No worker, only dead ones, or none for this queue; one that may live, or has a pattern, is enough."""
    for queue in ("mail", "low"):
        resque.enqueue("A", queue=queue)
    assert (
        problem(resque, "no worker").text
        == "2 jobs wait (low, mail) on queues from which no worker takes jobs"
    )
    register(resque, "elsewhere:1:low,other", 200)
    register(resque, "elsewhere:2:mail", 5000)
    assert problem(resque, "no worker").advice == "start one: pyresque work -q mail"
    assert problem(resque, "dead workers").text == "1 worker is registered and dead: elsewhere:2:mail"
    register(resque, "elsewhere:3:m*", 10)
    assert kinds(resque) == ["dead workers"]


STRANGE = ["a b; rm -rf /", "it's", "a\nb\x1b[2J", "back\\slash\n'", "\x85\u2028", "$(id)", "é"]


@pytest.mark.parametrize("name", STRANGE)
def test_advice_can_be_typed_as_it_is(resque, name):
    """Whatever a name holds, a shell takes it for one word: the name."""
    resque.enqueue("A", queue=name)
    resque.pause(name)
    advice = problem(resque, "paused").advice
    assert advice.isprintable()
    echoed = subprocess.run(
        ["bash", "-c", advice.replace("pyresque queue resume", "printf '%s|' ")],
        capture_output=True, check=True, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert echoed.stdout.decode() == f"{name}|"


def test_advice_names_all_that_it_can(resque):
    """Five names at most, and of one that fills screens only its beginning."""
    for queue in ("a", "b", "N" * 1_000_000):
        resque.enqueue("A", queue=queue)
    assert problem(resque, "no worker").advice == "start one: pyresque work -q NAME,a,b"
    resque.pause("a")
    resque.pause("b")
    assert problem(resque, "paused").advice == "pyresque queue resume a b"
    resque.enqueue("A", queue="-c")
    resque.pause("-c")
    assert problem(resque, "paused").advice == "pyresque queue resume -- -c a b"
    assert len(problem(resque, "no worker").text) < 1000


def test_a_worker_that_may_hang(resque):
    """One that is at its job for longer than an hour, unless it is said how long a job may run."""
    register(resque, "elsewhere:1:q", 10)
    began = times.run_at(time.time() - 7300)
    told = {"queue": "q", "run_at": began, "payload": {"class": "A", "args": []}}
    resque.link.execute("SET", "resque:worker:elsewhere:1:q", json.dumps(told))
    said = problem(resque, "long job")
    assert said.text == "1 worker has been at one job for more than 60 min: elsewhere:1:q 2 h"
    assert said.advice == (
        "look: pyresque worker show elsewhere:1:q; if it hangs: pyresque worker stop --term elsewhere:1:q"
    )
    assert kinds(resque, max_run=10_000) == []
    assert kinds(resque, max_run=None) == []
    register(resque, "elsewhere:1:q", 5000)
    assert kinds(resque) == ["dead workers"]


def test_all_are_paused(resque):
    resque.enqueue("A", queue="mail")
    resque.pause_all()
    assert problem(resque, "paused").advice == "pyresque queue resume --all"
    resque.resume_all()
    resque.link.execute("SET", "resque:pause-all-workers", "true")
    assert "pause-all-workers" in problem(resque, "paused").text


def test_no_scheduler_where_one_is_needed(resque):
    resque.enqueue_in(3000, "A", queue="q")
    found = resque.health()
    assert [one.kind for one in found.problems] == ["scheduler"]
    assert found.needs_scheduler
    is_master(resque)
    assert kinds(resque) == []


def test_a_master_that_is_dead(resque):
    """Its process is gone from this host, and it has no connection."""
    is_master(resque, f"{socket.gethostname()}:99999999:{int(time.time())}-0123456789ab")
    resque.enqueue_in(3000, "A", queue="q")
    assert "is dead" in problem(resque, "scheduler").text


def test_jobs_that_are_overdue(resque):
    now = int(time.time())
    resque.link.execute("RPUSH", f"resque:delayed:{now - 500}", b'{"class":"A","args":[]}', b"junk")
    resque.link.execute("ZADD", "resque:delayed_queue_schedule", now - 500, now - 500, now - 900, now - 900)
    is_master(resque)
    found = resque.health()
    assert (found.delayed.total, found.delayed.overdue) == (2, 2)
    assert 490 < found.delayed.behind < 560
    assert [one.kind for one in found.problems] == ["overdue"]
    resque.link.execute("DEL", MASTER)
    assert "2 delayed jobs are overdue" in problem(resque, "scheduler").text


# --- the schedule ----------------------------------------------------------------------------------


def test_an_entry_that_ran_in_time_is_no_trouble(resque):
    is_master(resque)
    resque.set_schedule("minutes", job="A", queue="q", every="10m")
    resque.set_schedule("yearly", job="A", queue="q", cron="0 0 1 1 *")
    run_ago(resque, "minutes", 500)
    run_ago(resque, "yearly", 60)
    assert resque.health().missed == []


@pytest.mark.parametrize("timing", [{"every": "10m"}, {"cron": "*/10 * * * *"}])
def test_an_entry_whose_run_is_long_due(resque, timing):
    """Though a master lives: Ruby's may never have heard of it. Without one, too."""
    resque.set_schedule("minutes", job="A", queue="q", **timing)
    run_ago(resque, "minutes", 5000)
    is_master(resque)
    [missed] = resque.health().missed
    assert missed.name == "minutes"
    assert 0 < missed.due - missed.last <= 600
    said = problem(resque, "schedule")
    assert said.text == "entries should have run and have not: minutes"
    assert "Ruby" in said.advice
    resque.link.execute("DEL", MASTER)
    assert [one.kind for one in resque.health().problems] == ["scheduler", "schedule"]
    assert resque.health(grace=10_000).missed == []


def test_an_entry_that_never_ran_is_measured_from_when_it_was_first_seen(resque, monkeypatch):
    resque.set_schedule("minutes", job="A", queue="q", every="10m")
    is_master(resque)
    assert resque.health().missed == []
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 600 + GRACE + 5)
    [missed] = resque.health().missed
    assert missed.last is None
    run_ago(resque, "minutes", 10)
    assert resque.health().missed == []


def test_a_changed_entry_is_measured_from_its_change(resque, monkeypatch):
    """Its last run was one of the old form."""
    is_master(resque)
    resque.set_schedule("daily", job="A", queue="q", every="30d")
    run_ago(resque, "daily", 80_000)
    assert resque.health().missed == []
    resque.set_schedule("daily", job="A", queue="q", every="20h")
    assert resque.health().missed == []
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 73_000)
    assert [one.name for one in resque.health().missed] == ["daily"]


@pytest.mark.parametrize(
    "entry",
    [
        {"every": ["10m", {"first_in": "3d"}]}, {"every": ["10m", {"times": 2}]}, {"cron": "0 0 30 2 *"},
        {"every": "10m", "rails_env": "staging"},
    ],
)  # fmt: skip
def test_entries_of_which_nobody_can_tell(resque, entry):
    """They count from a moment that is not known, or are not for these schedulers."""
    is_master(resque)
    value = {"class": "A", "queue": "q", "args": [], **entry}
    resque.link.execute("HSET", "resque:persistent_schedules", "odd", json.dumps(value))
    if "rails_env" not in entry:
        run_ago(resque, "odd", 50_000)
    found = resque.health(
        options=SchedulerOptions(environment="production") if "rails_env" in entry else None
    )
    assert found.missed == []


def test_entries_that_cannot_be_used(resque):
    is_master(resque, f"web-1:5:{int(time.time())}-0123456789ab")
    resque.link.execute(
        "HSET", "resque:persistent_schedules", "odd", "not json", "never", '{"class":"A","cron":"x"}'
    )
    file = {"mine": {"class": "B", "every": "5m"}}
    # Who knows no jobs cannot tell whether a scheduler knows the queue of a class.
    assert [one.name for one in resque.health(file=file).refused] == ["never", "odd"]
    job(queue="q", name="A", registry=resque.registry)(print)
    assert [one.name for one in resque.health(file=file).refused] == ["mine", "never", "odd"]
    assert "never: " in problem(resque, "schedule").text


# --- the rest --------------------------------------------------------------------------------------


def test_failures_of_the_last_hour_and_what_was_put_aside(resque, bench, monkeypatch):
    resque.link.execute("RPUSH", "resque:queue:q", b"no json")
    resque.link.execute("SADD", "resque:queues", "q")
    bench.burst("q")
    old = record(1)
    new = record(2, failed_at=times.failed_at(time.time() - 60))
    resque.link.execute("RPUSH", "resque:failed", old, new, b"junk", b'{"failed_at":5}')
    resque.link.execute("RPUSH", "resque:q_failed", new)
    resque.link.execute("SADD", "resque:failed_queues", "q_failed")
    found = resque.health()
    assert (found.failed.total, found.failed.last_hour, found.failed.aside) == (6, 3, 1)
    said = problem(resque, "aside")
    assert said.text == "1 element was put aside, because it was not a job or could not be queued"
    assert said.advice.endswith("to see them: pyresque failed list --text Pyresque::SetAside")
    assert resque.failures.select(text="Pyresque::SetAside").count() == 1
    monkeypatch.setattr(look_at_health, "MOST_FAILURES", 4)
    found = resque.health()
    assert (found.failed.total, found.failed.looked_at, found.failed.last_hour) == (6, 3, 1)
    assert resque.failures.select(text="no json").retry().done == 1
    monkeypatch.undo()
    assert resque.health().aside == 0


def test_classes_that_nobody_here_knows(resque):
    """Only with jobs of one's own, and not where a worker of Ruby's takes from the queue."""
    resque.enqueue("Mial", 1, queue="q")
    assert resque.health().unknown == {}
    registry = Registry()

    @job(queue="q", name="Mail", registry=registry)
    def mail() -> None: ...

    found = resque.health(registry)
    assert found.unknown == {"q": {"Mial": 1}}
    [said] = [one for one in found.problems if one.kind == "unknown class"]
    assert said.advice == (
        "Mial: did you mean Mail? To remove them: pyresque queue remove-job --class Mial q"
    )
    register(resque, "elsewhere:1:q", 10)
    assert resque.health(registry).unknown == {"q": {"Mial": 1}}
    assert kinds(resque, registry=registry) == []


def test_a_redis_that_is_full_or_throws_jobs_away(resque):
    """It is told although nothing can be written: what is noted otherwise is left out, at once."""
    resque.enqueue("A", queue="q")
    resque.set_schedule("minutes", job="A", queue="q", every="10m")
    resque.pause("q")
    is_master(resque)
    try:
        resque.link.execute("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        assert kinds(resque) == ["eviction", "paused"]
        resque.link.execute("CONFIG", "SET", "maxmemory-policy", "noeviction")
        resque.link.execute("CONFIG", "SET", "maxmemory", 100_000)
        assert kinds(resque) == ["memory", "paused"]
    finally:
        resque.link.execute("CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", 0)


@pytest.mark.parametrize(
    "key",
    [
        "queues", "queue:q", "workers", "workers:heartbeat", "pyresque:workers", "failed", "failed_queues",
        "delayed_queue_schedule", "delayed:1000", "persistent_schedules", "delayed:last_enqueued_at",
        "pause:all", "pause-all-workers", "pyresque:heads", "pyresque:entries",
        "resque:resque_scheduler_master_lock", "stat:failed", "worker:a:1:q", "worker:a:1:q:started",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "junk", [("SET", "\x00junk"), ("LPUSH", "junk"), ("ZADD", "5", "junk"), ("HSET", "a", "junk")]
)
def test_a_key_that_holds_something_else_is_told_and_ends_nothing(resque, key, junk):
    resque.enqueue("A", queue="q")
    resque.set_schedule("minutes", job="A", queue="q", every="10m")
    resque.link.execute("SADD", "resque:workers", "a:1:q")
    resque.link.execute("ZADD", "resque:delayed_queue_schedule", 1000, 1000)
    resque.link.execute("RPUSH", "resque:failed", record(1))
    resque.link.execute("DEL", f"resque:{key}")
    command, *words = junk
    resque.link.execute(command, f"resque:{key}", *words)
    found = resque.health()
    assert json.loads(json.dumps(found.as_dict()))["redis"]["version"]


def test_a_job_may_have_waited_for_too_long(resque, monkeypatch):
    resque.enqueue("A", queue="q")
    register(resque, "elsewhere:1:*", 10)
    resque.health()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 700)
    assert kinds(resque) == []
    assert kinds(resque, max_age=600) == ["age"]


def test_as_json(resque):
    """Times are RFC 3339, all names are there, whatever there is to tell."""
    empty = resque.health().as_dict()
    resque.enqueue("A", queue="q")
    resque.set_schedule("minutes", job="A", queue="q", every="10m")
    run_ago(resque, "minutes", 5000)
    is_master(resque)
    full = json.loads(json.dumps(resque.health().as_dict()))
    assert list(full) == list(empty)
    [missed] = full["schedule"]["missed"]
    assert times.parse(missed["due"]) is not None
    assert missed["due"].endswith("Z")
    assert full["scheduler"]["master"]["id"] == "elsewhere:77"
    assert full["queues"][0] == {"queue": "q", "size": 1, "oldest_age_seconds": 0.0, "paused": False}
    assert not full["ok"]


def test_ten_thousand_failures_are_looked_at_in_few_commands(resque):
    resque.link.execute("RPUSH", "resque:failed", *(record(n) for n in range(10_000)))
    calls(resque)
    assert resque.health().failed.looked_at == 10_000
    assert calls(resque, "lrange") < 30


# --- a quick look ----------------------------------------------------------------------------------


def failed_now():
    return record(failed_at=times.failed_at(time.time()))


def test_a_quick_look_tells_the_same_where_there_is_little(resque, bench):
    """What needs a person is found with less reading, too."""
    put(resque, at(1), failed_now(), failed_now())
    resque.link.execute("RPUSH", "resque:queue:q", *['{"class":"A","args":[1]}'] * 3)
    resque.link.execute("SADD", "resque:queues", "q", "empty")
    resque.link.execute("RPUSH", "resque:delayed:1000", '{"class":"A","args":[],"queue":"q"}')
    resque.link.execute("ZADD", "resque:delayed_queue_schedule", 1000, 1000)
    resque.pause("q")
    beats = {"h:1:q": 30, "h:2:q,r*": 400, "h:3:": 200, "nonsense": None}
    now = time.time()
    for worker, age in beats.items():
        resque.link.execute("SADD", "resque:workers", worker)
        if age is not None:
            resque.link.execute("HSET", "resque:workers:heartbeat", worker, times.heartbeat(int(now - age)))
    running = {
        "queue": "q",
        "run_at": times.heartbeat(int(now - 9000)),
        "payload": {"class": "A", "args": []},
    }
    for worker in ("h:1:q", "h:2:q,r*"):
        resque.link.execute("SET", f"resque:worker:{worker}", json.dumps(running))
    whole, quick = resque.health(), resque.health(quick=True)
    assert quick.workers == []
    assert len(whole.workers) == 4
    assert [(one.kind, one.advice) for one in quick.problems] == [
        (one.kind, one.advice) for one in whole.problems
    ]
    assert quick.failed == whole.failed
    assert (quick.delayed.total, quick.delayed.overdue) == (1, 1)
    assert [(one.name, one.size, one.paused) for one in quick.queues] == [("empty", 0, False), ("q", 3, True)]
    for fleet in (quick.fleet, whole.fleet):
        assert (fleet.total, fleet.working, fleet.alive, fleet.unknown) == (4, 2, 1, 2)
        assert fleet.dead == ["h:2:q,r*"]
        assert [worker for worker, _ in fleet.long] == ["h:1:q"]
        assert fleet.serves("q")
        assert not fleet.serves("rest")


def test_the_failures_of_the_last_hour_in_a_long_list(resque, monkeypatch):
    """Where they begin is found by halving."""
    monkeypatch.setattr(look_at_health, "QUICK_FAILURES", 10)
    put(resque, *(at(n) for n in range(300)), *(failed_now() for _ in range(60)))
    found = resque.health(quick=True).failed
    assert (found.total, found.last_hour, found.looked_at) == (360, 60, 10)
