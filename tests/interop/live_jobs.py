"""The Python jobs of the live tests: the same names, arguments and evidence as interop/ruby/jobs.rb.

As a program (`live_jobs.main()`) it is a worker that obeys Ruby's environment variables, prints
"READY <worker id>" and works until a signal, or until its queues are empty with INTERVAL=0.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import redis

from pyresque import DontPerform, Resque, Retry, Worker, job
from pyresque.config import Config
from pyresque.failure import backend_named
from pyresque.registry import Registry

registry = Registry()


class ArgumentError(Exception):
    """Called as what Ruby's jobs raise."""


def leave(list_name: str, class_name: str, args: Any, **extra: Any) -> None:
    """Leave evidence where the tests, and Ruby, can read it."""
    note = {"class": class_name, "args": args, "lang": "python", "pid": os.getpid(), **extra}
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as connection:
        connection.rpush(f"resque:interop:{list_name}", json.dumps(note, ensure_ascii=False))


def boom(args: Any) -> ArgumentError:
    """The error of a job that fails; for plain arguments the same text as Ruby's."""
    return ArgumentError("boom " + json.dumps(args, ensure_ascii=False))


@job(queue="jobs", name="OkJob", registry=registry)
def ok(*args: Any) -> None:
    """Only the counters tell that it ran."""


@job(queue="jobs", name="EchoJob", registry=registry)
def echo(*args: Any) -> None:
    leave("done", "EchoJob", args)


@job(queue="jobs", name="FailJob", registry=registry)
def fail(*args: Any) -> None:
    raise boom(args)


@job(queue="jobs", name="SleepJob", registry=registry)
def sleep(seconds: float, *rest: Any) -> None:
    leave("started", "SleepJob", [seconds, *rest])
    time.sleep(seconds)
    leave("done", "SleepJob", [seconds, *rest])


@job(queue="jobs", name="UnicodeFailJob", registry=registry)
def unicode_fail(*args: Any) -> None:
    raise RuntimeError("Grüße aus Zürich: 失敗 💥")


@job(queue="jobs", name="KillSelfJob", registry=registry)
def kill_self(name: str = "KILL") -> None:
    leave("started", "KillSelfJob", [name])
    os.kill(os.getpid(), signal.Signals[f"SIG{name}"])
    time.sleep(5)
    leave("done", "KillSelfJob", [name])


@job(queue="shared", name="SharedJob", registry=registry)
def shared(*args: Any) -> None:
    leave("done", "SharedJob", args)


@job(queue="python", name="PyEcho", registry=registry)
def py_echo(*args: Any) -> None:
    """No Ruby process knows it."""
    leave("done", "PyEcho", args)


@job(queue="python", name="PyFail", registry=registry)
def py_fail(*args: Any) -> None:
    raise boom(args)


@job(queue="jobs", name="HookedJob", registry=registry)
class HookedJob:
    """Every job hook there is, steered by the first argument as in jobs.rb."""

    @staticmethod
    def before_enqueue_log(*args: Any) -> bool:
        return _note("before_enqueue", args) and args[:1] != ("refuse",)

    @staticmethod
    def after_enqueue_log(*args: Any) -> None:
        _note("after_enqueue", args)

    @staticmethod
    def before_dequeue_log(*args: Any) -> bool:
        return _note("before_dequeue", args) and args[:1] != ("refuse",)

    @staticmethod
    def after_dequeue_log(*args: Any) -> None:
        _note("after_dequeue", args)

    @staticmethod
    def before_perform_log(*args: Any) -> None:
        _note("before_perform", args)
        if args[:1] == ("dont",):
            raise DontPerform

    @staticmethod
    def around_perform_log(*args: Any) -> Iterator[None]:
        _note("around_perform begin", args)
        if args[:1] != ("skip",):
            yield
        _note("around_perform end", args)

    @staticmethod
    def perform(*args: Any) -> None:
        _note("perform", args)
        if args[:1] == ("fail",):
            raise boom(args)

    @staticmethod
    def after_perform_log(*args: Any) -> None:
        _note("after_perform", args)

    @staticmethod
    def on_failure_log(error: BaseException, *args: Any) -> None:
        _note(f"on_failure {type(error).__name__}: {error}", args)

    @staticmethod
    def always_log(*args: Any) -> None:
        _note("always", args)


@job(queue="retried", name="RetriedJob", retry=Retry(limit=3, backoff=60, quiet=True), registry=registry)
def retried(*args: Any) -> None:
    """Fails, and is to be tried again in a minute."""
    leave("tried", "RetriedJob", list(args))
    raise boom(list(args))


def _note(hook: str, args: Any) -> bool:
    leave("hooks", "HookedJob", args, hook=hook)
    return True


def main() -> None:
    """Be a worker, as the environment says."""
    config = Config.from_env(os.environ)
    if config.verbosity:
        logging.basicConfig(level=logging.DEBUG if config.verbosity > 1 else logging.INFO)
    backend = backend_named(config.failure_backend)
    resque = Resque(config.server, config.namespace, failure=backend, registry=registry)
    worker = Worker(resque, config.queues or (), config.worker)
    print(f"READY {worker.id}", flush=True)
    worker.work()
