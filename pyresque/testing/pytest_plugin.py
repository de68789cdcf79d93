"""Fixtures for pytest, found by themselves once pyresque is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyresque.testing.redis_server import DevRedis


@pytest.fixture(scope="session")
def _resque_redis_server() -> Iterator[DevRedis]:
    # Imported late: this module is loaded by every pytest run of everybody who has pyresque installed.
    from pyresque.testing.redis_server import running

    with running() as server:
        yield server


@pytest.fixture
def resque_redis(_resque_redis_server: DevRedis) -> str:
    """The URL of an empty, private, real Redis."""
    _resque_redis_server.empty()
    return _resque_redis_server.url
