"""`pyresque jobs`: what `-r` registers, and what waits that is not among it."""

from __future__ import annotations

import json

from pyresque import Resque
from pyresque.wire.records import JOB_WRAPPER
from tests.redis.cli.console import Console
from tests.unit.cli.program import Program

JOBS = """
from pyresque import Resque, Retry, active_job, job
from pyresque.plugins import Loner

class Strange:
    def __eq__(self, other): raise ValueError("no")
    def __repr__(self): raise ValueError("no")
    quiet = False
    def wants(self, error): return False
    def delay(self, attempt): return None
    def identifier(self, args): return ""
    def expiry(self, attempt): return None

@job(queue="mail", name="Users::WelcomeMailJob", timeout=60, retry=Retry(limit=3, backoff=[1, 10, 60]))
def welcome(user_id: int) -> None: ...

@job(queue="mail", name="WelcomeJob", plugins=[Loner(Resque("localhost:1"))])
async def later(user_id: int) -> None: ...

@job(queue="odd", name="OddJob", retry=Strange())
def odd() -> None: ...

@active_job.job("CleanupJob", queue="low", priority=5)
class Cleanup:
    def perform(self) -> None: ...
"""


def test_what_is_registered_and_what_waits(program: Program, resque: Resque) -> None:
    """Name, kind, queue and options; a misspelt class, and an Active Job that is registered with @job."""
    program.jobs(JOBS)
    for name in ("Users::WelcomMailJob", "Users::WelcomMailJob", "Users::WelcomeMailJob"):
        resque.enqueue(name, queue="mail")
    wrapped = {"class": JOB_WRAPPER, "args": [{"job_class": "WelcomeJob", "arguments": []}]}
    resque.link.execute("RPUSH", "resque:queue:mail", json.dumps(wrapped), b"no json")
    done = program.run("jobs", "-r", "jobs")
    assert (done.returncode, done.stderr) == (0, "")
    registered, waiting = done.stdout.split("\n\n")
    rows = {line.split()[0]: line for line in registered.splitlines()[1:]}
    assert list(rows) == ["CleanupJob", "Users::WelcomeMailJob", "WelcomeJob", "OddJob"]
    welcome = rows["Users::WelcomeMailJob"]
    assert " job " in welcome
    assert " mail " in welcome
    assert "timeout=60, retry=Retry(limit=3, backoff=[1, 10, 60])  jobs.welcome" in welcome
    assert " async job " in rows["WelcomeJob"]
    assert " Loner " in rows["WelcomeJob"]
    assert " Active Job  low" in rows["CleanupJob"]
    assert "retry=" in rows["OddJob"]
    assert [line.split()[:3] for line in waiting.splitlines()[2:]] == [
        ["mail", "2", "Users::WelcomMailJob:"], ["mail", "1", "WelcomeJob"],
    ]  # fmt: skip
    assert "did you mean Users::WelcomeMailJob?" in waiting
    assert "here it is registered with @job: use @active_job.job" in waiting
    found = list(map(json.loads, program.run("jobs", "-r", "jobs", "--json").stdout.splitlines()))
    assert [one.get("class") for one in found] == [*rows, None, None]
    cleanup = found[0]
    assert (cleanup["kind"], cleanup["is_class"], cleanup["options"]) == ("active_job", True, {"priority": 5})
    assert found[4]["unknown"]["near"] == ["Users::WelcomeMailJob"]


def test_without_redis_the_jobs_are_listed(program: Program) -> None:
    """What waits is not known then, which is said; --no-redis does not ask."""
    program.jobs(JOBS)
    done = program.run("jobs", "-r", "jobs", "--no-redis", "--redis", "localhost:1")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 5
    done = program.run("jobs", "-r", "jobs", "--redis", "localhost:1")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 5)
    assert "which jobs wait is not known: " in done.stderr


def test_without_jobs_each_class_that_waits_is_named(console: Console, resque: Resque) -> None:
    """There is one advice for all of them, and still each says which class it is."""
    resque.enqueue("Thumb", queue="images")
    resque.enqueue("Users::Mail", queue="mail")
    shown = console.shown("jobs").splitlines()
    assert [line.split()[:3] for line in shown[-2:]] == [
        ["images", "1", "Thumb:"], ["mail", "1", "Users::Mail:"],
    ]  # fmt: skip


def test_without_jobs(console: Console) -> None:
    """It is said what is missing."""
    assert "import yours with -r" in console.shown("jobs") or "CLASS" in console.shown("jobs")
