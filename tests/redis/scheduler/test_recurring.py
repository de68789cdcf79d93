"""The schedule: firing, hooks, catching up, dynamic changes, static entries, hostile entries."""

import json
import logging
import os
import signal
import subprocess
import sys
import time

import pytest

from pyresque import Resque, job
from pyresque.errors import InvalidSchedule, NoQueueError
from pyresque.schedule.entry import Entry
from pyresque.schedule.runs import Running
from pyresque.scheduler.firing import Firer
from pyresque.store.delayed import Claim
from pyresque.wire import times
from tests.faultproxy import FaultProxy, named
from tests.redis.scheduler.conftest import FAR, until

TICK = 1800000000.0
NOTED = "resque:delayed:last_enqueued_at"


def running(name="e", due=TICK, noted="", **value):
    entry = Entry.read(name, {"class": "Mail", "queue": "mail", "every": "1m", **value})
    one = Running(entry, due - 60, noted)
    one.due = due
    return one


@pytest.fixture
def firer(stage):
    return Firer(stage.resque.space, stage.resque.registry)


@pytest.mark.parametrize(
    ("args", "sent"),
    [({"k": [1]}, '[{"k":[1]}]'), (["x", None], '["x",null]'), ("s", '["s"]'), (None, "[]"), (False, "[]")],
)
def test_a_fire_pushes_the_job_and_notes_the_run(stage, firer, args, sent):
    """Arguments of every kind; the note is the local time of the run."""
    assert firer.fire(running(args=args)) == "fired"
    assert stage.queue("mail") == [f'{{"class":"Mail","args":{sent}}}'.encode()]
    assert stage.redis("HGET", NOTED, "e").decode() == times.started(TICK)
    assert stage.keys() == ["delayed:last_enqueued_at", "queue:mail", "queues"]


def test_nobody_fires_the_same_run_twice(stage, firer):
    """What somebody else noted meanwhile is seen in the step that pushes."""
    one, two = running(), running()
    assert (firer.fire(one), firer.fire(two)) == ("fired", "taken")
    assert len(stage.queue("mail")) == 1


def test_nothing_is_fired_without_the_lock(stage, firer):
    """And nothing is noted."""
    stage.redis("SET", "lock", "other")
    assert firer.fire(running(), Claim("lock", "ours", 1000)) == "lost"
    assert stage.redis("EXISTS", NOTED, "resque:queue:mail") == 0


def test_a_lost_reply_fires_once(stage, server):
    """The script is sent again and repeats its answer."""
    with FaultProxy(server) as proxy:
        resque = Resque(proxy.url, registry=stage.resque.registry)
        fault = proxy.arm("drop", match=named("EVALSHA", "EVAL"), times=2)
        assert Firer(resque.space, resque.registry).fire(running()) == "fired"
        assert fault.hits
        resque.close()
    assert len(stage.queue("mail")) == 1


def hooked(stage, **hooks):
    body = {"perform": staticmethod(lambda *args: None)}
    body |= {name: staticmethod(hook) for name, hook in hooks.items()}
    return job(queue="h", name="Hooked", registry=stage.resque.registry)(type("Hooked", (), body))


def raising(*args):
    raise ValueError("no")


def test_the_hooks_of_a_fire_in_order(stage, firer):
    """before_recurring, before_enqueue, push, after_enqueue, after_recurring.

    See docs/protocol/scheduler.md#hooks.
    """
    notes = []
    names = ("after_recurring", "after_enqueue", "before_enqueue", "before_recurring")
    hooked(stage, **{name: lambda *args, name=name: notes.append(name) for name in names})
    assert firer.fire(running(**{"class": "Hooked", "queue": "h"})) == "fired"
    assert notes == ["before_recurring", "before_enqueue", "after_enqueue", "after_recurring"]


@pytest.mark.parametrize(
    "hooks",
    [{"before_recurring": lambda: False}, {"before_recurring": raising}, {"before_enqueue": lambda: False}],
)
def test_a_refused_fire_is_noted_all_the_same(stage, firer, hooks):
    """As in Ruby."""
    hooked(stage, **hooks)
    assert firer.fire(running(**{"class": "Hooked"})) == "skipped"
    assert stage.keys() == ["delayed:last_enqueued_at"]


def test_an_after_hook_that_raises_leaves_the_job(stage, firer):
    """It is logged."""
    hooked(stage, after_enqueue=raising, after_recurring=raising)
    assert firer.fire(running(**{"class": "Hooked"})) == "fired"
    assert len(stage.queue("mail")) == 1


@pytest.mark.parametrize("value", [{"class": "Hooked"}, {"custom_job_class": "Hooked"}])
def test_a_class_with_its_own_way_is_called(stage, firer, value):
    """`scheduled(queue, class, *args)`; the run is noted."""
    calls = []
    hooked(stage, scheduled=lambda *args: calls.append(args))
    assert firer.fire(running(args=[1], **value)) == "fired"
    assert calls == [("mail", value.get("class", "Mail"), 1)]
    assert stage.keys() == ["delayed:last_enqueued_at"]


def test_overlap_skip_leaves_out_a_run_while_the_last_waits_or_works(stage, firer):
    """Compared by value: what a Ruby worker works on counts too."""
    assert firer.fire(running(args=[1], overlap="skip")) == "fired"
    noted = times.started(TICK)
    assert firer.fire(running(args=[1], overlap="skip", due=TICK + 60, noted=noted)) == "skipped"
    stage.redis("DEL", "resque:queue:mail")
    stage.redis("SADD", "resque:workers", "host:1:mail")
    work = '{"queue":"mail","run_at":"2026-11-23T18:07:34Z","payload":{"args":[1],"class":"Mail"}}'
    stage.redis("SET", "resque:worker:host:1:mail", work)
    noted = times.started(TICK + 60)
    assert firer.fire(running(args=[1], overlap="skip", due=TICK + 120, noted=noted)) == "skipped"
    assert firer.fire(running(name="f", args=[2], overlap="skip")) == "fired"
    assert [json.loads(raw)["args"] for raw in stage.queue("mail")] == [[2]]


# --- a scheduler that runs -------------------------------------------------------------------------


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


def test_static_entries_are_fired_and_not_announced(stage):
    """Each second once; nothing of them is written but jobs and notes.

    See docs/protocol/scheduler.md#rules-for-a-scheduler.
    """
    with stage.scheduler(schedule={"s": every_second()}):
        until(lambda: len(stage.queue("mail")) >= 2, "two runs")
    assert stage.keys() == ["delayed:last_enqueued_at", "queue:mail", "queues"]


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


def test_an_entry_of_a_file_that_says_persist_is_stored(stage, tmp_path):
    """As Ruby stores it: it takes the place of the copy that Ruby left, and whoever removes it ends it."""
    path = tmp_path / "schedule.yml"
    path.write_text("p: {cron: '* * * * * *', class: Mail, queue: new, args: [2], persist: true}\n")
    left = json.dumps(every_second(queue="old"))
    stage.redis("HSET", "resque:persistent_schedules", "p", left)
    with stage.scheduler(schedule_file=str(path)):
        until(lambda: stage.queue("new"), "a run")
        assert stage.queue("old") == []
        raw = stage.redis("HGET", "resque:persistent_schedules", "p")
        assert raw == b'{"cron":"* * * * * *","class":"Mail","queue":"new","args":[2]}'
        assert stage.resque.remove_schedule("p")
        until(lambda: not stage.redis("EXISTS", "resque:schedules_changed"), "the notice to be taken")
        runs = len(stage.queue("new"))
        stage.redis("HSET", "resque:persistent_schedules", "q", json.dumps(every_second(queue="other")))
        until(lambda: len(stage.queue("other")) >= 2, "runs of another entry")
        assert len(stage.queue("new")) <= runs + 1


def test_an_entry_of_a_file_that_redis_hides_is_told(stage, tmp_path, caplog):
    """Redis wins, as in Ruby, but not without a word."""
    path = tmp_path / "schedule.yml"
    path.write_text("h: {every: 1h, class: Mail, queue: new}\n")
    stage.redis("HSET", "resque:persistent_schedules", "h", json.dumps(every_second()))
    with stage.scheduler(schedule_file=str(path)):
        until(lambda: stage.queue("mail"), "a run")
    assert caplog.text.count("hides the one of this process") == 1


def test_entries_of_ruby_are_followed(stage):
    """Written, changed and removed by another process, with and without a notice."""
    with stage.scheduler() as one:
        until(lambda: one.master.active, "a master")
        stage.redis("HSET", "resque:persistent_schedules", "r", json.dumps(every_second(args=[1])))
        stage.redis("SADD", "resque:schedules_changed", "r")
        until(lambda: stage.queue("mail"), "a run")
        until(lambda: not stage.redis("EXISTS", "resque:schedules_changed"), "the notice to be taken")
        stage.redis("HSET", "resque:persistent_schedules", "r", json.dumps(every_second(args=[2])))
        until(lambda: stage.queue("mail")[-1] == b'{"class":"Mail","args":[2]}', "a changed run")
        stage.redis("DEL", "resque:persistent_schedules")
        until(lambda: not one.table.running, "the end of the entry")


HOSTILE = [b"", b"not json", b"null", b"5", b"[]", b'"x"', b"{}", b'{"class":"Mail"}',
           b'{"class":"Mail","cron":"61 * * * *"}', b'{"class":"Mail","every":"0.0000001s"}',
           b'{"class":"Mail","cron":"0 0 -31 2 *"}', b'{"class":"Mail","every":"1m","rails_env":5}',
           b'{"class":5,"every":"1m"}', b'{"class":"Mail","every":["1m",{"times":"x"}]}',
           b'{"class":"Mail","every":["1m",{"first_at":"2001-01-01 00:00:00"}]}']  # fmt: skip


def test_entries_that_somebody_broke_are_stepped_over(stage, caplog):
    """Reported by name; the others run, and so do delayed jobs; nothing is removed."""
    for number, raw in enumerate(HOSTILE):
        stage.redis("HSET", "resque:persistent_schedules", f"bad{number}", raw)
    stage.redis("HSET", "resque:persistent_schedules", "good", json.dumps(every_second()))
    stage.redis("HSET", "resque:persistent_schedules", "noqueue", '{"class":"Nobody","cron":"* * * * * *"}')
    stage.delay(10, b'{"class":"R","args":[],"queue":"q"}')
    with caplog.at_level(logging.ERROR, "pyresque"), stage.scheduler() as one:
        until(lambda: len(stage.queue("mail")) > 1 and stage.queue("q"), "runs")
        assert sorted(one.table.refused) == sorted([*(f"bad{n}" for n in range(len(HOSTILE))), "noqueue"])
    assert stage.redis("HLEN", "resque:persistent_schedules") == len(HOSTILE) + 2
    assert all(f"bad{number} " in caplog.text for number in range(len(HOSTILE)))


def test_keys_of_a_file_that_json_has_not_are_texts(stage, tmp_path):
    """A date or a number as a key of the arguments is what Ruby's to_s makes of it."""
    path = tmp_path / "schedule.yml"
    path.write_text(
        "e: {class: Mail, queue: mail, cron: '* * * * * *', args: {2026-01-01: x, .nan: y, 1: z}}\n"
    )
    with stage.scheduler(schedule_file=str(path)):
        until(lambda: stage.queue("mail"), "a run")
    assert stage.queue("mail")[0] == b'{"class":"Mail","args":[{"2026-01-01":"x","NaN":"y","1":"z"}]}'


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
                until(lambda: following.table.running, "a second scheduler")
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


# --- set_schedule ----------------------------------------------------------------------------------


def test_set_schedule_writes_what_ruby_reads(stage):
    """Class, timing, queue, arguments, and the notice; the queue comes from the registry."""
    stage.resque.set_schedule("nightly", job=stage.mail, cron="0 3 * * * Europe/Berlin", args=[1])
    assert stage.redis("HGETALL", "resque:persistent_schedules") == [
        b"nightly", b'{"class":"Mail","cron":"0 3 * * * Europe/Berlin","queue":"mail","args":[1]}',
    ]  # fmt: skip
    assert stage.redis("SMEMBERS", "resque:schedules_changed") == [b"nightly"]
    assert stage.resque.schedule()["nightly"]["queue"] == "mail"


def test_a_number_in_every_is_written_as_text(stage):
    """A bare number ends a Ruby scheduler at the next notice (docs/protocol/scheduler.md#change-notices)."""
    stage.resque.set_schedule("n", job="R", every=90, queue="q", args={"a": 1})
    assert stage.resque.schedule()["n"] == {"class": "R", "every": "90s", "queue": "q", "args": {"a": 1}}


@pytest.mark.parametrize(
    "value",
    [{"cron": "61 * * * *"}, {"cron": "0 0 30 2 *"}, {"cron": "0 ~ * * *"}, {"cron": "0 0 * * */0"},
     {"cron": "0 0 13 * fri&"},
     {"cron": "0,,30 * * * *"}, {"cron": "0 0 * * mon%0"}, {"cron": "0 0 * * * UTC+2"}, {"every": "soon"},
     {"every": 0.0000001}, {"every": ["1h", {"first_at": "2100-01-01 00:00:00"}]}, {},
     {"every": "1h", "env": 5},
     {"every": "1h", "catch_up": "maybe"}, {"every": "1h", "overlap": 5},
     {"every": "1h", "description": float("nan")}],
)  # fmt: skip
def test_what_would_end_a_ruby_scheduler_is_never_written(stage, value):
    """Refused with the reason and the name of the entry."""
    with pytest.raises(InvalidSchedule, match="bad: "):
        stage.resque.set_schedule("bad", job=stage.mail, **value)
    assert stage.keys() == []


def test_a_word_with_a_zone_is_written_out_for_older_rubies(stage):
    """fugit before 1.11 refuses it."""
    stage.resque.set_schedule("d", job=stage.mail, cron="@daily Europe/Berlin")
    assert stage.resque.schedule()["d"]["cron"] == "0 0 * * * Europe/Berlin"


def test_a_job_without_queue_is_refused(stage):
    """Ruby's schedulers and web pages do not know Python jobs."""
    with pytest.raises(NoQueueError):
        stage.resque.set_schedule("x", job="OnlyRuby", cron="* * * * *")
    with pytest.raises(InvalidSchedule, match="no queue"):
        stage.resque.write_schedule("x", {"class": "OnlyRuby", "cron": "* * * * *"})


def test_entries_of_this_process_stay_in_it(stage):
    """persist=False: not in Redis, and not announced; a Scheduler here runs them."""
    stage.resque.set_schedule("mine", job=stage.mail, cron="* * * * * *", persist=False)
    assert stage.keys() == []
    with stage.scheduler():
        until(lambda: stage.queue("mail"), "a run")
    assert stage.resque.remove_schedule("mine") is True
    assert stage.resque.remove_schedule("mine") is False


def test_remove_schedule_says_so(stage):
    """HDEL and the notice."""
    stage.resque.set_schedule("n", job=stage.mail, every="1h")
    assert stage.resque.remove_schedule("n") is True
    assert stage.keys() == ["schedules_changed"]


def test_run_schedule_puts_the_job_on_its_queue_now(stage):
    """With its hooks; the time of the last run is not touched, as with the web page's button."""
    stage.resque.set_schedule("n", job=stage.mail, every="1h", args=[5])
    assert stage.resque.run_schedule("n") is True
    assert stage.queue("mail") == [b'{"class":"Mail","args":[5]}']
    assert stage.redis("EXISTS", NOTED) == 0
    with pytest.raises(InvalidSchedule, match="no entry"):
        stage.resque.run_schedule("x")


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


@pytest.mark.parametrize("args", ["abc", 5])
def test_arguments_that_are_no_list_are_refused(stage, args):
    """A text would become a list of its letters."""
    with pytest.raises(InvalidSchedule, match="must be a list"):
        stage.resque.set_schedule("bad", job="R", every=90, queue="q", args=args)
    assert stage.keys() == []
