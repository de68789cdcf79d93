"""The Python jobs of the live Active Job tests: those of interop/ruby/active_job_setup.rb and of the
application in interop/ruby/rails_app, by their names.

As a program (`main()`) it is a worker that obeys Ruby's environment variables, as live_jobs.py. RAILS is the
version of Rails that reads what the jobs enqueue.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import Any

import redis

from pyresque import Resque, Worker, active_job
from pyresque.active_job import GlobalID
from pyresque.config import Config
from pyresque.registry import Registry

registry = Registry()


class AppError(Exception):
    """By Ruby's name."""


def leave(list_name: str, value: Any) -> None:
    """Leave evidence where the tests can read it."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as connection:
        connection.rpush(f"resque:interop:{list_name}", json.dumps(value, ensure_ascii=False, default=repr))


def resque() -> Resque:
    """The Resque of this process."""
    return Resque(os.environ["REDIS_URL"], registry=registry)


@active_job.job("ShapeJob", queue="python", registry=registry)
def shape(name: str, *args: Any, **words: Any) -> None:
    """Send back to Ruby what came from there."""
    active_job.enqueue_many(
        resque(), [active_job.prepare("ShapeCheck", name, *args, **words).set(queue="ruby")]
    )


@active_job.job("TurnsJob", queue="python", registry=registry)
@active_job.retry_on(AppError, wait=0, attempts=4, queue="ruby", jitter=0)
def turns(text: str) -> None:
    """Fail always."""
    executions = active_job.current().executions
    leave("turns", f"python {executions} {text}")
    raise AppError(f"boom {executions}")


@active_job.job("PythonJob", queue="python", registry=registry)
def python_job(user: GlobalID, *, at: Any = None) -> None:
    """Leave what it got."""
    job = active_job.current()
    leave("python", {"id": user.id, "at": repr(at), "locale": job.locale, "zone": job.timezone})


@active_job.job("WelcomeJob", queue="python", registry=registry)
def welcome(user: GlobalID, *, at: datetime) -> None:
    """Send the record back to Rails."""
    active_job.enqueue(resque(), "GreetedJob", user, f"Welcome, number {user.id}", at=at, queue="ruby")


@active_job.job("FlakyJob", queue="python", registry=registry)
@active_job.retry_on(AppError, wait=1, attempts=3)
def flaky(user: GlobalID, *, at: datetime) -> None:
    """Fail at first; then the same."""
    if active_job.current().executions == 1:
        raise AppError("not yet")
    welcome(user, at=at)


def main() -> None:
    """Be a worker, as the environment says."""
    config = Config.from_env(os.environ)
    active_job.configure(rails=os.environ["RAILS"], registry=registry)
    worker = Worker(resque(), config.queues or (), config.worker)
    print(f"READY {worker.id}", flush=True)
    worker.work()
