"""What tests of commands share: the stage of delayed jobs, and the program that is run on it."""

import json
import os
import time

import pytest

from pyresque import Resque
from pyresque.wire import times
from pyresque.wire.records import JOB_WRAPPER
from tests.redis.cli.console import Console
from tests.redis.stage import Stage
from tests.unit.cli import in_process, warm

DAY = 86400
KINDS = (
    ("Pay", "Net::ReadTimeout", "no answer", "pay"),
    ("Reports::Monthly", "ValueError", "row 2 has no price", "reports"),
    ("Mail", "KeyError", "42", "mail"),
)


@pytest.fixture
def stage(resque, server):
    return Stage(resque, server.url)


@pytest.fixture
def console(server, resque):
    """Commands on the (empty) Redis of this test, in this process: quicker than the program."""
    return Console(server.url)


@pytest.fixture
def run(server, tmp_path):
    """Runs the program; returns (exit status, what it printed)."""

    def run(*words, status=0):
        done = warm.run(words, env={**os.environ, "REDIS_URL": server.url})
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


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

    def failed(*words: str, code: int = 0) -> in_process.Result:
        done = in_process.run("failed", *words, REDIS_URL=server.url, COLUMNS="200")
        assert done.exit_code == code, done.stdout + done.stderr
        return done

    return failed


def ids(done: in_process.Result) -> list[int]:
    """The numbers of the failures in a table."""
    return [int(line[:2]) for line in done.stdout.splitlines()[1:]]
