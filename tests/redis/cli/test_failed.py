"""`pyresque failed` on a real Redis: looking at failures, putting jobs back, removing."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from pyresque import Resque
from tests.unit.cli.program import Program, one_line

RUBYS_FAILURE = {
    "failed_at": "2026/11/24 10:00:00 UTC",
    "payload": {"class": "RubyJob", "args": [1, "ü"]},
    "exception": "ArgumentError",
    "error": "boom \x1b[31m\nsecond line",
    "backtrace": ["/app/jobs.rb:7:in `perform'"],
    "worker": "rubyhost:4711:images,mail",
    "queue": "images",
}


def lines(done: subprocess.CompletedProcess[str]) -> list[Any]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def fail(resque: Resque, number: int = 1, **changes: Any) -> str:
    """Write a failure as Ruby does; returns its id."""
    one = f"0000000{number}-0000-4000-8000-000000000000"
    record = {**RUBYS_FAILURE, "failure_id": one, **changes}
    resque.link.execute("RPUSH", "resque:failed", json.dumps(record, ensure_ascii=False))
    return one


def test_failed_list(program: Program, resque: Resque) -> None:
    """`failed list` shows the newest failures last, or those of a queue; the JSON has all of each record."""
    assert program.run("failed").stdout == "no failures\n"
    first, second = fail(resque, 1), fail(resque, 2, queue="mail")
    found = lines(program.run("failed", "list", "--json"))
    assert [one["id"] for one in found] == [first, second]
    wanted = {**RUBYS_FAILURE, "failed_at": "2026-11-24T10:00:00Z"}
    assert wanted.items() <= found[0].items()
    assert (found[0]["class"], found[0]["args"], found[0]["retried_at"]) == ("RubyJob", [1, "ü"], None)
    assert [one["id"] for one in lines(program.run("failed", "list", "-n", "1", "--json"))] == [second]
    assert [one["id"] for one in lines(program.run("failed", "list", "-q", "images", "--json"))] == [first]
    shown = program.run("failed", "list").stdout
    assert 'RubyJob [1,"ü"]' in shown
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 3


@pytest.mark.parametrize("verb", ["show", "retry", "remove"])
def test_failed_with_an_unknown_or_unclear_id(program: Program, resque: Resque, verb: str) -> None:
    """An ID that fits no failure, or several, ends with exit code 1 and changes nothing."""
    fail(resque, 1), fail(resque, 2)
    for record_id in ("zzz", "0000000", ""):
        done = program.run("failed", verb, record_id)
        assert done.returncode == 1
        assert one_line(done.stderr)
        assert "pyresque failed list" in done.stderr
    assert resque.failures.count() == 2
    assert resque.queues() == []


def test_failed_retry_by_id(program: Program, resque: Resque) -> None:
    """`failed retry ID` puts the job back; the record stays and is marked, as in Ruby."""
    one = fail(resque)
    done = program.run("failed", "retry", one[:8])
    assert done.returncode == 0
    assert done.stdout == 'put back RubyJob [1,"ü"] of queue images (00000001)\n'
    assert resque.link.execute("LRANGE", "resque:queue:images", 0, -1) == [
        '{"class":"RubyJob","args":[1,"ü"]}'.encode()
    ]
    assert resque.failures.list()[0].text("retried_at")


def test_failed_retry_of_many(program: Program, resque: Resque) -> None:
    """--queue and --all put back what has not been put back yet; --again takes the others too."""
    fail(resque, 1), fail(resque, 2, queue="mail"), fail(resque, 3, queue="mail")
    assert program.run("failed", "retry", "--queue", "mail", "--yes").stdout == "put 2 jobs back\n"
    done = program.run("failed", "retry", "--all", "--yes")
    assert done.stdout.startswith("put 1 job back; 2 had been put back before")
    assert resque.queue_sizes() == {"images": 1, "mail": 2}
    assert program.run("failed", "retry", "--all", "--yes", "--again").stdout == "put 3 jobs back\n"
    assert resque.queue_sizes() == {"images": 2, "mail": 4}


def test_failed_retry_puts_a_failure_of_two_lists_back_once(program: Program, resque: Resque) -> None:
    """Several failure backends write one failure to several lists: its job is put back once, not twice."""
    fail(resque, 1)
    [raw] = resque.link.execute("LRANGE", "resque:failed", 0, -1)
    resque.link.execute("RPUSH", "resque:images_failed", raw)
    resque.link.execute("SADD", "resque:failed_queues", "images_failed")
    assert program.run("failed", "retry", "--all", "--yes").stdout == "put 1 job back\n"
    assert program.run("failed", "retry", "--all", "--yes").stdout.startswith("put 0 jobs back")
    assert resque.size("images") == 1


def test_failed_remove(program: Program, resque: Resque) -> None:
    """`failed remove` removes just the failures that are named."""
    one, other = fail(resque, 1), fail(resque, 2)
    assert program.run("failed", "remove", one, "--yes").returncode == 0
    assert [record.id for record in resque.failures.list()] == [other]


def test_failed_clear_retried(program: Program, resque: Resque) -> None:
    """`failed clear --retried` removes those that were put back."""
    one, other = fail(resque, 1), fail(resque, 2)
    program.run("failed", "retry", one)
    assert program.run("failed", "clear", "--retried", "--yes").stdout == "removed 1 failure\n"
    assert [record.id for record in resque.failures.list()] == [other]


def test_failed_clear_asks(program: Program, resque: Resque) -> None:
    """`failed clear` removes all with --yes; without it and without an answer, nothing: exit code 1."""
    fail(resque, 1), fail(resque, 2)
    assert program.run("failed", "clear").returncode == 1
    assert resque.failures.count() == 2
    assert program.run("failed", "clear", "--yes").stdout == "removed 2 failures\n"
    assert resque.failures.count() == 0


def test_failed_clear_takes_every_list(program: Program, resque: Resque) -> None:
    """Those of the multi-queue backend too, whatever FAILURE_BACKEND says."""
    for key in ("failed", "images_failed"):
        for more in ({}, {"retried_at": "2026/11/24 10:00:00"}):
            resque.link.execute("RPUSH", f"resque:{key}", json.dumps({**RUBYS_FAILURE, **more}))
    resque.link.execute("SADD", "resque:failed_queues", "images_failed")
    assert program.run("failed", "clear", "--retried", "--yes").stdout == "removed 1 failure\n"
    assert program.run("failed", "clear", "--yes").stdout == "removed 1 failure\n"
    assert resque.failures.count() == 0
