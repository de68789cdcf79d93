"""Fixtures of the interop tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pyresque import Resque
from pyresque.testing.redis_server import DevRedis
from tests.interop.choice import Found, url_for
from tests.interop.ruby import Language, Python, Ruby


@pytest.fixture(scope="session")
def _ruby(server: DevRedis, found_ruby: Found, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ruby]:
    ruby = Ruby(found_ruby, url_for(found_ruby, server.url), tmp_path_factory.mktemp("ruby"))
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
