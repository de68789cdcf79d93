"""Hooks about each job of every class, async hooks of a worker, and log lines in spite of the application."""

from __future__ import annotations

import json

import pytest

from pyresque import Resque
from pyresque.testing import drain
from tests.redis.test_arguments import MODES
from tests.unit.cli.program import Program

JOBS = """
import asyncio, json, os
from pyresque import DontPerform, active_job, hooks, job

def note(*words):
    with open(os.environ["NOTES"], "a") as file:
        file.write(json.dumps(words) + "\\n")

@hooks.before_job
async def before(job):
    await asyncio.sleep(0)
    name = job.payload.job_class
    note("before", name)
    if name == "Refused":
        raise ValueError("no database")
    if name == "Skipped":
        raise DontPerform

@hooks.after_job
def after(job):
    note("after", job.payload.job_class)
    raise LookupError("what an after_job hook raises changes nothing")

@hooks.before_first_fork
async def first():
    await asyncio.sleep(0)
    note("first")

@hooks.worker_exit
async def last():
    await asyncio.sleep(0)
    note("last")

@job(queue="q", name="Done")
async def done(): note("run", "Done")
@job(queue="q", name="Fails")
async def fails(): raise ValueError("x")
@job(queue="q", name="Refused")
async def refused(): note("run", "Refused")
@job(queue="q", name="Skipped")
async def skipped(): note("run", "Skipped")
@active_job.job("WelcomeJob", queue="q")
async def welcome(): note("run", "WelcomeJob")
"""


@pytest.mark.parametrize("mode", [*MODES, "pool"])
def test_hooks_about_every_job(mode: str, program: Program, resque: Resque) -> None:
    """They run about each job, whatever becomes of it; one before it can fail it or skip it."""
    program.jobs(JOBS)
    names = ["Done", "Fails", "Refused", "Skipped"]
    for name in names:
        resque.enqueue(name, queue="q")
    payload = {"job_class": "WelcomeJob", "job_id": "1", "queue_name": "q", "arguments": []}
    resque.push("q", {"class": "ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper", "args": [payload]})
    notes = program.folder / "notes"
    flags = {"async": ["--async-concurrency", "1"], "pool": ["-n", "1", "-c", "pool.yml"]}.get(mode)
    if mode == "pool":
        (program.folder / "pool.yml").write_text("q: 1\n")
        flags = ["-c", "pool.yml"]
    words = ["work", "--burst", "-r", "jobs", *(MODES[mode] if flags is None else flags)]
    done = program.run(*words, *([] if mode == "pool" else ["-q", "q"]), NOTES=str(notes))
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in notes.read_text().splitlines()]
    assert found[0] == ["first"]
    assert found[-1] == ["last"]
    expected = []
    for name in [*names, "WelcomeJob"]:
        ran = [["run", name]] if name in ("Done", "WelcomeJob") else []
        expected += [["before", name], *ran, ["after", name]]
    assert found[1:-1] == expected
    failed = {one.class_name: one.text("error") for one in resque.failures.list(0, 10)}
    assert failed == {"Fails": "x", "Refused": "no database"}
    assert "an after_job hook failed after Done(" in done.stderr


def test_they_run_in_tests_of_an_application_too(resque: Resque) -> None:
    """`drain` and `inline` run a job as a worker does."""
    seen: list[str] = []
    resque.registry.worker_hooks.add("before_job", lambda job: seen.append(f"before {job.payload.job_class}"))
    resque.registry.worker_hooks.add("after_job", lambda job: seen.append(f"after {job.payload.job_class}"))
    from pyresque import job

    @job(queue="q", name="J", registry=resque.registry)
    def work() -> None:
        seen.append("run")

    resque.enqueue(work)
    drain(resque)
    assert seen == ["before J", "run", "after J"]


LOGGING = {
    "dictConfig": 'logging.config.dictConfig({"version": 1})',
    "dictConfig with a root": 'logging.config.dictConfig({"version": 1, "root": {"level": "CRITICAL"}})',
    "disable": "logging.disable(logging.CRITICAL)",
    "all off": "for one in [*logging.root.manager.loggerDict]: logging.getLogger(one).disabled = True",
    "handlers taken away": 'logging.getLogger("pyresque").handlers.clear()',
    "another level": 'logging.getLogger("pyresque").setLevel(100)',
    "imported before": 'import pyresque.worker; logging.config.dictConfig({"version": 1})',
}


@pytest.mark.parametrize("mode", ["fork", "async", "scheduler"])
@pytest.mark.parametrize("text", LOGGING.values(), ids=LOGGING)
def test_warnings_at_the_start_are_heard(mode: str, text: str, program: Program, resque: Resque) -> None:
    """Whatever the application has done to logging: a Redis that may throw jobs away is told of."""
    program.jobs(f"import logging, logging.config\n{text}\nfrom pyresque import job\n"
                 "@job(queue='q')\nasync def work(): ...\n")  # fmt: skip
    resque.link.execute("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    resque.link.execute("CONFIG", "SET", "maxmemory", "1gb")
    try:
        if mode == "scheduler":
            one = program.start("scheduler", "-r", "jobs")
            assert one.stderr is not None
            told = one.stderr.readline()
            one.terminate()
            one.communicate(timeout=60)
        else:
            told = program.run("work", "--burst", "-q", "q", "-r", "jobs", *MODES[mode]).stderr
    finally:
        resque.link.execute("CONFIG", "SET", "maxmemory-policy", "noeviction")
        resque.link.execute("CONFIG", "SET", "maxmemory", "0")
    assert "allkeys-lru" in told


def test_an_application_that_means_our_lines_has_them(program: Program) -> None:
    """Handlers that it gives to the logger `pyresque` stay."""
    program.jobs(
        "import logging.config\nlogging.config.dictConfig({'version': 1, 'formatters': {'f': {'format': "
        "'MINE %(message)s'}}, 'handlers': {'h': {'class': 'logging.StreamHandler', 'formatter': 'f'}}, "
        "'loggers': {'pyresque': {'handlers': ['h'], 'level': 'INFO', 'propagate': False}}})\n"
    )
    assert "MINE no job is registered" in program.run("work", "--burst", "-q", "q", "-r", "jobs").stderr
