"""The demo: Ruby's jobs on a real Redis, run by two Python workers, told as a story.

This module is also what the demo's workers import with `-r pyresque.demo`: the jobs below.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from pyresque.client.resque import Resque
from pyresque.config.server_setting import parse_server
from pyresque.config.settings import PREFIX
from pyresque.config.settings_file import NAMED_BY
from pyresque.errors import ConfigError, RedisUnavailable
from pyresque.keys import Keys
from pyresque.model.registry import job
from pyresque.store import failures, queues, stats, workers
from pyresque.store.connection.link import Link
from pyresque.store.connection.server import check
from pyresque.store.space import Space, remove_all
from pyresque.testing.redis_server import HOW_TO_GET_ONE, DevRedis, locate

Tell = Callable[[str], object]

# --- the jobs that Python knows ---------------------------------------------------------------------


@job(queue="images", name="ImageConversionJob")
def convert(image_id: int, format: str = "png") -> None:
    """A good job."""
    print(f"image {image_id} is now a {format}")  # noqa: T201 (that is what is to be seen)


@job(queue="mail", name="Users::WelcomeMailJob")
def welcome(name: str, options: dict[str, str]) -> None:
    """A good job with text of all the world."""
    print(f"a mail in {options['lang']} to {name}")  # noqa: T201 (that is what is to be seen)


@job(queue="reports", name="Reports::Monthly")
def report(seconds: float) -> None:
    """A slow job."""
    time.sleep(seconds)
    print(f"a report that took {seconds} s")  # noqa: T201 (that is what is to be seen)


@job(queue="billing", name="ChargeJob")
def charge(amount: int) -> None:
    """A job that fails."""
    if amount < 0:
        raise ValueError(f"cannot charge {amount} €")


# --- what Ruby enqueues -----------------------------------------------------------------------------

BAD_QUEUE = "legacy"
JOBS: tuple[tuple[str, str], ...] = (
    ("reports", '{"class":"Reports::Monthly","args":[0.8]}'),
    ("reports", '{"class":"Reports::Monthly","args":[0.5]}'),
    ("images", '{"class":"ImageConversionJob","args":[42,"webp"]}'),
    ("images", '{"class":"ImageConversionJob","args":[43]}'),
    ("mail", '{"class":"Users::WelcomeMailJob","args":["Zoë Müller",{"lang":"de"}]}'),
    ("mail", '{"class":"Users::WelcomeMailJob","args":["田中さくら",{"lang":"ja"}]}'),
    ("billing", '{"class":"ChargeJob","args":[-5]}'),
    (BAD_QUEUE, '{"class":"RubyOnlyJob","args":["only Ruby has my code"]}'),
)
WORKERS = 2
WORK = ("work", "-q", "*", "-r", "pyresque.demo", "--burst", "-v")

# What Ruby's variables in the user's shell say about their own workers is not meant for the demo's.
_NOT_OURS = (
    "QUEUE", "QUEUES", "COUNT", "INTERVAL", "MAX_INTERVAL", "MIN_INTERVAL", "BACKOFF_INTERVAL",
    "VERBOSE", "VVERBOSE", "LOGGING", "PIDFILE", "BACKGROUND", "TERM_CHILD", "GRACEFUL_TERM",
    "RESQUE_TERM_TIMEOUT", "RESQUE_PRE_SHUTDOWN_TIMEOUT", "RUN_AT_EXIT_HOOKS", "FORK_PER_JOB",
    "FAILURE_BACKEND", "RESQUE_PROCLINE_PREFIX", "RESQUE_REDIS_URL",
)  # fmt: skip


def _is_of_the_user(variable: str) -> bool:
    return variable in _NOT_OURS or (variable.startswith(PREFIX) and variable != "PYRESQUE_REDIS_SERVER")


# --- the story --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """Where the demo plays."""

    link: Link
    url: str
    namespace: str
    told: str

    @property
    def keys(self) -> Keys:
        """The names of the demo's keys."""
        return Keys(self.namespace)

    @property
    def space(self) -> Space:
        """The demo's part of Redis."""
        return Space(self.link, self.keys)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a `pyresque` command on this Redis, as a process of its own."""
        env = {name: value for name, value in os.environ.items() if not _is_of_the_user(name)}
        env |= {"REDIS_URL": self.url, "RESQUE_NAMESPACE": self.namespace, "PYTHONIOENCODING": "utf-8"}
        env[NAMED_BY] = os.devnull  # no settings file of theirs either
        return subprocess.Popen(
            [sys.executable, "-m", "pyresque", *words],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )


def run(server: str | None, tell: Tell) -> int:
    """Play the demo; returns the exit status.

    Args:
        server: the Redis to use; one is started if none is given.
        tell: takes the lines of the story.

    Raises:
        RedisError: there is no Redis to play on.
    """
    with _stage(server) as stage:
        tell("pyresque demo: jobs that Ruby enqueued, run by Python workers\n")
        tell(f"1. A real Redis: {stage.told}\n")
        _enqueue(stage, tell)
        good = _work(stage, tell)
        _look(stage, tell)
        good = _as_expected(stage) and good
    tell("Everything that the demo made is removed again.")
    if not good:
        tell("Something did not go as it should: please report what you see above.")
        return 1
    tell("Next: write your own jobs with @job and run them with   pyresque work -q '*' -r your.module")
    return 0


def _enqueue(stage: Stage, tell: Tell) -> None:
    tell("2. Jobs, byte for byte as Resque in Ruby writes them:\n")
    width = max(len(stage.keys.queue(name)) for name, _ in JOBS)
    for name, payload in JOBS:
        queues.push(stage.space, {name: [payload.encode()]})
        tell(f"   RPUSH {stage.keys.queue(name):<{width}}  {payload}")
    tell("")


def _work(stage: Stage, tell: Tell) -> bool:
    """Run the workers and tell what they print, as it comes; whether all ended well."""
    tell(f"3. {WORKERS} workers, each started with\n")
    tell(f"   $ pyresque {_typed(WORK)}\n")
    processes = [stage.start(*WORK) for _ in range(WORKERS)]
    lines: queue.Queue[str | None] = queue.Queue()
    for number, process in enumerate(processes, 1):
        threading.Thread(target=_read, args=(process.stdout, number, lines), daemon=True).start()
    try:
        for _ in processes:
            while (line := lines.get()) is not None:
                tell(line)
        return [process.wait() for process in processes] == [0] * WORKERS
    finally:
        for process in processes:
            process.terminate()
            process.wait()
        tell("")


def _read(stream: IO[str] | None, number: int, lines: queue.Queue[str | None]) -> None:
    for line in stream or ():
        lines.put(f"   worker {number} | {line.rstrip()}")
    lines.put(None)


def _look(stage: Stage, tell: Tell) -> None:
    tell("4. What is left\n")
    _show(stage, tell, "info")
    tell("   The job that raised is in the failed list, where resque-web shows it too:\n")
    _show(stage, tell, "failed", "list")
    tell("   RubyOnlyJob is registered nowhere in Python, so no worker touched it. It waits for Ruby:\n")
    _show(stage, tell, "peek", BAD_QUEUE)


def _show(stage: Stage, tell: Tell, *words: str) -> None:
    tell(f"   $ pyresque {_typed(words)}")
    output, _ = stage.start(*words).communicate(timeout=60)
    for line in output.splitlines():
        tell(f"   {line}".rstrip())
    tell("")


def _typed(words: Sequence[str]) -> str:
    return " ".join("'*'" if word == "*" else word for word in words)


def _as_expected(stage: Stage) -> bool:
    space = stage.space
    return (
        sum(queues.sizes(space, list(dict(JOBS))).values()) == 1
        and queues.elements(space, BAD_QUEUE) == [JOBS[-1][1].encode()]
        and failures.count(space, "failed") == 1
        and stats.read(space, ["processed"]) == [len(JOBS) - 1]
        and not workers.ids(space)
    )


# --- its Redis --------------------------------------------------------------------------------------


@contextmanager
def _stage(server: str | None) -> Iterator[Stage]:
    if server is None:
        with _own_redis() as redis:
            link = Resque(redis.url).link
            try:
                told = f"started {redis.program} on {redis.address}, for this demo only"
                yield Stage(link, redis.url, "resque", told)
            finally:
                link.close()
        return
    url, namespace = parse_server(server).url, f"pyresque-demo-{os.getpid()}"
    link = Resque(url).link
    check(link)
    try:
        told = f"yours at {link.address}; every key of the demo begins with {namespace}:"
        yield Stage(link, url, namespace, told)
    finally:
        remove_all(Space(link, Keys(namespace)))
        link.close()


@contextmanager
def _own_redis() -> Iterator[DevRedis]:
    if locate() is None:
        raise RedisUnavailable(HOW_TO_GET_ONE, maybe_done=False)
    try:
        redis = DevRedis()
    except ConfigError as error:
        raise RedisUnavailable(str(error), maybe_done=False) from None
    try:
        yield redis
    finally:
        redis.stop()
