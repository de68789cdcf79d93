"""`pyresque failed retry` beside jobs that come by themselves: hands and a Retry never collide."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from pyresque import Resque
from pyresque.cli.json_output import timestamp
from pyresque.client.failures import Failures
from pyresque.errors import NotAJob, RedisRefused
from pyresque.testing.redis_server import DevRedis
from pyresque.wire.joined_arguments import digest
from tests.interop.traces.trace import FOLDER
from tests.redis.cli.test_failed import fail, lines
from tests.unit.cli.program import Program, until

PAYING = """
import os
from pyresque import Retry, job

def paid(*args):
    if not os.path.exists("up"):
        raise ConnectionError("the bank is away")
    with open("paid", "a") as file:
        print(*args, file=file)

@job(queue="pay", name="Pay", retry=Retry(limit=3, backoff=2))
def pay(*args): paid(*args)

@job(queue="pay", name="PayNow", retry=Retry(limit=3))
def pay_now(*args): paid(*args)

@job(queue="pay", name="PayMuchLater", retry=Retry(limit=3, backoff=600))
def pay_later(*args): paid(*args)

@job(queue="pay", name="PayBill", retry=Retry(limit=3, backoff=600, identify=lambda args: f"bill {args[0]}"))
def pay_bill(*args): paid(*args)
"""
FUTURE = 4_000_000_000
WRAPPER = "ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper"


class Bank:
    """The jobs above, the real program, and what it has done."""

    def __init__(self, program: Program, resque: Resque) -> None:
        self.program, self.resque = program, resque
        program.jobs(PAYING, "paying.py")

    def fails(self, class_name: str, *args: object, runs: int = 1) -> None:
        """Run a job that fails, so often."""
        self.resque.enqueue(class_name, *args, queue="pay")
        assert self.work(f"--max-jobs={runs}").returncode == 0

    def work(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run a worker until nothing waits any more."""
        return self.program.run("work", "-q", "pay", "-r", "paying", "--burst", *options)

    def failed(self, *words: str, answer: str | None = None) -> subprocess.CompletedProcess[str]:
        """`pyresque failed ...`."""
        return self.program.run("failed", *words, answer=answer)

    def ids(self) -> list[str]:
        """The failures, oldest first."""
        return [one.id for one in self.resque.failures.list()]

    def retried(self) -> list[bool]:
        """Which of them are marked as put back."""
        return [one.text("retried_at") is not None for one in self.resque.failures.list()]

    def comes_back(self) -> None:
        """The bank works again, and a scheduler and a worker run until nothing is delayed or waits."""
        (self.program.folder / "up").touch()
        with self.program.start("scheduler", "-r", "paying", "-q") as scheduler:
            until(lambda: self.resque.count_all_scheduled_jobs() == 0)
            scheduler.terminate()
            scheduler.communicate(timeout=60)
        assert self.work().returncode == 0

    @property
    def paid(self) -> list[str]:
        """What was paid, each time."""
        file = self.program.folder / "paid"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def bank(program: Program, resque: Resque) -> Bank:
    """A bank that is away."""
    return Bank(program, resque)


def delay(resque: Resque, item: bytes | dict[str, Any], second: int = FUTURE) -> None:
    """Delay an item as any program may have written it."""
    raw = item if isinstance(item, bytes) else json.dumps(item, separators=(",", ":")).encode()
    resque.link.execute("RPUSH", f"resque:delayed:{second}", raw)
    resque.link.execute("SADD", b"resque:timestamps:" + raw, f"delayed:{second}")
    resque.link.execute("ZADD", "resque:delayed_queue_schedule", second, second)


def counter(resque: Resque, class_name: str, args: list[Any] | None = None, value: object = 0) -> None:
    """Ruby's counter of a job's attempts."""
    resque.link.execute("SET", resque.space.keys.retry(class_name, digest(args or [])), value)


def states(bank: Bank) -> list[tuple[str, bool] | None]:
    """What `failed list --json` tells of the next attempts."""
    found = [one["next_attempt"] for one in lines(bank.failed("list", "--json"))]
    return [one and (one["state"], one["sure"]) for one in found]


# --- all of them -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        (
            "--all",
            "--yes",
        ),
        ("--queue", "pay", "--yes"),
    ],
)
@pytest.mark.parametrize("known", [(), ("-r", "paying")])
def test_what_comes_by_itself_is_left_alone_and_paid_once(
    bank: Bank, words: tuple[str, ...], known: tuple[str, ...]
) -> None:
    """The failure shows when its next attempt is due; --all and --queue say that they leave it alone."""
    bank.fails("Pay", 1)
    shown = bank.failed("list").stdout
    (one,) = lines(bank.failed("list", "--json"))
    assert [one["next_attempt"]["at"]] == [timestamp(job.at) for job in bank.resque.each_delayed()]
    assert "retry due " in shown
    assert "next attempt  retry due " in bank.failed("show", one["id"]).stdout
    done = bank.failed("retry", *words, *known)
    assert done.returncode == 0
    assert done.stdout.startswith(
        "put 0 jobs back; 1 was left alone: their automatic attempt is still to come"
    )
    assert (bank.retried(), bank.resque.size("pay")) == ([False], 0)
    bank.comes_back()
    assert bank.paid == ["1"]
    assert bank.resque.failures.count() == 1


def test_with_due_lets_it_come_now_instead(bank: Bank) -> None:
    """The delayed attempt goes to its queue, its record is marked: it runs once."""
    bank.fails("PayMuchLater", 1)
    assert bank.failed("retry", "--all", "--yes", "--with-due").stdout == "put 1 job back\n"
    assert (bank.resque.size("pay"), bank.retried()) == (1, [True])
    assert list(bank.resque.each_delayed()) == []
    assert bank.resque.link.execute("KEYS", "resque:[dt]*") == []
    bank.comes_back()
    assert bank.paid == ["1"]
    assert bank.resque.link.execute("KEYS", "resque:resque-retry:*") == []


def test_several_failures_of_one_job_let_it_come_once(bank: Bank) -> None:
    """Each attempt leaves a record; the next attempt is still but one."""
    bank.fails("PayMuchLater", 1)
    bank.resque.enqueue_delayed("PayMuchLater", 1)
    bank.work()
    assert states(bank) == [("delayed", True)] * 2
    done = bank.failed("retry", "--all", "--yes", "--with-due")
    assert (done.returncode, done.stdout) == (
        0, "put 1 job back; 1 was left alone: other failures of the same jobs\n",
    )  # fmt: skip
    assert bank.resque.size("pay") == 1
    assert bank.failed("retry", "--all", "--yes").stdout.startswith("put 0 jobs back")
    bank.comes_back()
    assert bank.paid == ["1"]


def test_an_attempt_that_waits_on_its_queue_is_left_alone(bank: Bank) -> None:
    """Without a backoff the next attempt is on the queue at once; --with-due does not double it either."""
    bank.fails("PayNow", 1)
    assert states(bank) == [("queued", True)]
    assert "retry waits on pay" in bank.failed("list").stdout
    for words in (
        (
            "--all",
            "--yes",
        ),
        ("--all", "--yes", "--with-due"),
        ("--all", "--yes", "--again", "--with-due"),
    ):
        assert "left alone: their automatic attempt waits on a queue" in bank.failed("retry", *words).stdout
    (bank.program.folder / "up").touch()
    bank.work()
    assert bank.paid == ["1"]


def test_an_attempt_that_runs_is_left_alone(bank: Bank) -> None:
    """A worker of either language has taken it."""
    fail(bank.resque, payload={"class": "RubyJob", "args": [1]})
    counter(bank.resque, "RubyJob", [1], 1)
    working = {
        "queue": "images",
        "run_at": "2026-11-24T09:00:01Z",
        "payload": {"class": "RubyJob", "args": [1]},
    }
    bank.resque.link.execute("SADD", "resque:workers", "rubyhost:1:images")
    bank.resque.link.execute("SET", "resque:worker:rubyhost:1:images", json.dumps(working))
    assert "retry runs on rubyhost:1:images" in bank.failed("list").stdout
    assert bank.failed("retry", "--all", "--yes").stdout.startswith("put 0 jobs back; 1 was left alone")
    assert bank.resque.queues() == []


def test_what_does_not_come_by_itself_is_put_back(bank: Bank) -> None:
    """An equal job that is only delayed is another job; a counter without a job was left behind."""
    one, other = {"class": "Plain", "args": [1]}, {"class": "RubyJob", "args": [2]}
    fail(bank.resque, 1, payload=one), fail(bank.resque, 2, payload=other)
    delay(bank.resque, {**one, "queue": "images"})
    counter(bank.resque, "RubyJob", [2])
    counter(bank.resque, "PlainOther", [1])
    assert states(bank) == [None, None]
    assert bank.failed("retry", "--all", "--yes").stdout == "put 2 jobs back\n"
    assert [job.class_name for job in bank.resque.each_delayed()] == ["Plain"]


def test_an_attempt_that_comes_meanwhile_is_not_doubled(bank: Bank) -> None:
    """Between the look and the step a scheduler moves it: nothing is put back, nothing is marked."""
    bank.fails("PayMuchLater", 1)
    (record,) = bank.resque.failures.list()
    attempt = bank.resque.failures.next_attempt(record)
    assert attempt is not None
    bank.resque.enqueue_delayed("PayMuchLater", 1)
    assert not bank.resque.failures.bring_forward(record, attempt)
    assert (bank.resque.size("pay"), bank.retried()) == (1, [False])


def test_of_equal_attempts_each_failure_brings_one_forward(bank: Bank) -> None:
    """Two equal jobs are two: the other stays where it is, and is found by its bytes as before."""
    bank.fails("PayMuchLater", 1)
    (item,) = [one.raw for one in bank.resque.each_delayed()]
    for _ in range(2):
        delay(bank.resque, item)
    bank.resque.remove_found([one for one in bank.resque.each_delayed() if one.at != FUTURE])
    (record,) = bank.resque.failures.list()
    attempt = bank.resque.failures.next_attempt(record)
    assert attempt is not None
    assert bank.resque.failures.bring_forward(record, attempt)
    assert (bank.resque.size("pay"), len(list(bank.resque.each_delayed()))) == (1, 1)
    assert bank.resque.link.execute("SMEMBERS", b"resque:timestamps:" + item) == [b"delayed:%d" % FUTURE]


def test_only_a_delayed_attempt_that_is_known_is_brought_forward(bank: Bank) -> None:
    """Another one might be lost: what waits or runs already, or a job that is only perhaps the same."""
    bank.fails("PayNow", 1), bank.resque.remove_queue("pay"), bank.fails("PayBill", 1)
    bank.resque.enqueue("PayNow", 1, queue="pay")
    for record, attempt in zip(
        bank.resque.failures.list(),
        bank.resque.failures.next_attempts(bank.resque.failures.list()),
        strict=True,
    ):
        assert attempt is not None
        with pytest.raises(NotAJob):
            bank.resque.failures.bring_forward(record, attempt)
    assert (bank.resque.size("pay"), bank.retried()) == (1, [False, False])


# --- by ID -------------------------------------------------------------------------------------------


def test_by_id_there_is_a_question_before_a_job_comes_twice(bank: Bank) -> None:
    """Without an answer, and with a no, it is left alone; with a yes its attempt comes now instead."""
    bank.fails("PayMuchLater", 1)
    (one,) = bank.ids()
    for answer in (None, "", "n\n", "\n"):
        done = bank.failed("retry", one, answer=answer)
        assert done.returncode == 1
        assert "comes by itself at" in done.stderr
        assert "Traceback" not in done.stderr
        assert ("--yes" in done.stderr) == (not answer)
    assert (bank.retried(), bank.resque.size("pay")) == ([False], 0)
    done = bank.failed("retry", one, answer="y\n")
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert "comes now instead" in done.stdout
    bank.comes_back()
    assert bank.paid == ["1"]


@pytest.mark.parametrize("flag", ["--yes", "--with-due"])
def test_by_id_without_a_question(bank: Bank, flag: str) -> None:
    """Who says so beforehand is not asked; a delayed attempt comes once, now."""
    bank.fails("PayMuchLater", 1)
    assert bank.failed("retry", bank.ids()[0], flag).returncode == 0
    assert bank.failed("retry", "--all", "--yes").stdout.startswith(
        "put 0 jobs back; 1 had been put back before and was"
    )
    bank.comes_back()
    assert bank.paid == ["1"]


def test_by_id_a_second_time(bank: Bank) -> None:
    """A failure that was put back is asked about; --again and --yes answer that."""
    one = fail(bank.resque)
    assert bank.failed("retry", one).returncode == 0
    done = bank.failed("retry", one)
    assert (done.returncode, done.stdout) == (1, "")
    assert "was put back before (" in done.stderr
    assert bank.resque.size("images") == 1
    for flag in ("--again", "--yes"):
        assert bank.failed("retry", one, flag).returncode == 0
    assert bank.failed("retry", one, answer="y\n").returncode == 0
    assert bank.resque.size("images") == 4


def test_by_id_twice_in_one_command(bank: Bank) -> None:
    """The same failure named twice is put back once; one question does not hold up the others."""
    one, other, third = (fail(bank.resque, number) for number in (1, 2, 3))
    assert bank.failed("retry", one).returncode == 0
    done = bank.failed("retry", one[:8], other[:8], other, third, "nobody")
    assert done.returncode == 1
    assert done.stdout.count("put back") == 2
    assert bank.resque.size("images") == 3


def test_by_id_of_what_waits_or_runs(bank: Bank) -> None:
    """The question says where the job is; a yes puts it back as well, and says that it comes twice."""
    bank.fails("PayNow", 1)
    (one,) = bank.ids()
    done = bank.failed("retry", one, answer="n\n")
    assert (done.returncode, bank.resque.size("pay")) == (1, 1)
    assert "waits on the queue pay already" in done.stderr
    done = bank.failed("retry", one, "--yes")
    assert "comes as well" in done.stdout
    assert bank.resque.size("pay") == 2


# --- how it is found ---------------------------------------------------------------------------------


def test_a_retry_with_an_identify_of_its_own(bank: Bank) -> None:
    """Where its module is named it is told for certain; else an equal delayed job makes it likely."""
    bank.fails("PayBill", 1, 2)
    assert states(bank) == [("delayed", False)]
    assert "equal job due " in bank.failed("list").stdout
    left = bank.failed("retry", "--all", "--yes").stdout
    assert left.startswith(
        "put 0 jobs back; 1 was left alone: a delayed job may be their automatic attempt (-r"
    )
    assert "retry due " in bank.failed("list", "-r", "paying").stdout
    done = bank.failed("retry", "--all", "--yes", "--with-due", "-r", "paying")
    assert (done.stdout, list(bank.resque.each_delayed())) == ("put 1 job back\n", [])


def test_what_may_be_its_attempt_is_not_taken_away(bank: Bank) -> None:
    """A job that cannot be told from the next attempt stays delayed: it may be another one."""
    bank.fails("PayBill", 1, 2)
    assert "which may be its automatic attempt" in bank.failed("retry", bank.ids()[0]).stderr
    assert bank.failed("retry", "--all", "--yes", "--with-due").stdout == "put 1 job back\n"
    assert (bank.resque.size("pay"), len(list(bank.resque.each_delayed()))) == (1, 1)


@pytest.mark.parametrize(
    "item",
    [
        b'{"class":"RubyJob","args":[1.5,"\\u00fc<"],"queue":"images"}',
        b'{"class":"RubyJob","args":[1.5,"\xc3\xbc\\u003c"],"queue":"images"}',
        b' {"queue" : "elsewhere", "args":[ 1.50, "\xc3\xbc<" ] ,"class":"RubyJob", "more": [1]}',
        b'{"class":"::RubyJob","args":[1.5,"\xc3\xbc<"],"queue":"images"}',
        b'{"class":"ruby-job","args":[1.5,"\xc3\xbc<"],"queue":"images"}',
    ],
)
def test_an_attempt_in_any_spelling(bank: Bank, item: bytes) -> None:
    """Whatever program has delayed it, on whatever queue."""
    fail(bank.resque, payload={"class": "RubyJob", "args": [1.5, "ü<"]})
    counter(bank.resque, "RubyJob", [1.5, "ü<"])
    delay(bank.resque, item)
    assert states(bank) == [("delayed", True)]
    assert bank.failed("retry", "--all", "--yes", "--with-due").stdout == "put 1 job back\n"
    assert sum(bank.resque.queue_sizes().values()) == 1
    assert list(bank.resque.each_delayed()) == []


def test_what_resque_retry_has_left(bank: Bank) -> None:
    """The keyspace recorded of real Ruby, after an attempt that failed with a retry_delay."""
    trace = json.loads((FOLDER / "plugins/plugin_retry_delayed_plain_backend.json").read_text())
    for key, held in json.loads(json.dumps(trace["keyspace"]).replace("<EPOCH>", str(FUTURE))).items():
        words = {"list": ("RPUSH", key), "set": ("SADD", key), "string": ("SET", key), "zset": ("ZADD", key)}
        value = held["value"] if isinstance(held["value"], list) else [held["value"]]
        flat = [word for item in value for word in (item if isinstance(item, list) else [item])]
        bank.resque.link.execute(*words[held["type"]], *flat)
    assert states(bank) == [("delayed", True)]
    assert bank.failed("retry", "--all", "--yes").stdout.startswith("put 0 jobs back; 1 was left alone")
    assert bank.failed("retry", "--all", "--yes", "--with-due").stdout == "put 1 job back\n"
    assert bank.resque.peek("jobs") == [{"class": "RetryLater", "args": [1, "a b", None, {"x": 1}]}]
    assert bank.resque.link.execute("KEYS", "resque:[dt]*") == []


def test_an_active_job_is_known_by_its_job_id(bank: Bank) -> None:
    """`retry_job` and then an error leave a failure and a delayed job that differ in their executions."""
    job = {"job_class": "Mailer", "job_id": "8a5ce4c7-f10a", "arguments": [1], "queue_name": "mail"}
    fail(bank.resque, 1, payload={"class": WRAPPER, "args": [{**job, "executions": 0}]})
    fail(bank.resque, 2, payload={"class": WRAPPER, "args": [{**job, "job_id": "other"}]})
    later = {"class": WRAPPER, "args": [{**job, "executions": 1}]}
    delay(bank.resque, {**later, "queue": "mail"})
    assert states(bank) == [("delayed", True), None]
    assert bank.failed("retry", "--all", "--yes").stdout.startswith("put 1 job back; 1 was left alone")
    assert bank.failed("retry", "--all", "--yes", "--with-due").stdout.startswith(
        "put 1 job back; 1 had been"
    )
    assert bank.resque.peek("mail") == [later]


@pytest.mark.parametrize(
    "payload",
    [
        None, "text", [], {}, {"class": 5, "args": [1]}, {"class": "", "args": []}, {"class": "A"},
        {"class": "A\0B", "args": {"a": [1]}}, {"class": "A", "args": "x"}, {"class": WRAPPER},
        {"class": WRAPPER, "args": [{"job_id": 5}]}, {"class": "\ud800", "args": ["\ud800"]},
        {"class": "-", "args": [10**400]}, {"class": "*?[a]", "args": [[[[]]]]},
    ],
)  # fmt: skip
def test_odd_failures_beside_an_attempt(bank: Bank, payload: object) -> None:
    """Whatever stands in a record, it is listed, and the others are told apart."""
    record = {"failed_at": "x", "payload": payload, "queue": "images", "failure_id": "odd"}
    bank.resque.link.execute("RPUSH", "resque:failed", json.dumps(record))
    fail(bank.resque, payload={"class": "RubyJob", "args": [1]})
    counter(bank.resque, "RubyJob", [1])
    delay(bank.resque, {"class": "RubyJob", "args": [1], "queue": "images"})
    for raw in (b"rubbish", b"{", b'{"class":{"a":1}}', b"\xff", b"[" * 200):
        delay(bank.resque, raw)
        bank.resque.link.execute("RPUSH", "resque:queue:odd", raw)
    bank.resque.link.execute("SADD", "resque:queues", "odd", "nolist")
    bank.resque.link.execute("SET", "resque:queue:nolist", 1)
    done = bank.failed("list", "--json")
    assert done.returncode == 0
    assert [one["next_attempt"] is not None for one in lines(done)][-1] is True
    done = bank.failed("retry", "--all", "--yes")
    assert "Traceback" not in done.stderr
    assert "1 was left alone: their automatic attempt is still to come" in done.stdout


@pytest.mark.parametrize("namespace", ["a*[b]?\\^-", "x:y", ""])
def test_a_counter_is_looked_for_in_its_namespace(bank: Bank, server: DevRedis, namespace: str) -> None:
    """Whatever the namespace is made of; counters of other namespaces and classes do not count."""
    own = Resque(server.url, namespace, registry=bank.resque.registry)
    keys, payload = own.space.keys, {"class": "Pay::Card", "args": [1]}
    record = json.dumps({"failed_at": "x", "payload": payload, "queue": "pay", "failure_id": "a"})
    item = json.dumps({**payload, "queue": "pay"}, separators=(",", ":")).encode()
    own.link.execute("RPUSH", keys.failed, record)
    own.link.execute("RPUSH", keys.delayed(FUTURE), item)
    own.link.execute("SADD", keys.timestamps(item), f"delayed:{FUTURE}")
    own.link.execute("ZADD", keys.delayed_schedule, FUTURE, FUTURE)
    own.link.execute("MSET", keys.retry("Pay", "Card"), 0, keys.retry("Pay::Card::Big", "x"), 0)
    own.link.execute("MSET", keys.retry("Pay:Card", "x"), 0, "other:resque-retry:Pay::Card:x", 0)
    assert own.failures.next_attempt("a") is None
    own.link.execute("SET", keys.retry("Pay::Card", "any: thing"), 0)
    attempt = own.failures.next_attempt("a")
    assert attempt is not None
    assert (attempt.state, attempt.sure, attempt.at) == ("delayed", False, FUTURE)
    own.close()


def test_who_may_not_look_everywhere_is_told(bank: Bank, server: DevRedis) -> None:
    """Without the right to SCAN an equal delayed job is doubt; without the right to read, an error."""
    bank.fails("PayBill", 1)
    fail(bank.resque, payload={"class": "Plain", "args": []})
    for name, more in (("noscan", "-scan"), ("noget", "-get")):
        bank.resque.link.execute("ACL", "SETUSER", name, "on", "nopass", "~*", "+@all", more)
    try:
        noscan, noget = (
            Resque(server.url.replace("://", f"://{name}:any@"), registry=bank.resque.registry)
            for name in ("noscan", "noget")
        )
        found = noscan.failures.next_attempts(noscan.failures.list())
        assert [one and one.sure for one in found] == [False, None]
        with pytest.raises(RedisRefused):
            noget.failures.next_attempts(noget.failures.list())
        noscan.close(), noget.close()
    finally:
        bank.resque.link.execute("ACL", "DELUSER", "noscan", "noget")


def test_an_identify_that_fails_is_none(bank: Bank) -> None:
    """The user's code raises or exits: then it is as if the class were not known."""
    answers = ["1 / 0", "__import__('sys').exit(3)", "args.clear() or args[0]"]
    for number, answer in enumerate(answers):
        text = f"""
from pyresque import Retry, job
@job(queue="pay", name="Pay{number}", retry=Retry(limit=3, identify=lambda args: {answer}))
def pay(*args): ...
"""
        bank.program.jobs(text, f"odd{number}.py")
        fail(bank.resque, number, payload={"class": f"Pay{number}", "args": [1]})
        counter(bank.resque, f"Pay{number}", [1])
        delay(bank.resque, {"class": f"Pay{number}", "args": [1], "queue": "pay"})
    modules = [word for number in range(len(answers)) for word in ("-r", f"odd{number}")]
    assert [one["next_attempt"]["sure"] for one in lines(bank.failed("list", "--json", *modules))] == [
        True
    ] * len(answers)


# --- cost --------------------------------------------------------------------------------------------


class Counting:
    """A link that counts how often it is asked."""

    def __init__(self, link: Any) -> None:
        self.link, self.trips = link, 0

    def __getattr__(self, name: str) -> Any:
        self.trips += name.startswith("execute")
        return getattr(self.link, name)


@pytest.mark.parametrize("where", ["delayed", "queued", "nowhere"])
def test_many_failures_take_one_look(resque: Resque, where: str) -> None:
    """Of 3,000 failures with counters the attempts are found in some dozen round trips."""
    for number in range(3000):
        payload = {"class": "Pay", "args": [number]}
        record = json.dumps(
            {"failed_at": "x", "payload": payload, "queue": "pay", "failure_id": f"id-{number}"}
        )
        resque.link.execute_many([("RPUSH", "resque:failed", record)])
        counter(resque, "Pay", [number])
        if where == "delayed":
            delay(resque, {**payload, "queue": "pay"}, FUTURE + number // 10)
    if where == "queued":
        resque.enqueue_many([("Pay", number) for number in range(3000)], queue="pay")
    records = resque.failures.list(limit=None)
    link = Counting(resque.space.link)
    failures = Failures(replace(resque.space, link=link))
    found = [one and one.state for one in failures.next_attempts(records)]
    assert found == [None if where == "nowhere" else where] * 3000
    assert link.trips < 50
    link.trips = 0
    assert failures.find_all([one.id for one in records]) == records
    assert link.trips < 10


# --- other commands ----------------------------------------------------------------------------------


def test_removing_the_record_tells_that_the_job_comes(bank: Bank) -> None:
    """`failed remove` removes the record only."""
    bank.fails("PayMuchLater", 1)
    done = bank.failed("remove", bank.ids()[0], "--yes")
    assert done.returncode == 0
    assert done.stderr.startswith("its job still comes by itself: retry due ")
    assert len(list(bank.resque.each_delayed())) == 1


def test_removing_the_delayed_attempt_ends_the_retries(bank: Bank) -> None:
    """`delayed remove` forgets the counter, or the next equal job would have fewer attempts."""
    bank.fails("PayMuchLater", 1)
    (one,) = lines(bank.program.run("delayed", "--json"))
    assert bank.program.run("delayed", "remove", one["id"], "--yes").returncode == 0
    assert bank.resque.link.execute("KEYS", "resque:*retry*") == []
    assert states(bank) == [None]
    assert bank.failed("retry", "--all", "--yes").stdout == "put 1 job back\n"


def test_removing_an_equal_delayed_job_leaves_the_retries(bank: Bank) -> None:
    """As long as the job is anywhere else its attempts are counted."""
    bank.fails("PayNow", 1)
    bank.resque.enqueue_in(600, "PayNow", 1, queue="pay")
    (one,) = lines(bank.program.run("delayed", "--json"))
    assert bank.program.run("delayed", "remove", one["id"], "--yes").returncode == 0
    assert len(bank.resque.link.execute("KEYS", "resque:resque-retry:*")) == 1
