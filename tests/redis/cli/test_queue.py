"""`pyresque queue` on a real Redis: looking, emptying, moving, pausing."""

from __future__ import annotations

import json

import pytest

from pyresque import Resque
from pyresque.wire.records import JOB_WRAPPER
from tests.unit.cli.in_process import Result, run

EVERY, MAILS = "7 jobs (3 Mail, 3 Pay, 1 (no class))", "3 jobs (3 Mail)"
FRONT = [1, 3, 5, 0, 2, 4, None]
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


def test_show(queue):
    """The jobs in their order with their own classes, safely; and how many of each class there are."""
    done = queue("show", "mail", "-n", "3")
    assert done.stdout.splitlines()[0] == "7 jobs (3 Mail, 3 Pay, 1 (no class))"
    assert [line.split()[0] for line in done.stdout.splitlines()[2:]] == ["0", "1", "2"]
    assert done.stderr == "1 to 3 of 7; --page goes on, --limit 0 lists all\n"
    last = queue("show", "mail", "-n", "3", "-p", "3").stdout.splitlines()[-1]
    assert "no \\x1b json \\xff" in last
    found = documents(queue("show", "mail", "--json"))
    assert [(one["class"], one["index"]) for one in found[:2]] == [("Pay", 0), ("Mail", 1)]
    assert (found[6]["class"], found[6]["text"]) == (None, "no \x1b json \\xff")


def test_show_of_some(queue):
    """By class, which is an Active Job's own, and by text; indexes are those in the queue."""
    found = documents(queue("show", "mail", "--class", "Mail", "--json"))
    assert [(one["index"], one["args"]) for one in found] == [(1, [1]), (3, [3]), (5, [5])]
    assert [one["text"] for one in documents(queue("show", "mail", "--text", "json", "--json"))] == [
        "no \x1b json \\xff"
    ]
    assert queue("show", "mail", "--class", "Nobody").stdout == "queue mail has no jobs like that\n"
    assert queue("show", "nosuch").stdout == "queue nosuch has no jobs\n"


# --- removing and moving -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said", "left"),
    [
        (("empty", "mail"), f"remove {EVERY} from queue mail", []),
        (("remove-job", "mail", "--class", "Pay"), "remove 3 jobs (3 Pay) from queue mail", [1, 3, 5, None]),
        (("remove-job", "mail", "--all"), f"remove {EVERY} from queue mail", []),
        (("remove-job", "mail", "-t", "json"), "remove 1 job (1 (no class)) from queue mail", [*range(6)]),
        (("move", "mail", "low", "-c", "Mail"), f"move {MAILS} of queue mail to queue low", [0, 2, 4, None]),
        (("move", "mail", "--front", "-c", "Mail"), f"move {MAILS} of queue mail to the front", FRONT),
    ],
)  # fmt: skip
def test_what_is_asked_and_done(queue, queues, words, said, left):
    """How many of which classes; in a dry run, with a no and without an answer nothing is done."""
    before = numbers(queues, "mail")
    assert queue(*words, "--dry-run").stdout == f"would {said}\n"
    for answer in ("", "n\n"):
        done = queue(*words, code=1, answer=answer)
        assert f"{said[0].upper()}{said[1:]}? [y/N]" in done.stderr
    assert numbers(queues, "mail") == before
    assert queue(*words, "--yes").stdout.startswith(said.split()[0].rstrip("e") + "ed ")
    assert numbers(queues, "mail") == left
    assert "mail" in queues.queues()
    if "low" in words:
        assert numbers(queues, "low") == [9, 1, 3, 5]


def test_by_id(queue, queues):
    """As `queue show` prints it; one that is not there is an error."""
    found = documents(queue("show", "mail", "--json"))
    assert queue("remove-job", "mail", found[6]["id"], "--yes").stdout == "removed 1 job from queue mail\n"
    assert queue("move", "mail", "--front", "--id", found[4]["id"][:8], "--yes").stdout.startswith(
        "moved 1 job"
    )
    assert numbers(queues, "mail") == [4, 0, 1, 2, 3, 5]
    assert "no job of queue mail has such an ID" in queue("remove-job", "mail", "zzz", "--yes", code=1).stderr


@pytest.mark.parametrize(
    "words",
    [
        ("remove-job", "mail"), ("move", "mail", "low"), ("move", "mail", "--all"), ("pause",), ("resume",),
        ("move", "mail", "low", "--front", "--all"), ("remove-job", "mail", "abc", "--all"),
        ("pause", "x", "--all"), ("empty",), ("remove-job", "mail", "--text", ""),
    ],
)  # fmt: skip
def test_nothing_is_meant_without_a_word(queue, queues, words):
    """Wrong usage, and nothing is done."""
    queue(*words, code=2)
    assert len(numbers(queues, "mail")) == 7
    assert not queues.paused()


def test_what_is_empty_is_not_asked_about(queue):
    """And it is said."""
    assert queue("empty", "nosuch").stdout == "queue nosuch has no jobs\n"
    assert queue("remove-job", "mail", "-c", "Nobody").stdout == "queue mail has no jobs like that\n"


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
