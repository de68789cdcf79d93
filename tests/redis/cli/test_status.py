"""`pyresque status`, and `enqueue` with what may be asked for beside the arguments."""

from __future__ import annotations

import pytest

from pyresque import job
from pyresque.registry import Registry
from pyresque.testing import drain
from tests.redis.cli.console import Console


@pytest.fixture
def worker(resque):
    """A Resque that knows the jobs which the commands only name."""
    resque.registry = Registry()

    @job(queue="math", name="Double", registry=resque.registry)
    def double(number):
        return number * 2

    @job(queue="math", name="Fail", registry=resque.registry)
    def fail():
        raise ValueError("no luck")

    return resque


def tracked(console: Console, *words: str) -> str:
    """The id that `enqueue --track` prints."""
    told = console.shown("enqueue", "-q", "math", *words, "--track")
    return told.splitlines()[1].split()[2]


def test_a_tracked_job_from_the_shell(console, worker):
    """Its id is printed; under it are its status and its result."""
    job_id = tracked(console, "Double", "21")
    assert console.shown("status", job_id).split() == ["id", job_id, "status", "queued"]
    drain(worker)
    [found] = console.documents("status", job_id)
    assert found.pop("message").startswith("Completed at ")  # as resque-status says it
    assert found == {
        "id": job_id, "status": "completed", "num": None, "total": None, "result": 42, "reason": None,
    }  # fmt: skip
    assert "result   42" in console.shown("status", job_id, "--wait", "1")


def test_a_job_that_failed_or_is_not_known(console, worker):
    """The exit code is 1, and the reason is told."""
    job_id = tracked(console, "Fail")
    with pytest.raises(ValueError, match="no luck"):
        drain(worker)
    done = console.run("status", job_id)
    assert done.exit_code == 1
    assert "status  failed" in done.stdout
    assert "reason  " in done.stdout
    assert "no luck" in done.stdout
    done = console.run("status", "\x1b[31m")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == ["id      \\x1b[31m", "status  unknown"]


def test_cancel(console, worker):
    """What waits does not begin; what is over cannot be cancelled."""
    job_id = tracked(console, "Double", "1")
    done = console.run("status", job_id, "--cancel")
    assert (done.exit_code, "status  killed" in done.stdout) == (1, True)
    drain(worker)
    done = console.run("status", job_id, "--cancel")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "is over already" in done.stderr


def test_expiry_uniqueness_and_the_head_of_the_queue(console, resque):
    """They are as `enqueue(ttl=, unique=, at_front=)` writes them."""
    console.shown("enqueue", "-q", "math", "Double", "1", "--unique", "--ttl", "10m")
    done = console.run("enqueue", "-q", "math", "Double", "1", "--unique")
    assert (done.exit_code, "an equal job waits already" in done.stderr) == (1, True)
    console.shown("enqueue", "-q", "math", "Double", "2", "--at-front")
    first, second = resque.peek("math", 0, 2)
    assert first["args"] == [2]
    assert {"class", "args"} < second.keys()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--at-front", "--in", "5"), "--at-front and --in"),
        (("--track", "--active-job"), "--track: an Active Job"),
        (("--ttl", "0"), "ttl"),
        (("--ttl", "soon"), "--ttl"),
    ],
)
def test_what_cannot_be(console, resque, words, reason):
    """Wrong usage is told, and nothing is enqueued."""
    done = console.run("enqueue", "-q", "math", "Double", "1", *words)
    assert done.exit_code in (1, 2)
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert resque.queues() == []
