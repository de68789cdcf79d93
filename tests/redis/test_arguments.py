"""The arguments of a job are the job's; what is recorded, retried and counted is what was enqueued."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyresque import Resque
from pyresque.testing.redis_server import DevRedis
from tests.redis import greedy_jobs
from tests.redis.greedy_jobs import PLACES, WHATS
from tests.unit.cli.program import Live, Program, end_all, until

MODES = {
    "fork": [],
    "jobs per fork": ["--jobs-per-fork", "50"],
    "no fork": ["--no-fork"],
    "async": ["--async-concurrency", "3"],
}
ITEMS, OPTIONS = [1, [2], {"a": None}], {"k": [1], "n": {"m": 1}}

Started = Callable[[str], Live]


@pytest.fixture
def start(resque: Resque, server: DevRedis, tmp_path: Path) -> Iterator[Started]:
    """Starts a worker in this mode."""
    program = Program(tmp_path, server.url)
    program.jobs(Path(greedy_jobs.__file__).read_text())
    workers: list[Live] = []

    def started(mode: str) -> Live:
        # To a file: nobody reads its many tracebacks from a pipe.
        words = ["work", "-q", "q", "-r", "jobs", "-v", "--log-file", "log", *MODES[mode]]
        workers.append(Live(program.start(*words, MODE=mode), program, resque))
        return workers[-1]

    yield started
    end_all(workers)


def delayed(resque: Resque) -> list[dict[str, object]]:
    """The delayed jobs, as they stand there."""
    found = []
    for key in resque.link.execute("KEYS", "resque:delayed:*"):
        found += [json.loads(raw) for raw in resque.link.execute("LRANGE", key, 0, -1)]
    return found


@pytest.mark.parametrize("mode", list(MODES))
def test_what_a_job_does_to_its_arguments_is_not_recorded(mode: str, start: Started, resque: Resque) -> None:
    """Nor retried, nor counted: it clears them, adds to them, makes them endless, deep, or unwritable; in
    hooks before it, in itself, in hooks behind it. The worker is well, and done jobs are done."""
    worker = start(mode)
    for place in PLACES:
        for what in WHATS:
            for kind in ("Fails", "Done", "Later", "Again"):
                resque.enqueue(f"{kind}_{place}", what, ITEMS, OPTIONS, queue="q")
    each = len(PLACES) * len(WHATS)
    until(lambda: resque.stat("processed") >= each * (1 + 1 + 1 + 3))
    code, told = worker.end(signal.SIGQUIT)
    assert code == 0, told
    failures = resque.failures.list(0, 1000)
    assert all(one.payload["args"][1:] == [ITEMS, OPTIONS] for one in failures)
    assert {one.text("exception") for one in failures} == {"LookupError"}
    found = Counter((one.class_name, one.payload["args"][0]) for one in failures)
    times = {"Fails": 1, "Later": 1, "Again": 3}
    expected = {(f"{kind}_{p}", what): n for kind, n in times.items() for p in PLACES for what in WHATS}
    assert found == expected
    items = delayed(resque)
    assert Counter((one["class"], one["args"][0]) for one in items) == {  # type: ignore[index]
        (f"Later_{place}", what): 1 for place in PLACES for what in WHATS
    }
    assert all(one["args"][1:] == [ITEMS, OPTIONS] for one in items)  # type: ignore[index]
    counters = resque.link.execute("KEYS", "resque:resque-retry:*")
    assert len(counters) == each  # those of the delayed ones: an attempt that was the last leaves none
    assert resque.size("q") == 0
    assert resque.link.execute("KEYS", "resque:worker:*") == []
