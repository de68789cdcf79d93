"""The schedule that a scheduler has loaded: static, dynamic and hostile entries."""

import json
import logging

from pyresque.schedule.entry import Entry
from pyresque.schedule.next_runs import Running
from tests.redis.stage import until

TICK = 1800000000.0


def running(name="e", due=TICK, noted="", **value):
    entry = Entry.read(name, {"class": "Mail", "queue": "mail", "every": "1m", **value})
    one = Running(entry, due - 60, noted)
    one.due = due
    return one


def every_second(**more):
    return {"class": "Mail", "queue": "mail", "cron": "* * * * * *", **more}


HOSTILE = [b"", b"not json", b"null", b"5", b"[]", b'"x"', b"{}", b'{"class":"Mail"}',
           b'{"class":"Mail","cron":"61 * * * *"}', b'{"class":"Mail","every":"0.0000001s"}',
           b'{"class":"Mail","cron":"0 0 -31 2 *"}', b'{"class":"Mail","every":"1m","rails_env":5}',
           b'{"class":5,"every":"1m"}', b'{"class":"Mail","every":["1m",{"times":"x"}]}',
           b'{"class":"Mail","every":["1m",{"first_at":"2001-01-01 00:00:00"}]}']  # fmt: skip


def test_static_entries_are_fired_and_not_announced(stage):
    """Each second once; nothing of them is written but jobs and notes.

    See docs/protocol/scheduler.md#rules-for-a-scheduler.
    """
    with stage.scheduler(schedule={"s": every_second()}):
        until(lambda: len(stage.queue("mail")) >= 2, "two runs")
    assert stage.keys() == ["delayed:last_enqueued_at", "queue:mail", "queues"]


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
        until(lambda: not one.schedule.running, "the end of the entry")


def test_entries_that_somebody_broke_are_stepped_over(stage, caplog):
    """Reported by name; the others run, and so do delayed jobs; nothing is removed."""
    for number, raw in enumerate(HOSTILE):
        stage.redis("HSET", "resque:persistent_schedules", f"bad{number}", raw)
    stage.redis("HSET", "resque:persistent_schedules", "good", json.dumps(every_second()))
    stage.redis("HSET", "resque:persistent_schedules", "noqueue", '{"class":"Nobody","cron":"* * * * * *"}')
    stage.delay(10, b'{"class":"R","args":[],"queue":"q"}')
    with caplog.at_level(logging.ERROR, "pyresque"), stage.scheduler() as one:
        until(lambda: len(stage.queue("mail")) > 1 and stage.queue("q"), "runs")
        assert sorted(one.schedule.refused) == sorted([*(f"bad{n}" for n in range(len(HOSTILE))), "noqueue"])
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
