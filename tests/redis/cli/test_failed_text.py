"""What `pyresque failed` prints about failures."""

from __future__ import annotations

from pyresque import Resque
from tests.redis.cli.test_failed import fail, lines
from tests.unit.cli.program import Program, one_line


def test_failed_list_says_what_it_leaves_out(program: Program, resque: Resque) -> None:
    """A long list is cut to its newest 20, and says so on stderr."""
    for number in range(25):
        fail(resque, failure_id=f"id-{number:02}")
    done = program.run("failed", "list")
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == [f"id-{n:02}" for n in range(5, 25)]
    assert done.stderr == "the last 20 of 25; --page 2 has those before, --limit 0 lists all\n"
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
    assert program.run("failed", "remove", found["id"], "--yes").returncode == 0
    assert resque.failures.count() == 0
