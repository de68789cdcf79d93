"""`pyresque failed` and what was put aside: it is seen, goes back, and goes with its record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pyresque import Resque
from tests.redis.cli.test_failed import lines
from tests.redis.cli.test_failed_retry import delay
from tests.unit.cli.program import Program, until

MAILING = """
import os
from pyresque import Retry, job

def away():
    if not os.path.exists("up"):
        raise ConnectionError("away")

@job(queue="mail", name="Mailer", retry=Retry(limit=3, backoff=1))
class Mailer:
    @staticmethod
    def perform(n):
        away()
        with open("mailed", "a") as file:
            print(n, file=file)

    @staticmethod
    def before_enqueue_quota(n):
        if os.path.exists("full"):
            away()
"""
PAST = 1_000_000_000


class Post:
    """A mailer whose quota service is away, and what the programs make of its jobs."""

    def __init__(self, program: Program, resque: Resque) -> None:
        self.program, self.resque, self.folder = program, resque, program.folder
        program.jobs(MAILING, "mailing.py")
        (self.folder / "full").touch()

    def run(self) -> None:
        """Run a scheduler and a worker until nothing is delayed or waits."""
        with self.program.start("scheduler", "-r", "mailing", "-q", "-i", "0.1") as scheduler:
            until(lambda: self.resque.count_all_scheduled_jobs() == 0)
            scheduler.terminate()
            scheduler.communicate(timeout=60)
        assert self.program.run("work", "-q", "mail", "-r", "mailing", "--burst").returncode == 0

    def failed(self, *words: str) -> str:
        """What `pyresque failed ...` prints."""
        done = self.program.run("failed", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def put_aside(self) -> list[Any]:
        """What `failed list` tells of each failure: its class, and where what was put aside came from."""
        found = lines(self.program.run("failed", "list", "--json"))
        return [(one["class"], one["put_aside"] and one["put_aside"].split(":")[0]) for one in found]

    def mailed(self) -> list[str]:
        """What was mailed, each time."""
        file = Path(self.folder / "mailed")
        return file.read_text().split() if file.exists() else []

    def aside_keys(self) -> list[bytes]:
        """The lists of what is aside."""
        return list(self.resque.link.execute("KEYS", "resque:pyresque:aside:*"))


@pytest.fixture
def post(program: Program, resque: Resque) -> Post:
    """A mailer, three delayed jobs that cannot be queued (by a hook, no queue, no job), and a bad element."""
    post = Post(program, resque)
    delay(resque, {"class": "Mailer", "args": [7], "queue": "mail"}, PAST)
    delay(resque, {"class": "NoQueueJob", "args": [1]}, PAST)
    delay(resque, b"rubbish \x1b", PAST)
    resque.link.execute("RPUSH", "resque:queue:mail", b"no \xff job")
    resque.link.execute("SADD", "resque:queues", "mail")
    post.run()
    return post


def test_what_was_put_aside_is_seen(post: Post) -> None:
    """`failed list` and `show` name it, with its job or its bytes, safely, and what can be done."""
    assert sorted(post.put_aside(), key=str) == sorted(
        [("Mailer", "delayed"), ("NoQueueJob", "delayed"), (None, "delayed"), (None, "queue")], key=str
    )
    shown = post.failed("list")
    assert shown.count("put aside\n") == 4
    assert "(no job) rubbish \\x1b" in shown
    for one in post.resque.failures.list():
        text = post.failed("show", one.id)
        assert "`failed retry` puts it back there, `failed remove` removes it for good" in text
        assert "\x1b" not in text


def test_it_goes_back_where_it_came_from(post: Post) -> None:
    """By ID and with --all: a delayed job is due at once, and its hooks run again; it is mailed once."""
    (post.folder / "up").touch()
    (mailer,) = (one for one in post.resque.failures.list() if one.class_name == "Mailer")
    assert "; it was delayed, and is due now" in post.failed("retry", mailer.id)
    assert [job.class_name for job in post.resque.each_delayed()] == ["Mailer"]
    assert post.failed("retry", "--all", "--yes").startswith(
        "put 3 jobs back; 1 had been put back before and was left"
    )
    assert post.aside_keys() == []
    assert post.put_aside() == [(one, None) for one, _ in post.put_aside()]
    post.run()
    assert post.mailed() == ["7"]
    assert post.failed("retry", "--all", "--yes").startswith("put 3 jobs back; 4 had been")


def test_a_second_time_by_id_there_is_nothing(post: Post) -> None:
    """Whoever insists is told that it has gone back; nothing is doubled."""
    (post.folder / "up").touch()
    for one in post.resque.failures.list():
        post.failed("retry", one.id)
    for one in post.resque.failures.list():
        done = post.program.run("failed", "retry", one.id, "--yes")
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
    post.run()
    assert post.mailed() == ["7"]


def test_removing_the_record_removes_what_was_put_aside(post: Post) -> None:
    """`failed remove` says so; nothing is left that nobody can see."""
    for one in post.resque.failures.list():
        assert post.failed("remove", one.id, "--yes").endswith(", with what was put aside\n")
    assert (post.resque.failures.count(), post.aside_keys()) == (0, [])


def test_clearing_says_what_goes(post: Post) -> None:
    """`failed clear` counts what was put aside, in its question and in its answer."""
    done = post.program.run("failed", "clear", answer="n\n")
    assert (done.returncode, len(post.resque.failures.list())) == (1, 4)
    assert (
        "Remove 4 failures (2 (no class), 1 Mailer, 1 NoQueueJob), and 4 jobs that were put aside?"
        in done.stderr
    )
    post.failed("retry", post.resque.failures.list()[0].id)
    assert post.failed("clear", "--retried", "--yes") == "removed 1 failure\n"
    assert post.failed("clear", "--yes") == "removed 3 failures, and 3 jobs that were put aside\n"
    assert (post.resque.failures.count(), post.aside_keys()) == (0, [])


def test_an_attempt_that_was_put_aside_is_not_doubled(program: Program, resque: Resque) -> None:
    """A job fails, and its next attempt is put aside in the same outage: --all puts it back once."""
    post = Post(program, resque)
    (post.folder / "full").unlink()
    resque.enqueue("Mailer", 1, queue="mail")
    assert program.run("work", "-q", "mail", "-r", "mailing", "--burst").returncode == 0
    (post.folder / "full").touch()
    post.run()
    assert post.put_aside() == [("Mailer", None), ("Mailer", "delayed")]
    assert "retry put aside with " in post.failed("list")
    first = resque.failures.list()[0]
    done = program.run("failed", "retry", first.id)
    assert done.returncode == 1
    assert "was put aside at its automatic attempt, with the failure" in done.stderr
    assert post.failed("retry", "--all", "--yes").startswith("put 1 job back; 1 was left alone")
    (post.folder / "up").touch()
    post.run()
    assert post.mailed() == ["1"]


@pytest.mark.parametrize(
    "record",
    [
        b'{"payload" : "no job", "queue": "mail", "failed_at": "x", "failure_id": "a"}',
        b'{"p\\u0061yload":"no job","queue":"mail","failed_at":"x","failure_id":"a"}',
    ],
)
def test_a_record_of_an_odd_writer(program: Program, resque: Resque, record: bytes) -> None:
    """It looks as if something had been put aside, in a spelling that nobody of ours writes."""
    resque.link.execute("RPUSH", "resque:failed", record)
    assert "put aside" in program.run("failed", "list").stdout
    done = program.run("failed", "retry", "--all", "--yes")
    assert done.returncode == 1
    assert "is not in the list resque:pyresque:aside:queue:mail any more" in done.stderr
    assert done.stdout == "put 0 jobs back\n"
    assert program.run("failed", "remove", "a", "--yes").returncode == 0
