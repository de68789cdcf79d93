"""Active Jobs that are `async def`, several at a time on one event loop."""

import asyncio
import os
import signal

import pytest

from pyresque import active_job
from pyresque.config import Stopping, WorkerOptions
from pyresque.errors import DirtyExit
from pyresque.worker.aio.worker import AsyncWorker
from tests.redis.active_job.test_running import delayed, failures, wrapper
from tests.redis.bench import elements, eventually, note, put, seen


@pytest.fixture
def start(resque):
    """Fork an async worker on q; returns its pid."""
    pids = []

    def begin(interval, options=None):
        pid = os.fork()
        if pid == 0:
            try:
                AsyncWorker(resque, ["q"], 3, options).work(interval)
            finally:
                os._exit(0)
        pids.append(pid)
        return pid

    yield begin
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def waits(pid):
    return lambda: os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)


def test_an_event_loop_runs_them_by_their_inner_class(resque, start):
    """Values, retries and a job's own timeout; what is not async, or unknown, stays on its queue."""

    @active_job.job("WelcomeJob", registry=resque.registry)
    @active_job.retry_on(ValueError, wait=30, attempts=2, jitter=0)
    async def welcome(number: int) -> None:
        await asyncio.sleep(0)
        note(resque, f"{number} {active_job.current().executions} {active_job.current().locale}")
        if number == 2:
            raise ValueError("x")

    @active_job.job("SlowJob", timeout=0.1, registry=resque.registry)
    @active_job.retry_on(DirtyExit, wait=60, attempts=2, jitter=0)
    async def slow() -> None:
        await asyncio.sleep(30)

    @active_job.job("PlainJob", registry=resque.registry)
    def plain() -> None:
        note(resque, "never")

    left = [wrapper(job_class="PlainJob"), wrapper(job_class="Unknown")]
    put(resque, *left, wrapper(1), wrapper(2), wrapper(job_class="SlowJob"))
    eventually(waits(start(0)))
    assert sorted(seen(resque)) == ["1 1 de", "2 1 de"]
    found = {
        item["args"][0]["job_class"]: item["args"][0]["exception_executions"] for _, item in delayed(resque)
    }
    assert found == {"WelcomeJob": {"[ValueError]": 1}, "SlowJob": {"[Resque::DirtyExit]": 1}}
    assert elements(resque) == [one.encode() for one in left]
    assert failures(resque) == []


def test_a_step_that_a_stop_cuts_in_two_has_failed(resque, start):
    """The failure holds its cursor."""

    @active_job.job("WelcomeJob", continuable=True, registry=resque.registry)
    async def welcome() -> None:
        async def walk(step):
            step.advance()
            note(resque, "waits")
            await asyncio.sleep(30)

        await active_job.current().step("walk", walk, start=4)

    put(resque, wrapper())
    pid = start(0.05, WorkerOptions(stopping=Stopping(drain=0)))
    eventually(lambda: seen(resque))
    os.kill(pid, signal.SIGTERM)
    eventually(waits(pid))
    [failure] = failures(resque)
    assert failure["exception"] == "Resque::TermException"
    assert failure["payload"]["args"][0]["continuation"] == {"completed": [], "current": ["walk", 5]}
    assert delayed(resque) == []


def test_a_stop_lets_steps_reach_a_checkpoint(resque, start):
    """Within the drain; the job is put back with its cursor."""

    @active_job.job("WelcomeJob", continuable=True, registry=resque.registry)
    async def welcome() -> None:
        async def walk(step):
            while step.cursor < 100_000:
                step.advance()
                note(resque, str(step.cursor))
                await asyncio.sleep(0.001)

        await active_job.current().step("walk", walk, start=0)

    put(resque, wrapper())
    pid = start(0.05)
    eventually(lambda: seen(resque))
    os.kill(pid, signal.SIGTERM)
    eventually(waits(pid))
    [(_, item)] = delayed(resque)
    assert item["args"][0]["continuation"] == {"completed": [], "current": ["walk", len(seen(resque)) + 1]}
    assert failures(resque) == []
