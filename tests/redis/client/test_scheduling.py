"""set_schedule, remove_schedule, run_schedule: what they write, and what they refuse."""

import pytest

from pyresque.errors import InvalidSchedule, NoQueueError
from tests.redis.stage import until

NOTED = "resque:delayed:last_enqueued_at"


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


@pytest.mark.parametrize("args", ["abc", 5])
def test_arguments_that_are_no_list_are_refused(stage, args):
    """A text would become a list of its letters."""
    with pytest.raises(InvalidSchedule, match="must be a list"):
        stage.resque.set_schedule("bad", job="R", every=90, queue="q", args=args)
    assert stage.keys() == []


def test_run_schedule_with_other_arguments(stage):
    """Arguments that are given go in the place of those of the entry, which stays as it is."""
    stage.resque.write_schedule("a", {"class": "A", "every": "1h", "queue": "q", "args": [1]})
    assert stage.resque.run_schedule("a", args=["other", {"b": None}])
    assert stage.resque.run_schedule("a", args=[])
    assert stage.resque.run_schedule("a")
    assert stage.queue("q") == [
        b'{"class":"A","args":["other",{"b":null}]}', b'{"class":"A","args":[]}', b'{"class":"A","args":[1]}',
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["no JSON", "[1]", '{"class":"A"}', '{"class":"A","every":"1h"}'])
def test_what_cannot_be_used_cannot_be_switched_off(stage, value):
    """Such an entry stays as it is, and the error says why."""
    stage.redis("HSET", "resque:persistent_schedules", "a", value)
    for verb in (stage.resque.disable_schedule, stage.resque.enable_schedule):
        if verb == stage.resque.enable_schedule and value.startswith("{"):
            assert not verb("a")
            continue
        with pytest.raises(InvalidSchedule):
            verb("a")
    assert stage.redis("HGET", "resque:persistent_schedules", "a") == value.encode()
