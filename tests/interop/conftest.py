"""Fixtures of the interop tests, and the line of the summary that says which Ruby they had.

The Ruby is chosen when the tests have been collected, not within a test: building an image takes longer
than any test may.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pyresque import Resque
from pyresque.devredis import DevRedis
from tests.interop import ruby as rubies
from tests.interop.ruby import Found, Language, Python, Ruby

_CHOICE = pytest.StashKey[tuple[Found | None, list[str]]]()
_OUTCOMES = pytest.StashKey[Counter[str]]()
_config: pytest.Config | None = None


@pytest.hookimpl(tryfirst=True)  # before -m deselects
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "ruby" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.live_ruby)


def pytest_collection_finish(session: pytest.Session) -> None:
    global _config
    _config = session.config
    session.config.stash[_OUTCOMES] = Counter()
    wanted = any(item.get_closest_marker("live_ruby") for item in session.items)
    if wanted and not session.config.option.collectonly:
        session.config.stash[_CHOICE] = rubies.choose()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if _config is None or "live_ruby" not in report.keywords:
        return
    outcomes = _config.stash[_OUTCOMES]
    if report.when == "call" or (report.when == "setup" and report.skipped):
        outcomes[report.outcome] += 1
    elif report.failed:
        outcomes["error"] += 1


@pytest.hookimpl(wrapper=True, tryfirst=True)  # the very last line but for the counts
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> Iterator[None]:
    yield
    choice = config.stash.get(_CHOICE, None)
    if choice is not None:
        terminalreporter.write_line(_told(*choice, config.stash[_OUTCOMES]))


def pytest_unconfigure(config: pytest.Config) -> None:
    found, _ = config.stash.get(_CHOICE, (None, []))
    if found is not None:
        rubies.release(found)


def _told(found: Found | None, reasons: list[str], outcomes: Counter[str]) -> str:
    ran = outcomes["passed"] + outcomes["failed"]
    counts = [f"{ran} cases ran, {outcomes['passed']} passed"]
    counts += [f"{outcomes[what]} {word}" for what, word in _ALSO.items() if outcomes[what]]
    what = f"live Ruby: {found.text}" if found else "live Ruby: none, only the recorded traces"
    why = f" [{'; '.join(reasons)}]" if reasons else ""
    return f"{what}: {', '.join(counts)}{why}"


_ALSO = {"failed": "failed", "error": "errors", "skipped": "skipped"}


@pytest.fixture(scope="session")
def _ruby(
    server: DevRedis, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ruby]:
    found, reasons = request.config.stash[_CHOICE]
    if found is None:
        # Who asks for a certain Ruby wants to hear that it is none.
        asked_for = os.environ.get("PYRESQUE_RUBY", "none") != "none"
        (pytest.fail if asked_for else pytest.skip)(f"no Ruby in which Resque runs: {'; '.join(reasons)}")
    ruby = Ruby(found, rubies.url_for(found, server.url), tmp_path_factory.mktemp("ruby"))
    yield ruby
    ruby.close()


@pytest.fixture
def ruby(_ruby: Ruby, resque: Resque) -> Ruby:
    """Real Ruby Resque on the (empty) Redis of this test."""
    return _ruby


@pytest.fixture
def python(server: DevRedis, resque: Resque, tmp_path: Path) -> Iterator[Python]:
    """Our workers on the Redis of this test."""
    python = Python(server.url, tmp_path)
    yield python
    python.close()


@pytest.fixture(params=["ruby", "python"])
def runner(request: pytest.FixtureRequest, ruby: Ruby, python: Python) -> Language:
    """Whose workers run the jobs: the test holds for both."""
    return ruby if request.param == "ruby" else python


@pytest.fixture(params=["ruby", "python"])
def enqueue(request: pytest.FixtureRequest, ruby: Ruby, styled: Resque) -> Callable[..., Any]:
    """Who enqueues: `enqueue(class_name, *args, queue="jobs")`."""
    if request.param == "ruby":
        return ruby.enqueue

    def enqueued(class_name: str, *args: Any, queue: str = "jobs") -> None:
        assert styled.enqueue(class_name, *args, queue=queue) is True

    return enqueued


@pytest.fixture
def styled(ruby: Ruby, server: DevRedis, resque: Resque) -> Iterator[Resque]:
    """A Resque of ours that writes JSON as this Ruby does; it knows the jobs of live_jobs.py."""
    from tests.interop import live_jobs

    styled = Resque(server.url, json_style=ruby.json_style, registry=live_jobs.registry)
    yield styled
    styled.close()


@pytest.fixture
def evidence(resque: Resque) -> Callable[[str], list[dict[str, Any]]]:
    """What the jobs have left: `evidence("done")`."""

    def read(list_name: str) -> list[dict[str, Any]]:
        raws = resque.link.execute("LRANGE", f"resque:interop:{list_name}", 0, -1)
        return [json.loads(raw) for raw in raws]

    return read
