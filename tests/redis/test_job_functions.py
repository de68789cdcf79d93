"""Job functions as people write them, through the real program: each gets what was meant, or is refused."""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from pathlib import Path

import pytest

from pyresque import Resque
from pyresque.testing.redis_server import DevRedis
from tests.redis import job_functions
from tests.redis.job_functions import CASES, TARGETS
from tests.redis.test_arguments import MODES
from tests.unit.cli.program import Live, Program, end_all, until

MODULE = Path(job_functions.__file__).read_text()
ASYNC_MODULE = re.sub(r"(?m)^def (j_\w+)", r"async def \1", MODULE)


@pytest.mark.parametrize("mode", list(MODES))
def test_every_function_gets_its_arguments(
    mode: str, resque: Resque, server: DevRedis, tmp_path: Path
) -> None:
    """From a list of Ruby's and from a call in Python, in every mode: what arrives is what was meant."""
    program = Program(tmp_path, server.url)
    program.jobs(ASYNC_MODULE if mode == "async" else MODULE)
    named = {name: case for name, case in CASES.items() if mode != "async" or name.startswith("j_")}
    python = Resque(server.url)
    expected: Counter[tuple[str, str]] = Counter()
    sent = 0
    for name, (ruby, call, got) in named.items():
        resque.push("q", {"class": name, "args": ruby})
        if call is not None:
            args, kwargs = call
            assert python.enqueue(TARGETS[name], *args, **kwargs)
        times = 1 if call is None else 2
        sent += times
        if name != "s_builtin":  # it cannot note anything
            expected[name, repr(got)] += times
    notes = tmp_path / "notes"
    worker = Live(
        program.start("work", "-q", "q", "-r", "jobs", *MODES[mode], NOTES=str(notes)), program, resque
    )
    try:
        until(lambda: resque.stat("processed") >= sent or worker.process.poll() is not None)
        code, told = worker.end(signal.SIGQUIT)
    finally:
        end_all([worker])
        python.close()
    failed = [
        (one.class_name, one.payload["args"], one.text("error")) for one in resque.failures.list(0, 1000)
    ]
    assert (code, failed, resque.size("q")) == (0, [], 0), told
    assert Counter(tuple(json.loads(line)) for line in notes.read_text().splitlines()) == expected


def test_what_nobody_understands_is_told_at_the_start(program: Program) -> None:
    """An annotation that cannot be resolved, or is none, is told with job and parameter; the others hold."""
    program.jobs(MODULE)
    done = program.run("work", "--burst", "-q", "q", "-r", "jobs")
    assert done.returncode == 0, done.stderr
    for words in (
        r"j_for_people: n is annotated .*number of users.*cannot be resolved",
        r"j_no_types: b is annotated 'len', which is not a type",
        r"j_type_checking: user is annotated 'User \| None', which cannot be resolved",
    ):
        assert re.search(words, done.stderr), done.stderr
    assert "when is annotated" not in done.stderr


IMPOSSIBLE = """
from __future__ import annotations
import dataclasses, re
from collections.abc import Callable, Generator
from typing import Never, Protocol
from pyresque import job

class Session: ...
class Sends(Protocol):
    def send(self) -> None: ...

@dataclasses.dataclass
class Holder:
    session: Session

@job(queue="q")
def session_(session: Session, n: int): ...
@job(queue="q")
def callback(n: int, done: Callable[[int], None]): ...
@job(queue="q")
def generator(numbers: Generator[int, None, None]): ...
@job(queue="q")
def inside(holder: Holder): ...
@job(queue="q")
def many(sessions: list[Session]): ...
@job(queue="q")
def protocol(sender: Sends): ...
@job(queue="q")
def never(n: Never): ...
@job(queue="q")
def keyword(n: int, *, session: Session): ...
@job(queue="q")
def pattern(p: re.Pattern): ...
"""


@pytest.mark.parametrize("mode", [*MODES, "pool"])
def test_a_job_that_could_never_run_is_refused_at_the_start(mode: str, program: Program) -> None:
    """All of them with their parameters, as a mistake in a setting; no traceback."""
    flags = MODES.get(mode, ["-n", "2"])
    text = IMPOSSIBLE.replace("def keyword", "async def keyword")
    program.jobs(text)
    done = program.run("work", "--burst", "-q", "q", "-r", "jobs", *flags)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for name, parameter in [
        ("session_", "session"), ("callback", "done"), ("generator", "numbers"), ("inside", "holder"),
        ("many", "sessions"), ("protocol", "sender"), ("never", "n"), ("keyword", "session"),
        ("pattern", "p"),
    ]:  # fmt: skip
        assert re.search(rf"  {name}: {parameter} is annotated ", done.stderr), (name, done.stderr)


RECORDS = """
from pyresque import active_job

class User:
    def __init__(self, id): self.id = id

@active_job.resolver("User")
async def user(gid): return User(gid.id)

@active_job.job("WelcomeJob", queue="q")
def welcome(user: User, *, note: "for people" = None):
    assert (user.id, note) == ("5", "x"), (user.id, note)
"""


@pytest.mark.parametrize("mode", [one for one in MODES if one != "async"])
def test_an_active_job_gets_records(mode: str, program: Program, resque: Resque) -> None:
    """Nothing from JSON is a User, but the record that a resolver finds is; the resolver may be async."""
    program.jobs(RECORDS)
    arguments = [
        {"_aj_globalid": "gid://app/User/5"},
        {"note": "x", "_aj_ruby2_keywords": ["note"]},
    ]
    data = {"job_class": "WelcomeJob", "job_id": "1", "queue_name": "q", "arguments": arguments}
    resque.push("q", {"class": "ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper", "args": [data]})
    done = program.run("work", "--burst", "-q", "q", "-r", "jobs", *MODES[mode])
    assert done.returncode == 0, done.stderr
    assert "WelcomeJob: note is annotated 'for people'" in done.stderr
    assert [one.text("error") for one in resque.failures.list(0, 10)] == []
    assert resque.stat("processed") == 1


YIELDING = """
import contextlib, functools
from pyresque import job

def traced(function):
    @functools.wraps(function)
    def inner(*args):
        return function(*args)
    return inner

@job(queue="q")
@traced
def behind_wraps(n):
    yield n
@job(queue="q")
@contextlib.contextmanager
def manager(n):
    yield n
@job(queue="q")
def makes_one(n):
    return _items(n)
def _items(n):
    yield n
@job(queue="q")
def expression(n):
    return (one for one in [n])
@job(queue="q")
def used(n):
    items = _items(n)
    next(items)
    return items
"""
ASYNC_YIELDING = YIELDING.replace("def behind_wraps", "async def behind_wraps").replace(
    "@contextlib.contextmanager\ndef", "@contextlib.asynccontextmanager\nasync def"
)


@pytest.mark.parametrize("mode", [one for one in MODES if one != "async"])
@pytest.mark.parametrize("text", [YIELDING, ASYNC_YIELDING])
def test_a_yield_behind_a_decorator_is_no_done_job(
    mode: str, text: str, program: Program, resque: Resque
) -> None:
    """Nothing of it ran; a generator that the job has used, or an expression, is its own."""
    program.jobs(text)
    for name in ("behind_wraps", "manager", "makes_one", "expression", "used"):
        resque.enqueue(name, 1, queue="q")
    done = program.run("work", "--burst", "-q", "q", "-r", "jobs", *MODES[mode])
    assert done.returncode == 0, done.stderr
    failed = {one.class_name: one.text("error") for one in resque.failures.list(0, 10)}
    assert set(failed) == {"behind_wraps", "manager", "makes_one"}
    assert all("yields" in text for text in failed.values())


HIDDEN = """
import asyncio, functools
from pyresque import job

def bare(function):
    def inner(*args):
        return function(*args)
    return inner
def run(function):
    @functools.wraps(function)
    def inner(*args):
        return asyncio.run(function(*args))
    return inner

@job(queue="q")
async def seen(n): ...
@job(queue="q", name="hidden")
@bare
async def hidden(n): ...
@job(queue="q")
@run
async def runs_itself(n): ...
@job(queue="q")
def plain(n): ...
"""


def test_an_async_worker_tells_what_it_leaves(program: Program, resque: Resque) -> None:
    """Jobs that are no `async def`, or hide that: they stay for another worker, and the log says so."""
    program.jobs(HIDDEN)
    for name in ("seen", "hidden", "runs_itself", "plain"):
        resque.enqueue(name, 1, queue="q")
    done = program.run("work", "--burst", "-q", "q", "-r", "jobs", "--async-concurrency", "2")
    assert re.search(r"left to workers without --async-concurrency.*hidden, plain, runs_itself", done.stderr)
    assert resque.size("q") == 3
    assert program.run("work", "--burst", "-q", "q", "-r", "jobs", "--no-fork").returncode == 0
    assert (resque.stat("processed"), resque.stat("failed")) == (4, 0)
