"""`pyresque failed` with filters, pages and groups: what is meant, what is said, and what is asked."""

from __future__ import annotations

import json

import pytest

from pyresque.wire import times
from tests.redis.cli.conftest import DAY, ids
from tests.unit.cli.in_process import run

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
