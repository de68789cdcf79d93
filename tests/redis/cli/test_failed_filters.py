"""`pyresque failed` with filters, pages and groups: what is meant, what is said, and what is asked."""

from __future__ import annotations

import json
import time

import pytest

from pyresque import Resque
from pyresque.wire import times
from pyresque.wire.records import JOB_WRAPPER
from tests.unit.cli.in_process import Result, run

DAY = 86400
KINDS = (
    ("Pay", "Net::ReadTimeout", "no answer", "pay"),
    ("Reports::Monthly", "ValueError", "row 2 has no price", "reports"),
    ("Mail", "KeyError", "42", "mail"),
)


@pytest.fixture
def failures(resque: Resque) -> Resque:
    """Thirty failures of three classes, one of them an Active Job's; a day lies between two of them."""
    now = time.time()
    for number in range(30):
        name, exception, error, queue = KINDS[number % 3]
        payload = {"class": name, "args": [number]}
        if name == "Mail":
            payload = {"class": JOB_WRAPPER, "args": [{"job_class": "Mail", "arguments": [number]}]}
        record = {
            "failed_at": times.failed_at(now - (29 - number) * DAY - 60), "payload": payload, "queue": queue,
            "exception": exception, "error": error, "backtrace": [f"app.py:{number % 2}"],
            "failure_id": f"{number:02}000000-0000-4000-8000-000000000000",
        }  # fmt: skip
        resque.link.execute("RPUSH", "resque:failed", json.dumps(record))
    return resque


@pytest.fixture
def failed(failures, server):
    """`pyresque failed ...` in this process."""

    def failed(*words: str, code: int = 0) -> Result:
        done = run("failed", *words, REDIS_URL=server.url, COLUMNS="200")
        assert done.exit_code == code, done.stdout + done.stderr
        return done

    return failed


def ids(done: Result) -> list[int]:
    """The numbers of the failures in a table."""
    return [int(line[:2]) for line in done.stdout.splitlines()[1:]]


def left(resque: Resque) -> int:
    return resque.failures.count()


# --- what is meant -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (("--class", "Mail"), range(2, 30, 3)),
        (("--class", "Reports::*"), range(1, 30, 3)),
        (("-c", "Mail", "-c", "Pay", "--since", "4d"), [26, 27, 29]),
        (("--exception", "*Timeout"), range(0, 30, 3)),
        (("--queue", "mail", "--until", "20d"), [2, 5, 8]),
        (("--text", "no price", "--since", "1h"), []),
        (("--text", "no price", "--since", "2d"), [28]),
        (("--retried",), []),
        (("--not-retried", "--class", "Pay"), range(0, 30, 3)),
        (("--class", "pay"), []),
        (("--class", "Pay", "--queue", "mail"), []),
    ],
)
def test_filters(failed, words, numbers):
    """Each narrows the list; an Active Job is found by its own class."""
    assert ids(failed("list", "--limit", "0", *words)) == [*numbers]
    found = failed("list", "--json", *words).stdout.splitlines()
    assert [int(json.loads(line)["id"][:2]) for line in found] == [*numbers]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--since", "soon"), "is neither a length of time"),
        (("--until", ""), "is neither a length of time"),
        (("--text", ""), "--text is empty"),
        (("--page", "0"), "is not in the range"),
        (("--sort", "size"), "'size' is not one of"),
    ],
)
def test_filters_that_mean_nothing(failed, words, said):
    """Wrong usage, with exit code 2."""
    assert said in failed("list", *words, code=2).stderr


def test_a_filter_that_fits_nothing_says_where_to_look(failed):
    """So that a slip of the pen is seen."""
    assert failed("list", "-q", "nosuch").stdout == (
        "no failures are like that; `pyresque failed groups` shows which there are\n"
    )


ALL = ", --limit 0 lists all\n"
BEFORE = f"; --page 2 has those before{ALL}"

# --- pages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "numbers", "said"),
    [
        ((), range(10, 30), "the last 20 of 30" + BEFORE),
        (("-p", "2"), range(10), "21 to 30 of 30, --limit 0 lists all\n"),
        (("-p", "2", "-n", "5"), range(20, 25), "6 to 10 of 30; --page 3 has those before" + ALL),
        (("--sort", "newest", "-n", "3"), (29, 28, 27), "the last 3 of 30" + BEFORE),
        (("--sort", "oldest", "-n", "3"), (0, 1, 2), "1 to 3 of 30; --page 2 has those after" + ALL),
        (("--sort", "queue", "-n", "11"), [*range(2, 30, 3), 0], None),
        (("--sort", "class", "-n", "10", "-p", "2"), range(0, 30, 3), None),
        (("--class", "Pay", "-n", "9"), range(3, 30, 3), "there are more: --page 2 goes on" + ALL),
        (("--class", "Pay", "-n", "10"), range(0, 30, 3), ""),
        (("-n", "0"), range(30), ""),
        (("-n", "0", "--sort", "newest"), range(29, -1, -1), ""),
    ],
)  # fmt: skip
def test_pages(failed, words, numbers, said):
    """The newest last, unless it is asked otherwise; what is on other pages is told on stderr."""
    done = failed("list", *words)
    assert ids(done) == [*numbers]
    if said is not None:
        assert done.stderr == said


def test_a_page_behind_the_last(failed):
    """It is empty, and says so."""
    assert failed("list", "-p", "9").stdout == "no failures on page 9\n"
    assert failed("groups", "-p", "9").stdout == "no failures on page 9\n"
    assert failed("list", "-p", "9", "--json").stdout == ""


# --- groups --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("class", ["Mail", "Pay", "Reports::Monthly"]),
        ("exception", ["KeyError", "Net::ReadTimeout", "ValueError"]),
        ("queue", ["mail", "pay", "reports"]),
        ("frame", ["app.py:0", "app.py:1"]),
    ],
)
def test_groups(failed, by, keys):
    """How many of each, with an example; filters narrow it."""
    found = [json.loads(line) for line in failed("groups", "--by", by, "--json").stdout.splitlines()]
    assert [(one["key"], one["count"]) for one in found] == [(key, 30 // len(keys)) for key in keys]
    shown = failed("groups", "--by", by).stdout.splitlines()
    assert shown[0].split() == ["COUNT", by.upper(), "FIRST", "LAST", "EXAMPLE"]
    assert [line.split()[:2] for line in shown[1:]] == [[str(30 // len(keys)), key] for key in keys]


def test_groups_of_some(failed):
    """`first` and `last` are times, and the example can be shown."""
    [line] = failed("groups", "--class", "Pay", "--since", "10d", "--json").stdout.splitlines()
    one = json.loads(line)
    assert (one["key"], one["count"]) == ("Pay", 3)
    assert times.parse(one["last"]) - times.parse(one["first"]) == 6 * DAY
    assert json.loads(failed("show", one["example"], "--json").stdout)["class"] == "Pay"
    assert len(failed("groups", "--by", "hour").stdout.splitlines()) == 21
    assert "--page goes on" in failed("groups", "--by", "hour").stderr


# --- what is asked -------------------------------------------------------------------------------------


def test_retry_of_some(failed, failures):
    """With filters those jobs go back, and are marked; the others stay as they are."""
    assert failed("retry", "--class", "Pay", "--since", "10d", "--yes").stdout == "put 3 jobs back\n"
    assert failures.queue_sizes() == {"pay": 3}
    assert ids(failed("list", "--retried")) == [21, 24, 27]
    assert failed("retry", "--queue", "pay", "--yes").stdout.startswith(
        "put 7 jobs back; 3 had been put back"
    )


@pytest.mark.parametrize("words", [("retry",), ("remove",)])
def test_nothing_is_meant_without_a_word(failed, failures, words):
    """IDs, filters or --all; an empty variable of a shell is none of them."""
    assert "say which: IDs, or filters" in failed(*words, "--yes", code=2).stderr
    assert "contradict" in failed(*words, "00000000", "--all", "--yes", code=2).stderr
    assert left(failures) == 30


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("retry", "--all"), "put back 30 jobs (10 Mail, 10 Pay, 10 Reports::Monthly)"),
        (("retry", "--class", "Reports::*"), "put back 10 jobs (10 Reports::Monthly)"),
        (("remove", "--exception", "KeyError"), "remove 10 failures (10 Mail)"),
        (("remove", "00000000", "03000000", "01000000"), "remove 3 failures (2 Pay, 1 Reports::Monthly)"),
        (("clear",), "remove 30 failures (10 Mail, 10 Pay, 10 Reports::Monthly)"),
        (("clear", "--until", "28d"), "remove 2 failures (1 Pay, 1 Reports::Monthly)"),
    ],
)
def test_what_is_asked_and_tried(failed, failures, words, said):
    """How many of which classes; without an answer, and in a dry run, nothing is done."""
    assert failed(*words, "--dry-run").stdout == f"would {said}\n"
    assert failed(*words, "--dry-run", "--yes").stdout == f"would {said}\n"
    done = failed(*words, code=1)
    assert f"{said[0].upper()}{said[1:]}? [y/N]" in done.stderr
    assert "nothing was done; --yes does it without a question" in done.stderr
    assert (left(failures), failures.queues(), ids(failed("list", "--retried"))) == (30, [], [])
    assert failed(*words, "--yes").stderr == ""
    assert (left(failures) < 30) == (words[0] != "retry")
    assert bool(failures.queues()) == (words[0] == "retry")


def test_a_dry_run_of_ids(failed, failures):
    """Each is named, and nothing is put back."""
    done = failed("retry", "00000000", "01000000", "--dry-run")
    assert done.stdout == (
        "would put back Pay [0] of queue pay (00000000)\n"
        "would put back Reports::Monthly [1] of queue reports (01000000)\n"
    )
    assert failures.queues() == []


def test_a_dry_run_tells_what_it_would_leave_alone(failed):
    """As the run itself would."""
    failed("retry", "--class", "Pay", "--since", "10d", "--yes")
    assert failed("retry", "--class", "Pay", "--dry-run").stdout == (
        "would put back 7 jobs (7 Pay); "
        "3 had been put back before and were left alone (--again takes them too)\n"
    )
    assert (
        failed("retry", "--class", "Pay", "--again", "--dry-run").stdout
        == "would put back 10 jobs (10 Pay)\n"
    )


@pytest.mark.parametrize(
    "words", [("retry", "-c", "Nobody"), ("remove", "-c", "Nobody"), ("clear", "-c", "Nobody")]
)
def test_where_nothing_is_like_that_nothing_is_asked(failed, failures, words):
    """And it is said that there was nothing."""
    done = failed(*words)
    assert done.stdout.split()[1] == "0"
    assert "is like that" in done.stdout
    assert left(failures) == 30


def test_ids_and_filters_narrow_each_other(failed, failures):
    """Of the named ones only those that the filter fits."""
    failed("remove", "00000000", "01000000", "--class", "Pay", "--yes")
    assert left(failures) == 29
    assert "no failure has the ID 00000000" in failed("show", "00000000", code=1).stderr


def test_an_id_that_several_begin_with(failed):
    """They are named; before, one had to guess which."""
    said = failed("show", "2", code=1).stderr
    assert said.startswith(
        "Error: several failures have IDs that begin with 2: 20000000, 21000000, 22000000,"
    )
    assert said.endswith("24000000, ...; `pyresque failed list` lists them\n")


# --- many ----------------------------------------------------------------------------------------------


def test_ten_thousand_failures(resque, server):
    """Any list, group and action takes a bounded number of round trips; nothing is lost or doubled."""
    records = [
        json.dumps({
            "failed_at": "2026/11/30 12:00:00 UTC", "payload": {"class": f"Job{n % 5}", "args": [n]},
            "queue": "q", "exception": "E", "error": "x", "backtrace": [], "failure_id": f"id-{n}",
        })
        for n in range(10_000)
    ]  # fmt: skip
    resque.link.execute("RPUSH", "resque:failed", *records)
    run_ = lambda *words: run("failed", *words, REDIS_URL=server.url)  # noqa: E731
    assert run_("groups").stdout.split()[5:7] == ["2000", "Job0"]
    assert run_("retry", "--class", "Job1", "--yes").stdout == "put 2000 jobs back\n"
    assert sorted(job["args"][0] for job in resque.peek("q", 0, 10_000)) == [*range(1, 10_000, 5)]
    assert run_("remove", "--class", "Job2", "--yes").stdout == "removed 2000 failures\n"
    assert resque.failures.count() == 8000
