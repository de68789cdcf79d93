"""The verbs for delayed jobs, against a real Redis: keys and bytes are resque-scheduler's."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pyresque import Resque, job
from pyresque.errors import InvalidTime, NoQueueError, NotAJob
from pyresque.testing import inline
from tests.faultproxy import FaultProxy, named
from tests.redis.stage import FAR

ITEM = b'{"class":"Mail","args":[1],"queue":"mail"}'
RAILS = rb'{"queue":"mail","class":"\u004dail","args":[ 1 ]}'


def test_a_delayed_job_lies_in_rubys_three_keys(stage):
    """List, set and sorted set, byte for byte (docs/protocol/scheduler.md#delayed-items)."""
    assert stage.resque.enqueue_at(FAR, stage.mail, 1) is True
    assert stage.redis("LRANGE", f"resque:delayed:{FAR}", 0, -1) == [ITEM]
    assert stage.redis("SMEMBERS", b"resque:timestamps:" + ITEM) == [b"delayed:%d" % FAR]
    assert stage.redis("ZRANGE", "resque:delayed_queue_schedule", 0, -1, "WITHSCORES") == [
        b"4000000000", b"4000000000",
    ]  # fmt: skip
    assert len(stage.keys()) == 3


@pytest.mark.parametrize(
    "moment",
    [FAR, FAR + 0.9, datetime.fromtimestamp(FAR, UTC), datetime.fromtimestamp(FAR, ZoneInfo("Asia/Tokyo"))],
)
def test_moments_may_be_numbers_and_datetimes_with_a_zone(stage, moment):
    """Parts of a second are cut off."""
    stage.resque.enqueue_at(moment, stage.mail, 1)
    assert stage.resque.scheduled_at(stage.mail, 1) == [FAR]


@pytest.mark.parametrize(
    ("moment", "told"),
    [(datetime(2030, 1, 1), "no time zone"), ("tomorrow", "not a moment"), (True, "not a moment"),
     (float("nan"), "not a moment"), (FAR * 1000, "milliseconds")],
)  # fmt: skip
def test_what_is_no_moment_is_refused(stage, moment, told):
    """Nothing is written, and the error says what to do."""
    with pytest.raises(InvalidTime, match=told):
        stage.resque.enqueue_at(moment, stage.mail, 1)
    assert stage.keys() == []


@pytest.mark.parametrize("delay", ["5", None, True, float("inf")])
def test_what_is_no_length_of_time_is_refused(stage, delay):
    """Numbers and timedeltas are."""
    with pytest.raises(InvalidTime):
        stage.resque.enqueue_in(delay, stage.mail, 1)


@pytest.mark.parametrize("delay", [1000, 1000.0, timedelta(seconds=1000)])
def test_enqueue_in_counts_from_now(stage, delay):
    """Seconds or a timedelta."""
    before = int(time.time())
    stage.resque.enqueue_in(delay, stage.mail, 1)
    [at] = stage.resque.scheduled_at(stage.mail, 1)
    assert before + 1000 <= at <= time.time() + 1000


def test_queue_names_another_queue(stage):
    """As a keyword; where the job has such a parameter itself, by the verbs with the queue first."""

    @job(queue="own", name="Takes", registry=stage.resque.registry)
    def takes(queue):
        """A job with a parameter of this name."""

    stage.resque.enqueue_at(FAR, stage.mail, 1, queue="other")
    stage.resque.enqueue_at_with_queue("other", FAR, takes, queue="x")
    stage.resque.enqueue_in_with_queue("other", 1000, "OnlyRuby", 5)
    assert [(one.class_name, one.args, one.queue) for one in stage.resque.find_delayed()] == [
        ("OnlyRuby", [5], "other"), ("Mail", [1], "other"), ("Takes", ["x"], "other"),
    ]  # fmt: skip
    with pytest.raises(NoQueueError):
        stage.resque.enqueue_at(FAR, "OnlyRuby", 1)


def test_a_moment_that_is_past_puts_the_job_on_its_queue(stage):
    """At once, as a plain job."""
    assert stage.resque.enqueue_at(5, stage.mail, 1) is True
    assert stage.queue("mail") == [b'{"class":"Mail","args":[1]}']
    assert stage.keys() == ["queue:mail", "queues"]


def hooked(stage, **answers):
    """A job whose hooks take notes and answer as told."""
    notes = []

    def note(name):
        def hook(*args):
            notes.append((name, args))
            answer = answers.get(name)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return staticmethod(hook)

    names = ("before_schedule", "after_schedule", "before_delayed_enqueue", "before_enqueue", "after_enqueue")
    body = {"perform": staticmethod(lambda *args: None), **{name: note(name) for name in names}}
    made = job(queue="h", name="Hooked", registry=stage.resque.registry)(type("Hooked", (), body))
    return made, notes


def test_the_schedule_hooks_run_for_a_delay_only(stage):
    """Before and after; the enqueue hooks come with the queue (docs/protocol/scheduler.md#hooks)."""
    made, notes = hooked(stage)
    assert stage.resque.enqueue_at(FAR, made, 1) is True
    assert notes == [("before_schedule", (1,)), ("after_schedule", (1,))]
    notes.clear()
    assert stage.resque.enqueue_at(5, made, 2) is True
    assert notes == [("before_enqueue", (2,)), ("after_enqueue", (2,))]


def test_before_schedule_may_refuse_and_after_schedule_may_only_say_so(stage):
    """None and nothing written; False and everything written."""
    made, _ = hooked(stage, before_schedule=False)
    assert stage.resque.enqueue_at(FAR, made, 1) is None
    assert stage.keys() == []


def test_after_schedule_says_false_but_the_job_is_delayed(stage):
    """As in Ruby."""
    made, _ = hooked(stage, after_schedule=False)
    assert stage.resque.enqueue_at(FAR, made, 1) is False
    assert stage.resque.is_delayed(made, 1)


def test_enqueue_delayed_runs_the_hooks_of_a_drain(stage):
    """Once for each job; a veto of before_enqueue drops the job, as in Ruby."""
    made, notes = hooked(stage, before_delayed_enqueue=False)
    stage.resque.enqueue_at(FAR, made, 1)
    notes.clear()
    assert stage.resque.enqueue_delayed(made, 1) == 1
    assert [name for name, _ in notes] == ["before_delayed_enqueue", "before_enqueue", "after_enqueue"]
    assert stage.queue("h") == [b'{"class":"Hooked","args":[1]}']


def test_enqueue_delayed_runs_the_hooks_about_each_copy(stage):
    """One after the other, as in Ruby; an error leaves the rest delayed."""
    made, notes = hooked(stage)
    for at in (FAR, FAR, FAR + 1):
        stage.resque.enqueue_at(at, made, 1)
    notes.clear()
    assert stage.resque.enqueue_delayed(made, 1) == 3
    assert [name for name, _ in notes] == ["before_delayed_enqueue", "before_enqueue", "after_enqueue"] * 3
    assert stage.queue("h") == [b'{"class":"Hooked","args":[1]}'] * 3


def test_enqueue_delayed_selection_takes_equal_jobs_together(stage):
    """All copies of the first, then those of the next, as Ruby finds them."""
    for at, number in ((FAR, 1), (FAR, 2), (FAR + 1, 1), (FAR + 1, 3), (FAR + 1, 2)):
        stage.resque.enqueue_at(at, stage.mail, number)
    assert stage.resque.enqueue_delayed_selection(lambda args: args[0] > 0) == 5
    assert stage.queue("mail") == [b'{"class":"Mail","args":[%d]}' % number for number in (1, 1, 2, 2, 3)]


def test_jobs_are_found_whatever_their_bytes(stage):
    """Of plain Ruby, of a writer with other order, blanks and escapes; not those that only look alike."""
    stage.delay(FAR, ITEM, RAILS, b'{"class":"Mail","args":[1.0],"queue":"mail"}', b"Mail [1]")
    assert stage.resque.is_delayed(stage.mail, 1)
    assert stage.resque.remove_delayed(stage.mail, 1) == 2
    assert len(stage.redis("LRANGE", f"resque:delayed:{FAR}", 0, -1)) == 2
    assert stage.redis("EXISTS", b"resque:timestamps:" + RAILS) == 0


def test_a_registered_job_is_looked_for_on_its_own_queue(stage):
    """Another queue must be named; a class name alone means every queue."""
    stage.resque.enqueue_at(FAR, stage.mail, 1)
    stage.resque.enqueue_at(FAR, stage.mail, 1, queue="other")
    stage.delay(FAR + 1, b'{"class":"Mail","args":[1]}')
    assert stage.resque.scheduled_at(stage.mail, 1) == [FAR, FAR + 1]
    assert stage.resque.remove_delayed(stage.mail, 1, queue="other") == 1
    assert stage.resque.remove_delayed("Mail", 1) == 2


def test_remove_delayed_takes_every_copy_and_leaves_the_second(stage):
    """As Ruby: the second goes when its time comes; the verb for one second cleans up."""
    for at in (FAR, FAR, FAR + 5):
        stage.resque.enqueue_at(at, stage.mail, 1)
    assert stage.resque.remove_delayed_job_from_timestamp(FAR + 5, stage.mail, 1) == 1
    assert stage.resque.delayed_queue_peek(0, 9) == [FAR]
    assert stage.resque.remove_delayed(stage.mail, 1) == 2
    assert stage.resque.remove_delayed(stage.mail, 1) == 0
    assert stage.keys() == ["delayed_queue_schedule"]


def test_the_verb_for_one_second_forgets_an_empty_one(stage):
    """Whether it removed anything itself or not, as Ruby's clean-up does; a second with jobs stays."""
    stage.resque.enqueue_at(FAR, stage.mail, 1)
    assert stage.resque.remove_delayed_job_from_timestamp(FAR, stage.mail, 2) == 0
    assert stage.resque.delayed_queue_peek(0, 9) == [FAR]
    assert stage.resque.remove_delayed(stage.mail, 1) == 1
    assert stage.resque.remove_delayed_job_from_timestamp(FAR, stage.mail, 1) == 0
    assert stage.keys() == []


def test_selections_ask_about_the_arguments(stage):
    """Of one class or all; items that are not jobs are never asked about."""
    for number in range(4):
        stage.resque.enqueue_at(FAR, stage.mail, number)
    stage.resque.enqueue_at(FAR, "Other", 3, queue="o")
    stage.delay(FAR, b"no job")
    assert [one.args for one in stage.resque.find_delayed(lambda args: args[0] > 1, stage.mail)] == [[2], [3]]
    assert stage.resque.remove_delayed_selection(lambda args: args[0] > 1) == 3
    assert stage.resque.enqueue_delayed_selection(lambda args: args == [0], "Mail") == 1
    assert [one.raw for one in stage.resque.find_delayed()] == [ITEM, b"no job"]


def test_delay_or_enqueue_moves_every_copy_or_makes_one(stage):
    """In one step; a moment that is past puts them on the queue."""
    for at in (FAR, FAR, FAR + 5):
        stage.resque.enqueue_at(at, stage.mail, 1)
    assert stage.resque.delay_or_enqueue_at(FAR + 9, stage.mail, 1) == 3
    assert stage.resque.scheduled_at(stage.mail, 1) == [FAR + 9]
    assert stage.resque.delay_or_enqueue_in(1000, stage.mail, 2) == 1
    assert stage.resque.delay_or_enqueue_at(5, stage.mail, 1) == 3
    assert stage.queue("mail") == [b'{"class":"Mail","args":[1]}'] * 3


def test_delay_or_enqueue_runs_the_hooks_for_every_copy(stage):
    """In Ruby's order: before and after for one copy, then for the next."""
    made, notes = hooked(stage)
    for _ in range(2):
        stage.resque.enqueue_at(FAR, made, 1)
    notes.clear()
    assert stage.resque.delay_or_enqueue_at(FAR + 9, made, 1) == 2
    assert [name for name, _ in notes] == ["before_schedule", "after_schedule"] * 2
    notes.clear()
    assert stage.resque.delay_or_enqueue_at(5, made, 1) == 2
    assert [name for name, _ in notes] == ["before_enqueue", "after_enqueue"] * 2


def test_delay_or_enqueue_asks_a_class_with_a_way_of_its_own(stage):
    """When the moment is past its `scheduled` is called for every copy, and nothing else is pushed."""
    calls = []
    scheduled = staticmethod(lambda *args: calls.append(args))
    body = {"perform": staticmethod(lambda *args: None), "scheduled": scheduled}
    made = job(queue="own", name="Own", registry=stage.resque.registry)(type("Own", (), body))
    for at in (FAR, FAR + 1):
        stage.resque.enqueue_at(at, made, 1)
    assert stage.resque.delay_or_enqueue_at(5, made, 1) == 2
    assert calls == [("own", "Own", 1)] * 2
    assert stage.keys() == ["delayed_queue_schedule"]


def test_the_queries(stage):
    """Counts, seconds, jobs of a second, the next second."""
    stage.resque.enqueue_at(FAR, stage.mail, 1)
    stage.resque.enqueue_at(FAR, stage.mail, 2)
    stage.resque.enqueue_at(FAR + 1, stage.mail, 3)
    resque = stage.resque
    assert resque.delayed_queue_schedule_size() == 2
    assert resque.delayed_queue_peek(0, 9) == [FAR, FAR + 1]
    assert resque.delayed_timestamp_size(FAR) == 2
    assert [one.args for one in resque.delayed_timestamp_peek(FAR, 1, 5)] == [[2]]
    assert resque.count_all_scheduled_jobs() == 3
    assert resque.next_delayed_timestamp() is None
    assert resque.next_delayed_timestamp(FAR + 5) == FAR


def test_reset_forgets_everything(stage):
    """No key is left, and the number of jobs is told."""
    for number in range(1200):
        stage.resque.enqueue_at(FAR, stage.mail, number)
    stage.resque.enqueue_at(FAR + 1, stage.mail, 3)
    assert stage.resque.reset_delayed_queue() == 1201
    assert stage.keys() == []


def test_inline_runs_a_delayed_job_at_once(stage):
    """As in Ruby: nothing is written."""
    ran = []
    made = job(queue="q", name="Runs", registry=stage.resque.registry)(lambda *args: ran.append(args))
    with inline(stage.resque):
        stage.resque.enqueue_at(FAR, made, 1)
        stage.resque.delay_or_enqueue_in(5, made, 2)
    assert ran == [(1,), (2,)]
    assert stage.keys() == []


def test_a_key_that_holds_something_else_refuses_the_whole_call(stage):
    """Nothing is written by halves."""
    stage.redis("SET", "resque:delayed_queue_schedule", "x")
    with pytest.raises(Exception, match="WRONGTYPE"):
        stage.resque.enqueue_at(FAR, stage.mail, 1)
    assert stage.keys() == ["delayed_queue_schedule"]


def test_what_cannot_be_json_is_refused(stage):
    """NaN ends a Ruby scheduler: it never gets there."""
    with pytest.raises(NotAJob):
        stage.resque.enqueue_at(FAR, stage.mail, float("nan"))
    assert stage.keys() == []


VERBS = {
    "enqueue_at": lambda resque: resque.enqueue_at(FAR + 7, "Mail", 9, queue="mail"),
    "remove_delayed": lambda resque: resque.remove_delayed("Mail", 1),
    "enqueue_delayed": lambda resque: resque.enqueue_delayed("Mail", 1),
    "delay_or_enqueue_at": lambda resque: resque.delay_or_enqueue_at(FAR + 9, "Mail", 1, queue="mail"),
    "reset_delayed_queue": lambda resque: resque.reset_delayed_queue(),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_lost_reply_does_nothing_twice(stage, server, verb):
    """The script is sent again and only repeats its answer."""

    def outcome(lose):
        stage.redis("FLUSHALL")
        stage.delay(FAR, ITEM, ITEM, b'{"class":"Mail","args":[2],"queue":"mail"}')
        with FaultProxy(server) as proxy:
            resque = Resque(proxy.url, registry=stage.resque.registry)
            fault = proxy.arm("drop", match=named("EVALSHA", "EVAL"), times=2 if lose else 0)
            answer = VERBS[verb](resque)
            assert bool(fault.hits) is lose
            resque.close()
        kept = {
            key: stage.redis("DUMP", key) for key in stage.redis("KEYS", "*") if b"pyresque:once" not in key
        }
        return answer, kept

    outcome(False)  # the scripts are known to Redis now
    assert outcome(True) == outcome(False)
