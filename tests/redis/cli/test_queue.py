"""`pyresque queue` on a real Redis: looking, emptying, moving, pausing."""

from __future__ import annotations

import json

import pytest

from pyresque import Resque
from pyresque.wire.records import JOB_WRAPPER
from tests.unit.cli.in_process import Result, run

POISON = b"no \x1b json \xff"


def mail(number: int) -> dict[str, object]:
    """An Active Job as Rails writes it."""
    return {"class": JOB_WRAPPER, "args": [{"job_class": "Mail", "arguments": [number]}]}


@pytest.fixture
def queues(resque: Resque) -> Resque:
    """A queue with jobs of two classes, one an Active Job's, and what is not a job; and another."""
    for number in range(6):
        resque.push("mail", mail(number) if number % 2 else {"class": "Pay", "args": [number]})
    resque.link.execute("RPUSH", "resque:queue:mail", POISON)
    resque.enqueue("Pay", 9, queue="low")
    return resque


@pytest.fixture
def queue(queues, server):
    """`pyresque queue ...` in this process."""

    def queue(*words: str, code: int = 0, answer: str = "") -> Result:
        done = run("queue", *words, REDIS_URL=server.url, COLUMNS="200", answer=answer)
        assert done.exit_code == code, done.stdout + done.stderr
        return done

    return queue


@pytest.mark.parametrize(
    "words", [("pause",), ("resume",), ("pause", "x", "--all"), ("resume", "x", "--all")]
)
def test_nothing_is_meant_without_a_word(queue, queues, words):
    """Wrong usage, and nothing is done."""
    queue(*words, code=2)
    assert not queues.paused()


def documents(done: Result) -> list[dict]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def numbers(resque: Resque, name: str) -> list[object]:
    """The arguments of the jobs of a queue, in their order; None for what is not a job."""
    found = []
    for raw in resque.link.execute("LRANGE", f"resque:queue:{name}", 0, -1):
        value = None if raw == POISON else json.loads(raw)["args"][0]
        found.append(value["arguments"][0] if isinstance(value, dict) else value)
    return found


# --- looking -------------------------------------------------------------------------------------------


def test_list(queue, queues):
    """How many wait in each, and what is paused; `queues` says the same."""
    queues.pause("low")
    found = documents(queue("list", "--json"))
    assert [(one["queue"], one["size"], one["paused"]) for one in found] == [
        ("low", 1, True),
        ("mail", 7, False),
    ]
    shown = queue("list").stdout
    assert [line.split()[:2] for line in shown.splitlines()[1:]] == [["low", "1"], ["mail", "7"]]
    assert shown.splitlines()[1].endswith("paused")
    assert queue().stdout == shown
    queues.pause_all()
    assert queue("list").stdout.startswith("all queues are paused\n")


# --- pausing -------------------------------------------------------------------------------------------


def test_pause_and_resume(queue, queues):
    """Of a queue, of several, and of all; a name that nobody uses is paused, and that is said."""
    assert queue("pause", "mail", "low").stdout == "paused queue mail\npaused queue low\n"
    assert "no job was ever put on it" in queue("pause", "maill").stdout
    assert queues.paused().queues == ["low", "mail"]
    assert queue("resume", "mail", "other").stdout == "resumed queue mail\nqueue other was not paused\n"
    assert queue("pause", "--all").stdout == "paused all queues\n"
    assert "all queues are still paused" in queue("resume", "low").stderr
    queues.pause("mail")
    done = queue("resume", "--all")
    assert (done.stdout, done.stderr) == ("resumed all queues\n", "paused by themselves are still: mail\n")
    assert (queues.paused().all, queues.paused().queues) == (False, ["mail"])
