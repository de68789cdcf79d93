"""The job classes of the traces, in Python: what they are to do is told in the `setup` of each and in
docs/protocol/conformance/README.md#the-job-classes-in-the-traces.

Their names, queues, hooks and errors are those of the Ruby classes: an exception with a `ruby_name` is
recorded under that name, so that the records can be compared to the letter.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import redis

from pyresque import DontPerform, job
from pyresque.errors import ResqueError
from pyresque.failure import Backend, Failure
from pyresque.registry import Registry
from pyresque.wire.ruby_inspect import inspect


class ArgumentError(ResqueError):
    """Ruby's."""

    ruby_name = "ArgumentError"


class IOError(ResqueError):
    """Ruby's."""

    ruby_name = "IOError"


def append(key: str, line: str) -> None:
    """Append a line to a list of the namespace `resque`, over a connection of the job's own."""
    with redis.Redis.from_url(os.environ["TRACE_REDIS"]) as client:
        client.rpush(f"resque:{key}", line)


def log(line: str) -> None:
    """Append a line to the hook log."""
    append("hooklog", line)


class OkJob:
    queue = "jobs"

    @staticmethod
    def perform(*args: Any) -> None:
        pass


class EchoJob:
    queue = "jobs"

    @staticmethod
    def perform(*args: Any) -> None:
        append("echo", inspect(args))


class FailJob:
    queue = "jobs"

    @staticmethod
    def perform(*args: Any) -> None:
        raise ArgumentError(f"boom {inspect(args)}")


class SleepQuiet:
    """Tells by a file that it has begun."""

    queue = "jobs"

    @staticmethod
    def perform(seconds: float) -> None:
        Path(os.environ["TRACE_BEGUN"]).touch()
        time.sleep(seconds)


class KillSelfJob:
    queue = "jobs"

    @staticmethod
    def perform(name: str) -> None:
        os.kill(os.getpid(), signal.Signals[f"SIG{name}"])
        time.sleep(30)


class ExitBangJob:
    queue = "jobs"

    @staticmethod
    def perform(status: int) -> None:
        os._exit(status)


class DontPerformJob:
    queue = "jobs"

    @staticmethod
    def before_perform_x(*args: Any) -> None:
        raise DontPerform

    @staticmethod
    def on_failure_x(error: BaseException, *args: Any) -> None:
        log("on_failure_x")

    @staticmethod
    def perform(*args: Any) -> None:
        log("perform")


class NoEnqJob:
    queue = "jobs"

    @staticmethod
    def before_enqueue_x(*args: Any) -> bool:
        return False

    @staticmethod
    def perform(*args: Any) -> None:
        pass


class HookTrace:
    queue = "jobs"

    before_enqueue_a = staticmethod(lambda *args: log("before_enqueue_a"))
    before_enqueue_b = staticmethod(lambda *args: log("before_enqueue_b"))
    after_enqueue_x = staticmethod(lambda *args: log("after_enqueue_x"))
    before_perform_a = staticmethod(lambda *args: log("before_perform_a"))
    before_perform_b = staticmethod(lambda *args: log("before_perform_b"))
    after_perform_x = staticmethod(lambda *args: log("after_perform_x"))

    @staticmethod
    def around_perform_a(*args: Any) -> Any:
        log("around_a in")
        yield
        log("around_a out")

    @staticmethod
    def around_perform_b(*args: Any) -> None:
        *_, run = args
        log("around_b in")
        run()
        log("around_b out")

    @staticmethod
    def on_failure_x(error: BaseException, *args: Any) -> None:
        log(f"on_failure_x {type(error).__name__}")

    @staticmethod
    def perform(what: str) -> None:
        log("perform")
        if what == "fail":
            raise RuntimeError("asked to fail")


def described(error: BaseException) -> str:
    """`Class: text` with the name that Ruby knows."""
    return f"{getattr(error, 'ruby_name', None) or type(error).__name__}: {error_text(error)}"


def error_text(error: BaseException) -> str:
    """Python's SystemExit has no text; Ruby's says `exit`."""
    return "exit" if isinstance(error, SystemExit) else str(error)


class AlwaysTrace:
    queue = "jobs"

    before_perform_x = staticmethod(lambda *args: log("before_perform_x"))
    after_perform_x = staticmethod(lambda *args: log("after_perform_x"))
    always = staticmethod(lambda *args: log(f"always {inspect(args)}"))
    always_a = staticmethod(lambda *args: log(f"always_a {inspect(args)}"))
    always_b = staticmethod(lambda *args: log(f"always_b {inspect(args)}"))

    @staticmethod
    def around_perform_x(*args: Any) -> Any:
        log("around in")
        yield
        log("around out")

    @staticmethod
    def on_failure_x(error: BaseException, *args: Any) -> None:
        log(f"on_failure_x {described(error)}")

    @staticmethod
    def perform(what: str, *args: Any) -> None:
        log("perform")
        if what == "fail":
            raise ArgumentError("asked to fail")
        if what == "kill":
            KillSelfJob.perform("KILL")
        if what == "exit!":
            os._exit(3)
        if what == "exit":
            sys.exit()


class AlwaysStop:
    queue = "jobs"

    before_perform_b = staticmethod(lambda *args: log("before_perform_b"))
    after_perform_x = staticmethod(lambda *args: log("after_perform_x"))

    @staticmethod
    def before_perform_a(what: str, *args: Any) -> None:
        log("before_perform_a")
        if what == "stop":
            raise DontPerform

    @staticmethod
    def around_perform_x(*args: Any) -> None:
        log("around, no continuation")

    @staticmethod
    def on_failure_x(error: BaseException, *args: Any) -> None:
        log(f"on_failure_x {described(error)}")

    @staticmethod
    def always_x(what: str, how: str = "") -> None:
        log("always_x")
        if how == "raise":
            raise IOError("always broke")

    @staticmethod
    def perform(*args: Any) -> None:
        log("perform")


class AlwaysBroken:
    queue = "jobs"

    always_b = staticmethod(lambda *args: log("always_b"))

    @staticmethod
    def always_a(*args: Any) -> None:
        log("always_a")
        raise IOError("always broke")

    @staticmethod
    def on_failure_x(error: BaseException, what: str) -> None:
        log(f"on_failure_x {described(error)}")
        if what == "both":
            raise KeyError("hook broke")

    @staticmethod
    def perform(what: str) -> None:
        log("perform")
        if what != "ok":
            raise ArgumentError("first error")


class KillHookBroken:
    queue = "jobs"

    @staticmethod
    def on_failure_x(error: BaseException, *args: Any) -> None:
        log(f"on_failure_x {described(error).partition(': ')[0]}")
        raise KeyError("hook broke")

    @staticmethod
    def perform(*args: Any) -> None:
        KillSelfJob.perform("KILL")


JOBS = (
    OkJob, EchoJob, FailJob, SleepQuiet, KillSelfJob, ExitBangJob, DontPerformJob, NoEnqJob, HookTrace,
    AlwaysTrace, AlwaysStop, AlwaysBroken, KillHookBroken,
)  # fmt: skip


def register(registry: Registry) -> None:
    """Register all of them under their names."""
    for one in JOBS:
        job(registry=registry)(one)


class IdBackend(Backend):
    """Appends the failure_id to `resque:ids`."""

    def save(self, failure: Failure) -> None:
        append("ids", json.dumps(failure.failure_id))


class PlainBackend(Backend):
    """Appends the error to `resque:plain`."""

    def save(self, failure: Failure) -> None:
        append("plain", f"{failure.exception}: {failure.error}")


class RaisingBackend(Backend):
    """Cannot save."""

    def save(self, failure: Failure) -> None:
        raise IOError("backend is down")


class RaisingBackend2(Backend):
    """Cannot save either."""

    def save(self, failure: Failure) -> None:
        raise KeyError('no "key"')
