"""Fixtures of all tests: a real Redis server of our own, emptied before each test that uses it."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Generator, Iterator

import hypothesis
import pytest

from pyresque import Resque
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry
from pyresque.testing.redis_server import DevRedis, running

pytest_plugins = ["tests.live_ruby", "tests.model.summary"]

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("without a deadline", deadline=None)
hypothesis.settings.load_profile("without a deadline")


def pytest_collection_finish() -> None:
    """Keep garbage collection in the processes that tests fork from touching, and so copying, all tests."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Close the loop that a worker in this process has offered to jobs which ask for one (`offer_loop`)."""
    events = sys.modules.get("asyncio.events")
    loop = getattr(getattr(getattr(events, "_event_loop_policy", None), "_local", None), "_loop", None)
    if type(loop).__module__.startswith("pyresque.") and not loop.is_running():
        loop.close()
        events.set_event_loop(None)  # type: ignore[union-attr]  # there is a loop, so it is there


@pytest.fixture(scope="session")
def server() -> Iterator[DevRedis]:
    """A redis-server on a free port, never the user's."""
    with running() as server:
        yield server


@pytest.fixture
def registry() -> Registry:
    """An empty registry of jobs."""
    return Registry(WorkerHooks())


@pytest.fixture
def resque(server: DevRedis, registry: Registry) -> Iterator[Resque]:
    """A Resque on an empty Redis, with no jobs registered yet: use `@job(registry=resque.registry)`."""
    server.empty()
    resque = Resque(server.url, registry=registry)
    yield resque
    resque.close()


@pytest.fixture
def in_a_worker() -> Iterator[None]:
    """SIGINT has a handler that only takes a note, so that a KeyboardInterrupt is nobody's Ctrl-C."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test has printed may hold halves of characters, which no process can hand to another."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode("utf-8")) for name, text in report.sections
    ]
    return report
