"""What a worker says of itself when it starts."""

import pytest

from pyresque import job
from pyresque.cli import banner, log_format
from pyresque.config.options import WorkerOptions


@pytest.fixture
def said(monkeypatch):
    """The facts of the announcement, instead of a line."""
    told = {}
    monkeypatch.setattr(log_format, "says_start", lambda: True)
    monkeypatch.setattr(log_format, "announce", lambda text, facts: told.update(facts, text=text))
    return told


def tell(resque, groups, options=None, async_jobs=None):
    banner.tell_start(resque, groups, options or WorkerOptions(), async_jobs, "")


def test_it_names_redis_queues_jobs_and_who_is_master(resque, said):
    job(queue="mail", name="Mail", registry=resque.registry)(lambda: None)
    job(queue="far", name="Far", registry=resque.registry)(lambda: None)
    job(name="Homeless", registry=resque.registry)(lambda: None)
    resque.link.execute("SET", resque.space.keys.master_lock(""), "host:5")
    tell(resque, [(["mail"], 2), (["low", "slow"], 1)])
    assert "3 workers start as" in said["text"]
    assert said["queues"] == ["mail (2 workers)", "low, slow (1 worker)"]
    assert said["jobs"] == [
        "mail: Mail", "(no queue of its own): Homeless", "far (no worker here listens to it): Far"
    ]  # fmt: skip
    assert said["scheduler"] == "host:5 is master"


@pytest.mark.parametrize(
    ("options", "async_jobs", "mode"),
    [
        (WorkerOptions(), None, "a process for each job"),
        (WorkerOptions(jobs_per_fork=5), None, "a process for 5 jobs, one after the other"),
        (WorkerOptions(fork_per_job=False), None, "one job after the other in the worker's own process"),
        (WorkerOptions(), 7, "7 async jobs at a time on one event loop"),
    ],
)
def test_how_jobs_are_run(resque, said, options, async_jobs, mode):
    tell(resque, [(["*"], 1)], options, async_jobs)
    assert said["mode"] == mode
    assert said["jobs"] == ["none is registered: import yours with -r"]
    assert said["scheduler"].startswith("none is master")


def test_a_lock_that_cannot_be_seen_is_told(resque, said):
    resque.link.execute("RPUSH", resque.space.keys.master_lock(""), "x")
    tell(resque, [(["*"], 1)])
    assert "WRONGTYPE" in said["scheduler"]
