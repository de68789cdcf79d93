"""What `pyresque failed` prints about failures."""

from __future__ import annotations

import json
import subprocess
from typing import Any

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


def test_failed_list_says_what_it_leaves_out(program: Program, resque: Resque) -> None:
    """A long list is cut to its newest 20, and says so on stderr."""
    for number in range(25):
        fail(resque, failure_id=f"id-{number:02}")
    done = program.run("failed", "list")
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == [f"id-{n:02}" for n in range(5, 25)]
    assert done.stderr == "the last 20 of 25; --limit 0 lists all\n"
    assert len(program.run("failed", "list", "--limit", "0").stdout.splitlines()) == 26


def test_failed_show(program: Program, resque: Resque) -> None:
    """`failed show` tells all about a failure, found by the beginning of its ID, safely for the terminal."""
    one = fail(resque)
    done = program.run("failed", "show", one[:8])
    assert done.returncode == 0
    for text in (one, "RubyJob", "boom \\x1b[31m", "second line", "/app/jobs.rb:7:in `perform'"):
        assert text in done.stdout
    assert lines(program.run("failed", "show", one, "--json")) == lines(
        program.run("failed", "list", "--json")
    )


def test_failed_show_of_what_is_no_record(program: Program, resque: Resque) -> None:
    """Bytes in the failed list that are not records are shown and can be removed."""
    resque.link.execute("RPUSH", "resque:failed", b"rubbish \x1b")
    (found,) = lines(program.run("failed", "list", "--json"))
    assert "rubbish \\x1b" in program.run("failed", "show", found["id"]).stdout
    retried = program.run("failed", "retry", found["id"])
    assert retried.returncode == 1
    assert one_line(retried.stderr)
    assert program.run("failed", "remove", found["id"]).returncode == 0
    assert resque.failures.count() == 0
