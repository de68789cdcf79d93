"""`pyresque delayed` with filters, pages and groups: what is meant, what is said, and what is asked."""

from __future__ import annotations

import json
import time

import pytest

from pyresque import Resque
from pyresque.wire.records import JOB_WRAPPER
from tests.redis.stage import Stage
from tests.unit.cli.in_process import Result, run

HOUR = 3600
ALL = "30 delayed jobs (10 Mail, 10 Pay, 9 Reports::Monthly, 1 (no class))"


@pytest.fixture
def began() -> int:
    """Now, in whole seconds."""
    return int(time.time())


@pytest.fixture
def delayed(resque: Resque, server, began):
    """`pyresque delayed ...` in this process, with thirty delayed jobs of three kinds, one in each hour.

    The first is overdue, the last is not a job.
    """
    stage = Stage(resque, server.url)
    for number in range(29):
        kinds = (
            {"class": "Pay", "args": [number], "queue": "pay"},
            {"class": "Reports::Monthly", "args": [number], "queue": "reports"},
            {"class": JOB_WRAPPER, "args": [{"job_class": "Mail", "arguments": [number]}], "queue": "mail"},
        )
        stage.delay(began + number * HOUR - 60, json.dumps(kinds[number % 3]).encode())
    stage.delay(began + 29 * HOUR, b'{"class":"Mail","args":[29],"queue":"mail"}')
    stage.delay(began + 30 * HOUR, b"no job\x1b")
    resque.remove_found(resque.find_delayed(lambda args: args == [28]))

    def delayed(*words: str, code: int = 0, answer: str = "") -> Result:
        done = run("delayed", *words, REDIS_URL=server.url, COLUMNS="200", answer=answer)
        assert done.exit_code == code, done.stdout + done.stderr
        return done

    return delayed


def numbers(done: Result) -> list[object]:
    """The arguments of the jobs in JSON lines, in their order."""
    return [(json.loads(line)["args"] or [None])[0] for line in done.stdout.splitlines()]


def shown(done: Result) -> list[str]:
    """The last word of each row of a table."""
    return [line.split()[-1] for line in done.stdout.splitlines()[1:]]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("--class", "Mail"), [*range(2, 28, 3), 29]),
        (("-c", "Reports::*", "-c", "Pay", "--until", "3h"), [0, 1, 3]),
        (("--queue", "mail", "--since", "20h"), [23, 26, 29]),
        (("--until", "0s"), [0]),
        (("--text", "job_class", "--until", "6h"), [2, 5]),
        (("--text", "no job"), [None]),
        (("--class", "Nobody"), []),
    ],
)
def test_filters(delayed, words, wanted):
    """Each narrows the list; an Active Job is found by its own class, which before gave a wrong answer."""
    assert numbers(delayed("list", "--json", *words)) == wanted


@pytest.mark.parametrize(
    ("words", "wanted", "said"),
    [
        ((), range(20), "the next 20 of 30; --page goes on, --limit 0 lists all\n"),
        (("-p", "2"), None, ""),
        (("-p", "2", "-n", "5"), range(5, 10), "6 to 10 of 30; --page goes on, --limit 0 lists all\n"),
        (("-c", "Pay", "-n", "3"), (0, 3, 6), "there are more; --page goes on, --limit 0 lists all\n"),
        (("-c", "Pay", "-n", "10"), range(0, 28, 3), ""),
        (("--sort", "class", "-n", "3", "-p", "2"), (8, 11, 14), None),
        (("--sort", "queue", "-n", "3"), None, None),
        (("--sort", "last", "-n", "2"), None, None),
    ],
)
def test_pages(delayed, words, wanted, said):
    """The next one first; what is on other pages is told on stderr."""
    done = delayed("list", *words)
    if wanted is not None:
        assert shown(done) == [f"[{number}]" for number in wanted]
    if said is not None:
        assert done.stderr == said


def test_what_a_table_shows(delayed):
    """When each is due as seen from now, what is overdue, and an Active Job's own class and arguments."""
    first, *_, third = delayed("list", "-n", "3").stdout.splitlines()[1:]
    assert "overdue, 1 min ago" in first
    assert "in 118 min" in third or "in 119 min" in third
    assert third.split()[-3:] == ["mail", "Mail", "[2]"]
    last = delayed("list", "--sort", "last", "-n", "1").stdout.splitlines()[1]
    assert last.endswith("(no job)")
    assert delayed("list", "-c", "Nobody").stdout == "no delayed jobs are like that\n"


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("class", {"Mail": 10, "Pay": 10, "Reports::Monthly": 9, None: 1}),
        ("queue", {"mail": 10, "pay": 10, "reports": 9, None: 1}),
    ],
)
def test_groups(delayed, by, keys):
    """How many of each, the first and the last, with an example that can be shown."""
    found = [json.loads(line) for line in delayed("groups", "--by", by, "--json").stdout.splitlines()]
    assert {one["key"]: one["count"] for one in found} == keys
    assert delayed("show", found[0]["example"]).stdout.startswith("id     ")
    assert delayed("groups", "--by", by).stdout.splitlines()[0].split()[:2] == ["COUNT", by.upper()]
    assert len(delayed("groups", "--by", "hour", "--until", "5h", "--json").stdout.splitlines()) == 6


@pytest.mark.parametrize(
    ("words", "said", "done", "left"),
    [
        (("remove", "--class", "Mail"), "remove 10 delayed jobs (10 Mail)", "removed 10 delayed jobs\n", 20),
        (("remove", "--all"), f"remove {ALL}", "removed 30 delayed jobs\n", 0),
        (("clear",), f"remove {ALL}", "removed 30 delayed jobs\n", 0),
        (("run", "--class", "Pay"), "queue 10 delayed jobs (10 Pay)", "queued 10 delayed jobs\n", 20),
    ],
)
def test_what_is_asked_and_done(delayed, resque, words, said, done, left):
    """How many of which classes; in a dry run, with a no and without an answer nothing is done."""
    assert delayed(*words, "--dry-run").stdout == f"would {said}\n"
    for answer in ("", "n\n"):
        refused = delayed(*words, code=1, answer=answer)
        assert f"{said[0].upper()}{said[1:]}? [y/N]" in refused.stderr
    assert (resque.count_all_scheduled_jobs(), resque.queues()) == (30, [])
    assert delayed(*words, "--yes").stdout == done
    assert resque.count_all_scheduled_jobs() == left
    assert sum(resque.queue_sizes().values()) == (10 if words[0] == "run" else 0)


def test_what_cannot_be_queued_stays_and_is_told(delayed, resque):
    """`run --all` leaves alone what is not a job, says so, and ends with 1."""
    assert delayed("run", "--all", "--yes", code=1).stdout == (
        "queued 29 delayed jobs; 1 left alone: not a job\n"
    )
    assert resque.count_all_scheduled_jobs() == 1


def test_by_id(delayed, resque):
    """The beginning of an ID is enough; what is asked about names its class; each is told."""
    first, second, *_ = (json.loads(line)["id"] for line in delayed("--json").stdout.splitlines())
    assert delayed("run", first[:8], "--dry-run").stdout == "would queue Pay [0]\n"
    assert delayed("run", first[:8]).stdout == "queued Pay [0]\n"
    assert "Remove 1 delayed job (1 Reports::Monthly)? [y/N]" in delayed("remove", second, code=1).stderr
    assert delayed("remove", second, second, "--yes").stdout == "removed Reports::Monthly [1]\n"
    assert "no delayed job has the ID zzz" in delayed("remove", "zzz", "--yes", code=1).stderr
    assert resque.count_all_scheduled_jobs() == 28


@pytest.mark.parametrize("verb", ["run", "remove"])
def test_nothing_is_meant_without_a_word(delayed, resque, verb):
    """IDs, filters or --all."""
    assert "say which: IDs, or filters" in delayed(verb, "--yes", code=2).stderr
    assert "contradict" in delayed(verb, "abc", "--all", "--yes", code=2).stderr
    assert delayed(verb, "-c", "Nobody").stdout.endswith("0 delayed jobs: none is like that\n")
    assert resque.count_all_scheduled_jobs() == 30
