"""`pyresque dequeue`: jobs of a class leave their queue, plain ones and Active Jobs."""

from __future__ import annotations

import pytest

from pyresque import Resque, active_job
from tests.unit.cli.in_process import Result, run
from tests.unit.cli.program import Program


@pytest.fixture
def queue(resque: Resque) -> Resque:
    """A queue with plain jobs and Active Jobs, some of both named alike."""
    for number in (1, 1, 2):
        resque.enqueue("Mail", number, queue="mail")
        active_job.enqueue(resque, "Mail", number, queue="mail", lang="de")
    resque.enqueue("Other", 1, queue="mail")
    resque.link.execute("RPUSH", "resque:queue:mail", b"no json", b"[1]")
    return resque


@pytest.fixture
def dequeue(queue, server):
    """`pyresque dequeue -q mail ...` in this process."""

    def dequeue(*words: str, code: int = 0, answer: str = "") -> Result:
        done = run("dequeue", "-q", "mail", *words, REDIS_URL=server.url, answer=answer)
        assert done.exit_code == code, done.stdout + done.stderr
        return done

    return dequeue


@pytest.mark.parametrize(
    ("words", "found", "named"),
    [
        (("Mail",), 3, "Mail"),
        (("Mail", "1"), 2, "Mail [1]"),
        (("--active-job", "Mail"), 3, "Mail"),
        (("--active-job", "Mail", "1", '{"lang": "de"}'), 2, 'Mail [1,{"lang":"de"}]'),
    ],
)
def test_jobs_are_asked_about_and_removed(dequeue, queue, words, found, named):
    """How many there are; a plain job and an Active Job of one name are two things."""
    said = f"remove {found} jobs {named} of queue mail"
    before = queue.size("mail")
    assert dequeue(*words, "--dry-run").stdout == f"would {said}\n"
    assert f"R{said[1:]}? [y/N]" in dequeue(*words, code=1).stderr
    assert queue.size("mail") == before
    assert dequeue(*words, "--yes").stdout == f"removed {found} jobs of queue mail\n"
    assert queue.size("mail") == before - found
    assert dequeue(*words).stdout == f"no job {named} waits on queue mail\n"


@pytest.mark.parametrize(
    "words",
    [
        ("Mail", "3"),
        ("Mail", "1", "2"),
        ("Nobody",),
        ("--active-job", "Mail", "1"),
        ("--active-job", "Other"),
    ],
)
def test_where_there_is_none_it_is_said(dequeue, queue, words):
    """Other arguments, or another kind of job, are another job."""
    before = queue.size("mail")
    assert dequeue(*words).stdout.startswith("no job ")
    assert queue.size("mail") == before


def test_the_queue_and_hooks_of_a_job_that_is_imported(program: Program, resque: Resque) -> None:
    """With -r its own queue is looked at, and its hook may refuse; an Active Job is known as one."""
    program.jobs(
        "from pyresque import active_job, job\n"
        "@active_job.job('Sync', queue='imports')\n"
        "def sync(number: int): ...\n"
        "@job(queue='images', name='Keep')\n"
        "class Keep:\n"
        "    @staticmethod\n"
        "    def perform(*args): ...\n"
        "    @staticmethod\n"
        "    def before_dequeue_no(*args): return False\n"
    )
    active_job.enqueue(resque, "Sync", 5, queue="imports")
    resque.enqueue("Keep", 1, queue="images")
    assert (
        program.run("dequeue", "-r", "jobs", "Sync", "5", "--yes").stdout
        == "removed 1 job of queue imports\n"
    )
    done = program.run("dequeue", "-r", "jobs", "Keep", "--yes")
    assert done.returncode == 1
    assert "hook of Keep refused it" in done.stderr
    assert (resque.size("imports"), resque.size("images")) == (0, 1)


def test_without_a_queue(server) -> None:
    """It is wrong usage, as of `enqueue`."""
    done = run("dequeue", "Mail", REDIS_URL=server.url)
    assert done.exit_code == 2
    assert "write -q QUEUE" in done.stderr
