"""`pyresque ledger`: what each language has done of each class."""

from __future__ import annotations

import json

import pytest

from pyresque import Resque
from pyresque.store import counts
from pyresque.testing.redis_server import DevRedis
from tests.unit.cli.in_process import Result, run


@pytest.fixture
def both(resque: Resque) -> Resque:
    """A Ruby worker at work, and what Python has told."""
    resque.ledger()
    resque.link.execute("SADD", "resque:workers", "web:1:mail")
    working = {"queue": "mail", "run_at": "2026-11-30T21:00:00Z", "payload": {"class": "Mail", "args": []}}
    resque.link.execute("SET", "resque:worker:web:1:mail", json.dumps(working))
    resque.link.execute("INCRBY", "resque:stat:processed", 1_040)
    counts.count(resque.space, [("Report", 30, 4), ("Mail", 10, 0)], "t")
    resque.link.execute("UNLINK", "resque:pyresque:history:ruby")
    return resque


def ledger(server: DevRedis, *words: str) -> Result:
    done = run("ledger", *words, REDIS_URL=server.url)
    assert done.exit_code == 0, done.stderr
    return done


def test_each_class_and_language(both: Resque, server: DevRedis) -> None:
    """With a + where there may be more; the totals are apart, on stderr."""
    done = ledger(server)
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[0] == ["CLASS", "LANGUAGE", "PROCESSED", "FAILED", "LAST", "SEEN"]
    assert sorted(row[:4] for row in rows[1:]) == [
        ["Mail", "python", "10", "0"], ["Mail", "ruby", "1+", "0+"], ["Report", "python", "30", "4"],
    ]  # fmt: skip
    assert "Python has processed 40 jobs, Ruby 1,000" in done.stderr


def test_one_class_and_who_has_not_run_it(both: Resque, server: DevRedis) -> None:
    """This is what one asks before Ruby's side of a class is removed."""
    done = ledger(server, "Report")
    assert "Ruby was not seen to run any of these in 14 days, counted since 20" in done.stdout
    assert "Python was not seen" not in done.stdout
    assert "nothing was counted of Gone" in ledger(server, "Gone").stdout


def test_an_empty_redis(resque: Resque, server: DevRedis) -> None:
    """Nothing is a word."""
    assert ledger(server).stdout == "nothing was counted\n"


def test_days_that_are_not_kept(server: DevRedis) -> None:
    """14 days at most."""
    assert run("ledger", "--days", "15", REDIS_URL=server.url).exit_code == 2
