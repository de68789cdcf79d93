"""Jobs of either language, run by either language's workers on one Redis, with real Ruby Resque."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from pyresque import Resque
from pyresque.failure import RedisMultiQueue
from pyresque.registry import Job
from pyresque.testing.redis_server import DevRedis
from pyresque.wire.encoding import same
from tests.interop import live_jobs
from tests.interop.ruby import Language, Python, Ruby

Enqueue = Callable[..., Any]
Evidence = Callable[[str], list[dict[str, Any]]]

UNICODE = ["Grüße", "失敗 💥", "\u2028\u2029", "<b>&amp;</b>", "\u0000\u001b\x7f", '"\\/', "e\u0301", ""]
NESTED = [{"a": {"b": [1, None, True, {"c": []}]}, "": {}}, [[[]]], [], {}, None, False, 10**30, -(2**63)]
FLOATS = [0.1, 1.5, 100.0, -0.0, 1e15, 1e16, 1e20, 123456789.123456789, 1e-4, 1e-5, 5e-324, 1.797e308]
ARGUMENTS = [
    pytest.param(UNICODE, id="unicode"),
    pytest.param(NESTED, id="nested"),
    pytest.param(FLOATS, id="floats"),
]


def keyspace(resque: Resque) -> set[str]:
    """Every key there is but the evidence, without worker ids and once-tokens."""
    names = (name.decode() for name in resque.link.execute("KEYS", "*"))
    return {
        re.sub(r":[^:]+:\d+:[^:]+$", ":ID", name)
        for name in names
        if ":interop:" not in name and ":once:" not in name
    }


def raw_elements(resque: Resque, queue: str) -> list[bytes]:
    """The very bytes in a queue."""
    raws: list[bytes] = resque.link.execute("LRANGE", f"resque:queue:{queue}", 0, -1)
    return raws


def one_failure(resque: Resque, ruby: Ruby) -> dict[str, Any]:
    """The one failure there is, which both languages read alike."""
    [ours] = resque.failures.list()
    [theirs] = ruby.call("failures")
    assert ours.value == theirs
    assert ruby.call("failure_count") == resque.failures.count() == 1
    return ours.value


# Success


def test_success(enqueue: Enqueue, runner: Language, ruby: Ruby, resque: Resque, evidence: Evidence) -> None:
    """A job of either language is run once by either's worker, which counts it and leaves no trace."""
    enqueue("EchoJob", "hello", 1)
    worker = runner.work_off("jobs")
    [note] = evidence("done")
    assert (note["args"], note["lang"]) == (["hello", 1], runner.name)
    assert (resque.stat("processed"), resque.stat("failed")) == (1, 0)
    assert ruby.call("stat", name="processed") == 1
    assert resque.stat(f"processed:{worker}") == 0
    assert keyspace(resque) == {
        "resque:queues",
        "resque:stat:processed",
        "resque:pruning_dead_workers_in_progress",
    }
    assert resque.workers() == ruby.call("workers") == []


@pytest.mark.parametrize("args", ARGUMENTS)
def test_arguments(
    enqueue: Enqueue, runner: Language, ruby: Ruby, resque: Resque, evidence: Evidence, args: list[Any]
) -> None:
    """Unicode, nested arguments and floats arrive as they were given, whoever enqueues and whoever runs."""
    enqueue("EchoJob", *args)
    [seen] = ruby.call("peek", queue="jobs", start=0, count=2)
    assert same(seen["args"], args)
    assert same(resque.peek("jobs"), [{"class": "EchoJob", "args": args}])
    runner.work_off("jobs")
    assert resque.failures.list() == []
    [note] = evidence("done")
    assert same(note["args"], args)


@pytest.mark.parametrize("args", ARGUMENTS)
def test_same_bytes(ruby: Ruby, styled: Resque, args: list[Any]) -> None:
    """With its json_style, Python writes the bytes that this Ruby writes."""
    if not ruby.has_named_style:
        pytest.skip("json 2.11 to 2.14 write floats as no named style does")
    ruby.enqueue("EchoJob", *args, queue="theirs")
    styled.enqueue("EchoJob", *args, queue="ours")
    assert raw_elements(styled, "ours") == raw_elements(styled, "theirs")


# Failure


def test_failure(enqueue: Enqueue, runner: Language, ruby: Ruby, resque: Resque) -> None:
    """A failure is recorded once, with Ruby's keys in Ruby's order, and both languages read it alike."""
    enqueue("FailJob", "x", 1)
    worker = runner.work_off("jobs")
    record = one_failure(resque, ruby)
    with_id = runner.name == "python" or ruby.resque >= (3, 1)
    keys = ["failed_at", "payload", "exception", "error", "backtrace", "worker", "queue"]
    assert list(record) == keys + ["failure_id"] * with_id
    assert re.fullmatch(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \S+", record["failed_at"])
    assert record["payload"] == {"class": "FailJob", "args": ["x", 1]}
    assert record["exception"].rpartition(".")[2] == "ArgumentError"
    assert record["error"] == 'boom ["x", 1]'
    assert record["worker"] == worker
    assert record["queue"] == "jobs"
    # Ruby's is empty where Resque does not lie in a folder "lib" (docs/protocol/core.md#the-failure-record).
    assert all(re.match(r".+:\d+:in ['`].+'$", line) for line in record["backtrace"][:1])
    if runner.name == "python":
        assert re.match(r".*/live_jobs\.py:\d+:in `fail'$", record["backtrace"][0])
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", record["failure_id"])
    assert (resque.stat("processed"), resque.stat("failed")) == (1, 1)
    assert resque.info()["failed"] == ruby.call("info")["failed"] == 1


def test_failure_shown_by_the_other_side(
    enqueue: Enqueue, runner: Language, ruby: Ruby, resque: Resque
) -> None:
    """A failure with a text of many scripts is shown by resque-web, and found by our search."""
    enqueue("UnicodeFailJob", "ü")
    worker = runner.work_off("jobs")
    [page] = ruby.pages({"get": "/failed"})
    assert page["status"] == 200
    host_and_pid = worker.rpartition(":")[0]
    for text in ("UnicodeFailJob", "Grüße aus Zürich: 失敗 💥", "RuntimeError", host_and_pid):
        assert text in page["body"]
    [found] = resque.failures.search("失敗")
    assert found.class_name == "UnicodeFailJob"


def test_killed_child(enqueue: Enqueue, runner: Language, ruby: Ruby, resque: Resque) -> None:
    """A job whose process is killed becomes a DirtyExit with Ruby's text, and counts as processed only."""
    enqueue("KillSelfJob")
    runner.work_off("jobs")
    record = one_failure(resque, ruby)
    assert record["exception"] == "Resque::DirtyExit"
    text = re.sub(r"\d+", "N", record["error"])
    assert text == "Child process received unhandled signal pid N SIGKILL (signal N)"
    assert record["backtrace"] == []
    assert (resque.stat("processed"), resque.stat("failed")) == (1, 0)


def test_multi_queue_failures(
    runner: Language, ruby: Ruby, styled: Resque, resque: Resque, server: DevRedis
) -> None:
    """With the multi-queue backend a failure lies in the list of its queue, where both languages find it."""
    env = {"FAILURE_BACKEND": "redis_multi_queue"}
    styled.enqueue("FailJob", "ä", queue="jobs")
    runner.work_off("jobs", **env)
    assert ruby.call("failure_lists", env) == ["jobs_failed"]
    assert ruby.call("failure_count", env, list="jobs_failed") == 1
    [theirs] = ruby.call("failures", env, list="jobs_failed", limit=2)
    ours = Resque(server.url, failure=RedisMultiQueue(), registry=styled.registry)
    [record] = ours.failures.list(list_name="jobs_failed")
    assert record.value == theirs
    assert resque.failures.count(list_name="failed") == 0
    if runner.name == "python":
        assert ruby.call("requeue_queue", env, queue="jobs") is not None
    else:
        assert ours.failures.requeue_queue("jobs") == 1
    assert ruby.call("peek", queue="jobs") == {"class": "FailJob", "args": ["ä"]}
    [record] = ours.failures.list(list_name="jobs_failed")
    assert re.fullmatch(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", record.value["retried_at"])
    ours.close()


# Dequeue


@pytest.mark.parametrize("args", ARGUMENTS)
def test_ruby_dequeues_our_job(ruby: Ruby, styled: Resque, args: list[Any]) -> None:
    """Ruby finds our jobs by their arguments, though it compares bytes; other jobs stay."""
    if not ruby.has_named_style:
        pytest.skip("json 2.11 to 2.14 write floats as no named style does")
    for job_args in (args, ["other"], args):
        styled.enqueue("EchoJob", *job_args, queue="jobs")
    assert ruby.call("dequeue", **{"class": "EchoJob"}, args=args) == 2
    assert styled.peek("jobs", 0, 9) == [{"class": "EchoJob", "args": ["other"]}]


@pytest.mark.parametrize("args", ARGUMENTS)
def test_we_dequeue_rubys_job(ruby: Ruby, resque: Resque, args: list[Any]) -> None:
    """We find Ruby's jobs by their arguments, in whatever style they were written."""
    for job_args in (args, ["other"], args):
        ruby.enqueue("EchoJob", *job_args)
    assert resque.dequeue("EchoJob", *args, queue="jobs") == 2
    assert ruby.call("peek", queue="jobs", count=9, start=0) == [{"class": "EchoJob", "args": ["other"]}]


@pytest.mark.parametrize("args", [UNICODE, NESTED], ids=["unicode", "nested"])
def test_we_dequeue_what_another_json_library_wrote(ruby: Ruby, resque: Resque, args: list[Any]) -> None:
    """We find Ruby's jobs also where MultiJson took the library that it prefers (oj, if it is there)."""
    preferred = ruby.run("-e", 'require "multi_json"; print MultiJson.adapter')
    env = {"MULTI_JSON": "oj" if preferred.endswith("Oj") else "json_gem"}
    ruby.call("enqueue", env, **{"class": "EchoJob"}, args=args)
    assert resque.dequeue("EchoJob", *args, queue="jobs") == 1
    assert resque.size("jobs") == 0


def test_dequeue_without_arguments(ruby: Ruby, resque: Resque) -> None:
    """Either side removes every job of a class that the other has put there, and no other."""
    for n in range(3):
        resque.enqueue("EchoJob", n, queue="jobs")
        resque.enqueue("OkJob", n, queue="jobs")
        ruby.enqueue("FailJob", n)
    assert ruby.call("dequeue", **{"class": "EchoJob"}, args=[]) == 3
    assert resque.dequeue("FailJob", queue="jobs") == 3
    assert [job["class"] for job in resque.peek("jobs", 0, 9)] == ["OkJob"] * 3


# Requeue


def test_we_requeue_rubys_failure(ruby: Ruby, python: Python, resque: Resque) -> None:
    """A job that failed in Ruby is put back by us, marked as Ruby marks it, and run by a Python worker."""
    ruby.enqueue("FailJob", "ü", 1.5)
    ruby.work_off("jobs")
    [record] = resque.failures.list()
    assert resque.failures.requeue(record)
    assert resque.peek("jobs", 0, 2) == [{"class": "FailJob", "args": ["ü", 1.5]}]
    [marked] = ruby.call("failures")
    assert list(marked) == [*record.value, "retried_at"]
    assert {**marked, "retried_at": 0} == {**record.value, "retried_at": 0}
    assert re.fullmatch(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \S+", marked["retried_at"])
    worker = python.work_off("jobs")
    assert [one.text("worker") == worker for one in resque.failures.list()] == [False, True]
    ruby.call("clear_retried")
    assert [one.text("worker") for one in resque.failures.list()] == [worker]


def test_ruby_requeues_our_failure(ruby: Ruby, python: Python, resque: Resque) -> None:
    """A job that failed in Python is put back by Ruby and run by a Ruby worker; we see it as retried."""
    resque.enqueue("FailJob", "ü", 1.5, queue="jobs")
    python.work_off("jobs")
    [record] = resque.failures.list()
    ruby.call("failure_requeue", index=0)
    assert resque.peek("jobs", 0, 2) == [{"class": "FailJob", "args": ["ü", 1.5]}]
    [marked] = resque.failures.list()
    assert {**marked.value, "retried_at": 0} == {**record.value, "retried_at": 0}
    worker = ruby.work_off("jobs")
    assert [one.text("worker") == worker for one in resque.failures.list()] == [False, True]
    assert resque.failures.clear_retried() == 1
    assert [one["worker"] for one in ruby.call("failures")] == [worker]


def test_removal_of_the_other_sides_failures(ruby: Ruby, python: Python, resque: Resque) -> None:
    """Of our failures Ruby removes the one that it points at, and we ours; then Ruby clears all."""
    for n in range(4):
        resque.enqueue("FailJob", n, queue="jobs")
    python.work_off("jobs")
    ruby.call("failure_remove", index=1)
    [third] = [one for one in resque.failures.list() if one.payload["args"] == [2]]
    assert resque.failures.remove(third)
    assert [one["payload"]["args"] for one in ruby.call("failures")] == [[0], [3]]
    ruby.call("requeue_all")
    assert [job["args"] for job in resque.peek("jobs", 0, 9)] == [[0], [3]]
    ruby.call("failure_clear")
    assert resque.failures.count() == 0


# Hooks


@pytest.mark.parametrize("word", ["go", "dont", "skip", "fail"])
def test_hooks_of_both_languages_on_a_job(
    ruby: Ruby, python: Python, styled: Resque, evidence: Evidence, word: str
) -> None:
    """The hooks of a job run in the same order, with the same arguments and effect, in both languages."""
    seen = {}
    for language in (ruby, python):
        styled.link.execute("FLUSHALL")
        ruby.enqueue("HookedJob", word, 1)
        language.work_off("jobs")
        assert {note["lang"] for note in evidence("hooks")} == {language.name}
        hooks = [(note["hook"], note["args"]) for note in evidence("hooks")]
        seen[language.name] = [hook for hook in hooks if hook[0] != "always" or ruby.resque >= (3, 1)]
        assert styled.stat("failed") == styled.failures.count() == int(word == "fail")
    assert seen["python"] == seen["ruby"]
    assert seen["python"][0] == ("before_perform", [word, 1])


@pytest.mark.parametrize("word", ["go", "refuse"])
def test_hooks_at_enqueue_and_dequeue(
    ruby: Ruby,
    python: Python,
    styled: Resque,
    evidence: Evidence,
    monkeypatch: pytest.MonkeyPatch,
    word: str,
) -> None:
    """The enqueue and dequeue hooks of both languages are called alike, and can refuse alike."""
    monkeypatch.setenv("REDIS_URL", python.url)
    asked = {"class": "HookedJob", "args": [word]}
    size = ruby.call("enqueue", **asked), ruby.call("size", queue="jobs")
    answers = {"ruby": [*size, ruby.call("dequeue", **asked)]}
    hooks = {"ruby": [note["hook"] for note in evidence("hooks")]}
    styled.link.execute("FLUSHALL")
    hooked: Any = live_jobs.HookedJob
    answers["python"] = [styled.enqueue(hooked, word), styled.size("jobs"), styled.dequeue(hooked, word)]
    hooks["python"] = [note["hook"] for note in evidence("hooks")]
    assert answers["python"] == answers["ruby"]
    assert hooks["python"] == hooks["ruby"]


# Who knows what


def test_a_class_that_only_ruby_knows_is_left_to_ruby(
    ruby: Ruby, python: Python, resque: Resque, evidence: Evidence
) -> None:
    """A Python worker on `*` takes what it knows from between Ruby's jobs, whose order and bytes stay."""
    for n in range(3):
        ruby.enqueue("RubyOnlyJob", n, queue="ruby")
        ruby.enqueue("EchoJob", n, queue="ruby")
        resque.enqueue("RubyOnlyJob", "ours", n, queue="ruby")
    foreign = [raw for raw in raw_elements(resque, "ruby") if b"Only" in raw]
    python.work_off("*")
    assert [(note["class"], note["lang"]) for note in evidence("done")] == [("EchoJob", "python")] * 3
    assert raw_elements(resque, "ruby") == foreign
    assert resque.failures.count() == 0
    ruby.work_off("ruby")
    assert [json.loads(raw)["args"] for raw in foreign] == [note["args"] for note in evidence("done")[3:]]
    assert {note["lang"] for note in evidence("done")[3:]} == {"ruby"}
    assert resque.size("ruby") == resque.failures.count() == 0


def test_a_python_job_on_its_own_queue(
    ruby: Ruby, python: Python, resque: Resque, evidence: Evidence
) -> None:
    """While a Ruby worker works its own queues, jobs that only Python knows wait on theirs for Python."""
    with ruby.worker("jobs,shared,ruby") as worker:
        for n in range(5):
            ruby.enqueue("PyEcho", n, queue="python")
            ruby.enqueue("SharedJob", n, queue="shared")
        python.work_off("python")
        worker.stop()  # a QUIT lets it finish its job
    done = evidence("done")
    assert [note["args"] for note in done if note["lang"] == "python"] == [[n] for n in range(5)]
    assert {note["class"] for note in done if note["lang"] == "python"} == {"PyEcho"}
    ruby.work_off("jobs,shared,ruby")
    by_ruby = sorted(note["args"] for note in evidence("done") if note["lang"] == "ruby")
    assert by_ruby == [[n] for n in range(5)]
    assert resque.failures.count() == 0


def test_a_class_that_ruby_does_not_know_fails_there(ruby: Ruby, resque: Resque) -> None:
    """A Ruby worker records a job that only Python knows as a NameError, which we can put back."""
    resque.enqueue("PyEcho", 1, queue="jobs")
    ruby.work_off("jobs")
    [record] = resque.failures.list()
    assert record.text("exception") == "NameError"
    assert resque.failures.requeue(record)
    assert resque.peek("jobs") == [{"class": "PyEcho", "args": [1]}]


def test_names_of_our_jobs(ruby: Ruby) -> None:
    """The jobs that both languages know have the same queues in both."""
    shared = [
        f"{name}Job"
        for name in ("Ok", "Echo", "Fail", "Sleep", "UnicodeFail", "KillSelf", "Hooked", "Shared")
    ]
    script = "ARGV.each { |name| puts Resque.queue_from_class(Resque.constantize(name)) }"
    queues = ruby.run("-r", f"{ruby.found.scripts}/jobs", "-e", script, *shared).split()
    jobs: list[Job | None] = [live_jobs.registry.find(name) for name in shared]
    assert [job and job.queue for job in jobs] == queues
