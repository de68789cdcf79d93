"""The client: what its verbs leave in Redis, byte for byte, and what they find there of other writers."""

import json
import threading
from dataclasses import replace

import pytest
import redis

from pyresque import Resque, job
from pyresque.config.env import environment
from pyresque.errors import (
    ConfigError,
    MalformedPayload,
    NoClassError,
    NoQueueError,
    NotAJob,
    RedisReplied,
    RedisUnavailable,
    Unencodable,
    WrongArguments,
)
from pyresque.failure import RedisMultiQueue
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry
from tests.redis.bench import eventually


def add_convert(resque):
    """Register the job of most tests."""

    @job(queue="images", name="ImageConversionJob", registry=resque.registry)
    def convert(image_id: int, fmt: str = "png") -> None: ...

    return convert


def hooked(resque, *, before=None, after=None):
    """Register a class with enqueue and dequeue hooks; returns it and the list of their calls."""
    seen = []

    @job(queue="q", name="Hooked", registry=resque.registry)
    class Hooked:
        @staticmethod
        def perform(number): ...

        @staticmethod
        def before_enqueue_a(number):
            seen.append(("before_enqueue_a", number, resque.size("q")))
            return before

        @staticmethod
        def before_enqueue_b(number):
            seen.append(("before_enqueue_b", number, resque.size("q")))

        @staticmethod
        def after_enqueue(number):
            seen.append(("after_enqueue", number, resque.size("q")))
            return after

        @staticmethod
        def before_dequeue_a(number=None):
            seen.append(("before_dequeue_a", number, resque.size("q")))
            return before

        @staticmethod
        def before_dequeue_b(number=None):
            seen.append(("before_dequeue_b", number, resque.size("q")))

        @staticmethod
        def after_dequeue(number=None):
            seen.append(("after_dequeue", number, resque.size("q")))

    return Hooked, seen


def elements(resque, queue="q"):
    return resque.link.execute("LRANGE", f"resque:queue:{queue}", 0, -1)


def put(resque, *raws, queue="q"):
    resque.link.execute("RPUSH", f"resque:queue:{queue}", *raws)
    resque.link.execute("SADD", "resque:queues", queue)


def keys(resque):
    return sorted(resque.link.execute("KEYS", "*"))


# --- enqueue ---------------------------------------------------------------------------------------


def test_enqueue_writes_the_bytes_and_keys_of_ruby(resque):
    """A job is RPUSHed as compact JSON onto queue:Q, and Q is made known; no other key is left."""
    convert = add_convert(resque)
    assert resque.enqueue(convert, 42) is True
    assert resque.enqueue(convert, 43, fmt="wébp") is True
    assert elements(resque, "images") == [
        b'{"class":"ImageConversionJob","args":[42]}',
        '{"class":"ImageConversionJob","args":[43,"wébp"]}'.encode(),
    ]
    assert resque.link.execute("SMEMBERS", "resque:queues") == [b"images"]
    assert keys(resque) == [b"resque:queue:images", b"resque:queues"]


def test_keywords_become_positions_with_the_defaults_between_them(resque):
    """A default in front of a keyword is written out, for a list of arguments has no gaps."""

    @job(queue="q", name="J", registry=resque.registry)
    def three(a: int, b: int = 2, c: int = 3) -> None: ...

    resque.enqueue(three, 1, c=9)
    resque.enqueue(three, a=7)
    assert [json.loads(raw)["args"] for raw in elements(resque)] == [[1, 2, 9], [7, 2, 3]]


def test_enqueue_of_a_name_needs_a_queue(resque):
    """A class that only Ruby knows is enqueued by its name and queue=; without a queue nothing is sent."""
    assert resque.enqueue("Reports::Monthly", 2026, 11, queue="reports") is True
    assert elements(resque, "reports") == [b'{"class":"Reports::Monthly","args":[2026,11]}']
    with pytest.raises(NoQueueError, match=r"No queue could be inferred for class Reports::Monthly"):
        resque.enqueue("Reports::Monthly", 2026)
    with pytest.raises(NotAJob, match="by position, not year="):
        resque.enqueue("Reports::Monthly", queue="reports", year=1)
    with pytest.raises(NoClassError, match=r"Jobs must be given a class\."):
        resque.enqueue("", queue="reports")
    assert resque.size("reports") == 1


def test_enqueue_refuses_what_is_no_job(resque):
    """A function without @job, and a registered one without a queue, are refused with a way out."""
    with pytest.raises(NotAJob, match="register it with @job"):
        resque.enqueue(len, 1)

    @job(name="Nowhere", registry=resque.registry)
    def nowhere() -> None: ...

    with pytest.raises(NoQueueError, match="Nowhere"):
        resque.enqueue(nowhere)
    assert resque.enqueue_to("somewhere", nowhere) is True
    assert keys(resque) == [b"resque:queue:somewhere", b"resque:queues"]


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), {1: 2}, "\ud800", b"x", {1, 2}, object(), [10**4300]]
)
def test_enqueue_sends_nothing_that_ruby_could_not_read(resque, value):
    """An argument that JSON or a Ruby worker cannot hold is refused, and nothing is in Redis."""
    with pytest.raises(Unencodable, match=r"^args\[1\]"):
        resque.enqueue("X", 1, value, queue="q")
    assert keys(resque) == []


def test_nesting_is_allowed_as_deep_as_a_ruby_worker_reads(resque):
    """99 levels in the whole payload (97 lists in the list of arguments) are sent, 100 are refused."""
    value = 1
    for _ in range(97):
        value = [value]
    assert resque.enqueue("X", value, queue="q") is True
    with pytest.raises(Unencodable):
        resque.enqueue("X", [value], queue="q")
    assert resque.size("q") == 1


def test_wrong_arguments_are_refused_at_enqueue(resque):
    """A call that the function could not take raises in the caller and sends nothing."""
    convert = add_convert(resque)
    for args, kwargs in [((), {}), ((1, "a", 2), {}), ((1,), {"size": 2}), ((1,), {"image_id": 1})]:
        with pytest.raises(WrongArguments, match="ImageConversionJob"):
            resque.enqueue(convert, *args, **kwargs)
    assert keys(resque) == []


def test_enqueue_to_chooses_another_queue(resque):
    """enqueue_to, and queue= of a registered job, put it elsewhere than its own queue."""
    convert = add_convert(resque)
    assert resque.enqueue_to("urgent", convert, 1) is True
    assert resque.enqueue_to("urgent", "Only::Ruby", 2) is True
    assert elements(resque, "urgent") == [
        b'{"class":"ImageConversionJob","args":[1]}', b'{"class":"Only::Ruby","args":[2]}',
    ]  # fmt: skip
    assert resque.queues() == ["urgent"]


def test_a_parameter_named_queue_stays_a_parameter(resque):
    """queue= of a job whose function has such a parameter is its argument, not the queue."""

    @job(queue="q", name="J", registry=resque.registry)
    def purge(queue: str) -> None: ...

    resque.enqueue(purge, queue="old")
    assert elements(resque) == [b'{"class":"J","args":["old"]}']


def test_enqueue_to_wins_over_a_parameter_named_queue(resque):
    """enqueue_to puts a job on the queue of its first argument, whatever its function's parameters are."""

    @job(queue="q", name="J", registry=resque.registry)
    def purge(queue: str) -> None: ...

    resque.enqueue_to("elsewhere", purge, "old")
    assert resque.enqueue_many([(purge, "older")], queue="elsewhere") == 1
    assert elements(resque, "elsewhere") == [
        b'{"class":"J","args":["old"]}',
        b'{"class":"J","args":["older"]}',
    ]


def test_the_json_style_is_the_one_asked_for(server, resque):
    """json_style="rails" escapes as ActiveSupport does, "ruby-json2.10" writes floats as json 2.10."""
    other = Resque(server.url, json_style="rails")
    other.enqueue("X", "<&>", queue="q")
    older = Resque(server.url, json_style="ruby-json2.10")
    older.enqueue("X", 1e-5, 1e20, queue="q")
    resque.enqueue("X", 1e-5, 1e20, queue="q")
    assert elements(resque) == [
        rb'{"class":"X","args":["\u003c\u0026\u003e"]}',
        b'{"class":"X","args":[1.0e-05,1.0e+20]}',
        b'{"class":"X","args":[0.00001,1e+20]}',
    ]
    other.close()
    older.close()


def test_enqueue_on_a_key_of_another_type_changes_nothing(resque):
    """Where queue:Q is not a list the caller gets the error, and the queue is not made known."""
    resque.link.execute("SET", "resque:queue:q", "x")
    with pytest.raises(RedisReplied, match="WRONGTYPE"):
        resque.enqueue("X", queue="q")
    assert keys(resque) == [b"resque:queue:q"]


def test_enqueue_many_is_one_batch_in_order(resque):
    """Every job lands on its own queue in the given order; the answer is their number."""
    convert = add_convert(resque)
    pushed = resque.enqueue_many([(convert, 1), (convert, 2, "gif"), (convert, 3)])
    assert pushed == 3
    assert [json.loads(raw)["args"] for raw in elements(resque, "images")] == [[1], [2, "gif"], [3]]
    assert resque.enqueue_many([("A", 1), (convert, 2)], queue="mixed") == 2
    assert [json.loads(raw)["class"] for raw in elements(resque, "mixed")] == ["A", "ImageConversionJob"]
    assert resque.enqueue_many([]) == 0
    assert keys(resque) == [b"resque:queue:images", b"resque:queue:mixed", b"resque:queues"]


def test_enqueue_many_sends_nothing_if_one_is_wrong(resque):
    """One wrong job in a batch: an error, and nothing of the batch is in Redis."""
    convert = add_convert(resque)
    with pytest.raises(WrongArguments):
        resque.enqueue_many([(convert, 1), (convert,)])
    with pytest.raises(NoQueueError):
        resque.enqueue_many([(convert, 1), ("A", 1)])
    assert keys(resque) == []


@pytest.mark.parametrize("one", [len, "A", ()])
def test_enqueue_many_wants_a_sequence_for_each_job(resque, one):
    """A job alone, or an empty sequence, is told from (job, argument, ...)."""
    with pytest.raises(NotAJob, match="takes a sequence for each job"):
        resque.enqueue_many([("A", 1), one], queue="q")
    assert keys(resque) == []


@pytest.mark.parametrize("queue", [5, b"q", ["q"]])
def test_a_queue_is_a_name(resque, queue):
    """Anything else would be written as a key that no worker looks at."""
    with pytest.raises(NoQueueError, match="is not a queue"):
        resque.enqueue("A", queue=queue)
    with pytest.raises(NoQueueError, match="is not a queue"):
        resque.enqueue_to(queue, "A")
    assert keys(resque) == []


def test_enqueue_many_takes_large_batches(resque):
    """More jobs than one script takes arrive complete and in order."""
    assert resque.enqueue_many((("A", n) for n in range(25_001)), queue="big") == 25_001
    assert [json.loads(raw)["args"][0] for raw in elements(resque, "big")] == list(range(25_001))


# --- hooks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [None, 0, True, ""])
def test_enqueue_hooks_run_around_the_push(resque, answer):
    """before_enqueue runs before the push, after_enqueue after it; only exactly False refuses."""
    hooked_class, seen = hooked(resque, before=answer, after=False)
    assert resque.enqueue(hooked_class, 1) is True
    assert seen == [("before_enqueue_a", 1, 0), ("before_enqueue_b", 1, 0), ("after_enqueue", 1, 1)]


def test_false_refuses_but_all_before_hooks_run(resque):
    """Exactly False from any before hook: nothing happens, the answer is None, yet the others have run."""
    hooked_class, seen = hooked(resque, before=False)
    put(resque, b'{"class":"Hooked","args":[1]}')
    assert resque.enqueue(hooked_class, 1) is None
    assert resque.enqueue_many([(hooked_class, 1)]) == 0
    assert resque.dequeue(hooked_class, 1) is None
    assert resque.size("q") == 1
    names = [name for name, *_ in seen]
    assert names == [*["before_enqueue_a", "before_enqueue_b"] * 2, "before_dequeue_a", "before_dequeue_b"]


def test_dequeue_hooks_run_around_the_removal(resque):
    """before_dequeue sees the job in the queue, after_dequeue does not; both get the arguments given."""
    hooked_class, seen = hooked(resque)
    put(resque, b'{"class":"Hooked","args":[1]}', b'{"class":"Hooked","args":[2]}')
    assert resque.dequeue(hooked_class, 1) == 1
    assert resque.dequeue(hooked_class) == 1
    assert seen == [
        ("before_dequeue_a", 1, 2), ("before_dequeue_b", 1, 2), ("after_dequeue", 1, 1),
        ("before_dequeue_a", None, 1), ("before_dequeue_b", None, 1), ("after_dequeue", None, 0),
    ]  # fmt: skip


def test_exceptions_of_enqueue_hooks_go_to_the_caller(resque):
    """A before hook that raises keeps the job out; an after hook that raises leaves it in."""

    @job(queue="q", name="Early", registry=resque.registry)
    class Early:
        def perform(self): ...

        def before_enqueue(self):
            raise LookupError("early")

    @job(queue="q", name="Late", registry=resque.registry)
    class Late:
        def perform(self): ...

        def after_enqueue(self):
            raise LookupError("late")

    with pytest.raises(LookupError, match="early"):
        resque.enqueue(Early)
    with pytest.raises(LookupError, match="late"):
        resque.enqueue(Late)
    assert elements(resque) == [b'{"class":"Late","args":[]}']


# --- dequeue and destroy ---------------------------------------------------------------------------


OTHER_WRITERS = [
    b'{"class":"ImageConversionJob","args":[42,"w\xc3\xa9bp"]}',
    b'{ "class" : "ImageConversionJob", "args" : [ 42, "w\\u00e9bp" ] }',
    b'{"args":[42,"w\xc3\xa9bp"],"class":"ImageConversionJob"}',
    b'{"class":"ImageConversionJob","args":[42,"w\\u00E9bp"],"trace":"x"}',
    b'{"class":"Image\\u0043onversionJob","args":[42,"\\u0077\xc3\xa9bp"]}',
]


def test_dequeue_finds_what_other_writers_wrote(resque):
    """Blanks, key order, escapes and extra keys do not hide a job; equal copies all go, others stay."""
    convert = add_convert(resque)
    others = [
        b'{"class":"ImageConversionJob","args":[42]}',
        b'{"class":"ImageConversionJob","args":[42.0,"w\xc3\xa9bp"]}',
        b'{"class":"ImageConversionJob","args":["42","w\xc3\xa9bp"]}',
        b'{"class":"Other","args":[42,"w\xc3\xa9bp"]}',
        b"not json", b"null", b'"x"', b"\xff", b"",
    ]  # fmt: skip
    mixed = [raw for pair in zip(OTHER_WRITERS, others, strict=False) for raw in pair]
    put(resque, *mixed, *others[len(OTHER_WRITERS) :], OTHER_WRITERS[0], queue="images")
    assert resque.dequeue(convert, 42, fmt="wébp") == len(OTHER_WRITERS) + 1
    assert elements(resque, "images") == others


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (1e15, [b"1e+15", b"1.0e+15", b"1000000000000000.0"]),
        (1e-5, [b"0.00001", b"1.0e-05", b"1e-5"]),
        (123456789012345678.0, [b"1.2345678901234568e+17", b"123456789012345680.0"]),
        (1.5, [b"1.5", b"1.50"]),
        (-0.0, [b"-0.0", b"0.0"]),
    ],
)
def test_dequeue_compares_floats_by_value(resque, number, written):
    """The float forms of json 3, json 2, Oj and JavaScript are one value; an integer is another."""
    put(resque, *(b'{"class":"X","args":[%b]}' % form for form in written), b'{"class":"X","args":[1]}')
    assert resque.dequeue("X", number, queue="q") == len(written)
    assert elements(resque) == [b'{"class":"X","args":[1]}']


def test_bool_null_and_number_are_different_arguments(resque):
    """True is not 1, null is not false, and "1" is not 1."""
    put(resque, *(b'{"class":"X","args":[%b]}' % one for one in (b"true", b"1", b"null", b"false", b'"1"')))
    assert resque.dequeue("X", True, queue="q") == 1
    assert resque.dequeue("X", None, queue="q") == 1
    assert [json.loads(raw)["args"] for raw in elements(resque)] == [[1], [False], ["1"]]


def test_dequeue_without_arguments_takes_every_job_of_the_class(resque):
    """Whatever the arguments are; elements that are not jobs do not stop it (in Ruby they do)."""
    convert = add_convert(resque)
    put(resque, b"null", b"oops", *OTHER_WRITERS, b'{"class":"Other","args":[]}', queue="images")
    put(resque, b'{"class":"ImageConversionJob"}', queue="images")
    assert resque.dequeue(convert) == len(OTHER_WRITERS) + 1
    assert elements(resque, "images") == [b"null", b"oops", b'{"class":"Other","args":[]}']


def test_dequeue_with_a_queue_and_by_name(resque):
    """A name needs queue=; queue= of a registered job looks elsewhere; nothing found is 0."""
    convert = add_convert(resque)
    put(resque, b'{"class":"ImageConversionJob","args":[1]}', queue="urgent")
    assert resque.dequeue(convert, 1) == 0
    assert resque.dequeue(convert, 1, queue="urgent") == 1
    put(resque, b'{"class":"Only::Ruby","args":[]}')
    assert resque.dequeue("Only::Ruby", queue="q") == 1
    with pytest.raises(NoQueueError):
        resque.dequeue("Only::Ruby")
    with pytest.raises(NotAJob):
        resque.dequeue(print)


def test_dequeue_finds_a_job_whose_defaults_were_left_out(resque):
    """What enqueue wrote for a call, dequeue finds with the same call."""
    convert = add_convert(resque)
    for args, kwargs in [((1,), {}), ((2,), {"fmt": "gif"}), ((), {"image_id": 3})]:
        resque.enqueue(convert, *args, **kwargs)
        assert resque.dequeue(convert, *args, **kwargs) == 1


def test_destroy_runs_no_hooks(resque):
    """destroy removes by names only and calls no hook; with arguments only these."""
    _, seen = hooked(resque)
    put(resque, b'{"class":"Hooked","args":[1]}', b'{"class":"Hooked","args":[2]}')
    assert resque.destroy("q", "Hooked", 2) == 1
    assert resque.destroy("q", "Hooked") == 1
    assert seen == []


# --- pop, peek, sizes ------------------------------------------------------------------------------


def test_pop_takes_the_head(resque):
    """pop returns the decoded head and removes it, one of equal elements only; None when empty."""
    put(resque, b'{"class":"A","args":[1]}', b'{"x":1,"args":[],"class":"B"}', b'{"class":"A","args":[1]}')
    assert resque.pop("q") == {"class": "A", "args": [1]}
    assert elements(resque) == [b'{"x":1,"args":[],"class":"B"}', b'{"class":"A","args":[1]}']
    assert resque.pop("q") == {"x": 1, "args": [], "class": "B"}
    assert resque.pop("q") == {"class": "A", "args": [1]}
    assert resque.pop("q") is None
    assert resque.pop("never") is None


@pytest.mark.parametrize("raw", [b"oops", b"null", b"", b"[1]", b"\xff"])
def test_pop_leaves_what_it_cannot_read(resque, raw):
    """An element that is not a job raises, and stays where it is."""
    put(resque, raw, b'{"class":"A","args":[]}')
    with pytest.raises(MalformedPayload):
        resque.pop("q")
    assert elements(resque)[0] == raw


def test_popping_together_never_gives_a_job_twice(server, resque):
    """Many threads popping one queue get every job once."""
    resque.enqueue_many((("A", n) for n in range(200)), queue="q")
    got = []

    def take():
        while (one := resque.pop("q")) is not None:
            got.append(one["args"][0])

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == list(range(200))


def test_peek_shows_without_taking(resque):
    """A list from start on, empty beyond the end; text for what is not a job; 0, 0 is all, as in Ruby."""
    put(resque, b'{"class":"A","args":[0]}', b'{"class":"A","args":[1]}', b"oops \xff", b"null")
    assert resque.peek("q") == [{"class": "A", "args": [0]}]
    assert resque.peek("q", 1) == [{"class": "A", "args": [1]}]
    assert resque.peek("q", 1, 10) == [{"class": "A", "args": [1]}, r"oops \xff", "null"]
    assert len(resque.peek("q", 0, 0)) == 4
    assert resque.peek("q", 2, 0) == []
    assert resque.peek("q", 4, 10) == []
    assert resque.peek("never", 0, 10) == []
    assert resque.size("q") == 4


def test_sizes_and_samples(resque):
    """queues are sorted by bytes; sizes and samples hold each known queue, empty ones too."""
    put(resque, b'{"class":"A","args":[0]}', b'{"class":"A","args":[1]}', queue="b")
    put(resque, b'{"class":"A","args":[2]}', queue="é")
    resque.link.execute("SADD", "resque:queues", "B", "10", "empty")
    assert resque.queues() == ["10", "B", "b", "empty", "é"]
    assert resque.queue_sizes() == {"10": 0, "B": 0, "b": 2, "empty": 0, "é": 1}
    assert resque.sample_queues(1)["b"] == {"size": 2, "samples": [{"class": "A", "args": [0]}]}
    assert resque.sample_queues()["empty"] == {"size": 0, "samples": []}
    assert resque.sample_queues(0)["b"] == {"size": 2, "samples": []}
    assert (resque.size("b"), resque.size("never")) == (2, 0)


def test_a_queue_key_of_another_type_does_not_spoil_the_lists(resque):
    """sizes, samples and info go on past one queue:Q that is not a list; it counts as empty."""
    put(resque, b'{"class":"A","args":[0]}')
    resque.link.execute("SADD", "resque:queues", "odd")
    resque.link.execute("SET", "resque:queue:odd", "x")
    assert resque.queue_sizes() == {"odd": 0, "q": 1}
    assert resque.sample_queues()["odd"] == {"size": 0, "samples": []}
    assert resque.info()["pending"] == 1


def test_remove_queue(resque):
    """The queue and its name go; the answer says whether it was known."""
    put(resque, b'{"class":"A","args":[0]}')
    assert resque.remove_queue("q") is True
    assert resque.remove_queue("q") is False
    assert keys(resque) == []


def test_queue_names_of_any_text(resque):
    """Names with colons, blanks, quotes, unicode and the empty name are names like others."""
    names = ["a:b", " ", 'q"x', "käse", ""]
    for name in names:
        resque.enqueue("A", queue=name)
    assert resque.queues() == sorted(names, key=str.encode)
    assert resque.queue_sizes() == dict.fromkeys(resque.queues(), 1)


def test_push_puts_an_object_as_it_is(resque):
    """push keeps key order and extra keys, runs no hooks, and takes only what could be a job."""
    resque.push("q", {"x": 1, "class": "A", "args": [1]})
    assert elements(resque) == [b'{"x":1,"class":"A","args":[1]}']
    for item in ({"args": []}, [1], None, "A", {"class": None}):
        with pytest.raises(NotAJob):
            resque.push("q", item)
    assert resque.size("q") == 1


# --- info and workers ------------------------------------------------------------------------------


def test_info_is_ruby_s(resque, server):
    """The entries of Ruby's Resque.info, in its order, over what Ruby processes have written."""
    put(resque, b'{"class":"A","args":[0]}', b'{"class":"A","args":[1]}')
    resque.link.execute("SADD", "resque:queues", "empty")
    resque.link.execute("SET", "resque:stat:processed", "12")
    resque.link.execute("SADD", "resque:workers", "h:1:q", "h:2:*")
    resque.link.execute("SET", "resque:worker:h:1:q", '{"queue":"q","run_at":"x","payload":{}}')
    resque.link.execute("RPUSH", "resque:failed", "{}", "{}", "{}")
    info = resque.info()
    assert list(info.items()) == [
        ("pending", 2), ("processed", 12), ("queues", 2), ("workers", 2), ("working", 1), ("failed", 3),
        ("servers", [f"redis://127.0.0.1:{server.port}"]), ("environment", environment()),
    ]  # fmt: skip


def test_info_of_an_empty_redis(resque):
    """All numbers are 0 and nothing is written."""
    info = resque.info()
    assert [info[key] for key in ("pending", "processed", "queues", "workers", "working", "failed")] == [
        0
    ] * 6
    assert resque.workers() == resque.working() == resque.queues() == []
    assert resque.queue_sizes() == resque.sample_queues() == {}
    assert keys(resque) == []


def test_workers_of_ruby_are_shown(resque):
    """Everything about a Ruby worker: its parts, state, job, times and counters."""
    busy, idle = "app1.example:12:mail,käse:x", "app2:34:*"
    resque.link.execute("SADD", "resque:workers", idle, busy)
    record = b'{"queue":"mail","run_at":"2026-11-23T18:07:34Z","payload":{"class":"Mail","args":[1],"x":2}}'
    resque.link.execute("SET", f"resque:worker:{busy}", record)
    resque.link.execute("SET", f"resque:worker:{busy}:started", "2026-11-23 19:07:34 +0100")
    resque.link.execute("HSET", "resque:workers:heartbeat", busy, "2026-11-23T19:07:34+01:00")
    resque.link.execute("SET", f"resque:stat:processed:{busy}", "7")
    resque.link.execute("SET", f"resque:stat:failed:{busy}", "2")
    first, second = resque.workers()
    assert (first.id, first.host, first.pid, first.queues) == (busy, "app1.example", "12", ["mail", "käse:x"])
    assert (first.state, first.processed, first.failed) == ("working", 7, 2)
    assert (first.started, first.heartbeat) == ("2026-11-23 19:07:34 +0100", "2026-11-23T19:07:34+01:00")
    assert first.working is not None
    assert (first.working.queue, first.working.run_at) == ("mail", "2026-11-23T18:07:34Z")
    assert first.working.payload == {"class": "Mail", "args": [1], "x": 2}
    assert (second.id, second.state, second.started, second.heartbeat) == (idle, "idle", "", "")
    assert resque.working() == [first]


@pytest.mark.parametrize("record", [b"oops", b"null", b"{}", b"[]", b'{"payload":"x"}', b'{"payload":1e999}'])
def test_odd_working_records_do_not_stop_the_lists(resque, record):
    """Whatever stands in worker:ID and in `workers`, the lists and info go on."""
    resque.link.execute("SADD", "resque:workers", "h:1:q", "odd", "")
    resque.link.execute("SET", "resque:worker:h:1:q", record)
    resque.link.execute("SET", "resque:stat:processed:h:1:q", "many")
    assert [one.id for one in resque.working()] == ["h:1:q"]
    assert [(one.id, one.pid, one.queues) for one in resque.workers()] == [
        ("", "", [""]), ("h:1:q", "1", ["q"]), ("odd", "", [""]),
    ]  # fmt: skip
    assert resque.info()["working"] == 1


def test_stats(resque):
    """A counter that is missing or no number reads as 0."""
    resque.link.execute("SET", "resque:stat:failed", "x")
    resque.link.execute("SET", "resque:stat:processed", "-3")
    assert [resque.stat(name) for name in ("processed", "failed", "processed:h:1:q")] == [-3, 0, 0]


# --- connections -----------------------------------------------------------------------------------


def test_namespaces_are_apart(server, resque):
    """Each namespace is a Resque of its own; the prefix is on keys, never inside values."""
    app = Resque(server.url, namespace="app:one")
    app.enqueue("A", queue="q")
    assert keys(resque) == [b"app:one:queue:q", b"app:one:queues"]
    assert resque.link.execute("SMEMBERS", "app:one:queues") == [b"q"]
    assert resque.queues() == []
    app.close()


@pytest.mark.parametrize(
    ("text", "prefix"), [("", "resque:"), ("/app", "app:"), ("/a/b", "a/b:"), ("/", ":")]
)
def test_the_server_setting_names_a_namespace(proxy, resque, text, prefix):
    """`host:port/app` is namespace app, as in Ruby; a namespace argument wins over it."""
    there = Resque(f"localhost:{proxy.port}{text}", registry=resque.registry)
    there.enqueue("A", queue="q")
    other = Resque(f"localhost:{proxy.port}:0{text}", namespace="mine")
    other.enqueue("A", queue="q")
    there.close()
    other.close()
    proxy.drain()
    expected = [f"{prefix}queue:q", f"{prefix}queues", "mine:queue:q", "mine:queues"]
    assert eventually(lambda: keys(resque) == sorted(key.encode() for key in expected))


@pytest.mark.parametrize("decode_responses", [False, True])
@pytest.mark.parametrize("protocol", [2, 3])
def test_a_client_object_is_taken(server, resque, decode_responses, protocol):
    """A redis.Redis of the user's serves with any options of its own, and stays usable."""
    client = redis.Redis.from_url(server.url, decode_responses=decode_responses, protocol=protocol)
    there = Resque(client, namespace="resque", registry=resque.registry)
    convert = add_convert(there)
    there.enqueue(convert, 42, fmt="wébp")
    assert there.peek("images") == [{"class": "ImageConversionJob", "args": [42, "wébp"]}]
    assert there.queues() == ["images"]
    assert there.workers() == []
    assert there.dequeue(convert, 42, "wébp") == 1
    client.set("k", "v")
    assert client.get("k") == ("v" if decode_responses else b"v")
    there.close()
    client.close()


def test_a_client_object_keeps_its_database(server, resque):
    """The database of the client's connections is the one that is used."""
    client = redis.Redis.from_url(f"{server.url.removesuffix('/0')}/3")
    there = Resque(client)
    there.enqueue("A", queue="q")
    assert sorted(client.keys()) == [b"resque:queue:q", b"resque:queues"]
    assert keys(resque) == []
    there.close()
    client.close()


def test_a_multi_queue_backend_reaches_the_failures(server, resque):
    """With RedisMultiQueue the failure API works on Q_failed."""
    there = Resque(server.url, failure=RedisMultiQueue(), registry=resque.registry)
    assert there.failures.requeue_queue("q") == 0
    assert resque.link.execute("SMEMBERS", "resque:failed_queues") == [b"q_failed"]
    there.close()


@pytest.mark.parametrize("failure", [RedisMultiQueue, 5])
def test_what_is_no_backend_is_told(failure):
    """A worker would end at the first job that fails."""
    with pytest.raises(ConfigError, match="is not a failure backend"):
        Resque(failure=failure)


@pytest.mark.parametrize("server", [None, 6379])
def test_what_is_no_server_is_told(server):
    """None is what `os.environ.get("REDIS_URL")` gives where nothing is set."""
    with pytest.raises(ConfigError, match="is not a Redis server: give a URL"):
        Resque(server)


@pytest.mark.parametrize(
    "text", ["", "::", "redis://h:1/app", "valkey://h", "h:port", "h:1:x", "redis://h:99999"]
)
def test_a_wrong_server_setting_is_told(text):
    """A setting that no Resque could read is a ConfigError that shows the forms."""
    with pytest.raises(ConfigError):
        Resque(text)


def test_an_unreachable_server_is_told(resque):
    """After its patience the client says where Redis should be, and that nothing was done."""
    away = Resque("redis://127.0.0.1:1/0")
    away.space = replace(away.space, link=type(away.space.link)(away.link, pauses=()))  # type: ignore[call-arg]
    with pytest.raises(RedisUnavailable, match=r"127\.0\.0\.1:1 cannot be reached") as caught:
        away.enqueue("A", queue="q")
    assert caught.value.maybe_done is False


def test_no_token_is_left_behind(resque):
    """The keys by which scripts recognise a repetition are gone when the calls have returned."""
    convert = add_convert(resque)
    resque.enqueue(convert, 1)
    resque.enqueue_many([(convert, n) for n in range(5)])
    resque.dequeue(convert, 1)
    resque.pop("images")
    resque.link.execute("RPUSH", "resque:failed", '{"payload":{"class":"A","args":[]},"queue":"q"}')
    [failure] = resque.failures.list()
    resque.failures.requeue(failure)
    resque.failures.clear_retried()
    assert resque.link.execute("KEYS", "*pyresque*") == []


def test_a_registry_of_one_s_own_is_not_the_default(resque):
    """A job of another registry is not a job here."""
    other = Registry(WorkerHooks())

    @job(queue="q", registry=other)
    def elsewhere() -> None: ...

    with pytest.raises(NotAJob):
        resque.enqueue(elsewhere)


def test_repr_names_server_and_namespace_but_no_password(resque):
    """A Resque shows where it works, without credentials."""
    there = Resque("redis://user:secret@example.org:7000/2", namespace="app")
    assert repr(there) == "<Resque example.org:7000 app>"
