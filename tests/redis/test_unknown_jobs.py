"""Queues in which jobs of others, or large jobs, stand before ours: what it costs to get at ours."""

import json
import random

import pytest

from pyresque import active_job, job
from pyresque.config import Unknown, WorkerOptions
from pyresque.failure import Recorder, Redis
from pyresque.registry import Registry
from pyresque.store import reservation
from pyresque.store.reservation import NEVER, PIECE, EndedJob
from pyresque.store.workers import Registration
from pyresque.worker import reserver
from pyresque.worker.aio.worker import AsyncWorker
from pyresque.worker.current_job import CurrentJob
from pyresque.worker.queue_list import QueueList
from pyresque.worker.reserver import Reserver
from pyresque.worker.unknown_jobs import FULL_LOOK_SECONDS, UnknownJobs
from tests.redis.bench import add_echo, elements, note, put, seen

FORMS = {
    "as Ruby writes it": '{"class":"UnknownJobs","args":[%d]}',
    "with blanks": '{"class": "UnknownJobs", "args": [%d]}',
    "arguments first": '{"args":[%d],"class":"UnknownJobs"}',
    "a name with a dash": '{"class":"foreign-job","args":[%d]}',
    "a class in the arguments": '{"class":"UnknownJobs","args":[{"class":"x","n":%d}]}',
    "an Active Job": '{"class":"ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper",'
    '"args":[{"job_class":"UnknownJobs","job_id":"x","arguments":[%d]}]}',
    "large": '{"class": "UnknownJobs", "args": [%d, "' + "x" * 1500 + '"]}',
}


class Taker:
    """One worker without a process: it takes jobs, and ends them at once. `now` is its clock."""

    def __init__(self, resque, number=1, queues=("q",), foreign=None):
        self.resque, self.now = resque, 0.0
        self.who = Registration("h", f"{number}:q")
        resque.link.execute("SADD", "resque:workers", self.who.id)
        self.foreign = foreign or UnknownJobs(lambda: self.now)
        recorder = Recorder(resque.space, Redis(), failure_ids=True)
        self.reserver = Reserver(
            resque.space, CurrentJob(self.who), QueueList(queues), resque.registry, Unknown(), recorder, None,
            self.foreign,
        )  # fmt: skip

    def take(self):
        """Take the next job, and end it; returns the element, None if there is none."""
        while (reserved := self.reserver.next()) is None and self.reserver.unfinished:
            pass
        if reserved is None:
            return None
        settled = reservation.settle(self.resque.space, self.who, EndedJob(reserved.record, NEVER, []))
        assert settled.what == "settled"
        return reserved.payload.raw


def foreign(form, numbers):
    return [(form % number if "%" in form else form).encode() for number in numbers]


def ours(*names, form='{"class":"Echo","args":["%s"]}'):
    return [(form % name).encode() for name in names]


def reads(resque):
    """How many times lists were read since the last call, the reads in scripts counted."""
    text = resque.link.execute("INFO", "commandstats").decode()
    resque.link.execute("CONFIG", "RESETSTAT")
    lines = (line for line in text.split() if line.startswith("cmdstat_lrange:"))
    return sum(int(line.partition("calls=")[2].partition(",")[0]) for line in lines)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_foreign_jobs_are_looked_through_once(resque, form):
    """To get at many jobs behind many foreign ones takes one look at those, and not one for each."""
    add_echo(resque)
    others, wanted = foreign(form, range(3000)), ours(*range(40))
    put(resque, *others, *wanted)
    one, found = Taker(resque), []
    reads(resque)
    found.append(one.take())
    first = reads(resque)
    while raw := one.take():
        found.append(raw)
    assert found == wanted
    assert elements(resque) == others
    assert reads(resque) < 40 * 30 < 40 * first
    one.take()
    assert reads(resque) < 60, "another look at them all, at the next poll"


@pytest.mark.parametrize(
    "form", [*FORMS.values(), '{"class":"UnknownJobs","args":[]}'], ids=[*FORMS, "all alike"]
)
def test_the_look_goes_on_though_others_change_the_queue(resque, form):
    """Ruby pops and pushes, somebody dequeues, another worker takes, jobs are put back: the next job taken is
    at each moment the first one of ours in the queue. UnknownJobs jobs stay, in their order."""
    add_echo(resque)
    dice = random.Random(len(form))
    others = iter(foreign(form, range(100_000)))
    forms = [
        '{"class":"Echo","args":["%s"]}',
        '{"class": "Echo", "args": ["%s"]}',
        '{"args":["%s"],"class":"Echo"}',
    ]
    key, one, another = "resque:queue:q", Taker(resque), Taker(resque, 2)

    def some(count, share=0.1):
        names = (dice.choice([0, 1, dice.random()]) for _ in range(count))  # some are alike
        return [
            ours(name, form=dice.choice(forms))[0] if dice.random() < share else next(others)
            for name in names
        ]

    put(resque, *[next(others) for _ in range(500)], *some(300, 0.3))
    taken = 0
    for _ in range(120):
        match dice.randrange(8):
            case 0:
                put(resque, *some(dice.randrange(1, 40)))
            case 1:
                for _ in range(dice.randrange(1, 25)):
                    if b"Echo" not in (resque.link.execute("LINDEX", key, 0) or b"Echo"):
                        resque.link.execute("LPOP", key)
            case 2:
                everything = elements(resque)
                resque.link.execute("LREM", key, 1, dice.choice(everything))
            case 3:
                resque.link.execute("LPUSH", key, *some(dice.randrange(1, 3), 0.7))
            case 4:
                another.take()
        before = elements(resque)
        wanted = next((raw for raw in before if b"Echo" in raw), None)
        assert one.take() == wanted
        if wanted is not None:
            before.remove(wanted)
            taken += 1
        assert elements(resque) == before
    assert taken > 60


@pytest.mark.parametrize("rest", ["[NaN]}", "[1,-Infinity]}", '[{"a":Infinity}]}', "[1", "[]}x", "[]}\0"])
@pytest.mark.parametrize("before", [0, 3, 300])
def test_what_no_ruby_reads_is_put_aside_for_others_too(resque, rest, before):
    """A Ruby worker that took it would end. Jobs of others that only look so stay, in their order."""
    add_echo(resque)
    bad, *fine = (
        b'{"class":"UnknownJobs","args":' + one for one in (rest.encode(), b'["NaN","Infinity"]}', b"[1]} ")
    )
    others = [*foreign(FORMS["as Ruby writes it"], range(before)), *fine]
    put(resque, *others[:-1], bad, others[-1], *ours("last"))
    taker = Taker(resque)
    assert json.loads(taker.take())["args"] == ["last"]
    assert taker.take() is None
    assert elements(resque) == others
    assert resque.link.execute("LRANGE", "resque:pyresque:aside:queue:q", 0, -1) == [bad]
    [record] = resque.failures.list()
    assert record.text("exception") == "Resque::Helpers::DecodeException"


def test_nothing_is_passed_over_for_ever(resque):
    """Where foreign jobs are all alike and many are popped at once, nothing tells that ours have moved.
    Another full look, which is due in time, finds them."""
    add_echo(resque)
    same = [b'{"class":"UnknownJobs","args":[]}']
    put(resque, *same * 600, *ours("a", "b", "c"), *same * 600)
    one = Taker(resque)
    assert one.take() == ours("a")[0]
    resque.link.execute("LTRIM", "resque:queue:q", 100, -1)
    found = [one.take(), one.take()]
    one.now = FULL_LOOK_SECONDS + 1
    found += [one.take(), one.take()]
    assert [raw for raw in found if raw] == ours("b", "c")


def test_a_job_that_was_put_back_beneath_another_one_is_found_at_once(resque):
    """Workers of several kinds that leave together put their jobs back at the head, one upon the other."""
    add_echo(resque)
    put(resque, *foreign(FORMS["as Ruby writes it"], range(500)), *ours("behind"))
    one = Taker(resque)
    assert one.take() == ours("behind")[0]
    resque.link.execute("LPUSH", "resque:queue:q", *ours("back"), *foreign(FORMS["with blanks"], range(5)))
    assert one.take() == ours("back")[0]


@pytest.mark.parametrize(
    "form",
    [
        '{"class":"Echo","args":[%d],"class":"UnknownJobs"}',
        '{"class":"Echo","class":"UnknownJobs","args":[%d]}',
        '{"class":"Echo","args":[%d],"cl\\u0061ss":"UnknownJobs"}',
        '{"class":"ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper",'
        '"args":[{"job_class":"Hello","arguments":[%d],"job_class":"UnknownJobs"}]}',
        '{"class":"ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper",'
        '"args":[{"job_class":"Hello","arguments":[%d]}],"args":[{"job_class":"UnknownJobs"}]}',
    ],
)
@pytest.mark.parametrize("before", [0, 14, 15, 199, 200, 230])
def test_what_only_seems_to_be_ours_is_passed_once(resque, form, before):
    """It begins with a class that is known, and has another one further on, which counts: it is left."""
    add_echo(resque)
    active_job.job("Hello", queue="q", registry=resque.registry)(lambda *args: None)
    others = foreign('{"class":"UnknownJobs","args":[%d]}', range(before)) + foreign(form, range(3))
    put(resque, *others, *ours("a"), *foreign(form, range(3, 6)), *ours("b"))
    one = Taker(resque)
    assert [one.take() for _ in range(3)] == [*ours("a", "b"), None]
    assert elements(resque, "q") == [*others, *foreign(form, range(3, 6))]


@pytest.mark.parametrize("before", [0, 14, 199, 200, 230])
@pytest.mark.parametrize("alike", [1, 5, 27, 40, 600])
def test_what_is_alike_is_looked_through_to_its_end(resque, before, alike):
    """Elements that only the caller can judge, between others and many times the same."""
    add_echo(resque)
    same = b'{"class":"Other","args":[{"class":"Echo"}]}'
    seems = b'{"class":"Echo","args":[],"class":"Other"}'
    left = [*foreign('{"class":"UnknownJobs","args":[%d]}', range(before)), same, seems, *([same] * alike)]
    put(resque, *left, *ours("a"), *left, *ours("b"), *left)
    one = Taker(resque)
    assert [one.take() for _ in range(3)] == [*ours("a", "b"), None]
    assert elements(resque, "q") == [*left, *left, *left]


def test_new_classes_are_looked_for_in_what_was_left(resque):
    """What was left to others is looked at again when the worker knows another class."""
    add_echo(resque)
    put(resque, *foreign(FORMS["as Ruby writes it"], range(500)), *ours("behind"))
    one = Taker(resque)
    one.take()

    @job(queue="q", name="UnknownJobs", registry=resque.registry)
    def another(number: int) -> None: ...

    assert one.take() == foreign(FORMS["as Ruby writes it"], [0])[0]


def test_the_places_of_an_async_worker_look_once(resque):
    """Workers that share their process share what they have seen."""
    add_echo(resque)
    put(resque, *foreign(FORMS["with blanks"], range(3000)), *ours("a", "b"))
    one = Taker(resque)
    one.take()
    another = Taker(resque, 2, foreign=one.foreign)
    reads(resque)
    assert another.take() == ours("b")[0]
    assert reads(resque) < 30


def test_a_full_redis_lets_jobs_be_taken_from_the_midst(resque):
    """Taking a job needs no memory, wherever it stands."""
    add_echo(resque)
    put(
        resque,
        *foreign(FORMS["as Ruby writes it"], range(500)),
        *ours("a", "b", form='{"class": "Echo", "args": ["%s"]}'),
    )
    put(resque, *ours("c", "a"))
    one = Taker(resque)
    resque.link.execute("CONFIG", "SET", "maxmemory", 1)
    try:
        run = one.reserver.next()
    finally:
        resque.link.execute("CONFIG", "SET", "maxmemory", 0)
    assert run.payload.raw == b'{"class": "Echo", "args": ["a"]}'
    assert elements(resque)[500:] == [b'{"class": "Echo", "args": ["b"]}', *ours("c", "a")]


def test_a_job_goes_from_its_own_place(resque):
    """Of equal jobs the first goes, also where the end of the queue is nearer: the rest keeps its order."""
    add_echo(resque)
    others = foreign(FORMS["as Ruby writes it"], range(500))
    put(resque, *others, *ours("a", "b", "a", "c", "a"))
    one = Taker(resque)
    assert one.take() == ours("a")[0]
    assert elements(resque) == [*others, *ours("b", "a", "c", "a")]


@pytest.mark.parametrize("blank", ["", " "], ids=["as Ruby writes it", "with blanks"])
@pytest.mark.parametrize("size", [20_000, 2_000_000])
def test_large_jobs_are_read_one_by_one(resque, size, blank):
    """To take jobs, Redis sends not much more than these jobs."""
    add_echo(resque)
    text = "x" * size
    raws = [f'{{"class":{blank}"Echo","args":{blank}["{n}","{text}"]}}'.encode() for n in range(6)]
    put(resque, *raws)
    one = Taker(resque)

    def sent():
        text = resque.link.execute("INFO", "stats").decode()
        return int(text.partition("total_net_output_bytes:")[2].split()[0])

    before = sent()
    assert [one.take() for _ in raws] == raws
    assert sent() - before < 1.3 * sum(map(len, raws))


def test_windows_are_bounded_in_bytes(resque):
    """Large foreign jobs of an unusual form are judged few at a time, however many small ones were before."""
    add_echo(resque)
    small, large = foreign(FORMS["with blanks"], range(300)), foreign(FORMS["large"], range(300))
    put(resque, *small, *large, *ours("behind"))
    one, sizes = Taker(resque), []
    judge = one.reserver._look

    def look(queue, answer):
        sizes.append(sum(map(len, answer.elements)))
        return judge(queue, answer)

    one.reserver._look = look
    assert one.take() == ours("behind")[0]
    assert 20_000 < max(sizes) < 150_000


def test_a_long_look_is_made_in_pieces(resque, bench, monkeypatch):
    """Between them the worker listens; it does not take a look that is not over for an empty queue."""
    add_echo(resque)
    monkeypatch.setattr(reserver, "SLICE", 0.0)
    put(resque, *foreign(FORMS["with blanks"], range(3000)), *ours("behind"))
    one = Taker(resque)
    assert one.reserver.next() is None
    assert one.reserver.unfinished
    bench.burst()
    assert seen(resque) == ['["behind"]']


def test_a_long_look_of_an_async_worker_is_made_in_pieces(resque, monkeypatch):
    """The same on an event loop."""
    monkeypatch.setattr(reserver, "SLICE", 0.0)

    @job(queue="q", name="Echo", registry=resque.registry)
    async def echo(*args) -> None:
        note(resque, json.dumps(args))

    put(resque, *foreign(FORMS["with blanks"], range(3000)), *ours("behind", "more"))
    AsyncWorker(resque, ["q"], 2, WorkerOptions()).work(0)
    assert sorted(seen(resque)) == ['["behind"]', '["more"]']


def test_many_queues_are_looked_at_piece_by_piece(resque):
    """Their order counts, and the last one is seen; no script is given all of them."""
    add_echo(resque)
    names = [f"q{n:04}" for n in range(2 * PIECE + 10)]
    for name in (names[-1], names[PIECE], names[3]):
        put(resque, *ours(name), queue=name)
    put(resque, *foreign(FORMS["with blanks"], range(300)), *ours("behind"), queue=names[-2])
    one = Taker(resque, queues=names)
    assert len(one.reserver.search().words((PIECE, 0))[0]) < 2 * PIECE + 10
    wanted = ours(names[3], names[PIECE], "behind", names[-1])
    assert [one.take() for _ in wanted] == wanted
    assert one.take() is None


def test_many_queues_of_a_pattern_are_looked_at_piece_by_piece(resque):
    """The same where the queues come from a pattern, and one comes while the worker looks."""
    add_echo(resque)
    for n in range(PIECE + 10):
        resque.link.execute("SADD", "resque:queues", f"q{n:04}")
    put(resque, *ours("last"), queue="q9999")
    one = Taker(resque, queues=["*"])
    assert one.take() == ours("last")[0]
    put(resque, *ours("new"), queue="new")
    assert one.take() == ours("new")[0]
    assert one.take() is None


def told(caplog):
    """What the log says of classes that are left."""
    return [one.getMessage() for one in caplog.records if "left to other workers" in one.getMessage()]


@pytest.mark.parametrize(
    "form", [one for name, one in FORMS.items() if name != "a name with a dash"], ids=lambda one: one[:30]
)
def test_a_class_that_is_left_is_told_once(resque, form, caplog):
    """With its queue, for it may be meant for this worker; that costs no command more."""
    caplog.set_level("INFO")
    add_echo(resque)
    put(resque, *foreign(form, range(300)), *ours("a"))
    taker = Taker(resque)
    assert taker.take() == ours("a")[0]
    before = reads(resque)
    assert taker.take() is None
    (line,) = told(caplog)
    assert "jobs of class UnknownJobs on queue q" in line
    assert reads(resque) <= max(before, 3)


def test_who_is_told_of_a_class_learns_what_it_may_be(resque, caplog):
    """Its name is nearly that of a job; or it comes as an Active Job and is registered as none."""
    caplog.set_level("INFO")
    job(queue="q", name="Users::WelcomeMailJob", registry=resque.registry)(lambda: None)
    put(resque, b'{"class":"Users::WelcomMailJob","args":[]}', *foreign(FORMS["an Active Job"], [1]))
    wrapped = FORMS["an Active Job"].replace("UnknownJobs", "Users::WelcomeMailJob")
    put(resque, *foreign(wrapped, [1, 2]))
    assert Taker(resque).take() is None
    typo, active, plain = told(caplog)
    assert "Users::WelcomMailJob on queue q" in typo
    assert typo.endswith("this one has no job of that name; it has Users::WelcomeMailJob")
    assert active.endswith("this one has no Active Job of that name")
    assert "Users::WelcomeMailJob on queue q" in plain
    assert "@active_job.job" in plain


def test_the_log_does_not_grow_with_the_classes_of_others(resque, caplog):
    """However many there are, and however long their names."""
    caplog.set_level("INFO")
    add_echo(resque)
    put(resque, *(f'{{"class":"C{number}","args":[]}}'.encode() for number in range(3000)))
    put(resque, b'{"class":"%b","args":[]}' % (b"x" * 10_000), *ours("a"))
    taker = Taker(resque)
    assert taker.take() == ours("a")[0]
    for _ in range(30):
        taker.now += FULL_LOOK_SECONDS + 1
        assert taker.take() is None
    assert 50 <= len(told(caplog)) <= 1000
    assert all(len(line) < 1000 for line in told(caplog))


def test_the_log_does_not_tell_twice(resque, caplog):
    """An async worker has named at its start the jobs that are there, but not `async def`."""
    caplog.set_level("INFO")
    add_echo(resque)
    put(resque, *ours("a"), *foreign(FORMS["as Ruby writes it"], [1]))
    known, resque.registry = resque.registry, Registry()
    assert Taker(resque, foreign=UnknownJobs(told=known.names())).take() is None
    (line,) = told(caplog)
    assert "jobs of class UnknownJobs" in line
